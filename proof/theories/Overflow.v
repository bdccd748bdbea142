(** No overflow: a file is refused unless no image and no box can make a number beyond 2^30, so the
    program's 32-bit integers compute what the integers of this development are.

    [fits] is the refusal of docs/model-format.md, "Valid files". *)

From Coq Require Import ZArith Reals List Lia.
From Linf Require Import Network Bounds Radius Pruning Evaluation.
Import ListNotations.
Open Scope bool_scope.
Open Scope Z_scope.

(** * Definitions *)

Definition limit : Z := 1073741824.

(** The bounds over the box of every layer's inputs: no weight and no distance is beyond the limit. *)
Fixpoint layers_fit (ls : list layer) (box : list interval) : bool :=
  match ls with
  | [] => true
  | l :: ls =>
      let next := map (unit_bounds (in_tree point (tree_of box))) l in
      forallb (forallb (fun w => Z.abs (snd w) <=? limit)) l &&
      forallb (fun b => snd b <=? limit) next &&
      layers_fit ls next
  end.

(** The most that some members can add up to, for a class. *)
Definition most_of_members (net : network) (units : list interval) (k : nat) (some : list nat) : Z :=
  fold_right (fun member sum =>
    let unit := (member * classes net + k)%nat in
    let b := nth unit units point in
    let c := nth unit (bias net) 0 in
    Z.max (Z.abs (fst b + c)) (Z.abs (snd b + c)) + sum) 0 some.

(** The bounds of the last layer, read from trees: [bounds] walks lists. *)
Definition tree_of_bounds (ls : list layer) (box : list interval) : list interval :=
  fold_left (fun box l => map (unit_bounds (in_tree point (tree_of box))) l) ls box.

Definition fits (net : network) : bool :=
  (top net <=? limit) &&
  layers_fit (layers net) (domain net) &&
  let units := tree_of_bounds (layers net) (domain net) in
  forallb (fun k => most_of_members net units k (seq 0 (members net)) <=? limit)
    (seq 0 (classes net)).

(** * What the evaluation computes *)

(** All differences between an input and a weight that any evaluation of [x] can come across: of
    every weight of every unit of every layer, whether or not early exit leaves it out. *)
Fixpoint differences (ls : list layer) (x : list Z) : list Z :=
  match ls with
  | [] => []
  | l :: ls =>
      concat (map (map (fun w => at_place 0 x (fst w) - snd w)) l) ++
      differences ls (layer_values l x)
  end.

(** The same for the ends of a box. *)
Fixpoint end_differences (ls : list layer) (box : list interval) : list Z :=
  match ls with
  | [] => []
  | l :: ls =>
      concat (map (map (fun w => fst (at_place point box (fst w)) - snd w)) l) ++
      concat (map (map (fun w => snd (at_place point box (fst w)) - snd w)) l) ++
      end_differences ls (layer_bounds l box)
  end.

(** What some members add up to: with all of them, minus the logit. *)
Definition sum_of_members (net : network) (units : list Z) (k : nat) (some : list nat) : Z :=
  fold_right (fun member sum =>
    let unit := (member * classes net + k)%nat in
    nth unit units 0 + nth unit (bias net) 0 + sum) 0 some.

(** A distance to a number of the interval is at most the weight's reach. *)
Lemma difference_fits : forall l x next r w v,
  forallb (fun b => snd b <=? limit) next = true -> next = map (unit_bounds x) l ->
  In r l -> In w r -> fst (x (fst w)) <= v <= snd (x (fst w)) -> Z.abs (v - snd w) <= limit.
Proof.
  intros l x next r w v F -> R W V. rewrite forallb_forall in F.
  specialize (F (unit_bounds x r) (in_map _ _ _ R)). apply Z.leb_le in F.
  pose proof (unit_bounds_above x r w W) as [_ U]. unfold reach_of, distance_bounds in U.
  simpl in U. lia.
Qed.

(** Read from trees the bounds are the same. *)
Lemma tree_of_bounds_is : forall ls box, tree_of_bounds ls box = bounds ls box.
Proof.
  induction ls as [|l ls IH]; intro box; [reflexivity|].
  unfold tree_of_bounds, bounds in *. simpl. rewrite tree_bounds. apply IH.
Qed.

(** What is in a list made of lists is made of an element of one of them. *)
Lemma in_concat_map : forall {A B} (f : A -> B) (ls : list (list A)) b, In b (concat (map (map f) ls)) ->
  exists r a, In r ls /\ In a r /\ b = f a.
Proof.
  intros A B f ls b H. rewrite in_concat in H. destruct H as [m [M I]].
  apply in_map_iff in M. destruct M as [r [<- R]]. apply in_map_iff in I. destruct I as [a [<- I]].
  now exists r, a.
Qed.

(** What is known of a first layer and of the rest. *)
Lemma layers_fit_step : forall l ls box, layers_fit (l :: ls) box = true ->
  forallb (fun b => snd b <=? limit) (layer_bounds l box) = true /\
  layers_fit ls (layer_bounds l box) = true.
Proof.
  intros l ls box H. simpl in H. rewrite !tree_bounds in H.
  apply andb_prop in H. destruct H as [H L]. apply andb_prop in H. now destruct H.
Qed.

(** The part of [fits] that is about the layers. *)
Lemma fits_layers : forall net, fits net = true -> layers_fit (layers net) (domain net) = true.
Proof.
  intros net H. unfold fits in H. apply andb_prop in H. destruct H as [H _].
  apply andb_prop in H. now destruct H.
Qed.

(** Integers within a box have values within its bounds. *)
Lemma values_hold : forall ls box x, holds box x -> holds (bounds ls box) (values ls x).
Proof.
  induction ls as [|l ls IH]; intros box x H; [assumption|].
  unfold bounds, values in *. simpl. apply IH. apply Forall2_map. intros r _.
  apply unit_value_between. intro c. now apply holds_at.
Qed.

(** Bounds have their ends in order. *)
Lemma bounds_proper : forall ls box, Forall proper box -> Forall proper (bounds ls box).
Proof.
  induction ls as [|l ls IH]; intros box H; [assumption|].
  unfold bounds in *. simpl. now apply IH, layer_proper.
Qed.

(** The ends of intervals within others. *)
Lemma ends_hold : forall a b, Forall2 inside a b -> Forall proper a ->
  holds b (map fst a) /\ holds b (map snd a).
Proof.
  intros a b H. induction H as [|i o a b [L U] H IH]; intro P; [split; constructor|].
  inversion P as [|? ? Q P']; subst. unfold proper in Q. destruct (IH P').
  split; constructor; try assumption; lia.
Qed.

(** No difference of any image is beyond the limit, and so no value of a unit. *)
Theorem differences_fit : forall ls box x, layers_fit ls box = true -> holds box x ->
  forall d, In d (differences ls x) -> Z.abs d <= limit.
Proof.
  induction ls as [|l ls IH]; intros box x F H d I; [contradiction|].
  apply layers_fit_step in F. destruct F as [F L]. simpl in I. apply in_app_or in I.
  destruct I as [I|I].
  - apply in_concat_map in I. destruct I as [r [w [R [W ->]]]].
    apply (difference_fits l (at_place point box) _ r w _ F eq_refl R W). now apply holds_at.
  - apply (IH (layer_bounds l box) (layer_values l x)); try assumption.
    apply Forall2_map. intros r _. apply unit_value_between. intro c. now apply holds_at.
Qed.

(** Nor one of the ends of any box of the domain. *)
Theorem end_differences_fit : forall ls box b, layers_fit ls box = true ->
  Forall2 inside b box -> Forall proper b ->
  forall d, In d (end_differences ls b) -> Z.abs d <= limit.
Proof.
  induction ls as [|l ls IH]; intros box b F H P d I; [contradiction|].
  apply layers_fit_step in F. destruct F as [F L]. simpl in I.
  apply in_app_or in I. destruct I as [I|I]; [|apply in_app_or in I; destruct I as [I|I]].
  1, 2: apply in_concat_map in I; destruct I as [r [w [R [W ->]]]];
    apply (difference_fits l (at_place point box) _ r w _ F eq_refl R W);
    pose proof (inside_at b box (fst w) H) as [? ?];
    pose proof (proper_at b (fst w) P) as Q; unfold proper in Q; lia.
  apply (IH (layer_bounds l box) (layer_bounds l b)); try assumption.
  - apply Forall2_map. intros r _. apply unit_inside. intro c. now apply inside_at.
  - now apply layer_proper.
Qed.

(** A number between two is no larger in size than the larger of them, whatever is added. *)
Lemma larger_end : forall lo v hi c, lo <= v <= hi ->
  Z.abs (v + c) <= Z.max (Z.abs (lo + c)) (Z.abs (hi + c)).
Proof. lia. Qed.

(** A sum over some members is at most the sum of the most that each can be. *)
Lemma sum_below_most : forall net units x k some, holds units x ->
  Z.abs (sum_of_members net x k some) <= most_of_members net units k some.
Proof.
  intros net units x k some H. induction some as [|m some IH]; [simpl; lia|].
  cbn [sum_of_members most_of_members fold_right].
  fold (sum_of_members net x k some) (most_of_members net units k some). cbv zeta.
  pose proof (larger_end _ _ _ (nth (m * classes net + k) (bias net) 0)
    (Forall2_nth (fun b v => fst b <= v <= snd b) point 0 ltac:(simpl; lia) _ _ H
      (m * classes net + k)%nat)).
  eapply Z.le_trans; [apply Z.abs_triangle|]. now apply Z.add_le_mono.
Qed.

(** More members can only add to the most. *)
Lemma most_grows : forall net units k rest some,
  most_of_members net units k some <= most_of_members net units k (rest ++ some).
Proof.
  intros. induction rest as [|m rest IH]; [apply Z.le_refl|].
  eapply Z.le_trans; [apply IH|].
  cbn [app most_of_members fold_right]. fold (most_of_members net units k (rest ++ some)). cbv zeta.
  pose proof (Z.abs_nonneg (fst (nth (m * classes net + k) units point) +
    nth (m * classes net + k) (bias net) 0)). lia.
Qed.

(** No sum over the members is beyond the limit, nor one over some of them on the way. *)
Theorem sums_fit : forall net x k rest some,
  fits net = true -> (k < classes net)%nat ->
  holds (bounds (layers net) (domain net)) x -> seq 0 (members net) = rest ++ some ->
  Z.abs (sum_of_members net x k some) <= limit.
Proof.
  intros net x k rest some F K H E. unfold fits in F. apply andb_prop in F. destruct F as [_ F].
  rewrite tree_of_bounds_is, forallb_forall in F.
  assert (In k (seq 0 (classes net))) as I by (apply in_seq; lia).
  apply F, Z.leb_le in I. rewrite E in I.
  pose proof (sum_below_most net _ x k some H).
  pose proof (most_grows net (bounds (layers net) (domain net)) k rest some). lia.
Qed.

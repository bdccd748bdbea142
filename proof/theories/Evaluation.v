(** The evaluation that runs: rows sorted by reach, with early exit, and trees in place of lists.

    A row ends once its running maximum has come up to the reach of all that is left. That touches a
    few per cent of the weights. src/exact/net/exact.rs does the same, in blocks of ten weights. Trees only make reading an input fast: a list is walked from its
    start. The theorems say that nothing of this changes a value or a bound. *)

From Coq Require Import ZArith Reals List Lia Permutation Sorting Mergesort Orders FMapPositive.
From Linf Require Import Network Bounds Radius Pruning.
Import ListNotations.
Open Scope Z_scope.

(** * Trees *)

(** The list as a tree: the first element at 1, the next at 2, and so on. *)
Fixpoint tree_from {A} (place : positive) (l : list A) (tree : PositiveMap.t A) : PositiveMap.t A :=
  match l with
  | [] => tree
  | a :: l => tree_from (Pos.succ place) l (PositiveMap.add place a tree)
  end.

Definition tree_of {A} (l : list A) : PositiveMap.t A := tree_from 1 l (PositiveMap.empty A).

Definition in_tree {A} (default : A) (tree : PositiveMap.t A) (place : positive) : A :=
  match PositiveMap.find place tree with
  | Some a => a
  | None => default
  end.

(** Where a tree that is being filled has what. *)
Lemma find_tree_from : forall {A} (l : list A) start tree place,
  PositiveMap.find place (tree_from start l tree) =
  if (place <? start)%positive then PositiveMap.find place tree
  else match nth_error l (Pos.to_nat place - Pos.to_nat start) with
       | Some a => Some a
       | None => PositiveMap.find place tree
       end.
Proof.
  induction l as [|a l IH]; intros start tree place; simpl.
  - destruct (Pos.to_nat place - Pos.to_nat start)%nat; now destruct (place <? start)%positive.
  - rewrite IH. destruct (Pos.ltb_spec place start) as [B | B].
    + destruct (Pos.ltb_spec place (Pos.succ start)); [|lia].
      apply PositiveMap.gso. lia.
    + destruct (Pos.ltb_spec place (Pos.succ start)) as [E | E].
      * replace place with start by lia. rewrite PositiveMap.gss, Nat.sub_diag. reflexivity.
      * replace (Pos.to_nat place - Pos.to_nat start)%nat
          with (S (Pos.to_nat place - Pos.to_nat (Pos.succ start))) by lia. simpl.
        rewrite PositiveMap.gso by lia. reflexivity.
Qed.

(** A tree answers what the list does. *)
Lemma in_tree_of : forall {A} (d : A) l place, in_tree d (tree_of l) place = at_place d l place.
Proof.
  intros A d l place. unfold in_tree, tree_of, at_place. rewrite find_tree_from, PositiveMap.gempty.
  destruct (Pos.ltb_spec place 1); [lia|].
  replace (Pos.to_nat place - Pos.to_nat 1)%nat with (Nat.pred (Pos.to_nat place)) by lia.
  revert l. generalize (Nat.pred (Pos.to_nat place)). intro i. induction i; intros [|a l]; simpl; auto.
Qed.

(** * Early exit *)

(** Some weights of a unit, and the largest distance that any of them, or of those in the blocks
    after this one, can give. *)
Record block := Block { reach : Z; kept : row }.

Fixpoint scan_value (x : positive -> Z) (most : Z) (bs : list block) : Z :=
  match bs with
  | [] => most
  | b :: bs =>
      if reach b <=? most then most else scan_value x (Z.max (unit_value x (kept b)) most) bs
  end.

Fixpoint scan_bounds (x : positive -> interval) (most : interval) (bs : list block) : interval :=
  match bs with
  | [] => most
  | b :: bs =>
      if reach b <=? fst most then most
      else scan_bounds x (larger (unit_bounds x (kept b)) most) bs
  end.

(** All the weights of some blocks. *)
Definition weights (bs : list block) : row := concat (map kept bs).

(** Every block's reach bounds what it and the later ones can give over the box [x]. *)
Fixpoint reaching (x : positive -> interval) (bs : list block) : Prop :=
  match bs with
  | [] => True
  | b :: rest => snd (unit_bounds x (weights (b :: rest))) <= reach b /\ reaching x rest
  end.

(** A unit of two parts is the larger of both. *)
Lemma unit_value_app : forall x a b, unit_value x (a ++ b) = Z.max (unit_value x a) (unit_value x b).
Proof.
  intros x a b. induction a as [|w a IH]; simpl.
  - assert (0 <= unit_value x b) by (destruct b; simpl; lia). lia.
  - rewrite IH. lia.
Qed.

(** So are its bounds. *)
Lemma unit_bounds_app : forall x a b, unit_bounds x (a ++ b) = larger (unit_bounds x a) (unit_bounds x b).
Proof.
  intros x a b. induction a as [|w a IH].
  - pose proof (unit_bounds_nonneg x b). unfold larger. simpl app. simpl (unit_bounds x []).
    destruct (unit_bounds x b). simpl in *. f_equal; lia.
  - simpl. rewrite IH. unfold larger. simpl. f_equal; lia.
Qed.

(** Over the integers, too, a unit lies within its bounds. *)
Lemma unit_value_between : forall r x v, (forall c, fst (x c) <= v c <= snd (x c)) ->
  fst (unit_bounds x r) <= unit_value v r <= snd (unit_bounds x r).
Proof.
  intros r x v H. induction r as [|[c w] r IH]; [simpl; lia|].
  specialize (H c). simpl. unfold larger, distance_bounds. simpl. lia.
Qed.

(** Early exit does not change a value. *)
Theorem early_exit_value : forall x v bs most, (forall c, fst (x c) <= v c <= snd (x c)) ->
  reaching x bs -> 0 <= most -> scan_value v most bs = Z.max (unit_value v (weights bs)) most.
Proof.
  intros x v bs most H. revert most. induction bs as [|b bs IH]; intros most R M.
  - simpl. lia.
  - destruct R as [Rb R]. simpl scan_value. destruct (Z.leb_spec (reach b) most).
    + pose proof (unit_value_between (weights (b :: bs)) x v H). lia.
    + rewrite (IH _ R) by lia. unfold weights. simpl. rewrite unit_value_app. lia.
Qed.

(** Nor the bounds over a box inside [x]. *)
Theorem early_exit_bounds : forall x y bs most,
  (forall c, inside (y c) (x c)) -> (forall c, proper (y c)) ->
  reaching x bs -> 0 <= fst most <= snd most ->
  scan_bounds y most bs = larger (unit_bounds y (weights bs)) most.
Proof.
  intros x y bs most I P. revert most. induction bs as [|b bs IH]; intros most R M.
  - unfold larger. simpl. destruct most. simpl in *. f_equal; lia.
  - destruct R as [Rb R]. simpl scan_bounds. destruct (Z.leb_spec (reach b) (fst most)).
    + pose proof (unit_inside (weights (b :: bs)) y x I) as [_ U].
      pose proof (unit_proper y (weights (b :: bs)) P) as Q. unfold proper in Q.
      unfold larger. destruct most. simpl in *. f_equal; lia.
    + pose proof (unit_proper y (kept b) P) as Q. unfold proper in Q.
      rewrite (IH _ R) by (unfold larger; simpl; lia).
      unfold weights. simpl. rewrite unit_bounds_app. unfold larger. simpl. f_equal; lia.
Qed.

(** * Sorted rows *)

(** Weights with their reach, the largest first. *)
Module ByReach <: TotalLeBool.
  Definition t := (Z * weight)%type.
  Definition leb (a b : t) : bool := fst b <=? fst a.
  (** Two reaches can be compared; the sort of the library wants to know. *)
  Theorem leb_total : forall a b, leb a b = true \/ leb b a = true.
  Proof. intros. unfold leb. rewrite !Z.leb_le. lia. Qed.
End ByReach.
Module SortByReach := Sort ByReach.

(** As many weights are in a block, as in src/exact/net/exact.rs. *)
Definition lanes : nat := 10.

(** Puts a weight before blocks none of whose weights has a larger reach. Its pair is made anew, so
    that the weights of a block lie side by side in memory. *)
Definition push (w : Z * weight) (bs : list block) : list block :=
  let copy := (fst (snd w), snd (snd w)) in
  match bs with
  | b :: rest =>
      if (length (kept b) <? lanes)%nat then Block (fst w) (copy :: kept b) :: rest
      else Block (fst w) [copy] :: bs
  | [] => [Block (fst w) [copy]]
  end.

Definition blocks_of_sorted (s : list (Z * weight)) : list block := fold_right push [] s.

Definition blocks_of (x : positive -> interval) (r : row) : list block :=
  blocks_of_sorted (SortByReach.sort (map (fun w => (reach_of x w, w)) r)).

(** What is pushed is the first of all weights. *)
Lemma weights_pushed : forall w bs, weights (push w bs) = snd w :: weights bs.
Proof.
  intros [reach [c w]] [|b bs]; [reflexivity|]. simpl.
  destruct (length (kept b) <? lanes)%nat; reflexivity.
Qed.

(** Blocks have the weights that they are made of. *)
Lemma weights_of_sorted : forall s, weights (blocks_of_sorted s) = map snd s.
Proof.
  induction s as [|w s IH]; [reflexivity|]. simpl. now rewrite weights_pushed, IH.
Qed.

(** The blocks have the weights of the unit, in another order. *)
Lemma blocks_permute : forall x r, Permutation r (weights (blocks_of x r)).
Proof.
  intros. unfold blocks_of. rewrite weights_of_sorted.
  pose proof (SortByReach.Permuted_sort (map (fun w => (reach_of x w, w)) r)) as P.
  apply (Permutation_map snd) in P. rewrite map_map in P. simpl in P. now rewrite map_id in P.
Qed.

(** Reaches stay right when what is pushed reaches at least as far. *)
Lemma reaching_pushed : forall x w bs,
  snd (unit_bounds x (weights (push w bs))) <= fst w -> reaching x bs -> reaching x (push w bs).
Proof.
  intros x w [|b bs] L R; [now split|]. simpl in L |- *. destruct R as [Rb R].
  destruct (length (kept b) <? lanes)%nat; repeat split; assumption.
Qed.

(** The other thing that the sort wants to know. *)
Lemma leb_transitive : Relations_1.Transitive (fun a b => is_true (ByReach.leb a b)).
Proof. intros a b c. unfold ByReach.leb, is_true. rewrite !Z.leb_le. lia. Qed.

(** In a sorted row every reach bounds what follows. *)
Lemma sorted_reaching : forall x s, (forall c, proper (x c)) ->
  (forall w, In w s -> fst w = reach_of x (snd w)) ->
  StronglySorted (fun a b => is_true (ByReach.leb a b)) s ->
  reaching x (blocks_of_sorted s).
Proof.
  intros x s P. induction s as [|w s IH]; intros E S; [exact I|].
  apply StronglySorted_inv in S. destruct S as [S F]. rewrite Forall_forall in F.
  simpl. apply reaching_pushed; [|apply IH; [intros; apply E; now right|assumption]].
  rewrite weights_pushed, weights_of_sorted.
  assert (forall v, In v (w :: s) -> reach_of x (snd v) <= fst w) as M.
  { intros v V. rewrite <- (E v V). destruct V as [<-|V]; [lia|].
    apply F in V. unfold ByReach.leb, is_true in V. now apply Z.leb_le in V. }
  assert (0 <= fst w) as N.
  { rewrite (E w (or_introl eq_refl)). specialize (P (fst (snd w))).
    unfold reach_of, distance_bounds, proper in *. simpl. lia. }
  change (snd w :: map snd s) with (map snd (w :: s)).
  apply (unit_bounds_below x _ (fst (unit_bounds x (map snd (w :: s))))).
  - apply unit_bounds_nonneg.
  - assumption.
  - intros v V. split; [now apply unit_bounds_above|].
    apply in_map_iff in V. destruct V as [u [<- V]]. now apply M.
Qed.

(** So the blocks of a unit have the reaches that early exit needs. *)
Lemma blocks_reaching : forall x r, (forall c, proper (x c)) -> reaching x (blocks_of x r).
Proof.
  intros x r P. apply sorted_reaching; [assumption| |apply SortByReach.StronglySorted_sort, leb_transitive].
  intros w H. apply (Permutation_in _ (Permutation_sym (SortByReach.Permuted_sort _))) in H.
  apply in_map_iff in H. destruct H as [v [<- _]]. reflexivity.
Qed.

(** The order of a unit's weights does not matter. *)
Lemma unit_value_permutes : forall x a b, Permutation a b -> unit_value x a = unit_value x b.
Proof. intros x a b H. induction H; simpl; lia. Qed.

(** The same for its bounds. *)
Lemma unit_bounds_permutes : forall x a b, Permutation a b -> unit_bounds x a = unit_bounds x b.
Proof.
  intros x a b H. induction H; simpl; [reflexivity|now rewrite IHPermutation| |congruence].
  unfold larger. simpl. f_equal; lia.
Qed.

(** A unit that is sorted and left early has its value. *)
Lemma blocks_value : forall x v r, (forall c, fst (x c) <= v c <= snd (x c)) ->
  scan_value v 0 (blocks_of x r) = unit_value v r.
Proof.
  intros x v r H. rewrite (early_exit_value x); [|assumption| |lia].
  - rewrite <- (unit_value_permutes v _ _ (blocks_permute x r)).
    pose proof (unit_value_between r x v H). pose proof (unit_bounds_nonneg x r). lia.
  - apply blocks_reaching. intro c. specialize (H c). unfold proper. lia.
Qed.

(** And its bounds. *)
Lemma blocks_bounds : forall x y r, (forall c, inside (y c) (x c)) -> (forall c, proper (y c)) ->
  scan_bounds y point (blocks_of x r) = unit_bounds y r.
Proof.
  intros x y r H P. rewrite (early_exit_bounds x); [|assumption|assumption| |simpl; lia].
  - rewrite <- (unit_bounds_permutes y _ _ (blocks_permute x r)).
    pose proof (unit_bounds_nonneg y r). unfold larger. destruct (unit_bounds y r). simpl in *.
    f_equal; lia.
  - apply blocks_reaching. intro c. specialize (H c). specialize (P c). unfold inside, proper in *. lia.
Qed.

(** * The whole network *)

(** The layers, made ready for the inputs of a box. *)
Fixpoint prepare (ls : list layer) (box : list interval) : list (list (list block)) :=
  match ls with
  | [] => []
  | l :: ls =>
      let x := in_tree point (tree_of box) in
      map (blocks_of x) l :: prepare ls (map (unit_bounds x) l)
  end.

Definition fast_values (ready : list (list (list block))) (x : list Z) : list Z :=
  fold_left (fun x l => map (scan_value (in_tree 0 (tree_of x)) 0) l) ready x.

Definition fast_bounds (ready : list (list (list block))) (box : list interval) : list interval :=
  fold_left (fun box l => map (scan_bounds (in_tree point (tree_of box)) point) l) ready box.

(** Bounds depend only on what the inputs are, not on how they are read. *)
Lemma unit_bounds_same : forall x y r, (forall c, x c = y c) -> unit_bounds x r = unit_bounds y r.
Proof.
  intros x y r H. induction r as [|w r IH]; [reflexivity|]. simpl. now rewrite H, IH.
Qed.

(** So a tree does. *)
Lemma tree_bounds : forall l box,
  map (unit_bounds (in_tree point (tree_of box))) l = layer_bounds l box.
Proof.
  intros. apply map_ext. intro r. apply unit_bounds_same. intro c. apply in_tree_of.
Qed.

(** The same for values. *)
Lemma unit_value_same : forall x y r, (forall c, x c = y c) -> unit_value x r = unit_value y r.
Proof.
  intros x y r H. induction r as [|w r IH]; [reflexivity|]. simpl. now rewrite H, IH.
Qed.

(** Integers within a box. *)
Definition holds (box : list interval) (x : list Z) : Prop :=
  Forall2 (fun b v => fst b <= v <= snd b) box x.

(** Integers within a box are so at each place, also beyond its end. *)
Lemma holds_at : forall box x c, holds box x ->
  fst (at_place point box c) <= at_place 0 x c <= snd (at_place point box c).
Proof.
  intros. apply (Forall2_nth (fun b v => fst b <= v <= snd b)); [|assumption]. simpl. lia.
Qed.

(** What runs on an image is the network. *)
Theorem prepared_values : forall ls box x, holds box x ->
  fast_values (prepare ls box) x = values ls x.
Proof.
  induction ls as [|l ls IH]; intros box x H; [reflexivity|].
  unfold fast_values, values in *. simpl. rewrite tree_bounds, map_map.
  replace (map (fun r => scan_value _ 0 _) l) with (layer_values l x).
  - apply IH. apply Forall2_map. intros r _. apply unit_value_between. intro c. now apply holds_at.
  - apply map_ext. intro r. rewrite blocks_value.
    + symmetry. apply unit_value_same. intro c. apply in_tree_of.
    + intro c. rewrite !in_tree_of. now apply holds_at.
Qed.

(** What runs on a box is interval bound propagation. *)
Theorem prepared_bounds : forall ls box b, Forall2 inside b box -> Forall proper b ->
  fast_bounds (prepare ls box) b = bounds ls b.
Proof.
  induction ls as [|l ls IH]; intros box b H P; [reflexivity|].
  unfold fast_bounds, bounds in *. simpl. rewrite tree_bounds, map_map.
  replace (map (fun r => scan_bounds _ point _) l) with (layer_bounds l b).
  - apply IH; [|now apply layer_proper]. apply Forall2_map. intros r _. apply unit_inside.
    intro c. now apply inside_at.
  - apply map_ext. intro r. rewrite blocks_bounds.
    + symmetry. apply unit_bounds_same. intro c. apply in_tree_of.
    + intro c. rewrite !in_tree_of. now apply inside_at.
    + intro c. rewrite in_tree_of. now apply proper_at.
Qed.

(** Exact pruning: a weight that can decide its unit for no input of a box is dropped, and neither a
    value nor a bound changes for any input of that box.

    [prune] is what src/exact/prune/domain.rs does over the whole domain. [drop_to_floor] is what
    src/exact/eval/restricted.rs does for the box of an attack. *)

From Coq Require Import ZArith Reals List Lia Lra.
From Linf Require Import Network Bounds Radius.
Import ListNotations.
Open Scope Z_scope.

(** * Definitions *)

(** A unit's least value, and the largest distance that a weight can give: its reach. *)
Definition floor (x : positive -> interval) (r : row) : Z := fst (unit_bounds x r).
Definition reach_of (x : positive -> interval) (w : weight) : Z :=
  snd (distance_bounds (x (fst w)) (snd w)).

(** Keeps the weights that can come up to the unit's floor. *)
Definition prune_row (x : positive -> interval) (r : row) : row :=
  filter (fun w => floor x r <=? reach_of x w) r.

Fixpoint prune (ls : list layer) (box : list interval) : list layer :=
  match ls with
  | [] => []
  | l :: ls => map (prune_row (at_place point box)) l :: prune ls (layer_bounds l box)
  end.

(** Keeps only the weights that can come above the floor: then the floor has to be remembered, since
    the unit's maximum begins there. *)
Definition drop_to_floor (x : positive -> interval) (r : row) : row :=
  filter (fun w => floor x r <? reach_of x w) r.

(** * A maximum, by its members *)

(** A unit is at least each of its distances, *)
Lemma unit_value_above : forall x r w, In w r ->
  (Rabs (x (fst w) - IZR (snd w)) <= unit_value_real x r)%R.
Proof.
  intros x r w H. induction r as [|v r IH]; [contradiction|]. simpl.
  destruct H as [->|H]; [apply Rmax_l|]. eapply Rle_trans; [now apply IH|]. apply Rmax_r.
Qed.

(** at least 0, *)
Lemma unit_value_nonneg : forall x r, (0 <= unit_value_real x r)%R.
Proof.
  intros x r. destruct r as [|w r]; [simpl; lra|].
  eapply Rle_trans; [apply Rabs_pos|]. apply unit_value_above. now left.
Qed.

(** and no more than all of them. *)
Lemma unit_value_below : forall x r v, (0 <= v)%R ->
  (forall w, In w r -> (Rabs (x (fst w) - IZR (snd w)) <= v)%R) -> (unit_value_real x r <= v)%R.
Proof.
  intros x r v V H. induction r as [|w r IH]; simpl; [assumption|]. apply Rmax_lub.
  - apply H. now left.
  - apply IH. intros. apply H. now right.
Qed.

(** The same for its bounds. *)
Lemma unit_bounds_above : forall x r w, In w r ->
  fst (distance_bounds (x (fst w)) (snd w)) <= fst (unit_bounds x r) /\
  reach_of x w <= snd (unit_bounds x r).
Proof.
  intros x r w H. unfold reach_of. induction r as [|v r IH]; [contradiction|].
  cbn [unit_bounds fold_right]. fold (unit_bounds x r). unfold larger. cbn [fst snd].
  destruct H as [->|H]; [lia|]. specialize (IH H). lia.
Qed.

(** They are at least 0, *)
Lemma unit_bounds_nonneg : forall x r, 0 <= fst (unit_bounds x r) /\ 0 <= snd (unit_bounds x r).
Proof.
  intros x r. induction r as [|v r IH]; [simpl; lia|].
  cbn [unit_bounds fold_right]. fold (unit_bounds x r). unfold larger. cbn [fst snd]. lia.
Qed.

(** and no more than those of all its weights. *)
Lemma unit_bounds_below : forall x r lo hi, 0 <= lo -> 0 <= hi ->
  (forall w, In w r -> fst (distance_bounds (x (fst w)) (snd w)) <= lo /\ reach_of x w <= hi) ->
  fst (unit_bounds x r) <= lo /\ snd (unit_bounds x r) <= hi.
Proof.
  intros x r lo hi L U H. unfold reach_of in H. induction r as [|v r IH]; [simpl; lia|].
  cbn [unit_bounds fold_right]. fold (unit_bounds x r). unfold larger. cbn [fst snd].
  pose proof (H v (or_introl eq_refl)).
  assert (fst (unit_bounds x r) <= lo /\ snd (unit_bounds x r) <= hi)
    by (apply IH; intros; apply H; now right). lia.
Qed.

(** The floor is 0, or the least distance of one of the weights. *)
Lemma floor_reached : forall x r, floor x r = 0 \/
  exists w, In w r /\ floor x r = fst (distance_bounds (x (fst w)) (snd w)).
Proof.
  intros x r. unfold floor. induction r as [|v r IH]; [now left|].
  cbn [unit_bounds fold_right]. fold (unit_bounds x r). unfold larger. cbn [fst].
  destruct (Z.max_spec (fst (distance_bounds (x (fst v)) (snd v))) (fst (unit_bounds x r)))
    as [[_ ->] | [_ ->]].
  - destruct IH as [-> | [w [I ->]]]; [now left|]. right. exists w. split; [now right|reflexivity].
  - right. exists v. split; [now left|reflexivity].
Qed.

(** * Dropping what stays below the floor *)

(** A pruned unit has the unit's value at every real point of the box. *)
Lemma prune_row_value : forall x r v, (forall c, within (x c) (v c)) ->
  unit_value_real v (prune_row x r) = unit_value_real v r.
Proof.
  intros x r v H. apply Rle_antisym.
  { apply unit_value_below; [apply unit_value_nonneg|]. intros w I.
    apply filter_In in I. now apply unit_value_above. }
  assert (IZR (floor x r) <= unit_value_real v (prune_row x r))%R as F.
  { destruct (floor_reached x r) as [-> | [w [I E]]]; [apply unit_value_nonneg|].
    destruct (distance_within (x (fst w)) (snd w) (v (fst w)) (H (fst w))) as [L U].
    rewrite <- E in L. eapply Rle_trans; [apply L|]. apply unit_value_above. apply filter_In.
    split; [assumption|]. apply Z.leb_le. apply le_IZR. unfold reach_of. lra. }
  apply unit_value_below; [apply unit_value_nonneg|]. intros w I.
  destruct (floor x r <=? reach_of x w) eqn:K.
  - apply unit_value_above. apply filter_In. now split.
  - apply Z.leb_gt in K. apply IZR_lt in K. unfold reach_of in K.
    destruct (distance_within (x (fst w)) (snd w) (v (fst w)) (H (fst w))) as [_ U]. lra.
Qed.

(** A box whose lower ends are not above its upper ends. *)
Definition proper (b : interval) : Prop := fst b <= snd b.

(** Distance bounds have their ends in order, *)
Lemma distance_proper : forall b w, proper b -> proper (distance_bounds b w).
Proof. intros [l h] w. unfold proper, distance_bounds. simpl. lia. Qed.

(** A pruned unit has the unit's bounds over every box inside the box. *)
Lemma prune_row_bounds : forall x r y, (forall c, inside (y c) (x c)) -> (forall c, proper (y c)) ->
  unit_bounds y (prune_row x r) = unit_bounds y r.
Proof.
  intros x r y H P.
  assert (forall w, fst (distance_bounds (x (fst w)) (snd w)) <= fst (distance_bounds (y (fst w)) (snd w))
    /\ reach_of y w <= reach_of x w
    /\ fst (distance_bounds (y (fst w)) (snd w)) <= reach_of y w) as D.
  { intro w. specialize (H (fst w)). specialize (P (fst w)).
    unfold inside, proper, reach_of, distance_bounds in *. simpl. lia. }
  pose proof (unit_bounds_nonneg y (prune_row x r)) as [NL NU].
  assert (fst (unit_bounds y (prune_row x r)) <= fst (unit_bounds y r) /\
    snd (unit_bounds y (prune_row x r)) <= snd (unit_bounds y r)) as LE.
  { pose proof (unit_bounds_nonneg y r).
    apply unit_bounds_below; try lia. intros w I. apply filter_In in I.
    now apply unit_bounds_above. }
  assert (floor x r <= fst (unit_bounds y (prune_row x r)) /\
    floor x r <= snd (unit_bounds y (prune_row x r))) as F.
  { destruct (floor_reached x r) as [-> | [w [I E]]]; [lia|]. specialize (D w).
    assert (In w (prune_row x r)) as K by (apply filter_In; split; [assumption|]; apply Z.leb_le; lia).
    apply (unit_bounds_above y) in K. lia. }
  assert (fst (unit_bounds y r) <= fst (unit_bounds y (prune_row x r)) /\
    snd (unit_bounds y r) <= snd (unit_bounds y (prune_row x r))) as GE.
  { apply unit_bounds_below; try lia. intros w I. destruct (floor x r <=? reach_of x w) eqn:K.
    - apply unit_bounds_above. apply filter_In. now split.
    - apply Z.leb_gt in K. specialize (D w). lia. }
  destruct (unit_bounds y (prune_row x r)), (unit_bounds y r). simpl in *. f_equal; lia.
Qed.

(** * A pruned network *)

(** the intervals of a box have, also beyond its end, *)
Lemma proper_at : forall box c, Forall proper box -> proper (at_place point box c).
Proof.
  intros box c H. unfold at_place.
  destruct (nth_in_or_default (Nat.pred (Pos.to_nat c)) box point) as [I | ->].
  - now apply (proj1 (Forall_forall proper box) H).
  - unfold proper. simpl. lia.
Qed.

(** a unit has, *)
Lemma unit_proper : forall x r, (forall c, proper (x c)) -> proper (unit_bounds x r).
Proof.
  intros x r H. induction r as [|[c w] r IH]; [unfold proper; simpl; lia|].
  pose proof (distance_proper _ w (H c)). unfold proper in *. simpl. unfold larger. simpl in *. lia.
Qed.

(** and a layer has. *)
Lemma layer_proper : forall l box, Forall proper box -> Forall proper (layer_bounds l box).
Proof.
  intros l box H. apply Forall_forall. intros b I. apply in_map_iff in I. destruct I as [r [<- _]].
  apply unit_proper. intro c. now apply proper_at.
Qed.

(** Pruning changes the values of no real-valued input of the box. *)
Theorem prune_values : forall ls box x, contains box x ->
  values_real (prune ls box) x = values_real ls x.
Proof.
  induction ls as [|l ls IH]; intros box x H; [reflexivity|].
  unfold values_real in *. simpl. replace (layer_values_real (map (prune_row (at_place point box)) l) x)
    with (layer_values_real l x); [now apply IH, layer_contains|].
  unfold layer_values_real. rewrite map_map. apply map_ext. intro r. symmetry.
  apply prune_row_value. intro c. now apply contains_at.
Qed.

(** Nor the bounds of any box inside it. *)
Theorem prune_bounds : forall ls box b, Forall2 inside b box -> Forall proper b ->
  bounds (prune ls box) b = bounds ls b.
Proof.
  induction ls as [|l ls IH]; intros box b H P; [reflexivity|].
  unfold bounds in *. simpl. replace (layer_bounds (map (prune_row (at_place point box)) l) b)
    with (layer_bounds l b).
  - apply IH; [|now apply layer_proper]. apply Forall2_map. intros r _. apply unit_inside.
    intro c. now apply inside_at.
  - unfold layer_bounds. rewrite map_map. apply map_ext. intro r. symmetry.
    apply prune_row_bounds; intro c; [now apply inside_at | now apply proper_at].
Qed.

(** ** Over the domain *)

(** Relates what is the same everywhere to a list of that length. *)
Lemma Forall2_repeat : forall {A B} (P : A -> B -> Prop) a l n,
  length l = n -> Forall (P a) l -> Forall2 P (repeat a n) l.
Proof. intros A B P a l n <- H. induction H; simpl; constructor; assumption. Qed.

(** A perturbed image is in the domain. *)
Lemma perturbed_in_domain : forall net image r x, length image = inputs net ->
  perturbed net image r x -> contains (domain net) x.
Proof.
  intros net image r x L H. apply Forall2_repeat.
  - rewrite <- L. symmetry. exact (Forall2_same_length _ _ _ H).
  - clear L. induction H as [|p v image x [_ D] H IH]; constructor; [exact D | exact IH].
Qed.

(** So is the box around an image. *)
Lemma box_in_domain : forall net image r, length image = inputs net -> in_domain net image ->
  Forall2 inside (box_around net image r) (domain net).
Proof.
  intros net image r L D. unfold domain. rewrite <- L. clear L.
  induction D as [|p image P D IH]; simpl; constructor; [|exact IH]. unfold inside. simpl. lia.
Qed.

(** That box has its ends in order. *)
Lemma box_proper : forall net image r, 0 <= r -> in_domain net image ->
  Forall proper (box_around net image r).
Proof.
  intros net image r R D. induction D as [|p image P D IH]; simpl; constructor; [|exact IH].
  unfold proper. simpl. lia.
Qed.

(** The network with other weights. *)
Definition with_layers (net : network) (ls : list layer) : network :=
  Network (scale net) (inputs net) ls (members net) (classes net) (bias net).

(** Pruning over the domain changes no logit of any real-valued image, and no IBP certificate of any
    image at any radius. *)
Theorem pruning_changes_nothing : forall net image, length image = inputs net -> in_domain net image ->
  let pruned := with_layers net (prune (layers net) (domain net)) in
  (forall r x, perturbed net image r x -> logits_real pruned x = logits_real net x) /\
  (forall k r, 0 <= r -> ibp_proves pruned image k r = ibp_proves net image k r).
Proof.
  intros net image L D pruned. split.
  - intros r x P. apply perturbed_in_domain in P; [|assumption].
    unfold logits_real, pruned. simpl. rewrite prune_values by assumption. reflexivity.
  - intros k r R. unfold ibp_proves, pruned. simpl.
    change (box_around (with_layers net _) image r) with (box_around net image r).
    rewrite prune_bounds; [reflexivity | now apply box_in_domain | now apply box_proper].
Qed.

(** * Dropping what does not come above the floor *)

(** A unit whose maximum begins at its floor needs only the weights that can come above it. *)
Theorem drop_to_floor_value : forall x r v, (forall c, within (x c) (v c)) ->
  Rmax (IZR (floor x r)) (unit_value_real v (drop_to_floor x r)) = unit_value_real v r.
Proof.
  intros x r v H. destruct (unit_within r x v H) as [F _]. apply Rle_antisym.
  - apply Rmax_lub; [assumption|]. apply unit_value_below; [apply unit_value_nonneg|]. intros w I.
    apply filter_In in I. now apply unit_value_above.
  - apply unit_value_below.
    { eapply Rle_trans; [apply unit_value_nonneg | apply Rmax_r]. }
    intros w I. destruct (floor x r <? reach_of x w) eqn:K.
    + eapply Rle_trans; [|apply Rmax_r]. apply unit_value_above. apply filter_In. now split.
    + eapply Rle_trans; [|apply Rmax_l]. apply Z.ltb_ge in K. apply IZR_le in K. unfold reach_of in K.
      destruct (distance_within (x (fst w)) (snd w) (v (fst w)) (H (fst w))) as [_ U]. lra.
Qed.

(** Why one number, the IBP radius, tells all that IBP proves: what is proved at a radius is proved at
    every smaller one, and IBP proves whatever the margin proves. *)

From Coq Require Import ZArith Reals List Lia.
From Linf Require Import Network Bounds Lipschitz.
Import ListNotations.
Open Scope Z_scope.

(** * A larger box has wider bounds *)

Definition inside (a b : interval) : Prop := fst b <= fst a /\ snd a <= snd b.

(** A unit has narrower bounds where its inputs have. *)
Lemma unit_inside : forall r x y, (forall c, inside (x c) (y c)) ->
  inside (unit_bounds x r) (unit_bounds y r).
Proof.
  intros r x y H. induction r as [|[c w] r IH]; [unfold inside; simpl; lia|].
  specialize (H c). unfold inside in *. simpl. unfold larger, distance_bounds. simpl. lia.
Qed.

(** Boxes inside others are so at each place. *)
Lemma inside_at : forall a b c, Forall2 inside a b -> inside (at_place point a c) (at_place point b c).
Proof.
  intros. apply (Forall2_nth inside); [|assumption]. unfold inside. lia.
Qed.

(** So the bounds of all layers are narrower for a smaller box. *)
Theorem bounds_inside : forall ls a b, Forall2 inside a b -> Forall2 inside (bounds ls a) (bounds ls b).
Proof.
  induction ls as [|l ls IH]; intros a b H; [assumption|].
  unfold bounds in *. simpl. apply IH. apply Forall2_map. intros r _. apply unit_inside.
  intro c. now apply inside_at.
Qed.

(** A logit falls when its units rise. *)
Lemma logit_falls : forall net u v k, Forall2 Z.le u v -> logit net v k <= logit net u k.
Proof.
  intros net u v k H. unfold logit. apply -> Z.opp_le_mono.
  induction (seq 0 (members net)) as [|m ms IH]; [simpl; lia|]. cbn [fold_right].
  pose proof (Forall2_nth Z.le 0 0 (Z.le_refl 0) _ _ H (m * classes net + k)%nat). lia.
Qed.

(** The same for all logits. *)
Lemma logits_fall : forall net u v, Forall2 Z.le u v -> Forall2 Z.le (logits_of net v) (logits_of net u).
Proof. intros. apply Forall2_map. intros k _. now apply logit_falls. Qed.

(** The ends of narrower bounds. *)
Lemma inside_ends : forall a b, Forall2 inside a b ->
  Forall2 Z.le (map fst b) (map fst a) /\ Forall2 Z.le (map snd a) (map snd b).
Proof.
  intros a b H. induction H as [|i o a b [L U] H [IL IU]]; split; constructor; assumption.
Qed.

(** A label that leads still leads when its lower bound rises and the other upper bounds fall. *)
Lemma leads_mono : forall k l l' u u', Forall2 Z.le l' l -> Forall2 Z.le u u' ->
  leads k l' u' = true -> leads k l u = true.
Proof.
  intros k l l' u u' HL HU H. unfold leads in *. rewrite forallb_forall in *. intros z I.
  destruct (others_are u k z 0 I) as [j [J [N E]]]. apply Z.ltb_lt.
  pose proof (Forall2_nth Z.le 0 0 (Z.le_refl 0) _ _ HL k).
  pose proof (Forall2_nth Z.le 0 0 (Z.le_refl 0) _ _ HU j).
  assert (nth j u' 0 < nth k l' 0); [|lia].
  apply Z.ltb_lt, H, in_others; [|assumption]. now rewrite <- (Forall2_same_length _ _ _ HU).
Qed.

(** A smaller radius has a smaller box. *)
Lemma box_inside : forall net image r s, r <= s ->
  Forall2 inside (box_around net image r) (box_around net image s).
Proof. intros. apply Forall2_map. intros p _. unfold inside. simpl. lia. Qed.

(** What IBP proves at a radius it proves at every smaller one. *)
Theorem ibp_downward : forall net image k r s, r <= s ->
  ibp_proves net image k s = true -> ibp_proves net image k r = true.
Proof.
  intros net image k r s L. unfold ibp_proves.
  pose proof (bounds_inside (layers net) _ _ (box_inside net image r s L)) as I.
  apply inside_ends in I. destruct I as [IL IU].
  apply leads_mono; now apply logits_fall.
Qed.

(** * IBP proves what the margin proves *)

(** An interval that reaches no further than [r] from a value. *)
Definition around (r : Z) (v : Z) (b : interval) : Prop := v - r <= fst b /\ snd b <= v + r.

(** A unit has bounds that reach no further from its value than its inputs have. *)
Lemma unit_around : forall r row x b, 0 <= r -> (forall c, around r (x c) (b c)) ->
  around r (unit_value x row) (unit_bounds b row).
Proof.
  intros r row x b R0 H. induction row as [|[c w] row IH]; [unfold around; simpl; lia|].
  specialize (H c). unfold around in *. simpl. unfold larger, distance_bounds. simpl. lia.
Qed.

(** So have all layers. *)
Lemma bounds_around : forall r ls x box, 0 <= r -> Forall2 (around r) x box ->
  Forall2 (around r) (values ls x) (bounds ls box).
Proof.
  intros r ls x box R0. revert x box. induction ls as [|l ls IH]; intros x box H; [assumption|].
  unfold values, bounds in *. simpl. apply IH. apply Forall2_map. intros row _.
  apply unit_around; [assumption|]. intro c. apply (Forall2_nth (around r)); [|assumption].
  unfold around. simpl. lia.
Qed.

(** A sum over the members has bounds that reach no further than the sum of theirs. *)
Lemma logit_around : forall net r x box k, 0 <= r -> Forall2 (around r) x box ->
  logit net x k - Z.of_nat (members net) * r <= logit net (map snd box) k /\
  logit net (map fst box) k <= logit net x k + Z.of_nat (members net) * r.
Proof.
  intros net r x box k R0 H. unfold logit.
  replace (Z.of_nat (members net)) with (Z.of_nat (length (seq 0 (members net))))
    by now rewrite seq_length.
  induction (seq 0 (members net)) as [|m ms IH]; [simpl; lia|]. cbn [fold_right length].
  pose proof (Forall2_nth (around r) 0 point ltac:(unfold around; simpl; lia) _ _ H
    (m * classes net + k)%nat) as N.
  unfold around in N. rewrite <- (map_nth fst box point), <- (map_nth snd box point) in N.
  simpl fst in N. simpl snd in N. lia.
Qed.

(** The IBP radius is never below the Lipschitz radius. *)
Theorem ibp_proves_lipschitz : forall net image k r,
  (1 <= members net)%nat -> (k < classes net)%nat ->
  0 <= r <= lipschitz_radius net (gap k (logits net image)) ->
  ibp_proves net image k r = true.
Proof.
  intros net image k r N K [R0 RL]. pose proof (lipschitz_radius_below net _ r N RL) as M.
  assert (Forall2 (around r) image (box_around net image r)) as B.
  { unfold box_around. rewrite <- (map_id image) at 1. apply Forall2_map. intros p _.
    unfold around. simpl. lia. }
  apply (bounds_around r (layers net)) in B; [|assumption].
  unfold ibp_proves, leads. rewrite forallb_forall. intros z I.
  destruct (others_are _ k z 0 I) as [j [J [JK <-]]]. apply Z.ltb_lt.
  unfold upper_logits, lower_logits in *. rewrite logits_of_length in J.
  rewrite !nth_logits by assumption.
  pose proof (logit_around net r _ _ k R0 B) as [Lk _].
  pose proof (logit_around net r _ _ j R0 B) as [_ Uj].
  pose proof (gap_below k (logits net image) j
    ltac:(unfold logits; rewrite logits_of_length; assumption) JK) as G.
  unfold logits in G at 1 3. rewrite !nth_logits in G by assumption.
  fold (logits net image) in G. lia.
Qed.

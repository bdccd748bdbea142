(** The Lipschitz certificate: the margin alone proves a radius.

    The proof is the one of docs/certificates.md, "The theorem". Nothing in it uses that the changes
    are whole ticks, or that they stay in the domain. *)

From Coq Require Import ZArith Reals List Lia Lra.
From Linf Require Import Network Bounds.
Import ListNotations.
Open Scope Z_scope.

(** * Definitions *)

(** How far logit [k] is above the largest of the others. *)
Definition gap (k : nat) (zs : list Z) : Z :=
  match map (fun z => nth k zs 0 - z) (others k zs) with
  | [] => 0
  | g :: gs => fold_right Z.min g gs
  end.

(** The largest radius that a margin proves. *)
Definition lipschitz_radius (net : network) (margin : Z) : Z :=
  (margin - 1) / (2 * Z.of_nat (members net)).

(** * A network moves by no more than its input *)

(** Two lists of numbers that differ by at most [r] at each place. *)
Definition near (r : R) (x y : list R) : Prop := Forall2 (fun a b => (Rabs (a - b) <= r)%R) x y.

(** A maximum moves by no more than what it is of. *)
Lemma Rmax_moves : forall a b u v r,
  (Rabs (a - b) <= r -> Rabs (u - v) <= r -> Rabs (Rmax a u - Rmax b v) <= r)%R.
Proof.
  intros a b u v r H K. apply Rabs_ends in H. apply Rabs_ends in K. apply Rabs_le.
  unfold Rmax. destruct (Rle_dec a u), (Rle_dec b v); lra.
Qed.

(** A unit is 1-Lipschitz in the largest change of its inputs. *)
Lemma unit_moves : forall r row x y, (0 <= r)%R ->
  (forall c, Rabs (x c - y c) <= r)%R ->
  (Rabs (unit_value_real x row - unit_value_real y row) <= r)%R.
Proof.
  intros r row x y R0 H. induction row as [|[c w] row IH]; simpl.
  - rewrite Rminus_eq_0, Rabs_R0. assumption.
  - apply Rmax_moves; [|assumption]. specialize (H c). apply Rabs_ends in H.
    apply Rabs_le. unfold Rabs.
    destruct (Rcase_abs (x c - IZR w)), (Rcase_abs (y c - IZR w)); lra.
Qed.

(** So is a layer, and a composition of layers. *)
Lemma values_move : forall r ls x y, (0 <= r)%R -> near r x y ->
  near r (values_real ls x) (values_real ls y).
Proof.
  intros r ls x y R0. revert x y. induction ls as [|l ls IH]; intros x y H; [assumption|].
  unfold values_real in *. simpl. apply IH. apply Forall2_map. intros row _.
  apply unit_moves; [assumption|]. intro c.
  apply (Forall2_nth (fun a b => (Rabs (a - b) <= r)%R)); [|assumption]. cbv beta.
  rewrite Rminus_eq_0, Rabs_R0. assumption.
Qed.

(** A logit is a sum over the members, and moves by at most [r] in each. *)
Lemma logit_moves : forall net r units units' k, (0 <= r)%R -> near r units units' ->
  (Rabs (logit_real net units k - logit_real net units' k) <= INR (members net) * r)%R.
Proof.
  intros net r u v k R0 H. unfold logit_real.
  replace (INR (members net)) with (INR (length (seq 0 (members net)))) by now rewrite seq_length.
  induction (seq 0 (members net)) as [|m ms IH].
  - simpl. replace (- 0 - - 0)%R with 0%R by lra. rewrite Rabs_R0. lra.
  - cbn [fold_right length]. rewrite S_INR. apply Rabs_ends in IH. apply Rabs_le.
    pose proof (Forall2_nth (fun a b => (Rabs (a - b) <= r)%R) 0%R 0%R) as N.
    specialize (N ltac:(cbv beta; rewrite Rminus_eq_0, Rabs_R0; assumption) _ _ H (m * classes net + k)%nat).
    apply Rabs_ends in N. lra.
Qed.

(** When every pixel moves by at most [r], every logit moves by at most [members * r]. *)
Theorem logits_move : forall net r x y k, (k < classes net)%nat -> (0 <= r)%R -> near r x y ->
  (Rabs (nth k (logits_real net x) 0 - nth k (logits_real net y) 0) <= INR (members net) * r)%R.
Proof.
  intros. unfold logits_real. rewrite !nth_logits_real by assumption.
  apply logit_moves; [assumption|]. now apply values_move.
Qed.

(** * The gap is the distance to the second largest logit *)

(** A minimum is below all that it is of. *)
Lemma fold_min_below : forall g gs z, In z (g :: gs) -> fold_right Z.min g gs <= z.
Proof.
  intros g gs z H. induction gs as [|h gs IH]; simpl in *.
  - destruct H; [lia|contradiction].
  - destruct H as [H | [H | H]]; [assert (fold_right Z.min g gs <= z) by auto| |
      assert (fold_right Z.min g gs <= z) by auto]; lia.
Qed.

(** And it is one of them. *)
Lemma fold_min_in : forall g gs, In (fold_right Z.min g gs) (g :: gs).
Proof.
  intros g gs. induction gs as [|h gs IH]; simpl in *; [now left|].
  destruct (Z.min_spec h (fold_right Z.min g gs)) as [[_ ->] | [_ ->]]; intuition.
Qed.

(** Every other logit is below by at least the gap. *)
Lemma gap_below : forall k zs j, (j < length zs)%nat -> j <> k -> nth j zs 0 + gap k zs <= nth k zs 0.
Proof.
  intros k zs j L N. unfold gap.
  pose proof (in_map (fun z => nth k zs 0 - z) _ _ (in_others zs k j 0 L N)) as H. simpl in H.
  destruct (map (fun z => nth k zs 0 - z) (others k zs)) as [|g gs]; [contradiction|].
  apply fold_min_below in H. lia.
Qed.

(** The others are the elements at the other indices. *)
Lemma others_are : forall {A} (l : list A) k z d, In z (others k l) ->
  exists j, (j < length l)%nat /\ j <> k /\ nth j l d = z.
Proof.
  induction l as [|a l IH]; intros k z d H.
  - unfold others in H. destruct k; contradiction.
  - destruct k as [|k]; unfold others in H; simpl in H.
    + apply (In_nth _ _ d) in H. destruct H as [j [L E]]. exists (S j). simpl. repeat split; auto; lia.
    + destruct H as [->|H].
      * exists 0%nat. simpl. repeat split; auto; lia.
      * destruct (IH k z d H) as [j [L [N E]]]. exists (S j). simpl. repeat split; auto; lia.
Qed.

(** Among two or more elements there are others. *)
Lemma others_nonempty : forall {A} (l : list A) k, (2 <= length l)%nat -> others k l <> [].
Proof.
  intros A l k L E. destruct l as [|a [|b l]]; simpl in L; try lia.
  destruct k as [|k]; unfold others in E; simpl in E; discriminate.
Qed.

(** The gap is reached: no larger margin is true. *)
Lemma gap_reached : forall k zs, (2 <= length zs)%nat ->
  exists j, (j < length zs)%nat /\ j <> k /\ nth j zs 0 + gap k zs = nth k zs 0.
Proof.
  intros k zs L. unfold gap. pose proof (others_nonempty zs k L) as E.
  assert (In (gap k zs) (map (fun z => nth k zs 0 - z) (others k zs))) as H.
  { unfold gap. destruct (others k zs) as [|o os]; [contradiction|]. apply fold_min_in. }
  apply in_map_iff in H. destruct H as [z [G I]].
  destruct (others_are zs k z 0 I) as [j [J [N V]]]. exists j. repeat split; try assumption.
  unfold gap in G. lia.
Qed.

(** * The certificate *)

(** The radius is one for which the theorem holds. *)
Lemma lipschitz_radius_below : forall net m r, (1 <= members net)%nat ->
  r <= lipschitz_radius net m -> 2 * Z.of_nat (members net) * r < m.
Proof.
  intros net m r N H. unfold lipschitz_radius in H.
  pose proof (Z.mul_div_le (m - 1) (2 * Z.of_nat (members net)) ltac:(lia)). nia.
Qed.

(** Beyond that radius the margin proves nothing: it is the largest [r] with [2 N r < m]. *)
Lemma lipschitz_radius_largest : forall net m r, (1 <= members net)%nat ->
  2 * Z.of_nat (members net) * r < m -> r <= lipschitz_radius net m.
Proof.
  intros net m r N H. unfold lipschitz_radius. apply Z.div_le_lower_bound; lia.
Qed.

(** The Lipschitz certificate is sound: where every pixel moves by at most
    [(margin - 1) / (2 * members)] ticks, by real numbers, the label stays. *)
Theorem lipschitz_sound : forall net image k r,
  (1 <= members net)%nat -> (k < classes net)%nat ->
  0 <= r <= lipschitz_radius net (gap k (logits net image)) ->
  forall x, near (IZR r) x (map IZR image) -> wins k (logits_real net x).
Proof.
  intros net image k r N K [R0 RL] x H.
  pose proof (lipschitz_radius_below net _ r N RL) as M.
  split; unfold logits_real; rewrite logits_of_real_length; [assumption|].
  intros j J JK. fold (logits_real net x).
  pose proof (logits_move net _ _ _ k K (IZR_le _ _ R0) H) as Mk.
  pose proof (logits_move net _ _ _ j J (IZR_le _ _ R0) H) as Mj.
  rewrite logits_integers, nth_IZR in Mk, Mj. apply Rabs_ends in Mk. apply Rabs_ends in Mj.
  assert (length (logits net image) = classes net) as L by apply logits_of_length.
  pose proof (gap_below k (logits net image) j ltac:(lia) JK) as G.
  apply IZR_le in G. apply IZR_lt in M. rewrite plus_IZR in G. rewrite !mult_IZR in M.
  rewrite <- INR_IZR_INZ in M. lra.
Qed.

(** In particular for the perturbed images of the domain. *)
Lemma perturbed_near : forall net image r x, perturbed net image r x -> near (IZR r) x (map IZR image).
Proof.
  intros net image r x H. induction H as [|p v image x [D _] H IH]; constructor; assumption.
Qed.

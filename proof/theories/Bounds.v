(** Interval bound propagation (IBP): the bounds of every unit over a box, and why they hold.

    The definitions are those of docs/model-format.md, "What is proved", and of
    src/exact/certify/ibp.rs. The ends of a box are integers; its points are real. *)

From Coq Require Import ZArith Reals List Lia Lra.
From Linf Require Import Network.
Import ListNotations.
Open Scope Z_scope.

(** * Definitions *)

(** Lower and upper end. *)
Definition interval := (Z * Z)%type.
Definition point : interval := (0, 0).

(** The least and the largest distance between a number of the interval and a weight. *)
Definition distance_bounds (b : interval) (w : Z) : interval :=
  (Z.max 0 (Z.max (fst b - w) (w - snd b)), Z.max (snd b - w) (w - fst b)).

Definition larger (a b : interval) : interval := (Z.max (fst a) (fst b), Z.max (snd a) (snd b)).

Definition unit_bounds (x : positive -> interval) (r : row) : interval :=
  fold_right (fun w most => larger (distance_bounds (x (fst w)) (snd w)) most) point r.

Definition layer_bounds (l : layer) (box : list interval) : list interval :=
  map (unit_bounds (at_place point box)) l.

(** The bounds of the last layer's units. *)
Definition bounds (ls : list layer) (box : list interval) : list interval :=
  fold_left (fun box l => layer_bounds l box) ls box.

(** The bounds of the logits, of those of the last layer's units. A logit falls when its units rise,
    so the ends change places. *)
Definition lower_logits (net : network) (units : list interval) : list Z :=
  logits_of net (map snd units).
Definition upper_logits (net : network) (units : list interval) : list Z :=
  logits_of net (map fst units).

(** The box of a radius around an image, clipped to the domain. *)
Definition box_around (net : network) (image : list Z) (r : Z) : list interval :=
  map (fun pixel => (Z.max (pixel - r) 0, Z.min (pixel + r) (top net))) image.

(** The box that is the whole domain. *)
Definition domain (net : network) : list interval := repeat (0, top net) (inputs net).

(** A list without its element at index [k]. *)
Definition others {A} (k : nat) (l : list A) : list A := firstn k l ++ skipn (S k) l.

(** Whether the lower bound of class [k] is strictly above the upper bound of every other. *)
Definition leads (k : nat) (lowers uppers : list Z) : bool :=
  forallb (fun upper => upper <? nth k lowers 0) (others k uppers).

(** Whether IBP proves the label [k] of an image at radius [r]. *)
Definition ibp_proves (net : network) (image : list Z) (k : nat) (r : Z) : bool :=
  let units := bounds (layers net) (box_around net image r) in
  leads k (lower_logits net units) (upper_logits net units).

(** * Bounds contain every real point of the box *)

Definition within (b : interval) (v : R) : Prop := (IZR (fst b) <= v <= IZR (snd b))%R.
Definition contains (box : list interval) (x : list R) : Prop := Forall2 within box x.

(** Two lists that are related element by element, read at the same place. *)
Lemma Forall2_nth : forall {A B} (P : A -> B -> Prop) a b, P a b ->
  forall l m, Forall2 P l m -> forall i, P (nth i l a) (nth i m b).
Proof.
  intros A B P a b D l m H. induction H; intros [|i]; simpl; auto.
Qed.

(** A box contains a point at each place, also beyond their ends. *)
Lemma contains_at : forall box x c, contains box x -> within (at_place point box c) (at_place 0%R x c).
Proof.
  intros. apply (Forall2_nth within); [|assumption]. unfold within, point. simpl. lra.
Qed.

(** Related lists are equally long. *)
Lemma Forall2_same_length : forall {A B} (P : A -> B -> Prop) l m, Forall2 P l m -> length l = length m.
Proof. intros A B P l m H. induction H; simpl; congruence. Qed.

(** What [map] makes of one list by two functions, related element by element. *)
Lemma Forall2_map : forall {A B C} (P : B -> C -> Prop) (f : A -> B) (g : A -> C) l,
  (forall a, In a l -> P (f a) (g a)) -> Forall2 P (map f l) (map g l).
Proof.
  intros A B C P f g l. induction l as [|a l IH]; intro H; simpl; constructor.
  - apply H. now left.
  - apply IH. intros. apply H. now right.
Qed.

(** A number of the interval has a distance within the distance bounds. *)
Lemma distance_within : forall b w v, within b v ->
  within (distance_bounds b w) (Rabs (v - IZR w)).
Proof.
  intros [l h] w v [L H]. unfold within, distance_bounds in *. simpl in *.
  rewrite !IZR_max, !minus_IZR. split.
  - apply Rmax_lub; [apply Rabs_pos|]. apply Rmax_lub.
    + eapply Rle_trans; [|apply Rle_abs]. lra.
    + rewrite Rabs_minus_sym. eapply Rle_trans; [|apply Rle_abs]. lra.
  - apply Rabs_le. pose proof (Rmax_l (IZR h - IZR w) (IZR w - IZR l)).
    pose proof (Rmax_r (IZR h - IZR w) (IZR w - IZR l)). lra.
Qed.

(** A maximum grows with what it is of. *)
Lemma Rmax_le : forall a b u v, (a <= u -> b <= v -> Rmax a b <= Rmax u v)%R.
Proof.
  intros a b u v H K. pose proof (Rmax_l u v). pose proof (Rmax_r u v). apply Rmax_lub; lra.
Qed.

(** So the larger of two numbers lies within the larger of their bounds. *)
Lemma larger_within : forall a b u v, within a u -> within b v -> within (larger a b) (Rmax u v).
Proof.
  intros [] [] u v [] []. unfold within, larger in *. simpl in *. rewrite !IZR_max.
  split; apply Rmax_le; assumption.
Qed.

(** A unit lies within its bounds. *)
Lemma unit_within : forall r b x, (forall c, within (b c) (x c)) ->
  within (unit_bounds b r) (unit_value_real x r).
Proof.
  intros r b x H. induction r as [|[c w] r IH]; simpl.
  - unfold within, point. simpl. lra.
  - apply larger_within; [apply distance_within, H | apply IH].
Qed.

(** The same for all units of a layer. *)
Lemma layer_contains : forall l box x, contains box x ->
  contains (layer_bounds l box) (layer_values_real l x).
Proof.
  intros. apply Forall2_map. intros r _. apply unit_within. intro c. now apply contains_at.
Qed.

(** The bounds of the last layer contain its values for every real point of the box. *)
Theorem bounds_contain : forall ls box x, contains box x ->
  contains (bounds ls box) (values_real ls x).
Proof.
  induction ls as [|l ls IH]; intros box x H; [assumption|].
  unfold bounds, values_real in *. simpl. apply IH. now apply layer_contains.
Qed.

(** Two sums of units, one below the other unit by unit. *)
Lemma logit_between : forall net box x k, contains box x ->
  (IZR (logit net (map snd box) k) <= logit_real net x k <= IZR (logit net (map fst box) k))%R.
Proof.
  intros net box x k H. unfold logit, logit_real. rewrite !opp_IZR.
  induction (seq 0 (members net)) as [|m ms IH]; [simpl; lra|].
  cbn [fold_right]. rewrite !plus_IZR.
  pose proof (Forall2_nth within point 0%R) as N.
  specialize (N ltac:(unfold within, point; simpl; lra) _ _ H (m * classes net + k)%nat).
  unfold within in N.
  rewrite <- (map_nth fst box point), <- (map_nth snd box point) in N. simpl fst in N. simpl snd in N.
  lra.
Qed.

(** The logit of a class in the list of all. *)
Lemma nth_logits : forall net units k, (k < classes net)%nat ->
  nth k (logits_of net units) 0 = logit net units k.
Proof.
  intros. unfold logits_of. rewrite nth_indep with (d' := logit net units 0).
  - rewrite map_nth, seq_nth by assumption. reflexivity.
  - now rewrite map_length, seq_length.
Qed.

(** The same over the reals. *)
Lemma nth_logits_real : forall net units k, (k < classes net)%nat ->
  nth k (logits_of_real net units) 0%R = logit_real net units k.
Proof.
  intros. unfold logits_of_real. rewrite nth_indep with (d' := logit_real net units 0).
  - rewrite map_nth, seq_nth by assumption. reflexivity.
  - now rewrite map_length, seq_length.
Qed.

(** There is a logit for each class. *)
Lemma logits_of_length : forall net units, length (logits_of net units) = classes net.
Proof. intros. unfold logits_of. now rewrite map_length, seq_length. Qed.

(** The same over the reals. *)
Lemma logits_of_real_length : forall net units, length (logits_of_real net units) = classes net.
Proof. intros. unfold logits_of_real. now rewrite map_length, seq_length. Qed.

(** Every logit of every real point of a box lies between its bounds. *)
Theorem logit_bounds_contain : forall net box x k, (k < classes net)%nat -> contains box x ->
  let units := bounds (layers net) box in
  (IZR (nth k (lower_logits net units) 0%Z) <= nth k (logits_real net x) 0
    <= IZR (nth k (upper_logits net units) 0%Z))%R.
Proof.
  intros. unfold lower_logits, upper_logits, logits_real. rewrite !nth_logits by assumption.
  rewrite nth_logits_real by assumption. now apply logit_between, bounds_contain.
Qed.

(** * A label that leads is constant on the box *)

(** Every other element is among the others. *)
Lemma in_others : forall {A} (l : list A) k j d, (j < length l)%nat -> j <> k ->
  In (nth j l d) (others k l).
Proof.
  induction l as [|a l IH]; intros k j d L N; [simpl in L; lia|].
  destruct k, j; simpl in *; try lia; unfold others; simpl.
  - apply nth_In. lia.
  - now left.
  - right. apply (IH k j d); lia.
Qed.

(** What [leads] tests, class by class. *)
Lemma leads_above : forall k lowers uppers j, leads k lowers uppers = true ->
  (j < length uppers)%nat -> j <> k -> nth j uppers 0 < nth k lowers 0.
Proof.
  intros k lowers uppers j H L N. unfold leads in H. rewrite forallb_forall in H.
  apply Z.ltb_lt, H. now apply in_others.
Qed.

(** Where the lower bound of a label is above all other upper bounds, every real point of the box has
    this label. *)
Theorem leading_label_is_constant : forall net box k, (k < classes net)%nat ->
  let units := bounds (layers net) box in
  leads k (lower_logits net units) (upper_logits net units) = true ->
  forall x, contains box x -> wins k (logits_real net x).
Proof.
  intros net box k K units H x C. split.
  - unfold logits_real. now rewrite logits_of_real_length.
  - intros j J N. unfold logits_real in J. rewrite logits_of_real_length in J.
    destruct (logit_bounds_contain net box x k K C) as [Lk _].
    destruct (logit_bounds_contain net box x j J C) as [_ Hj].
    eapply Rle_lt_trans; [apply Hj|]. eapply Rlt_le_trans; [|apply Lk].
    apply IZR_lt, leads_above; [assumption| |assumption].
    unfold upper_logits. now rewrite logits_of_length.
Qed.

(** A bound of an absolute value as two inequalities, which [lra] understands. *)
Lemma Rabs_ends : forall a b, (Rabs a <= b -> - b <= a <= b)%R.
Proof. intros a b. unfold Rabs. destruct (Rcase_abs a); lra. Qed.

(** A perturbed image is a point of the clipped box. *)
Lemma perturbed_in_box : forall net image r x, perturbed net image r x ->
  contains (box_around net image r) x.
Proof.
  intros net image r x H. induction H as [|p v image x [D [Z T]] H IH]; simpl; constructor; auto.
  unfold within. simpl. apply Rabs_ends in D. rewrite IZR_max. split.
  - apply Rmax_lub; [rewrite minus_IZR|]; lra.
  - destruct (Z.min_spec (p + r) (top net)) as [[_ ->] | [_ ->]]; [rewrite plus_IZR|]; lra.
Qed.

(** The IBP certificate is sound: every real-valued image within the radius has the label. *)
Theorem ibp_sound : forall net image k r, (k < classes net)%nat ->
  ibp_proves net image k r = true ->
  forall x, perturbed net image r x -> wins k (logits_real net x).
Proof.
  intros net image k r K H x P. eapply leading_label_is_constant; eauto using perturbed_in_box.
Qed.

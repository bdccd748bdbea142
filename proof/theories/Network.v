(** The network: what a model file holds, and the function that it is.

    Every length is a whole number of ticks, so the weights are integers ([Z]). The network is
    evaluated twice: over [Z], which is what runs on an image, and over [R], which is what a
    certificate is about. [logits_integers] says that they agree where both are defined.

    The model is that of docs/model-format.md and src/exact/net/dense.rs. *)

From Coq Require Import ZArith Reals List Lia Lra.
Import ListNotations.
Open Scope Z_scope.

(** A kept weight: the input that it sees, and its value in ticks. Inputs are counted from 1, because
    they are the keys of Coq's binary trees (Trees.v). *)
Definition weight := (positive * Z)%type.

(** A unit is the list of its kept weights; a layer is the list of its units. *)
Definition row := list weight.
Definition layer := list row.

Record network := Network {
  scale : Z;               (** ticks per pixel level, S *)
  inputs : nat;            (** pixels of an image *)
  layers : list layer;     (** input side first *)
  members : nat;           (** ensemble members, N *)
  classes : nat;
  bias : list Z            (** of the last layer's units, [members * classes], member by member *)
}.

(** The domain of a pixel is 0 to [top] ticks. *)
Definition max_level : Z := 255.
Definition top (net : network) : Z := max_level * scale net.

(** An image of grey levels as the network's input in ticks. *)
Definition ticks (net : network) (levels : list Z) : list Z :=
  map (fun level => level * scale net) levels.

(** The element of a list at a place that is counted from 1; [default] beyond its end. *)
Definition at_place {A} (default : A) (l : list A) (place : positive) : A :=
  nth (Nat.pred (Pos.to_nat place)) l default.

(** * Evaluation over the integers *)

(** A unit is the largest distance between an input and its weight. *)
Definition unit_value (x : positive -> Z) (r : row) : Z :=
  fold_right (fun w most => Z.max (Z.abs (x (fst w) - snd w)) most) 0 r.

Definition layer_values (l : layer) (x : list Z) : list Z :=
  map (unit_value (at_place 0 x)) l.

(** The values of the last layer's units. *)
Definition values (ls : list layer) (x : list Z) : list Z :=
  fold_left (fun x l => layer_values l x) ls x.

(** The logit of class [k]: minus the sum over the members of the class's unit and its bias. *)
Definition logit (net : network) (units : list Z) (k : nat) : Z :=
  - fold_right (fun member sum =>
      let unit := (member * classes net + k)%nat in
      nth unit units 0 + nth unit (bias net) 0 + sum) 0 (seq 0 (members net)).

Definition logits_of (net : network) (units : list Z) : list Z :=
  map (logit net units) (seq 0 (classes net)).

Definition logits (net : network) (x : list Z) : list Z :=
  logits_of net (values (layers net) x).

(** * Evaluation over the reals: the same, word for word *)

Definition unit_value_real (x : positive -> R) (r : row) : R :=
  fold_right (fun w most => Rmax (Rabs (x (fst w) - IZR (snd w))) most)%R 0%R r.

Definition layer_values_real (l : layer) (x : list R) : list R :=
  map (unit_value_real (at_place 0%R x)) l.

Definition values_real (ls : list layer) (x : list R) : list R :=
  fold_left (fun x l => layer_values_real l x) ls x.

Definition logit_real (net : network) (units : list R) (k : nat) : R :=
  (- fold_right (fun member sum =>
      let unit := (member * classes net + k)%nat in
      nth unit units 0 + IZR (nth unit (bias net) 0%Z) + sum) 0 (seq 0 (members net)))%R.

Definition logits_of_real (net : network) (units : list R) : list R :=
  map (logit_real net units) (seq 0 (classes net)).

Definition logits_real (net : network) (x : list R) : list R :=
  logits_of_real net (values_real (layers net) x).

(** * Labels *)

(** Class [k] wins if its logit is strictly above every other: a tie is no label. *)
Definition wins (k : nat) (zs : list R) : Prop :=
  (k < length zs)%nat /\
  forall j, (j < length zs)%nat -> j <> k -> (nth j zs 0 < nth k zs 0)%R.

(** At most one class wins. *)
Theorem wins_unique : forall k j zs, wins k zs -> wins j zs -> k = j.
Proof.
  intros k j zs [Hk Wk] [Hj Wj].
  destruct (Nat.eq_dec k j) as [|N]; [assumption|].
  specialize (Wk j Hj (not_eq_sym N)). specialize (Wj k Hk N). lra.
Qed.

(** * Perturbed images *)

(** [x] is a real-valued image whose pixels differ from the image's by at most [r] ticks, and which
    stays in the domain. The changes need not be whole ticks. *)
Definition perturbed (net : network) (image : list Z) (r : Z) (x : list R) : Prop :=
  Forall2 (fun pixel v =>
    (Rabs (v - IZR pixel) <= IZR r /\ 0 <= v <= IZR (top net))%R) image x.

(** A radius need not be a whole number either: one such as 255 S ε is covered by the next whole one. *)
Lemma perturbed_by_less : forall net image rho r x, (rho <= IZR r)%R ->
  Forall2 (fun pixel v => (Rabs (v - IZR pixel) <= rho /\ 0 <= v <= IZR (top net))%R) image x ->
  perturbed net image r x.
Proof.
  intros net image rho r x L H. induction H as [|p v image x [D B] H IH]; constructor; [|exact IH].
  split; [lra | exact B].
Qed.

(** An input in ticks, within the domain. *)
Definition in_domain (net : network) (image : list Z) : Prop :=
  Forall (fun pixel => 0 <= pixel <= top net) image.

(** * The two evaluations agree *)

(** A maximum of integers as real numbers. *)
Lemma IZR_max : forall a b, IZR (Z.max a b) = Rmax (IZR a) (IZR b).
Proof.
  intros a b. destruct (Z.max_spec a b) as [[H ->] | [H ->]].
  - rewrite Rmax_right; [reflexivity | apply IZR_le; lia].
  - rewrite Rmax_left; [reflexivity | apply IZR_le; lia].
Qed.

(** Both ends of a list's default are 0, so reading beyond it agrees too. *)
Lemma nth_IZR : forall i l, nth i (map IZR l) 0%R = IZR (nth i l 0).
Proof. intros. change 0%R with (IZR 0). apply map_nth. Qed.

(** A unit of integers has an integer value. *)
Lemma unit_value_integers : forall r x y,
  (forall c, y c = IZR (x c)) -> unit_value_real y r = IZR (unit_value x r).
Proof.
  intros r x y H. induction r as [|[c w] r IH]; simpl; [reflexivity|].
  rewrite IZR_max, abs_IZR, minus_IZR, H, IH. reflexivity.
Qed.

(** So has a layer. *)
Lemma layer_values_integers : forall l x,
  layer_values_real l (map IZR x) = map IZR (layer_values l x).
Proof.
  intros. unfold layer_values_real, layer_values. rewrite map_map. apply map_ext. intro r.
  apply unit_value_integers. intro c. apply nth_IZR.
Qed.

(** And all layers. *)
Lemma values_integers : forall ls x, values_real ls (map IZR x) = map IZR (values ls x).
Proof.
  induction ls as [|l ls IH]; intro x; [reflexivity|].
  unfold values_real, values in *. simpl. rewrite layer_values_integers. apply IH.
Qed.

(** A logit of integers is an integer. *)
Lemma logit_integers : forall net units k,
  logit_real net (map IZR units) k = IZR (logit net units k).
Proof.
  intros. unfold logit_real, logit. rewrite opp_IZR. f_equal.
  induction (seq 0 (members net)) as [|m ms IH]; [reflexivity|].
  cbn [fold_right]. rewrite !plus_IZR, <- IH, nth_IZR. reflexivity.
Qed.

(** And so are all logits. *)
Lemma logits_of_integers : forall net units,
  logits_of_real net (map IZR units) = map IZR (logits_of net units).
Proof.
  intros. unfold logits_of_real, logits_of. rewrite map_map. apply map_ext. intro k.
  apply logit_integers.
Qed.

(** On an image in ticks, the integers that run are the real-valued logits. *)
Theorem logits_integers : forall net x, logits_real net (map IZR x) = map IZR (logits net x).
Proof.
  intros. unfold logits_real, logits. rewrite values_integers. apply logits_of_integers.
Qed.

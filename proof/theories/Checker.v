(** The checker: the functions that are extracted, and what their answers mean.

    [load] accepts a network, [check] a certificate of one image, [check_radius] a radius alone,
    [check_tie] that there is no label. The theorems at the end are about real-valued images and
    about [logits_real]: they mention neither trees nor early exit. *)

From Coq Require Import ZArith Reals List Lia.
From Linf Require Import Network Bounds Lipschitz Radius Pruning Evaluation Overflow.
Import ListNotations.
Open Scope bool_scope.
Open Scope Z_scope.

(** * Which networks are accepted *)

(** No unit is empty, and every weight sees an input that there is. *)
Definition layer_valid (width : nat) (l : layer) : bool :=
  let beyond := Pos.of_succ_nat width in
  forallb (fun r =>
    match r with [] => false | _ => forallb (fun w => (fst w <? beyond)%positive) r end) l.

Fixpoint layers_valid (width : nat) (ls : list layer) (outputs : nat) : bool :=
  match ls with
  | [] => (width =? outputs)%nat
  | l :: ls => layer_valid width l && layers_valid (length l) ls outputs
  end.

Definition valid (net : network) : bool :=
  (1 <=? scale net) && (1 <=? members net)%nat && (2 <=? classes net)%nat &&
  (length (bias net) =? members net * classes net)%nat &&
  match layers net with [] => false | _ => true end &&
  layers_valid (inputs net) (layers net) (members net * classes net) &&
  fits net.

(** A network that was accepted, made ready for the images of its domain. *)
Record ready := Ready { network_of : network; blocks : list (list (list block)) }.

Definition load (net : network) : option ready :=
  if valid net then Some (Ready net (prepare (layers net) (domain net))) else None.

(** * What is computed of an image *)

(** An image has a level from 0 to 255 for every pixel. *)
Definition is_image (net : network) (levels : list Z) : bool :=
  (length levels =? inputs net)%nat && forallb (fun v => (0 <=? v) && (v <=? max_level)) levels.

Definition logits_at (m : ready) (image : list Z) : list Z :=
  logits_of (network_of m) (fast_values (blocks m) image).

(** Lower and upper bounds of the logits at a radius. *)
Definition bounds_at (m : ready) (image : list Z) (r : Z) : list Z * list Z :=
  let units := fast_bounds (blocks m) (box_around (network_of m) image r) in
  (lower_logits (network_of m) units, upper_logits (network_of m) units).

Definition proves_at (m : ready) (image : list Z) (k : nat) (r : Z) : bool :=
  let b := bounds_at m image r in leads k (fst b) (snd b).

(** The class that leads, if one does, and by how much. *)
Definition label_and_margin (zs : list Z) : option (nat * Z) :=
  match find (fun k => leads k zs zs) (seq 0 (length zs)) with
  | Some k => Some (k, gap k zs)
  | None => None
  end.

(** The radius that a margin proves; none is larger than the domain. *)
Definition lipschitz_in_domain (net : network) (margin : Z) : Z :=
  Z.min (lipschitz_radius net margin) (top net).

(** * What is checked *)

(** What is claimed of an image that has a label: lengths are in ticks. *)
Record certificate := Certificate {
  label : nat;
  margin : Z;
  lipschitz : Z;
  ibp : Z
}.

(** The label is that of the image, and IBP proves it at the radius. *)
Definition check_radius (m : ready) (levels : list Z) (k : nat) (r : Z) : bool :=
  let net := network_of m in
  is_image net levels && (k <? classes net)%nat && (0 <=? r) && proves_at m (ticks net levels) k r.

(** Label, margin and both radii are exactly those of the image: the IBP radius is proved, and the next
    one is not. *)
Definition check (m : ready) (levels : list Z) (c : certificate) : bool :=
  let net := network_of m in
  let image := ticks net levels in
  let zs := logits_at m image in
  is_image net levels && (label c <? classes net)%nat && leads (label c) zs zs &&
  (margin c =? gap (label c) zs) && (lipschitz c =? lipschitz_in_domain net (margin c)) &&
  (0 <=? ibp c) && (ibp c <=? top net) && proves_at m image (label c) (ibp c) &&
  ((ibp c =? top net) || negb (proves_at m image (label c) (ibp c + 1))).

(** Several classes share the largest logit. *)
Definition check_tie (m : ready) (levels : list Z) : bool :=
  let net := network_of m in
  is_image net levels &&
  match label_and_margin (logits_at m (ticks net levels)) with None => true | Some _ => false end.

(** * What runs is the network *)

(** What [load] makes of a network. *)
Lemma load_is : forall net m, load net = Some m ->
  valid net = true /\ m = Ready net (prepare (layers net) (domain net)).
Proof.
  intros net m H. unfold load in H. destruct (valid net); [|discriminate]. now inversion H.
Qed.

(** What else is needed of [valid]. *)
Lemma valid_members : forall net, valid net = true ->
  1 <= scale net /\ (1 <= members net)%nat /\ (2 <= classes net)%nat /\ fits net = true.
Proof.
  intros net H. unfold valid in H. rewrite !Bool.andb_true_iff in H.
  rewrite Z.leb_le, !Nat.leb_le in H. tauto.
Qed.

(** No weight of an accepted layer sees beyond the layer's inputs, where a list answers its default. *)
Theorem weights_see_inputs : forall width l r w, layer_valid width l = true -> In r l -> In w r ->
  (Nat.pred (Pos.to_nat (fst w)) < width)%nat.
Proof.
  intros width l r w H R W. unfold layer_valid in H. rewrite forallb_forall in H. specialize (H r R).
  destruct r as [|v r]; [contradiction|]. rewrite forallb_forall in H. specialize (H w W).
  apply Pos.ltb_lt, Pos2Nat.inj_lt in H. rewrite SuccNat2Pos.id_succ in H. lia.
Qed.

(** An image has as many pixels as the network, each in its domain. *)
Lemma image_in_domain : forall net levels, valid net = true -> is_image net levels = true ->
  length levels = inputs net /\ Forall (fun p => 0 <= p <= top net) (ticks net levels).
Proof.
  intros net levels V H. apply valid_members in V. destruct V as [S _].
  unfold is_image in H. apply andb_prop in H. destruct H as [L F]. apply Nat.eqb_eq in L.
  split; [assumption|]. rewrite forallb_forall in F. apply Forall_forall. intros p I.
  apply in_map_iff in I. destruct I as [v [<- I]]. specialize (F v I).
  apply andb_prop in F. rewrite !Z.leb_le in F. unfold top. nia.
Qed.

(** So the domain has it. *)
Lemma domain_holds : forall net image, length image = inputs net -> in_domain net image ->
  holds (domain net) image.
Proof. intros. now apply Forall2_repeat. Qed.

Section Accepted.
  Variables (net : network) (m : ready) (levels : list Z).
  Hypothesis accepted : load net = Some m.
  Hypothesis levels_are_an_image : is_image net levels = true.
  Let image := ticks net levels.

  (** The image that this section is about, as the theorems on evaluation want it. *)
  Lemma image_fits : length image = inputs net /\ in_domain net image.
  Proof.
    destruct (load_is _ _ accepted) as [V _].
    destruct (image_in_domain _ _ V levels_are_an_image) as [L D].
    unfold image, ticks, in_domain. now rewrite map_length.
  Qed.

  (** The logits that are computed are those of the network. *)
  Theorem logits_at_are : logits_at m image = logits net image.
  Proof.
    destruct (load_is _ _ accepted) as [_ E]. unfold logits_at, logits. rewrite E. simpl. f_equal.
    apply prepared_values, domain_holds; apply image_fits.
  Qed.

  (** So are the bounds. *)
  Theorem bounds_at_are : forall r, 0 <= r ->
    let units := bounds (layers net) (box_around net image r) in
    bounds_at m image r = (lower_logits net units, upper_logits net units).
  Proof.
    intros r R. destruct (load_is _ _ accepted) as [_ E]. unfold bounds_at. rewrite E. simpl.
    rewrite prepared_bounds; [reflexivity| |]; [apply box_in_domain | apply box_proper];
      try assumption; apply image_fits.
  Qed.

  (** No number that an evaluation can come across is beyond 2^30: no difference between an input, or
      the end of a box, and a weight, and no sum over the members. So 32 bits hold all of them. *)
  Theorem nothing_overflows :
    (forall d, In d (differences (layers net) image) -> Z.abs d <= limit) /\
    (forall r d, 0 <= r -> In d (end_differences (layers net) (box_around net image r)) ->
      Z.abs d <= limit) /\
    (forall k rest some, (k < classes net)%nat -> seq 0 (members net) = rest ++ some ->
      Z.abs (sum_of_members net (values (layers net) image) k some) <= limit /\
      forall r, 0 <= r ->
        let units := bounds (layers net) (box_around net image r) in
        Z.abs (sum_of_members net (map fst units) k some) <= limit /\
        Z.abs (sum_of_members net (map snd units) k some) <= limit).
  Proof.
    destruct (load_is _ _ accepted) as [V _]. destruct (valid_members net V) as [_ [_ [_ F]]].
    destruct image_fits as [L D]. pose proof (fits_layers net F) as FL.
    split; [|split].
    - intros d I. apply (differences_fit (layers net) (domain net) image); try assumption.
      now apply domain_holds.
    - intros r d R I.
      apply (end_differences_fit (layers net) (domain net) (box_around net image r)); try assumption;
        [now apply box_in_domain | now apply box_proper].
    - intros k rest some K E. split.
      + apply (sums_fit net _ k rest some); try assumption. now apply values_hold, domain_holds.
      + intros r R units.
        pose proof (bounds_inside (layers net) _ _ (box_in_domain net image r L D)) as I.
        pose proof (bounds_proper (layers net) _ (box_proper net image r R D)) as P.
        fold units in I, P. apply ends_hold in I; [|assumption]. destruct I as [IL IU].
        split; now apply (sums_fit net _ k rest some).
  Qed.

  (** So what is computed for a label and a radius is what IBP proves. *)
  Lemma proves_at_is : forall k r, 0 <= r -> proves_at m image k r = ibp_proves net image k r.
  Proof. intros k r R. unfold proves_at. now rewrite bounds_at_are. Qed.
End Accepted.

(** A class leads over the integers if and only if it wins over the reals. *)
Lemma leads_iff_wins : forall k zs, (k < length zs)%nat ->
  leads k zs zs = true <-> wins k (map IZR zs).
Proof.
  intros k zs K. split.
  - intro H. split; rewrite map_length; [assumption|]. intros j J N. rewrite !nth_IZR.
    apply IZR_lt. now apply leads_above.
  - intros [_ W]. rewrite map_length in W. unfold leads. rewrite forallb_forall. intros z I.
    destruct (others_are zs k z 0 I) as [j [J [N <-]]]. apply Z.ltb_lt, lt_IZR.
    rewrite <- !nth_IZR. now apply W.
Qed.

(** * What a yes means *)

(** A radius that was accepted is proved: every real-valued image of the domain within it has the
    label, and so has the image itself. *)
Theorem check_radius_sound : forall net m levels k r, load net = Some m ->
  check_radius m levels k r = true ->
  forall x, perturbed net (ticks net levels) r x -> wins k (logits_real net x).
Proof.
  intros net m levels k r L H. pose proof (load_is _ _ L) as [_ E].
  assert (network_of m = net) as N by now rewrite E.
  unfold check_radius in H. rewrite N in H. rewrite !Bool.andb_true_iff in H.
  destruct H as [[[I K] R] P]. apply Z.leb_le in R. apply Nat.ltb_lt in K.
  rewrite (proves_at_is net m levels L I) in P by assumption. now apply ibp_sound.
Qed.

(** A certificate that was accepted is the image's. *)
Theorem check_sound : forall net m levels c, load net = Some m -> check m levels c = true ->
  let image := ticks net levels in
  let zs := logits net image in
  (* The image has the label. *)
  wins (label c) (logits_real net (map IZR image)) /\
  (* The margin is the distance to the second largest logit. *)
  (forall j, (j < classes net)%nat -> j <> label c -> nth j zs 0 + margin c <= nth (label c) zs 0) /\
  (exists j, (j < classes net)%nat /\ j <> label c /\ nth j zs 0 + margin c = nth (label c) zs 0) /\
  (* The Lipschitz radius is the margin's. *)
  lipschitz c = lipschitz_in_domain net (margin c) /\
  (* Every real-valued image within either radius has the label. *)
  (forall x, perturbed net image (lipschitz c) x -> wins (label c) (logits_real net x)) /\
  (forall x, perturbed net image (ibp c) x -> wins (label c) (logits_real net x)) /\
  (* The IBP radius is the largest that IBP proves, and not below the other. *)
  (forall r, 0 <= r <= top net -> (ibp_proves net image (label c) r = true <-> r <= ibp c)) /\
  lipschitz c <= ibp c.
Proof.
  intros net m levels c L H image zs. pose proof (load_is _ _ L) as [V E].
  pose proof (valid_members net V) as [S [M [C _]]].
  assert (network_of m = net) as N by now rewrite E.
  unfold check in H. rewrite N in H. rewrite !Bool.andb_true_iff in H.
  destruct H as [[[[[[[[I K] W] G] R] R0] RT] P] Q].
  apply Nat.ltb_lt in K. apply Z.eqb_eq in G, R. apply Z.leb_le in R0, RT.
  rewrite (logits_at_are net m levels L I) in W, G.
  rewrite (proves_at_is net m levels L I) in P by assumption.
  fold image in W, G, P. fold zs in W, G.
  assert (length zs = classes net) as LZ by apply logits_of_length.
  apply leads_iff_wins in W; [|lia].
  assert (0 < margin c) as MP.
  { destruct (gap_reached (label c) zs ltac:(lia)) as [j [J [JN JE]]]. destruct W as [_ W].
    rewrite map_length in W. specialize (W j J JN). rewrite !nth_IZR in W. apply lt_IZR in W. lia. }
  assert (0 <= top net) as T by (unfold top, max_level; lia).
  assert (0 <= lipschitz_radius net (margin c)) as LR by (apply Z.div_pos; lia).
  assert (forall r, 0 <= r <= top net -> (ibp_proves net image (label c) r = true <-> r <= ibp c)) as B.
  { intros r RR. split; intro A.
    - apply Z.nlt_ge. intro X. apply Bool.orb_true_iff in Q. destruct Q as [Q|Q].
      + apply Z.eqb_eq in Q. lia.
      + rewrite (proves_at_is net m levels L I) in Q by lia. fold image in Q.
        rewrite (ibp_downward net image _ (ibp c + 1) r ltac:(lia) A) in Q. discriminate.
    - now apply (ibp_downward net image _ r (ibp c)). }
  assert (forall x, perturbed net image (ibp c) x -> wins (label c) (logits_real net x)) as BS
    by (now apply ibp_sound).
  assert (0 <= lipschitz c <= top net) as LT by (rewrite R; unfold lipschitz_in_domain; lia).
  assert (lipschitz c <= lipschitz_radius net (gap (label c) zs)) as LG
    by (rewrite R, <- G; unfold lipschitz_in_domain; lia).
  refine (conj _ (conj _ (conj _ (conj R (conj _ (conj BS (conj B _))))))).
  - now rewrite logits_integers.
  - intros j J JN. rewrite G. apply gap_below; [lia|assumption].
  - rewrite G. destruct (gap_reached (label c) zs ltac:(lia)) as [j J]. exists j. now rewrite <- LZ.
  - intros x X. apply (lipschitz_sound net image (label c) (lipschitz c)); try assumption.
    + split; [apply LT | exact LG].
    + now apply (perturbed_near net).
  - apply B; [assumption|]. apply ibp_proves_lipschitz; try assumption. split; [apply LT | exact LG].
Qed.

(** An image that was accepted as a tie has no label. *)
Theorem check_tie_sound : forall net m levels, load net = Some m -> check_tie m levels = true ->
  forall k, ~ wins k (logits_real net (map IZR (ticks net levels))).
Proof.
  intros net m levels L H k W. pose proof (load_is _ _ L) as [_ E].
  assert (network_of m = net) as N by now rewrite E.
  unfold check_tie in H. rewrite N in H. apply andb_prop in H. destruct H as [I H].
  rewrite (logits_at_are net m levels L I) in H. rewrite logits_integers in W.
  set (zs := logits net (ticks net levels)) in *. unfold label_and_margin in H.
  destruct (find _ _) as [j|] eqn:F; [discriminate|].
  assert (k < length zs)%nat as K by (destruct W as [K _]; now rewrite map_length in K).
  apply leads_iff_wins in W; [|assumption].
  assert (leads k zs zs = false) as D by (apply (find_none _ _ F k), in_seq; lia).
  rewrite W in D. discriminate.
Qed.

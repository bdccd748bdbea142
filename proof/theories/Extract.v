(** Turns the checker's functions into OCaml.

    Everything is extracted as it stands, but for [bool], [list], [option] and pairs, which become
    OCaml's own, and [Z], which becomes Zarith's. The directives for [Z] are trusted: each names the
    function of checker/number.ml, which is Zarith's of the same meaning. *)

From Coq Require Import ZArith Extraction ExtrOcamlBasic.
From Linf Require Import Network Bounds Checker.

Extract Inlined Constant fst => "fst".
Extract Inlined Constant snd => "snd".

(** These stay what they are; their types stand in number.ml, whose functions convert them. *)
Extract Inductive positive => "Number.positive" [ "Number.XI" "Number.XO" "Number.XH" ].
Extract Inductive nat => "Number.nat" [ "Number.O" "Number.S" ].

(** Constructors of [Z] occur in numbers that are written down, and are converted. Nothing that is
    extracted looks into a [Z]: were there such a place, the OCaml would not compile. *)
Extract Inductive Z => "Number.t" [ "Number.zero" "Number.of_positive" "Number.of_negative" ]
  "Number.nothing_looks_into_a_number".

Extract Inlined Constant Z.add => "Number.add".
Extract Inlined Constant Z.sub => "Number.sub".
Extract Inlined Constant Z.mul => "Number.mul".
Extract Inlined Constant Z.opp => "Number.neg".
Extract Inlined Constant Z.abs => "Number.abs".
Extract Inlined Constant Z.min => "Number.min".
Extract Inlined Constant Z.max => "Number.max".
Extract Inlined Constant Z.eqb => "Number.equal".
Extract Inlined Constant Z.leb => "Number.leq".
Extract Inlined Constant Z.ltb => "Number.lt".
Extract Inlined Constant Z.div => "Number.floor_div".
Extract Inlined Constant Z.of_nat => "Number.of_nat".

(** Coq's own arithmetic is made of these, which nothing calls any more. There are no such functions
    in number.ml, so that a call would not compile either. *)
Extract Inlined Constant Z.double => "Number.not_extracted".
Extract Inlined Constant Z.succ_double => "Number.not_extracted".
Extract Inlined Constant Z.pred_double => "Number.not_extracted".
Extract Inlined Constant Z.pos_sub => "Number.not_extracted".
Extract Inlined Constant Z.compare => "Number.not_extracted".
Extract Inlined Constant Z.pos_div_eucl => "Number.not_extracted".
Extract Inlined Constant Z.div_eucl => "Number.not_extracted".

Extraction "proved.ml" load check check_radius check_tie proves_at bounds_at logits_at
  label_and_margin lipschitz_in_domain top ticks is_image.

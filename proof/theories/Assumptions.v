(** What the theorems rest on. The build reads what this prints, and fails if there is an axiom that
    Coq's real numbers do not bring with them (proof/axioms.sh). *)

From Linf Require Import Network Bounds Lipschitz Radius Pruning Evaluation Overflow Checker.

(** Everything that README.md lists, at once. *)
Definition theorems := (
  logits_integers,
  wins_unique,
  perturbed_by_less,
  bounds_contain,
  logit_bounds_contain,
  leading_label_is_constant,
  ibp_sound,
  logits_move,
  lipschitz_sound,
  lipschitz_radius_largest,
  ibp_downward,
  ibp_proves_lipschitz,
  prune_values,
  prune_bounds,
  pruning_changes_nothing,
  drop_to_floor_value,
  early_exit_value,
  early_exit_bounds,
  prepared_values,
  prepared_bounds,
  differences_fit,
  end_differences_fit,
  sums_fit,
  weights_see_inputs,
  logits_at_are,
  bounds_at_are,
  nothing_overflows,
  check_radius_sound,
  check_sound,
  check_tie_sound).

Print Assumptions theorems.

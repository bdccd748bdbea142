#!/usr/bin/env bash
# Reads what Coq's `Print Assumptions` printed, shows it, and fails if there is an axiom that Coq's real
# numbers do not rest on. A lemma that was admitted without a proof counts as an axiom.
#
#   proof/axioms.sh FILE
set -euo pipefail

# What Coq.Reals rests on: comparing real numbers, and that functions with equal values are equal.
KNOWN="ClassicalDedekindReals.sig_forall_dec
ClassicalDedekindReals.sig_not_dec
FunctionalExtensionality.functional_extensionality_dep"

cat "$1"
# A name stands at the start of a line; its type is indented, on the same line or below.
NAMES="$(sed -n 's/^\([A-Za-z_][A-Za-z0-9_.'"'"']*\)\( .*\)\{0,1\}$/\1/p' "$1" | grep -v '^Closed$' || true)"
grep -q '^Axioms:$' "$1" || grep -q '^Closed under the global context$' "$1" ||
  { echo "error: $1 is not what Print Assumptions prints" >&2; exit 1; }
NEW="$(grep -vxF "$KNOWN" <<<"$NAMES" | grep -v '^$' || true)"
if [ -n "$NEW" ]; then
  printf 'error: the theorems rest on more than the real numbers of Coq:\n%s\n' "$NEW" >&2
  exit 1
fi

#!/usr/bin/env bash
# `npm start`: from a fresh clone to the page in a browser. Arguments go to `vite preview`, for example
# `npm start -- --port 8000`.
#
# The page is served as soon as the module of the exact network is there. The others are built behind it;
# views that need one say so, and get it when it comes. What waits for the network runs beside what
# computes.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
SERVER=""
trap '[ -z "$SERVER" ] || kill "$SERVER" 2>/dev/null; end_jobs' EXIT
trap 'exit 130' INT TERM

scripts/setup.sh rust
have node || fail "install Node 22.12 or newer (or 20.19 of the 20s) with npm from https://nodejs.org, then run this again"
in_background fetched bash -c 'scripts/setup.sh packages && scripts/data.sh'
in_background bindgen scripts/setup.sh bindgen

heading "build: the exact network as WebAssembly, while packages, data and tools are fetched"
scripts/wasm.sh --compile-only certify
collect fetched
collect bindgen
scripts/wasm.sh certify
heading "build: the page"
scripts/page.sh --keep

# serving: fails once the server has ended; it has said why.
serving() { kill -0 "$SERVER" 2>/dev/null || fail "the page is no longer served; see above"; }

heading "serve: after $SECONDS s; open the address below; Ctrl-C ends it"
# The terminal stays its input, for the keys that it offers.
vite preview "$@" <&0 &
SERVER=$!
sleep 2
serving

# behind NAME TITLE NUMBER: builds a module and then the page with it, the server having precedence.
behind() {
  heading "build: $2 ($3 of 6); the page stays usable meanwhile"
  if nice -n 10 scripts/wasm.sh "$1" && nice -n 10 scripts/page.sh --keep; then
    serving
  else
    MISSING="$MISSING $1"
  fi
}
MISSING=""
behind baseline "the baselines as WebAssembly" 2
behind gpu "the exact network on the GPU as WebAssembly" 3
behind import "what reads your own images as WebAssembly" 4
behind teach "what teaches a network as WebAssembly" 5
behind train "the trainer as WebAssembly" 6
serving
if [ -z "$MISSING" ]; then heading "everything is there, after $SECONDS s; Ctrl-C ends the server"
else printf '\nwithout:%s, which could not be built; see above. Ctrl-C ends the server\n' "$MISSING" >&2
fi
wait "$SERVER"

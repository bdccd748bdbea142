#!/usr/bin/env bash
# Builds WebAssembly modules of the page, each into pkg/NAME, after scripts/setup.sh:
#
#   scripts/wasm.sh certify baseline gpu import teach train     (bench is for bench/web/)
#   scripts/wasm.sh --compile-only certify     leaves out what needs the tools: the JavaScript
#
# A module whose sources have not changed is not built again; LINF_REBUILD=1 builds it all the same.
# The module is that of `wasm-pack build --target web --profile web --out-dir pkg/NAME --out-name NAME
# -- --no-default-features --features …`. The three commands of which that consists are run here, as
# building wasm-pack itself would take longer than the first module. A module appears in pkg/ whole or
# not at all: the page may be built or served meanwhile.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# features_of NAME
features_of() {
  case "$1" in
    certify | baseline | gpu | import | teach) echo "$1" ;;
    train | bench) echo "$1,webgpu" ;;
    *) fail "there is no module $1: certify, baseline, gpu, import, teach, train or bench" ;;
  esac
}

# inputs_of NAME: a digest of all that the module is made from.
inputs_of() {
  node scripts/fingerprint.mjs --text "$(rustc --version)" --text "$(features_of "$1")" \
    --text "$WASM_BINDGEN_VERSION" --text "${RUSTFLAGS:-}" \
    src Cargo.toml Cargo.lock .cargo/config.toml scripts/wasm.sh scripts/bindgen.rs
}

# compile NAME: the WebAssembly module as cargo leaves it.
compile() {
  cargo build --lib --target wasm32-unknown-unknown --profile web --no-default-features \
    --features "$(features_of "$1")" ||
    fail "cargo could not build the module $1; see above"
}

# finish NAME FOLDER: JavaScript, types and the stripped module into FOLDER.
finish() {
  local built="$TARGET/wasm32-unknown-unknown/web/linf_dist_net.wasm"
  if have_wasm_bindgen; then
    wasm-bindgen "$built" --out-dir "$2" --typescript --target web --out-name "$1"
  else
    "$BINDGEN" "$built" "$2" "$1"
  fi || fail "wasm-bindgen failed on the module $1; run scripts/setup.sh, then this again"
  # The compiler has optimised the whole module at link time; another round by wasm-opt takes minutes
  # and leaves the trainer larger once compressed.
  wasm-opt "$2/$1_bg.wasm" -o "$2/$1_bg.wasm.stripped" --strip-debug &&
    mv "$2/$1_bg.wasm.stripped" "$2/$1_bg.wasm" ||
    fail "wasm-opt failed on the module $1; run scripts/setup.sh, then this again"
}

# build NAME
build() {
  local inputs stamp="pkg/$1/inputs.sha256" next="pkg/next-$1"
  inputs="$(inputs_of "$1")"
  if [ -z "${LINF_REBUILD:-}" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$inputs" ]; then
    echo "pkg/$1 is up to date"
    return
  fi
  [ -z "$COMPILE_ONLY" ] || { compile "$1"; return; }
  compile "$1"
  rm -rf "$next"
  mkdir -p "$next"
  finish "$1" "$next"
  echo "$inputs" >"$next/inputs.sha256"
  rm -rf "pkg/$1"
  mv "$next" "pkg/$1"
  echo "pkg/$1: $(wc -c <"pkg/$1/$1_bg.wasm" | tr -d ' ') bytes of WebAssembly, after $SECONDS s"
}

COMPILE_ONLY=""
if [ "${1:-}" = --compile-only ]; then COMPILE_ONLY=1; shift; fi
for name in "$@"; do
  build "$name"
done

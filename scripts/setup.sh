#!/usr/bin/env bash
# Installs what building and testing need and is not there yet; does nothing when it is there.
#
#   scripts/setup.sh              what building and serving the page needs: rust packages bindgen
#   scripts/setup.sh PART…        parts of it, in this order:
#     rust       a C compiler, the pinned Rust and its WebAssembly target
#     packages   Node and the packages of package-lock.json
#     bindgen    the writer of the JavaScript around a WebAssembly module
#     runner     wasm-bindgen with its runner for browser tests
#     system     a browser with its driver, Vulkan, Python with NumPy
#     interop    ONNX Runtime and other readers of what is exported, in a Python of their own
#     proof      Coq, and what the checker that it extracts is compiled with
#   scripts/setup.sh test         all of them but the last two, without which the tests can do
#
# rustup and Node are the two things it expects. System packages are installed only by root on Debian
# and its kin; anyone else is told what to install. The WebAssembly tools are built at exact versions
# into a cache outside the clone, and only where no fitting one is installed.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

set_up_rust() {
  heading "setup: Rust"
  have cc || system_package build-essential "install a C compiler, which Rust links with"
  have cargo || fail "install Rust from https://rustup.rs, then run this again"
  rustc --version 2>/dev/null ||
    { have rustup && rustup toolchain install "$PINNED" --profile minimal && rustc --version; } ||
    fail "install Rust 1.95 or newer, then run this again"
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
    have rustup || fail "install the Rust target wasm32-unknown-unknown, then run this again"
    rustup target add wasm32-unknown-unknown
  fi
}

# Rust's formatter and lints, for the checks.
set_up_components() {
  local component
  for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 ||
      { have rustup && rustup component add "$component"; } ||
      fail "install Rust's $component, then run this again"
  done
}

set_up_packages() {
  heading "setup: Node"
  have node && have npm || fail "install Node 22.12 or newer (or 20.19 of the 20s) with npm from https://nodejs.org, then run this again"
  node -e '
    const [major, minor] = process.versions.node.split(".").map(Number);
    const fits = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 23;
    process.exit(fits ? 0 : 1);
  ' || fail "Node $(node --version) does not do: install 22.12 or newer (not 23), or 20.19, from https://nodejs.org, then run this again"
  # npm ci starts from nothing each time, so it runs only when the lock has changed.
  local stamp="node_modules/.installed-lock"
  if [ -f "$stamp" ] && cmp -s package-lock.json "$stamp"; then
    echo "node_modules is up to date"
  else
    PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund ||
      fail "npm could not install the page's packages; check the network and run this again"
    cp package-lock.json "$stamp"
  fi
}

set_up_bindgen() {
  heading "setup: wasm-bindgen $WASM_BINDGEN_VERSION"
  if have_wasm_bindgen; then wasm-bindgen --version; return; fi
  if [ -x "$BINDGEN" ]; then echo "$BINDGEN is there"; return; fi
  echo "building the part of wasm-bindgen that the page needs (a minute or two, once)"
  local crate="$TOOLS/bindgen-web"
  mkdir -p "$crate/src" "$TOOLS/bin"
  cp scripts/bindgen.rs "$crate/src/main.rs"
  cat >"$crate/Cargo.toml" <<TOML
[workspace]
[package]
name = "bindgen-web"
version = "0.0.0"
edition = "2024"
[dependencies]
wasm-bindgen-cli-support = "=$WASM_BINDGEN_VERSION"
# It runs for seconds: more optimisation takes longer than it saves.
[profile.release]
opt-level = 1
TOML
  CARGO_TARGET_DIR="$crate/target" cargo build --quiet --release --manifest-path "$crate/Cargo.toml" ||
    fail "cargo could not build wasm-bindgen-cli-support $WASM_BINDGEN_VERSION; see above"
  cp "$crate/target/release/bindgen-web" "$BINDGEN"
  rm -rf "$crate"
}

set_up_runner() {
  heading "setup: wasm-bindgen $WASM_BINDGEN_VERSION with its test runner"
  if ! have_wasm_bindgen || ! have wasm-bindgen-test-runner; then
    echo "building it (some minutes, once)"
    # The crate's own list of dependencies no longer builds, so they are resolved anew.
    CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR="$TOOLS/build" cargo install wasm-bindgen-cli \
      --version "$WASM_BINDGEN_VERSION" --root "$TOOLS" --force --quiet ||
      fail "cargo could not build wasm-bindgen-cli $WASM_BINDGEN_VERSION; see above"
    rm -rf "$TOOLS/build"
  fi
  wasm-bindgen --version
}

set_up_system() {
  heading "setup: a browser and its driver"
  [ -n "$(chromium_path)" ] || system_package chromium "install Chromium or Chrome"
  have chromedriver || system_package chromium-driver "install the chromedriver of that browser's version"
  "$(chromium_path)" --version
  chromedriver --version

  # The kernels for the GPU are tested natively too; Mesa has a driver that runs on the CPU.
  if [ "$(uname)" = Linux ] && ! ls /usr/share/vulkan/icd.d/*.json /etc/vulkan/icd.d/*.json >/dev/null 2>&1; then
    heading "setup: Vulkan"
    system_package mesa-vulkan-drivers "install a Vulkan driver"
  fi

  heading "setup: Python with NumPy"
  if [ -z "$(python_path)" ]; then
    have python3 || system_package python3 "install Python 3"
    python3 -c 'import ensurepip' 2>/dev/null || system_package python3-venv "install Python's venv and pip"
    python3 -m venv "$CACHE/python" && "$CACHE/python/bin/pip" install --quiet numpy ||
      fail "pip could not install NumPy; check the network and run this again"
  fi
  "$(python_path)" -c 'import numpy, sys; print("Python", sys.version.split()[0], "with NumPy", numpy.__version__)'
}

set_up_interop() {
  heading "setup: ONNX Runtime"
  have python3 || system_package python3 "install Python 3"
  if [ -z "$(interop_python_path)" ]; then
    [ -x "$CACHE/python/bin/pip" ] || python3 -m venv "$CACHE/python" &&
      "$CACHE/python/bin/pip" install --quiet --requirement tests/interop/requirements.txt ||
      fail "pip could not install ONNX Runtime; check the network and run this again"
  fi
  "$(interop_python_path)" -c 'import onnxruntime; print("ONNX Runtime", onnxruntime.__version__)'
}

set_up_proof() {
  heading "setup: Coq"
  have make || system_package make "install make"
  have coqc || system_package coq "install Coq 8.16 or newer"
  have_ocaml_package zarith || system_package libzarith-ocaml-dev "install Zarith for Coq's OCaml"
  have_ocaml_package yojson || system_package libyojson-ocaml-dev "install Yojson for Coq's OCaml"
  coqc --version
}

# have_ocaml_package NAME: whether OCaml's compiler finds it.
have_ocaml_package() { ocamlfind query "$1" >/dev/null 2>&1; }

[ $# -gt 0 ] || set -- rust packages bindgen
[ "$1" != test ] || set -- rust components packages runner system
for part in "$@"; do
  case "$part" in
    rust | components | packages | bindgen | runner | system | interop | proof) "set_up_$part" ;;
    *) fail "scripts/setup.sh has no part $part" ;;
  esac
done

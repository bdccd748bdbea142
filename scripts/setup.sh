#!/usr/bin/env bash
# Installs what building and testing need and is not there yet; runs again for nothing.
#
#   scripts/setup.sh         what building and serving the page needs
#   scripts/setup.sh test    that, and what the tests need: a browser with its driver, Vulkan, NumPy
#
# Rust and Node are the two things it expects. System packages are installed only by root on
# Debian and its kin; anyone else is told what to install. The WebAssembly tools are built at
# exact versions into a cache outside the clone, since wasm-pack otherwise downloads binaries
# of its own choice.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
FOR_TESTS="${1:-}"

WASM_PACK_VERSION="0.15.1"
# The command must match the library to the last digit.
WASM_BINDGEN_VERSION="$(locked wasm-bindgen)"

heading "setup: Rust"
have cc || system_package build-essential "install a C compiler, which Rust links with"
have cargo || fail "install Rust 1.95 or newer from https://rustup.rs, then run this again"
if [ ! -d "$(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
  have rustup || fail "install the Rust target wasm32-unknown-unknown, then run this again"
  rustup target add wasm32-unknown-unknown
fi
if [ "$FOR_TESTS" = test ]; then
  for component in rustfmt clippy; do
    cargo "${component/rustfmt/fmt}" --version >/dev/null 2>&1 ||
      { have rustup && rustup component add "$component"; } ||
      fail "install Rust's $component, then run this again"
  done
fi
rustc --version

heading "setup: wasm-pack $WASM_PACK_VERSION, wasm-bindgen $WASM_BINDGEN_VERSION"
# install_tool CRATE VERSION: builds a command into the cache. Its dependencies are resolved anew,
# as the lists that the crates carry no longer build. They run for seconds, so little is optimised.
install_tool() {
  echo "building $1 $2 (some minutes, once)"
  CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_TARGET_DIR="$TOOLS/build" cargo install "$1" --version "$2" --root "$TOOLS" --force --quiet ||
    fail "cargo could not build $1 $2; see above"
}
[ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $WASM_BINDGEN_VERSION" ] &&
  have wasm-bindgen-test-runner || install_tool wasm-bindgen-cli "$WASM_BINDGEN_VERSION"
[ "$(wasm-pack --version 2>/dev/null)" = "wasm-pack $WASM_PACK_VERSION" ] ||
  install_tool wasm-pack "$WASM_PACK_VERSION"
rm -rf "$TOOLS/build"
wasm-pack --version
wasm-bindgen --version

heading "setup: Node"
have node && have npm || fail "install Node 22.12 or newer (or 20.19 of the 20s) with npm from https://nodejs.org, then run this again"
node -e '
  const [major, minor] = process.versions.node.split(".").map(Number);
  const fits = major === 20 ? minor >= 19 : major === 22 ? minor >= 12 : major > 23;
  process.exit(fits ? 0 : 1);
' || fail "Node $(node --version) does not do: install 22.12 or newer (not 23), or 20.19, from https://nodejs.org, then run this again"
# npm ci starts from nothing each time, so it runs only when the lock has changed.
STAMP="node_modules/.installed-lock"
if [ -f "$STAMP" ] && cmp -s package-lock.json "$STAMP"; then
  echo "node_modules is up to date"
else
  PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1 npm ci --no-audit --no-fund ||
    fail "npm could not install the page's packages; check the network and run this again"
  cp package-lock.json "$STAMP"
fi

if [ "$FOR_TESTS" = test ]; then
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
fi

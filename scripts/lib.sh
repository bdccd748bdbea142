# Shared by every script in this folder: where things are, and how to say what is happening.
# Sourced, never run. Everything that is downloaded or built for the tools lands in one cache
# folder outside the clone, so that a second clone starts in seconds.

set -euo pipefail

ROOT="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
CACHE="${LINF_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/linf-dist-net}"
TOOLS="$CACHE/tools"
# What cargo builds.
TARGET="${CARGO_TARGET_DIR:-$ROOT/target}"
cd "$ROOT"

# Exact versions of our own come before whatever the machine has.
export PATH="$TOOLS/bin:$ROOT/node_modules/.bin:$HOME/.cargo/bin:$PATH"

# The pinned Rust may be installed under another name, such as "stable", where nothing can be fetched.
if [ -z "${RUSTUP_TOOLCHAIN:-}" ] && command -v rustup >/dev/null 2>&1; then
  PINNED="$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)"
  if ! rustup toolchain list | grep -q "^$PINNED"; then
    INSTALLED="$(rustup default 2>/dev/null | cut -d' ' -f1)"
    if [ "$(RUSTUP_TOOLCHAIN="$INSTALLED" rustc --version 2>/dev/null | cut -d' ' -f2)" = "$PINNED" ]; then
      export RUSTUP_TOOLCHAIN="$INSTALLED"
    fi
  fi
fi

# heading TEXT: names the step that follows.
heading() { printf '\n== %s\n' "$*"; }

# fail TEXT: says what is wrong and what to do, then stops.
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

# have COMMAND: whether it can be run.
have() { command -v "$1" >/dev/null 2>&1; }

# can_install: whether installing system packages is ours to do.
can_install() { have apt-get && [ "$(id -u)" = 0 ]; }

# system_package DEBIAN_PACKAGE OTHERWISE: installs it where that is ours to do.
system_package() {
  if can_install; then
    [ -n "${APT_UPDATED:-}" ] || { apt-get update -qq; APT_UPDATED=1; }
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null ||
      fail "apt-get could not install $1; install it and run this again"
  else
    fail "$2, then run this again (on Debian: apt-get install $1)"
  fi
}

# sha256_of FILE: its digest in hexadecimal; macOS has shasum where Linux has sha256sum.
sha256_of() {
  if have sha256sum; then sha256sum "$1" | cut -d' ' -f1
  else shasum -a 256 "$1" | cut -d' ' -f1
  fi
}

# locked CRATE: the version of CRATE in Cargo.lock.
locked() {
  awk -v crate="$1" '$1 == "name" && $3 == "\"" crate "\"" { getline; gsub(/"/, "", $3); print $3; exit }' Cargo.lock
}

# chromium_path: the first Chromium or Chrome found; prints nothing if there is none.
chromium_path() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable \
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"; do
    [ -n "$name" ] && command -v "$name" && return
  done
  return 0
}

# python_path: a Python that has NumPy; prints nothing if there is none.
python_path() {
  local name
  for name in "$CACHE/python/bin/python" python3; do
    "$name" -c 'import numpy' 2>/dev/null && command -v "$name" && return
  done
  return 0
}

# interop_python_path: a Python that has what tests/interop/ compares with; prints nothing if there is none.
interop_python_path() {
  local name="$CACHE/python/bin/python"
  "$name" -c 'import numpy, onnx, onnxruntime, vnnlib' 2>/dev/null && echo "$name"
  return 0
}

# in_background NAME COMMAND…: starts a command whose output waits in a log.
JOBS=""
in_background() {
  local name="$1"
  shift
  [ -n "$JOBS" ] || JOBS="$(mktemp -d)"
  # In a process group of its own, so that end_jobs reaches what it starts, too.
  set -m
  "$@" >"$JOBS/$name.log" 2>&1 </dev/null &
  echo $! >"$JOBS/$name.pid"
  set +m
}

# collect NAME: waits for that command and prints its output; fails if it did.
collect() {
  local status=0
  wait "$(cat "$JOBS/$1.pid")" || status=$?
  rm "$JOBS/$1.pid"
  cat "$JOBS/$1.log"
  return "$status"
}

# end_jobs: ends what still runs in the background; for a trap on EXIT.
end_jobs() {
  local file
  [ -n "$JOBS" ] || return 0
  for file in "$JOBS"/*.pid; do
    [ -f "$file" ] && kill -- "-$(cat "$file")" 2>/dev/null
  done
  rm -rf "$JOBS"
}

# The command must match the library to the last digit.
WASM_BINDGEN_VERSION="$(locked wasm-bindgen)"
# Built by setup.sh where no wasm-bindgen of that version is installed: the part of it that the page needs.
BINDGEN="$TOOLS/bin/bindgen-web-$WASM_BINDGEN_VERSION-$(cksum <scripts/bindgen.rs | cut -d' ' -f1)"

# have_wasm_bindgen: whether a fitting wasm-bindgen can be run.
have_wasm_bindgen() { [ "$(wasm-bindgen --version 2>/dev/null)" = "wasm-bindgen $WASM_BINDGEN_VERSION" ]; }

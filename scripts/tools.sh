#!/usr/bin/env bash
# Runs a command with what setup.sh and bench/run.py installed on its path, and the browser found:
#
#   scripts/tools.sh npm run wasm
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
CHROMIUM="$(chromium_path)"
export CHROMIUM PATH="$CACHE/bench-venv/bin:$PATH"
exec "$@"

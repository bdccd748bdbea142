#!/usr/bin/env bash
# Builds the static page into dist/, after scripts/setup.sh and scripts/data.sh: the WebAssembly modules
# of the exact network, of the same on a GPU, of the baselines and of the trainer into pkg/, then the page around them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

heading "build: the exact network as WebAssembly"
scripts/wasm.sh certify
heading "build: the baselines as WebAssembly"
scripts/wasm.sh baseline
heading "build: the exact network on the GPU as WebAssembly"
scripts/wasm.sh gpu
heading "build: what reads images of one's own as WebAssembly"
scripts/wasm.sh import
heading "build: what teaches a network as WebAssembly"
scripts/wasm.sh teach
heading "build: the trainer as WebAssembly"
scripts/wasm.sh train
heading "build: the page"
scripts/page.sh

#!/usr/bin/env bash
# Builds the static page into dist/, after scripts/setup.sh and scripts/data.sh: the small
# WebAssembly module of the exact network into pkg/certify, those of the baselines into
# pkg/baseline, the trainer's into pkg/train, then the page around them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

heading "build: the exact network as WebAssembly"
npm run --silent wasm
heading "build: the baselines as WebAssembly"
npm run --silent wasm:baseline
heading "build: the trainer as WebAssembly"
npm run --silent wasm:train
heading "build: the page"
npm run --silent build

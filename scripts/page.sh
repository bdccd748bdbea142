#!/usr/bin/env bash
# Builds the static page into dist/ around the modules that are in pkg/, those that are missing left out.
# It is built beside dist/ and put in its place when it is complete, so that it can be served meanwhile.
# Nothing is built while nothing has changed; LINF_REBUILD=1 builds it all the same.
#
#   scripts/page.sh          a page to publish
#   scripts/page.sh --keep   keeps the parts of the page before: an open page may still ask for them
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
STAMP="pkg/page.sha256"
NEXT="pkg/next-page"
# The parts that are in dist/ for open pages alone.
KEPT="pkg/page-kept"

# Everything in the clone but what is built from it or fetched; the data sets are known by their digests.
inputs() {
  node scripts/fingerprint.mjs --except .git --except .github --except target --except node_modules \
    --except bench/web/node_modules --except pkg --except dist --except data --except runs --except tests \
    --text "data: $(ls -l data/*/*-ubyte 2>/dev/null | awk '{ print $5, $NF }')" \
    --text "${LINF_SOURCE_URL:-}" . \
    pkg/certify/inputs.sha256 pkg/baseline/inputs.sha256 pkg/gpu/inputs.sha256 pkg/import/inputs.sha256 \
    pkg/teach/inputs.sha256 pkg/train/inputs.sha256
}

# forget_kept: removes from dist/ what was kept for open pages.
forget_kept() {
  [ -f "$KEPT" ] || return 0
  while read -r file; do rm -f "dist/$file"; done <"$KEPT"
  rm "$KEPT"
}

# keep_parts: copies the parts of dist/ that the new page has no more into it.
keep_parts() {
  local file
  [ -d dist/assets ] || return 0
  (cd dist && find assets -type f) | while read -r file; do
    [ -f "$NEXT/$file" ] || { cp "dist/$file" "$NEXT/$file" && echo "$file"; }
  done >"$KEPT"
}

NOW="$(inputs)"
if [ -z "${LINF_REBUILD:-}" ] && [ -f dist/index.html ] && [ "$(cat "$STAMP" 2>/dev/null)" = "$NOW" ]; then
  [ "${1:-}" = --keep ] || forget_kept
  echo "dist/ is up to date"
  exit
fi
vite build --outDir "$NEXT" --emptyOutDir --logLevel warn || fail "vite could not build the page; see above"
rm -f "$STAMP"
if [ "${1:-}" = --keep ]; then keep_parts; else rm -f "$KEPT"; fi
rm -rf pkg/page-before
[ ! -d dist ] || mv dist pkg/page-before
mv "$NEXT" dist
rm -rf pkg/page-before
echo "$NOW" >"$STAMP"
echo "dist/: built"

#!/usr/bin/env bash
# `npm start`: from a fresh clone to the page in a browser. Arguments go to `vite preview`, for
# example `npm start -- --port 8000`.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

scripts/setup.sh
scripts/data.sh
scripts/build.sh

heading "serve: open the address below; Ctrl-C ends it"
exec vite preview "$@"

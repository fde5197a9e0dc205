#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# clang-tidy (.clang-tidy: names and a few mistakes) over all C++ but the tests. Usage: tidy.sh [SOURCE_DIR]. CLANG and CLANG_TIDY name the programs.
# Most of its time goes into the headers that files include, so a folder is read as one text where that compiles (two files with one name in
# their anonymous namespaces stop it), and file by file where not.
set -u
cd "${1:-$(dirname "$0")/../..}" || exit 2
clang=${CLANG:-clang++-19} tidy=${CLANG_TIDY:-clang-tidy-19}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags=(-std=c++20 "-I$PWD" -isystem /usr/lib/llvm-19/include -fno-exceptions -fno-rtti -Wno-everything
  -DTAPJIT_SOURCE_DIR='""' -DTAPJIT_VERSION='""' -DTAPJIT_CLANG_RESOURCE_DIR='""')
for folder in $(find codegen frontend ir tapset tools -name '*.cpp' -printf '%h\n' | sort -u); do
  unit=$work/${folder//\//_}.cpp
  printf "#include \"$PWD/%s\"\n" "$folder"/*.cpp >"$unit"
  if "$clang" -fsyntax-only "${flags[@]}" "$unit" 2>/dev/null; then
    echo "$unit"
  else
    ls "$PWD/$folder"/*.cpp
  fi
done | xargs -P "$(nproc)" -I FILE "$tidy" --quiet --config-file="$PWD/.clang-tidy" FILE -- "${flags[@]}" >"$work/found" 2>"$work/errors"
status=$?
[ $status -eq 0 ] || { cat "$work/found"; grep -v 'warnings generated\|warnings treated as errors' "$work/errors"; exit 1; }

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# No file of runtime/ (all of it goes into a precompiled header or a runtime object) names a limit of ir/limits.def as an identifier: a limit given with
# -D comes after the header, so a header that used it would silently keep another value. Texts of messages may name them.
cd "${1:-$(dirname "$0")/../..}" || exit 2
names=$(sed -n 's/^LIMIT(\([A-Z_]*\),.*/\1/p' ir/limits.def | paste -sd '|')
found=$(find runtime -name '*.[ch]' | sort | while read -r file; do
  # Comments and string literals go; what is left is code.
  ${CLANG:-clang-19} -fpreprocessed -dD -E -P "$file" 2>/dev/null | sed 's/"[^"]*"//g' | grep -nwE "(TAP_)?($names)" | sed "s|^|$file: |"
done)
[ -z "$found" ] || { echo "a limit is named in runtime/:"; echo "$found"; exit 1; }

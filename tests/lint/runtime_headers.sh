#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every header of runtime/core and runtime/user compiles alone, as C with clang and gcc and (core) as C++; sizes are within the budget.
# Usage: runtime_headers.sh [SOURCE_DIR]. CLANG and GCC name the compilers.
cd "${1:-$(dirname "$0")/../..}" || exit 2
clang=${CLANG:-clang-19} gcc=${GCC:-gcc}
status=0
warnings="-Wall -Wextra -Werror -fsyntax-only -ffreestanding -I."
for header in runtime/core/*.h runtime/user/*.h; do
  grep -q '^namespace tapjit' "$header" && continue
  printf '#include "%s"\n' "$header" | $clang -x c -std=gnu11 $warnings - || { echo "$header: clang"; status=1; }
  printf '#include "%s"\n' "$header" | $gcc -x c -std=gnu11 $warnings - || { echo "$header: gcc"; status=1; }
  limit=250
  [ "${header##*/}" = map.h ] && limit=400
  lines=$(wc -l < "$header")
  [ "$lines" -le $limit ] || { echo "$header: $lines lines, the budget is $limit"; status=1; }
done
for header in types str ctx wire format hist platform; do
  [ -e runtime/core/$header.h ] || continue
  printf '#include "runtime/core/%s.h"\n' $header | $clang -x c++ -std=c++20 -Wall -Wextra -Werror -fsyntax-only -I. - || { echo "$header.h: C++"; status=1; }
done
exit $status

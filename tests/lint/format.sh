#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every C and C++ file is as clang-format leaves it. Usage: format.sh [--fix] [SOURCE_DIR]. CLANG_FORMAT names the program.
# C++ of runtime/ (the process's host) follows the root's style, C follows the nearest .clang-format.
mode="--dry-run -Werror"
[ "$1" = --fix ] && { mode=-i; shift; }
cd "${1:-$(dirname "$0")/../..}" || exit 2
format=${CLANG_FORMAT:-clang-format-19}
status=0
files=$(find codegen frontend ir runtime tapset tests tools \( -name '*.cpp' -o -name '*.h' -o -name '*.c' \) | sort)
cpp=$(grep -l '^namespace tapjit' $(echo "$files" | grep '^runtime/'))
$format $mode --style=file:.clang-format $cpp || status=1
echo "$files" | grep -vxF "$cpp" | xargs $format $mode || status=1
exit $status

#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what the tests need, builds everything and runs every test. Arguments go to ctest (-R NAME, -V).
# The last lines are ctest's own summary.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$top/.ci/install" build run test
progress() { NINJA_STATUS='   [%f/%t, %e s] ' ninja -C "$1" "${@:2}" | awk '/^ +\[/ { n++; if (n % 20 == 1) print; fflush(); next } { print }'; }
"$top/.ci/configure" "$top/build"
echo "== building"
progress "$top/build"
if [ "${TAPJIT_NO_SANITIZE:-0}" = 0 ]; then
  "$top/.ci/configure" "$top/build-asan" -DTAPJIT_SANITIZE=ON -DTAPJIT_STATIC_LLVM=OFF -DCMAKE_BUILD_TYPE=Debug
  echo "== building the host tools with ASan and UBSan"
  progress "$top/build-asan"
fi
echo "== testing"
cd "$top/build"
exec ctest --output-on-failure --timeout 900 "$@"

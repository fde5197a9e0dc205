#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what the tests need, builds everything and runs every test. Arguments go to ctest (-R NAME, -V).
# The last lines are ctest's own summary. TAPJIT_NO_SANITIZE=1 leaves the second build, with ASan and UBSan, and its tests out;
# TAPJIT_NO_SKIPS=1 makes a test that skips something (no kernel, no QEMU) a failure.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$top/.ci/install" build run test
progress() { NINJA_STATUS='   [%f/%t, %e s] ' ninja -C "$1" | awk '/^ +\[/ { n++; if (n % 20 == 1) print; fflush(); next } { print }'; }
sanitized=
if [ "${TAPJIT_NO_SANITIZE:-0}" = 0 ]; then
  sanitized=$top/build-asan
fi
"$top/.ci/configure" "$top/build" -DTAPJIT_SANITIZED_BUILD="$sanitized" -DTAPJIT_NO_SKIPS="${TAPJIT_NO_SKIPS:-0}"
echo "== building"
progress "$top/build"
if [ -n "$sanitized" ]; then
  # Not optimised: compiles in a third of the time, and stacks are as deep as they get.
  "$top/.ci/configure" "$sanitized" -DTAPJIT_SANITIZE=ON -DTAPJIT_STATIC_LLVM=OFF -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG="-O0 -gline-tables-only"
  echo "== building with ASan and UBSan"
  progress "$sanitized"
fi
echo "== testing"
cd "$top/build"
exec ctest --output-on-failure --timeout 900 "$@"

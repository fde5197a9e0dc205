#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# try.sh                 install what is needed, build stap, and watch a real kernel (in a QEMU guest)
# try.sh SCRIPT.stp ...  the same with your own script and stap options
# try.sh -e 'probe ...'
# A second run skips what is done.
set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
"$top/.ci/install" build run
build=$top/build
"$top/.ci/configure" "$build"
if [ -t 1 ]; then
  ninja -C "$build" --quiet stap staprun stapio
else
  NINJA_STATUS='   [%f/%t, %e s] ' ninja -C "$build" stap staprun stapio | awk '/^ +\[/ { n++; if (n % 10 == 1) print; fflush(); next } /no work/ { next } { print }'
fi
if [ $# -eq 0 ]; then
  set -- "$top/tapset/examples/demo.stp" -c "$top/tapset/examples/demo-load.sh"
fi
exec "$build/bin/stap" --vm "$@"

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
NINJA_STATUS='   [%f/%t, %e s] ' ninja -C "$build" stap | awk '
  /Re-checking globbed|no work to do|Entering directory/ { next }
  !said++ { print "== building stap (about 4 minutes of two cores)" }
  /^ +\[/ { if (n++ % 10 == 0) print; fflush(); next }
  { print }'
if [ $# -eq 0 ]; then
  load='for i in 1 2 3 4 5 6 7 8 9 10 11 12; do cat /proc/cpuinfo /proc/meminfo >/dev/null; ls /bin | wc -l >/dev/null; sleep 0.3; done'
  set -- "$top/tapset/examples/demo.stp" -c "$load"
fi
exec "$build/bin/stap" --vm "$@"

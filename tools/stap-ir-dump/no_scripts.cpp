// SPDX-License-Identifier: GPL-2.0-or-later
// Stands in for dump_script.cpp where stap's front half is not built.
#include "tools/stap-ir-dump/dump.h"

#include <cstdio>

namespace tapjit {

int dump_script(int, char **argv, const DumpOptions &) {
  fprintf(stderr, "%s: built without the front end; only FILE.ir can be read\n", argv[0]);
  return 1;
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Where modules come from. Both return dump_module's exit code, or 1 after a message on stderr.
#pragma once

#include "tools/stap-ir-dump/dump.h"

namespace tapjit {

// The arguments are stap's: script, -e, -I, -r, -D ...
int dump_script(int argc, char **argv, const DumpOptions &options);

// A file of IR text. The arguments are those options of stap that choose what the machine stages compile for (-r,
// --runtime); a module whose probes the user runtime has needs none.
int dump_ir_file(const std::string &path, int argc, char **argv, const DumpOptions &options);

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// What stap-ir-dump does, by input. All functions return the exit code: 0, or 1 after a message on stderr.
#pragma once

#include "ir/print.h"

#include <string>
#include <vector>

namespace tapjit {

struct DumpOptions {
  std::vector<std::string> passes; // empty: all
  bool print_changed = false;
  ir::PrintOptions print;
};

int list_passes();
int dump_ir_file(const std::string &path, const DumpOptions &options);

// The arguments are stap's: script, -e, -I, -r, -D ...
int dump_script(int argc, char **argv, const DumpOptions &options);

// Prints `module`, runs the passes, prints it again.
int dump_module(ir::Module module, const DumpOptions &options);

} // namespace tapjit

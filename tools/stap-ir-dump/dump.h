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

  bool run = false;                      // run the module instead of printing it
  std::vector<std::string> run_function; // a function of the IR and its arguments; empty: the session
  std::string context_file;              // what the hits see, see ir/interpret/context_script.h; may be empty
  int64_t run_length_ns = INT64_MAX;     // of the session's own time
};

int list_passes();
int dump_ir_file(const std::string &path, const DumpOptions &options);

// The arguments are stap's: script, -e, -I, -r, -D ...
int dump_script(int argc, char **argv, const DumpOptions &options);

// The module in the reference interpreter. 2 when it calls embedded C, or breaks a rule of the IR.
int run_module(const ir::Module &module, const DumpOptions &options);

// Prints `module`, runs the passes, prints it again; or runs it after the passes.
int dump_module(ir::Module module, const DumpOptions &options);

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// The passes over a module. passes.def is the pipeline; a pass is one file in passes/.
#pragma once

#include "ir/ir.h"

#include <functional>
#include <string>
#include <vector>

namespace tapjit::ir {

namespace passes {
#define PASS(name, optimizes, meaning) void name(Module &module);
#include "ir/passes.def"
#undef PASS
} // namespace passes

namespace passes {
// What several passes end with: functions that no probe reaches go.
void drop_unreached_functions(Module &module);
} // namespace passes

struct PassInfo {
  const char *name;
  const char *meaning;
  void (*run)(Module &);
  bool optimizes; // false: the emitter needs what it decides
};
const std::vector<PassInfo> &all_passes(); // in pipeline order

struct PassOptions {
#ifdef NDEBUG
  bool verify = false; // the module before the first pass, and after each
#else
  bool verify = true;
#endif
  bool optimize = true;          // false: only the passes that decide what the emitter needs decided
  std::vector<std::string> only; // names of the passes to run, in this order; unknown ones are left out; empty: all
  std::function<void(const char *pass, const Module &module)> after_pass; // may be empty
};

// Runs the passes. The verifier's findings are a bug of a pass, or of whoever made the module: they go to stderr and
// the process aborts.
void run_passes(Module &module, const PassOptions &options = {});

// The same for modules that people write (tests, stap-ir-dump FILE.ir): returns the findings, each with the name of the
// pass that it came after. Nothing is run after the first. Empty if all is well.
[[nodiscard]] std::vector<std::string> try_passes(Module &module, const PassOptions &options = {});

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// The passes over a module. passes.def is the pipeline; a pass is one file in passes/.
#pragma once

#include "ir/ir.h"

#include <functional>
#include <string>
#include <vector>

namespace tapjit::ir {

namespace passes {
#define PASS(name, meaning) void name(Module &module);
#include "ir/passes.def"
#undef PASS
} // namespace passes

struct PassInfo {
  const char *name;
  const char *meaning;
  void (*run)(Module &);
};
const std::vector<PassInfo> &all_passes(); // in pipeline order

struct PassOptions {
#ifdef NDEBUG
  bool verify = false; // the module before the first pass, and after each
#else
  bool verify = true;
#endif
  std::vector<std::string> only; // names of the passes to run; empty: all. The order is the pipeline's
  std::function<void(const char *pass, const Module &module)> after_pass; // may be empty
};

// Runs the passes. What comes back are findings of the verifier, with the name of the pass that they came after: a bug
// of that pass, or of whoever made the module. Empty if all is well. Nothing is run after the first finding.
[[nodiscard]] std::vector<std::string> run_passes(Module &module, const PassOptions &options = {});

} // namespace tapjit::ir

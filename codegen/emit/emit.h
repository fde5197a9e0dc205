// SPDX-License-Identifier: GPL-2.0-or-later
// Prints a decided IR module (ir/IR.md "Road") as one C unit for the runtime of runtime/ABI.md. Nothing is decided
// here: storage, locks and charges are in the IR. The text compiles with clang and gcc.
//
// emit_module.cpp    the unit's order, limits, globals, frames
// emit_function.cpp  one function: frame, blocks, edges; embedded C
// emit_ops.cpp       one overload per op of ir/ops.def
// emit_regex.cpp     tables of regular expressions
// emit_probe_tables.cpp  handlers, sites, families, program
#pragma once

#include "ir/ir.h"

#include <map>
#include <string>
#include <vector>

namespace tapjit::codegen {

enum class EmitPlatform : uint8_t { Kernel, User };

struct EmitOptions {
  EmitPlatform platform = EmitPlatform::User;
  bool kbuild = false;   // the unit includes the platform's pch.h itself
  std::string unit_name; // for #line of text that is not the script's; empty: "<module>.c"
  // Each line of the text names the script's line that it comes from, not the first of several: the verifier's findings
  // are told by such a text.
  bool pin_lines = false;
};

// The unit. The module must have passed ir/verify and ir/passes.
std::string emit_c(const ir::Module &module, const EmitOptions &options);

// The C names that emit_c gives to functions of embedded C, for telling the verifier's findings in them from those in
// code of ours.
std::vector<std::string> embedded_function_names(const ir::Module &module);

// Every limit of ir/limits.def with its value for this module, computed defaults included.
std::map<std::string, int64_t> resolve_limits(const ir::Module &module);

} // namespace tapjit::codegen

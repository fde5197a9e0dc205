// SPDX-License-Identifier: GPL-2.0-or-later
// A function's text (ir/print.h) by block.
#pragma once

#include "ir/print.h"

#include <string>
#include <vector>

namespace tapjit {

struct FunctionText {
  std::string head;                             // "func &probe_0 probe () -> void slots 0"
  std::vector<std::vector<std::string>> blocks; // by BlockId::index: "^0:", a line an instruction, the terminator
};
FunctionText function_text(const ir::Module &module, const ir::Function &function, ir::PrintOptions options);

} // namespace tapjit

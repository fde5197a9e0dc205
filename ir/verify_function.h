// SPDX-License-Identifier: GPL-2.0-or-later
// Parts of the structural verifier: each adds its findings. Private to ir/verify*.cpp.
#pragma once

#include "ir/passes/effects.h"
#include "ir/verify.h"

#include <fmt/format.h>

namespace tapjit::ir {

// Collects findings, each with the function, block and value that it is about.
class Findings {
public:
  explicit Findings(const Module &module) : module_(module) {}

  template <typename... Args> void add(fmt::format_string<Args...> format, Args &&...args) {
    texts.push_back(place() + fmt::format(format, std::forward<Args>(args)...));
  }

  FunctionId function;
  BlockId block;
  ValueId value;
  std::vector<std::string> texts;

private:
  std::string place() const {
    std::string result;
    if (function.valid())
      result += "&" + module_.functions[function.index].name + " ";
    if (function.valid() && block.valid())
      result += fmt::format("^{} ", block.index);
    if (function.valid() && value.valid())
      result += fmt::format("%{} ", value.index);
    if (!result.empty())
      result.back() = ':';
    return result.empty() ? result : result + " ";
  }

  const Module &module_;
};

// Blocks, edges and the positions of instructions; false if the other checks of this function would be out of range.
bool verify_shape(const Module &module, const Function &function, Findings &findings);
// One instruction against its row in ops.def.
void verify_inst(const Module &module, const Function &function, const Inst &inst, Findings &findings);
// Definitions dominate uses; views are alive where used.
void verify_uses(const Module &module, const ModuleEffects &effects, const Function &function, Findings &findings);
void verify_frame(const Module &module, const Function &function, Findings &findings);

} // namespace tapjit::ir

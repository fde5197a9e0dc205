// SPDX-License-Identifier: GPL-2.0-or-later
// Life of string views (IR.md "Strings").
#pragma once

#include "ir/passes/effects.h"

namespace tapjit::ir {

// What a value's bytes are in: nothing that dies (None), a global, the current element of an iteration, or the message
// of a failure.
struct ViewSource {
  // Handle: the value is no string, but a map's element itself.
  enum class Kind : uint8_t { None, Global, Element, Handle, Message } kind = Kind::None;
  GlobalId global; // Global, Element, Handle
};
ViewSource view_source(const Inst &inst);

// By value: strings whose bytes stay as long as the function runs: constants, parameters, site texts, and phis of such.
std::vector<bool> lasting_strings(const Function &function);

// Whether frame_layout gives the result a string slot; `lasting` as lasting_strings() has it for this value.
bool needs_slot(const Inst &inst, bool lasting);

// A place where a value is used: the operand of an instruction, or (position == insts.size()) of the block's terminator
// or of a phi of a successor.
struct Use {
  BlockId block;
  size_t position;
};
std::vector<Use> uses_of(const Function &function, ValueId value);

// Whether a path leads from the definition of `view` over its death to one of the uses.
bool dies_before(const Function &function, const ModuleEffects &effects, ValueId view, const std::vector<Use> &uses);

} // namespace tapjit::ir

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

// Marks in `lasting` the results of embedded C that nobody reads after, or by, another call: their bytes stay in the
// frame of what made them, which every other call may write.
void mark_short_lived_results(const Module &module, const Function &function, std::vector<bool> &lasting);

// Whether frame_layout gives the result a string slot; `lasting` as lasting_strings() has it for this value.
bool needs_slot(const Inst &inst, bool lasting);

// A place where a value is used: the operand of an instruction, or (position == insts.size()) of the block's terminator
// or of a phi of a successor.
struct Use {
  BlockId block;
  size_t position;
};

// Where the values of a function are made and used; made once, for a function that does not change meanwhile.
struct FunctionUses {
  explicit FunctionUses(const Function &function);
  std::vector<BlockId> homes;         // by value; none for dead instructions
  std::vector<size_t> positions;      // by value, in its block
  std::vector<std::vector<Use>> uses; // by value
  const std::vector<Use> &of(ValueId value) const { return uses[value.index]; }
};

// Whether a path leads from the definition of `view` over its death to one of the uses.
bool dies_before(const Function &function, const ModuleEffects &effects, const FunctionUses &all, ValueId view,
                 const std::vector<Use> &uses);

} // namespace tapjit::ir

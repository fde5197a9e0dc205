// SPDX-License-Identifier: GPL-2.0-or-later
// Writes of globals that nobody reads, and globals that nobody touches. A write that may fail (a map that may be full)
// stays, for its failure is seen. The automatic display at the end of the session is a probe that reads what it shows;
// embedded C reads and writes what its pragmas name.
#include "ir/cfg.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

std::vector<bool> used_values(const Function &function) {
  std::vector<bool> used(function.insts.size());
  for (const Block &block : function.blocks) {
    for (ValueId value : block.insts)
      for (ValueId operand : function.insts[value.index].operands)
        used[operand.index] = true;
    if (block.terminator_operand.valid())
      used[block.terminator_operand.index] = true;
  }
  return used;
}

// gadd and map.add read only for their own result.
bool only_writes(const Inst &inst, bool is_used) {
  switch (inst.op) {
  case Op::GStore:
  case Op::GAdd:
  case Op::GClear:
  case Op::StatAdd:
  case Op::MapSet:
  case Op::MapStatAdd:
  case Op::MapDel:
  case Op::ElemSet:
  case Op::ElemDel:
    return true;
  case Op::MapAdd:
  case Op::ElemAdd:
    return !is_used;
  default:
    return false;
  }
}

std::vector<bool> read_globals(const Module &module) {
  std::vector<bool> read(module.globals.size());
  for (const Function &function : module.functions) {
    for (const auto *globals : {&function.embedded.reads, &function.embedded.writes})
      for (GlobalId global : *globals)
        read[global.index] = true;
    std::vector<bool> used = used_values(function);
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = function.insts[value.index];
        if (GlobalId global = global_of(inst); global.valid() && !only_writes(inst, used[value.index]))
          read[global.index] = true;
      }
  }
  return read;
}

bool can_overflow(const Module &module, const Inst &inst) {
  return (inst.op == Op::MapSet || inst.op == Op::MapAdd || inst.op == Op::MapStatAdd) &&
         !module.globals[inst.aux].wrap;
}

void drop_writes(const Module &module, const std::vector<bool> &read, Function &function) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    Block &block = function.blocks[index];
    auto is_dead = [&](ValueId value) {
      const Inst &inst = function.insts[value.index];
      GlobalId global = global_of(inst);
      return global.valid() && !read[global.index] && !can_overflow(module, inst);
    };
    if (block.terminator == Terminator::OnFail && is_dead(block.insts.back()))
      replace_with_jump(function, BlockId{uint32_t(index)}, block.successors[0]);
    std::erase_if(function.blocks[index].insts, is_dead);
  }
  remove_unreachable_blocks(function);
}

void drop_globals(Module &module) {
  std::vector<bool> touched(module.globals.size());
  for (const Function &function : module.functions) {
    for (const auto *globals : {&function.embedded.reads, &function.embedded.writes})
      for (GlobalId global : *globals)
        touched[global.index] = true;
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (GlobalId global = global_of(function.insts[value.index]); global.valid())
          touched[global.index] = true;
  }
  for (const LockSet &set : module.lock_sets)
    for (auto [global, write] : set.globals)
      touched[global.index] = true;
  if (std::find(touched.begin(), touched.end(), false) == touched.end())
    return;
  std::vector<GlobalId> renumbered(module.globals.size());
  std::vector<Global> kept;
  for (size_t index = 0; index < module.globals.size(); ++index) {
    if (!touched[index])
      continue;
    renumbered[index] = GlobalId{uint32_t(kept.size())};
    kept.push_back(std::move(module.globals[index]));
  }
  module.globals = std::move(kept);
  for (LockSet &set : module.lock_sets)
    for (auto &entry : set.globals)
      entry.first = renumbered[entry.first.index];
  for (Function &function : module.functions) {
    for (auto *globals : {&function.embedded.reads, &function.embedded.writes})
      for (GlobalId &global : *globals)
        global = renumbered[global.index];
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (Inst &inst = function.insts[value.index]; global_of(inst).valid())
          inst.aux = renumbered[inst.aux].index;
  }
}

} // namespace

void dead_stores(Module &module) {
  std::vector<bool> read = read_globals(module);
  for (Function &function : module.functions)
    if (!function.blocks.empty())
      drop_writes(module, read, function);
  drop_globals(module);
}

} // namespace tapjit::ir::passes

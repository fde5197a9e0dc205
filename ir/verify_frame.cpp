// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/cfg.h"
#include "ir/liveness.h"
#include "ir/verify_function.h"
#include "ir/views.h"

namespace tapjit::ir {

namespace {

void check_storage(const Function &function, Findings &findings, ValueId value, bool lasting) {
  const Inst &inst = function.insts[value.index];
  Storage storage = function.storage[value.index];
  if ((storage == Storage::StringSlot) != needs_slot(inst, lasting))
    findings.add("a string slot that is missing or not needed");
  if (storage == Storage::StringSlot && function.slot[value.index] >= function.string_slots)
    findings.add("slot {} of {}", function.slot[value.index], function.string_slots);
  if (storage == Storage::FrameInteger && inst.type != Type::I64)
    findings.add("a frame integer that is none");
}

} // namespace

void verify_frame(const Module &module, const Function &function, Findings &findings) {
  if (function.storage.size() != function.insts.size() || function.slot.size() != function.insts.size()) {
    findings.add("storage does not cover the instructions");
    return;
  }
  Liveness liveness(function);
  std::vector<bool> lasting = lasting_strings(function);
  mark_short_lived_results(module, function, lasting);
  auto shares = [&](ValueId left, ValueId right) {
    return left != right && function.storage[left.index] == Storage::StringSlot &&
           function.storage[right.index] == Storage::StringSlot &&
           function.slot[left.index] == function.slot[right.index];
  };
  for (BlockId block : reverse_postorder(function)) {
    findings.block = block;
    walk_backward(function, liveness, block, [&](size_t position, const ValueSet &live) {
      ValueId value = function.blocks[block.index].insts[position];
      const Inst &inst = function.insts[value.index];
      findings.value = value;
      check_storage(function, findings, value, lasting[value.index]);
      for (ValueId other : live.values())
        if (shares(value, other))
          findings.add("overwrites %{}, which is used later", other.index);
      for (ValueId operand : inst.operands) {
        if (inst.op == Op::Phi && inst.type == Type::Str && !lasting[value.index] && operand != value &&
            !shares(value, operand))
          findings.add("a phi of strings and its operand %{} have different slots", operand.index);
        if (inst.op != Op::Phi && shares(value, operand))
          findings.add("overwrites its operand %{}", operand.index);
      }
    });
  }
  findings.block = BlockId::none();
  findings.value = ValueId::none();
}

} // namespace tapjit::ir

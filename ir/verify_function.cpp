// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/verify_function.h"

#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>

namespace tapjit::ir {

namespace {

bool is_leading(Op op) { return op == Op::Param || op == Op::Phi; }

void check_catch_edges(const Function &function, Findings &findings) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    const Block &block = function.blocks[index];
    findings.block = BlockId{uint32_t(index)};
    auto targets = successors(block);
    for (size_t target = 0; target < targets.size(); ++target)
      if (function.blocks[targets[target].index].is_catch != (block.terminator == Terminator::OnFail && target == 1))
        findings.add("successor ^{} and its being a catch block do not fit", targets[target].index);
    if (index == 0 && block.is_catch)
      findings.add("the entry is a catch block");
    if (block.terminator != Terminator::OnFail)
      continue;
    const Inst *last = block.insts.empty() ? nullptr : &function.insts[block.insts.back().index];
    if (!last || !(effects_of(*last) & Fail))
      findings.add("`onfail` follows no instruction that may fail");
    else if (last->op == Op::Charge)
      findings.add("`charge` is never caught");
  }
}

void check_preds(const Function &function, Findings &findings) {
  std::vector<std::vector<BlockId>> preds(function.blocks.size());
  for (size_t index = 0; index < function.blocks.size(); ++index)
    for (BlockId target : successors(function.blocks[index]))
      preds[target.index].push_back(BlockId{uint32_t(index)});
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    ShortList<BlockId> recorded = function.blocks[index].preds;
    std::sort(recorded.begin(), recorded.end());
    findings.block = BlockId{uint32_t(index)};
    if (recorded != preds[index])
      findings.add("preds are not the blocks that lead here");
  }
  findings.block = BlockId{0};
  if (!function.blocks[0].preds.empty())
    findings.add("the entry has a predecessor");
}

void check_terminator(const Function &function, const Block &block, Findings &findings) {
  bool has_operand = block.terminator_operand.valid();
  if (has_operand && block.terminator_operand.index >= function.insts.size()) {
    findings.add("the terminator's operand is out of range");
    return;
  }
  Type type = has_operand ? function.insts[block.terminator_operand.index].type : Type::Void;
  Type wanted = block.terminator == Terminator::Return   ? function.result
                : block.terminator == Terminator::Branch ? Type::I64
                                                         : Type::Void;
  if (type != wanted)
    findings.add("`{}` has a {} where {} is wanted", terminator_info(block.terminator).mnemonic, type_spelling(type),
                 type_spelling(wanted));
}

// Whether a value that `onfail` defines on one edge only may be used in `user`.
bool is_past_success(const Function &function, const Dominators &dominators, BlockId home, BlockId user) {
  BlockId next = function.blocks[home.index].successors[0];
  return function.blocks[next.index].preds.size() == 1 && dominators.dominates(next, user);
}

} // namespace

bool verify_shape(const Module &, const Function &function, Findings &findings) {
  size_t before = findings.texts.size();
  std::vector<bool> placed(function.insts.size());
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    const Block &block = function.blocks[index];
    findings.block = BlockId{uint32_t(index)};
    for (BlockId target : successors(block))
      if (target.index >= function.blocks.size())
        findings.add("a successor is out of range");
    if (successors(block).size() == 2 && block.successors[0] == block.successors[1])
      findings.add("both successors are ^{}", block.successors[0].index);
    bool leading = true;
    for (ValueId value : block.insts) {
      findings.value = value;
      if (value.index >= function.insts.size() || placed[value.index]) {
        findings.add("an instruction is out of range or stands twice");
        continue;
      }
      placed[value.index] = true;
      const Inst &inst = function.insts[value.index];
      leading = leading && is_leading(inst.op);
      if (is_leading(inst.op) && (!leading || (inst.op == Op::Param) != (index == 0)))
        findings.add("`{}` does not stand first in its block", op_info(inst.op).mnemonic);
      for (ValueId operand : inst.operands)
        if (operand.index >= function.insts.size())
          findings.add("an operand is out of range");
    }
    findings.value = ValueId::none();
    check_terminator(function, block, findings);
  }
  if (findings.texts.size() == before)
    check_preds(function, findings);
  if (findings.texts.size() == before)
    check_catch_edges(function, findings);
  findings.block = BlockId::none();
  return findings.texts.size() == before;
}

void verify_uses(const Module &, const ModuleEffects &effects, const Function &function, Findings &findings) {
  Dominators dominators(function);
  std::vector<BlockId> homes = defining_blocks(function);
  FunctionUses all(function);
  std::vector<uint32_t> positions(function.insts.size());
  for (const Block &block : function.blocks)
    for (size_t position = 0; position < block.insts.size(); ++position)
      positions[block.insts[position].index] = uint32_t(position);

  auto check = [&](ValueId operand, BlockId block, size_t position) {
    BlockId home = homes[operand.index];
    if (!home.valid() || function.insts[operand.index].type == Type::Void) {
      findings.add("uses %{}, which has no value or stands in no block", operand.index);
      return;
    }
    const Block &source = function.blocks[home.index];
    bool on_edge = source.terminator == Terminator::OnFail && source.insts.back() == operand;
    bool fine = home == block ? positions[operand.index] < position : dominators.dominates(home, block);
    if (!fine || (on_edge && (home == block || !is_past_success(function, dominators, home, block))))
      findings.add("%{} is not defined on every path to this use", operand.index);
  };
  for (BlockId block : dominators.reverse_postorder()) {
    const std::vector<ValueId> &insts = function.blocks[block.index].insts;
    findings.block = block;
    for (size_t position = 0; position < insts.size(); ++position) {
      const Inst &inst = function.insts[insts[position].index];
      findings.value = insts[position];
      if (inst.op == Op::Phi) {
        const ShortList<BlockId> &preds = function.blocks[block.index].preds;
        if (inst.operands.size() != preds.size()) {
          findings.add("a phi has {} operands for {} predecessors", inst.operands.size(), preds.size());
          continue;
        }
        for (size_t operand = 0; operand < preds.size(); ++operand) {
          const Block &pred = function.blocks[preds[operand].index];
          bool own_edge = pred.terminator == Terminator::OnFail && pred.successors[0] == block &&
                          pred.insts.back() == inst.operands[operand];
          if (dominators.is_reachable(preds[operand]) && !own_edge)
            check(inst.operands[operand], preds[operand], pred.insts.size());
        }
        continue;
      }
      for (ValueId operand : inst.operands)
        check(operand, block, position);
      if (view_source(inst).kind != ViewSource::Kind::None &&
          dies_before(function, effects, all, insts[position], all.of(insts[position])))
        findings.add("a view is used after its death");
    }
    findings.value = ValueId::none();
    if (function.blocks[block.index].terminator_operand.valid())
      check(function.blocks[block.index].terminator_operand, block, insts.size());
  }

  for (BlockId block : dominators.reverse_postorder())
    for (ValueId value : function.blocks[block.index].insts) {
      if (function.insts[value.index].op != Op::CatchMessage)
        continue;
      BlockId above = block;
      while (above.valid() && !function.blocks[above.index].is_catch)
        above = dominators.immediate(above);
      findings.block = block;
      findings.value = value;
      if (!above.valid())
        findings.add("`catch.message` outside a catch");
    }
  findings.block = BlockId::none();
  findings.value = ValueId::none();
}

} // namespace tapjit::ir

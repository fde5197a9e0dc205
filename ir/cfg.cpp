// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/cfg.h"

#include <algorithm>
#include <cassert>

namespace tapjit::ir {

std::span<const BlockId> successors(const Block &block) {
  return {block.successors, terminator_info(block.terminator).successors};
}

std::vector<BlockId> reverse_postorder(const Function &function) {
  std::vector<BlockId> order;
  if (function.blocks.empty())
    return order;
  std::vector<bool> seen(function.blocks.size());
  std::vector<std::pair<BlockId, size_t>> stack{{BlockId{0}, 0}};
  seen[0] = true;
  while (!stack.empty()) {
    auto &[block, next] = stack.back();
    auto targets = successors(function.blocks[block.index]);
    if (next == targets.size()) {
      order.push_back(block);
      stack.pop_back();
      continue;
    }
    // The last successor first: so the first one (the `then` part, the body) comes earlier in the reversed order.
    BlockId target = targets[targets.size() - 1 - next++];
    if (!seen[target.index]) {
      seen[target.index] = true;
      stack.push_back({target, 0});
    }
  }
  std::reverse(order.begin(), order.end());
  return order;
}

std::vector<bool> reachable_blocks(const Function &function) {
  std::vector<bool> reached(function.blocks.size());
  for (BlockId block : reverse_postorder(function))
    reached[block.index] = true;
  return reached;
}

std::vector<BlockId> defining_blocks(const Function &function) {
  std::vector<BlockId> result(function.insts.size());
  for (size_t index = 0; index < function.blocks.size(); ++index)
    for (ValueId value : function.blocks[index].insts)
      result[value.index] = BlockId{uint32_t(index)};
  return result;
}

void remove_edge(Function &function, BlockId from, BlockId to) {
  Block &target = function.blocks[to.index];
  auto found = std::find(target.preds.begin(), target.preds.end(), from);
  assert(found != target.preds.end());
  auto position = found - target.preds.begin();
  target.preds.erase(found);
  for (ValueId value : target.insts) {
    Inst &inst = function.insts[value.index];
    if (inst.op != Op::Phi)
      break;
    inst.operands.erase(inst.operands.begin() + position);
  }
}

void replace_with_jump(Function &function, BlockId from, BlockId to) {
  Block &block = function.blocks[from.index];
  for (BlockId target : successors(block))
    if (target != to)
      remove_edge(function, from, target);
  block.terminator = Terminator::Jump;
  block.terminator_operand = ValueId::none();
  block.successors[0] = to;
  block.successors[1] = BlockId::none();
}

bool remove_unreachable_blocks(Function &function) {
  std::vector<bool> reached = reachable_blocks(function);
  if (std::find(reached.begin(), reached.end(), false) == reached.end())
    return false;
  for (size_t index = 0; index < function.blocks.size(); ++index)
    if (!reached[index])
      for (BlockId target : successors(function.blocks[index]))
        if (reached[target.index])
          remove_edge(function, BlockId{uint32_t(index)}, target);
  std::vector<BlockId> renumbered(function.blocks.size());
  std::vector<Block> kept;
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    if (!reached[index])
      continue;
    renumbered[index] = BlockId{uint32_t(kept.size())};
    kept.push_back(std::move(function.blocks[index]));
  }
  for (Block &block : kept) {
    for (BlockId &target : block.successors)
      if (target.valid())
        target = renumbered[target.index];
    for (BlockId &pred : block.preds)
      pred = renumbered[pred.index];
  }
  function.blocks = std::move(kept);
  return true;
}

BlockId split_edge(Function &function, BlockId from, BlockId to) {
  assert(!function.blocks[to.index].is_catch);
  BlockId middle{uint32_t(function.blocks.size())};
  Block block;
  block.terminator = Terminator::Jump;
  block.successors[0] = to;
  block.preds = {from};
  block.loc = function.blocks[from.index].loc;
  function.blocks.push_back(std::move(block));
  for (BlockId &target : function.blocks[from.index].successors)
    if (target == to)
      target = middle;
  ShortList<BlockId> &preds = function.blocks[to.index].preds;
  std::replace(preds.begin(), preds.end(), from, middle);
  return middle;
}

BlockId split_block(Function &function, BlockId first, size_t position) {
  BlockId second{uint32_t(function.blocks.size())};
  function.blocks.emplace_back();
  Block &head = function.blocks[first.index];
  Block &tail = function.blocks[second.index];
  tail.insts.assign(head.insts.begin() + ptrdiff_t(position), head.insts.end());
  head.insts.resize(position);
  tail.terminator = head.terminator;
  tail.terminator_operand = head.terminator_operand;
  tail.successors[0] = head.successors[0];
  tail.successors[1] = head.successors[1];
  tail.loc = head.loc;
  tail.preds = {first};
  for (BlockId target : successors(tail)) {
    ShortList<BlockId> &preds = function.blocks[target.index].preds;
    std::replace(preds.begin(), preds.end(), first, second);
  }
  head.terminator = Terminator::Jump;
  head.terminator_operand = ValueId::none();
  head.successors[0] = second;
  head.successors[1] = BlockId::none();
  return second;
}

void replace_uses(Function &function, const std::vector<ValueId> &map) {
  auto resolve = [&](ValueId value) {
    while (value.index < map.size() && map[value.index].valid())
      value = map[value.index];
    return value;
  };
  for (Block &block : function.blocks) {
    for (ValueId value : block.insts)
      for (ValueId &operand : function.insts[value.index].operands)
        operand = resolve(operand);
    if (block.terminator_operand.valid())
      block.terminator_operand = resolve(block.terminator_operand);
  }
}

void renumber_values(Function &function) {
  std::vector<ValueId> numbers(function.insts.size());
  std::vector<Inst> insts;
  insts.reserve(function.insts.size());
  std::vector<Storage> storage;
  std::vector<uint32_t> slot;
  for (Block &block : function.blocks)
    for (ValueId &value : block.insts) {
      numbers[value.index] = ValueId{uint32_t(insts.size())};
      if (!function.storage.empty()) {
        storage.push_back(value.index < function.storage.size() ? function.storage[value.index] : Storage::Register);
        slot.push_back(storage.back() == Storage::StringSlot ? function.slot[value.index] : 0);
      }
      insts.push_back(std::move(function.insts[value.index]));
      value = numbers[value.index];
    }
  for (Inst &inst : insts)
    for (ValueId &operand : inst.operands)
      operand = numbers[operand.index];
  for (Block &block : function.blocks)
    if (block.terminator_operand.valid())
      block.terminator_operand = numbers[block.terminator_operand.index];
  function.insts = std::move(insts);
  function.storage = std::move(storage);
  function.slot = std::move(slot);
}

ValueId insert_inst(Function &function, BlockId block, size_t position, Inst inst) {
  ValueId value{uint32_t(function.insts.size())};
  function.insts.push_back(std::move(inst));
  std::vector<ValueId> &insts = function.blocks[block.index].insts;
  insts.insert(insts.begin() + ptrdiff_t(position), value);
  return value;
}

} // namespace tapjit::ir

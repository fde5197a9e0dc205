// SPDX-License-Identifier: GPL-2.0-or-later
// Chooses where values live: a string slot for each string that an op makes, the frame for integers that are alive
// across a call of a script function (the kernel stack holds none of them).
//
// A phi of strings has one slot with the copies into it. The copies stand at the end of each predecessor, so
//   - an edge from a block with two successors into such a phi is split first (else the copy would destroy the old
//   value for the other successor);
//   - copies of one edge that read each other's slots are put in an order that works, through one more copy if they
//   form a cycle;
//   - a phi of nothing but strings that last (constants, parameters) needs no bytes of its own, and no copies;
//   - an edge into a catch cannot be split: the copies stand before the op that may fail, and the phi's value moves on
//   to a slot of its own at the
//     start of the catch, so that nothing else reads the slot that the copies write.
// Then copies whose source is not needed any more share its slot and go away, and slots are given out by interference.
#include "ir/cfg.h"
#include "ir/liveness.h"
#include "ir/passes/pipeline.h"
#include "ir/views.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace tapjit::ir::passes {

namespace {

// Phis with a slot. `lasting` covers the instructions that were there before this pass.
std::vector<ValueId> string_phis(const Function &function, BlockId block, const std::vector<bool> &lasting) {
  std::vector<ValueId> phis;
  for (ValueId value : function.blocks[block.index].insts) {
    const Inst &inst = function.insts[value.index];
    if (inst.op != Op::Phi)
      break;
    if (inst.type == Type::Str && !lasting[value.index])
      phis.push_back(value);
  }
  return phis;
}

size_t count_phis(const Function &function, BlockId block) {
  size_t count = 0;
  for (ValueId value : function.blocks[block.index].insts)
    count += function.insts[value.index].op == Op::Phi;
  return count;
}

void isolate_catch_phis(Function &function, const std::vector<bool> &lasting) {
  std::vector<std::pair<ValueId, ValueId>> copies;
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    BlockId block{uint32_t(index)};
    if (!function.blocks[index].is_catch)
      continue;
    size_t position = count_phis(function, block);
    for (ValueId phi : string_phis(function, block, lasting)) {
      ValueId copy = insert_inst(function, block, position++,
                                 {Op::StrCopy, Type::Str, UINT32_MAX, 0, {}, function.insts[phi.index].loc});
      copies.emplace_back(phi, copy);
    }
  }
  if (copies.empty())
    return;
  std::vector<ValueId> moved(function.insts.size());
  for (auto [phi, copy] : copies)
    moved[phi.index] = copy;
  replace_uses(function, moved);
  for (auto [phi, copy] : copies)
    function.insts[copy.index].operands = {phi};
}

void split_critical_edges(Function &function, const std::vector<bool> &lasting) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    BlockId block{uint32_t(index)};
    if (function.blocks[index].is_catch || string_phis(function, block, lasting).empty())
      continue;
    for (BlockId pred : ShortList<BlockId>(function.blocks[index].preds))
      if (successors(function.blocks[pred.index]).size() > 1)
        split_edge(function, pred, block);
  }
}

// The copies of one edge, as a parallel assignment: a copy into a phi waits for those that still read its old value.
void copy_on_edge(Function &function, BlockId block, size_t pred, const std::vector<bool> &lasting) {
  struct Move {
    ValueId phi, source;
  };
  BlockId from = function.blocks[block.index].preds[pred];
  std::vector<Move> waiting;
  for (ValueId phi : string_phis(function, block, lasting))
    if (ValueId source = function.insts[phi.index].operands[pred]; source != phi)
      waiting.push_back({phi, source});
  size_t position =
      function.blocks[from.index].insts.size() - (function.blocks[from.index].terminator == Terminator::OnFail ? 1 : 0);
  auto add_copy = [&](ValueId source, ValueId phi) {
    LocationId location = function.insts[phi.index].loc;
    return insert_inst(function, from, position++, {Op::StrCopy, Type::Str, UINT32_MAX, 0, {source}, location});
  };
  while (!waiting.empty()) {
    auto ready = std::find_if(waiting.begin(), waiting.end(), [&](const Move &move) {
      return std::none_of(waiting.begin(), waiting.end(),
                          [&](const Move &other) { return other.phi != move.phi && other.source == move.phi; });
    });
    if (ready == waiting.end()) {
      ValueId saved = waiting[0].phi;
      ValueId temporary = add_copy(saved, saved);
      for (Move &move : waiting)
        if (move.source == saved)
          move.source = temporary;
      continue;
    }
    ValueId copy = add_copy(ready->source, ready->phi);
    function.insts[ready->phi.index].operands[pred] = copy;
    waiting.erase(ready);
  }
}

// String values that have or share a slot; `leader` joins a phi with the copies into it and what was coalesced.
class Slots {
public:
  Slots(const Module &module, Function &function)
      : function_(function), lasting_(lasting_strings(function)), leader_(function.insts.size()) {
    mark_short_lived_results(module, function, lasting_);
    for (size_t index = 0; index < leader_.size(); ++index)
      leader_[index] = uint32_t(index);
  }

  void assign() {
    bool has_any = false;
    for (const Block &block : function_.blocks)
      has_any = has_any ||
                std::any_of(block.insts.begin(), block.insts.end(), [&](ValueId value) { return has_slot(value); });
    if (has_any) {
      join_phis();
      find_conflicts();
      coalesce_copies();
    }
    color();
  }

private:
  bool has_slot(ValueId value) const { return needs_slot(function_.insts[value.index], lasting_[value.index]); }

  uint32_t leader(ValueId value) {
    uint32_t index = value.index;
    while (leader_[index] != index)
      index = leader_[index] = leader_[leader_[index]];
    return index;
  }

  void join(uint32_t into, uint32_t other) {
    leader_[other] = into;
    auto moved = conflicts_.extract(other);
    if (moved.empty())
      return;
    for (uint32_t conflict : moved.mapped()) {
      conflicts_[into].insert(conflict);
      conflicts_[conflict].erase(other);
      conflicts_[conflict].insert(into);
    }
  }

  void join_phis() {
    for (const Block &block : function_.blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = function_.insts[value.index];
        if (inst.op != Op::Phi || !has_slot(value))
          continue;
        for (ValueId operand : inst.operands)
          if (uint32_t left = leader(value), right = leader(operand); left != right)
            join(left, right);
      }
  }

  void conflict(ValueId left, ValueId right) {
    uint32_t a = leader(left), b = leader(right);
    if (a == b)
      return;
    conflicts_[a].insert(b);
    conflicts_[b].insert(a);
  }

  // What an op makes must not overwrite what is alive after it, nor its own operands. A copy may share with its
  // operand, if that dies there.
  void find_conflicts() {
    Liveness liveness(function_);
    for (BlockId block : reverse_postorder(function_))
      walk_backward(function_, liveness, block, [&](size_t position, const ValueSet &live) {
        ValueId value = function_.blocks[block.index].insts[position];
        if (!has_slot(value))
          return;
        const Inst &inst = function_.insts[value.index];
        for (ValueId other : live.values())
          if (other != value && has_slot(other))
            conflict(value, other);
        if (inst.op != Op::Phi && inst.op != Op::StrCopy)
          for (ValueId operand : inst.operands)
            if (has_slot(operand))
              conflict(value, operand);
      });
  }

  void coalesce_copies() {
    std::vector<ValueId> replaced(function_.insts.size());
    for (BlockId block : reverse_postorder(function_))
      for (ValueId value : function_.blocks[block.index].insts) {
        const Inst &inst = function_.insts[value.index];
        if (inst.op != Op::StrCopy || !has_slot(inst.operands[0]))
          continue;
        uint32_t into = leader(inst.operands[0]), other = leader(value);
        if (conflicts_[into].count(other))
          continue;
        if (into != other)
          join(into, other);
        replaced[value.index] = inst.operands[0];
      }
    replace_uses(function_, replaced);
    for (Block &block : function_.blocks)
      std::erase_if(block.insts, [&](ValueId value) { return replaced[value.index].valid(); });
  }

  void color() {
    function_.storage.assign(function_.insts.size(), Storage::Register);
    function_.slot.assign(function_.insts.size(), 0);
    function_.string_slots = 0;
    std::map<uint32_t, uint32_t> chosen; // by leader
    for (BlockId block : reverse_postorder(function_))
      for (ValueId value : function_.blocks[block.index].insts) {
        if (!has_slot(value))
          continue;
        uint32_t group = leader(value);
        if (!chosen.count(group)) {
          std::set<uint32_t> taken;
          for (uint32_t other : conflicts_[group])
            if (auto found = chosen.find(other); found != chosen.end())
              taken.insert(found->second);
          uint32_t slot = 0;
          while (taken.count(slot))
            ++slot;
          chosen[group] = slot;
          function_.string_slots = std::max(function_.string_slots, slot + 1);
        }
        function_.storage[value.index] = Storage::StringSlot;
        function_.slot[value.index] = chosen[group];
      }
  }

  Function &function_;
  std::vector<bool> lasting_;
  std::vector<uint32_t> leader_;
  std::unordered_map<uint32_t, std::set<uint32_t>> conflicts_; // by leader: other leaders
};

void keep_integers_across_calls(const Module &module, Function &function) {
  auto is_script_call = [&](const Inst &inst) {
    return inst.op == Op::Call && module.functions[inst.aux].kind == FunctionKind::Script;
  };
  if (std::none_of(function.insts.begin(), function.insts.end(), is_script_call))
    return;
  Liveness liveness(function);
  for (BlockId block : reverse_postorder(function))
    walk_backward(function, liveness, block, [&](size_t position, const ValueSet &live) {
      ValueId call = function.blocks[block.index].insts[position];
      const Inst &inst = function.insts[call.index];
      if (!is_script_call(inst))
        return;
      for (ValueId value : live.values()) {
        const Inst &other = function.insts[value.index];
        if (value != call && other.type == Type::I64 && other.op != Op::ConstI64)
          function.storage[value.index] = Storage::FrameInteger;
      }
    });
}

} // namespace

void frame_layout(Module &module) {
  for (Function &function : module.functions) {
    if (function.blocks.empty())
      continue;
    std::vector<bool> lasting = lasting_strings(function);
    isolate_catch_phis(function, lasting);
    split_critical_edges(function, lasting);
    for (size_t block = 0; block < function.blocks.size(); ++block)
      for (size_t pred = 0; pred < function.blocks[block].preds.size(); ++pred)
        copy_on_edge(function, BlockId{uint32_t(block)}, pred, lasting);
    Slots(module, function).assign();
    keep_integers_across_calls(module, function);
  }
}

} // namespace tapjit::ir::passes

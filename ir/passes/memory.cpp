// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/memory.h"

#include "ir/cfg.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::ir {

// A join looks at so many blocks between it and its dominator; where there are more, it takes all places for written.
// That keeps the work linear in functions whose branches nest deeply.
static constexpr size_t most_blocks = 200;

MemoryVersions::MemoryVersions(const Module &module, const ModuleEffects &effects, const Function &function,
                               const Dominators &dominators)
    : effects_(effects), function_(function), dominators_(dominators), versions_(module.globals.size() + 2),
      written_in_(function.blocks.size()), seen_(function.blocks.size()) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    Places &places = written_in_[index];
    for (ValueId value : function.blocks[index].insts)
      places_written(function.insts[value.index], places);
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
  }
}

void MemoryVersions::places_written(const Inst &inst, Places &places) const {
  uint16_t bits = effects_.of(inst);
  if (bits & Opaque) {
    for (uint32_t place = 0; place < versions_.size(); ++place)
      places.push_back(place);
    return;
  }
  if (bits & WMem)
    places.push_back(outside());
  if (inst.op == Op::IterNext)
    places.push_back(elements());
  if (inst.op == Op::Call)
    effects_.for_each_written(FunctionId{inst.aux}, [&](GlobalId global) { places.push_back(place_of(global)); });
  else if (GlobalId global = global_of(inst); global.valid() && effects_.writes(inst, global))
    places.push_back(place_of(global));
}

void MemoryVersions::write_all_of(const Inst &inst) {
  if (inst.op != Op::Call && inst.op != Op::IterNext && !(effects_of(inst) & (WGlob | WMem)) &&
      inst.op != Op::IterBegin)
    return;
  Places places;
  places_written(inst, places);
  for (uint32_t place : places)
    write(place);
}

// The blocks on ways from the immediate dominator to `block`, not the dominator itself (and `block`, if it is in a
// cycle).
void MemoryVersions::join(BlockId block) {
  BlockId above = dominators_.immediate(block);
  const ShortList<BlockId> &preds = function_.blocks[block.index].preds;
  if (!above.valid() || (preds.size() == 1 && preds[0] == above))
    return;
  std::vector<BlockId> work;
  Places places;
  uint32_t mark = block.index + 1;
  auto reach = [&](BlockId pred) {
    if (pred == above || seen_[pred.index] == mark || !dominators_.is_reachable(pred))
      return;
    seen_[pred.index] = mark;
    work.push_back(pred);
  };
  for (BlockId pred : preds)
    reach(pred);
  for (size_t index = 0; index < work.size(); ++index) {
    if (index == most_blocks) {
      for (uint32_t place = 0; place < versions_.size(); ++place)
        write(place);
      return;
    }
    const Places &written = written_in_[work[index].index];
    places.insert(places.end(), written.begin(), written.end());
    for (BlockId pred : function_.blocks[work[index].index].preds)
      reach(pred);
  }
  std::sort(places.begin(), places.end());
  places.erase(std::unique(places.begin(), places.end()), places.end());
  for (uint32_t place : places)
    write(place);
}

void MemoryVersions::walk(const std::function<void(BlockId)> &enter, const std::function<void(BlockId)> &leave) {
  std::vector<std::vector<BlockId>> children(function_.blocks.size());
  for (BlockId block : dominators_.reverse_postorder())
    if (BlockId above = dominators_.immediate(block); above.valid())
      children[above.index].push_back(block);
  struct Visit {
    BlockId block;
    size_t child, mark;
  };
  std::vector<Visit> stack;
  auto begin = [&](BlockId block) {
    stack.push_back({block, 0, undo_.size()});
    join(block);
    enter(block);
  };
  for (begin(BlockId{0}); !stack.empty();) {
    Visit &top = stack.back();
    if (top.child < children[top.block.index].size()) {
      begin(children[top.block.index][top.child++]);
      continue;
    }
    leave(top.block);
    for (; undo_.size() > top.mark; undo_.pop_back())
      versions_[undo_.back().first] = undo_.back().second;
    stack.pop_back();
  }
}

} // namespace tapjit::ir

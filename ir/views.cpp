// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/views.h"

#include "ir/cfg.h"
#include "ir/liveness.h"

#include <algorithm>
#include <map>
#include <set>

namespace tapjit::ir {

ViewSource view_source(const Inst &inst) {
  if (inst.op == Op::MapFind)
    return {ViewSource::Kind::Handle, GlobalId{inst.aux}};
  if (inst.type != Type::Str)
    return {};
  switch (inst.op) {
  case Op::GLoad:
  case Op::MapGet:
  case Op::ElemGet:
    return {ViewSource::Kind::Global, GlobalId{inst.aux}};
  case Op::IterKey:
  case Op::IterValue:
    return {ViewSource::Kind::Element, GlobalId{inst.aux}};
  case Op::CatchMessage:
    return {ViewSource::Kind::Message, GlobalId::none()};
  default:
    return {};
  }
}

std::vector<bool> lasting_strings(const Function &function) {
  std::vector<bool> lasting(function.insts.size());
  for (size_t index = 0; index < lasting.size(); ++index) {
    const Inst &inst = function.insts[index];
    lasting[index] =
        inst.type == Type::Str &&
        (inst.op == Op::ConstStr || inst.op == Op::Param || inst.op == Op::CtxPp || inst.op == Op::CtxFunc ||
         inst.op == Op::CtxEntryStr || inst.op == Op::CtxMessage || inst.op == Op::Phi);
  }
  // Phis are taken for lasting until an operand shows otherwise.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t index = 0; index < lasting.size(); ++index) {
      const Inst &inst = function.insts[index];
      bool stays = inst.op != Op::Phi || std::all_of(inst.operands.begin(), inst.operands.end(),
                                                     [&](ValueId operand) { return bool(lasting[operand.index]); });
      if (lasting[index] && !stays) {
        lasting[index] = false;
        changed = true;
      }
    }
  }
  return lasting;
}

void mark_short_lived_results(const Module &module, const Function &function, std::vector<bool> &lasting) {
  auto is_candidate = [&](const Inst &inst) {
    return inst.op == Op::Call && inst.type == Type::Str && module.functions[inst.aux].kind == FunctionKind::Embedded;
  };
  bool any = false;
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts)
      if (is_candidate(function.insts[value.index]))
        any = lasting[value.index] = true;
  if (!any)
    return;
  Liveness liveness(function);
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    BlockId block{uint32_t(index)};
    walk_backward(function, liveness, block, [&](size_t position, const ValueSet &live) {
      ValueId call = function.blocks[block.index].insts[position];
      const Inst &inst = function.insts[call.index];
      if (inst.op != Op::Call)
        return;
      for (ValueId operand : inst.operands)
        if (is_candidate(function.insts[operand.index]))
          lasting[operand.index] = false;
      for (ValueId other : live.values())
        if (other != call && is_candidate(function.insts[other.index]))
          lasting[other.index] = false;
    });
  }
}

bool needs_slot(const Inst &inst, bool lasting) {
  if (inst.type != Type::Str)
    return false;
  bool makes_bytes = inst.op == Op::StrCopy || inst.op == Op::StrConcat || inst.op == Op::Sprint ||
                     inst.op == Op::RegexGroup || inst.op == Op::SprintHist || inst.op == Op::MapSprintHist;
  return makes_bytes || ((inst.op == Op::Phi || inst.op == Op::Call) && !lasting);
}

FunctionUses::FunctionUses(const Function &function)
    : homes(defining_blocks(function)), positions(function.insts.size()), uses(function.insts.size()) {
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    const Block &block = function.blocks[index];
    for (size_t position = 0; position < block.insts.size(); ++position) {
      ValueId value = block.insts[position];
      positions[value.index] = position;
      const Inst &inst = function.insts[value.index];
      for (size_t operand = 0; operand < inst.operands.size(); ++operand)
        if (inst.op != Op::Phi)
          uses[inst.operands[operand].index].push_back({BlockId{uint32_t(index)}, position});
        else
          uses[inst.operands[operand].index].push_back(
              {block.preds[operand], function.blocks[block.preds[operand].index].insts.size()});
    }
    if (block.terminator_operand.valid())
      uses[block.terminator_operand.index].push_back({BlockId{uint32_t(index)}, block.insts.size()});
  }
}

static bool kills(const ModuleEffects &effects, const ViewSource &source, const Inst &inst) {
  uint16_t bits = effects.of(inst);
  if (bits & Opaque)
    return true;
  if (source.kind == ViewSource::Kind::Message)
    return bits & Fail;
  if (source.kind == ViewSource::Kind::Handle && (inst.op == Op::ElemAdd || inst.op == Op::ElemSet))
    return false;
  if (effects.releases(inst, source.global) || effects.writes(inst, source.global))
    return true;
  bool moves_on = inst.op == Op::IterNext || inst.op == Op::IterNextSlice;
  return source.kind == ViewSource::Kind::Element && moves_on && inst.aux == source.global.index;
}

// A walk over (block, is the view dead at its start), along blocks from which a use can be reached. A path ends where
// the definition runs again.
bool dies_before(const Function &function, const ModuleEffects &effects, const FunctionUses &all, ValueId view,
                 const std::vector<Use> &uses) {
  ViewSource source = view_source(function.insts[view.index]);
  if (source.kind == ViewSource::Kind::None || uses.empty())
    return false;
  BlockId home = all.homes[view.index];
  size_t definition = all.positions[view.index];

  // By block: its last use, and whether a use can be reached from its start without passing the definition.
  std::map<BlockId, size_t> last_use;
  std::set<BlockId> needed;
  std::vector<BlockId> above;
  auto need = [&](BlockId block) {
    if (needed.insert(block).second && block != home)
      above.push_back(block);
  };
  for (const Use &use : uses) {
    size_t &last = last_use.emplace(use.block, use.position).first->second;
    last = std::max(last, use.position);
    if (use.block != home || use.position <= definition)
      need(use.block);
  }
  while (!above.empty()) {
    BlockId block = above.back();
    above.pop_back();
    for (BlockId pred : function.blocks[block.index].preds)
      if (pred != home)
        need(pred);
  }

  std::set<std::pair<BlockId, bool>> seen;
  struct Step {
    BlockId block;
    size_t position;
    bool dead;
  };
  std::set<std::pair<BlockId, size_t>> places;
  for (const Use &use : uses)
    places.emplace(use.block, use.position);
  for (std::vector<Step> work{{home, definition + 1, false}}; !work.empty();) {
    auto [block, position, dead] = work.back();
    work.pop_back();
    const std::vector<ValueId> &insts = function.blocks[block.index].insts;
    auto targets = successors(function.blocks[block.index]);
    bool goes_on =
        std::any_of(targets.begin(), targets.end(), [&](BlockId target) { return needed.count(target) != 0; });
    auto last = last_use.find(block);
    size_t end = goes_on ? insts.size() : last == last_use.end() ? 0 : std::min(last->second, insts.size());
    bool redefined = false;
    for (; position <= end && !redefined; ++position) {
      bool dies_here = false;
      if (position < insts.size()) {
        redefined = insts[position] == view;
        dies_here = kills(effects, source, function.insts[insts[position].index]);
      }
      bool is_late = dead || (dies_here && source.kind != ViewSource::Kind::Handle); // elem.del takes its operand first
      if (is_late && !redefined && places.count({block, position}))
        return true;
      dead = dead || dies_here;
    }
    if (redefined)
      continue;
    for (BlockId target : targets)
      if (needed.count(target) && seen.emplace(target, dead).second)
        work.push_back({target, 0, dead});
  }
  return false;
}

} // namespace tapjit::ir

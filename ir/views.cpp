// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/views.h"

#include "ir/cfg.h"

#include <algorithm>

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
    lasting[index] = inst.type == Type::Str && (inst.op == Op::ConstStr || inst.op == Op::Param ||
                                                inst.op == Op::CtxPp || inst.op == Op::CtxFunc || inst.op == Op::Phi);
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

bool needs_slot(const Inst &inst, bool lasting) {
  if (inst.type != Type::Str)
    return false;
  bool makes_bytes = inst.op == Op::StrCopy || inst.op == Op::StrConcat || inst.op == Op::Sprint ||
                     inst.op == Op::Call || inst.op == Op::RegexGroup;
  return makes_bytes || (inst.op == Op::Phi && !lasting);
}

std::vector<Use> uses_of(const Function &function, ValueId value) {
  std::vector<Use> uses;
  for (size_t index = 0; index < function.blocks.size(); ++index) {
    const Block &block = function.blocks[index];
    for (size_t position = 0; position < block.insts.size(); ++position) {
      const Inst &inst = function.insts[block.insts[position].index];
      for (size_t operand = 0; operand < inst.operands.size(); ++operand) {
        if (inst.operands[operand] != value)
          continue;
        if (inst.op != Op::Phi)
          uses.push_back({BlockId{uint32_t(index)}, position});
        else
          uses.push_back({block.preds[operand], function.blocks[block.preds[operand].index].insts.size()});
      }
    }
    if (block.terminator_operand == value)
      uses.push_back({BlockId{uint32_t(index)}, block.insts.size()});
  }
  return uses;
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
  return source.kind == ViewSource::Kind::Element && inst.op == Op::IterNext && inst.aux == source.global.index;
}

// A walk over (block, is the view dead at its start). A path ends where the definition runs again.
bool dies_before(const Function &function, const ModuleEffects &effects, ValueId view, const std::vector<Use> &uses) {
  ViewSource source = view_source(function.insts[view.index]);
  if (source.kind == ViewSource::Kind::None)
    return false;
  BlockId home = defining_blocks(function)[view.index];
  const std::vector<ValueId> &home_insts = function.blocks[home.index].insts;
  size_t definition = size_t(std::find(home_insts.begin(), home_insts.end(), view) - home_insts.begin());

  std::vector<bool> seen[2] = {std::vector<bool>(function.blocks.size()), std::vector<bool>(function.blocks.size())};
  struct Step {
    BlockId block;
    size_t position;
    bool dead;
  };
  for (std::vector<Step> work{{home, definition + 1, false}}; !work.empty();) {
    auto [block, position, dead] = work.back();
    work.pop_back();
    const std::vector<ValueId> &insts = function.blocks[block.index].insts;
    bool redefined = false;
    for (; position <= insts.size() && !redefined; ++position) {
      bool dies_here = false;
      if (position < insts.size()) {
        redefined = insts[position] == view;
        dies_here = kills(effects, source, function.insts[insts[position].index]);
      }
      bool is_late = dead || (dies_here && source.kind != ViewSource::Kind::Handle); // elem.del takes its operand first
      for (const Use &use : uses)
        if (is_late && !redefined && use.block == block && use.position == position)
          return true;
      dead = dead || dies_here;
    }
    if (redefined)
      continue;
    for (BlockId target : successors(function.blocks[block.index])) {
      if (seen[dead][target.index])
        continue;
      seen[dead][target.index] = true;
      work.push_back({target, 0, dead});
    }
  }
  return false;
}

} // namespace tapjit::ir

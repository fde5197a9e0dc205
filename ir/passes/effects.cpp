// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/effects.h"

#include "ir/graph.h"
#include "ir/signature.h"

#include <algorithm>
#include <utility>

namespace tapjit::ir {

void GlobalSet::merge(const GlobalSet &other) {
  if (std::includes(ids_.begin(), ids_.end(), other.ids_.begin(), other.ids_.end()))
    return;
  std::vector<GlobalId> both;
  std::set_union(ids_.begin(), ids_.end(), other.ids_.begin(), other.ids_.end(), std::back_inserter(both));
  ids_ = std::move(both);
}

bool writes_global(const Module &module, const Inst &inst) {
  bool sorts_in_place = inst.op == Op::IterBegin && size_t(inst.imm) < module.sorts.size() &&
                        module.sorts[size_t(inst.imm)].by != Sort::By::None && !module.sorts[size_t(inst.imm)].nested;
  return sorts_in_place || (effects_of(inst) & WGlob);
}

namespace {

// %m and %M are what a format can fail by.
bool reads_memory(const Format &format) {
  const std::string &text = format.text;
  for (size_t at = text.find('%'); at != std::string::npos; at = text.find('%', at)) {
    at = text.find_first_not_of("0123456789+- #.*l", at + 1);
    if (at == std::string::npos)
      return false;
    if (text[at] == 'm' || text[at] == 'M')
      return true;
    ++at;
  }
  return false;
}

// For what is no call.
bool own_may_fail(const Module &module, const Function &function, const Inst &inst) {
  switch (inst.op) {
  case Op::Div:
  case Op::Mod: {
    const Inst &by = function.insts[inst.operands[1].index];
    return by.op != Op::ConstI64 || by.imm == 0;
  }
  case Op::Print:
  case Op::Sprint:
    return reads_memory(module.formats[inst.aux]);
  case Op::StatGet:
  case Op::MapStatGet:
  case Op::IterStat:
  case Op::ElemStat:
    return StatField(inst.imm) != StatField::Count && StatField(inst.imm) != StatField::Sum;
  default:
    return effects_of(inst) & Fail;
  }
}

template <typename Visit> void for_each_inst(const Function &function, Visit visit) {
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts)
      visit(function.insts[value.index]);
}

// What the function does itself; calls go to `callees`, each function once.
void add_own(const Module &module, const Function &function, Effects &effects, std::vector<uint32_t> &callees) {
  if (function.kind == FunctionKind::Embedded) {
    effects.effects =
        function.embedded.pure ? Ctx | RMem | Vol | Fail : Opaque | Ctx | RMem | WMem | Vol | Fail | Print;
    if (function.embedded.pure && function.embedded.stable)
      effects.effects &= uint16_t(~Vol);
    if (function.embedded.pure && function.embedded.infallible)
      effects.effects &= uint16_t(~Fail);
    for (GlobalId global : function.embedded.reads)
      effects.reads.insert(global);
    for (GlobalId global : function.embedded.writes)
      effects.writes.insert(global);
    return;
  }
  for_each_inst(function, [&](const Inst &inst) {
    if (inst.op == Op::Call) {
      callees.push_back(inst.aux);
      return; // its effects are merged in
    }
    effects.effects |= own_may_fail(module, function, inst) ? effects_of(inst) : effects_of(inst) & ~Fail;
    if (GlobalId global = global_of(inst); global.valid()) {
      if (effects_of(inst) & RGlob)
        effects.reads.insert(global);
      if (writes_global(module, inst))
        effects.writes.insert(global);
    }
  });
  std::sort(callees.begin(), callees.end());
  callees.erase(std::unique(callees.begin(), callees.end()), callees.end());
}

void merge(Effects &into, const Effects &from) {
  into.effects |= from.effects;
  into.reads.merge(from.reads);
  into.writes.merge(from.writes);
}

} // namespace

std::vector<bool> written_globals(const Module &module) {
  std::vector<bool> written(module.globals.size());
  for (const Function &function : module.functions) {
    for (GlobalId global : function.embedded.writes)
      written[global.index] = true;
    for_each_inst(function, [&](const Inst &inst) {
      if (GlobalId global = global_of(inst); global.valid() && (effects_of(inst) & WGlob))
        written[global.index] = true;
    });
  }
  return written;
}

ModuleEffects::ModuleEffects(const Module &module)
    : module_(module), effects_(module.functions.size()), recursive_(module.functions.size()) {
  size_t count = module.functions.size();
  std::vector<std::vector<uint32_t>> callees(count);
  for (size_t index = 0; index < count; ++index) {
    callees_first_.push_back(FunctionId{uint32_t(index)});
    add_own(module, module.functions[index], effects_[index], callees[index]);
  }
  std::vector<uint32_t> component = strongly_connected(count, [&](uint32_t caller, auto visit) {
    std::for_each(callees[caller].begin(), callees[caller].end(), visit);
  });
  std::sort(callees_first_.begin(), callees_first_.end(), [&](FunctionId left, FunctionId right) {
    return std::pair(component[left.index], left) < std::pair(component[right.index], right);
  });

  // Members of a cycle have one summary: gather it in the first of them, then hand it out.
  for (size_t begin = 0, end; begin < count; begin = end) {
    uint32_t number = component[callees_first_[begin].index];
    for (end = begin; end < count && component[callees_first_[end].index] == number;)
      ++end;
    Effects &summary = effects_[callees_first_[begin].index];
    for (size_t member = begin; member < end; ++member) {
      uint32_t function = callees_first_[member].index;
      if (member != begin)
        merge(summary, effects_[function]);
      for (uint32_t callee : callees[function])
        if (component[callee] == number)
          recursive_[function] = true;
        else
          merge(summary, effects_[callee]);
      if (recursive_[function])
        summary.effects |= Fail; // MAXNESTING
    }
    for (size_t member = begin + 1; member < end; ++member)
      effects_[callees_first_[member].index] = summary;
  }
}

uint16_t ModuleEffects::of(const Inst &inst) const {
  return inst.op == Op::Call ? effects_[inst.aux].effects : effects_of(inst);
}

bool ModuleEffects::releases(const Inst &inst, GlobalId global) const {
  if (inst.op != Op::Unlock)
    return false;
  const auto &globals = module_.lock_sets[inst.aux].globals;
  return std::any_of(globals.begin(), globals.end(), [&](auto &entry) { return entry.first == global; });
}

bool ModuleEffects::may_fail(const Function &function, const Inst &inst) const {
  return inst.op == Op::Call ? effects_[inst.aux].effects & Fail : own_may_fail(module_, function, inst);
}

bool ModuleEffects::is_removable(const Function &function, const Inst &inst) const {
  if (inst.op == Op::Param)
    return false;
  if (inst.op == Op::Call && module_.functions[inst.aux].kind == FunctionKind::Embedded &&
      module_.functions[inst.aux].embedded.pure && module_.functions[inst.aux].embedded.writes.empty())
    return true;
  constexpr uint16_t harmless = Ctx | RMem | RGlob;
  return !(of(inst) & ~(harmless | Fail)) && !may_fail(function, inst);
}

bool ModuleEffects::reads(const Inst &inst, GlobalId global) const {
  if (inst.op == Op::Call)
    return effects_[inst.aux].reads.contains(global);
  return global_of(inst) == global && (effects_of(inst) & RGlob);
}

bool ModuleEffects::writes(const Inst &inst, GlobalId global) const {
  if (inst.op == Op::Call)
    return effects_[inst.aux].writes.contains(global);
  return global_of(inst) == global && writes_global(module_, inst);
}

int64_t default_nesting(const Module &module, const ModuleEffects &effects) {
  // Calls that can be open below a function; those of its own cycle that have not had their turn count as 0.
  std::vector<int64_t> depth(module.functions.size());
  int64_t deepest = 1;
  for (FunctionId id : effects.callees_first()) {
    int64_t below = 0;
    for_each_inst(module.functions[id.index], [&](const Inst &inst) {
      if (inst.op == Op::Call)
        below = std::max(below, 1 + depth[inst.aux]);
    });
    depth[id.index] = below;
    deepest = std::max(deepest, below);
  }
  bool recursion = std::find(effects.recursive().begin(), effects.recursive().end(), true) != effects.recursive().end();
  return deepest + (recursion ? 10 : 0);
}

} // namespace tapjit::ir

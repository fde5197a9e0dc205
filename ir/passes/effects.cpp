// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/effects.h"

#include "ir/graph.h"
#include "ir/signature.h"

#include <algorithm>
#include <utility>

namespace tapjit::ir {

bool writes_global(const Module &module, const Inst &inst) {
  bool sorts_in_place = inst.op == Op::IterBegin && size_t(inst.imm) < module.sorts.size() &&
                        module.sorts[size_t(inst.imm)].by != Sort::By::None;
  return sorts_in_place || (effects_of(inst) & WGlob);
}

namespace {

template <typename Visit> void for_each_inst(const Function &function, Visit visit) {
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts)
      visit(function.insts[value.index]);
}

void add_own(const Module &module, const Function &function, Effects &effects) {
  if (function.kind == FunctionKind::Embedded) {
    effects.effects =
        function.embedded.pure ? Ctx | RMem | Vol | Fail : Opaque | Ctx | RMem | WMem | Vol | Fail | Print;
    if (function.embedded.pure && function.embedded.stable)
      effects.effects &= uint16_t(~Vol);
    for (GlobalId global : function.embedded.reads)
      effects.reads[global.index] = true;
    for (GlobalId global : function.embedded.writes)
      effects.writes[global.index] = true;
    return;
  }
  for_each_inst(function, [&](const Inst &inst) {
    if (inst.op == Op::Call) {
      effects.effects |= Fail;
      return;
    }
    effects.effects |= effects_of(inst);
    if (GlobalId global = global_of(inst); global.valid()) {
      if (effects_of(inst) & RGlob)
        effects.reads[global.index] = true;
      if (writes_global(module, inst))
        effects.writes[global.index] = true;
    }
  });
}

void merge(Effects &into, const Effects &from) {
  into.effects |= from.effects;
  for (size_t index = 0; index < from.reads.size(); ++index) {
    into.reads[index] = into.reads[index] || from.reads[index];
    into.writes[index] = into.writes[index] || from.writes[index];
  }
}

} // namespace

ModuleEffects::ModuleEffects(const Module &module)
    : module_(module), effects_(module.functions.size()), recursive_(module.functions.size()) {
  size_t count = module.functions.size();
  auto for_each_callee = [&](uint32_t caller, auto visit) {
    for_each_inst(module.functions[caller], [&](const Inst &inst) {
      if (inst.op == Op::Call)
        visit(inst.aux);
    });
  };
  std::vector<uint32_t> component = strongly_connected(count, for_each_callee);
  for (size_t index = 0; index < count; ++index) {
    callees_first_.push_back(FunctionId{uint32_t(index)});
    effects_[index].reads.resize(module.globals.size());
    effects_[index].writes.resize(module.globals.size());
    add_own(module, module.functions[index], effects_[index]);
  }
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
      for_each_callee(function, [&](uint32_t callee) {
        if (component[callee] == number)
          recursive_[function] = true;
        else
          merge(summary, effects_[callee]);
      });
    }
    for (size_t member = begin + 1; member < end; ++member)
      effects_[callees_first_[member].index] = summary;
  }
}

uint16_t ModuleEffects::of(const Inst &inst) const {
  return inst.op == Op::Call ? uint16_t(effects_[inst.aux].effects | Fail) : effects_of(inst);
}

bool ModuleEffects::reads(const Inst &inst, GlobalId global) const {
  if (inst.op == Op::Call)
    return effects_[inst.aux].reads[global.index];
  return global_of(inst) == global && (effects_of(inst) & RGlob);
}

bool ModuleEffects::writes(const Inst &inst, GlobalId global) const {
  if (inst.op == Op::Call)
    return effects_[inst.aux].writes[global.index];
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

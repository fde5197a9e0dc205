// SPDX-License-Identifier: GPL-2.0-or-later
// What a handler needs of its context, for struct tap_plan of runtime/core/program.h.
#include "codegen/emit/unit.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::codegen {

namespace {

struct Needs {
  bool budgets = false, site = false, regs = false, recursive = false, prints = false;

  void add(const Unit &unit, const ir::Inst &inst) {
    ir::GlobalId global = ir::global_of(inst);
    budgets |= ir::effects_of(inst) & (ir::Fail | ir::Opaque | ir::Lock | ir::Print) ||
               (global.valid() && is_map(unit.module.globals[global.index]));
    site |= inst.op == ir::Op::CtxPp || inst.op == ir::Op::CtxFunc || inst.op == ir::Op::CtxNumber ||
            inst.op == ir::Op::Arm;
    regs |= inst.op == ir::Op::CtxReg || inst.op == ir::Op::CtxRegSet || inst.op == ir::Op::CtxCaller;
  }

  // A body of embedded C reaches the context by that word; one that says it is pure may print all the same.
  void add(const ir::Function &embedded) {
    const std::string &text = embedded.embedded.text;
    bool context = text.find("CONTEXT") != std::string::npos || text.find("c->") != std::string::npos;
    budgets = prints = true;
    site |= context;
    regs |= context;
  }
};

Needs needs_of(const Unit &unit, std::vector<ir::FunctionId> work) {
  Needs needs;
  std::set<ir::FunctionId> seen(work.begin(), work.end());
  while (!work.empty()) {
    ir::FunctionId id = work.back();
    work.pop_back();
    const ir::Function &function = unit.function(id);
    needs.recursive |= unit.recursive(id);
    needs.prints |= unit.prints(id);
    if (function.kind == ir::FunctionKind::Embedded)
      needs.add(function);
    for (const ir::Block &block : function.blocks)
      for (ir::ValueId value : block.insts)
        needs.add(unit, function.insts[value.index]);
    for (ir::FunctionId callee : callees(function))
      if (seen.insert(callee).second)
        work.push_back(callee);
  }
  return needs;
}

// Whether a condition reads what the function writes.
bool changes_condition(const Unit &unit, ir::FunctionId function) {
  const std::vector<ir::GlobalId> &writes = unit.effects.of(function).writes.ids();
  return std::any_of(writes.begin(), writes.end(),
                     [&](ir::GlobalId global) { return unit.conditions.contains(global); });
}

} // namespace

bool Unit::prints(ir::FunctionId f) const { return effects.of(f).effects & (ir::Print | ir::Opaque); }

std::string plan_text(const Unit &unit, const ir::Probe &probe, std::vector<ir::FunctionId> functions) {
  std::string text = fmt::format(".actions = {}, .stack_bytes = TAP_MINSTACKSPACE, .clock = !TAP_STP_NO_OVERLOAD",
                                 ir::is_interruptible(probe.context) ? "TAP_MAXACTION_INTERRUPTIBLE" : "TAP_MAXACTION");
  bool arms =
      std::any_of(functions.begin(), functions.end(), [&](ir::FunctionId f) { return changes_condition(unit, f); });
  Needs needs = needs_of(unit, std::move(functions));
  for (auto [needed, member] : {std::pair(needs.budgets, "budgets"),
                                {needs.site, "site"},
                                {needs.regs, "regs"},
                                {needs.prints, "prints"},
                                {needs.recursive, "recursive"},
                                {arms, "arms"}})
    if (needed)
      text += fmt::format(", .{} = true", member);
  return text;
}

} // namespace tapjit::codegen

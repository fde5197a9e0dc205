// SPDX-License-Identifier: GPL-2.0-or-later
// `probe syscall.*` is hundreds of handlers that end in one body of the script. Handlers that are the same altogether
// become one probe with many sites. Where they differ in what their aliases set, and are many, the body becomes one
// function, which each calls with the variables that its alias set. Whether two are the same is asked of what they were
// lowered to, as types and target variables may differ.
#include "frontend/lower_body.h"

#include "frontend/visit.h"

#include <algorithm>

namespace tapjit::lowering {

// Fewer handlers keep their bodies: a call has its price at run time.
static constexpr size_t fewest_handlers = 8;

// Locals in the order of their first use.
static std::vector<LocalId> locals_in(ast::Stmt &stmt) {
  std::vector<LocalId> result;
  ast::walk(stmt, Overload{[&](ast::Expr &expr) {
                             const auto *n = expr.as<ast::Variable>();
                             if (n && n->binding.is_local() &&
                                 std::find(result.begin(), result.end(), n->binding.local()) == result.end())
                               result.push_back(n->binding.local());
                             return true;
                           },
                           [](ast::Stmt &) { return true; }});
  return result;
}

static std::vector<LocalId> find_live_in(const Handler &handler) {
  std::vector<LocalId> set_before, result;
  for (size_t index = 0; index + 1 < handler.blocks.size(); ++index) {
    std::vector<LocalId> locals = locals_in(*handler.blocks[index]);
    set_before.insert(set_before.end(), locals.begin(), locals.end());
  }
  for (LocalId local : locals_in(*handler.blocks.back()))
    if (std::find(set_before.begin(), set_before.end(), local) != set_before.end())
      result.push_back(local);
  return result;
}

static bool is_same(const ir::Function &left, const ir::Function &right) {
  return left.params == right.params && left.insts == right.insts && left.blocks == right.blocks;
}

uint64_t hash_of(const ir::Function &function) {
  uint64_t hash = function.blocks.size();
  auto add = [&](uint64_t value) { hash = (hash ^ value) * 0x100000001b3 + (hash >> 32); };
  for (const ir::Inst &inst : function.insts) {
    add(uint64_t(inst.op));
    add(inst.aux);
    add(uint64_t(inst.imm));
    for (ir::ValueId operand : inst.operands)
      add(operand.index);
  }
  return hash;
}

ir::FunctionId shared_body(ModuleState &state, const Handler &handler, std::vector<LocalId> &live_in) {
  if (handler.blocks.empty())
    return ir::FunctionId::none();
  BodyGroup &group = state.groups[handler.blocks.back()->loc.value];
  if (group.handlers < fewest_handlers)
    return ir::FunctionId::none();
  live_in = find_live_in(handler);

  ir::Function function;
  function.name = state.free_name("body_" + std::to_string(state.module.probes.size()));
  for (LocalId local : live_in) {
    function.params.push_back(ir_type(handler.locals[local.index()].type));
    function.param_names.emplace_back(handler.locals[local.index()].name.view());
  }
  function.loc = state.location(handler.blocks.back()->loc);
  ir::FunctionId id = state.add_function(std::move(function));
  BodyLowerer(state, id, handler.locals, 0, handler.targets).lower_shared_body(handler, live_in);

  bool is_last = id.index + 1 == state.module.functions.size();
  for (ir::FunctionId other : group.bodies)
    if (is_last && is_same(state.module.functions[other.index], state.module.functions[id.index])) {
      state.drop_last_function();
      return other;
    }
  group.bodies.push_back(id);
  return id;
}

ir::ProbeId find_same_probe(ModuleState &state, const Handler &handler, const ir::Probe &probe) {
  if (handler.blocks.empty() || !probe.entry_values.empty() || probe.handler.index + 1 != state.module.functions.size())
    return ir::ProbeId::none();
  const uint64_t hash = hash_of(state.module.functions[probe.handler.index]);
  for (ir::ProbeId id : state.groups[handler.blocks.back()->loc.value].probes[hash]) {
    const ir::Probe &other = state.module.probes[id.index];
    if (other.context == probe.context && other.entry_values.empty() &&
        is_same(state.module.functions[other.handler.index], state.module.functions[probe.handler.index]))
      return id;
  }
  return ir::ProbeId::none();
}

} // namespace tapjit::lowering

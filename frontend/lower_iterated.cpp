// SPDX-License-Identifier: GPL-2.0-or-later
// What a foreach must know beyond its own text. One that sorts changes the order of its array's list, so it must know
// of a foreach over the same array that goes on around it: one that stands around it, which lowering sees, or around a
// call that leads to it, which is found here. And one whose body may `delete` the whole array, itself or by a call,
// looks before each turn whether anything is left; nothing is put in meanwhile (check_foreach.cpp), so an array that is
// empty has been deleted.
#include "frontend/call_graph.h"
#include "frontend/lower_module.h"
#include "frontend/visit.h"

namespace tapjit::lowering {

namespace {

// Notes of each call which arrays the foreachs around it go through, in one body.
class CallWalker {
public:
  explicit CallWalker(CallGraph::Facts &around) : around_(around) {}
  void walk(const ast::Stmt &body) { statement(const_cast<ast::Stmt &>(body), {}); }

private:
  void statement(ast::Stmt &stmt, const std::set<uint32_t> &active) {
    const auto *loop = stmt.as<ast::Foreach>();
    const auto *array = loop ? loop->array->as<ast::Variable>() : nullptr;
    std::set<uint32_t> inside = active;
    if (array && array->binding.is_global())
      inside.insert(array->binding.index);
    ast::for_each_child(
        stmt, [&](ast::Expr *&child) { expression(*child, inside); },
        [&](ast::Stmt *&child) { statement(*child, inside); });
  }

  void expression(ast::Expr &root, const std::set<uint32_t> &active) {
    if (active.empty())
      return;
    ast::walk(root, [&](ast::Expr &expr) {
      if (const auto *call = expr.as<ast::Call>(); call && call->function.valid())
        around_[call->function.index()].insert(active.begin(), active.end());
      return true;
    });
  }

  CallGraph::Facts &around_;
};

void note_deleted(const ast::Stmt &body, const CallGraph::Facts *called, std::set<uint32_t> &deleted) {
  ast::walk(const_cast<ast::Stmt &>(body), Overload{[&](ast::Expr &expr) {
                                                      const auto *call = called ? expr.as<ast::Call>() : nullptr;
                                                      if (call && call->function.valid())
                                                        deleted.insert((*called)[call->function.index()].begin(),
                                                                       (*called)[call->function.index()].end());
                                                      return true;
                                                    },
                                                    [&](ast::Stmt &stmt) {
                                                      const auto *node = stmt.as<ast::Delete>();
                                                      const auto *whole =
                                                          node ? node->target->as<ast::Variable>() : nullptr;
                                                      if (whole && whole->binding.is_global())
                                                        deleted.insert(whole->binding.index);
                                                      return true;
                                                    }});
}

} // namespace

bool may_delete(const ModuleState &state, const ast::Stmt &body, ir::GlobalId array) {
  std::set<uint32_t> deleted;
  note_deleted(body, &state.deleted_in, deleted);
  return deleted.contains(array.index);
}

void find_iterated(ModuleState &state) {
  const Program &program = state.program;
  CallGraph graph(program);
  state.iterated_around.resize(program.functions.size());
  state.deleted_in.resize(program.functions.size());
  CallWalker walker(state.iterated_around);
  for (const Handler &handler : program.handlers)
    for (const ast::Stmt *block : handler.blocks)
      walker.walk(*block);
  for (size_t i = 0; i < program.functions.size(); ++i) {
    if (!program.functions[i].body)
      continue;
    walker.walk(*program.functions[i].body);
    note_deleted(*program.functions[i].body, nullptr, state.deleted_in[i]);
  }
  graph.spread_to_callees(state.iterated_around);
  graph.spread_to_callers(state.deleted_in);
}

} // namespace tapjit::lowering

// SPDX-License-Identifier: GPL-2.0-or-later
// A foreach holds its array still. What modifies it: an assignment to an element (which may add one), `<<<`, ++,
// delete of elements, and any call of a function that may do so, through any number of calls. A `delete` of the whole
// array is none of these: it ends the foreach when the turn is over (lower_iterated.cpp).
#include "frontend/passes/check.h"

#include "frontend/call_graph.h"
#include "frontend/visit.h"

#include <vector>

namespace tapjit {

using namespace ast;

namespace {

const Variable *modified_array(const Expr &target) {
  const Index *index = target.as<Index>();
  return index ? index->base->as<Variable>() : nullptr;
}

// The array that an expression modifies by itself, or null.
const Variable *modified_by(const Expr &expr) {
  if (const Assign *assign = expr.as<Assign>())
    return modified_array(*assign->target);
  if (const IncDec *step = expr.as<IncDec>())
    return modified_array(*step->target);
  return nullptr;
}

// The array of which a statement deletes elements, or null.
const Variable *deleted_by(const Stmt &stmt) {
  const Delete *node = stmt.as<Delete>();
  return node ? modified_array(*node->target) : nullptr;
}

class ForeachChecker {
public:
  ForeachChecker(Program &program, Diagnostics &diagnostics)
      : program_(program), diagnostics_(diagnostics), modifies_(program.functions.size()) {}

  void run() {
    summarise();
    for (FunctionInfo &function : program_.functions)
      if (function.body)
        statement(*function.body);
    for (Handler &handler : program_.handlers)
      for (Stmt *block : handler.blocks)
        statement(*block);
  }

private:
  // Which globals each function may modify, itself or by its calls.
  void summarise() {
    for (size_t i = 0; i < program_.functions.size(); ++i) {
      FunctionInfo &function = program_.functions[i];
      for (GlobalId id : function.writes)
        modifies_[i].insert(id.index());
      if (!function.body)
        continue;
      auto note = [&](const Variable *variable) {
        if (variable && variable->binding.is_global())
          modifies_[i].insert(variable->binding.index);
      };
      walk(*function.body, Overload{
                               [&](Expr &expr) {
                                 note(modified_by(expr));
                                 return true;
                               },
                               [&](Stmt &stmt) {
                                 note(deleted_by(stmt));
                                 return true;
                               },
                           });
    }
    CallGraph(program_).spread_to_callers(modifies_);
  }

  struct Active {
    uint32_t global;
    Name name;
    Loc loc;
  };

  void report(const Active &active, Loc loc) {
    diagnostics_.report(DiagId::foreach_modifies, loc, {active.name}).note(active.loc, "the foreach is here");
  }

  void expression(Expr &root) {
    if (active_.empty())
      return;
    walk(root, [&](Expr &expr) {
      const Variable *variable = modified_by(expr);
      const Call *call = expr.as<Call>();
      for (const Active &active : active_) {
        if (variable && variable->binding.is_global() && variable->binding.index == active.global)
          report(active, expr.loc);
        if (call && call->function.valid() && modifies_[call->function.index()].contains(active.global))
          diagnostics_.report(DiagId::array_in_foreach_call, expr.range(), {active.name, call->name})
              .note(active.loc, "the foreach is here");
      }
      return true;
    });
  }

  void statement(Stmt &stmt) {
    if (const Variable *variable = deleted_by(stmt); variable && variable->binding.is_global())
      for (const Active &active : active_)
        if (variable->binding.index == active.global)
          report(active, stmt.loc);
    const Foreach *node = stmt.as<Foreach>();
    const Variable *array = node ? node->array->as<Variable>() : nullptr;
    bool entered = array && array->binding.is_global();
    if (entered)
      active_.push_back({array->binding.index, array->name, stmt.loc});
    for_each_child(stmt, [&](Expr *&child) { expression(*child); }, [&](Stmt *&child) { statement(*child); });
    if (entered)
      active_.pop_back();
  }

  Program &program_;
  Diagnostics &diagnostics_;
  CallGraph::Facts modifies_;
  std::vector<Active> active_;
};

} // namespace

void check_foreach(Program &program, Diagnostics &diagnostics) { ForeachChecker(program, diagnostics).run(); }

} // namespace tapjit

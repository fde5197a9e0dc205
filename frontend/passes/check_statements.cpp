// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/check.h"

#include "frontend/visit.h"

namespace tapjit {

using namespace ast;

namespace {

class StatementChecker {
public:
  explicit StatementChecker(Diagnostics &diagnostics) : diagnostics_(diagnostics) {}

  void check(Stmt &stmt, bool in_function, unsigned loops) {
    if (stmt.as<Break>() && loops == 0)
      diagnostics_.report(DiagId::break_outside_loop, stmt.loc, {"break"});
    if (stmt.as<Continue>() && loops == 0)
      diagnostics_.report(DiagId::break_outside_loop, stmt.loc, {"continue"});
    if (stmt.as<Return>() && !in_function)
      diagnostics_.report(DiagId::return_outside_function, stmt.loc).hint("`next` leaves a probe's handler");
    bool loop = stmt.as<While>() || stmt.as<For>() || stmt.as<Foreach>();
    for_each_child(stmt, [](Expr *&) {}, [&](Stmt *&child) { check(*child, in_function, loops + loop); });
  }

private:
  Diagnostics &diagnostics_;
};

} // namespace

void check_statements(Program &program, Diagnostics &diagnostics) {
  StatementChecker checker(diagnostics);
  for (FunctionInfo &function : program.functions)
    if (function.body)
      checker.check(*function.body, true, 0);
  for (Handler &handler : program.handlers)
    for (Stmt *block : handler.blocks)
      checker.check(*block, false, 0);
}

void check_overloads(Program &program, Diagnostics &diagnostics) {
  for (FunctionInfo &function : program.functions) {
    if (!function.next_overload.valid() || !program.function(function.next_overload).from_script)
      continue;
    bool goes_on = function.code.find("STAP_NEXT") != std::string_view::npos;
    if (function.body)
      walk(*function.body, Overload{[](Expr &) { return false; },
                                    [&](Stmt &stmt) {
                                      goes_on = goes_on || stmt.as<Next>();
                                      return !goes_on;
                                    }});
    if (!goes_on)
      diagnostics.report(DiagId::overload_unreachable, program.function(function.next_overload).loc, {function.name})
          .note(function.loc, "this one comes first and has no `next`");
  }
}

void check_entries(Program &program, Diagnostics &diagnostics) {
  for (Handler &handler : program.handlers)
    for (Expr *entry : handler.entries)
      walk(*entry, [&](Expr &expr) {
        if (const Variable *variable = expr.as<Variable>(); variable && variable->binding.is_local())
          diagnostics.report(DiagId::entry_uses_local, expr.range(), {variable->name});
        return true;
      });
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Which globals are read and which written. `x++` as a statement and `x += 1` write; they count as reads only where
// their value is used.
#include "frontend/passes/check.h"

#include "frontend/visit.h"

#include <cctype>
#include <string>

namespace tapjit {

using namespace ast;

namespace {

class UseMarker {
public:
  explicit UseMarker(Program &program) : program_(program) {}

  void statement(Stmt &stmt) {
    if (ExprStmt *node = stmt.as<ExprStmt>())
      return expression(*node->expr, false);
    if (Delete *node = stmt.as<Delete>())
      return target(*node->target, false);
    if (For *node = stmt.as<For>()) {
      if (node->init)
        expression(*node->init, false);
      if (node->condition)
        expression(*node->condition, true);
      if (node->step)
        expression(*node->step, false);
      return statement(*node->body);
    }
    if (Foreach *node = stmt.as<Foreach>())
      for (Expr *key : node->keys)
        target(*key, false);
    if (Foreach *node = stmt.as<Foreach>(); node && node->value)
      target(*node->value, false);
    for_each_child(stmt, [&](Expr *&child) { expression(*child, true); }, [&](Stmt *&child) { statement(*child); });
  }

  void expression(Expr &expr, bool used) {
    if (Assign *node = expr.as<Assign>()) {
      target(*node->target, used);
      return expression(*node->value, true);
    }
    if (IncDec *node = expr.as<IncDec>())
      return target(*node->target, used);
    if (Variable *node = expr.as<Variable>()) {
      if (node->binding.is_global())
        program_.globals[node->binding.index].read = true;
      return;
    }
    if (EmbeddedExpr *node = expr.as<EmbeddedExpr>())
      for (GlobalVar &var : program_.globals) {
        std::string name(var.name.view());
        var.read |= names(node->code, "pragma:read:" + name);
        var.written |= names(node->code, "pragma:write:" + name);
      }
    for_each_child(expr, [&](Expr *&child) { expression(*child, true); });
  }

private:
  // Whether the marker stands in the code, and not as the head of a longer one.
  static bool names(std::string_view code, std::string_view marker) {
    for (size_t at = code.find(marker); at != std::string_view::npos; at = code.find(marker, at + 1)) {
      char next = at + marker.size() < code.size() ? code[at + marker.size()] : ' ';
      if (!std::isalnum(static_cast<unsigned char>(next)) && next != '_')
        return true;
    }
    return false;
  }

  void target(Expr &expr, bool used) {
    Variable *variable = expr.as<Variable>();
    if (Index *index = expr.as<Index>()) {
      variable = index->base->as<Variable>();
      for (Expr *key : index->keys)
        if (key)
          expression(*key, true);
    } else if (!variable) {
      return expression(expr, true);
    }
    if (!variable || !variable->binding.is_global())
      return;
    program_.globals[variable->binding.index].written = true;
    if (used)
      program_.globals[variable->binding.index].read = true;
  }

  Program &program_;
};

} // namespace

void mark_global_uses(Program &program) {
  UseMarker marker(program);
  for (FunctionInfo &function : program.functions) {
    if (function.body)
      marker.statement(*function.body);
    for (GlobalId id : function.reads)
      program.globals[id.index()].read = true;
    for (GlobalId id : function.writes)
      program.globals[id.index()].written = true;
  }
  for (Handler &handler : program.handlers) {
    for (Stmt *block : handler.blocks)
      marker.statement(*block);
    for (Expr *condition : handler.conditions)
      marker.expression(*condition, true);
  }
  for (GlobalVar &var : program.globals)
    var.display_at_end = var.written && !var.read && var.from_script;
}

} // namespace tapjit

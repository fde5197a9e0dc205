// SPDX-License-Identifier: GPL-2.0-or-later
// Locals and globals of the script that are read and never given a value: mostly slips of the finger, as in a name that
// an alias sets.
#include "frontend/passes/check.h"

#include "frontend/passes/near_names.h"
#include "frontend/visit.h"

#include <string>
#include <vector>

namespace tapjit {

using namespace ast;

namespace {

class AssignmentFinder {
public:
  explicit AssignmentFinder(size_t locals) : assigned_(locals, false) {}

  void look(Stmt &stmt) {
    walk(stmt, Overload{
                   [&](Expr &expr) {
                     if (const Assign *assign = expr.as<Assign>())
                       mark(*assign->target);
                     if (const IncDec *step = expr.as<IncDec>())
                       mark(*step->target);
                     return true;
                   },
                   [&](Stmt &inner) {
                     if (const Foreach *node = inner.as<Foreach>()) {
                       for (const Expr *key : node->keys)
                         mark(*key);
                       if (node->value)
                         mark(*node->value);
                     }
                     if (const Try *node = inner.as<Try>(); node && node->message)
                       mark(*node->message);
                     if (const Delete *node = inner.as<Delete>())
                       mark(*node->target);
                     return true;
                   },
               });
  }

  void report(const std::vector<Local> &locals, size_t first, const std::vector<Name> &offered,
              const std::vector<std::string_view> &globals, Diagnostics &diagnostics) {
    const SourceTable &sources = diagnostics.sources();
    auto assigned = [&](size_t i) { return i < first || assigned_[i]; };
    for (size_t i = first; i < locals.size(); ++i) {
      SourceKind kind = sources.kind(sources.position(locals[i].loc).source);
      if (assigned_[i] || locals[i].type == Type::unknown ||
          (kind != SourceKind::script && kind != SourceKind::command_line))
        continue;
      diagnostics.report(DiagId::never_assigned, locals[i].loc, {locals[i].name})
          .hint(diagnostics.has_many() ? ""
                                       : suggest_variable(locals[i].name.view(), locals, assigned, offered, globals));
    }
  }

private:
  void mark(const Expr &target) {
    const Variable *variable = target.as<Variable>();
    if (variable && variable->binding.is_local())
      assigned_[variable->binding.index] = true;
  }

  std::vector<bool> assigned_;
};

} // namespace

void check_assigned(Program &program, const std::vector<std::string_view> &globals, Diagnostics &diagnostics) {
  for (FunctionInfo &function : program.functions) {
    if (!function.body || !function.from_script)
      continue;
    AssignmentFinder finder(function.locals.size());
    finder.look(*function.body);
    finder.report(function.locals, function.param_count, {}, globals, diagnostics);
  }
  for (Handler &handler : program.handlers) {
    AssignmentFinder finder(handler.locals.size());
    for (Stmt *block : handler.blocks)
      finder.look(*block);
    finder.report(handler.locals, 0, handler.offered, globals, diagnostics);
  }
  std::vector<std::string_view> others;
  for (const GlobalVar &var : program.globals)
    if (var.written || var.has_init)
      others.push_back(var.name.view());
  for (const GlobalVar &var : program.globals) {
    if (!var.from_script || !var.read || var.written || var.has_init || var.value == Type::unknown)
      continue;
    Diagnostic &diagnostic = diagnostics.report(DiagId::never_assigned_global, var.loc, {var.name});
    if (std::string_view near = diagnostics.has_many() ? "" : nearest_name(var.name.view(), others); !near.empty())
      diagnostic.hint("did you mean `" + std::string(near) + "`?");
  }
}

} // namespace tapjit

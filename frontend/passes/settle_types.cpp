// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/settle_types.h"

#include "frontend/parse.h"
#include "frontend/passes/near_names.h"
#include "frontend/visit.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

namespace tapjit {

using namespace ast;

namespace {

// Whether any `return` of it has a value.
bool returns_value(const FunctionInfo &function) {
  bool found = false;
  if (function.body)
    walk(*function.body, Overload{[](Expr &) { return false; },
                                  [&](Stmt &stmt) {
                                    const Return *node = stmt.as<Return>();
                                    found = found || (node && node->value);
                                    return !found;
                                  }});
  return found;
}

std::string_view plural(Type type) { return type == Type::number ? "longs" : "strings"; }

class Settling {
public:
  Settling(Program &program, TypeSlots &slots, const Inferred &inferred, const std::vector<std::string_view> &globals,
           Diagnostics &diagnostics)
      : program_(program), slots_(slots), inferred_(inferred), globals_(globals), diagnostics_(diagnostics) {}

  void run() {
    check_formats();
    check_values();
    report_unknowns_ = !diagnostics_.has_errors(); // often they come of another error
    settle_functions();
    for (size_t i = 0; i < program_.handlers.size(); ++i)
      settle_locals(program_.handlers[i].locals, inferred_.handler_locals[i], program_.handlers[i].offered);
    settle_globals();
    report_unknown();
    for (const Foreach *node : inferred_.foreachs)
      check_value(*node);
    settle_expressions();
    settle_sorts();
  }

private:
  void check_formats() {
    for (const Inferred::FormatCheck &check : inferred_.checked) {
      Type got = slots_.type_of(check.slot);
      if (got != check.wanted)
        diagnostics_.report(DiagId::format_argument_type, check.arg->range(),
                            {check.directive, with_article(check.wanted), check.position, with_article(got)});
    }
  }

  // Whether a function's result was used says whether an unknown one matters.
  void check_values() {
    for (const Inferred::ValueUse &use : inferred_.value_uses) {
      Type type = slots_.type_of(use.slot);
      if (type != Type::none && type != Type::unknown)
        continue;
      if (const Call *call = use.expr->as<Call>()) {
        if (call->function.valid() && type == Type::unknown && returns_value(program_.function(call->function)))
          unknown_results_.insert(call->function.index());
        else if (call->function.valid())
          report_no_value(*use.expr, *call);
      } else {
        diagnostics_.report(DiagId::type_mismatch, use.expr->range(), {"a value", "none"});
      }
    }
  }

  void settle_functions() {
    for (size_t i = 0; i < program_.functions.size(); ++i) {
      Type type = slots_.type_of(inferred_.results[i]);
      program_.functions[i].result = type == Type::unknown ? Type::none : type;
      if (unknown_results_.contains(i))
        unknown(inferred_.results[i], program_.functions[i].loc, result_name(program_.functions[i]));
      settle_locals(program_.functions[i].locals, inferred_.function_locals[i], {});
    }
  }

  void settle_expressions() {
    for (const Inferred::Typed &typed : inferred_.typed) {
      Type type = slots_.type_of(typed.slot);
      typed.expr->type = type == Type::unknown && typed.expr->as<Call>() ? Type::none : type;
      bool names_it = typed.expr->as<Variable>() || typed.expr->as<Index>();
      if (type == Type::stats && !typed.stat_wanted && names_it && !slots_.complained(typed.expr->loc) &&
          !told_.contains(typed.expr))
        diagnostics_.report(DiagId::stat_as_value, typed.expr->range(), {print_expr(*typed.expr)});
    }
  }

  // A statistic is no value that a foreach could give.
  void check_value(const Foreach &node) {
    const Variable *array = node.array->as<Variable>();
    if (!node.value || !array || !array->binding.is_global() ||
        slots_.type_of(inferred_.global_values[array->binding.index]) != Type::stats)
      return;
    told_.insert(node.value);
    std::string element = print_expr(*node.array) + "[";
    for (size_t i = 0; i < node.keys.size(); ++i)
      element += (i ? ", " : "") + print_expr(*node.keys[i]);
    diagnostics_.report(DiagId::foreach_stat_value, node.value->range(), {print_expr(*node.value)})
        .hint("ask the element: `@count(" + element + "])`");
  }

  // `foreach (k in stats-)` sorts by count.
  void settle_sorts() {
    for (Foreach *node : inferred_.foreachs)
      if (node->sort_by == Foreach::SortBy::value && node->array->type == Type::stats) {
        node->sort_by = Foreach::SortBy::stat;
        node->sort_stat = StatOp::count;
      } else if (node->sort_by == Foreach::SortBy::stat && node->array->as<Variable>() &&
                 node->array->type != Type::stats && node->array->type != Type::unknown) {
        diagnostics_.report(DiagId::sort_needs_aggregate, node->array->range(),
                            {spelling(node->sort_stat), print_expr(*node->array), plural(node->array->type)});
      }
  }

  void report_no_value(const Expr &expr, const Call &call) {
    if (!reported_.insert(&expr).second)
      return;
    diagnostics_.report(DiagId::function_no_value, expr.range(), {call.name})
        .note(program_.function(call.function).loc, "declared here");
  }

  void settle_locals(std::vector<Local> &locals, Slot first, const std::vector<Name> &offered) {
    for (size_t i = 0; i < locals.size(); ++i)
      locals[i].type = slots_.type_of(first + static_cast<Slot>(i));
    for (size_t i = 0; i < locals.size(); ++i) {
      if (locals[i].type != Type::unknown)
        continue;
      auto known = [&](size_t k) { return locals[k].type != Type::unknown; };
      constexpr size_t most_hints = 200; // see Diagnostics::has_many
      unknown(first + static_cast<Slot>(i), locals[i].loc, quoted(locals[i].name.view()),
              unknown_.size() > most_hints ? ""
                                           : suggest_variable(locals[i].name.view(), locals, known, offered, globals_));
    }
  }

  void settle_globals() {
    for (size_t i = 0; i < program_.globals.size(); ++i) {
      GlobalVar &var = program_.globals[i];
      var.value = slots_.type_of(inferred_.global_values[i]);
      unknown(inferred_.global_values[i], var.loc,
              var.keys.empty() ? quoted(var.name.view()) : "the values of " + quoted(var.name.view()));
      for (size_t k = 0; k < var.keys.size(); ++k) {
        var.keys[k] = slots_.type_of(inferred_.global_keys[i] + static_cast<Slot>(k));
        unknown(inferred_.global_keys[i] + static_cast<Slot>(k), var.loc,
                "key " + std::to_string(k + 1) + " of " + quoted(var.name.view()));
      }
    }
  }

  // Notes a name whose type is unknown, if it is.
  void unknown(Slot slot, Loc loc, std::string name, std::string hint = {}) {
    if (slots_.type_of(slot) == Type::unknown && report_unknowns_)
      unknown_.push_back({slots_.root(slot), loc, std::move(name), std::move(hint)});
  }

  // What must be of one type is one problem: the first name of it is the error, the others are notes.
  void report_unknown() {
    std::unordered_map<Slot, std::vector<size_t>> same; // those of a slot, in order
    for (size_t i = 0; i < unknown_.size(); ++i)
      same[unknown_[i].slot].push_back(i);
    for (size_t i = 0; i < unknown_.size(); ++i) {
      const std::vector<size_t> &names = same[unknown_[i].slot];
      if (names.front() != i)
        continue;
      Diagnostic &diagnostic = diagnostics_.report(DiagId::type_unknown, unknown_[i].loc, {unknown_[i].name})
                                   .hint("nothing gives it a value of a known type" +
                                         (unknown_[i].hint.empty() ? "" : "; " + unknown_[i].hint));
      for (size_t k = 1; k < names.size(); ++k)
        diagnostic.note(unknown_[names[k]].loc, "the type of " + unknown_[names[k]].name + " is the same");
    }
  }

  struct Unknown {
    Slot slot;
    Loc loc;
    std::string name;
    std::string hint; // what else may have been meant
  };

  Program &program_;
  TypeSlots &slots_;
  const Inferred &inferred_;
  const std::vector<std::string_view> &globals_;
  Diagnostics &diagnostics_;
  bool report_unknowns_ = true;
  std::vector<Unknown> unknown_;
  std::unordered_set<size_t> unknown_results_;
  std::unordered_set<const Expr *> reported_;
  std::unordered_set<const Expr *> told_; // values of foreachs that are statistics
};

} // namespace

std::string result_name(const FunctionInfo &function) { return "the result of " + quoted(function.name.view()); }

void settle_types(Program &program, TypeSlots &slots, const Inferred &inferred,
                  const std::vector<std::string_view> &globals, Diagnostics &diagnostics) {
  Settling(program, slots, inferred, globals, diagnostics).run();
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/infer_types.h"

#include "frontend/parse.h"
#include "frontend/visit.h"

#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tapjit {

using namespace ast;

namespace {

using Slot = uint32_t;

// "a long", "a string".
std::string_view with_article(Type type) {
  switch (type) {
  case Type::number:
    return "a long";
  case Type::string:
    return "a string";
  case Type::stats:
    return "a statistic";
  case Type::none:
    return "no value";
  case Type::unknown:
    break;
  }
  return "unknown";
}

std::string quoted(std::string_view name) { return "`" + std::string(name) + "`"; }
std::string result_name(const FunctionInfo &function) { return "the result of " + quoted(function.name.view()); }

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

// As many as SystemTap takes.
constexpr size_t max_print_values = 32;

class Inference {
public:
  Inference(Program &program, Diagnostics &diagnostics) : program_(program), diagnostics_(diagnostics) {
    // Slots 0 .. 4 are the constants, numbered as ast::Type.
    for (Type type : {Type::unknown, Type::none, Type::number, Type::string, Type::stats})
      slots_.push_back({static_cast<Slot>(slots_.size()), type, Loc{}});
  }

  void run() {
    make_slots();
    for (size_t i = 0; i < program_.functions.size(); ++i) {
      FunctionInfo &function = program_.functions[i];
      locals_ = function_locals_[i];
      result_ = results_[i];
      function_ = &function;
      if (function.body)
        statement(*function.body);
    }
    for (size_t i = 0; i < program_.handlers.size(); ++i) {
      Handler &handler = program_.handlers[i];
      locals_ = handler_locals_[i];
      result_ = constant(Type::unknown);
      for (Expr *condition : handler.conditions)
        require(*condition, Type::number);
      for (Stmt *block : handler.blocks)
        statement(*block);
    }
    settle();
  }

private:
  struct SlotState {
    Slot parent;
    Type type;
    Range where; // what decided the type
  };

  static Slot constant(Type type) { return static_cast<Slot>(type); }
  Slot make_slot(Type type, Range where) {
    slots_.push_back({static_cast<Slot>(slots_.size()), type, where});
    return static_cast<Slot>(slots_.size() - 1);
  }

  // -------------------------------------------------------------- slots

  void make_slots() {
    for (GlobalVar &var : program_.globals) {
      global_values_.push_back(make_slot(var.value, var.loc));
      global_keys_.push_back(static_cast<Slot>(slots_.size()));
      for (size_t i = 0; i < var.keys.size(); ++i)
        make_slot(Type::unknown, Loc{});
    }
    for (FunctionInfo &function : program_.functions) {
      results_.push_back(make_slot(function.result == Type::none ? Type::unknown : function.result, function.loc));
      function_locals_.push_back(static_cast<Slot>(slots_.size()));
      for (Local &local : function.locals)
        make_slot(local.type, local.loc);
    }
    for (Handler &handler : program_.handlers) {
      handler_locals_.push_back(static_cast<Slot>(slots_.size()));
      for (Local &local : handler.locals)
        make_slot(local.type, local.loc);
    }
    // Overloads are one function to their callers.
    for (size_t i = 0; i < program_.functions.size(); ++i)
      if (FunctionId next = program_.functions[i].next_overload; next.valid()) {
        const FunctionInfo &other = program_.functions[next.index()];
        unify(results_[next.index()], results_[i], other.loc, result_name(other));
        for (size_t k = 0; k < other.param_count; ++k)
          unify(function_locals_[next.index()] + static_cast<Slot>(k), function_locals_[i] + static_cast<Slot>(k),
                other.locals[k].loc, quoted(other.locals[k].name.view()));
      }
  }

  Slot root(Slot slot) {
    while (slots_[slot].parent != slot)
      slot = slots_[slot].parent = slots_[slots_[slot].parent].parent;
    return slot;
  }
  Type type_of(Slot slot) { return slots_[root(slot)].type; }
  bool is_constant(Slot slot) const { return slot <= constant(Type::stats); }

  void conflict(std::string_view name, Type here, Range range, Slot other) {
    const SlotState &state = slots_[root(other)];
    if (state.type == Type::stats) {
      complained_.insert(range.at.value);
      diagnostics_.report(DiagId::stat_assigned, range, {name}).note(state.where, "it is a statistic because of this");
      return;
    }
    if (!conflicts_.emplace(root(other), here).second)
      return; // said once of each variable
    Diagnostic &diagnostic =
        diagnostics_.report(DiagId::type_conflict, range, {name, with_article(here), with_article(state.type)});
    if (state.where.at && !(state.where.at == range.at))
      diagnostic.note(state.where, "it is " + std::string(with_article(state.type)) + " because of this");
    diagnostic.hint(std::string(hint_));
  }

  // The slot gets a type; what `name` is at `range` says so.
  void constrain(Slot slot, Type type, Range range, std::string_view name) {
    SlotState &state = slots_[root(slot)];
    if (state.type == type || type == Type::unknown)
      return;
    if (state.type != Type::unknown)
      return conflict(name, type, range, slot);
    state.type = type;
    state.where = range;
  }

  void unify(Slot left, Slot right, Range range, std::string_view name) {
    left = root(left);
    right = root(right);
    if (left == right)
      return;
    if (is_constant(right))
      return constrain(left, slots_[right].type, range, name);
    if (is_constant(left))
      return constrain(right, slots_[left].type, range, name);
    SlotState &a = slots_[left], &b = slots_[right];
    if (a.type != Type::unknown && b.type != Type::unknown && a.type != b.type)
      return conflict(name, a.type, range, right);
    if (a.type == Type::unknown) {
      a.type = b.type;
      a.where = b.where;
    }
    b.parent = left;
  }

  // -------------------------------------------------------------- expressions

  // The expression must be of this type.
  void require(Expr &expr, Type type) {
    Slot slot = value(expr);
    if (!is_constant(slot))
      return constrain(slot, type, expr.range(), quoted(print_expr(expr)));
    if (slot != constant(type) && slot != constant(Type::unknown) && slot != constant(Type::none))
      diagnostics_.report(DiagId::type_mismatch, expr.range(), {with_article(type), with_article(slots_[slot].type)})
          .hint(std::string(hint_));
  }

  // Two expressions must be of one type; the slot that stands for it.
  Slot same(Expr &left, Expr &right) {
    Slot a = value(left), b = value(right);
    if (is_constant(a) && is_constant(b)) {
      if (a != b && a > constant(Type::none) && b > constant(Type::none))
        diagnostics_
            .report(DiagId::type_mismatch, right.range(), {with_article(slots_[a].type), with_article(slots_[b].type)})
            .note(left.range(), "because of this");
      return a > constant(Type::none) ? a : b;
    }
    const Expr &shown = is_constant(b) ? left : right;
    if (is_constant(b)) { // the variable is at fault at its own place, the constant explains
      Type type = slots_[b].type;
      if (type_of(a) == Type::unknown)
        constrain(a, type, right.range(), quoted(print_expr(shown)));
      else
        constrain(a, type, left.range(), quoted(print_expr(shown)));
    } else {
      unify(b, a, right.range(), quoted(print_expr(shown)));
    }
    return is_constant(a) ? b : a;
  }

  // The slot of an expression used as a value.
  Slot value(Expr &expr) {
    Slot slot = visit_expr(expr);
    if (slot == constant(Type::none) || expr.as<Call>())
      value_uses_.push_back({&expr, slot});
    return slot;
  }

  Slot visit_expr(Expr &expr) {
    Slot slot = visit(expr, [&](auto &node) { return infer(expr, node); });
    if (is_constant(slot))
      expr.type = slots_[slot].type;
    else
      typed_.push_back({&expr, slot, false});
    return slot;
  }

  Slot variable_slot(const Variable &node) const {
    if (node.binding.is_local())
      return locals_ + node.binding.index;
    if (node.binding.is_global())
      return global_values_[node.binding.index];
    return constant(Type::unknown);
  }

  void keys(const Expr &array, List<Expr *> list) {
    const Variable *variable = array.as<Variable>();
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i])
        continue;
      Slot slot = value(*list[i]);
      if (!variable || !variable->binding.is_global() || i >= program_.globals[variable->binding.index].keys.size())
        continue;
      Slot key = global_keys_[variable->binding.index] + static_cast<Slot>(i);
      std::string name = quoted(print_expr(*list[i]));
      if (is_constant(slot) && type_of(key) != Type::unknown && type_of(key) != slots_[slot].type) {
        conflict("key " + std::to_string(i + 1) + " of " + quoted(variable->name.view()), slots_[slot].type,
                 list[i]->range(), key);
        continue;
      }
      unify(key, slot, list[i]->range(), name);
    }
  }

  // A statistic below an extractor, a histogram, `<<<`.
  void stat_operand(Expr &expr) {
    Slot slot;
    if (Index *index = expr.as<Index>()) {
      index->base->type = Type::stats;
      keys(*index->base, index->keys);
      const Variable *variable = index->base->as<Variable>();
      if (!variable || !variable->binding.is_global())
        return;
      slot = global_values_[variable->binding.index];
    } else if (Variable *variable = expr.as<Variable>(); variable && variable->binding.is_global()) {
      slot = global_values_[variable->binding.index];
    } else {
      return; // resolve_names said so
    }
    constrain(slot, Type::stats, expr.range(), quoted(print_expr(expr)));
    typed_.push_back({&expr, slot, true});
  }

  GlobalVar *stat_global(Expr &expr) {
    const Variable *variable = expr.as<Variable>();
    if (const Index *index = expr.as<Index>())
      variable = index->base->as<Variable>();
    return variable && variable->binding.is_global() ? &program_.globals[variable->binding.index] : nullptr;
  }

  Slot infer(Expr &, Number &) { return constant(Type::number); }
  Slot infer(Expr &, String &) { return constant(Type::string); }
  Slot infer(Expr &, Variable &node) { return variable_slot(node); }
  Slot infer(Expr &, Index &node) {
    if (node.base->as<Histogram>()) {
      visit_expr(*node.base);
      for (Expr *key : node.keys)
        require(*key, Type::number);
      return constant(Type::number);
    }
    keys(*node.base, node.keys);
    const Variable *variable = node.base->as<Variable>();
    if (!variable || !variable->binding.is_global())
      return constant(Type::unknown);
    Slot slot = global_values_[variable->binding.index];
    typed_.push_back({node.base, slot, true});
    return slot;
  }
  Slot infer(Expr &, Unary &node) {
    require(*node.operand, Type::number);
    return constant(Type::number);
  }
  Slot infer(Expr &, Binary &node) {
    if (is_comparison(node.op)) {
      same(*node.left, *node.right);
    } else {
      require(*node.left, Type::number);
      require(*node.right, Type::number);
    }
    return constant(Type::number);
  }
  Slot infer(Expr &, Concat &node) {
    hint_ = "`sprint(value)` makes a string of a long";
    for (Expr *part : node.parts)
      require(*part, Type::string);
    hint_ = "";
    return constant(Type::string);
  }
  Slot infer(Expr &expr, Assign &node) {
    if (node.op == AssignOp::stat_add) {
      if (!stat_global(*node.target))
        diagnostics_.report(DiagId::stat_add_needs_global, expr.range(), {print_expr(*node.target)})
            .hint("statistics are global: write `global name`");
      stat_operand(*node.target);
      require(*node.value, Type::number);
      return constant(Type::none);
    }
    if (node.op == AssignOp::set)
      return same(*node.target, *node.value);
    Type type = node.op == AssignOp::concat ? Type::string : Type::number;
    require(*node.target, type);
    require(*node.value, type);
    return constant(type);
  }
  Slot infer(Expr &, IncDec &node) {
    require(*node.target, Type::number);
    return constant(Type::number);
  }
  Slot infer(Expr &, Conditional &node) {
    require(*node.condition, Type::number);
    return same(*node.if_true, *node.if_false);
  }
  Slot infer(Expr &, ArrayIn &node) {
    keys(*node.array, node.keys);
    array_type(*node.array);
    return constant(Type::number);
  }
  Slot infer(Expr &, Regex &node) {
    require(*node.subject, Type::string);
    return constant(Type::number);
  }
  Slot infer(Expr &, Call &node) {
    if (!node.function.valid()) {
      for (Expr *arg : node.args)
        value(*arg);
      return constant(Type::unknown);
    }
    size_t index = node.function.index();
    for (size_t i = 0; i < node.args.size(); ++i) {
      Expr &arg = *node.args[i];
      Slot parameter = function_locals_[index] + static_cast<Slot>(i);
      Slot slot = value(arg);
      if (is_constant(slot) && type_of(parameter) != Type::unknown && slot > constant(Type::none) &&
          type_of(parameter) != slots_[slot].type)
        diagnostics_
            .report(DiagId::type_mismatch, arg.range(),
                    {with_article(type_of(parameter)), with_article(slots_[slot].type)})
            .note(slots_[root(parameter)].where,
                  "parameter `" + std::string(program_.functions[index].locals[i].name.view()) + "` of `" +
                      std::string(node.name.view()) + "` is " + std::string(with_article(type_of(parameter))) +
                      " because of this");
      else
        unify(slot, parameter, arg.range(), quoted(print_expr(arg)));
    }
    return results_[index];
  }
  Slot infer(Expr &expr, Print &node) {
    if (node.args.size() > max_print_values)
      diagnostics_.report(DiagId::print_too_many, expr.range(), {"print", max_print_values, node.args.size()});
    if (node.formatted)
      format_arguments(expr, node);
    else
      for (Expr *arg : node.args) {
        if (arg->as<Histogram>()) {
          visit_expr(*arg);
          if (node.args.size() != 1)
            diagnostics_.report(DiagId::type_mismatch, arg->range(), {"a value", "a histogram"})
                .hint("print a histogram alone");
        } else if (node.is_char) {
          require(*arg, Type::number);
        } else {
          value(*arg);
        }
      }
    return constant(node.to_string ? Type::string : Type::none);
  }

  void format_arguments(Expr &expr, Print &node) {
    size_t next = 0;
    auto take = [&](const FormatPart &part, Type wanted) {
      if (next >= node.args.size())
        return; // counted when it was parsed
      Expr &arg = *node.args[next++];
      Slot slot = value(arg);
      Type got = is_constant(slot) ? slots_[slot].type : type_of(slot);
      if (got == Type::unknown && !is_constant(slot))
        constrain(slot, wanted, arg.range(), quoted(print_expr(arg)));
      else if (got == Type::number || got == Type::string)
        checked_.push_back({&expr, &arg, slot, part.text, wanted, next});
    };
    for (const FormatPart &part : node.parts) {
      if (part.kind == FormatPart::Kind::text)
        continue;
      if (part.width_kind == FormatPart::Size::argument)
        take(part, Type::number);
      if (part.precision_kind == FormatPart::Size::argument)
        take(part, Type::number);
      take(part, part.kind == FormatPart::Kind::string ? Type::string : Type::number);
    }
  }

  Slot infer(Expr &expr, Stat &node) {
    stat_operand(*node.stat);
    GlobalVar *global = stat_global(*node.stat);
    if (global && node.op == StatOp::variance) {
      Range first = variance_where_.emplace(global, expr.range()).first->second;
      if (global->stat.variance && global->stat.variance_shift != node.shift)
        diagnostics_.report(DiagId::variance_two_shifts, expr.range(), {print_expr(*node.stat)})
            .note(first, "the other one is here");
      global->stat.variance = true;
      global->stat.variance_shift = node.shift;
    }
    return constant(Type::number);
  }

  Slot infer(Expr &expr, Histogram &node) {
    stat_operand(*node.stat);
    GlobalVar *global = stat_global(*node.stat);
    if (!global)
      return constant(Type::stats);
    ir::StatSpec &spec = global->stat;
    if (!node.logarithmic)
      check_bounds(expr, node);
    ir::StatSpec::Hist kind = node.logarithmic ? ir::StatSpec::Hist::Log : ir::StatSpec::Hist::Linear;
    bool first = spec.hist == ir::StatSpec::Hist::None;
    if (!first && (spec.hist != kind || spec.low != node.low || spec.high != node.high || spec.step != node.step))
      diagnostics_.report(DiagId::hist_two_kinds, expr.range(), {print_expr(*node.stat)})
          .note(hist_where_[global], "the other one is here");
    hist_where_.emplace(global, expr.range());
    spec.hist = kind;
    spec.low = node.low;
    spec.high = node.high;
    spec.step = node.step;
    return constant(Type::stats);
  }

  void check_bounds(const Expr &expr, const Histogram &node) {
    if (node.step <= 0)
      diagnostics_.report(DiagId::hist_bad_range, expr.range(), {"the step must be at least 1"});
    else if (node.high < node.low)
      diagnostics_.report(DiagId::hist_bad_range, expr.range(), {"the upper bound is below the lower one"});
  }

  Slot infer(Expr &, EmbeddedExpr &node) { return constant(node.is_string ? Type::string : Type::number); }
  Slot infer(Expr &, Target &node) {
    if (node.operand)
      require(*node.operand, Type::number);
    for (TargetStep &step : node.steps)
      if (step.index)
        require(*step.index, Type::number);
    return constant(Type::number);
  }
  Slot infer(Expr &, Entry &node) {
    require(*node.operand, Type::number); // as wide as what a return probe keeps
    return constant(Type::number);
  }
  Slot infer(Expr &, EnumName &node) {
    require(*node.operand, Type::number);
    return constant(Type::string);
  }
  Slot infer(Expr &, Deref &node) {
    require(*node.address, Type::number);
    return constant(Type::number);
  }
  Slot infer(Expr &, Defined &) { return constant(Type::number); }
  Slot infer(Expr &, ProbeWrite &) { return constant(Type::number); }
  Slot infer(Expr &, Perf &) { return constant(Type::number); }
  Slot infer(Expr &, Const &) { return constant(Type::number); }
  Slot infer(Expr &, EnumValue &) { return constant(Type::number); }
  Slot infer(Expr &, Register &) { return constant(Type::number); }

  // -------------------------------------------------------------- statements

  void array_type(Expr &array) {
    if (const Variable *variable = array.as<Variable>(); variable && variable->binding.is_global())
      typed_.push_back({&array, global_values_[variable->binding.index], true});
  }

  void statement(Stmt &stmt) {
    visit(stmt, Overload{
                    [&](ExprStmt &node) { visit_expr(*node.expr); },
                    [&](If &node) {
                      require(*node.condition, Type::number);
                      statement(*node.then);
                      if (node.otherwise)
                        statement(*node.otherwise);
                    },
                    [&](While &node) {
                      require(*node.condition, Type::number);
                      statement(*node.body);
                    },
                    [&](For &node) {
                      if (node.init)
                        visit_expr(*node.init);
                      if (node.condition)
                        require(*node.condition, Type::number);
                      if (node.step)
                        visit_expr(*node.step);
                      statement(*node.body);
                    },
                    [&](Foreach &node) {
                      foreach (node)
                        ;
                    },
                    [&](Return &node) { return_value(stmt, node); },
                    [&](Delete &node) {
                      if (Index *index = node.target->as<Index>()) {
                        keys(*index->base, index->keys);
                        array_type(*index->base);
                      }
                      array_type(*node.target);
                    },
                    [&](Try &node) {
                      statement(*node.body);
                      if (node.message)
                        require(*node.message, Type::string);
                      statement(*node.handler);
                    },
                    [&](Block &node) {
                      for (Stmt *inner : node.body)
                        statement(*inner);
                    },
                    [](auto &) {},
                });
  }

  void return_value(Stmt &stmt, Return &node) {
    if (!node.value)
      return;
    if (result_ == constant(Type::unknown)) { // in a handler: check_statements says so
      value(*node.value);
      return;
    }
    Slot slot = value(*node.value);
    if (is_constant(slot) && type_of(result_) != Type::unknown && slots_[slot].type != type_of(result_) &&
        slot > constant(Type::none))
      conflict(result_name(*function_), slots_[slot].type, stmt.range(), result_);
    else
      unify(slot, result_, node.value->range(), result_name(*function_));
  }

  void foreach (Foreach &node) {
    if (node.array->as<Histogram>()) {
      visit_expr(*node.array);
      for (Expr *key : node.keys)
        require(*key, Type::number);
    } else {
      keys(*node.array, node.keys);
      keys(*node.array, node.slice);
      array_type(*node.array);
      const Variable *variable = node.array->as<Variable>();
      if (node.value && variable && variable->binding.is_global())
        unify(visit_expr(*node.value), global_values_[variable->binding.index], node.value->range(),
              quoted(print_expr(*node.value)));
      foreachs_.push_back(&node);
    }
    if (node.limit)
      require(*node.limit, Type::number);
    statement(*node.body);
  }

  // -------------------------------------------------------------- the end

  void settle() {
    for (const FormatCheck &check : checked_) {
      Type got = is_constant(check.slot) ? slots_[check.slot].type : type_of(check.slot);
      if (got != check.wanted)
        diagnostics_.report(DiagId::format_argument_type, check.arg->range(),
                            {check.directive, with_article(check.wanted), check.position, with_article(got)});
    }
    // Whether a function's result was used says whether an unknown one matters.
    for (const ValueUse &use : value_uses_) {
      Type type = is_constant(use.slot) ? slots_[use.slot].type : type_of(use.slot);
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
    report_unknowns_ = !diagnostics_.has_errors(); // often they come of another error
    for (size_t i = 0; i < program_.functions.size(); ++i) {
      Type type = type_of(results_[i]);
      program_.functions[i].result = type == Type::unknown ? Type::none : type;
      if (unknown_results_.contains(i))
        unknown(results_[i], program_.functions[i].loc, result_name(program_.functions[i]));
      settle_locals(program_.functions[i].locals, function_locals_[i]);
    }
    for (size_t i = 0; i < program_.handlers.size(); ++i)
      settle_locals(program_.handlers[i].locals, handler_locals_[i]);
    settle_globals();
    report_unknown();
    for (const Typed &typed : typed_) {
      Type type = type_of(typed.slot);
      typed.expr->type = type == Type::unknown && typed.expr->as<Call>() ? Type::none : type;
      bool names_it = typed.expr->as<Variable>() || typed.expr->as<Index>();
      if (type == Type::stats && !typed.stat_wanted && names_it && !complained_.contains(typed.expr->loc.value))
        diagnostics_.report(DiagId::stat_as_value, typed.expr->range(), {print_expr(*typed.expr)});
    }
    // `foreach (k in stats-)` sorts by count.
    for (Foreach *node : foreachs_)
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

  void settle_locals(std::vector<Local> &locals, Slot first) {
    for (size_t i = 0; i < locals.size(); ++i) {
      locals[i].type = type_of(first + static_cast<Slot>(i));
      unknown(first + static_cast<Slot>(i), locals[i].loc, quoted(locals[i].name.view()));
    }
  }

  void settle_globals() {
    for (size_t i = 0; i < program_.globals.size(); ++i) {
      GlobalVar &var = program_.globals[i];
      var.value = type_of(global_values_[i]);
      unknown(global_values_[i], var.loc,
              var.keys.empty() ? quoted(var.name.view()) : "the values of " + quoted(var.name.view()));
      for (size_t k = 0; k < var.keys.size(); ++k) {
        var.keys[k] = type_of(global_keys_[i] + static_cast<Slot>(k));
        unknown(global_keys_[i] + static_cast<Slot>(k), var.loc,
                "key " + std::to_string(k + 1) + " of " + quoted(var.name.view()));
      }
    }
  }

  // Notes a name whose type is unknown, if it is.
  void unknown(Slot slot, Loc loc, std::string name) {
    if (type_of(slot) == Type::unknown && report_unknowns_)
      unknown_.push_back({root(slot), loc, std::move(name)});
  }

  // What must be of one type is one problem: the first name of it is the error, the others are notes.
  void report_unknown() {
    for (size_t i = 0; i < unknown_.size(); ++i) {
      if (unknown_[i].name.empty())
        continue;
      Diagnostic &diagnostic = diagnostics_.report(DiagId::type_unknown, unknown_[i].loc, {unknown_[i].name})
                                   .hint("nothing gives it a value of a known type");
      for (size_t k = i + 1; k < unknown_.size(); ++k)
        if (unknown_[k].slot == unknown_[i].slot) {
          diagnostic.note(unknown_[k].loc, "the type of " + unknown_[k].name + " is the same");
          unknown_[k].name.clear();
        }
    }
  }

  struct Typed {
    Expr *expr;
    Slot slot;
    bool stat_wanted;
  };
  struct Unknown {
    Slot slot;
    Loc loc;
    std::string name;
  };
  struct ValueUse {
    Expr *expr;
    Slot slot;
  };
  struct FormatCheck {
    Expr *print;
    Expr *arg;
    Slot slot;
    std::string_view directive;
    Type wanted;
    size_t position;
  };

  Program &program_;
  Diagnostics &diagnostics_;
  std::vector<SlotState> slots_;
  std::vector<Slot> global_values_, global_keys_, results_, function_locals_, handler_locals_;
  Slot locals_ = 0; // first local of the body being read
  Slot result_ = 0;
  const FunctionInfo *function_ = nullptr; // of the body being read
  std::string_view hint_;                  // for what is reported meanwhile
  bool report_unknowns_ = true;
  std::vector<Unknown> unknown_;
  std::unordered_set<size_t> unknown_results_;
  std::set<std::pair<Slot, Type>> conflicts_; // said of these slots, needed as these types
  std::unordered_map<const GlobalVar *, Range> hist_where_, variance_where_;
  std::vector<Typed> typed_;
  std::vector<ValueUse> value_uses_;
  std::vector<FormatCheck> checked_;
  std::vector<Foreach *> foreachs_;
  std::unordered_set<const Expr *> reported_;
  std::unordered_set<uint32_t> complained_; // places where a statistic's misuse was reported
};

} // namespace

void infer_types(Program &program, Diagnostics &diagnostics) { Inference(program, diagnostics).run(); }

} // namespace tapjit

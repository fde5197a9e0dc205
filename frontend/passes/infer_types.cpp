// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/infer_types.h"

#include "frontend/parse.h"
#include "frontend/passes/settle_types.h"
#include "frontend/passes/type_slots.h"
#include "frontend/visit.h"

#include <string>
#include <unordered_map>
#include <vector>

namespace tapjit {

using namespace ast;

namespace {

// As many as SystemTap takes.
constexpr size_t max_print_values = 32;

class Inference {
public:
  Inference(Program &program, const std::vector<std::string_view> &globals, Diagnostics &diagnostics)
      : program_(program), globals_(globals), diagnostics_(diagnostics), slots_(diagnostics) {}

  void run() {
    make_slots();
    for (size_t i = 0; i < program_.functions.size(); ++i) {
      FunctionInfo &function = program_.functions[i];
      locals_ = inferred_.function_locals[i];
      result_ = inferred_.results[i];
      function_ = &function;
      if (function.body)
        statement(*function.body);
    }
    for (size_t i = 0; i < program_.handlers.size(); ++i) {
      Handler &handler = program_.handlers[i];
      locals_ = inferred_.handler_locals[i];
      result_ = constant_slot(Type::unknown);
      for (Expr *condition : handler.conditions)
        require(*condition, Type::number);
      for (Stmt *block : handler.blocks)
        statement(*block);
    }
    settle_types(program_, slots_, inferred_, globals_, diagnostics_);
  }

private:
  // -------------------------------------------------------------- slots

  void make_slots() {
    for (GlobalVar &var : program_.globals) {
      inferred_.global_values.push_back(slots_.make(var.value, var.loc));
      inferred_.global_keys.push_back(slots_.next());
      for (size_t i = 0; i < var.keys.size(); ++i)
        slots_.make(Type::unknown, Loc{});
    }
    for (FunctionInfo &function : program_.functions) {
      inferred_.results.push_back(
          slots_.make(function.result == Type::none ? Type::unknown : function.result, function.loc));
      inferred_.function_locals.push_back(slots_.next());
      for (Local &local : function.locals)
        slots_.make(local.type, local.loc);
    }
    for (Handler &handler : program_.handlers) {
      inferred_.handler_locals.push_back(slots_.next());
      for (Local &local : handler.locals)
        slots_.make(local.type, local.loc);
    }
    // Overloads are one function to their callers.
    for (size_t i = 0; i < program_.functions.size(); ++i)
      if (FunctionId next = program_.functions[i].next_overload; next.valid()) {
        const FunctionInfo &other = program_.functions[next.index()];
        slots_.unify(inferred_.results[next.index()], inferred_.results[i], other.loc, result_name(other));
        for (size_t k = 0; k < other.param_count; ++k)
          slots_.unify(inferred_.function_locals[next.index()] + static_cast<Slot>(k),
                       inferred_.function_locals[i] + static_cast<Slot>(k), other.locals[k].loc,
                       quoted(other.locals[k].name.view()));
      }
  }

  // -------------------------------------------------------------- expressions

  // The expression must be of this type.
  void require(Expr &expr, Type type) {
    Slot slot = value(expr);
    if (!is_constant_slot(slot))
      return slots_.constrain(slot, type, expr.range(), quoted(print_expr(expr)));
    if (slot != constant_slot(type) && slot != constant_slot(Type::unknown) && slot != constant_slot(Type::none))
      diagnostics_.report(DiagId::type_mismatch, expr.range(), {with_article(type), with_article(slots_.type_of(slot))})
          .hint(std::string(slots_.hint()));
  }

  // Two expressions must be of one type; the slot that stands for it.
  Slot same(Expr &left, Expr &right) {
    Slot a = value(left), b = value(right);
    if (is_constant_slot(a) && is_constant_slot(b)) {
      if (a != b && a > constant_slot(Type::none) && b > constant_slot(Type::none))
        diagnostics_
            .report(DiagId::type_mismatch, right.range(),
                    {with_article(slots_.type_of(a)), with_article(slots_.type_of(b))})
            .note(left.range(), "because of this");
      return a > constant_slot(Type::none) ? a : b;
    }
    const Expr &shown = is_constant_slot(b) ? left : right;
    if (is_constant_slot(b)) { // the variable is at fault at its own place, the constant explains
      Type type = slots_.type_of(b);
      if (slots_.type_of(a) == Type::unknown)
        slots_.constrain(a, type, right.range(), quoted(print_expr(shown)));
      else
        slots_.constrain(a, type, left.range(), quoted(print_expr(shown)));
    } else {
      slots_.unify(b, a, right.range(), quoted(print_expr(shown)));
    }
    return is_constant_slot(a) ? b : a;
  }

  // The slot of an expression used as a value.
  Slot value(Expr &expr) {
    Slot slot = visit_expr(expr);
    if (slot == constant_slot(Type::none) || expr.as<Call>())
      inferred_.value_uses.push_back({&expr, slot});
    return slot;
  }

  Slot visit_expr(Expr &expr) {
    Slot slot = visit(expr, [&](auto &node) { return infer(expr, node); });
    if (is_constant_slot(slot))
      expr.type = slots_.type_of(slot);
    else
      inferred_.typed.push_back({&expr, slot, false});
    return slot;
  }

  Slot variable_slot(const Variable &node) const {
    if (node.binding.is_local())
      return locals_ + node.binding.index;
    if (node.binding.is_global())
      return inferred_.global_values[node.binding.index];
    return constant_slot(Type::unknown);
  }

  void keys(const Expr &array, List<Expr *> list) {
    const Variable *variable = array.as<Variable>();
    for (size_t i = 0; i < list.size(); ++i) {
      if (!list[i])
        continue;
      Slot slot = value(*list[i]);
      if (!variable || !variable->binding.is_global() || i >= program_.globals[variable->binding.index].keys.size())
        continue;
      Slot key = inferred_.global_keys[variable->binding.index] + static_cast<Slot>(i);
      std::string name = quoted(print_expr(*list[i]));
      if (is_constant_slot(slot) && slots_.type_of(key) != Type::unknown &&
          slots_.type_of(key) != slots_.type_of(slot)) {
        slots_.conflict("key " + std::to_string(i + 1) + " of " + quoted(variable->name.view()), slots_.type_of(slot),
                        list[i]->range(), key);
        continue;
      }
      slots_.unify(key, slot, list[i]->range(), name);
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
      slot = inferred_.global_values[variable->binding.index];
    } else if (Variable *variable = expr.as<Variable>(); variable && variable->binding.is_global()) {
      slot = inferred_.global_values[variable->binding.index];
    } else {
      return; // resolve_names said so
    }
    slots_.constrain(slot, Type::stats, expr.range(), quoted(print_expr(expr)));
    inferred_.typed.push_back({&expr, slot, true});
  }

  GlobalVar *stat_global(Expr &expr) {
    const Variable *variable = expr.as<Variable>();
    if (const Index *index = expr.as<Index>())
      variable = index->base->as<Variable>();
    return variable && variable->binding.is_global() ? &program_.globals[variable->binding.index] : nullptr;
  }

  Slot infer(Expr &, Number &) { return constant_slot(Type::number); }
  Slot infer(Expr &, String &) { return constant_slot(Type::string); }
  Slot infer(Expr &, Variable &node) { return variable_slot(node); }
  Slot infer(Expr &, Index &node) {
    if (node.base->as<Histogram>()) {
      visit_expr(*node.base);
      for (Expr *key : node.keys)
        require(*key, Type::number);
      return constant_slot(Type::number);
    }
    keys(*node.base, node.keys);
    const Variable *variable = node.base->as<Variable>();
    if (!variable || !variable->binding.is_global())
      return constant_slot(Type::unknown);
    Slot slot = inferred_.global_values[variable->binding.index];
    inferred_.typed.push_back({node.base, slot, true});
    return slot;
  }
  Slot infer(Expr &, Unary &node) {
    require(*node.operand, Type::number);
    return constant_slot(Type::number);
  }
  Slot infer(Expr &, Binary &node) {
    if (is_comparison(node.op)) {
      same(*node.left, *node.right);
    } else {
      require(*node.left, Type::number);
      require(*node.right, Type::number);
    }
    return constant_slot(Type::number);
  }
  Slot infer(Expr &, Concat &node) {
    slots_.set_hint("`sprint(value)` makes a string of a long");
    for (Expr *part : node.parts)
      require(*part, Type::string);
    slots_.set_hint("");
    return constant_slot(Type::string);
  }
  Slot infer(Expr &expr, Assign &node) {
    if (node.op == AssignOp::stat_add) {
      if (!stat_global(*node.target))
        diagnostics_.report(DiagId::stat_add_needs_global, expr.range(), {print_expr(*node.target)})
            .hint("statistics are global: write `global name`");
      stat_operand(*node.target);
      require(*node.value, Type::number);
      return constant_slot(Type::number); // that of the right side
    }
    if (node.op == AssignOp::set)
      return same(*node.target, *node.value);
    Type type = node.op == AssignOp::concat ? Type::string : Type::number;
    require(*node.target, type);
    require(*node.value, type);
    return constant_slot(type);
  }
  Slot infer(Expr &, IncDec &node) {
    require(*node.target, Type::number);
    return constant_slot(Type::number);
  }
  Slot infer(Expr &, Conditional &node) {
    require(*node.condition, Type::number);
    return same(*node.if_true, *node.if_false);
  }
  Slot infer(Expr &, ArrayIn &node) {
    keys(*node.array, node.keys);
    array_type(*node.array);
    return constant_slot(Type::number);
  }
  Slot infer(Expr &, Regex &node) {
    require(*node.subject, Type::string);
    return constant_slot(Type::number);
  }
  Slot infer(Expr &, Call &node) {
    if (!node.function.valid()) {
      for (Expr *arg : node.args)
        value(*arg);
      return constant_slot(Type::unknown);
    }
    size_t index = node.function.index();
    for (size_t i = 0; i < node.args.size(); ++i) {
      Expr &arg = *node.args[i];
      Slot parameter = inferred_.function_locals[index] + static_cast<Slot>(i);
      Slot slot = value(arg);
      if (is_constant_slot(slot) && slots_.type_of(parameter) != Type::unknown && slot > constant_slot(Type::none) &&
          slots_.type_of(parameter) != slots_.type_of(slot))
        diagnostics_
            .report(DiagId::type_mismatch, arg.range(),
                    {with_article(slots_.type_of(parameter)), with_article(slots_.type_of(slot))})
            .note(slots_.where(parameter),
                  "parameter `" + std::string(program_.functions[index].locals[i].name.view()) + "` of `" +
                      std::string(node.name.view()) + "` is " + std::string(with_article(slots_.type_of(parameter))) +
                      " because of this");
      else
        slots_.unify(slot, parameter, arg.range(), quoted(print_expr(arg)));
    }
    return inferred_.results[index];
  }
  Slot infer(Expr &expr, Print &node) {
    if (node.args.size() > max_print_values)
      diagnostics_.report(DiagId::print_too_many, expr.range(), {"print", max_print_values, node.args.size()});
    if (node.formatted)
      format_arguments(node);
    else
      for (Expr *arg : node.args) {
        if (arg->as<Histogram>()) {
          visit_expr(*arg);
          if (node.args.size() != 1)
            diagnostics_.report(DiagId::type_mismatch, arg->range(), {"a value", "a histogram"})
                .hint("print a histogram alone, by `print` or `println`");
        } else if (node.is_char) {
          require(*arg, Type::number);
        } else {
          value(*arg);
        }
      }
    return constant_slot(node.to_string ? Type::string : Type::number); // 0
  }

  void format_arguments(Print &node) {
    size_t next = 0;
    auto take = [&](const FormatPart &part, Type wanted) {
      if (next >= node.args.size())
        return; // counted when it was parsed
      Expr &arg = *node.args[next++];
      Slot slot = value(arg);
      Type got = slots_.type_of(slot);
      if (got == Type::unknown && !is_constant_slot(slot))
        slots_.constrain(slot, wanted, arg.range(), quoted(print_expr(arg)));
      else if (got == Type::number || got == Type::string)
        inferred_.checked.push_back({&arg, slot, part.text, wanted, next});
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
    return constant_slot(Type::number);
  }

  Slot infer(Expr &expr, Histogram &node) {
    stat_operand(*node.stat);
    GlobalVar *global = stat_global(*node.stat);
    if (!global)
      return constant_slot(Type::stats);
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
    return constant_slot(Type::stats);
  }

  void check_bounds(const Expr &expr, const Histogram &node) {
    if (node.step <= 0)
      diagnostics_.report(DiagId::hist_bad_range, expr.range(), {"the step must be at least 1"});
    else if (node.high < node.low)
      diagnostics_.report(DiagId::hist_bad_range, expr.range(), {"the upper bound is below the lower one"});
  }

  Slot infer(Expr &, EmbeddedExpr &node) {
    for (Expr *parameter : node.parameters)
      value(*parameter);
    return constant_slot(node.is_string ? Type::string : Type::number);
  }
  Slot infer(Expr &, Target &node) {
    if (node.operand)
      require(*node.operand, Type::number);
    for (TargetStep &step : node.steps)
      if (step.index)
        require(*step.index, Type::number);
    return constant_slot(node.is_text ? Type::string : Type::number);
  }
  Slot infer(Expr &, Entry &node) { return value(*node.operand); }
  Slot infer(Expr &, EnumName &node) {
    require(*node.operand, Type::number);
    return constant_slot(Type::string);
  }
  Slot infer(Expr &, Deref &node) {
    require(*node.address, Type::number);
    return constant_slot(Type::number);
  }
  Slot infer(Expr &, Defined &) { return constant_slot(Type::number); }
  Slot infer(Expr &, ProbeWrite &) { return constant_slot(Type::number); }
  Slot infer(Expr &, Perf &) { return constant_slot(Type::number); }
  Slot infer(Expr &, Const &) { return constant_slot(Type::number); }
  Slot infer(Expr &, EnumValue &) { return constant_slot(Type::number); }
  Slot infer(Expr &, Register &) { return constant_slot(Type::number); }

  // -------------------------------------------------------------- statements

  void array_type(Expr &array) {
    if (const Variable *variable = array.as<Variable>(); variable && variable->binding.is_global())
      inferred_.typed.push_back({&array, inferred_.global_values[variable->binding.index], true});
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
                      if (const Variable *local = node.target->as<Variable>(); local && local->binding.is_local())
                        visit_expr(*node.target);
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
    if (result_ == constant_slot(Type::unknown)) { // in a handler: check_statements says so
      value(*node.value);
      return;
    }
    Slot slot = value(*node.value);
    if (is_constant_slot(slot) && slots_.type_of(result_) != Type::unknown &&
        slots_.type_of(slot) != slots_.type_of(result_) && slot > constant_slot(Type::none))
      slots_.conflict(result_name(*function_), slots_.type_of(slot), stmt.range(), result_);
    else
      slots_.unify(slot, result_, node.value->range(), result_name(*function_));
  }

  void foreach (Foreach &node) {
    if (node.array->as<Histogram>()) {
      visit_expr(*node.array);
      for (Expr *key : node.keys)
        require(*key, Type::number);
      if (node.keys.size() != 1)
        diagnostics_.report(DiagId::wrong_key_count, node.keys[1]->loc,
                            {print_expr(*node.array), "1 key", node.keys.size()});
      if (node.value)
        require(*node.value, Type::number);
    } else {
      keys(*node.array, node.keys);
      keys(*node.array, node.slice);
      array_type(*node.array);
      const Variable *variable = node.array->as<Variable>();
      if (node.value && variable && variable->binding.is_global())
        slots_.unify(visit_expr(*node.value), inferred_.global_values[variable->binding.index], node.value->range(),
                     quoted(print_expr(*node.value)));
      inferred_.foreachs.push_back(&node);
    }
    if (node.limit)
      require(*node.limit, Type::number);
    statement(*node.body);
  }

  Program &program_;
  const std::vector<std::string_view> &globals_;
  Diagnostics &diagnostics_;
  TypeSlots slots_;
  Inferred inferred_;
  Slot locals_ = 0; // first local of the body being read
  Slot result_ = 0;
  const FunctionInfo *function_ = nullptr; // of the body being read
  std::unordered_map<const GlobalVar *, Range> hist_where_, variance_where_;
};

} // namespace

void infer_types(Program &program, const std::vector<std::string_view> &globals, Diagnostics &diagnostics) {
  Inference(program, globals, diagnostics).run();
}

} // namespace tapjit

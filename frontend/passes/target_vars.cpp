// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/target_vars.h"

#include "frontend/parse.h"
#include "frontend/passes/clone.h"
#include "frontend/visit.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <utility>

namespace tapjit {

using namespace ast;
using target::PathStep;
using target::TypeKind;

namespace {

constexpr std::array<std::string_view, 4> group_names = {"$$vars", "$$parms", "$$locals", "$$return"};

bool is_group(std::string_view name) {
  return std::find(group_names.begin(), group_names.end(), name) != group_names.end();
}

// Collects a format, its directives and their arguments.
class FormatMaker {
public:
  FormatMaker(Program &program, const Expr &place) : program_(program), place_(place) {}

  void text(std::string_view words) {
    pending_ += words;
    for (char c : words) {
      format_ += c;
      if (c == '%')
        format_ += c;
    }
  }
  void value(std::string_view directive, Expr *arg) {
    flush();
    FormatPart part{};
    part.kind = kind_of(directive.back());
    part.flag = directive[1] == '#' ? '#' : char(0);
    part.text = program_.arena.copy(directive);
    parts_.push_back(part);
    format_ += directive;
    args_.push_back(arg);
  }
  bool empty() const { return format_.empty(); }
  Expr *finish(bool guarded) {
    flush();
    Print print{};
    print.to_string = true;
    print.formatted = true;
    print.guarded = guarded && !args_.empty();
    print.format = program_.arena.copy(std::string_view(format_));
    print.parts = program_.arena.copy(parts_);
    print.args = program_.arena.copy(args_);
    return program_.arena.make<Expr>(place_.range(), Type::unknown, ExprNode(print));
  }

private:
  static FormatPart::Kind kind_of(char letter) {
    return letter == 'i'   ? FormatPart::Kind::decimal
           : letter == 'u' ? FormatPart::Kind::unsigned_decimal
           : letter == 'x' ? FormatPart::Kind::hex
           : letter == 'c' ? FormatPart::Kind::character
           : letter == 's' ? FormatPart::Kind::string
                           : FormatPart::Kind::pointer;
  }
  void flush() {
    if (pending_.empty())
      return;
    FormatPart part{};
    part.text = program_.arena.copy(std::string_view(pending_));
    parts_.push_back(part);
    pending_.clear();
  }

  Program &program_;
  const Expr &place_;
  std::string format_, pending_;
  std::vector<FormatPart> parts_;
  std::vector<Expr *> args_;
};

} // namespace

void TargetResolver::resolve(Stmt *&body, const File &file, HandlerIndex handler, FunctionId function, bool trusted) {
  if (handler != handler_ || function != function_)
    types_ = std::make_shared<Types>(); // else the next block of the same handler, which sees the same locals
  file_ = &file;
  handler_ = handler;
  function_ = function;
  trusted_ = trusted;
  in_entry_ = false;
  statement(body);
}

std::vector<TargetUse> &TargetResolver::uses() {
  if (function_.valid() && !(in_entry_ && handler_ != no_handler))
    return program_.functions[function_.index()].targets;
  return program_.handlers[handler_].targets;
}

TargetContextId TargetResolver::context() const {
  return handler_ == no_handler ? TargetContextId() : program_.handlers[handler_].sites.front().targets;
}

bool TargetResolver::is_return() const {
  return handler_ != no_handler && program_.handlers[handler_].sites.front().is_return;
}

Expr *TargetResolver::number(const Expr &from, int64_t value) {
  return program_.arena.make<Expr>(from.range(), Type::unknown, ExprNode(Number{value}));
}

// ------------------------------------------------------------------ walks

void TargetResolver::statement(Stmt *&stmt) {
  if (If *node = stmt->as<If>()) {
    if (expression(node->condition)) {
      Stmt *taken = node->condition->as<Number>()->value ? node->then : node->otherwise;
      stmt = taken ? taken : program_.arena.make<Stmt>(stmt->loc, StmtNode(Null{}));
      return statement(stmt);
    }
    statement(node->then);
    if (node->otherwise)
      statement(node->otherwise);
    return;
  }
  for_each_child(*stmt, [&](Expr *&child) { expression(child); }, [&](Stmt *&child) { statement(child); });
}

bool TargetResolver::expression(Expr *&expr) {
  switch (expr->kind()) {
  case ExprKind::Defined:
    expr = number(*expr, is_defined(*expr->as<Defined>()->operand));
    return true;
  case ExprKind::ProbeWrite: {
    const ProbeWrite &node = *expr->as<ProbeWrite>();
    if (node.answer == ProbeWrite::Answer::none)
      diagnostics_.report(DiagId::probewrite_outside_alias, expr->range(), {node.name});
    expr = number(*expr, node.answer == ProbeWrite::Answer::yes);
    return true;
  }
  case ExprKind::Unary: {
    Unary &node = *expr->as<Unary>();
    if (!expression(node.operand) || node.op != UnaryOp::logical_not)
      return false;
    expr = number(*expr, !node.operand->as<Number>()->value);
    return true;
  }
  case ExprKind::Binary:
    return logical(expr);
  case ExprKind::Conditional:
    return conditional(expr);
  case ExprKind::Target:
    target(expr, false);
    return false;
  case ExprKind::Entry:
    entry(expr);
    return false;
  case ExprKind::Assign: {
    Assign &node = *expr->as<Assign>();
    expression(node.value);
    writing(node.target);
    note_assignment(node);
    if (node.op == AssignOp::set && node.target->as<Variable>() && !value_type(*node.value))
      wait(*expr, false);
    return false;
  }
  case ExprKind::IncDec:
    writing(expr->as<IncDec>()->target);
    return false;
  case ExprKind::EnumValue: {
    std::string_view name = expr->as<EnumValue>()->name;
    auto value = families_.enumerator ? families_.enumerator(name) : std::nullopt;
    if (!value)
      diagnostics_.report(DiagId::unknown_enumerator, expr->range(), {name});
    expr = number(*expr, value.value_or(0));
    return false;
  }
  case ExprKind::EnumName:
    enum_name(*expr);
    return false;
  case ExprKind::Perf:
  case ExprKind::Const:
  case ExprKind::Deref:
  case ExprKind::Register:
    for_each_child(*expr, [&](Expr *&child) { expression(child); });
    return false;
  default:
    for_each_child(*expr, [&](Expr *&child) { expression(child); });
    return false;
  }
}

// `@defined(a) && b`: what is decided by the left side leaves the right one out.
bool TargetResolver::logical(Expr *&expr) {
  Binary &node = *expr->as<Binary>();
  bool folded = expression(node.left);
  bool is_and = node.op == BinaryOp::logical_and;
  if (!folded || (!is_and && node.op != BinaryOp::logical_or)) {
    expression(node.right);
    return false;
  }
  bool left = node.left->as<Number>()->value != 0;
  if (left != is_and) {
    expr = number(*expr, left);
    return true;
  }
  if (!expression(node.right))
    return false;
  expr = number(*expr, node.right->as<Number>()->value != 0);
  return true;
}

bool TargetResolver::conditional(Expr *&expr) {
  Conditional &node = *expr->as<Conditional>();
  if (expression(node.condition)) {
    expr = node.condition->as<Number>()->value ? node.if_true : node.if_false;
    return expression(expr);
  }
  expression(node.if_true);
  expression(node.if_false);
  return false;
}

// Whether all target variables in the expression can be resolved here; asks, reports nothing.
bool TargetResolver::is_defined(Expr &expr) {
  bool all = true;
  std::vector<Name> *asked = function_.valid()        ? &program_.functions[function_.index()].asked_for
                             : handler_ != no_handler ? &program_.handlers[handler_].asked_for
                                                      : nullptr;
  walk(expr, [&](Expr &inner) {
    if (const Variable *variable = inner.as<Variable>(); variable && asked)
      asked->push_back(variable->name);
    return true;
  });
  walk(expr, [&](Expr &inner) {
    const Target *node = inner.as<Target>();
    if (const EnumValue *constant = inner.as<EnumValue>())
      all = all && families_.enumerator && families_.enumerator(constant->name);
    if (const EnumName *name = inner.as<EnumName>())
      all = all && enumerators(*name).reason.empty();
    if (!node)
      return all;
    if (node->root == Target::Root::dollar && is_group(node->name.view()))
      all = all && context().valid() && (node->name.view() != "$$return" || is_return());
    else
      all = all && ask(inner, false).found;
    return all;
  });
  return all;
}

// ------------------------------------------------------------------ target variables

// The debuginfo type of a value, if it is known.
const target::ValueType *TargetResolver::value_type(const Expr &expr) {
  if (const Target *target = expr.as<Target>()) {
    if (target->is_text)
      return nullptr;
    if (!target->use.valid()) { // in a function's text
      if (target->root == Target::Root::dollar || target->pretty != Target::Pretty::none || unresolved_.contains(&expr))
        return nullptr;
      TargetAnswer answer = ask(expr, false);
      return answer.found ? &(cast_types_[&expr] = answer.access.type) : nullptr;
    }
    const auto &list = function_.valid() && !in_entry_ ? program_.functions[function_.index()].targets
                                                       : program_.handlers[handler_].targets;
    return target->use.index() < list.size() ? &list[target->use.index()].access.type : nullptr;
  }
  if (const Entry *entry = expr.as<Entry>()) {
    const Target *target = entry->operand->as<Target>();
    if (!target || !target->use.valid() || handler_ == no_handler)
      return nullptr;
    return &program_.handlers[handler_].targets[target->use.index()].access.type;
  }
  if (const Variable *variable = expr.as<Variable>())
    return variable_type(variable->name);
  if (const Binary *sum = expr.as<Binary>(); sum && (sum->op == BinaryOp::add || sum->op == BinaryOp::sub)) {
    const target::ValueType *left = value_type(*sum->left);
    return left && value_type(*sum->right) ? nullptr : left;
  }
  if (const Call *call = expr.as<Call>())
    return call_type(*call);
  if (const Assign *assign = expr.as<Assign>(); assign && assign->op == AssignOp::set)
    return value_type(*assign->value);
  if (const Conditional *node = expr.as<Conditional>()) {
    const target::ValueType *left = value_type(*node->if_true), *right = value_type(*node->if_false);
    return left && right && left->name == right->name ? left : nullptr;
  }
  return nullptr;
}

const target::ValueType *TargetResolver::variable_type(Name name) {
  if (const GlobalDecl *global = file_ ? declarations_.global(*file_, name).decl : nullptr) {
    auto found = global_types_.find(global);
    return found == global_types_.end() ? nullptr : &found->second;
  }
  auto found = types_->find(name);
  return found == types_->end() ? nullptr : &found->second;
}

// `x = $file`: from here on x is known to be one, until it is assigned another; a plain number says nothing. A global
// is what is assigned first in the order of the script, arrays are nothing: as in SystemTap.
void TargetResolver::note_assignment(const Assign &assign) {
  const Variable *variable = assign.target->as<Variable>();
  const target::ValueType *type = variable && assign.op == AssignOp::set ? value_type(*assign.value) : nullptr;
  if (!type)
    return;
  if (const GlobalDecl *global = file_ ? declarations_.global(*file_, variable->name).decl : nullptr)
    global_types_.emplace(global, *type);
  else
    (*types_)[variable->name] = target::ValueType(*type);
}

void TargetResolver::wait(Expr &expr, bool written) {
  pending_.push_back({&expr, written, handler_, function_, trusted_, in_entry_, file_, types_});
}

// Whether it has come to be known.
bool TargetResolver::settle(const Pending &pending) {
  if (pending.function.valid() && pending.function.index() >= program_.functions.size())
    return true; // of a function that nothing calls
  handler_ = pending.handler;
  function_ = pending.function;
  trusted_ = pending.trusted;
  in_entry_ = pending.in_entry;
  file_ = pending.file;
  types_ = pending.types;
  if (const Assign *assign = pending.expr->as<Assign>()) {
    bool known = value_type(*assign->value);
    note_assignment(*assign);
    return known;
  }
  if (const EnumName *name = pending.expr->as<EnumName>()) {
    if (!value_type(*name->operand))
      return false;
    unknown_enums_.erase(pending.expr);
    fill_enum(*pending.expr);
    return true;
  }
  if (!value_type(*pending.expr->as<Target>()->operand))
    return false;
  unresolved_.erase(pending.expr);
  Expr *expr = pending.expr;
  target(expr, pending.written);
  return true;
}

void TargetResolver::settle_types() {
  for (size_t before = pending_.size() + 1; before > pending_.size();) {
    before = pending_.size();
    std::vector<Pending> waiting = std::move(pending_);
    pending_.clear();
    for (const Pending &pending : waiting)
      if (!settle(pending))
        pending_.push_back(pending);
  }
}

const target::ValueType *TargetResolver::call_type(const Call &call) {
  if (!file_)
    return nullptr;
  for (const FunctionRef &function : declarations_.functions(*file_, call.name, call.args.size()))
    if (function.decl->params.size() == call.args.size())
      return returned_type(function);
  return nullptr;
}

// What all `return`s of a function agree on that give no plain number. One in C says it by `/* type struct task_struct
// * */`.
const target::ValueType *TargetResolver::returned_type(const FunctionRef &function) {
  auto [place, added] = function_types_.emplace(function.decl, target::ValueType{});
  target::ValueType &result = place->second; // Unknown where the function calls itself
  if (added && !function.decl->body) {
    std::string_view code = function.decl->code.code;
    constexpr std::string_view mark = "/* type ";
    size_t begin = code.find(mark), end = code.find(" */", begin);
    if (begin != std::string_view::npos && end != std::string_view::npos) {
      result.kind = TypeKind::Pointer;
      result.size = 8;
      result.name = code.substr(begin + mark.size(), end - begin - mark.size());
    }
  } else if (added) {
    std::shared_ptr<Types> outer = std::exchange(types_, std::make_shared<Types>());
    const File *outer_file = std::exchange(file_, function.file);
    bool agree = true;
    auto look = Overload{
        [&](Expr &expr) {
          if (const Assign *assign = expr.as<Assign>(); assign && assign->target->as<Variable>())
            note_assignment(*assign);
          return true;
        },
        [&](Stmt &stmt) {
          const Return *node = stmt.as<Return>();
          if (!node || !node->value || !agree)
            return true;
          const target::ValueType *type = value_type(*node->value);
          if (!type)
            return true;
          agree = result.kind == TypeKind::Unknown || result.name == type->name;
          if (agree)
            result = target::ValueType(*type);
          return true;
        },
    };
    walk(const_cast<Stmt &>(*function.decl->body), look); // changes nothing
    if (!agree)
      result = {};
    types_ = std::move(outer);
    file_ = outer_file;
  }
  return result.kind == TypeKind::Unknown ? nullptr : &result;
}

TargetAnswer TargetResolver::ask(const Expr &expr, bool written) {
  const Target &node = *expr.as<Target>();
  TargetAnswer none;
  if (!families_.target || (!context().valid() && node.root == Target::Root::dollar)) {
    none.reason = "this probe point has no target variables";
    return none;
  }
  if (function_.valid() && node.root == Target::Root::dollar && !options_.in_functions) {
    none.reason = "functions had no target variables before version 4.3";
    return none;
  }
  std::vector<PathStep> steps;
  for (const TargetStep &step : node.steps) {
    PathStep path;
    path.kind = step.kind == TargetStep::Kind::member          ? PathStep::Kind::Member
                : step.kind == TargetStep::Kind::literal_index ? PathStep::Kind::Index
                                                               : PathStep::Kind::DynamicIndex;
    path.member = step.member.view();
    path.index = step.literal;
    steps.push_back(std::move(path));
  }
  TargetQuery query;
  query.root = node.root;
  query.address_of = node.address_of;
  query.name = node.name.view();
  query.type = node.type;
  query.module = node.module;
  query.steps = &steps;
  query.for_write = written;
  if (node.root == Target::Root::value) {
    query.base = value_type(*node.operand);
    if (!query.base) {
      none.reason = "the type of `" + print_expr(*node.operand) + "` is not known";
      none.hint = "name it: `@cast(" + print_expr(*node.operand) + ", \"struct ...\")`";
      return none;
    }
  }
  TargetAnswer answer = families_.target(context(), query);
  if (!answer.found && answer.is_aggregate && node.pretty != Target::Pretty::none) {
    query.address_of = true; // what is shown has no value of its own
    answer = families_.target(context(), query);
  }
  return answer;
}

// The node stays, and is reported at the end if it is still needed then.
void TargetResolver::unresolved(Expr *&expr, TargetAnswer answer) {
  if (options_.skip_badvars) {
    diagnostics_.report(DiagId::bad_target_zero, expr->range(), {print_expr(*expr), answer.reason});
    expr = number(*expr, 0);
    return;
  }
  bool here = context().valid() || expr->as<Target>()->root != Target::Root::dollar;
  Unresolved problem{std::move(answer), Range(), function_.valid(), here};
  if (handler_ != no_handler) {
    const Handler &handler = program_.handlers[handler_];
    bool one_of_several = handler.origins.front().chain->find(',') != std::string::npos;
    if (function_.valid() || one_of_several)
      problem.user = handler.range;
  }
  unresolved_[expr] = std::move(problem);
}

void TargetResolver::report(const Expr &expr, const Unresolved &problem) {
  std::string text = print_expr(expr);
  Diagnostic &diagnostic =
      problem.here ? diagnostics_.report(DiagId::unknown_target, expr.range(), {text, problem.answer.reason})
                   : diagnostics_.report(DiagId::target_not_here, expr.range(), {text});
  std::string_view name = expr.as<Target>()->name ? expr.as<Target>()->name.view() : "";
  if (!name.starts_with("$$"))
    diagnostic.hint(problem.answer.late_hint ? problem.answer.late_hint() : problem.answer.hint);
  else if (std::string_view near = nearest_name(name, {group_names.begin(), group_names.end()});
           !is_group(name) && !near.empty())
    diagnostic.hint("did you mean `" + std::string(near) + "`?");
  if (problem.user.at)
    diagnostic.note(problem.user,
                    problem.in_function ? "the function is used by this probe" : "it is used at this probe point");
}

void TargetResolver::report_unresolved() {
  std::unordered_set<const Expr *> seen; // operands of `@entry` may be shared
  auto look = Overload{
      [&](Expr &expr) {
        if (!seen.insert(&expr).second)
          return false;
        if (auto found = unresolved_.find(&expr); found != unresolved_.end())
          report(expr, found->second);
        if (unknown_enums_.contains(&expr))
          report_enum(expr, enumerators(*expr.as<EnumName>()).reason);
        if (const Entry *entry = expr.as<Entry>(); entry && !entry->entry.valid())
          diagnostics_.report(DiagId::entry_outside_return, expr.range());
        return true;
      },
      [](Stmt &) { return true; },
  };
  for (FunctionInfo &function : program_.functions)
    if (function.body)
      walk(*function.body, look);
  for (Handler &handler : program_.handlers)
    for (Stmt *block : handler.blocks)
      walk(*block, look);
}

void TargetResolver::target(Expr *&expr, bool written) {
  Target &node = *expr->as<Target>();
  if (node.use.valid())
    return; // seen: a node that two places share
  if (node.root == Target::Root::dollar && is_group(node.name.view()) && node.steps.empty() && context().valid())
    return group(expr);
  if (node.operand)
    expression(node.operand);
  TargetAnswer answer = ask(*expr, written);
  if (!answer.found) {
    if (node.root == Target::Root::value && node.pretty == Target::Pretty::none && !options_.skip_badvars &&
        !value_type(*node.operand))
      wait(*expr, written);
    return unresolved(expr, std::move(answer));
  }
  if (answer.is_string) {
    expr = program_.arena.make<Expr>(expr->range(), Type::unknown,
                                     ExprNode(String{program_.arena.copy(std::string_view(answer.text))}));
    return;
  }
  if (answer.access.is_text && node.pretty != Target::Pretty::none) {
    answer.reason = "it is a string already";
    return unresolved(expr, std::move(answer));
  }
  node.is_text = answer.access.is_text;
  if (written && !options_.guru && !trusted_ && !answer.access.is_text)
    diagnostics_.report(DiagId::target_write_guru, expr->range(), {print_expr(*expr)})
        .hint("run with `-g`, if you trust the script");
  else if (written && (!answer.writable || answer.access.at_entry))
    diagnostics_
        .report(DiagId::target_not_writable, expr->range(),
                {print_expr(*expr), answer.reason.empty() ? "it is read-only" : answer.reason})
        .hint(answer.hint);
  // What is read at the function's entry belongs to the handler, with all the indices in it.
  bool outer = in_entry_;
  bool at_entry = answer.access.at_entry && is_return() && !outer;
  in_entry_ = outer || at_entry;
  for (TargetStep &step : node.steps)
    if (step.index)
      expression(step.index);
  if (node.pretty != Target::Pretty::none) {
    in_entry_ = outer;
    pretty(expr, answer);
  } else {
    use(*expr, std::move(answer.access), written);
    if (at_entry)
      expr = make_entry(expr);
  }
  in_entry_ = outer;
}

void TargetResolver::use(Expr &expr, target::VarAccess access, bool written) {
  std::vector<TargetUse> &list = uses();
  expr.as<Target>()->use = TargetUseId(list.size());
  list.push_back({&expr, std::move(access), context(), written});
}

// `$$vars`: sprintf("a=%#x b=%#x", $a, $b), `$$vars$`: sprintf("a=%s b=%s", $a$, $b$); what has no value here shows as
// `a=?`.
void TargetResolver::group(Expr *&expr) {
  const Target node = *expr->as<Target>();
  FormatMaker format(program_, *expr);
  std::vector<std::string> names =
      families_.names ? families_.names(context(), node.name.view()) : std::vector<std::string>();
  for (const std::string &name : names) {
    format.text((format.empty() ? "" : " ") + name.substr(name.find_first_not_of('$')) + "=");
    Target variable{};
    variable.root = Target::Root::dollar;
    variable.name = sources_.intern(name);
    variable.pretty = node.pretty;
    Expr *arg = program_.arena.make<Expr>(expr->range(), Type::unknown, ExprNode(variable));
    TargetAnswer answer = ask(*arg, false);
    if (!answer.found || answer.is_string) {
      format.text("?");
      continue;
    }
    target(arg, false);
    format.value(node.pretty == Target::Pretty::none ? "%#x" : "%s", arg);
  }
  expr = format.finish(false);
}

// `$x$`: sprintf("{.a=%i, .b=%p}", $x->a, $x->b), by its type.
void TargetResolver::pretty(Expr *&expr, const TargetAnswer &answer) {
  Target plain = *expr->as<Target>();
  bool deep = plain.pretty == Target::Pretty::deep;
  plain.pretty = Target::Pretty::none;
  FormatMaker format(program_, *expr);
  for (const target::PrettyPiece &piece :
       families_.pretty ? families_.pretty(answer.access.type, deep) : target::pretty_number(answer.access.type)) {
    format.text(piece.text);
    if (piece.format.empty())
      continue;
    std::vector<TargetStep> steps(plain.steps.begin(), plain.steps.end());
    for (const PathStep &step : piece.path)
      steps.push_back(step.kind == PathStep::Kind::Member
                          ? TargetStep{TargetStep::Kind::member, sources_.intern(step.member), 0, nullptr, expr->loc}
                          : TargetStep{TargetStep::Kind::literal_index, Name(), step.index, nullptr, expr->loc});
    Target part = plain;
    part.steps = program_.arena.copy(steps);
    part.address_of = plain.address_of && piece.path.empty();
    Expr *value = program_.arena.make<Expr>(expr->range(), Type::unknown, ExprNode(part));
    TargetAnswer part_answer = ask(*value, false);
    if (!part_answer.found || part_answer.is_string) {
      format.text("?");
      continue;
    }
    bool at_entry = part_answer.access.at_entry && is_return() && !in_entry_;
    bool outer = in_entry_;
    in_entry_ = outer || at_entry;
    use(*value, std::move(part_answer.access), false);
    in_entry_ = outer;
    if (at_entry)
      value = make_entry(value);
    if (piece.is_string)
      value = program_.arena.make<Expr>(
          expr->range(), Type::unknown,
          ExprNode(Call{sources_.intern("kernel_or_user_string_quoted"),
                        program_.arena.copy(std::span<Expr *const>(&value, 1)), FunctionId()}));
    format.value(piece.format, value);
  }
  expr = format.finish(true);
}

// ------------------------------------------------------------------ entry values, writes, pointers

Expr *TargetResolver::make_entry(Expr *operand) {
  auto &known = entries_[handler_];
  Handler &handler = program_.handlers[handler_];
  auto [place, added] = known.emplace(print_expr(*operand), EntryId(handler.entries.size()));
  if (added)
    handler.entries.push_back(operand);
  Expr *shared = handler.entries[place->second.index()];
  return program_.arena.make<Expr>(operand->range(), Type::unknown, ExprNode(Entry{shared, place->second}));
}

EnumAnswer TargetResolver::enumerators(const EnumName &node) {
  EnumQuery query;
  query.type = node.type;
  query.module = node.module;
  if (node.type.empty())
    query.base = value_type(*node.operand);
  if (node.type.empty() && !query.base)
    return {{}, "the type of `" + print_expr(*node.operand) + "` is not known"};
  return families_.enumerators ? families_.enumerators(context(), query) : EnumAnswer{{}, "no types are known"};
}

void TargetResolver::enum_name(Expr &expr) {
  EnumName &node = *expr.as<EnumName>();
  expression(node.operand);
  if (!node.type.empty() || value_type(*node.operand))
    return fill_enum(expr);
  unknown_enums_.insert(&expr); // reported at the end if it is still needed then
  wait(expr, false);
}

void TargetResolver::report_enum(const Expr &expr, const std::string &reason) {
  const EnumName &node = *expr.as<EnumName>();
  diagnostics_.report(DiagId::unknown_enum, expr.range(), {print_expr(expr), reason})
      .hint(node.type.empty() ? "name it: `@enumname(" + print_expr(*node.operand) + ", \"enum ...\")`" : "");
}

// `@enumname(e)`: from here on a table of values and names.
void TargetResolver::fill_enum(Expr &expr) {
  EnumName &node = *expr.as<EnumName>();
  EnumAnswer answer = enumerators(node);
  if (!answer.reason.empty())
    report_enum(expr, answer.reason);
  std::vector<EnumName::Row> rows;
  for (const auto &[name, value] : answer.rows)
    rows.push_back({value, program_.arena.copy(std::string_view(name))});
  std::stable_sort(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.value < b.value; });
  rows.erase(std::unique(rows.begin(), rows.end(), [](const auto &a, const auto &b) { return a.value == b.value; }),
             rows.end());
  node.rows = program_.arena.copy(rows);
}

void TargetResolver::entry(Expr *&expr) {
  Entry &node = *expr->as<Entry>();
  if (node.entry.valid())
    return;
  if (!is_return()) {
    expression(node.operand);
    return; // reported at the end if it is still needed then
  }
  bool outer = in_entry_;
  in_entry_ = true;
  expression(node.operand);
  in_entry_ = outer;
  if (!outer)
    expr = make_entry(node.operand);
  else
    expr = node.operand; // @entry(@entry(x))
}

// The left side of an assignment.
void TargetResolver::writing(Expr *&target_expr) {
  if (target_expr->as<Target>())
    target(target_expr, true);
  else
    expression(target_expr);
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/elide.h"

#include "frontend/parse.h"
#include "frontend/passes/fold.h"
#include "frontend/passes/uses.h"
#include "frontend/visit.h"

#include <algorithm>
#include <unordered_set>

namespace tapjit {

using namespace ast;

namespace {

bool is_null(const Stmt *stmt) { return !stmt || stmt->as<Null>(); }

bool leaves(const Stmt &stmt) {
  if (const Block *block = stmt.as<Block>())
    return !block->body.empty() && leaves(*block->body.back());
  return stmt.as<Return>() || stmt.as<Next>() || stmt.as<Break>() || stmt.as<Continue>();
}

// `x == x`: whatever the value.
bool compares_with_itself(const Expr &expr) {
  const Binary *node = expr.as<Binary>();
  if (!node || !is_comparison(node->op))
    return false;
  const Variable *left = node->left->as<Variable>(), *right = node->right->as<Variable>();
  return left && right && left->name == right->name;
}

class Elision {
public:
  Elision(Program &program, Diagnostics &diagnostics) : program_(program), diagnostics_(diagnostics) {}

  void run() {
    first_ = true;
    do {
      changed_ = false;
      Uses uses(program_);
      uses_ = &uses;
      for (Body &body : uses.bodies()) {
        body_ = &body;
        for (Stmt *&block : body.blocks)
          statement(block);
      }
      first_ = false;
    } while (changed_);
  }

private:
  // -------------------------------------------------------------- what is said

  bool by_user(Loc loc) const {
    SourceKind kind = diagnostics_.sources().kind(diagnostics_.sources().position(loc).source);
    return kind == SourceKind::script || kind == SourceKind::command_line;
  }
  void warn(DiagId id, Range range, std::initializer_list<DiagArg> args = {}) {
    if (by_user(range.at))
      diagnostics_.report(id, range, args);
  }

  void become(Stmt *&stmt, StmtNode node) {
    stmt = program_.arena.make<Stmt>(stmt->loc, node);
    changed_ = true;
  }
  void remove(Stmt *&stmt) { become(stmt, Null{}); }

  // -------------------------------------------------------------- statements

  void statement(Stmt *&stmt) {
    switch (stmt->kind()) {
    case StmtKind::Block:
      return block(*stmt->as<Block>());
    case StmtKind::ExprStmt:
      return expression_statement(stmt);
    case StmtKind::If:
      return conditional(stmt);
    case StmtKind::While:
    case StmtKind::For:
    case StmtKind::Foreach:
      return loop(stmt);
    case StmtKind::Try: {
      Try &node = *stmt->as<Try>();
      statement(node.body);
      statement(node.handler);
      if (nothing(node.body))
        remove(stmt);
      return;
    }
    default:
      for_each_child(*stmt, [&](Expr *&child) { value(child); }, [&](Stmt *&child) { statement(child); });
    }
  }

  static bool nothing(const Stmt *stmt) {
    const Block *node = stmt ? stmt->as<Block>() : nullptr;
    return is_null(stmt) || (node && node->body.empty());
  }

  void block(Block &node) {
    size_t kept = 0;
    for (size_t i = 0; i < node.body.size(); ++i) {
      Stmt *inner = node.body[i];
      statement(inner);
      if (nothing(inner))
        continue;
      node.body[kept++] = inner;
      if (leaves(*inner) && i + 1 < node.body.size()) {
        while (i + 1 < node.body.size() && nothing(node.body[i + 1]))
          ++i;
        if (i + 1 < node.body.size())
          warn(DiagId::unreachable, node.body[i + 1]->range());
        changed_ = true;
        break;
      }
    }
    node.body = node.body.first(kept);
  }

  void expression_statement(Stmt *&stmt) {
    Expr *&expr = stmt->as<ExprStmt>()->expr;
    bool assigned = unneeded(expr);
    value(expr);
    if (!uses_->has_effect(*expr)) {
      if (!assigned)
        warn(DiagId::no_effect, expr->range());
      return remove(stmt);
    }
    keep_effects(stmt);
  }

  // `a + f()` as a statement: the operands that do something.
  void keep_effects(Stmt *&stmt) {
    Expr &expr = *stmt->as<ExprStmt>()->expr;
    const Binary *binary = expr.as<Binary>();
    bool operands_only = expr.as<Unary>() || expr.as<Concat>() ||
                         (binary && binary->op != BinaryOp::logical_and && binary->op != BinaryOp::logical_or);
    if (!operands_only)
      return;
    std::vector<Stmt *> parts;
    for_each_child(
        expr, [&](Expr *&child) { parts.push_back(program_.arena.make<Stmt>(child->loc, StmtNode(ExprStmt{child}))); });
    become(stmt, Block{program_.arena.copy(parts)});
  }

  void conditional(Stmt *&stmt) {
    If &node = *stmt->as<If>();
    condition(node.condition);
    if (const Number *number = node.condition->as<Number>()) {
      Stmt *taken = number->value ? node.then : node.otherwise;
      stmt = taken ? taken : program_.arena.make<Stmt>(stmt->loc, StmtNode(Null{}));
      changed_ = true;
      return statement(stmt);
    }
    statement(node.then);
    if (node.otherwise)
      statement(node.otherwise);
    if (nothing(node.then) && nothing(node.otherwise))
      drop_all_but(node.condition, stmt);
  }

  void loop(Stmt *&stmt) {
    if (For *node = stmt->as<For>()) {
      discarded(node->init);
      discarded(node->step);
    }
    While *repeated = stmt->as<While>();
    For *counted = stmt->as<For>();
    Expr **test = repeated ? &repeated->condition : counted && counted->condition ? &counted->condition : nullptr;
    if (test) {
      condition(*test);
      if (const Number *number = (*test)->as<Number>(); number && !number->value)
        return drop_all_but(counted ? counted->init : nullptr, stmt);
    }
    Stmt *&body = repeated ? repeated->body : counted ? counted->body : stmt->as<Foreach>()->body;
    if (Foreach *node = stmt->as<Foreach>()) {
      for (Expr *&key : node->slice)
        if (key)
          value(key);
      if (node->limit)
        value(node->limit);
    }
    statement(body);
    bool effect = !nothing(body);
    for_each_child(*stmt, [&](Expr *&child) { effect = effect || uses_->has_effect(*child); }, [](Stmt *&) {});
    if (!effect)
      remove(stmt);
  }

  // What a loop's head evaluates and throws away.
  void discarded(Expr *&expr) {
    if (!expr)
      return;
    bool assigned = unneeded(expr);
    value(expr);
    if (uses_->has_effect(*expr))
      return;
    if (!assigned)
      warn(DiagId::no_effect, expr->range());
    expr = nullptr;
    changed_ = true;
  }

  // The statement comes to what this expression does, if anything.
  void drop_all_but(Expr *expr, Stmt *&stmt) {
    if (expr && uses_->has_effect(*expr))
      become(stmt, ExprStmt{expr});
    else
      remove(stmt);
  }

  // -------------------------------------------------------------- expressions

  // Whether this is an assignment whose value nobody reads, which gets a warning of its own.
  bool unneeded(const Expr *expr) const {
    const Assign *node = expr->as<Assign>();
    return node && is_dead(*node);
  }

  bool is_dead(const Assign &node) const {
    if (node.op != AssignOp::set && node.op != AssignOp::stat_add)
      return false;
    const Variable *variable = node.target->as<Variable>();
    if (const Index *index = node.target->as<Index>()) {
      variable = index->base->as<Variable>();
      for (const Expr *key : index->keys)
        if (key && uses_->has_effect(*key))
          return false;
    }
    if (!variable || variable->binding.kind == Binding::Kind::unbound)
      return false;
    if (variable->binding.is_local()) // `<<<` to a parameter is a mistake that shall show
      return !body_->read[variable->binding.index] &&
             (node.op == AssignOp::set || variable->binding.index >= body_->param_count);
    // Those of the script are shown when the session ends.
    return !uses_->global_read(variable->binding.global()) && !program_.global(variable->binding.global()).from_script;
  }

  // A local whose type a `@defined` asked for was of use.
  bool was_asked_for(const Expr &target) const {
    const Variable *variable = target.as<Variable>();
    return variable && std::count(body_->asked_for->begin(), body_->asked_for->end(), variable->name);
  }

  void value(Expr *&expr) {
    for (Assign *node = expr->as<Assign>(); node && is_dead(*node); node = expr->as<Assign>()) {
      if (!was_asked_for(*node->target))
        warn(DiagId::never_read, node->target->range(), {print_expr(*node->target)});
      expr = node->value;
      changed_ = true;
    }
    if (Conditional *node = expr->as<Conditional>()) {
      condition(node->condition);
      if (const Number *number = node->condition->as<Number>()) {
        expr = number->value ? node->if_true : node->if_false;
        changed_ = true;
        return value(expr);
      }
    }
    if (!expr->as<Entry>()) // the operand is the handler's, and shared
      for_each_child(*expr, [&](Expr *&child) { value(child); });
  }

  void condition(Expr *&expr) {
    if (first_ && compares_with_itself(*expr))
      warn_constant(*expr, expr->as<Binary>()->op == BinaryOp::eq || expr->as<Binary>()->op == BinaryOp::le ||
                               expr->as<Binary>()->op == BinaryOp::ge);
    bool was_number = expr->as<Number>();
    Expr *before = expr;
    expr = fold_condition(expr, program_.arena);
    const Number *number = expr->as<Number>();
    if (number && !was_number)
      warn_constant(*before, number->value != 0);
    if (!number)
      value(expr);
  }

  // Not of what a script's argument or a macro decides: it is another value another time.
  void warn_constant(const Expr &expr, bool is_true) {
    bool fixed = true;
    walk(const_cast<Expr &>(expr), [&](Expr &inner) {
      fixed = fixed && !diagnostics_.sources().is_expansion(inner.loc);
      return fixed;
    });
    if (fixed)
      warn(DiagId::constant_condition, expr.range(), {is_true ? "true" : "false"});
  }

  Program &program_;
  Diagnostics &diagnostics_;
  Uses *uses_ = nullptr;
  Body *body_ = nullptr;
  bool changed_ = false;
  bool first_ = true;
};

// ---------------------------------------------------------------- numbering anew

constexpr uint32_t gone = UINT32_MAX;

// old index -> new index; the kept elements move to the front.
template <typename T, typename Keep> std::vector<uint32_t> compact(std::vector<T> &list, Keep keep) {
  std::vector<uint32_t> places(list.size(), gone);
  size_t kept = 0;
  for (size_t i = 0; i < list.size(); ++i)
    if (keep(i)) {
      places[i] = static_cast<uint32_t>(kept);
      if (kept != i)
        list[kept] = std::move(list[i]);
      ++kept;
    }
  list.resize(kept);
  return places;
}

void renumber(Expr &root, const std::vector<uint32_t> &locals, const std::vector<uint32_t> &globals,
              const std::vector<uint32_t> &functions, std::unordered_set<const Expr *> &done) {
  walk(root, [&](Expr &expr) {
    if (!done.insert(&expr).second)
      return false; // shared by several places
    if (Variable *variable = expr.as<Variable>(); variable && variable->binding.kind != Binding::Kind::unbound)
      variable->binding.index = (variable->binding.is_local() ? locals : globals)[variable->binding.index];
    if (Call *call = expr.as<Call>(); call && call->function.valid())
      call->function = FunctionId(functions[call->function.index()]);
    return true;
  });
}

void remove_unused(Program &program) {
  Uses uses(program);
  std::vector<std::vector<uint32_t>> locals;
  for (Body &body : uses.bodies())
    locals.push_back(
        compact(*body.locals, [&](size_t i) { return i < body.param_count || body.read[i] || body.written[i]; }));
  auto used = [&](size_t i) { return uses.global_read(GlobalId(i)) || uses.global_written(GlobalId(i)); };
  std::vector<uint32_t> globals = compact(program.globals, used);
  std::vector<uint32_t> functions = compact(program.functions, [&](size_t i) { return uses.reached(FunctionId(i)); });
  for (FunctionInfo &function : program.functions) {
    if (function.next_overload.valid())
      function.next_overload = FunctionId(functions[function.next_overload.index()]);
    for (std::vector<GlobalId> *list : {&function.reads, &function.writes})
      for (GlobalId &id : *list)
        id = GlobalId(globals[id.index()]);
  }
  std::unordered_set<const Expr *> done;
  size_t next_body = 0;
  auto renumber_body = [&](std::span<Stmt *> blocks, std::span<Expr *> expressions) {
    const std::vector<uint32_t> &own = locals[next_body++];
    for (Stmt *block : blocks)
      walk(*block, Overload{[&](Expr &expr) {
                              renumber(expr, own, globals, functions, done);
                              return false;
                            },
                            [](Stmt &) { return true; }});
    for (Expr *expr : expressions)
      renumber(*expr, own, globals, functions, done);
  };
  for (FunctionInfo &function : program.functions)
    if (function.body)
      renumber_body({&function.body, 1}, {});
  for (Handler &handler : program.handlers) {
    std::vector<Expr *> expressions = handler.conditions;
    expressions.insert(expressions.end(), handler.entries.begin(), handler.entries.end());
    renumber_body(handler.blocks, expressions);
  }
}

} // namespace

void elide(Program &program, Diagnostics &diagnostics) {
  Elision(program, diagnostics).run();
  remove_unused(program);
}

} // namespace tapjit

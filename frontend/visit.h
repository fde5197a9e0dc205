// SPDX-License-Identifier: GPL-2.0-or-later
// Reading the tree: `visit` calls the overload for a node's alternative; `for_each_child` calls a function for each
// direct child.
//
//   ast::visit(expr, Overload{[](const ast::Number &n) { ... }, [](const auto &) { ... }});
//   ast::walk(stmt, Overload{[](ast::Expr &e) { ...; return true; }, [](ast::Stmt &s) { return true; }});
#pragma once

#include "frontend/ast.h"

#include <type_traits>
#include <utility>

namespace tapjit {

template <typename... Fs> struct Overload : Fs... {
  using Fs::operator()...;
};
template <typename... Fs> Overload(Fs...) -> Overload<Fs...>;

namespace ast {

// Calls f with the alternative of node.node. A switch, as std::visit without exceptions would still carry their tables.
template <typename F> decltype(auto) visit(Expr &expr, F &&f) {
  switch (expr.kind()) {
#define EXPR(type, text)                                                                                               \
  case ExprKind::type:                                                                                                 \
    return f(*std::get_if<type>(&expr.node));
#include "frontend/nodes.def"
  }
  __builtin_unreachable();
}
template <typename F> decltype(auto) visit(const Expr &expr, F &&f) {
  switch (expr.kind()) {
#define EXPR(type, text)                                                                                               \
  case ExprKind::type:                                                                                                 \
    return f(*std::get_if<type>(&expr.node));
#include "frontend/nodes.def"
  }
  __builtin_unreachable();
}
template <typename F> decltype(auto) visit(Stmt &stmt, F &&f) {
  switch (stmt.kind()) {
#define STMT(type, text)                                                                                               \
  case StmtKind::type:                                                                                                 \
    return f(*std::get_if<type>(&stmt.node));
#include "frontend/nodes.def"
  }
  __builtin_unreachable();
}
template <typename F> decltype(auto) visit(const Stmt &stmt, F &&f) {
  switch (stmt.kind()) {
#define STMT(type, text)                                                                                               \
  case StmtKind::type:                                                                                                 \
    return f(*std::get_if<type>(&stmt.node));
#include "frontend/nodes.def"
  }
  __builtin_unreachable();
}
template <typename F> decltype(auto) visit(const Decl &decl, F &&f) {
  switch (decl.kind()) {
#define DECL(type, text)                                                                                               \
  case DeclKind::type:                                                                                                 \
    return f(*std::get_if<type>(&decl.node));
#include "frontend/nodes.def"
  }
  __builtin_unreachable();
}

// The direct children of an expression, as references to the pointers that hold them, in order of evaluation. Null
// pointers are left out. F: void(Expr *&).
template <typename F> void for_each_child(Expr &expr, F &&f) {
  auto one = [&](Expr *&child) {
    if (child)
      f(child);
  };
  auto all = [&](List<Expr *> children) {
    for (Expr *&child : children)
      one(child);
  };
  visit(expr, Overload{
                  [&](Index &n) { one(n.base), all(n.keys); },
                  [&](Unary &n) { one(n.operand); },
                  [&](Binary &n) { one(n.left), one(n.right); },
                  [&](Concat &n) { all(n.parts); },
                  [&](Assign &n) { one(n.target), one(n.value); },
                  [&](IncDec &n) { one(n.target); },
                  [&](Conditional &n) { one(n.condition), one(n.if_true), one(n.if_false); },
                  [&](ArrayIn &n) { all(n.keys), one(n.array); },
                  [&](Regex &n) { one(n.subject); },
                  [&](Call &n) { all(n.args); },
                  [&](Print &n) { all(n.args); },
                  [&](EmbeddedExpr &n) { all(n.parameters); },
                  [&](Stat &n) { one(n.stat); },
                  [&](Histogram &n) { one(n.stat); },
                  [&](Target &n) {
                    one(n.operand);
                    for (TargetStep &step : n.steps)
                      one(step.index);
                  },
                  [&](Defined &n) { one(n.operand); },
                  [&](Entry &n) { one(n.operand); },
                  [&](EnumName &n) { one(n.operand); },
                  [&](Deref &n) { one(n.address); },
                  [&](auto &) {},
              });
}

// The direct children of a statement: `on_expr(Expr *&)` and `on_stmt(Stmt *&)`, in order of the text.
template <typename FE, typename FS> void for_each_child(Stmt &stmt, FE &&on_expr, FS &&on_stmt) {
  auto expr = [&](Expr *&child) {
    if (child)
      on_expr(child);
  };
  auto body = [&](Stmt *&child) {
    if (child)
      on_stmt(child);
  };
  visit(stmt, Overload{
                  [&](Block &n) {
                    for (Stmt *&child : n.body)
                      body(child);
                  },
                  [&](ExprStmt &n) { expr(n.expr); },
                  [&](If &n) { expr(n.condition), body(n.then), body(n.otherwise); },
                  [&](While &n) { expr(n.condition), body(n.body); },
                  [&](For &n) { expr(n.init), expr(n.condition), expr(n.step), body(n.body); },
                  [&](Foreach &n) {
                    expr(n.value);
                    for (Expr *&key : n.keys)
                      expr(key);
                    expr(n.array);
                    for (Expr *&key : n.slice)
                      expr(key);
                    expr(n.limit), body(n.body);
                  },
                  [&](Return &n) { expr(n.value); },
                  [&](Delete &n) { expr(n.target); },
                  [&](Try &n) { body(n.body), expr(n.message), body(n.handler); },
                  [&](auto &) {},
              });
}

// Preorder walk. `f(Expr &)` and `f(Stmt &)` return whether to go into the children.
template <typename F> void walk(Expr &expr, F &&f) {
  if (f(expr))
    for_each_child(expr, [&](Expr *&child) { walk(*child, f); });
}
template <typename F> void walk(Stmt &stmt, F &&f) {
  if (f(stmt))
    for_each_child(stmt, [&](Expr *&child) { walk(*child, f); }, [&](Stmt *&child) { walk(*child, f); });
}

} // namespace ast
} // namespace tapjit

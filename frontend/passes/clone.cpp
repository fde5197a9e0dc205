// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/clone.h"

#include "frontend/visit.h"

namespace tapjit {

using namespace ast;

namespace {

// Gives a copied node lists of its own; what they point to is cloned afterwards through for_each_child.
template <typename T> void own(Arena &arena, List<T> &list) { list = arena.copy(std::span<const T>(list)); }

} // namespace

Expr *Cloner::expr(const Expr &node) {
  Expr *copy = arena_.make<Expr>(node);
  copy->loc = loc(node.loc);
  visit(*copy, Overload{
                   [&](Index &n) { own(arena_, n.keys); },
                   [&](Concat &n) { own(arena_, n.parts); },
                   [&](ArrayIn &n) { own(arena_, n.keys); },
                   [&](Call &n) { own(arena_, n.args); },
                   [&](Print &n) { own(arena_, n.args); },
                   [&](EmbeddedExpr &n) { own(arena_, n.parameters); },
                   [&](Target &n) { own(arena_, n.steps); },
                   [](auto &) {},
               });
  for_each_child(*copy, [&](Expr *&child) { child = expr(*child); });
  return copy;
}

Stmt *Cloner::stmt(const Stmt &node) {
  Stmt *copy = arena_.make<Stmt>(node);
  copy->loc = loc(node.loc);
  visit(*copy, Overload{
                   [&](Block &n) { own(arena_, n.body); },
                   [&](Foreach &n) {
                     own(arena_, n.keys);
                     own(arena_, n.slice);
                   },
                   [](auto &) {},
               });
  for_each_child(*copy, [&](Expr *&child) { child = expr(*child); }, [&](Stmt *&child) { child = stmt(*child); });
  return copy;
}

} // namespace tapjit

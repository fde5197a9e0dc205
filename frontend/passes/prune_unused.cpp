// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/prune_unused.h"

#include "frontend/visit.h"

namespace tapjit {

using namespace ast;

namespace {

// `x = value;` with a plain name on the left; null otherwise.
Assign *plain_assignment(Stmt &stmt) {
  ExprStmt *node = stmt.as<ExprStmt>();
  Assign *assign = node ? node->expr->as<Assign>() : nullptr;
  return assign && assign->op == AssignOp::set && assign->target->as<Variable>() ? assign : nullptr;
}

bool is_empty(const Stmt *stmt) {
  if (!stmt || stmt->as<Null>())
    return true;
  const Block *block = stmt->as<Block>();
  if (!block)
    return false;
  for (const Stmt *inner : block->body)
    if (!is_empty(inner))
      return false;
  return true;
}

} // namespace

bool Pruner::is_global(Name name, const File &file) { return declarations_.global(file, name).decl != nullptr; }

void Pruner::prune(std::vector<Piece> &blocks) {
  bool any_alias = false;
  for (const Piece &block : blocks)
    any_alias = any_alias || block.from_alias;
  if (!any_alias)
    return;
  Reads reads;
  for (Piece &block : blocks)
    count(*block.stmt, reads, 1);
  // Later pieces read what earlier ones set, so go backwards; again while something fell away that an earlier turn had
  // counted.
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = blocks.size(); i-- > 0;)
      if (blocks[i].from_alias)
        changed = prune(blocks[i].stmt, *blocks[i].file, reads) || changed;
  }
}

// Adds `step` for every place that reads a name. The left side of a plain assignment reads nothing.
void Pruner::count(Stmt &stmt, Reads &reads, int step) {
  if (Assign *assign = plain_assignment(stmt))
    return count(*assign->value, reads, step);
  for_each_child(
      stmt, [&](Expr *&child) { count(*child, reads, step); }, [&](Stmt *&child) { count(*child, reads, step); });
}

void Pruner::count(Expr &root, Reads &reads, int step) {
  walk(root, [&](Expr &expr) {
    if (const Variable *variable = expr.as<Variable>())
      reads[variable->name] += step;
    return true;
  });
}

bool Pruner::prune(Stmt *&stmt, const File &file, Reads &reads) {
  if (removable(*stmt, file, reads)) {
    count(*stmt, reads, -1);
    stmt = arena_.make<Stmt>(stmt->loc, StmtNode(Null{}));
    return true;
  }
  bool changed = false;
  if (Block *block = stmt->as<Block>()) {
    for (size_t i = block->body.size(); i-- > 0;)
      changed = prune(block->body[i], file, reads) || changed;
    size_t kept = 0;
    for (Stmt *inner : block->body)
      if (!inner->as<Null>())
        block->body[kept++] = inner;
    block->body = block->body.first(kept);
    return changed;
  }
  for_each_child(*stmt, [](Expr *&) {}, [&](Stmt *&child) { changed = prune(child, file, reads) || changed; });
  return changed;
}

bool Pruner::removable(Stmt &stmt, const File &file, const Reads &reads) {
  if (Assign *assign = plain_assignment(stmt)) {
    Name name = assign->target->as<Variable>()->name;
    auto found = reads.find(name);
    return (found == reads.end() || found->second == 0) && !is_global(name, file) && !has_effect(*assign->value, file);
  }
  if (If *node = stmt.as<If>())
    return is_empty(node->then) && is_empty(node->otherwise) && !has_effect(*node->condition, file);
  return false;
}

// Whether evaluating does anything but give a value. A read that may fault, a division by zero count as nothing.
bool Pruner::has_effect(const Expr &root, const File &file) {
  bool found = false;
  walk(const_cast<Expr &>(root), [&](Expr &expr) {
    if (found)
      return false;
    if (expr.as<Assign>() || expr.as<IncDec>()) {
      found = true;
    } else if (const Print *print = expr.as<Print>()) {
      found = !print->to_string;
    } else if (const EmbeddedExpr *code = expr.as<EmbeddedExpr>()) {
      found = code->code.find("/* pure */") == std::string_view::npos;
    } else if (const Call *call = expr.as<Call>()) {
      std::vector<FunctionRef> refs = declarations_.functions(file, call->name, call->args.size());
      found = refs.empty(); // unknown: keep it, so that it is reported
      for (const FunctionRef &ref : refs)
        found = found || (ref.decl->params.size() == call->args.size() && has_effect(ref));
    }
    return !found;
  });
  return found;
}

bool Pruner::has_effect(const FunctionRef &ref) {
  auto [place, added] = effects_.emplace(ref.decl, true); // recursive functions count as having one
  if (!added)
    return place->second;
  bool effect = false;
  if (!ref.decl->body) {
    std::string_view code = ref.decl->code.code;
    effect = code.find("/* pure */") == std::string_view::npos && code.find("/* stable */") == std::string_view::npos;
  } else {
    walk(const_cast<Stmt &>(*ref.decl->body),
         Overload{
             [&](Expr &expr) {
               const Assign *assign = expr.as<Assign>();
               const IncDec *step = expr.as<IncDec>();
               const Expr *target = assign ? assign->target : step ? step->target : nullptr;
               if (target) {
                 const Variable *variable = target->as<Variable>();
                 effect = effect || !variable || is_global(variable->name, *ref.file);
               } else if (expr.as<Print>() || expr.as<Call>() || expr.as<EmbeddedExpr>()) {
                 effect = effect || has_effect(expr, *ref.file);
               }
               return !effect;
             },
             [&](Stmt &stmt) {
               effect = effect || stmt.as<Delete>();
               return !effect;
             },
         });
  }
  effects_[ref.decl] = effect;
  return effect;
}

} // namespace tapjit

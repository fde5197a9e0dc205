// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/lower_unused.h"

#include "frontend/lower_module.h"
#include "frontend/visit.h"

#include <type_traits>

namespace tapjit::lowering {

// The local that an expression is, or none.
static LocalId local_of(const ast::Expr &expr) {
  const auto *variable = expr.as<ast::Variable>();
  return variable && variable->binding.is_local() ? variable->binding.local() : LocalId();
}

// The local that an expression changes, or none.
static LocalId changed_local(const ast::Expr &expr) {
  if (const auto *n = expr.as<ast::Assign>())
    return local_of(*n->target);
  if (const auto *n = expr.as<ast::IncDec>())
    return local_of(*n->target);
  return LocalId();
}

// The node itself, not its children.
bool Purity::is_pure_node(const ast::Expr &expr) {
  if (expr.kind() == ast::ExprKind::Assign || expr.kind() == ast::ExprKind::IncDec)
    return changed_local(expr).valid(); // of its own frame
  if (const auto *n = expr.as<ast::Print>())
    return n->to_string;
  if (const auto *n = expr.as<ast::Call>())
    return is_pure(n->function);
  if (const auto *n = expr.as<ast::EmbeddedExpr>())
    return read_embedded(n->code, program_).pure;
  return true;
}

bool Purity::is_pure_body(ast::Stmt &body) {
  bool pure = true;
  ast::walk(body, Overload{[&](ast::Expr &expr) { return pure &= is_pure_node(expr); },
                           [&](ast::Stmt &stmt) {
                             pure &= stmt.kind() != ast::StmtKind::Delete && stmt.kind() != ast::StmtKind::Next;
                             if (auto *n = stmt.as<ast::Foreach>())
                               for (ast::Expr *key : n->keys)
                                 pure &= local_of(*key).valid();
                             return pure;
                           }});
  return pure;
}

bool Purity::is_pure(FunctionId function) {
  State &state = known_[function.index()];
  if (state == State::asking) // a cycle: it might not end
    return false;
  if (state == State::unknown) {
    state = State::asking;
    const FunctionInfo &info = program_.function(function);
    bool pure = info.body ? is_pure_body(*info.body) : read_embedded(info.code, program_).pure;
    known_[function.index()] = pure ? State::pure : State::impure;
  }
  return known_[function.index()] == State::pure;
}

// In the place of the expression itself a change of a local counts: only a body hides it.
bool Purity::is_pure(ast::Expr &expr) {
  bool pure = true;
  ast::walk(expr, Overload{[&](ast::Expr &child) {
                             pure &= !changed_local(child).valid() && is_pure_node(child);
                             return pure;
                           },
                           [](ast::Stmt &) { return true; }});
  return pure;
}

namespace {

// One assignment that can be left out while its local is unused, and the locals that it reads.
struct Candidate {
  const ast::Stmt *stmt;
  LocalId target;
  std::vector<LocalId> reads;
};

class Collector {
public:
  Collector(Purity &purity, size_t local_count) : used(local_count), purity_(purity) {}

  bool operator()(ast::Stmt &stmt) {
    auto *n = stmt.as<ast::ExprStmt>();
    LocalId target = n ? changed_local(*n->expr) : LocalId();
    if (!target.valid() || !take_candidate(stmt, *n->expr, target))
      return true;
    return false;
  }
  bool operator()(ast::Expr &expr) {
    auto *assign = expr.as<ast::Assign>();
    if (assign && assign->op == ast::AssignOp::set && local_of(*assign->target).valid()) {
      ast::walk(*assign->value, *this); // the target is written, not read
      return false;
    }
    if (LocalId local = local_of(expr); local.valid())
      used[local.index()] = true;
    return true;
  }

  std::vector<Candidate> candidates;
  std::vector<bool> used;

private:
  bool take_candidate(const ast::Stmt &stmt, ast::Expr &expr, LocalId target) {
    Candidate candidate{&stmt, target, {}};
    if (auto *assign = expr.as<ast::Assign>()) {
      if (!purity_.is_pure(*assign->value))
        return false;
      ast::walk(*assign->value, Overload{[&](ast::Expr &child) {
                                           if (LocalId local = local_of(child); local.valid())
                                             candidate.reads.push_back(local);
                                           return true;
                                         },
                                         [](ast::Stmt &) { return true; }});
    }
    candidates.push_back(std::move(candidate));
    return true;
  }

  Purity &purity_;
};

} // namespace

UnusedAssignments::UnusedAssignments(Purity &purity, const std::vector<ast::Stmt *> &blocks, size_t local_count) {
  Collector collector(purity, local_count);
  // walk() takes its function by reference, so that the collector sees all blocks.
  for (ast::Stmt *block : blocks)
    ast::walk(*block, collector);
  for (bool changed = true; changed;) {
    changed = false;
    for (Candidate &candidate : collector.candidates) {
      if (!candidate.stmt || !collector.used[candidate.target.index()])
        continue;
      for (LocalId read : candidate.reads)
        collector.used[read.index()] = true;
      candidate.stmt = nullptr;
      changed = true;
    }
  }
  for (const Candidate &candidate : collector.candidates)
    if (candidate.stmt)
      unused_.insert(candidate.stmt);
}

} // namespace tapjit::lowering

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/probe_writes.h"

#include "frontend/visit.h"

#include <unordered_set>

namespace tapjit {

using namespace ast;

namespace {

using Names = std::unordered_set<Name>;

// The variable that writing this changes; a member of what `$x` points to counts as `$x`.
void add_target(const Expr &target, Names &names) {
  if (const Variable *variable = target.as<Variable>())
    names.insert(variable->name);
  else if (const Index *index = target.as<Index>())
    add_target(*index->base, names);
  else if (const Target *node = target.as<Target>(); node && node->root == Target::Root::dollar)
    names.insert(node->name);
}

void add_written(Stmt &piece, Names &names) {
  walk(piece, Overload{
                  [&](Expr &expr) {
                    if (const Assign *assign = expr.as<Assign>())
                      add_target(*assign->target, names);
                    if (const IncDec *step = expr.as<IncDec>())
                      add_target(*step->target, names);
                    return true;
                  },
                  [&](Stmt &stmt) {
                    if (const Foreach *node = stmt.as<Foreach>()) {
                      for (const Expr *key : node->keys)
                        add_target(*key, names);
                      if (node->value)
                        add_target(*node->value, names);
                    }
                    if (const Try *node = stmt.as<Try>(); node && node->message)
                      add_target(*node->message, names);
                    if (const Delete *node = stmt.as<Delete>())
                      add_target(*node->target, names);
                    return true;
                  },
              });
}

std::vector<ProbeWrite *> questions(Stmt &piece) {
  std::vector<ProbeWrite *> found;
  walk(piece, Overload{[&](Expr &expr) {
                         if (ProbeWrite *node = expr.as<ProbeWrite>())
                           found.push_back(node);
                         return true;
                       },
                       [](Stmt &) { return true; }});
  return found;
}

} // namespace

void answer_probe_writes(std::vector<Piece> &pieces) {
  for (Piece &asking : pieces) {
    std::vector<ProbeWrite *> asked = questions(*asking.stmt);
    if (asked.empty())
      continue;
    Names written;
    for (Piece &piece : pieces)
      if (piece.depth < asking.depth || piece.depth == 0)
        add_written(*piece.stmt, written);
    for (ProbeWrite *node : asked)
      node->answer = written.contains(node->name) ? ProbeWrite::Answer::yes : ProbeWrite::Answer::no;
  }
}

} // namespace tapjit

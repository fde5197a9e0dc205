// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/call_graph.h"

#include "frontend/visit.h"

namespace tapjit {

CallGraph::CallGraph(const Program &program) : callees_(program.functions.size()), callers_(program.functions.size()) {
  for (uint32_t i = 0; i < program.functions.size(); ++i) {
    const FunctionInfo &function = program.functions[i];
    if (function.next_overload.valid())
      callees_[i].insert(function.next_overload.index());
    if (function.body)
      ast::walk(const_cast<ast::Stmt &>(*function.body), Overload{[&](ast::Expr &expr) {
                                                                    if (const auto *call = expr.as<ast::Call>();
                                                                        call && call->function.valid())
                                                                      callees_[i].insert(call->function.index());
                                                                    return true;
                                                                  },
                                                                  [](ast::Stmt &) { return true; }});
    for (uint32_t callee : callees_[i])
      callers_[callee].insert(i);
  }
}

void CallGraph::spread(const Edges &to, Facts &facts) {
  std::vector<uint32_t> work;
  for (uint32_t i = 0; i < facts.size(); ++i)
    if (!facts[i].empty())
      work.push_back(i);
  while (!work.empty()) {
    uint32_t from = work.back();
    work.pop_back();
    for (uint32_t next : to[from]) {
      size_t before = facts[next].size();
      if (next != from)
        facts[next].insert(facts[from].begin(), facts[from].end());
      if (facts[next].size() != before)
        work.push_back(next);
    }
  }
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Which function of a program calls which, and facts that go along the calls.
#pragma once

#include "frontend/program.h"

#include <cstdint>
#include <set>
#include <vector>

namespace tapjit {

class CallGraph {
public:
  // By FunctionId::index(); of globals, for example.
  using Facts = std::vector<std::set<uint32_t>>;

  // Walks all functions' bodies. Requires: names bound.
  explicit CallGraph(const Program &program);

  // Each function gets what the functions have that it calls, through any number of calls.
  void spread_to_callers(Facts &facts) const { spread(callers_, facts); }
  // Each function gets what the functions have that call it.
  void spread_to_callees(Facts &facts) const { spread(callees_, facts); }

private:
  using Edges = std::vector<std::set<uint32_t>>;
  static void spread(const Edges &to, Facts &facts);

  // A function that another overload follows calls that: a call of the first may go on there.
  Edges callees_, callers_;
};

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Worst cases of probes, with their reasons.
#include "ir/costs.h"
#include "ir/parse.h"
#include "ir/passes/pipeline.h"

#include <gtest/gtest.h>

namespace tapjit::ir {
namespace {

Module parsed(const std::string &text) {
  auto module = parse(text);
  EXPECT_TRUE(module) << module.error().observed;
  return std::move(*module);
}

constexpr const char *loops = R"(module "m"
limit MAXACTION 1000
file 0 "a.stp"
global @m [i64] i64 max 50
global @big [i64] i64
func &down script (i64) -> i64 {
^0:
  %n = param i64 0
  %r = call &down, %n
  ret %r
}
func &counted probe () -> void {
^0:
  %zero = const.i64 0
  %ten = const.i64 10
  %one = const.i64 1
  jmp ^1
^1:
  %i = phi i64 [^0: %zero, ^2: %next]
  %c = lt %i, %ten
  br %c, ^2, ^3
^2:
  charge 1
  %next = add %i, %one
  jmp ^1
^3:
  ret
}
func &each probe () -> void {
^0:
  %two = const.i64 2
  %all = const.i64 -1
  %small = iter.begin @m, %all, none
  jmp ^1
^1:
  charge 1
  %more = iter.next @m, %small
  br %more, ^2, ^3
^2:
  jmp ^1
^3:
  %top = iter.begin @big, %two, none
  jmp ^4
^4:
  charge 1
  %again = iter.next @big, %top
  br %again, ^5, ^6
^5:
  jmp ^4
^6:
  ret
}
func &unknown probe () -> void {
^0:
  jmp ^1
^1:
  charge 1
  %x = ctx.reg 5
  br %x, ^1, ^2
^2:
  %y = call &down, %x
  ret
}
probe 0 &counted event
probe 1 &each event
probe 2 &unknown event
site "a" probe 0 pp "a"
site "a" probe 1 pp "b"
site "a" probe 2 pp "c"
)";

TEST(IrCost, LoopsAreBoundedByCountersMapsAndLimits) {
  Module module = parsed(loops);
  std::vector<ProbeCost> costs = estimate_costs(module);
  ASSERT_EQ(costs.size(), 3u);
  ASSERT_EQ(costs[0].loops.size(), 1u);
  EXPECT_EQ(costs[0].loops[0].kind, LoopBound::Kind::Counter);
  EXPECT_EQ(costs[0].loops[0].turns, 10);
  EXPECT_EQ(costs[0].loops[0].reason, "counts to a constant: 10 turns");
  EXPECT_EQ(costs[0].actions, 11);
  ASSERT_EQ(costs[1].loops.size(), 2u);
  EXPECT_EQ(costs[1].loops[0].kind, LoopBound::Kind::MapSize);
  EXPECT_EQ(costs[1].loops[0].turns, 50);
  EXPECT_EQ(costs[1].loops[1].kind, LoopBound::Kind::Limit);
  EXPECT_EQ(costs[1].loops[1].turns, 2);
  EXPECT_EQ(costs[1].actions, 51 + 3);
  EXPECT_EQ(costs[2].loops[0].kind, LoopBound::Kind::Budget);
  EXPECT_EQ(costs[2].loops[0].turns, 1000);
  EXPECT_FALSE(costs[2].actions);
}

TEST(IrCost, RecursionIsAsDeepAsNestingAllows) {
  Module module = parsed(loops);
  std::vector<ProbeCost> costs = estimate_costs(module);
  EXPECT_EQ(costs[0].recursion_depth, 0);
  EXPECT_EQ(costs[2].recursion_depth, 12); // two calls deep, and 10
  module.limits["MAXNESTING"] = 4;
  EXPECT_EQ(estimate_costs(module)[2].recursion_depth, 4);
}

TEST(IrCost, DearerHandlersCostMore) {
  Module module = parsed(loops);
  std::vector<ProbeCost> costs = estimate_costs(module);
  EXPECT_LT(costs[0].instructions, costs[1].instructions);
  EXPECT_LT(costs[1].instructions, costs[2].instructions);
  EXPECT_GT(costs[0].nanoseconds, 0);
  run_passes(module);
  EXPECT_EQ(module.probes[0].cost, estimate_costs(module)[0].instructions);
}

} // namespace
} // namespace tapjit::ir

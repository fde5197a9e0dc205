// SPDX-License-Identifier: GPL-2.0-or-later
// Two hits at once: what lock placement leaves possible, held against the same module with its locks taken out. And
// sessions in virtual time.
#include "ir/interpret/context_script.h"
#include "ir/interpret/interleave.h"
#include "ir/parse.h"
#include "ir/passes/pipeline.h"
#include "ir/print.h"

#include <gtest/gtest.h>

namespace tapjit::ir {
namespace {

Module decided(const std::string &text, bool optimize = true) {
  auto module = parse(text);
  if (!module) {
    ADD_FAILURE() << module.error().observed;
    return {};
  }
  PassOptions options;
  options.verify = true;
  options.optimize = optimize;
  for (const std::string &finding : try_passes(*module, options))
    ADD_FAILURE() << finding;
  return std::move(*module);
}

size_t remove_locks(Module &module) {
  size_t removed = 0;
  for (Function &function : module.functions)
    for (Block &block : function.blocks)
      removed += std::erase_if(block.insts, [&](ValueId value) {
        Op op = function.insts[value.index].op;
        return op == Op::Lock || op == Op::Unlock;
      });
  return removed;
}

// One probe moves from @a to @b, the other says what it sees: the sum is always 100.
const char *const transfer = R"(module "m"
global @a i64 = 100
global @b i64
global @seen [str] i64
func &move probe () -> void {
^0:
  %a = gload @a
  %b = gload @b
  %ten = const.i64 10
  %less = sub %a, %ten
  gstore @a, %less
  %more = add %b, %ten
  gstore @b, %more
  ret
}
func &look probe () -> void {
^0:
  %a = gload @a
  %b = gload @b
  %sum = add %a, %b
  print "%d ", %sum
  ret
}
probe 0 &move event
probe 1 &look event
)";

std::string sum_is_kept(Machine &machine, const Interleaving &result) {
  for (const Outcome &outcome : result.outcomes)
    if (outcome.skipped || !outcome.is_fine())
      return outcome.skipped ? "" : outcome.internal;
  machine.hit(ProbeId{1});
  std::string output = machine.output();
  return output.find_first_not_of("10 ") == std::string::npos && output.find("100") == 0 ? "" : "saw " + output;
}

TEST(IrInterleave, LocksKeepAnInvariantBetweenGlobals) {
  Module module = decided(transfer);
  std::vector<ScriptedHit> hits = {{ProbeId{0}, {}}, {ProbeId{1}, {}}};
  auto wrong = find_wrong_schedule(module, hits, 1, 500, sum_is_kept);
  EXPECT_FALSE(wrong) << wrong->schedule << " " << wrong->what;
  ASSERT_GT(remove_locks(module), 0u) << print(module);
  wrong = find_wrong_schedule(module, hits, 1, 500, sum_is_kept);
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->what.substr(0, 4), "saw ");
  // The schedule that was found shows it again.
  Machine machine(module);
  Interleaving again = interleave(machine, hits, std::string_view(wrong->schedule));
  EXPECT_EQ(again.schedule, wrong->schedule);
  EXPECT_EQ(sum_is_kept(machine, again), wrong->what);
}

// Three hits that each do n = n + 1 by way of a function, and one that adds to a map.
const char *const counting = R"(module "m"
global @n i64
global @m [i64] i64
func &next script () -> i64 {
^0:
  %n = gload @n
  %one = const.i64 1
  %more = add %n, %one
  gstore @n, %more
  ret %more
}
func &count probe () -> void {
^0:
  %k = ctx.reg 0
  %one = const.i64 1
  %n = call &next
  %had = map.get @m, %k
  %new = add %had, %one
  map.set @m, %k, %new
  ret
}
func &show probe () -> void {
^0:
  %n = gload @n
  %k = const.i64 0
  %m = map.get @m, %k
  print "%d %d", %n, %m
  ret
}
probe 0 &count event
probe 1 &show event
)";

std::string nothing_is_lost(Machine &machine, const Interleaving &result) {
  size_t ran = 0;
  for (const Outcome &outcome : result.outcomes)
    ran += !outcome.skipped;
  machine.hit(ProbeId{1});
  std::string wanted = std::to_string(ran) + " " + std::to_string(ran);
  return machine.output() == wanted ? "" : machine.output() + " after " + std::to_string(ran) + " hits";
}

TEST(IrInterleave, ThreeHitsLoseNoUpdate) {
  std::vector<ScriptedHit> hits(3, {ProbeId{0}, {}});
  for (bool optimize : {false, true}) {
    Module module = decided(counting, optimize);
    auto wrong = find_wrong_schedule(module, hits, 7, 500, nothing_is_lost);
    EXPECT_FALSE(wrong) << wrong->schedule << " " << wrong->what;
    ASSERT_GT(remove_locks(module), 0u);
    // Optimized, each update is one op, which nothing can come between here.
    EXPECT_EQ(find_wrong_schedule(module, hits, 7, 500, nothing_is_lost).has_value(), !optimize);
  }
}

// `n++` alone has no lock, and loses nothing.
TEST(IrInterleave, CommutativeUpdatesNeedNoLock) {
  Module module = decided(R"(module "m"
global @n i64
func &count probe () -> void {
^0:
  %one = const.i64 1
  gadd @n, %one
  ret
}
func &show probe () -> void {
^0:
  %n = gload @n
  print "%d", %n
  ret
}
probe 0 &count event
probe 1 &show session
)");
  ASSERT_EQ(remove_locks(module), 0u);
  auto wrong = find_wrong_schedule(module, {{ProbeId{0}, {}}, {ProbeId{0}, {}}}, 1, 100,
                                   [](Machine &machine, const Interleaving &) {
                                     machine.hit(ProbeId{1});
                                     return machine.output() == "2" ? "" : machine.output();
                                   });
  EXPECT_FALSE(wrong) << wrong->schedule << " " << wrong->what;
}

// A hit that waits for its lock MAXTRYLOCK times leaves, and what it held is free again.
TEST(IrInterleave, AHitThatGetsNoLockIsSkipped) {
  Module module = decided(transfer);
  Machine machine(module);
  std::vector<ScriptedHit> hits = {{ProbeId{0}, {}}, {ProbeId{1}, {}}};
  Interleaving result = interleave(machine, hits, std::string(3, '0') + std::string(200, '1'));
  EXPECT_FALSE(result.outcomes[0].skipped);
  EXPECT_TRUE(result.outcomes[1].skipped);
  EXPECT_EQ(std::count(result.schedule.begin(), result.schedule.end(), '1'), 100);
  EXPECT_FALSE(machine.hit(ProbeId{1}).skipped);
  EXPECT_EQ(machine.output(), "100 ");
}

const char *const session_text = R"ir(module "m"
file 0 "t.stp"
limit MAXERRORS 1
global @n i64
func &begin probe () -> void {
^0:
  %pp = ctx.pp
  print "%s\n", %pp
  ret
}
func &tick probe () -> void {
^0:
  %one = const.i64 1
  gadd @n, %one
  %n = gload @n
  %pp = ctx.pp
  print "%s %d\n", %pp, %n
  %ten = const.i64 5
  %much = ge %n, %ten
  br %much, ^1, ^2
^1:
  exit
  ret
^2:
  ret
}
func &fails probe () -> void {
^0:
  %line = const.str "no good\n"
  warn %line
  %text = const.str "no good"
  error %text !0:7:3
  ret
}
probe 0 &begin session
probe 1 &tick event
probe 2 &fails session
site "begin" probe 0 pp "begin(5)" function "" { priority = 5 }
site "begin" probe 0 pp "begin" function "" { priority = 0 }
site "timer" probe 1 pp "timer.ms(3)" function "" { interval = 3000000, randomize = 0, jiffies = 0 }
site "timer" probe 1 pp "timer.ms(2)" function "" { interval = 2000000, randomize = 0, jiffies = 0 }
site "end" probe 0 pp "end" function "" { priority = 0 }
site "error" probe 0 pp "error" function "" { priority = 0 }
)ir";

TEST(IrSession, BeginTimersEnd) {
  auto module = parse(session_text);
  ASSERT_TRUE(module) << module.error().observed;
  SessionResult result = run_session(*module);
  EXPECT_EQ(result.output, "begin\nbegin(5)\ntimer.ms(2) 1\ntimer.ms(3) 2\ntimer.ms(2) 3\ntimer.ms(3) 4\n"
                           "timer.ms(2) 5\nend\n");
  EXPECT_EQ(result.messages, "");
  EXPECT_FALSE(result.failed);
  SessionOptions options;
  options.length_ns = 2'500'000;
  EXPECT_EQ(run_session(*module, options).output, "begin\nbegin(5)\ntimer.ms(2) 1\nend\n");
}

TEST(IrSession, ErrorsEndItInErrorProbes) {
  std::string text = session_text;
  text += "site \"begin\" probe 2 pp \"begin(1)\" function \"\" { priority = 1 }\n"
          "site \"begin\" probe 2 pp \"begin(6)\" function \"\" { priority = 6 }\n"
          "site \"begin\" probe 2 pp \"begin(7)\" function \"\" { priority = 7 }\n";
  auto module = parse(text);
  ASSERT_TRUE(module) << module.error().observed;
  SessionResult result = run_session(*module);
  EXPECT_EQ(result.output, "begin\nbegin(5)\nerror\n");
  EXPECT_EQ(result.messages, "WARNING: no good\nERROR: no good near identifier 'error' at t.stp:7:3\n"
                             "WARNING: no good\nERROR: no good near identifier 'error' at t.stp:7:3\n");
  EXPECT_TRUE(result.failed);
}

TEST(IrSession, ContextScriptsAreChecked) {
  Module module = decided(transfer);
  auto message = [&](const char *text) {
    auto read = read_context_script(text, module);
    return read ? "" : read.error().observed;
  };
  EXPECT_EQ(message("register 5 7 ; a comment\nhit 0 1\nvalue f \"text\""), "");
  EXPECT_EQ(message("\n register x 7"), "2:11: expected a number");
  EXPECT_EQ(message("register -1 7"), "1:10: -1 is not from 0 to 1023");
  EXPECT_EQ(message("hit 2"), "1:5: there is no probe 2");
  EXPECT_EQ(message("time 5 6"), "1:8: expected the end of the line");
  EXPECT_EQ(
      message("colour 5"),
      "1:1: `colour` is none of register, entry, argument, point, function, message, kernel, user, value, time, hit");
  EXPECT_EQ(message("point \"x"), "1:10: a string that does not end, or a number out of range");
}

} // namespace
} // namespace tapjit::ir

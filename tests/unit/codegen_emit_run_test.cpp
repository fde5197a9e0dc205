// SPDX-License-Identifier: GPL-2.0-or-later
// IR text through passes, emitter, compiler and user runtime.
#include "tests/unit/codegen_emit_support.h"

#include <algorithm>
#include <fmt/format.h>
#include <gtest/gtest.h>

namespace tapjit {
namespace {

using test::run_ir;
using test::RunResult;

// A module with one begin probe of this body; `tables` stands before it.
std::string begin(std::string_view body, std::string_view tables = "") {
  return fmt::format("module \"t\"\nfile 0 \"t.stp\"\n{}\nfunc &probe_0 probe () -> void !0:1:1 {{\n{}\n}}\n"
                     "probe 0 &probe_0 session\n"
                     "site \"begin\" probe 0 pp \"begin\" function \"\" {{ priority = 0 }}\n",
                     tables, body);
}

TEST(EmitRun, hello) {
  RunResult run = run_ir(begin("^0:\n print \"hello\\n\"\n exit\n ret"));
  EXPECT_EQ(run.output, "hello\n");
  EXPECT_EQ(run.errors, "");
  EXPECT_EQ(run.status, 0);
}

TEST(EmitRun, hello_with_gcc) {
  RunResult run = run_ir(begin("^0:\n print \"hello\\n\"\n exit\n ret"), "gcc");
  EXPECT_EQ(run.output, "hello\n");
  EXPECT_EQ(run.errors, "");
}

TEST(EmitRun, integers) {
  RunResult run = run_ir(begin(R"(^0:
  %a = gload @a
  %b = gload @b
  %m = gload @min
  %one = const.i64 -1
  %sum = add %a, %b
  %quotient = div %a, %b
  %rest = mod %a, %b
  print "%d %d %d\n", %sum, %quotient, %rest
  %wrap = sub %m, %a
  %q = div %m, %one
  %r = mod %m, %one
  print "%d %d %d\n", %wrap, %q, %r
  %sixty = const.i64 68
  %left = shl %a, %sixty
  %right = shr %m, %sixty
  %not = not %a
  %neg = neg %a
  print "%d %d %d %d\n", %left, %right, %not, %neg
  %less = lt %b, %a
  %and = and %a, %one
  %byte = trunc %m, 1
  %low = trunc %one, 2
  %high = trunc %one, -2
  print "%d %d %d %d %d\n", %less, %and, %byte, %low, %high
  ret)",
                               "global @a i64 = 7\nglobal @b i64 = -2\nglobal @min i64 = -9223372036854775808\n"));
  EXPECT_EQ(run.output, "5 -3 1\n"
                        "9223372036854775801 -9223372036854775808 0\n"
                        "112 -576460752303423488 -8 -7\n"
                        "1 7 0 65535 -1\n");
  EXPECT_EQ(run.errors, "");
}

// A failure ends the handler; what was printed before it stays. MAXERRORS is 0: the session ends.
TEST(EmitRun, failure_leaves_the_handler) {
  RunResult run = run_ir(begin(R"(^0:
  %zero = gload @z
  print "before\n"
  %q = div %zero, %zero !0:3:9
  print "after %d\n", %q
  ret)",
                               "global @z i64 = 0\n"));
  EXPECT_EQ(run.output, "before\n");
  EXPECT_EQ(run.errors, "ERROR: division by 0 near operator '/' at t.stp:3:9\n");
  EXPECT_EQ(run.status, 1);
}

TEST(EmitRun, catch_block) {
  RunResult run = run_ir(begin(R"(^0:
  %zero = gload @z
  %q = mod %zero, %zero !0:3:9
  onfail ^1, ^2
^1:
  print "not here %d\n", %q
  ret
^2 catch:
  %raw = catch.message
  %message = str.copy %raw
  print "caught %s\n", %message
  ret)",
                               "global @z i64 = 0\n"));
  EXPECT_EQ(run.output, "caught division by 0\n");
  EXPECT_EQ(run.errors, "");
}

// The phis of ^1 exchange their values on the back edge.
TEST(EmitRun, loop_with_phis) {
  RunResult run = run_ir(begin(R"(^0:
  %zero = const.i64 0
  %one = const.i64 1
  %five = gload @n
  jmp ^1
^1: preds ^0, ^2
  %a = phi i64 [^0: %zero, ^2: %b]
  %b = phi i64 [^0: %one, ^2: %a]
  %i = phi i64 [^0: %zero, ^2: %next]
  %go = lt %i, %five
  br %go, ^2, ^3
^2:
  charge 1
  print "%d%d ", %a, %b
  %next = add %i, %one
  jmp ^1
^3:
  print "\n"
  ret)",
                               "global @n i64 = 5\n"));
  EXPECT_EQ(run.output, "01 10 01 10 01 \n");
}

TEST(EmitRun, charge_used_up) {
  RunResult run = run_ir(begin(R"(^0:
  jmp ^1
^1: preds ^0, ^1
  charge 1 !0:2:1
  %one = const.i64 1
  gadd @n, %one
  jmp ^1)",
                               "global @n i64 = 0\n"));
  EXPECT_EQ(run.errors, "ERROR: MAXACTION exceeded near statement at t.stp:2:1\n");
}

TEST(EmitRun, strings) {
  RunResult run = run_ir(begin(R"(^0:
  %s0 = gload @s
  %s = str.copy %s0
  %x = const.str "x"
  %t = str.concat %s, %s
  %u = str.concat %t, %x
  gstore @s, %u
  %v0 = gload @s
  %v = str.copy %v0
  %less = str.lt %s, %v
  %eq = str.eq %u, %v
  %ge = str.ge %x, %v
  print "[%s] [%5s] [%-5s] [%.2s] %d%d%d\n", %v, %x, %x, %v, %less, %eq, %ge
  %f = sprint "<%s|%05d|%#x>", %v, %eq, %less
  print "%s\n", %f
  %long = str.concat %f, %f
  print "%s\n", %long
  ret)",
                               "limit MAXSTRINGLEN 16\nglobal @s str = \"ab\"\n"));
  EXPECT_EQ(run.output, "[ababx] [    x] [x    ] [ab] 111\n<ababx|00001|0x\n<ababx|00001|0x\n");
}

TEST(EmitRun, maps) {
  RunResult run = run_ir(begin(R"(^0:
  %a = const.str "a"
  %b = const.str "b"
  %one = const.i64 1
  %two = const.i64 2
  map.set @m, %a, %one, %two
  %n = map.add @m, %b, %one, %one
  %n2 = map.add @m, %b, %one, %two
  %g = map.get @m, %a, %one
  %absent = map.get @m, %a, %two
  %has = map.has @m, %b, %one
  %hasnot = map.has @m, %b, %two
  print "%d %d %d %d %d %d\n", %n, %n2, %g, %absent, %has, %hasnot
  map.del @m, %a, %one
  %gone = map.has @m, %a, %one
  map.set @names, %one, %a
  %v = map.get @names, %one
  %w = str.copy %v
  %e = map.get @names, %two
  %f = str.copy %e
  print "%d [%s] [%s]\n", %gone, %w, %f
  gclear @m
  %cleared = map.has @m, %b, %one
  %again = map.add @m, %b, %one, %two
  print "%d %d\n", %cleared, %again
  map.set @small, %one, %one
  map.set @small, %two, %two
  map.set @small, %n2, %one !0:9:1
  ret)",
                               "global @m [str, i64] i64\nglobal @names [i64] str\nglobal @small [i64] i64 max 2\n"));
  EXPECT_EQ(run.output, "1 3 2 0 1 0\n0 [a] []\n0 2\n");
  EXPECT_EQ(run.errors, "ERROR: Array overflow, check size limit (2) near identifier 'small' at t.stp:9:1\n");
}

// Prints the elements of @m in the order that `sort` asks for, at most `limit`.
std::string foreach (std::string_view sort, int limit) {
  return fmt::format(R"(
  %limit{0} = const.i64 {1}
  %it{0} = iter.begin @m, %limit{0}{2}
  jmp ^head{0}
^head{0}:
  %more{0} = iter.next @m, %it{0}
  br %more{0}, ^body{0}, ^done{0}
^body{0}:
  charge 1
  %k{0} = iter.key @m, %it{0}, 0
  %c{0} = str.copy %k{0}
  %v{0} = iter.value @m, %it{0}
  print "%s=%d ", %c{0}, %v{0}
  jmp ^head{0}
^done{0}:
  print "\n")",
                     sort[2], limit, sort);
}

TEST(EmitRun, foreach_in_order) {
  std::string body = "^0:\n";
  const std::pair<const char *, int> elements[] = {{"c", 5}, {"a", 9}, {"d", -1}, {"b", 5}, {"e", 7}};
  for (auto [key, value] : elements)
    body += fmt::format("  %key_{0} = const.str \"{0}\"\n  %value_{0} = const.i64 {1}\n"
                        "  map.set @m, %key_{0}, %value_{0}\n",
                        key, value);
  body += foreach (", none", -1) + foreach (", value desc", 3) + foreach (", key 0", -1) + "\n  ret";
  RunResult run = run_ir(begin(body, "global @m [str] i64\n"));
  EXPECT_EQ(run.output, "c=5 a=9 d=-1 b=5 e=7 \na=9 e=7 c=5 \na=9 b=5 c=5 d=-1 e=7 \n");
  EXPECT_EQ(run.errors, "");
}

TEST(EmitRun, statistics) {
  std::string body = "^0:\n";
  for (int value : {1, 5, 6, 6, 300})
    body +=
        fmt::format("  %v{0}_{1} = const.i64 {0}\n  stat.add @s, %v{0}_{1}\n  map.stat.add @ms, %v{0}_{1}, %v{0}_{1}\n",
                    value, body.size());
  body += R"(
  %six = const.i64 6
  %count = stat.get @s, count
  %sum = stat.get @s, sum
  %min = stat.get @s, min
  %max = stat.get @s, max
  %avg = stat.get @s, avg
  %variance = stat.get @s, variance
  print "%d %d %d %d %d %d\n", %count, %sum, %min, %max, %avg, %variance
  %mcount = map.stat.get @ms, %six, count
  %zero = const.i64 0
  %mabsent = map.stat.get @ms, %zero, sum
  print "%d %d\n", %mcount, %mabsent
  print.hist @s
  map.print.hist @ms, %six
  gclear @s
  %empty = stat.get @s, min !0:7:7
  ret)";
  RunResult run = run_ir(begin(body, "global @s stat hist.log variance 0\nglobal @ms [i64] stat hist.linear 0 20 5\n"));
  EXPECT_EQ(run.output, "5 318 1 300 63 17542\n2 0\n"
                        "value |-------------------------------------------------- count\n"
                        "    0 |                                                   0\n"
                        "    1 |@                                                  1\n"
                        "    2 |                                                   0\n"
                        "    4 |@@@                                                3\n"
                        "    8 |                                                   0\n"
                        "   16 |                                                   0\n"
                        "      ~\n"
                        "   64 |                                                   0\n"
                        "  128 |                                                   0\n"
                        "  256 |@                                                  1\n"
                        "  512 |                                                   0\n"
                        " 1024 |                                                   0\n"
                        "\n"
                        "value |-------------------------------------------------- count\n"
                        "    0 |                                                   0\n"
                        "    5 |@@                                                 2\n"
                        "   10 |                                                   0\n"
                        "   15 |                                                   0\n"
                        "\n");
  EXPECT_EQ(run.errors, "ERROR: empty aggregate near identifier 's' at t.stp:7:7\n");
}

// f(n) = n ? "<" . f(n-1) . ">" : "." with a string in each frame.
TEST(EmitRun, recursion) {
  std::string function = R"(func &f script (i64) -> str !0:1:1 {
^0:
  %n = param i64 0
  br %n, ^1, ^2
^1:
  %one = const.i64 1
  %less = sub %n, %one
  %inner = call &f, %less !0:2:2
  %open = const.str "<"
  %close = const.str ">"
  %a = str.concat %open, %inner
  %b = str.concat %a, %close
  ret %b
^2:
  %dot = const.str "."
  ret %dot
}
)";
  RunResult run = run_ir(begin(R"(^0:
  %n = const.i64 4
  %s = call &f, %n
  print "%s\n", %s
  %deep = const.i64 100
  %t = call &f, %deep !0:9:9
  print "%s\n", %t
  ret)",
                               function));
  EXPECT_EQ(run.output, "<<<<.>>>>\n");
  EXPECT_EQ(run.errors, "ERROR: MAXNESTING exceeded near identifier 'f' at t.stp:2:2\n");
}

// What embedded C sees: private copies of strings, its own result, errors and prints of its own.
TEST(EmitRun, embedded_c) {
  RunResult run = run_ir(begin(R"(^0:
  %a = const.str "abc"
  %n = const.i64 20
  %u = call &upper, %a
  %t = call &twice, %n
  print "%s %d %s\n", %u, %t, %a
  %big = const.i64 1000
  %e = call &twice, %big !0:4:4
  print "%d\n", %e
  ret)",
                               R"(toplevel "static int64_t factor = 2;\n" !0:1:1
func &upper embedded (s: str) -> str pure text " STAP_ARG_s[0] -= 32; STAP_RETURN(STAP_ARG_s); "
func &twice embedded (x: i64) -> i64 !0:2:2 text " STAP_PRINTF(\"<%d>\", (int)STAP_ARG_x); if (STAP_ARG_x > 100) STAP_ERROR(\"%d is too much\", (int)STAP_ARG_x); STAP_RETVALUE = STAP_ARG_x * factor; (void)CONTEXT; "
)"));
  EXPECT_EQ(run.output, "<20>Abc 40 abc\n<1000>");
  EXPECT_EQ(run.errors, "ERROR: 1000 is too much near identifier 'twice' at t.stp:2:2\n");
}

TEST(EmitRun, wrapping_map_drops_the_oldest) {
  std::string body = "^0:\n";
  for (const char *key : {"a", "b", "c", "d"})
    body += fmt::format("  %key_{0} = const.str \"{0}\"\n  %n_{0} = map.add @m, %key_{0}, %one\n", key);
  body.insert(body.find('\n'), "\n  %one = const.i64 1");
  body += foreach (", none", -1) + "\n  ret";
  EXPECT_EQ(run_ir(begin(body, "global @m [str] i64 max 2 wrap\n")).output, "c=1 d=1 \n");
}

// begin in the order of priority; a timer that counts to three and exits; end after it; error not at all.
TEST(EmitRun, life_of_a_session) {
  RunResult run = run_ir(R"ir(module "t"
file 0 "t.stp"
global @n i64 = 0
func &first probe () -> void {
^0:
  %pp = ctx.pp
  print "first %s\n", %pp
  ret
}
func &second probe () -> void {
^0:
  print "second\n"
  ret
}
func &tick probe () -> void {
^0:
  %one = const.i64 1
  gadd @n, %one
  %n = gload @n
  print "tick %d\n", %n
  %three = const.i64 3
  %done = ge %n, %three
  br %done, ^1, ^2
^1:
  exit
  ret
^2:
  ret
}
func &last probe () -> void {
^0:
  print "end\n"
  ret
}
func &failed probe () -> void {
^0:
  print "error\n"
  ret
}
probe 0 &first session
probe 1 &second session
probe 2 &tick event
probe 3 &last session
probe 4 &failed session
site "begin" probe 1 pp "begin(5)" { priority = 5 }
site "begin" probe 0 pp "begin(-5)" { priority = -5 }
site "timer" probe 2 pp "timer.ms(1)" { interval = 1000000, randomize = 0, jiffies = 0 }
site "end" probe 3 pp "end" { priority = 0 }
site "error" probe 4 pp "error" { priority = 0 }
site "never" probe 4 pp "never"
)ir");
  EXPECT_EQ(run.output, "first begin(-5)\nsecond\ntick 1\ntick 2\ntick 3\nend\n");
  EXPECT_EQ(run.errors, "");
  EXPECT_EQ(run.status, 0);
}

// More than MAXERRORS failures: error handlers run, end handlers and the rest of begin do not.
TEST(EmitRun, errors_end_the_session) {
  RunResult run = run_ir(R"ir(module "t"
limit MAXERRORS 1
file 0 "t.stp"
func &fails probe () -> void {
^0:
  %m = const.str "oops"
  error %m !0:1:2
  ret
}
func &says probe () -> void {
^0:
  %f = ctx.pp
  print "%s\n", %f
  ret
}
probe 0 &fails session
probe 1 &says session
site "begin" probe 0 pp "begin" { priority = 0 }
site "begin" probe 1 pp "begin(1)" { priority = 1 }
site "begin" probe 0 pp "begin(2)" { priority = 2 }
site "begin" probe 1 pp "begin(3)" { priority = 3 }
site "end" probe 1 pp "end" { priority = 0 }
site "error" probe 1 pp "error" { priority = 0 }
)ir");
  EXPECT_EQ(run.output, "begin(1)\nerror\n");
  EXPECT_EQ(run.errors, "ERROR: oops near identifier 'error' at t.stp:1:2\n"
                        "ERROR: oops near identifier 'error' at t.stp:1:2\n");
  EXPECT_EQ(run.status, 1);
}

TEST(EmitRun, many_lines_from_one_handler) {
  RunResult run = run_ir(begin(R"(^0:
  %zero = const.i64 0
  %one = const.i64 1
  %end = gload @n
  jmp ^1
^1: preds ^0, ^2
  %i = phi i64 [^0: %zero, ^2: %next]
  %go = lt %i, %end
  br %go, ^2, ^3
^2:
  charge 1
  print "line %d of a long output\n", %i
  %next = add %i, %one
  jmp ^1
^3:
  ret)",
                               "limit MAXACTION 1000000\nglobal @n i64 = 100000\n"));
  EXPECT_EQ(std::count(run.output.begin(), run.output.end(), '\n'), 100000);
  EXPECT_TRUE(run.output.ends_with("line 99999 of a long output\n"));
  EXPECT_EQ(run.errors, "");
}

TEST(EmitRun, bad_address_is_a_soft_error) {
  RunResult run = run_ir(begin("^0:\n %a = const.i64 8\n %v = load.k %a, 4 !0:1:5\n print \"%d\", %v\n ret"));
  EXPECT_EQ(run.output, "");
  EXPECT_EQ(run.errors, "ERROR: read fault [man error::fault] at 0x0000000000000008 near statement at t.stp:1:5\n");
}

// The string "abc" lies in the module: its address comes from embedded C.
TEST(EmitRun, memory_is_copied_when_the_handler_runs) {
  RunResult run =
      run_ir(begin(R"(^0:
  %p = call &address
  %n = const.i64 2
  print "[%.3m] [%.*M] [%m]\n", %p, %n, %p, %p
  %bad = const.i64 16
  print "%.8m", %bad !0:3:3
  ret)",
                   "func &address embedded () -> i64 pure text \" STAP_RETURN((int64_t)(long)\\\"abc\\\"); \"\n"));
  EXPECT_EQ(run.output.substr(0, 20), "[abc] [6162] [a]\n" + std::string(3, '\0'));
  EXPECT_EQ(run.errors, "ERROR: read fault [man error::fault] at 0x0000000000000010 near statement at t.stp:3:3\n");
}

} // namespace
} // namespace tapjit

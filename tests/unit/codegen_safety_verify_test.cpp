// SPDX-License-Identifier: GPL-2.0-or-later
// Each case is C text, compiled as an emitted unit is, and the verdict that it must get.
#include "codegen/clang/driver.h"
#include "codegen/safety/safety.h"

#include <gtest/gtest.h>

namespace tapjit::codegen {
namespace {

constexpr const char *prelude = R"(
#include "runtime/core/ctx.h"
int64_t sink(int64_t); void helper(void); void unsafe_helper(void); void unknown(void);
void *memcpy(void *, const void *, unsigned long);
)";

CompiledUnit compile(const std::string &text) {
  static const auto arguments = compiler_arguments(user_flags());
  CompileRequest request;
  std::string whole = prelude + text;
  request.text = whole;
  request.name = "case.c";
  request.arguments = *arguments;
  request.include_dirs = {TAPJIT_SOURCE_DIR};
  request.debug_info = true;
  request.optimization = 2;
  auto unit = compile_unit(request);
  EXPECT_TRUE(unit) << unit.error().observed;
  for (const CompilerMessage &message : unit->messages())
    ADD_FAILURE() << message.line << ": " << message.text;
  return std::move(*unit);
}

SafetyReport verify(const std::string &text) {
  CompiledUnit unit = compile(text);
  Summaries runtime;
  runtime["sink"] = {true, "", {}};
  runtime["helper"] = {true, "", {}};
  runtime["tap_fail"] = {true, "", {}};
  runtime["unsafe_helper"] = {false, "it sleeps", {}};
  return verify_unit(unit.module(), context_layout(), runtime);
}

std::string refusal(const std::string &text) {
  SafetyReport report = verify(text);
  return report.findings.empty() ? "accepted" : report.findings[0].observed;
}

TEST(Loops, ConstantTripCount) {
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { for (int i = 0; i < 16; i++) sink(i); }"), "accepted");
  EXPECT_EQ(
      refusal("void h(struct tap_ctx *c) { for (int i = 0; i < 16; i++) for (int j = 0; j < 16; j++) sink(i * j); }"),
      "accepted");
}

TEST(Loops, HugeConstantIsNoProof) {
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { for (int i = 0; i < 100000000; i++) sink(i); }").find("more than the"),
            std::string::npos);
}

TEST(Loops, UnknownBound) {
  EXPECT_EQ(refusal("void h(struct tap_ctx *c, int64_t n) { for (int64_t i = 0; i < n; i++) sink(i); }"),
            "a loop without a constant bound on its turns, and without a charge");
  EXPECT_EQ(refusal("struct n { struct n *next; }; void h(struct n *p) { for (; p; p = p->next) sink(1); }"),
            "a loop without a constant bound on its turns, and without a charge");
}

TEST(Loops, ChargeOnEveryPath) {
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { while (sink(1)) if (!tap_charge(c, 1, \"\")) return; }"), "accepted");
  EXPECT_EQ(
      refusal("void h(struct tap_ctx *c) { for (;;) { sink(1); if (!tap_work_charge(c, \"\")) goto fail; } fail:; }"),
      "accepted");
}

TEST(Loops, ChargeOnOnePathOnly) {
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { while (sink(1)) if (sink(2) && !tap_charge(c, 1, \"\")) return; }"),
            "a loop with a way through it that pays no charge");
}

TEST(Loops, ChargeThatDoesNotLeave) {
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { while (sink(1)) tap_charge(c, 1, \"\"); }"), "accepted");
}

TEST(Loops, ChargeOfSomethingElse) {
  // A volatile decrement that is no budget of the context.
  EXPECT_NE(refusal("struct o { long pad[200]; volatile int64_t n; }; void h(struct o *o) { while (sink(1)) { int64_t "
                    "l = o->n - 1; o->n = l; if (l < 0) return; } }"),
            "accepted");
  // A charge that goes upwards.
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { while (sink(1)) { int64_t l = c->actions + 1; c->actions = l; if (l < "
                    "0) return; } }"),
            "accepted");
}

// What a charge must be to bound a loop.
TEST(Loops, ChargeThatDoesNotBound) {
  // The budget was read before the loop.
  EXPECT_NE(
      refusal("void h(struct tap_ctx *c) { int64_t l = c->actions; while (sink(1)) { c->actions = l - 1; if (l - 1 < "
              "sink(2)) return; } }"),
      "accepted");
  // It must fall far below zero first.
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { while (sink(1)) { int64_t l = c->actions - 1; c->actions = l; if (l < "
                    "-1000000000000000) return; } }"),
            "accepted");
  // The loop gives itself budget.
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { while (sink(1)) { if (!tap_charge(c, 1, \"\")) return; c->actions = "
                    "1000; } }"),
            "a loop that gives itself budget");
  // A context of its own making.
  EXPECT_NE(refusal("static struct tap_ctx own; void h(struct tap_ctx *c) { while (sink(1)) if (!tap_charge(&own, 1, "
                    "\"\")) return; }"),
            "accepted");
  EXPECT_NE(refusal("void h(struct tap_ctx *c, struct tap_ctx *other) { while (sink(1)) if (!tap_charge(other, 1, "
                    "\"\")) return; }"),
            "accepted");
}

// Ways that LLVM may merge the ends of charges.
TEST(Loops, MergedCharges) {
  const std::string two_reads = "if (sink(2)) { l = c->actions; helper(); } else { l = c->actions; sink(3); }";
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { while (sink(1)) { int64_t l; " + two_reads +
                    " c->actions = l - 2; if (l - 2 < 0) return; } }"),
            "accepted");
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { while (sink(1)) { int64_t l; if (sink(2)) { l = c->actions - 1; "
                    "helper(); } else { l = c->actions - 7; sink(3); } c->actions = l; if (l < 0) return; } }"),
            "accepted");
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { while (sink(1)) if (!tap_charge(c, sink(2) ? 1 : 6, \"\")) return; }"),
            "accepted");
  // One of them charges nothing, or gives.
  for (const char *step : {"0", "-5"})
    EXPECT_NE(refusal("void h(struct tap_ctx *c) { while (sink(1)) if (!tap_charge(c, sink(2) ? 1 : " +
                      std::string(step) + ", \"\")) return; }"),
              "accepted");
  // One was read before the loop, or in an earlier turn.
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { int64_t old = c->actions; while (sink(1)) { int64_t l; if (sink(2)) { "
                    "l = old; helper(); } else { l = c->actions; sink(3); } c->actions = l - 2; if (l - 2 < 0) return; "
                    "} }"),
            "accepted");
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { int64_t l = c->actions; while (sink(1)) { c->actions = l - 2; if (l - "
                    "2 < 0) return; if (sink(2)) { l = c->actions; helper(); } } }"),
            "accepted");
  EXPECT_EQ(
      refusal("void h(struct tap_ctx *c) { int64_t l = c->actions; while (sink(1)) { if (!tap_charge(c, 1, \"\")) "
              "return; c->actions = l - 1; } }"),
      "a loop that gives itself budget");
}

TEST(Loops, NestedConstantBoundsMultiply) {
  EXPECT_NE(
      refusal("void h(struct tap_ctx *c) { for (int i = 0; i < 500; i++) for (int j = 0; j < 500; j++) for (int k = "
              "0; k < 500; k++) sink(i ^ j ^ k); }")
          .find("more than the"),
      std::string::npos);
}

TEST(Loops, InnerLoopDoesNotPayForTheOuter) {
  EXPECT_NE(
      refusal("void h(struct tap_ctx *c) { while (sink(1)) { while (sink(2)) if (!tap_charge(c, 1, \"\")) return; } }"),
      "accepted");
}

TEST(Loops, Irreducible) {
  EXPECT_NE(refusal("void h(struct tap_ctx *c) { if (sink(0)) goto b; a: sink(1); if (!tap_charge(c, 1, \"\")) return; "
                    "b: sink(2); if (sink(3)) goto a; }"),
            "accepted");
}

TEST(Recursion, NeedsTheNestingCheck) {
  EXPECT_NE(refusal("static __attribute__((noinline)) int64_t f(struct tap_ctx *c, int64_t n) { return sink(n) ? f(c, "
                    "n - 1) * 3 + sink(n) : 0; } int64_t h(struct tap_ctx *c) { return f(c, 9); }")
                .find("no nesting check"),
            std::string::npos);
  EXPECT_EQ(
      refusal(
          "static __attribute__((noinline)) int64_t f(struct tap_ctx *c, int64_t n) { int64_t r; if (!sink(n)) return "
          "0; if (!tap_nest(c, 12, \"\")) return 0; r = f(c, n - 1) * 3 + sink(n); tap_unnest(c); return r; } "
          "int64_t h(struct tap_ctx *c) { return f(c, 9); }"),
      "accepted");
}

TEST(Recursion, TheCheckMustBindTheCall) {
  constexpr const char *frame = "__attribute__((noinline, disable_tail_calls)) ";
  auto recursion = [&](const std::string &body) {
    return refusal(std::string("static ") + frame +
                   "int64_t f(struct tap_ctx *c, int64_t n) { if (!sink(n)) return 0; " + body +
                   " } int64_t h(struct tap_ctx *c) { return f(c, 9); }");
  };
  const std::string no_check = "a recursive call of `f` that no nesting check comes before";
  EXPECT_EQ(
      recursion("if (!tap_nest(c, 12, \"\")) return 0; n = f(c, n - 1); tap_unnest(c); if (!tap_nest(c, 12, \"\")) "
                "return 0; n += f(c, n - 2); tap_unnest(c); return n;"),
      "accepted");
  // Both ways of the test lead to the call; the wrong one does; nothing is counted.
  EXPECT_EQ(recursion("if (c->nesting < 12) sink(5); return f(c, n - 1) + 1;"), no_check);
  EXPECT_EQ(recursion("if (c->nesting < 12) return 7; c->nesting++; return f(c, n - 1) + 1;"), no_check);
  EXPECT_EQ(recursion("if (c->nesting >= 12) return 7; return f(c, n - 1) + 1;"), no_check);
  // A call by another prototype is a call.
  EXPECT_EQ(recursion("return ((int64_t (*)(struct tap_ctx *))f)(c) + 1;"), no_check);
}

TEST(Calls, OnTheListOrRefused) {
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { helper(); }"), "accepted");
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { unknown(); }"),
            "a call of `unknown`, which is not on the list of calls allowed in a handler");
  EXPECT_EQ(refusal("void h(struct tap_ctx *c) { unsafe_helper(); }"),
            "a call of the runtime's `unsafe_helper`, which is not safe in a handler: it sleeps");
  EXPECT_EQ(refusal("void h(void (*f)(void)) { f(); }"), "a call through a pointer");
  EXPECT_EQ(refusal("void h(void) { __asm__ volatile(\"cli; hlt\"); }"),
            "inline assembly that is not in the table: `cli; hlt`");
  EXPECT_EQ(refusal("void h(void) { __asm__ volatile(\"\" ::: \"memory\"); }"), "accepted");
}

TEST(Calls, SetupIsNotHandler) {
  EXPECT_EQ(
      refusal("static void only_setup(void) { unknown(); } int tap_globals_init(void) { only_setup(); return 0; }"),
      "accepted");
  EXPECT_NE(refusal("__attribute__((noinline)) static void both(void) { unknown(); } int tap_globals_init(void) { "
                    "both(); return 0; } void h(void) { both(); }"),
            "accepted");
}

TEST(Calls, WaysAroundTheTable) {
  EXPECT_EQ(refusal("int init_module(void) { return 0; } struct host { void (*f)(void); }; struct host *tap_host; void "
                    "h(void) { tap_host->f(); }"),
            "a call through a pointer");
  EXPECT_EQ(refusal("__asm__(\".globl memcpy\\nmemcpy: jmp memcpy\"); void h(void) { helper(); }"),
            "assembly outside functions: `.globl memcpy memcpy: jmp memcpy`");
  EXPECT_NE(refusal("void h(void) { if (sink(1)) __builtin_trap(); }"), "accepted");
  // An address that setup code gives away is called by somebody.
  EXPECT_NE(
      refusal("void (*hook)(void); static void evil(void) { unknown(); } int tap_globals_init(void) { hook = evil; "
              "return 0; }"),
      "accepted");
  EXPECT_NE(refusal("static void evil(void) { unknown(); } static void (*const table[])(void) = {evil}; void "
                    "*tap_globals_exit(void) { return (void *)table; }"),
            "accepted");
  EXPECT_NE(refusal("void tap_user_main(void) { unknown(); } int init_module(void) { return 0; }"), "accepted");
  EXPECT_NE(refusal("static void other(void) { unknown(); } void alias(void) __attribute__((alias(\"other\"))); void "
                    "h(void) { alias(); }"),
            "accepted");
  EXPECT_NE(refusal("__attribute__((constructor)) static void first(void) { unknown(); }"), "accepted");
}

TEST(Calls, FindingsCarryTheLine) {
  SafetyReport report = verify("\n#line 40 \"user.stp\"\nvoid h(struct tap_ctx *c) { unknown(); }");
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].file, "user.stp");
  EXPECT_EQ(report.findings[0].line, 40u);
}

TEST(Calls, FindingsNameWhatTheyWereInlinedFrom) {
  SafetyReport report = verify("static inline int64_t fn_embedded(void) { unknown(); return 1; }\nvoid "
                               "tap_handler_0(struct tap_ctx *c) { sink(fn_embedded()); }");
  ASSERT_EQ(report.findings.size(), 1u);
  EXPECT_EQ(report.findings[0].scopes, (std::vector<std::string>{"fn_embedded", "tap_handler_0"}));
}

TEST(Summaries, UnsafetySpreads) {
  Summaries all;
  all["a"] = {true, "", {"b"}};
  all["b"] = {true, "", {"kmalloc"}};
  all["c"] = {true, "", {"memcpy"}};
  close_summaries(all);
  EXPECT_FALSE(all["a"].handler_safe);
  EXPECT_EQ(all["b"].reason, "it calls `kmalloc`");
  EXPECT_TRUE(all["c"].handler_safe);
  Summaries again = summaries_from_text(summaries_to_text(all));
  EXPECT_EQ(summaries_to_text(again), summaries_to_text(all));
}

TEST(Imports, CodeGenerationIsHeldToTheListToo) {
  EXPECT_TRUE(verify_imports({"memcpy", "__stack_chk_fail", "current_task"}).empty());
  EXPECT_EQ(verify_imports({"__popcountdi2"}).size(), 1u);
}

} // namespace
} // namespace tapjit::codegen

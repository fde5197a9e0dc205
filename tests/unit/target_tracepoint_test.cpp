// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/tracepoint_headers.h"

#include <gtest/gtest.h>

namespace tapjit::target {

TEST(TracepointHeaders, ReadsAnEvent) {
  auto points = parse_trace_header(R"(
#undef TRACE_SYSTEM
#define TRACE_SYSTEM sched
/* TRACE_EVENT(in_a_comment, TP_PROTO(int a), TP_ARGS(a)) */
TRACE_EVENT(sched_switch,

	TP_PROTO(bool preempt,
		 struct task_struct *prev, // who goes
		 const char *comm, unsigned int state),

	TP_ARGS(preempt, prev, comm, state),
	TP_printk("prev_comm=%s (", REC->prev_comm)
);
)",
                                   "trace/events/sched.h");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].name, "sched_switch");
  EXPECT_EQ(points[0].system, "sched");
  EXPECT_EQ(points[0].header, "trace/events/sched.h");
  EXPECT_EQ(points[0].prototype, "bool preempt, struct task_struct *prev, const char *comm, unsigned int state");
  ASSERT_EQ(points[0].arguments.size(), 4u);
  EXPECT_EQ(points[0].arguments[0].type, "bool");
  EXPECT_EQ(points[0].arguments[1].type, "struct task_struct *");
  EXPECT_EQ(points[0].arguments[1].name, "prev");
  EXPECT_EQ(points[0].arguments[2].type, "const char *");
  EXPECT_EQ(points[0].arguments[3].type, "unsigned int");
}

TEST(TracepointHeaders, ReadsClassesAndBareTracepoints) {
  auto points = parse_trace_header(
      "#define TRACE_SYSTEM x\n"
      "DECLARE_EVENT_CLASS(c, TP_PROTO(int a), TP_ARGS(a), TP_printk(\"%d\", a));\n"
      "DEFINE_EVENT(c, one, TP_PROTO(int a), TP_ARGS(a));\n"
      "DEFINE_EVENT_CONDITION(c, two, TP_PROTO(int a), TP_ARGS(a), TP_CONDITION(a > 0));\n"
      "TRACE_EVENT_FN(three, TP_PROTO(struct pt_regs *regs, long id), TP_ARGS(regs, id), reg, unreg);\n"
      "DECLARE_TRACE(four, TP_PROTO(void), TP_ARGS());\n",
      "h");
  ASSERT_EQ(points.size(), 4u);
  EXPECT_EQ(points[0].name, "one");
  EXPECT_EQ(points[1].name, "two");
  EXPECT_EQ(points[2].name, "three");
  EXPECT_EQ(points[3].name, "four");
  EXPECT_EQ(points[3].prototype, "");
  EXPECT_TRUE(points[3].arguments.empty());
}

TEST(TracepointHeaders, ExpandsAHeadersOwnMacros) {
  auto points = parse_trace_header("#define TRACE_SYSTEM sunrpc\n"
                                   "#define DEFINE_RPC_EVENT(name) \\\n"
                                   "  DEFINE_EVENT(rpc_class, rpc_##name, \\\n"
                                   "    TP_PROTO(const struct rpc *clnt), TP_ARGS(clnt))\n"
                                   "DEFINE_RPC_EVENT(free);\nDEFINE_RPC_EVENT(kill);\n",
                                   "h");
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0].name, "rpc_free");
  EXPECT_EQ(points[1].name, "rpc_kill");
  EXPECT_EQ(points[0].arguments[0].type, "const struct rpc *");
}

TEST(TracepointHeaders, ArraysAndFunctionPointersArePointers) {
  auto points = parse_trace_header(
      "TRACE_EVENT(e, TP_PROTO(u8 id[16], void (*work)(int), unsigned long long n), TP_ARGS(id, work, n))", "h");
  ASSERT_EQ(points.size(), 1u);
  EXPECT_EQ(points[0].arguments[0].type, "u8 *");
  EXPECT_EQ(points[0].arguments[0].name, "id");
  EXPECT_EQ(points[0].arguments[1].name, "work");
  EXPECT_EQ(points[0].arguments[2].type, "unsigned long long");
}

TEST(TracepointHeaders, BrokenTextEnds) {
  for (const char *text : {"TRACE_EVENT(", "TRACE_EVENT(a, TP_PROTO(", "/* ", "\"", "#define X(",
                           "#define X(a) X(a)\nX(1)", "TRACE_EVENT(a, TP_PROTO)", "\\"})
    (void)parse_trace_header(text, "h");
}

TEST(TracepointHeaders, SimpleArgumentsNeedNoDebuginfo) {
  EXPECT_EQ(describe(*simple_argument("struct task_struct *", 1)), "arg:1");
  EXPECT_EQ(simple_argument("unsigned int", 0)->type.size, 4u);
  EXPECT_FALSE(simple_argument("enum foo", 0));
}

} // namespace tapjit::target

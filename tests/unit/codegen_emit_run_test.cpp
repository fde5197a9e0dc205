// SPDX-License-Identifier: GPL-2.0-or-later
// IR text through passes, emitter, compiler and user runtime.
#include "tests/unit/codegen_emit_support.h"

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

} // namespace
} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Deep nesting and long chains: they work or give an error, on a stack of 8 MB and under ASan.
#include "frontend_support.h"

#include "frontend/lower.h"
#include "ir/verify.h"

#include <gtest/gtest.h>

namespace tapjit::testing {
namespace {

std::string repeated(const std::string &text, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i)
    out += text;
  return out;
}

// Through lowering; the diagnostics.
std::string compile(const std::string &text) {
  auto result = elaborate_text(text);
  if (result->diagnostics.has_errors())
    return result->diagnostics.render_all();
  std::string canonical = print_file(*result->file);
  SourceId again = result->sources.add("again.stp", canonical, SourceKind::script);
  EXPECT_TRUE(print_file(*parse_script(result->sources, again, test_options(), result->diagnostics)) == canonical);
  ir::Module module = lower(result->program, result->sources, LowerOptions(), result->diagnostics);
  EXPECT_TRUE(ir::verify(module).empty());
  return result->diagnostics.render_all();
}

TEST(Depth, LongChainsWork) {
  for (std::string_view op : {" + 1", " . \"a\"", " | 1", " && 1", " == 1", " + 1 - 1"}) {
    SCOPED_TRACE(std::string(op));
    bool is_string = op[1] == '.';
    std::string chain = (is_string ? "\"a\"" : "x") + repeated(std::string(op), op == " + 1 - 1" ? 2500 : 5000);
    EXPECT_EQ(compile("global x = 1 probe begin { x++ println(" + chain + ") }"), "");
  }
}

TEST(Depth, NestingThatScriptsHave) {
  EXPECT_EQ(compile("global x = 1 probe begin { x++ println(" + repeated("(", 500) + "x" + repeated(")", 500) + ") }"),
            "");
  EXPECT_EQ(compile("global x = 1 probe begin { x++ " + repeated("if (x) {", 500) + repeated("}", 500) + " }"), "");
  EXPECT_EQ(compile("global x = 1 probe begin { if (x == 0) x++ " + repeated("else if (x == 2) x++ ", 500) + " }"), "");
}

TEST(Depth, EndlessNestingIsAnError) {
  constexpr size_t many = 100'000;
  for (const std::string &text :
       {"probe begin { x = " + repeated("(", many) + "1" + repeated(")", many) + " }",
        "probe begin { x = " + repeated("(", many),
        "probe begin { x = a" + repeated("[a", many),
        "probe begin { x = " + repeated("[", many),
        "probe begin " + repeated("{", many) + repeated("}", many),
        "probe begin { x = " + repeated("-", many) + "1 }",
        "probe begin { x = " + repeated("- ", many) + "1 }",
        "probe begin { x = " + repeated("!", many) + "1 }",
        "probe begin { x = " + repeated("f(", many),
        "probe begin { x = 1" + repeated(" + 1", many) + " }",
        "probe begin { x = 1" + repeated(" < 1", many) + " }",
        "probe begin { x = 1" + repeated(" ? 1 : 1", many) + " }",
        "probe begin { " + repeated("x = ", many) + "1 }",
        "probe begin { " + repeated("if (1) ", many) + "}",
        "probe begin { " + repeated("while (1) ", many) + "}",
        "probe begin { " + repeated("if (1) ; else ", many) + "; }",
        "probe begin { " + repeated("try { ", many) + "}",
        "probe " + repeated("{", many) + " begin",
        "probe begin { x = $a" + repeated("[$a", many),
        "probe begin { x = " + repeated("@defined(", many),
        repeated("%( 1 == 1 %? ", many),
        "@define m(x) %( @x %) probe begin { x = " + repeated("@m(", many) + "1" + repeated(")", many) + " }"}) {
    SCOPED_TRACE(text.substr(0, 40));
    EXPECT_NE(compile(text), "");
  }
}

TEST(Depth, ConditionsNestAsTheyLike) {
  constexpr size_t many = 100'000;
  EXPECT_EQ(compile(repeated("%( 1 == 1 %? ", many) + "probe begin { println(1) }" + repeated(" %)", many)), "");
  EXPECT_EQ(compile("probe begin { println(1) } " + repeated("%( 1 == 2 %? ", many) + repeated(" %)", many)), "");
}

} // namespace
} // namespace tapjit::testing

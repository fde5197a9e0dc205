// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/clang/driver.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace tapjit::codegen;

namespace {

std::vector<std::string> arguments() {
  auto result = compiler_arguments(user_flags());
  EXPECT_TRUE(result) << result.error().observed;
  return *result;
}

CompiledUnit compile(std::string_view text, CompileRequest request = {}) {
  request.text = text;
  request.name = "unit.c";
  if (request.arguments.empty())
    request.arguments = arguments();
  auto unit = compile_unit(request);
  EXPECT_TRUE(unit);
  return std::move(*unit);
}

class PchTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "pch-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    std::string command = "rm -rf '" + directory_ + "'";
    ASSERT_EQ(system(command.c_str()), 0);
  }
  PchResult build(const std::string &header, const std::string &prelude = {}) {
    std::ofstream(directory_ + "/top.h") << header;
    PchRequest request{directory_ + "/top.h", arguments(), {}, prelude, directory_ + "/top.pch"};
    auto result = build_pch(request);
    EXPECT_TRUE(result);
    return *result;
  }
  CompileRequest with_pch() {
    CompileRequest request;
    request.pch = directory_ + "/top.pch";
    return request;
  }
  std::string directory_;
};

} // namespace

TEST_F(PchTest, KnowsWhatATextIncludes) {
  std::ofstream(directory_ + "/inner.h") << "int inner;\n";
  std::ofstream(directory_ + "/outer.h") << "#include \"inner.h\"\n#include \"inner.h\"\n";
  CompiledUnit unit = compile("#include <" + directory_ + "/outer.h>\n");
  ASSERT_TRUE(unit.ok());
  EXPECT_EQ(unit.included_files(), (std::vector<std::string>{directory_ + "/inner.h", directory_ + "/outer.h"}));
}

TEST(Driver, CompilesToAnObject) {
  CompiledUnit unit = compile("int answer(void); int answer(void) { return 42; }");
  ASSERT_TRUE(unit.ok());
  auto object = unit.emit_object();
  ASSERT_TRUE(object);
  EXPECT_EQ(object->substr(0, 4), "\177ELF");
  EXPECT_EQ(unit.bitcode().substr(0, 2), "BC");
  EXPECT_GT(unit.times().front_end, 0);
  EXPECT_GT(unit.times().generation, 0);
}

TEST(Driver, TheSameTextGivesTheSameBytes) {
  const char *text = "static int counter; int next(void); int next(void) { return ++counter; }";
  auto first = compile(text), second = compile(text);
  EXPECT_EQ(*first.emit_object(), *second.emit_object());
}

TEST(Driver, MessagesFollowLineDirectives) {
  CompiledUnit unit = compile("int f(void) {\n#line 7 \"script.stp\"\n  return undeclared_thing;\n}\n");
  EXPECT_FALSE(unit.ok());
  ASSERT_EQ(unit.messages().size(), 1u);
  const CompilerMessage &message = unit.messages()[0];
  EXPECT_EQ(message.severity, CompilerMessage::Severity::Error);
  EXPECT_EQ(message.file, "script.stp");
  EXPECT_EQ(message.line, 7u);
  EXPECT_EQ(message.column, 10u);
  EXPECT_NE(message.text.find("undeclared_thing"), std::string::npos);
}

TEST(Driver, LinesCountFromTheTextNotTheDefines) {
  CompileRequest request;
  request.defines = {"MAXSTRINGLEN=512", "FLAG"};
  CompiledUnit good = compile("_Static_assert(MAXSTRINGLEN == 512 && FLAG, \"\");\nint x;", request);
  EXPECT_TRUE(good.ok());
  CompiledUnit bad = compile("int a;\nint b = nothing;\n", request);
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.messages()[0].file, "unit.c");
  EXPECT_EQ(bad.messages()[0].line, 2u);
}

TEST(Driver, InlineAssemblyErrorsHaveAPlace) {
  CompiledUnit unit = compile("void f(void) {\n#line 9 \"script.stp\"\n  asm volatile(\"frobnicate %rax\");\n}\n");
  bool failed = !unit.ok() || !unit.emit_object();
  EXPECT_TRUE(failed);
  ASSERT_FALSE(unit.messages().empty());
  EXPECT_EQ(unit.messages()[0].file, "script.stp");
  EXPECT_EQ(unit.messages()[0].line, 9u);
}

TEST(Driver, WarningsOnlyWhenAsked) {
  const char *text = "int f(void); int f(void) { int unused = 1; return 2; }";
  EXPECT_TRUE(compile(text).messages().empty());
  CompileRequest request;
  request.warnings = true;
  CompiledUnit unit = compile(text, request);
  EXPECT_TRUE(unit.ok());
  ASSERT_EQ(unit.messages().size(), 1u);
  EXPECT_EQ(unit.messages()[0].severity, CompilerMessage::Severity::Warning);
}

TEST(Driver, RefusedOptionsAreNamed) {
  auto result = compiler_arguments({"-fno-such-option-at-all"});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().observed.find("-fno-such-option-at-all"), std::string::npos);
}

TEST(Driver, StringVariable) {
  CompiledUnit unit = compile("const char magic[] = \"6.1 SMP \";");
  ASSERT_TRUE(unit.ok());
  EXPECT_EQ(unit.string_variable("magic"), "6.1 SMP ");
  EXPECT_EQ(unit.string_variable("other"), "");
}

TEST(Driver, TwoThreadsAtOnce) {
  auto work = [](bool *good) {
    for (int i = 0; i < 5 && *good; i++)
      *good = static_cast<bool>(compile("int f(int x); int f(int x) { return x * 3; }").emit_object());
  };
  bool a = true, b = true;
  std::thread other(work, &a);
  work(&b);
  other.join();
  EXPECT_TRUE(a && b);
}

TEST_F(PchTest, UnitsSeeIt) {
  ASSERT_TRUE(build("struct point { int x, y; }; static inline int sum(struct point p) { return p.x + p.y; }").ok);
  CompiledUnit unit = compile("int f(void); int f(void) { struct point p = {1, 2}; return sum(p); }", with_pch());
  EXPECT_TRUE(unit.ok()) << unit.messages()[0].text;
}

TEST_F(PchTest, PreludeComesFirst) {
  ASSERT_TRUE(build("#ifndef EARLY\n#error late\n#endif\n", "#define EARLY 1\n").ok);
  CompiledUnit unit = compile("int x = EARLY;", with_pch());
  EXPECT_TRUE(unit.ok());
}

TEST_F(PchTest, ATouchedHeaderIsNotComparedAgain) {
  // Whether a PCH still fits is the cache key's question.
  ASSERT_TRUE(build("enum { fresh = 1 };").ok);
  std::ofstream(directory_ + "/top.h") << "enum { changed_and_longer = 2 };";
  EXPECT_TRUE(compile("int x = fresh;", with_pch()).ok());
}

TEST_F(PchTest, DebugInformationOnlyWhenAsked) {
  ASSERT_TRUE(build("struct point { int x, y; };").ok);
  const char *text = "int f(struct point *p); int f(struct point *p) {\n#line 12 \"script.stp\"\n return p->x; }";
  EXPECT_EQ(compile(text, with_pch()).emit_object()->find(".debug_line"), std::string::npos);
  CompileRequest request = with_pch();
  request.debug_info = true;
  std::string object = *compile(text, request).emit_object();
  EXPECT_NE(object.find(".debug_line"), std::string::npos);
  EXPECT_NE(object.find("script.stp"), std::string::npos);
}

TEST_F(PchTest, DefinesComeAfterIt) {
  ASSERT_TRUE(build("#ifdef LIMIT\n#error seen too early\n#endif\n#define OTHER 1\n").ok);
  CompileRequest request = with_pch();
  request.defines = {"LIMIT=7", "OTHER=8"};
  CompiledUnit unit = compile("_Static_assert(LIMIT == 7 && OTHER == 8, \"\"); int x;", request);
  EXPECT_TRUE(unit.ok());
}

TEST_F(PchTest, ErrorsAreMessages) {
  PchResult result = build("int x = nothing;\n");
  EXPECT_FALSE(result.ok);
  ASSERT_FALSE(result.messages.empty());
  EXPECT_EQ(result.messages[0].line, 1u);
}

TEST_F(PchTest, AMissingOrBrokenFileIsAMessageNotACrash) {
  CompileRequest request = with_pch();
  EXPECT_FALSE(compile("int x;", request).ok());
  std::ofstream(request.pch) << "not a precompiled header";
  EXPECT_FALSE(compile("int x;", request).ok());
}

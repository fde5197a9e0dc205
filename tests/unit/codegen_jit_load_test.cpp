// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/jit/jit.h"

#include "codegen/clang/driver.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace tapjit::codegen;

namespace {

std::string object_of(std::string_view text) {
  CompileRequest request;
  request.text = text;
  request.name = "unit.c";
  request.arguments = *compiler_arguments(user_flags());
  auto unit = compile_unit(request);
  EXPECT_TRUE(unit && unit->ok());
  auto object = unit->emit_object();
  EXPECT_TRUE(object);
  return *object;
}

int host_add(int a, int b) { return a + b; }
int host_value = 30;

} // namespace

TEST(Jit, CallsBothWays) {
  std::string object =
      object_of("int host_add(int, int); extern int host_value; static int calls;"
                "int entry(int x); int entry(int x) { calls++; return host_add(x, host_value) + calls; }");
  auto program =
      jit_load({object}, {{"host_add", reinterpret_cast<void *>(host_add)}, {"host_value", &host_value}}, {"entry"});
  ASSERT_TRUE(program) << program.error().observed;
  auto entry = program->address("entry");
  ASSERT_TRUE(entry);
  auto function = reinterpret_cast<int (*)(int)>(*entry);
  EXPECT_EQ(function(10), 41);
  EXPECT_EQ(function(10), 42);
}

TEST(Jit, ObjectsSeeEachOther) {
  std::string first = object_of("extern int shared; int helper(int); int entry(void); "
                                "int entry(void) { shared = 5; return helper(2); }");
  std::string second = object_of("int shared; int helper(int); int helper(int x) { return x * shared; }");
  auto program = jit_load({first, second}, {}, {"entry"});
  ASSERT_TRUE(program) << program.error().observed;
  EXPECT_EQ(reinterpret_cast<int (*)()>(*program->address("entry"))(), 10);
}

TEST(Jit, LargeZeroedAndConstantData) {
  std::string object =
      object_of("static char big[1 << 20]; static const char text[] = \"hello\"; const char *table[] = {text};"
                "const char *entry(int i); const char *entry(int i) { return big[i] ? 0 : table[0]; }");
  auto program = jit_load({object}, {}, {"entry"});
  ASSERT_TRUE(program) << program.error().observed;
  EXPECT_STREQ(reinterpret_cast<const char *(*)(int)>(*program->address("entry"))(1000000), "hello");
}

TEST(Jit, MissingSymbolsAreNamed) {
  std::string object = object_of("void not_given(void); void entry(void); void entry(void) { not_given(); }");
  auto program = jit_load({object}, {}, {"entry"});
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().observed.find("not_given"), std::string::npos);
  // Nothing of this process is found by itself.
  object = object_of("int puts(const char *); void entry(void); void entry(void) { puts(\"\"); }");
  EXPECT_FALSE(jit_load({object}, {}, {"entry"}));
}

TEST(Jit, MissingEntriesAreNamed) {
  std::string object = object_of("int x;");
  auto program = jit_load({object}, {}, {"entry"});
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().observed.find("entry"), std::string::npos);
  auto empty = jit_load({object}, {}, {});
  ASSERT_TRUE(empty);
  EXPECT_FALSE(empty->address("entry"));
}

TEST(Jit, TwoDefinitionsAreAnError) {
  std::string object = object_of("int entry(void); int entry(void) { return 1; }");
  auto program = jit_load({object, object}, {}, {"entry"});
  EXPECT_FALSE(program);
}

TEST(Jit, BytesThatAreNoObjectAreAnError) { EXPECT_FALSE(jit_load({"not an object"}, {}, {"entry"})); }

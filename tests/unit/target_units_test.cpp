// SPDX-License-Identifier: GPL-2.0-or-later
// Units as compilers write them that no kernel of a distribution has: addresses by number, 64-bit DWARF, namespaces,
// DIEs in other files. Small programs are compiled here and looked up.
#include "frontend/target/debug_index_build.h"
#include "frontend/target/dwarf_variable.h"

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>

namespace tapjit::target {

namespace {

class CompiledUnits : public testing::Test {
protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "units-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory = name;
  }
  void TearDown() override { ASSERT_EQ(system(("rm -rf '" + directory + "'").c_str()), 0); }

  // Compiles the text to a shared object and indexes that.
  void build(const std::string &compiler, const std::string &flags, const std::string &text) {
    const std::string source = directory + "/unit.c", object = directory + "/unit.so";
    std::ofstream(source) << text;
    const std::string command =
        "cd '" + directory + "' && " + compiler + " -shared -fPIC -nostdlib -O1 " + flags + " -o unit.so unit.c";
    ASSERT_EQ(system(command.c_str()), 0) << command;
    auto bytes = build_debug_index(object, 1);
    ASSERT_TRUE(bytes) << bytes.error().observed;
    words.assign(bytes->size() / 8 + 1, 0);
    memcpy(words.data(), bytes->data(), bytes->size());
    index = DebugIndex::open({reinterpret_cast<const char *>(words.data()), bytes->size()});
    ASSERT_TRUE(index);
    auto opened = DwarfVariables::open(object, *index);
    ASSERT_TRUE(opened) << opened.error().observed;
    variables = std::move(*opened);
  }
  // The address that both the index and the symbols know; 0: they differ, or there is none.
  uint64_t address_of(RowKind kind, std::string_view name) {
    auto rows = index->rows(kind, name);
    auto symbols = index->symbols(name);
    bool agree = rows.size() == 1 && symbols.size() == 1 && rows[0].address == symbols[0].address;
    return agree ? rows[0].address : 0;
  }
  // Steps of a variable's value; none when it is not known.
  size_t steps_of(std::string_view name) {
    auto access = variables->global_variable(name, {}, false, "the unit");
    const auto *found = std::get_if<VarAccess>(&access);
    return found ? found->steps.size() : 0;
  }

  FunctionSite site_of(std::string_view function) {
    FunctionSite site;
    auto rows = index->rows(RowKind::Function, function);
    if (rows.size() != 1) {
      ADD_FAILURE() << function;
      return site;
    }
    site.function = site.symbol = function;
    site.file = index->string(rows[0].file);
    site.line = rows[0].line;
    site.address = rows[0].address;
    site.die = rows[0].die;
    return site;
  }
  // Steps of a variable at an address, "failed: REASON".
  std::string at(const FunctionSite &site, std::string_view name, const std::vector<PathStep> &path = {},
                 bool address_of = false) {
    auto access = variables->variable(site, name, path, address_of);
    if (const auto *failure = std::get_if<AccessFailure>(&access))
      return "failed: " + failure->observed;
    return describe(std::get<VarAccess>(access));
  }

  std::string directory;
  std::vector<uint64_t> words;
  std::optional<DebugIndex> index;
  std::unique_ptr<DwarfVariables> variables;
};

constexpr const char *in_c = R"(
struct pair { int first, second; };
struct pair both = {1, 2};
int counter = 3;
int next(int by) { static int inside; inside += by; counter += by; return both.second + inside; }
)";

constexpr const char *in_namespaces = R"(
namespace outer {
struct pair { int first, second; };
int counter = 3;
namespace {
__attribute__((noinline)) int hidden(int by) { return counter += by; }
}
static inline int twice(int by) { return hidden(by) + hidden(by + 1); }
__attribute__((noinline)) int next(int by) { return twice(by) * 2; }
pair both = {1, 2};
}
int after = 4;
int last(int by) { return outer::twice(by + 7) + outer::next(by); }
)";

constexpr const char *in_a_function = R"(
int counter;
__attribute__((noinline)) int hidden(int by) { return counter += by; }
static inline int twice(int by) { return hidden(by) + hidden(by + 1); }
int last(int by) {
  auto int __attribute__((noinline)) inner(int more);
  int first = twice(by);
  int inner(int more) { return twice(more) + by + counter; }
  return first + inner(by) + inner(by + 3) + twice(by + 7);
}
)";

constexpr const char *with_local_classes = R"(
int counter;
int last(int by) {
  struct Inner {
    int start;
    __attribute__((noinline)) int add(int more) { return counter += more + start; }
    static int twice(int more) { return more * counter; }
  };
  Inner one{by};
  return one.add(by) + one.add(by + 2) + Inner::twice(by);
}
int go(int n) {
  auto f = [&](int k) __attribute__((noinline)) { return k * n + counter; };
  return f(n) + f(n + 1);
}
)";

// Parameters and locals whose address is taken are in the frame.
constexpr const char *in_frames = R"(
struct pair { long first, second; };
struct wide { long first, second, third; };
extern void use(void *a, void *b);
long take(int by, struct pair both, struct wide more, char last) {
  long local = by + last;
  use(&by, &local);
  use(&both, &last);
  return by + local + both.second + more.third;
}
struct wide give(short by) {
  struct wide result = {by, 2, 3};
  use(&by, &result);
  return result;
}
int any(int by, ...) { use(&by, &by); return by; }
)";

// What -O2 leaves of variables: lists of places, values at the function's entry, implicit pointers, constants, halves.
constexpr const char *removed = R"(
struct pair { long first, second; };
extern long use(long value);
extern long use_two(long a, long b);
long lives_late(long by) {
  long none = by * 5, never;
  long late = use(by);
  long gone = late + 1;
  return use_two(late, by);
}
static inline long sum_of(const long *from) { return *from + 3; }
long points(long by) {
  long there = by + 9;
  const long *at = &there;
  long sum = sum_of(at);
  use(sum);
  return sum + 1;
}
long reused(long by) {
  use(by + 1);
  use(by + 2);
  use(3);
  return use(4);
}
long constants(long by) {
  const long seven = 7;
  use(by + seven);
  return use(seven);
}
long halves(long by) {
  struct pair both = {by * 3, by * 7};
  use(both.second);
  use(both.second + 2);
  return both.second;
}
)";

constexpr const char *unset_frame =
    "failed: its place is the stack frame, which has nothing of it yet at the function's first instruction";

} // namespace

// Before its first instruction a function's parameters are where its caller has put them, whatever DWARF says of the
// time after the prologue.
TEST_F(CompiledUnits, NothingIsReadFromAFrameThatIsNotThere) {
  for (const char *compiler :
       {"gcc", "gcc -gdwarf-4", "gcc -O0", "gcc -O0 -fno-omit-frame-pointer", "clang-19 -gdwarf-5",
        "clang-19 -O0 -fno-omit-frame-pointer", "gcc -mno-red-zone -mstackrealign"}) {
    SCOPED_TRACE(compiler);
    const std::string command = compiler;
    build(command.substr(0, command.find(' ')), "-O2 -g" + command.substr(std::min(command.find(' '), command.size())),
          in_frames);
    ASSERT_TRUE(index);
    FunctionSite take = site_of("take"), give = site_of("give"), any = site_of("any");
    const PathStep second{PathStep::Kind::Member, "second", 0}, third{PathStep::Kind::Member, "third", 0};
    EXPECT_EQ(at(take, "by"), "reg:rdi ext:s32");
    EXPECT_EQ(at(take, "both", {second}), "reg:rdx");
    EXPECT_EQ(at(take, "more", {third}), "reg:rsp const:24 add load:s64");
    EXPECT_EQ(at(take, "last"), "reg:rcx ext:s8");
    EXPECT_EQ(at(give, "by"), "reg:rsi ext:s16"); // rdi has the address of what it returns
    EXPECT_EQ(at(any, "by"), "reg:rdi ext:s32");
    EXPECT_TRUE(at(take, "local").starts_with("failed: ")) << at(take, "local");
    EXPECT_TRUE(at(give, "result", {third}).starts_with("failed: ")) << at(give, "result", {third});
  }
}

// The address of what will be in the frame is known; and where it can be had is told.
TEST_F(CompiledUnits, UnsetLocalsTellWhereTheyAreSet) {
  build("gcc", "-g -O2", in_frames);
  ASSERT_TRUE(index);
  FunctionSite take = site_of("take");
  EXPECT_EQ(at(take, "local"), unset_frame);
  EXPECT_TRUE(at(take, "local", {}, true).starts_with("reg:rsp const:-")) << at(take, "local", {}, true);
  auto access = variables->variable(take, "local", {}, false);
  const auto *failure = std::get_if<AccessFailure>(&access);
  ASSERT_TRUE(failure && failure->late_hint);
  EXPECT_EQ(failure->late_hint(), "the nearest place that has it is `kernel.statement(\"take@" + take.file + ":8\")`");
}

// Each way in which a variable is gone says so, where it is not.
TEST_F(CompiledUnits, RemovedVariables) {
  build("gcc", "-g -O2", removed);
  ASSERT_TRUE(index);
  const std::vector<PathStep> first{{PathStep::Kind::Member, "first", 0}},
      second{{PathStep::Kind::Member, "second", 0}};
  // What is said of a variable anywhere in the function.
  auto said = [&](const char *function, const char *name, const std::vector<PathStep> &path = {}) {
    FunctionSite site = site_of(function);
    std::string all;
    for (uint64_t end = site.address + index->symbols(function)[0].size; site.address < end; ++site.address)
      if (std::string one = at(site, name, path); all.find(one + "\n") == std::string::npos)
        all += one + "\n";
    return all;
  };
  auto says = [&](const std::string &all, const char *text) { return all.find(text) != std::string::npos; };
  EXPECT_EQ(said("lives_late", "never"), "failed: the compiler removed it\n");
  std::string late = said("lives_late", "late"), by = said("reused", "by"), there = said("points", "at");
  EXPECT_TRUE(says(late, "failed: the compiler keeps it only at [0x") && says(late, "reg:rax")) << late;
  EXPECT_TRUE(says(by, "reg:rdi\n") && says(by, "failed: only its value at the function's entry is known here")) << by;
  EXPECT_TRUE(says(there, "failed: the compiler removed the object that it points to")) << there;
  EXPECT_EQ(said("constants", "seven"), "const:7\n");
  std::string lower = said("halves", "both", first), upper = said("halves", "both", second);
  EXPECT_TRUE(says(lower, "reg:rdi const:3 mul\n")) << lower;
  EXPECT_TRUE(says(upper, "failed: the compiler removed this part of it") && says(upper, "reg:rbx\n")) << upper;
  auto access = variables->variable(site_of("lives_late"), "late", {}, false);
  const auto *failure = std::get_if<AccessFailure>(&access);
  ASSERT_TRUE(failure && failure->late_hint);
  EXPECT_TRUE(failure->late_hint().ends_with("unit.c:8\")`")) << failure->late_hint();
}

TEST_F(CompiledUnits, VariablesAndFunctionsOfEachFormat) {
  for (const char *format : {"clang-19 -gdwarf-5", "clang-19 -gdwarf-4", "clang-19 -gdwarf-5 -gdwarf64",
                             "gcc -gdwarf-5", "gcc -gdwarf-4", "gcc -gdwarf-5 -gdwarf64"}) {
    SCOPED_TRACE(format);
    build(format, "", in_c);
    ASSERT_TRUE(index);
    EXPECT_NE(address_of(RowKind::Function, "next"), 0u);
    EXPECT_NE(address_of(RowKind::Variable, "counter"), 0u);
    EXPECT_NE(address_of(RowKind::Variable, "both"), 0u);
    EXPECT_NE(steps_of("counter"), 0u);
    EXPECT_EQ(index->rows(RowKind::Struct, "pair").size(), 1u);
    EXPECT_FALSE(variables->has_split_units());
  }
}

// `inside` has no row: it is found in its function.
TEST_F(CompiledUnits, StaticVariablesOfFunctions) {
  for (const char *format : {"clang-19 -gdwarf-5", "clang-19 -gdwarf-4", "gcc -gdwarf-5"}) {
    SCOPED_TRACE(format);
    build(format, "", in_c);
    ASSERT_TRUE(index);
    auto rows = index->rows(RowKind::Function, "next");
    ASSERT_EQ(rows.size(), 1u);
    FunctionSite site;
    site.function = "next";
    site.address = rows[0].address;
    site.die = rows[0].die;
    auto access = variables->variable(site, "inside", {}, false);
    EXPECT_TRUE(std::holds_alternative<VarAccess>(access));
  }
}

TEST_F(CompiledUnits, NamespacesAreNoObstacle) {
  for (const char *compiler : {"g++ -x c++", "clang++-19 -x c++ -gdwarf-5"}) {
    SCOPED_TRACE(compiler);
    build(compiler, "-g -O2", in_namespaces);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->rows(RowKind::Variable, "counter").size(), 1u);
    EXPECT_NE(address_of(RowKind::Variable, "after"), 0u);
    EXPECT_EQ(index->rows(RowKind::Function, "hidden").size(), 1u);
    EXPECT_EQ(index->rows(RowKind::Struct, "pair").size(), 1u);
    auto next = index->rows(RowKind::Function, "next"), last = index->rows(RowKind::Function, "last"),
         twice = index->rows(RowKind::Inlined, "twice");
    ASSERT_EQ(next.size(), 1u);
    ASSERT_EQ(last.size(), 1u);
    ASSERT_EQ(twice.size(), 1u);
    size_t in_next = 0, in_last = 0;
    for (const IndexCopy &copy : index->copies(twice[0])) {
      in_next += copy.outer == next[0].die;
      in_last += copy.outer == last[0].die;
    }
    EXPECT_EQ(in_next, 1u);
    EXPECT_EQ(in_last, 1u);
  }
}

// A function within another one (gcc's extension) is around its own copies, the other around those before and behind.
TEST_F(CompiledUnits, CopiesAreOfTheInnermostFunction) {
  build("gcc", "-g -O2", in_a_function);
  ASSERT_TRUE(index);
  auto last = index->rows(RowKind::Function, "last"), twice = index->rows(RowKind::Inlined, "twice");
  ASSERT_EQ(last.size(), 1u);
  ASSERT_EQ(twice.size(), 1u);
  size_t in_last = 0, in_inner = 0;
  for (const IndexCopy &copy : index->copies(twice[0])) {
    in_last += copy.outer == last[0].die;
    in_inner += copy.outer > last[0].die;
  }
  EXPECT_EQ(in_last, 2u);
  EXPECT_EQ(in_inner, 1u);
  EXPECT_EQ(index->rows(RowKind::Function, "inner").size(), 1u);
}

// g++ puts the abstract method into the class within the function, clang++ beside the function.
TEST_F(CompiledUnits, MethodsOfClassesInFunctions) {
  for (const char *compiler : {"g++ -x c++", "clang++-19 -x c++ -gdwarf-5"}) {
    SCOPED_TRACE(compiler);
    build(compiler, "-g -O2", with_local_classes);
    ASSERT_TRUE(index);
    auto last = index->rows(RowKind::Function, "last"), twice = index->rows(RowKind::Inlined, "twice");
    EXPECT_EQ(index->rows(RowKind::Function, "add").size(), 1u);
    EXPECT_EQ(index->rows(RowKind::Function, "operator()").size(), 1u);
    ASSERT_EQ(last.size(), 1u);
    ASSERT_EQ(twice.size(), 1u);
    auto copies = index->copies(twice[0]);
    ASSERT_EQ(copies.size(), 1u);
    EXPECT_EQ(copies[0].outer, last[0].die);
    EXPECT_EQ(at(site_of("add"), "more"), "reg:rsi ext:s32"); // behind `this`
  }
}

TEST_F(CompiledUnits, SplitUnitsAreNoticed) {
  for (const char *format : {"clang-19 -gdwarf-5", "clang-19 -gdwarf-4", "gcc -gdwarf-5", "gcc -gdwarf-4"}) {
    SCOPED_TRACE(format);
    build(format, "-gsplit-dwarf", in_c);
    ASSERT_TRUE(index);
    EXPECT_EQ(index->rows(RowKind::SplitUnit).size(), 1u);
    EXPECT_TRUE(index->rows(RowKind::Function).empty());
    auto access = variables->global_variable("counter", {}, false, "the unit");
    const auto *failure = std::get_if<AccessFailure>(&access);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->observed, "the unit has no variable `counter`; that in .dwo files is not read");
  }
}

} // namespace tapjit::target

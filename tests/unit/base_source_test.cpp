// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/base/arena.h"
#include "frontend/base/diagnostics.h"
#include "frontend/base/source.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace tapjit {
namespace {

TEST(Arena, AlignsAndCopies) {
  Arena arena;
  char *byte = arena.make<char>('x');
  uint64_t *word = arena.make<uint64_t>(7u);
  EXPECT_EQ(*byte, 'x');
  EXPECT_EQ(reinterpret_cast<uintptr_t>(word) % alignof(uint64_t), 0u);
  std::string text(100000, 'a');
  EXPECT_EQ(arena.copy(std::string_view(text)), text);
  std::vector<int> numbers{1, 2, 3};
  std::span<int> copy = arena.copy(numbers);
  numbers[0] = 9;
  EXPECT_EQ(copy[0], 1);
  EXPECT_TRUE(arena.copy(std::vector<int>()).empty());
}

TEST(Names, EqualByPointer) {
  Interner names;
  std::string a = "abc", b = "abc";
  EXPECT_EQ(names.intern(a), names.intern(b));
  EXPECT_FALSE(names.intern("abd") == names.intern("abc"));
  EXPECT_TRUE(Name().empty());
  EXPECT_TRUE(names.find("never").empty());
  EXPECT_EQ(names.find("abc"), names.intern("abc"));
}

TEST(SourceTable, Positions) {
  SourceTable sources;
  SourceId first = sources.add("a.stp", "one\ntwo\n", SourceKind::script);
  SourceId second = sources.add("b.stp", "", SourceKind::tapset);
  SourceId third = sources.add("c.stp", "x\n\ny", SourceKind::script);
  EXPECT_EQ(sources.describe(sources.loc(first, 0)), "a.stp:1:1");
  EXPECT_EQ(sources.describe(sources.loc(first, 6)), "a.stp:2:3");
  EXPECT_EQ(sources.describe(sources.loc(first, 8)), "a.stp:3:1"); // the end of the text
  EXPECT_EQ(sources.describe(sources.loc(second, 0)), "b.stp:1:1");
  EXPECT_EQ(sources.describe(sources.loc(third, 3)), "c.stp:3:1");
  EXPECT_EQ(sources.line_text(first, 2), "two");
  EXPECT_EQ(sources.line_text(third, 2), "");
  EXPECT_EQ(sources.line_text(third, 9), "");
  EXPECT_EQ(sources.describe(Loc{}), "<unknown>");
}

TEST(SourceTable, Expansions) {
  SourceTable sources;
  SourceId macro = sources.add("m.stpm", "@define a %( b %)", SourceKind::macros);
  SourceId script = sources.add("s.stp", "probe begin { @a }", SourceKind::script);
  Loc inner =
      sources.expanded(sources.loc(macro, 13), sources.loc(script, 14), ExpansionKind::macro, sources.intern("a"));
  Loc outer = sources.expanded(inner, sources.loc(script, 0), ExpansionKind::alias, sources.intern("x.y"));
  EXPECT_TRUE(sources.is_expansion(outer));
  EXPECT_EQ(sources.describe(outer), "m.stpm:1:14");
  EXPECT_EQ(sources.outermost_use(outer), sources.loc(script, 0));
  EXPECT_EQ(sources.spelling(outer), sources.loc(macro, 13));
}

TEST(SourceTable, MissingFile) {
  SourceTable sources;
  Result<SourceId> source = sources.add_file("/nonexistent/x.stp", SourceKind::script);
  ASSERT_FALSE(source);
  EXPECT_EQ(source.error().observed, "cannot open `/nonexistent/x.stp`: No such file or directory");
}

TEST(Diagnostics, RendersPlaceNotesAndHint) {
  SourceTable sources;
  SourceId id = sources.add("s.stp", "probe begin {\n\tfoo(1)\n}\n", SourceKind::script);
  Diagnostics diagnostics(sources);
  diagnostics.report(DiagId::unknown_function, sources.loc(id, 15), {"foo"})
      .note(sources.loc(id, 0), "in this probe")
      .hint("did you mean `fop`?");
  EXPECT_EQ(diagnostics.render_all(), "error: unknown function `foo`\n"
                                      "  --> s.stp:2:2\n"
                                      " 2 |  foo(1)\n"
                                      "   |  ^~~\n"
                                      "note: in this probe\n"
                                      "  --> s.stp:1:1\n"
                                      " 1 | probe begin {\n"
                                      "   | ^~~~~\n"
                                      "hint: did you mean `fop`?\n");
  EXPECT_TRUE(diagnostics.has_errors());
  diagnostics.report(DiagId::unknown_function, sources.loc(id, 15), {"foo"});
  EXPECT_EQ(diagnostics.render_all().find("foo`", 40), std::string::npos) << "repetitions are shown once";
  EXPECT_NE(diagnostics.render(diagnostics.all().front(), true).find("\033[01;31merror"), std::string::npos);
  diagnostics.truncate(0);
  EXPECT_FALSE(diagnostics.has_errors());
}

TEST(Diagnostics, ColoursOfTheEnvironment) {
  SourceTable sources;
  SourceId id = sources.add("s.stp", "probe begin { f(1) }", SourceKind::script);
  Diagnostics diagnostics(sources);
  diagnostics.report(DiagId::unknown_function, sources.loc(id, 14), {"f"});
  auto colours = DiagColours::parse("error=35:token=4:caret=01;36");
  ASSERT_TRUE(colours);
  EXPECT_EQ(colours->warning, "00;33");
  diagnostics.set_colours(*colours);
  EXPECT_EQ(diagnostics.render_all(true), "\033[35merror: \033[0munknown function `f`\n"
                                          "\033[00;34m  --> s.stp:1:15\033[0m\n"
                                          " 1 | probe begin { \033[4mf\033[0m(1) }\n"
                                          "   |               \033[01;36m^\033[0m\n");
  for (const char *bad : {"", "error", "error=", "nonsense=1", "error=red"})
    EXPECT_FALSE(DiagColours::parse(bad)) << bad;
}

TEST(Diagnostics, WarningsCanBeDroppedOrErrors) {
  SourceTable sources;
  Diagnostics diagnostics(sources);
  diagnostics.report(DiagId::argument_unused, Loc{}, {"a"});
  EXPECT_FALSE(diagnostics.has_errors());
  EXPECT_EQ(diagnostics.render_all(), "warning: argument `a` is not used by the script\n");
  diagnostics.set_warnings(Diagnostics::Warnings::dropped);
  EXPECT_EQ(diagnostics.render_all(), "");
  diagnostics.set_warnings(Diagnostics::Warnings::errors);
  diagnostics.report(DiagId::argument_unused, Loc{}, {"b"});
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Diagnostics, LongLineIsShownAroundTheCaret) {
  SourceTable sources;
  SourceId id = sources.add("s.stp", std::string(5000, 'x') + " !", SourceKind::script);
  Diagnostics diagnostics(sources);
  diagnostics.report(DiagId::unexpected_character, sources.loc(id, 5001), {"!"});
  EXPECT_LT(diagnostics.render_all().size(), 500u);
}

TEST(NearestName, OnlyWhatIsNear) {
  EXPECT_EQ(nearest_name("exti", {"exit", "error", "execname"}), "exit");
  EXPECT_EQ(nearest_name("gettimeofday", {"gettimeofday_s", "exit"}), "gettimeofday_s");
  EXPECT_EQ(nearest_name("foo", {"completely_other"}), "");
  EXPECT_EQ(nearest_name("foo", {}), "");
}

} // namespace
} // namespace tapjit

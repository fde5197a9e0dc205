// SPDX-License-Identifier: GPL-2.0-or-later
// The runtime's walks over tables of regular expressions against those of ir/regex, which tests/unit/ir_regex_test.cpp
// holds against two oracles.
#include "ir/regex/regex.h"
#include "runtime/core/regex.h"

#include <cstring>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <random>

namespace {

using namespace tapjit::ir;

constexpr uint32_t string_size = 64;

// What codegen/emit writes as C.
struct Tables {
  explicit Tables(const regex::Automaton &a, bool is_wide) : automaton(a), wide(is_wide) {
    finder = {a.class_of.data(), dfa(a.finder, 0)};
    const regex::Groups &g = a.groups;
    groups = {
        a.class_of.data(), g.count,           dfa(g.starts, 1),    dfa(g.threads, 2),          g.start_inside,
        g.steps_of.data(), steps_of(g.steps), steps_of(g.accepts), steps_of(g.accepts_at_end), g.tag_lists.data()};
  }

  tap_dfa dfa(const regex::Dfa &from, size_t index) {
    narrow[index].assign(from.next.begin(), from.next.end());
    const void *next = wide ? static_cast<const void *>(from.next.data()) : narrow[index].data();
    return {next, from.flags.data(), from.classes, from.start, wide};
  }
  static const tap_regex_step *steps_of(const std::vector<regex::Step> &steps) {
    static_assert(sizeof(tap_regex_step) == sizeof(regex::Step));
    return reinterpret_cast<const tap_regex_step *>(steps.data());
  }

  const regex::Automaton &automaton;
  bool wide;
  std::vector<uint8_t> narrow[3];
  tap_regex finder;
  tap_regex_groups groups;
};

std::string shown(std::string_view text, const std::optional<std::vector<regex::Bounds>> &found) {
  if (!found)
    return "none";
  std::string words;
  for (auto [start, end] : *found)
    words += "<" + std::string(start == SIZE_MAX ? "" : text.substr(start, end - start)) + ">";
  return words;
}

std::string searched(const Tables &tables, tap_str text) {
  static TAP_MATCH_STORAGE(string_size, 16) storage;
  tap_ctx c{};
  c.work.left = 1 << 20;
  bool found = tap_regex_search(&c, &tables.groups, text, string_size, &storage.match, storage.bounds, storage.path,
                                storage.copy);
  if (!found)
    return storage.match.groups == 0 && !c.error ? "none" : "?";
  std::string words;
  for (int64_t group = 0; group < tap_match_count(&c, &storage.match, ""); ++group) {
    tap_str part = tap_match_group(&c, &storage.match, group, "");
    words += "<" + std::string(part.p, part.n) + ">";
  }
  return c.error ? c.error : words;
}

TEST(Regex, walks_as_the_compiler_does) {
  const char *const patterns[] = {"",          "^$",           "a",           "(a|ab)(c|bcd)(d*)", "^(a*)(ab)*(b*)$",
                                  "((a)|b)*c", "(x|)(a?)$",    "[^a]+(.)\\1", "(a.){2,3}|(b)",     "(^a|b$)",
                                  "a(b(c)?)+", "(.*)(a|b)(.*)"};
  std::mt19937 random(7);
  unsigned found = 0;
  for (const char *pattern : patterns) {
    regex::Error error;
    auto finder = regex::compile(pattern, false, error), groups = regex::compile(pattern, true, error);
    ASSERT_TRUE(finder && groups) << error.message;
    for (bool wide : {false, true}) {
      Tables matching(*finder, wide), searching(*groups, wide);
      for (unsigned turn = 0; turn < 500; ++turn) {
        std::string text;
        for (unsigned length = random() % (turn < 490 ? 10 : string_size); length > 0; --length)
          text += "abcx"[random() % 4];
        tap_str subject = tap_str_make(text.data(), uint32_t(text.size()));
        tap_ctx c{};
        EXPECT_EQ(tap_regex_match(&c, &matching.finder, subject, string_size) != 0, regex::matches(*finder, text))
            << pattern << " on " << text;
        auto expected = regex::search(*groups, text);
        EXPECT_EQ(searched(searching, subject), shown(text, expected)) << pattern << " on " << text;
        found += expected.has_value();
      }
    }
  }
  EXPECT_GT(found, 5000u);
}

TEST(Regex, fails_where_there_is_no_group) {
  regex::Error error;
  auto automaton = regex::compile("(a)", true, error);
  Tables tables(*automaton, false);
  TAP_MATCH_STORAGE(string_size, 2) storage;
  auto asked = [&](const char *text, int64_t group) {
    tap_ctx c{};
    c.work.left = 1 << 20;
    tap_regex_search(&c, &tables.groups, tap_str_make(text, uint32_t(strlen(text))), string_size, &storage.match,
                     storage.bounds, storage.path, storage.copy);
    tap_str part = tap_match_group(&c, &storage.match, group, "");
    return c.error ? std::string(c.error) : std::string(part.p, part.n);
  };
  EXPECT_EQ(asked("xa", 1), "a");
  EXPECT_EQ(asked("xa", 2), "the regular expression has no such group");
  EXPECT_EQ(asked("xa", -1), "the regular expression has no such group");
  EXPECT_EQ(asked("xa", INT64_MIN), "the regular expression has no such group");
  EXPECT_EQ(asked("x", 0), "no regular expression has matched");
}

} // namespace

// SPDX-License-Identifier: GPL-2.0-or-later
// Regular expressions against an oracle: regcomp and regexec of the C library.
#include "ir/regex/regex.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <functional>
#include <random>
#include <regex.h>

namespace tapjit::ir::regex {
namespace {

std::string shown(const std::vector<Bounds> &bounds) {
  std::string text;
  for (auto [start, end] : bounds)
    text += start == SIZE_MAX ? " (-)" : fmt::format(" ({},{})", start, end);
  return text;
}

struct Oracle {
  explicit Oracle(const std::string &pattern) : status(regcomp(&compiled, pattern.c_str(), REG_EXTENDED)) {}
  ~Oracle() {
    if (status == 0)
      regfree(&compiled);
  }
  Oracle(const Oracle &) = delete;
  Oracle &operator=(const Oracle &) = delete;

  std::optional<std::vector<Bounds>> search(const std::string &text) const {
    std::vector<regmatch_t> found(compiled.re_nsub + 1);
    if (regexec(&compiled, text.c_str(), found.size(), found.data(), 0) != 0)
      return std::nullopt;
    std::vector<Bounds> bounds;
    for (const regmatch_t &group : found)
      bounds.emplace_back(group.rm_so, group.rm_eo); // -1 is SIZE_MAX
    return bounds;
  }

  regex_t compiled;
  int status;
};

// Patterns of a few parts over a, b, c.
class Generator {
public:
  // Anchors stand at the ends of the pattern's alternatives, where the C library gets them right, or anywhere.
  Generator(uint32_t seed, bool has_inner_anchors) : random_(seed), has_inner_anchors_(has_inner_anchors) {}

  std::string pattern() {
    std::string text = outermost();
    for (unsigned more = pick(3); more > 1; --more)
      text += "|" + outermost();
    return text;
  }
  std::string text() {
    std::string text;
    for (unsigned length = pick(9); length > 0; --length)
      text += char('a' + pick(3));
    return text;
  }

private:
  unsigned pick(unsigned count) { return std::uniform_int_distribution<unsigned>(0, count - 1)(random_); }

  std::string outermost() {
    bool begin = !has_inner_anchors_ && pick(8) == 0, end = !has_inner_anchors_ && pick(8) == 0;
    return (begin ? "^" : "") + sequence(2) + (end ? "$" : "");
  }
  std::string choice(unsigned depth) {
    std::string text = sequence(depth);
    for (unsigned more = pick(3); more > 1; --more)
      text += "|" + sequence(depth);
    return text;
  }
  std::string sequence(unsigned depth) {
    std::string text;
    for (unsigned parts = 1 + pick(3); parts > 0; --parts)
      text += part(depth);
    return text;
  }
  std::string part(unsigned depth) {
    static const char *const atoms[] = {"a", "b", "c", ".", "[ab]", "[^a]", "[b-c]", "ab"};
    static const char *const anchors[] = {"^", "$"};
    static const char *const repeats[] = {"*", "+", "?", "{2}", "{0,2}", "{1,}"};
    if (has_inner_anchors_ && pick(14) == 0)
      return anchors[pick(2)];
    std::string text = depth > 0 && pick(3) == 0 ? "(" + choice(depth - 1) + ")" : atoms[pick(8)];
    if (pick(3) == 0)
      text += repeats[pick(6)];
    return text;
  }

  std::mt19937 random_;
  bool has_inner_anchors_;
};

// The meaning as regex.h words it, by trying everything: all ways in order of precedence; of those that reach the
// furthest end, the first.
class Backtracker {
public:
  Backtracker(const Syntax &syntax, const std::string &text) : syntax_(syntax), text_(text) {}

  // None in `is_known`: took too long.
  std::optional<std::vector<Bounds>> search(bool &is_known) {
    for (size_t start = 0; start <= text_.size(); ++start) {
      best_.reset();
      bounds_.assign(syntax_.groups + 1, {SIZE_MAX, SIZE_MAX});
      match(syntax_.root, start, [&](size_t end) {
        if (!best_ || end > (*best_)[0].second) {
          best_ = bounds_;
          (*best_)[0] = {start, end};
        }
      });
      is_known = steps_ > 0;
      if (best_ || !is_known)
        return best_;
    }
    return std::nullopt;
  }

private:
  using Next = std::function<void(size_t)>;

  void match(uint32_t index, size_t at, const Next &next) {
    if (--steps_ < 0)
      return;
    const Node &node = syntax_.nodes[index];
    switch (node.kind) {
    case Node::Kind::Empty:
      return next(at);
    case Node::Kind::Bytes:
      return at < text_.size() && node.bytes[uint8_t(text_[at])] ? next(at + 1) : void();
    case Node::Kind::Begin:
      return at == 0 ? next(at) : void();
    case Node::Kind::End:
      return at == text_.size() ? next(at) : void();
    case Node::Kind::Sequence:
      return sequence(node, 0, at, next);
    case Node::Kind::Choice:
      for (uint32_t part : node.parts)
        match(part, at, next);
      return;
    case Node::Kind::Group:
      return group(node, at, next);
    case Node::Kind::Repeat:
      return repeat(node, 0, at, next);
    }
  }

  void sequence(const Node &node, size_t part, size_t at, const Next &next) {
    if (part == node.parts.size())
      return next(at);
    match(node.parts[part], at, [&, part](size_t end) { sequence(node, part + 1, end, next); });
  }

  void group(const Node &node, size_t at, const Next &next) {
    Bounds before = bounds_[node.group];
    match(node.parts[0], at, [&](size_t end) {
      Bounds inner = bounds_[node.group];
      bounds_[node.group] = {at, end};
      next(end);
      bounds_[node.group] = inner;
    });
    bounds_[node.group] = before;
  }

  void repeat(const Node &node, uint32_t turn, size_t at, const Next &next) {
    bool is_endless = node.most == Node::endless;
    if (is_endless || turn < node.most)
      match(node.parts[0], at, [&, turn](size_t end) {
        // Of an endless one, the turns behind those that must be may match nothing only if there is no other.
        if (is_endless && end == at && turn >= std::max(node.least, 1u))
          return;
        repeat(node, turn + 1, end, next);
      });
    if (turn >= node.least)
      next(at);
  }

  const Syntax &syntax_;
  const std::string &text_;
  std::vector<Bounds> bounds_;
  std::optional<std::vector<Bounds>> best_;
  int64_t steps_ = 200'000;
};

// 3000 patterns: those of the two tests differ in their anchors.
template <typename Check> void try_random_patterns(uint32_t first_seed, bool has_inner_anchors, Check check) {
  unsigned large = 0;
  for (uint32_t seed = first_seed; seed < first_seed + 3000; ++seed) {
    Generator generator(seed, has_inner_anchors);
    std::string pattern = generator.pattern();
    SCOPED_TRACE(fmt::format("seed {}: {}", seed, pattern));
    Error error;
    auto finder = compile(pattern, false, error), groups = compile(pattern, true, error);
    ASSERT_TRUE(finder) << error.message;
    large += !groups;
    for (unsigned index = 0; index < 12 && groups; ++index)
      check(pattern, generator.text(), *finder, *groups);
    if (::testing::Test::HasFailure())
      return;
  }
  EXPECT_LT(large, 30u);
}

TEST(IrRegex, MatchesAreThoseOfTheCLibrary) {
  unsigned matched = 0, same = 0;
  try_random_patterns(1, false, [&](const std::string &pattern, const std::string &text, auto &finder, auto &groups) {
    Oracle oracle(pattern);
    ASSERT_EQ(oracle.status, 0);
    auto expected = oracle.search(text), found = search(groups, text);
    EXPECT_EQ(matches(finder, text), expected.has_value()) << text;
    ASSERT_EQ(found.has_value(), expected.has_value()) << text;
    if (!expected)
      return;
    EXPECT_EQ(found->front(), expected->front()) << text << shown(*found) << " not" << shown(*expected);
    ++matched;
    same += *found == *expected;
  });
  // The C library's groups are not always those of the first way.
  EXPECT_GT(matched, 15000u);
  EXPECT_GT(same * 100, matched * 97);
}

TEST(IrRegex, GroupsAreThoseOfTryingEverything) {
  unsigned compared = 0;
  try_random_patterns(100'000, true,
                      [&](const std::string &pattern, const std::string &text, auto &finder, auto &groups) {
                        Error error;
                        Syntax syntax = *parse(pattern, error);
                        bool is_known;
                        auto expected = Backtracker(syntax, text).search(is_known);
                        if (!is_known)
                          return;
                        auto found = search(groups, text);
                        EXPECT_EQ(matches(finder, text), expected.has_value()) << text;
                        EXPECT_EQ(found ? shown(*found) : "none", expected ? shown(*expected) : "none") << text;
                        ++compared;
                      });
  EXPECT_GT(compared, 30'000u);
}

} // namespace
} // namespace tapjit::ir::regex

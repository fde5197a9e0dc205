// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/regex/syntax.h"

#include <fmt/format.h>
#include <utility>

namespace tapjit::ir::regex {

namespace {

constexpr uint32_t repeat_limit = 12345; // bounds stay below it, as in SystemTap
constexpr unsigned depth_limit = 200;    // of parentheses; with the next one, of recursion over the tree
constexpr unsigned repeats_limit = 10;   // signs of repetition behind one part

struct ClassName {
  std::string_view name;
  bool (*holds)(unsigned char);
};

bool is_lower(unsigned char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(unsigned char c) { return c >= 'A' && c <= 'Z'; }
bool is_alpha(unsigned char c) { return is_lower(c) || is_upper(c); }
bool is_digit(unsigned char c) { return c >= '0' && c <= '9'; }
bool is_alnum(unsigned char c) { return is_alpha(c) || is_digit(c); }
bool is_blank(unsigned char c) { return c == ' ' || c == '\t'; }
bool is_cntrl(unsigned char c) { return c < 32 || c == 127; }
bool is_graph(unsigned char c) { return c > 32 && c < 127; }
bool is_print(unsigned char c) { return c >= 32 && c < 127; }
bool is_punct(unsigned char c) { return is_graph(c) && !is_alnum(c); }
bool is_space(unsigned char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }
bool is_xdigit(unsigned char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Those of POSIX in its own locale, and SystemTap's short ones.
constexpr ClassName class_names[] = {
    {"alpha", is_alpha}, {"alnum", is_alnum}, {"blank", is_blank},   {"cntrl", is_cntrl},
    {"digit", is_digit}, {"d", is_digit},     {"xdigit", is_xdigit}, {"graph", is_graph},
    {"lower", is_lower}, {"l", is_lower},     {"print", is_print},   {"punct", is_punct},
    {"space", is_space}, {"s", is_space},     {"upper", is_upper},   {"u", is_upper},
};

constexpr std::string_view class_hint = "the classes are alpha, alnum, blank, cntrl, digit (d), xdigit, graph, lower "
                                        "(l), print, punct, space (s) and upper (u)";

std::string shown(char c) {
  return c >= 32 && c < 127 ? std::string(1, c) : fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
}

// Recursive descent; the first error ends it.
class Parser {
public:
  Parser(std::string_view pattern, Error &error) : pattern_(pattern), error_(error) {}

  std::optional<Syntax> run() {
    syntax_.root = choice(0);
    if (!failed_ && at_ < pattern_.size())
      fail(at_, 1, "a `)` without its `(`", "write `\\\\)` for the character");
    if (failed_)
      return std::nullopt;
    return std::move(syntax_);
  }

private:
  bool is_done() const { return failed_ || at_ >= pattern_.size(); }
  char peek(size_t ahead = 0) const { return at_ + ahead < pattern_.size() ? pattern_[at_ + ahead] : '\0'; }
  bool is_at(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
  bool accept(std::string_view text) {
    if (!is_at(text))
      return false;
    at_ += text.size();
    return true;
  }

  uint32_t fail(size_t offset, size_t length, std::string message, std::string hint = "") {
    if (!failed_)
      error_ = {offset, length, std::move(message), std::move(hint)};
    failed_ = true;
    return 0;
  }

  uint32_t add(Node node) {
    syntax_.nodes.push_back(std::move(node));
    return uint32_t(syntax_.nodes.size() - 1);
  }
  uint32_t add(Node::Kind kind, std::vector<uint32_t> parts = {}) {
    Node node;
    node.kind = kind;
    node.parts = std::move(parts);
    return add(std::move(node));
  }
  uint32_t add(const ByteSet &bytes) {
    Node node;
    node.kind = Node::Kind::Bytes;
    node.bytes = bytes;
    return add(std::move(node));
  }

  uint32_t choice(unsigned depth) {
    std::vector<uint32_t> parts{sequence(depth)};
    while (!failed_ && accept("|"))
      parts.push_back(sequence(depth));
    return parts.size() == 1 ? parts[0] : add(Node::Kind::Choice, std::move(parts));
  }

  uint32_t sequence(unsigned depth) {
    std::vector<uint32_t> parts;
    while (!is_done() && peek() != '|' && peek() != ')')
      parts.push_back(repeated(depth));
    if (parts.size() == 1)
      return parts[0];
    return parts.empty() ? add(Node::Kind::Empty) : add(Node::Kind::Sequence, std::move(parts));
  }

  uint32_t repeated(unsigned depth) {
    uint32_t part = atom(depth);
    for (unsigned repeats = 0; !is_done() && (peek() == '*' || peek() == '+' || peek() == '?' || peek() == '{');) {
      if (++repeats > repeats_limit)
        return fail(at_, 1, fmt::format("more than {} repetitions of one part", repeats_limit));
      if (Node::Kind kind = syntax_.nodes[part].kind; kind == Node::Kind::Begin || kind == Node::Kind::End)
        return fail(at_, 1, fmt::format("`{}` behind an anchor, which has nothing to repeat", peek()),
                    fmt::format("write `\\\\{}` for the character", peek()));
      Node node;
      node.kind = Node::Kind::Repeat;
      node.parts = {part};
      if (!bounds(node))
        return 0;
      part = add(std::move(node));
    }
    return part;
  }

  bool bounds(Node &node) {
    size_t start = at_;
    char sign = pattern_[at_++];
    node.least = sign == '+';
    node.most = sign == '?' ? 1 : Node::endless;
    if (sign != '{')
      return true;
    if (!number(node.least))
      return false;
    node.most = node.least;
    if (accept(",")) {
      node.most = Node::endless;
      if (peek() != '}' && !number(node.most))
        return false;
    }
    if (!accept("}"))
      return fail(at_, 1,
                  at_ < pattern_.size() ? "no `}` where the bounds of a repetition end"
                                        : "a repetition without its `}`");
    if (node.most < node.least)
      return fail(start, at_ - start,
                  fmt::format("`{}`: the upper bound is below the lower one", pattern_.substr(start, at_ - start)));
    return true;
  }

  bool number(uint32_t &value) {
    size_t start = at_;
    for (value = 0; is_digit(static_cast<unsigned char>(peek())); ++at_)
      value = value < repeat_limit ? value * 10 + uint32_t(peek() - '0') : value;
    if (at_ == start)
      return fail(at_, 1, "no number where a repetition has its bounds",
                  "write `{n}`, `{n,}` or `{n,m}`, or `\\\\{` for the character");
    if (value >= repeat_limit)
      return fail(start, at_ - start,
                  fmt::format("the bound {}, which is too large", pattern_.substr(start, at_ - start)),
                  fmt::format("bounds are below {}", repeat_limit));
    return true;
  }

  uint32_t atom(unsigned depth) {
    size_t start = at_;
    char c = pattern_[at_++];
    switch (c) {
    case '^':
      return add(Node::Kind::Begin);
    case '$':
      return add(Node::Kind::End);
    case '.':
      return add(ByteSet().set());
    case '[':
      return brackets(start);
    case '(':
      return group(start, depth + 1);
    case '*':
    case '+':
    case '?':
    case '{':
      return fail(start, 1, fmt::format("`{}` with nothing before it to repeat", c),
                  fmt::format("write `\\\\{}` for the character", c));
    case '\\':
      return escaped(start);
    default:
      return add(ByteSet().set(static_cast<unsigned char>(c)));
    }
  }

  uint32_t escaped(size_t start) {
    if (at_ >= pattern_.size())
      return fail(start, 1, "a `\\` with nothing behind it", "write `\\\\\\\\` for the character");
    char c = pattern_[at_++];
    if (is_alnum(static_cast<unsigned char>(c)))
      syntax_.surprises.push_back({start, c});
    return add(ByteSet().set(static_cast<unsigned char>(c)));
  }

  uint32_t group(size_t start, unsigned depth) {
    if (depth > depth_limit)
      return fail(start, 1, fmt::format("more than {} open parentheses", depth_limit));
    Node node;
    node.kind = Node::Kind::Group;
    bool captures = !accept("?:");
    if (captures && peek() == '?')
      return fail(at_, 2, fmt::format("`(?{}`, which is not known", peek(1) ? shown(peek(1)) : ""),
                  "`(?:` begins a group that is not counted");
    if (captures)
      node.group = ++syntax_.groups;
    uint32_t part = choice(depth);
    if (!failed_ && !accept(")"))
      return fail(start, 1, "a `(` without its `)`", "write `\\\\(` for the character");
    if (!captures)
      return part;
    node.parts = {part};
    return add(std::move(node));
  }

  // Behind the `[`. A `]` that comes first is a member, as in POSIX.
  uint32_t brackets(size_t start) {
    bool negated = accept("^");
    ByteSet bytes;
    for (bool first = true;; first = false) {
      if (is_done())
        return fail(start, 1, "a `[` without its `]`", "write `\\\\[` for the character");
      if (!first && accept("]"))
        break;
      if (!member(bytes))
        return 0;
    }
    return add(negated ? ~bytes : bytes);
  }

  bool member(ByteSet &bytes) {
    size_t start = at_;
    if (is_at("[:"))
      return named_class(bytes);
    unsigned char first = bracket_byte(), last = first;
    if (peek() == '-' && at_ + 1 < pattern_.size() && peek(1) != ']') {
      ++at_;
      last = bracket_byte();
    }
    if (last < first)
      return fail(start, at_ - start,
                  fmt::format("the range `{}`, whose end is before its start", pattern_.substr(start, at_ - start)));
    for (unsigned byte = first; byte <= last; ++byte)
      bytes.set(byte);
    return true;
  }

  unsigned char bracket_byte() {
    if (peek() == '\\' && at_ + 1 < pattern_.size()) {
      ++at_;
      if (is_alnum(static_cast<unsigned char>(peek())))
        syntax_.surprises.push_back({at_ - 1, peek()});
    }
    return static_cast<unsigned char>(pattern_[at_++]);
  }

  bool named_class(ByteSet &bytes) {
    size_t start = at_, end = pattern_.find(":]", at_ + 2);
    std::string_view name = pattern_.substr(at_ + 2, end == std::string_view::npos ? end : end - at_ - 2);
    if (end == std::string_view::npos || name.find(']') != std::string_view::npos)
      return fail(start, 2, "a `[:` without its `:]`", "write `[\\\\[:]` for a set of the two characters");
    at_ = end + 2;
    for (const ClassName &known : class_names) {
      if (known.name != name)
        continue;
      for (unsigned byte = 0; byte < 256; ++byte)
        if (known.holds(static_cast<unsigned char>(byte)))
          bytes.set(byte);
      return true;
    }
    return fail(start, at_ - start, fmt::format("the unknown class `{}`", pattern_.substr(start, at_ - start)),
                std::string(class_hint));
  }

  std::string_view pattern_;
  Error &error_;
  Syntax syntax_;
  size_t at_ = 0;
  bool failed_ = false;
};

} // namespace

std::optional<Syntax> parse(std::string_view pattern, Error &error) { return Parser(pattern, error).run(); }

} // namespace tapjit::ir::regex

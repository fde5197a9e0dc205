// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/condition.h"

#include "frontend/preprocess.h"

#include <string>

namespace tapjit {

namespace {

// One side of a comparison. Versions order by digits, other texts by bytes; only `==` and `!=` know globs.
struct Operand {
  enum class Kind : uint8_t { number, string, version, text_only, config } kind;
  int64_t number = 0;
  std::string text;
  Loc loc;
};

std::string_view kind_name(Operand::Kind kind) {
  switch (kind) {
  case Operand::Kind::number:
    return "a number";
  case Operand::Kind::string:
    return "a string";
  case Operand::Kind::version:
    return "a version";
  case Operand::Kind::text_only:
    return "a name";
  case Operand::Kind::config:
    return "a configuration value";
  }
  return "";
}

bool decide(TokenKind op, int order) {
  switch (op) {
  case TokenKind::eq:
    return order == 0;
  case TokenKind::ne:
    return order != 0;
  case TokenKind::less:
    return order < 0;
  case TokenKind::greater:
    return order > 0;
  case TokenKind::le:
    return order <= 0;
  default:
    return order >= 0;
  }
}

bool is_comparison(TokenKind kind) {
  return kind == TokenKind::eq || kind == TokenKind::ne || kind == TokenKind::less || kind == TokenKind::greater ||
         kind == TokenKind::le || kind == TokenKind::ge;
}

int order_of(int64_t left, int64_t right) { return left < right ? -1 : left > right; }

class Evaluator {
public:
  Evaluator(std::span<const Token> tokens, Loc loc, const ParseOptions &options, Diagnostics &diagnostics)
      : tokens_(tokens), loc_(loc), options_(options), diagnostics_(diagnostics) {}

  bool run() {
    bool any = and_chain();
    while (at_ < tokens_.size() && tokens_[at_].kind == TokenKind::logical_or) {
      ++at_;
      bool right = and_chain();
      any = any || right;
    }
    if (at_ < tokens_.size() && !failed_)
      fail_expected("`&&`, `||` or `%?`");
    return any && !failed_;
  }

private:
  bool and_chain() {
    bool all = comparison();
    while (at_ < tokens_.size() && tokens_[at_].kind == TokenKind::logical_and) {
      ++at_;
      bool right = comparison();
      all = all && right;
    }
    return all;
  }

  void fail_expected(std::string_view what) {
    if (!failed_) {
      bool more = at_ < tokens_.size();
      diagnostics_.report(DiagId::expected, more ? tokens_[at_].loc : loc_,
                          {what, more ? describe_token(tokens_[at_]) : "`%?`"});
    }
    failed_ = true;
  }

  bool comparison() {
    if (failed_)
      return false;
    Operand left, right;
    if (!operand(left))
      return false;
    if (at_ >= tokens_.size() || !is_comparison(tokens_[at_].kind)) {
      fail_expected("a comparison operator");
      return false;
    }
    const Token &op = tokens_[at_++];
    if (!operand(right))
      return false;
    return compare(left, op, right);
  }

  bool operand(Operand &result) {
    if (at_ >= tokens_.size()) {
      fail_expected("something to compare");
      return false;
    }
    bool negative =
        tokens_[at_].kind == TokenKind::minus && at_ + 1 < tokens_.size() && tokens_[at_ + 1].kind == TokenKind::number;
    if (negative)
      ++at_;
    const Token &token = tokens_[at_];
    result.loc = token.loc;
    if (token.kind == TokenKind::number && !token.bad_number) {
      result.kind = Operand::Kind::number;
      result.number = negative ? static_cast<int64_t>(-static_cast<uint64_t>(token.number)) : token.number;
    } else if (token.kind == TokenKind::string) {
      result.kind = Operand::Kind::string;
      result.text = token.text;
    } else if (token.kind != TokenKind::name || !named(token.text, result)) {
      if (!failed_)
        diagnostics_
            .report(DiagId::bad_condition, token.loc,
                    {token.text.empty() ? describe_token(token) : std::string(token.text)})
            .hint("known are `kernel_v`, `kernel_vr`, `arch`, `systemtap_v`, `systemtap_privilege`, `guru_mode`, "
                  "`runtime`, `CONFIG_...`, "
                  "numbers and strings");
      failed_ = true;
      return false;
    }
    ++at_;
    return true;
  }

  bool named(std::string_view word, Operand &result) {
    auto set = [&](Operand::Kind kind, std::string text) {
      result.kind = kind;
      result.text = std::move(text);
      return true;
    };
    if (word == "kernel_vr")
      return set(Operand::Kind::version, options_.kernel_release);
    if (word == "kernel_v")
      return set(Operand::Kind::version, options_.kernel_release.substr(0, options_.kernel_release.find('-')));
    if (word == "systemtap_v")
      return set(Operand::Kind::version, options_.systemtap_version);
    if (word == "arch")
      return set(Operand::Kind::text_only, options_.arch);
    if (word == "runtime")
      return set(Operand::Kind::text_only, options_.runtime);
    if (word == "systemtap_privilege")
      return set(Operand::Kind::text_only, options_.privilege);
    // Unprivileged markers of old tapsets name the levels without quotes.
    if (word == "stapusr" || word == "stapsys" || word == "stapdev")
      return set(Operand::Kind::text_only, std::string(word));
    if (word == "guru_mode") {
      result.kind = Operand::Kind::number;
      result.number = options_.guru;
      return true;
    }
    if (word.substr(0, 7) == "CONFIG_")
      return set(Operand::Kind::config, options_.config ? options_.config(word) : std::string());
    return false;
  }

  bool compare(const Operand &left, const Token &op, const Operand &right) {
    using Kind = Operand::Kind;
    bool equality = op.kind == TokenKind::eq || op.kind == TokenKind::ne;
    if (left.kind == Kind::number && right.kind == Kind::number)
      return decide(op.kind, order_of(left.number, right.number));
    // A configuration value and a number compare as numbers; text that is none counts as 0.
    if (left.kind == Kind::config && right.kind == Kind::number)
      return decide(op.kind, order_of(std::strtoll(left.text.c_str(), nullptr, 0), right.number));
    if (left.kind == Kind::number || right.kind == Kind::number) {
      diagnostics_.report(DiagId::condition_types, op.loc, {kind_name(left.kind), kind_name(right.kind)});
      failed_ = true;
      return false;
    }
    if (left.kind == Kind::text_only && !equality) {
      diagnostics_.report(DiagId::condition_operator, left.loc, {tokens_[0].text});
      failed_ = true;
      return false;
    }
    if (left.kind == Kind::config && right.kind == Kind::string && !equality) {
      diagnostics_.report(DiagId::condition_operator, left.loc, {"CONFIG_... compared with a string"});
      failed_ = true;
      return false;
    }
    if (equality && left.kind != Kind::string && right.kind == Kind::string)
      return glob_match(right.text, left.text) == (op.kind == TokenKind::eq);
    if (left.kind == Kind::config) {
      char *left_end, *right_end;
      int64_t left_number = std::strtoll(left.text.c_str(), &left_end, 0);
      int64_t right_number = std::strtoll(right.text.c_str(), &right_end, 0);
      if (!*left_end && !*right_end && !left.text.empty() && !right.text.empty())
        return decide(op.kind, order_of(left_number, right_number));
    }
    int order = left.kind == Kind::version ? compare_versions(left.text, right.text) : left.text.compare(right.text);
    return decide(op.kind, order);
  }

  std::span<const Token> tokens_;
  size_t at_ = 0;
  Loc loc_;
  const ParseOptions &options_;
  Diagnostics &diagnostics_;
  bool failed_ = false;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

} // namespace

int compare_versions(std::string_view left, std::string_view right) {
  size_t i = 0, j = 0;
  while (i < left.size() && j < right.size()) {
    if (is_digit(left[i]) && is_digit(right[j])) {
      while (i < left.size() && left[i] == '0')
        ++i;
      while (j < right.size() && right[j] == '0')
        ++j;
      size_t i_end = i, j_end = j;
      while (i_end < left.size() && is_digit(left[i_end]))
        ++i_end;
      while (j_end < right.size() && is_digit(right[j_end]))
        ++j_end;
      if (i_end - i != j_end - j)
        return i_end - i < j_end - j ? -1 : 1;
      if (int order = left.substr(i, i_end - i).compare(right.substr(j, j_end - j)))
        return order;
      i = i_end;
      j = j_end;
    } else if (left[i] != right[j]) {
      return static_cast<unsigned char>(left[i]) < static_cast<unsigned char>(right[j]) ? -1 : 1;
    } else {
      ++i;
      ++j;
    }
  }
  return (i < left.size()) - (j < right.size());
}

bool glob_match(std::string_view pattern, std::string_view text) {
  size_t p = 0, t = 0, star = std::string_view::npos, star_text = 0;
  auto one = [&](size_t &at, char c) { // whether the element at pattern[at] takes c; moves behind the element
    if (pattern[at] == '?') {
      ++at;
      return true;
    }
    size_t close = pattern[at] == '[' ? pattern.find(']', at + 2) : std::string_view::npos;
    if (close == std::string_view::npos) {
      size_t literal = pattern[at] == '\\' && at + 1 < pattern.size() ? at + 1 : at;
      bool same = pattern[literal] == c;
      at = literal + 1;
      return same;
    }
    size_t k = at + 1;
    bool negated = pattern[k] == '!' || pattern[k] == '^';
    k += negated;
    bool in = false;
    for (; k < close; ++k) {
      if (k + 2 < close && pattern[k + 1] == '-') {
        in = in || (pattern[k] <= c && c <= pattern[k + 2]);
        k += 2;
      } else {
        in = in || pattern[k] == c;
      }
    }
    at = close + 1;
    return in != negated;
  };
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      star_text = t;
      continue;
    }
    size_t next = p;
    if (p < pattern.size() && one(next, text[t])) {
      p = next;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star;
      t = ++star_text;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*')
    ++p;
  return p == pattern.size();
}

bool evaluate_condition(std::span<const Token> tokens, Loc loc, const ParseOptions &options, Diagnostics &diagnostics) {
  return Evaluator(tokens, loc, options, diagnostics).run();
}

} // namespace tapjit

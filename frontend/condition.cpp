// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/condition.h"

#include "frontend/preprocess.h"

#include <cstdlib>
#include <cstring>
#include <string>

namespace tapjit {

namespace {

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
    while (!failed_ && accept(TokenKind::logical_or)) {
      bool right = and_chain();
      any = any || right;
    }
    if (at_ < tokens_.size() && !failed_)
      fail_expected("`&&`, `||` or `%?`");
    return any && !failed_;
  }
  bool failed() const { return failed_; }

private:
  bool and_chain() {
    bool all = comparison();
    while (!failed_ && accept(TokenKind::logical_and)) {
      bool right = comparison();
      all = all && right;
    }
    return all;
  }

  bool accept(TokenKind kind) {
    if (at_ >= tokens_.size() || tokens_[at_].kind != kind)
      return false;
    ++at_;
    return true;
  }

  Diagnostic *fail(DiagId id, Loc loc, std::initializer_list<DiagArg> args) {
    bool first = !failed_;
    failed_ = true;
    return first ? &diagnostics_.report(id, loc, args) : nullptr;
  }

  void fail_expected(std::string_view what) {
    bool more = at_ < tokens_.size();
    fail(DiagId::expected, more ? tokens_[at_].loc : loc_, {what, more ? describe_token(tokens_[at_]) : "`%?`"});
  }

  // The left side says what may stand on the right, and by which operators it is compared.
  bool comparison() {
    if (at_ >= tokens_.size()) {
      fail_expected("something to compare");
      return false;
    }
    const Token &left = tokens_[at_++];
    std::string_view word = left.kind == TokenKind::name ? left.text : std::string_view();
    if (left.kind == TokenKind::number)
      return compare_numbers(left);
    if (left.kind == TokenKind::string)
      return compare_strings(left);
    if (word == "kernel_vr")
      return compare_version(word, options_.kernel_release);
    if (word == "kernel_v")
      return compare_version(word, options_.kernel_release.substr(0, options_.kernel_release.find('-')));
    if (word == "systemtap_v")
      return compare_version(word, options_.compatible);
    if (word == "arch")
      return compare_text(word, options_.arch);
    if (word == "runtime")
      return compare_text(word, options_.runtime);
    if (word == "systemtap_privilege")
      return compare_text(word, options_.privilege);
    if (word == "guru_mode")
      return compare_guru();
    if (word.starts_with("CONFIG_"))
      return compare_config(left);
    std::string shown = left.text.empty() ? describe_token(left) : std::string(left.text);
    if (Diagnostic *diagnostic = fail(DiagId::bad_condition, left.loc, {shown}))
      diagnostic->hint("known are `kernel_v`, `kernel_vr`, `arch`, `systemtap_v`, `systemtap_privilege`, `guru_mode`, "
                       "`runtime`, `CONFIG_...`, numbers and strings");
    return false;
  }

  // A comparison operator; null after an error.
  const Token *take_operator() {
    if (at_ < tokens_.size() && is_comparison(tokens_[at_].kind))
      return &tokens_[at_++];
    fail_expected("a comparison operator");
    return nullptr;
  }

  // `==` or `!=`, for what has no order.
  const Token *take_equality(std::string_view of) {
    const Token *op = take_operator();
    if (!op || op->kind == TokenKind::eq || op->kind == TokenKind::ne)
      return op;
    fail(DiagId::condition_operator, op->loc, {of});
    return nullptr;
  }

  const Token *take_operand(TokenKind kind, const std::string &what) {
    if (at_ < tokens_.size() && tokens_[at_].kind == kind) {
      if (!tokens_[at_].broken)
        return &tokens_[at_++];
      fail(DiagId::bad_number, tokens_[at_].loc, {tokens_[at_].text, number_problem(tokens_[at_].text)});
      return nullptr;
    }
    fail_expected(what);
    return nullptr;
  }

  bool compare_numbers(const Token &left) {
    if (left.broken) {
      fail(DiagId::bad_number, left.loc, {left.text, number_problem(left.text)});
      return false;
    }
    const Token *op = take_operator();
    const Token *right = op ? take_operand(TokenKind::number, "a number to compare with") : nullptr;
    return right && decide(op->kind, order_of(value_of(left), value_of(*right)));
  }

  // A number in a condition is decimal although it begins with 0, as in `$1` for 010.
  static int64_t value_of(const Token &token) {
    bool hex = token.text.size() > 1 && (token.text[1] == 'x' || token.text[1] == 'X');
    return hex ? token.number : std::strtoll(std::string(token.text).c_str(), nullptr, 10);
  }

  bool compare_strings(const Token &left) {
    const Token *op = take_operator();
    const Token *right = op ? take_operand(TokenKind::string, "a string to compare with") : nullptr;
    return right && decide(op->kind, left.text.compare(right->text));
  }

  bool compare_version(std::string_view name, const std::string &value) {
    const Token *op = take_operator();
    const Token *right = op ? take_operand(TokenKind::string, "a version in a string") : nullptr;
    if (!right)
      return false;
    if (op->kind == TokenKind::eq || op->kind == TokenKind::ne)
      return glob_match(right->text, value) == (op->kind == TokenKind::eq);
    if (right->text.find_first_of("*?[") != std::string_view::npos) {
      fail(DiagId::condition_wildcard, right->loc, {name});
      return false;
    }
    return decide(op->kind, compare_versions(value, right->text));
  }

  bool compare_text(std::string_view name, const std::string &value) {
    const Token *op = take_equality(name);
    const Token *right = op ? take_operand(TokenKind::string, "a string") : nullptr;
    return right && glob_match(right->text, value) == (op->kind == TokenKind::eq);
  }

  bool compare_guru() {
    const Token *op = take_equality("guru_mode");
    if (!op)
      return false;
    if (at_ >= tokens_.size() || tokens_[at_].kind != TokenKind::number || tokens_[at_].broken ||
        static_cast<uint64_t>(tokens_[at_].number) > 1) {
      fail_expected("`0` or `1`");
      return false;
    }
    return (tokens_[at_++].number == options_.guru) == (op->kind == TokenKind::eq);
  }

  std::string config_value(std::string_view name) const {
    return options_.config ? options_.config(name) : std::string();
  }

  bool compare_config(const Token &left) {
    std::string value = config_value(left.text);
    const Token *op = take_operator();
    if (!op)
      return false;
    bool equality = op->kind == TokenKind::eq || op->kind == TokenKind::ne;
    const Token *right = at_ < tokens_.size() ? &tokens_[at_++] : nullptr;
    if (right && right->kind == TokenKind::string) {
      if (equality)
        return glob_match(right->text, value) == (op->kind == TokenKind::eq);
      fail(DiagId::condition_operator, op->loc, {"CONFIG_... compared with a string"});
    } else if (right && right->kind == TokenKind::number && !right->broken) {
      // Text that is not there counts as 0.
      if (int64_t number; read_number(value, number))
        return decide(op->kind, order_of(number, value_of(*right)));
      fail(DiagId::config_not_number, left.loc, {left.text, value});
    } else if (right && right->kind == TokenKind::name && right->text.starts_with("CONFIG_")) {
      std::string other = config_value(right->text);
      int64_t left_number, right_number;
      if (!value.empty() && !other.empty() && read_number(value, left_number) && read_number(other, right_number))
        return decide(op->kind, order_of(left_number, right_number));
      return decide(op->kind, value.compare(other));
    } else {
      at_ -= right != nullptr;
      fail_expected("a string, a number or `CONFIG_...`");
    }
    return false;
  }

  static bool read_number(const std::string &text, int64_t &number) {
    char *end;
    number = std::strtoll(text.c_str(), &end, 0);
    return !*end;
  }

  std::span<const Token> tokens_;
  size_t at_ = 0;
  Loc loc_;
  const ParseOptions &options_;
  Diagnostics &diagnostics_;
  bool failed_ = false;
};

} // namespace

int compare_versions(std::string_view left, std::string_view right) {
  return ::strverscmp(std::string(left).c_str(), std::string(right).c_str());
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

Condition evaluate_condition(std::span<const Token> tokens, Loc loc, const ParseOptions &options,
                             Diagnostics &diagnostics) {
  Evaluator evaluator(tokens, loc, options, diagnostics);
  bool holds = evaluator.run();
  return evaluator.failed() ? Condition::malformed : holds ? Condition::holds : Condition::fails;
}

} // namespace tapjit

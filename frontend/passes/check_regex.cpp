// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/check.h"

#include "frontend/lower_module.h"
#include "frontend/visit.h"
#include "ir/regex/regex.h"

#include <map>

namespace tapjit {

using namespace ast;

namespace {

bool is_octal(char c) { return c >= '0' && c <= '7'; }

// Bytes of source text that one character of a literal takes (frontend/lexer.cpp reads them the same way).
size_t spelled_length(std::string_view text) {
  if (text[0] != '\\' || text.size() < 2)
    return 1;
  size_t length = 2;
  if (is_octal(text[1])) {
    while (length < 4 && length < text.size() && is_octal(text[length]))
      ++length;
  } else if (text[1] == 'x') {
    while (length < 4 && length < text.size() && std::isxdigit(static_cast<unsigned char>(text[length])))
      ++length;
  }
  return length;
}

// Where byte `offset` of the literal's value stands in the source: behind its opening quote, across literals that are
// joined. Falls back to the literal itself where the text is not to be had in one piece (macros, arguments).
class LiteralPlace {
public:
  LiteralPlace(const SourceTable &sources, Loc loc) : sources_(sources), loc_(loc) {
    Position at = sources.position(loc);
    if (!sources.is_expansion(loc) && at.source.valid())
      text_ = sources.text(at.source).substr(at.offset);
  }

  Loc of(size_t offset) const {
    if (!text_.starts_with('"'))
      return loc_;
    size_t at = 1;
    for (size_t passed = 0; at < text_.size(); ++passed) {
      if (text_[at] == '"' && passed <= offset) {
        size_t next = text_.find_first_not_of(" \t\r\n", at + 1);
        if (next == std::string_view::npos || text_[next] != '"')
          return passed == offset ? sources_.advanced(loc_, at) : loc_;
        at = next + 1;
      }
      if (passed == offset)
        return sources_.advanced(loc_, at);
      at += spelled_length(text_.substr(at));
    }
    return loc_;
  }

private:
  const SourceTable &sources_;
  Loc loc_;
  std::string_view text_;
};

class RegexChecker {
public:
  RegexChecker(const SourceTable &sources, Diagnostics &diagnostics, bool with_groups)
      : sources_(sources), diagnostics_(diagnostics), with_groups_(with_groups) {}

  template <typename Tree> void check(Tree &tree) {
    walk(tree, Overload{[&](Expr &expr) {
                          if (const Regex *regex = expr.as<Regex>())
                            check_pattern(*regex);
                          return true;
                        },
                        [](Stmt &) { return true; }});
  }

private:
  void check_pattern(const Regex &regex) {
    // A body may be there several times, once per site.
    if (!done_.try_emplace({regex.pattern_loc.value, std::string(regex.pattern)}).second)
      return;
    LiteralPlace place(sources_, regex.pattern_loc);
    ir::regex::Error error;
    std::optional<ir::regex::Syntax> syntax = ir::regex::parse(regex.pattern, error);
    if (syntax)
      for (const ir::regex::Surprise &surprise : syntax->surprises)
        diagnostics_
            .report(DiagId::regex_escape, place.of(surprise.offset),
                    {std::string(1, surprise.letter), std::string(1, surprise.letter)})
            .span(uint32_t(place.of(surprise.offset + 2).value - place.of(surprise.offset).value))
            .hint(escape_hint(surprise.letter));
    if (syntax && ir::regex::compile(regex.pattern, with_groups_, error))
      return;
    Loc start = place.of(error.offset), end = place.of(error.offset + error.length);
    Diagnostic &diagnostic = diagnostics_.report(error.too_large ? DiagId::regex_too_large : DiagId::regex_error,
                                                 error.too_large ? regex.pattern_loc : start, {error.message});
    if (!error.too_large)
      diagnostic.span(end.value > start.value ? end.value - start.value : 1);
    if (!error.hint.empty())
      diagnostic.hint(error.hint);
  }

  static std::string escape_hint(char letter) {
    switch (letter) {
    case 'd':
      return "write `[[:digit:]]` for a digit";
    case 's':
      return "write `[[:space:]]` for a blank";
    case 'w':
      return "write `[[:alnum:]_]` for a letter of a word";
    case 'n':
    case 't':
    case 'r':
      return std::string("write `\\") + letter + "` with one backslash: the string literal makes the character of it";
    default:
      return letter >= '1' && letter <= '9' ? "there are no references to groups" : "";
    }
  }

  const SourceTable &sources_;
  Diagnostics &diagnostics_;
  bool with_groups_;
  std::map<std::pair<uint32_t, std::string>, bool> done_;
};

} // namespace

void check_regexes(Program &program, SourceTable &sources, Diagnostics &diagnostics) {
  RegexChecker checker(sources, diagnostics, lowering::reads_groups(program));
  for (FunctionInfo &function : program.functions)
    if (function.body)
      checker.check(*function.body);
  for (Handler &handler : program.handlers) {
    for (Stmt *block : handler.blocks)
      checker.check(*block);
    for (Expr *condition : handler.conditions)
      checker.check(*condition);
    for (Expr *entry : handler.entries)
      checker.check(*entry);
  }
}

} // namespace tapjit

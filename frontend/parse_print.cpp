// SPDX-License-Identifier: GPL-2.0-or-later
// The print family: its names, the format language, and how many arguments a format wants.
#include "frontend/parser.h"

#include <string>

namespace tapjit {

using namespace ast;

namespace {

struct PrintName {
  std::string_view name;
  bool to_string, formatted, delimited, newline, is_char;
};
constexpr PrintName print_names[] = {
    {"print", false, false, false, false, false}, {"println", false, false, false, true, false},
    {"printd", false, false, true, false, false}, {"printdln", false, false, true, true, false},
    {"printf", false, true, false, false, false}, {"print_char", false, false, false, false, true},
    {"sprint", true, false, false, false, false}, {"sprintln", true, false, false, true, false},
    {"sprintd", true, false, true, false, false}, {"sprintdln", true, false, true, true, false},
    {"sprintf", true, true, false, false, false},
};

FormatPart::Kind conversion(char c) {
  switch (c) {
  case 'b':
    return FormatPart::Kind::binary;
  case 'c':
    return FormatPart::Kind::character;
  case 'd':
  case 'i':
    return FormatPart::Kind::decimal;
  case 'u':
    return FormatPart::Kind::unsigned_decimal;
  case 'o':
    return FormatPart::Kind::octal;
  case 'x':
    return FormatPart::Kind::hex;
  case 'X':
    return FormatPart::Kind::upper_hex;
  case 'p':
    return FormatPart::Kind::pointer;
  case 's':
    return FormatPart::Kind::string;
  case 'm':
    return FormatPart::Kind::memory;
  case 'M':
    return FormatPart::Kind::memory_hex;
  default:
    return FormatPart::Kind::text;
  }
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Reads `12` or `*` at text[at].
FormatPart::Size read_size(std::string_view text, size_t &at, uint32_t &value) {
  if (at < text.size() && text[at] == '*') {
    ++at;
    return FormatPart::Size::argument;
  }
  if (at >= text.size() || !is_digit(text[at]))
    return FormatPart::Size::none;
  for (; at < text.size() && is_digit(text[at]); ++at)
    if (value < 1'000'000)
      value = value * 10 + static_cast<uint32_t>(text[at] - '0');
  return FormatPart::Size::fixed;
}

} // namespace

bool Parser::is_print_name(std::string_view name) const {
  if (name.substr(0, 5) != "print" && name.substr(0, 6) != "sprint")
    return false;
  for (const PrintName &row : print_names)
    if (row.name == name)
      return true;
  return false;
}

// `%[flag][width][.precision][l]conversion`; what is none of these is reported and kept as text.
std::vector<FormatPart> Parser::parse_format(std::string_view format, Loc loc, bool &is_good) {
  std::vector<FormatPart> parts;
  std::string text;
  auto flush = [&] {
    if (text.empty())
      return;
    FormatPart part{};
    part.kind = FormatPart::Kind::text;
    part.text = file_.arena.copy(std::string_view(text));
    parts.push_back(part);
    text.clear();
  };
  for (size_t at = 0; at < format.size();) {
    if (format[at] != '%') {
      text += format[at++];
      continue;
    }
    size_t start = at++;
    if (at < format.size() && format[at] == '%') {
      text += '%';
      ++at;
      continue;
    }
    FormatPart part{};
    if (at < format.size() && std::string_view("0+- #").find(format[at]) != std::string_view::npos)
      part.flag = format[at++];
    part.width_kind = read_size(format, at, part.width);
    if (at < format.size() && format[at] == '.') {
      ++at;
      part.precision_kind = read_size(format, at, part.precision); // a lone `.` is none
    }
    if (at < format.size() && format[at] == 'l')
      ++at;
    part.kind = at < format.size() ? conversion(format[at]) : FormatPart::Kind::text;
    part.text = format.substr(start, at < format.size() ? at + 1 - start : at - start);
    ++at;
    if (part.kind == FormatPart::Kind::text) {
      if (!failing_)
        diagnostics_.report(DiagId::bad_printf_format, loc, {part.text})
            .hint("a directive is `%[flag][width][.precision]` and one of `b c d i u o x X p s m M %`");
      is_good = false;
      text += part.text;
      continue;
    }
    // Before 1.3 a pointer had all its digits, and no prefix.
    if (part.kind == FormatPart::Kind::pointer && part.width_kind == FormatPart::Size::none && !part.flag &&
        !options_.has("1.3")) {
      part.kind = FormatPart::Kind::hex;
      part.text = "%016x";
      part.flag = '0';
      part.width_kind = FormatPart::Size::fixed;
      part.width = 16;
    }
    flush();
    parts.push_back(part);
  }
  flush();
  return parts;
}

void Parser::check_format_arguments(const Print &print, Loc loc) {
  size_t wanted = 0;
  for (const FormatPart &part : print.parts)
    wanted += (part.kind != FormatPart::Kind::text) + (part.width_kind == FormatPart::Size::argument) +
              (part.precision_kind == FormatPart::Size::argument);
  if (wanted != print.args.size() && !failing_)
    diagnostics_.report(DiagId::format_argument_count, loc, {wanted, print.args.size()});
}

Expr *Parser::parse_print(const Token &name) {
  const PrintName *row = print_names;
  while (row->name != name.text)
    ++row;
  take(); // (
  Print node{};
  node.to_string = row->to_string;
  node.formatted = row->formatted;
  node.delimited = row->delimited;
  node.newline = row->newline;
  node.is_char = row->is_char;
  bool first = true, format_is_good = true;
  if (node.formatted || node.delimited) {
    Loc loc = peek().loc;
    std::string_view text;
    take_string(text, node.formatted ? "a literal format" : "a literal delimiter");
    first = false;
    if (node.formatted) {
      node.format = text;
      node.parts = file_.arena.copy(parse_format(text, loc, format_is_good));
    } else {
      node.delimiter = text;
    }
  }
  std::vector<Expr *> args;
  if (!node.formatted && !node.delimited && !node.is_char && at_histogram()) {
    Loc loc = peek().loc;
    args.push_back(parse_at_word());
    if (!is(TokenKind::rparen))
      fail(DiagId::histogram_as_value, loc, {});
    first = false;
  }
  while (!is(TokenKind::rparen) && !is(TokenKind::end)) {
    if (!first && !expect(TokenKind::comma, "`,` or `)`"))
      break;
    first = false;
    args.push_back(parse_expression());
  }
  expect(TokenKind::rparen);
  node.args = file_.arena.copy(args);
  size_t needed = node.delimited ? 2 : node.formatted || (node.newline && !node.delimited) ? 0 : 1;
  if (node.formatted) {
    if (format_is_good) // else nobody knows how many it takes
      check_format_arguments(node, name.loc);
  } else if (!failing_ && (args.size() < needed || (node.is_char && args.size() != 1))) {
    diagnostics_.report(DiagId::print_needs_argument, name.loc,
                        {name.text, needed == 2    ? "at least two values"
                                    : node.is_char ? "exactly one value"
                                                   : "at least one value"});
  }
  return make(name.loc, node);
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/base/deep_stack.h"
#include "frontend/parser.h"
#include "frontend/preprocess.h"

#include <string>

namespace tapjit {

using namespace ast;

// ------------------------------------------------------------------ tokens

Diagnostic *Parser::fail(DiagId id, Loc loc, std::initializer_list<DiagArg> args) {
  bool first = !failing_;
  failing_ = true;
  // What follows a string without end is anybody's guess.
  if (!first || (at_ > 0 && tokens_[at_ - 1].kind == TokenKind::string && tokens_[at_ - 1].broken))
    return nullptr;
  return &diagnostics_.report(id, loc, args);
}

Diagnostic *Parser::fail_expected(std::string_view what) {
  const Token &found = peek();
  Diagnostic *diagnostic = fail(DiagId::expected, found.loc, {what, describe_token(found)});
  if (!diagnostic)
    return nullptr;
  bool declares =
      found.kind == TokenKind::kw_probe || found.kind == TokenKind::kw_function || found.kind == TokenKind::kw_global;
  if (is_keyword(found.kind) && !declares && what.starts_with("a"))
    diagnostic->hint(describe_token(found) + " is a word of the language");
  if (found.kind == TokenKind::greater3)
    diagnostic->hint("`<<<` adds to a statistic");
  // The mistake may be in a macro that ended before.
  if (at_ > 0 && sources_.is_expansion(tokens_[at_ - 1].loc) && !sources_.is_expansion(found.loc)) {
    const Expansion &expansion = sources_.expansion(tokens_[at_ - 1].loc);
    std::string from = expansion.kind == ExpansionKind::macro ? "macro `@" : "script argument `";
    diagnostic->note(tokens_[at_ - 1].loc,
                     "the text before it comes from " + from + std::string(expansion.name.view()) + "`");
  }
  return diagnostic;
}

bool Parser::expect(TokenKind kind, std::string_view instead) {
  if (accept(kind))
    return true;
  fail_expected(instead.empty() ? token_description(kind) : instead);
  return false;
}

Name Parser::take_name(std::string_view what) {
  if (!is(TokenKind::name)) {
    fail_expected(what);
    return Name();
  }
  return sources_.intern(take().text);
}

bool Parser::take_string(std::string_view &text, std::string_view what) {
  if (!is(TokenKind::string)) {
    fail_expected(what);
    return false;
  }
  text = take().text;
  if (!is(TokenKind::string))
    return true;
  std::string joined(text);
  while (is(TokenKind::string)) {
    if (!options_.has("2.0") && !follows_blanks_only()) { // a comment parts them
      fail_expected("an end of the string");
      return false;
    }
    joined += take().text;
  }
  text = file_.arena.copy(std::string_view(joined));
  return true;
}

bool Parser::take_text(std::string_view &text, std::string_view what) {
  Loc loc = peek().loc;
  if (!take_string(text, what))
    return false;
  if (text.empty())
    fail(DiagId::expected, loc, {what, "an empty string"});
  return !text.empty();
}

// Whether nothing but blanks stands between this string and the one before.
bool Parser::follows_blanks_only() const {
  Position before = sources_.position(tokens_[at_ - 1].loc), here = sources_.position(peek().loc);
  if (before.source != here.source || before.offset > here.offset)
    return true;
  std::string_view text = sources_.text(here.source);
  size_t end = here.offset;
  while (end > before.offset && std::string_view(" \t\r\n\f\v").find(text[end - 1]) != std::string_view::npos)
    --end;
  return end > 0 && text[end - 1] == '"';
}

bool Parser::take_number(int64_t &number, std::string_view what) {
  bool negative = accept(TokenKind::minus);
  if (!is(TokenKind::number)) {
    fail_expected(what);
    return false;
  }
  const Token &token = take();
  if (token.broken)
    fail(DiagId::bad_number, token.loc, {token.text, number_problem(token.text)});
  // Up to 2^64-1 wraps, but behind a sign it is -2^63 at least.
  if (negative && !token.broken && static_cast<uint64_t>(token.number) > uint64_t{1} << 63)
    fail(DiagId::bad_number, token.loc, {"-" + std::string(token.text), number_problem(token.text)});
  number = negative ? static_cast<int64_t>(-static_cast<uint64_t>(token.number)) : token.number;
  return true;
}

bool Parser::enter(Loc loc, unsigned weight) {
  depth_ += weight;
  if (depth_ > max_depth_) {
    if (Diagnostic *diagnostic = fail(DiagId::too_deep, loc, {}))
      diagnostic->hint("brackets, blocks and operators nest to " + std::to_string(max_depth_) + " levels at most");
    gave_up_ = was_too_deep_ = true;
    return false;
  }
  return true;
}

// ------------------------------------------------------------------ top level

void Parser::parse_file() {
  while (at_ < tokens_.size() && tokens_[at_].kind != TokenKind::end) {
    parse_declaration();
    depth_ = 0;
    if (failing_) {
      failing_ = gave_up_ = false;
      recover();
    }
  }
}

// Goes to the next word that begins a declaration. `kernel.function` and `x->probe` are no such words.
void Parser::recover() {
  for (; at_ < tokens_.size() && tokens_[at_].kind != TokenKind::end; ++at_) {
    TokenKind kind = tokens_[at_].kind;
    bool begins = kind == TokenKind::kw_probe || kind == TokenKind::kw_global || kind == TokenKind::kw_function ||
                  kind == TokenKind::kw_private;
    TokenKind next = at_ + 1 < tokens_.size() ? tokens_[at_ + 1].kind : TokenKind::end;
    if (kind == TokenKind::kw_private)
      begins = next == TokenKind::kw_function || next == TokenKind::kw_global || next == TokenKind::name;
    if (!begins || at_ == 0)
      continue;
    TokenKind before = tokens_[at_ - 1].kind;
    if (before != TokenKind::dot && before != TokenKind::arrow && before != TokenKind::kw_private)
      return;
  }
}

void Parser::parse_declaration() {
  const Token &token = peek();
  switch (token.kind) {
  case TokenKind::kw_probe:
    return parse_probe();
  case TokenKind::kw_function:
    return parse_function(false);
  case TokenKind::kw_global:
    return parse_globals(false);
  case TokenKind::kw_private:
    take();
    if (is(TokenKind::kw_function))
      return parse_function(true);
    return parse_globals(true);
  case TokenKind::embedded:
    take();
    if (require_guru("embedded code", token.loc))
      add_decl(token.loc, EmbeddedDecl{token.text});
    return;
  default:
    fail_expected("`probe`, `global`, `private`, `function` or `%{`");
    ++at_; // so that recovery moves on
  }
}

// ------------------------------------------------------------------ probes

void Parser::parse_probe() {
  Loc loc = take().loc;
  bool first_is_brace = is(TokenKind::lbrace);
  std::vector<ProbePoint> points = parse_points();
  std::vector<ProbePoint> names;
  bool epilogue_form = false;
  while ((is(TokenKind::assign) || is(TokenKind::add_assign)) && points.size() == 1) {
    epilogue_form = take().kind == TokenKind::add_assign || epilogue_form;
    names.push_back(points.front());
    points = parse_points();
  }
  if (first_is_brace && !is(TokenKind::lbrace) && points.size() == 1)
    fail_expected("`{` and the handler; what stands behind `probe` is taken for a probe point");
  Stmt *body = parse_block();
  if (names.empty()) {
    if (!failing_)
      add_decl(loc, ProbeDecl{file_.arena.copy(points), body});
    return;
  }
  check_alias_names(names);
  AliasDecl alias{file_.arena.copy(names), file_.arena.copy(points), epilogue_form ? nullptr : body,
                  epilogue_form ? body : nullptr, epilogue_form};
  if (!epilogue_form && accept(TokenKind::comma))
    alias.epilogue = parse_block();
  if (!failing_)
    add_decl(loc, alias);
}

void Parser::check_alias_names(const std::vector<ProbePoint> &names) {
  for (const ProbePoint &name : names) {
    if (name.optional || name.sufficient)
      diagnostics_.report(DiagId::alias_component_suffix, name.range, {name.optional ? "?" : "!"});
    for (const PointComponent &component : name.components)
      if (component.arg != PointComponent::Arg::none)
        diagnostics_.report(DiagId::alias_component_argument, component.range);
  }
}

std::vector<ProbePoint> Parser::parse_points() {
  std::vector<ProbePoint> points;
  do {
    parse_point(points);
  } while (accept(TokenKind::comma));
  return points;
}

void Parser::parse_point(std::vector<ProbePoint> &points) {
  for (const PointPart &part : parse_components())
    points.push_back({part.loc, file_.arena.copy(part.components), part.optional, part.sufficient, part.condition,
                      Range(part.loc, 0, part.behind)});
}

// `?`, `!` and `if (...)` behind a point; where braces gave several, for all of them.
void Parser::parse_point_suffix(std::vector<PointPart> &parts) {
  bool optional = is(TokenKind::question), sufficient = is(TokenKind::bang);
  auto refuse_second = [&](bool PointPart::*flag, const Token &token) {
    for (const PointPart &part : parts)
      if (part.*flag)
        fail(DiagId::suffix_twice, token.loc, {describe_token(token)});
  };
  if (optional || sufficient) {
    const Token &token = take();
    refuse_second(&PointPart::optional, token);
    refuse_second(&PointPart::sufficient, token);
  }
  Expr *condition = nullptr;
  if (is(TokenKind::kw_if)) {
    const Token &token = take();
    for (const PointPart &part : parts)
      if (part.condition)
        fail(DiagId::suffix_twice, token.loc, {describe_token(token)});
    expect(TokenKind::lparen);
    condition = parse_expression();
    expect(TokenKind::rparen);
  }
  for (PointPart &part : parts) {
    part.optional = part.optional || optional;
    part.sufficient = part.sufficient || sufficient;
    part.condition = condition ? condition : part.condition;
  }
}

// Components up to the end of the point or of a brace's alternative; more than one part when there were braces.
std::vector<Parser::PointPart> Parser::parse_components() {
  std::vector<PointPart> parts(1);
  parts.front().loc = peek().loc;
  size_t first = at_;
  if (!enter(peek().loc)) {
    leave();
    return parts;
  }
  do {
    for (const PointPart &part : parts)
      if (part.has_suffix())
        fail(DiagId::suffix_within_point, peek().loc, {});
    std::vector<PointPart> heads;
    if (accept(TokenKind::lbrace)) {
      do {
        std::vector<PointPart> inner = parse_components();
        heads.insert(heads.end(), inner.begin(), inner.end());
      } while (accept(TokenKind::comma));
      expect(TokenKind::rbrace);
    } else {
      heads.resize(1);
      heads.front().components.push_back(parse_component());
    }
    if (parts.size() * heads.size() > 100'000) {
      fail(DiagId::too_deep, peek().loc, {});
      break;
    }
    std::vector<PointPart> product;
    for (const PointPart &part : parts)
      for (const PointPart &head : heads) {
        product.push_back(head);
        product.back().loc = part.loc;
        product.back().components.insert(product.back().components.begin(), part.components.begin(),
                                         part.components.end());
      }
    parts = std::move(product);
  } while (accept(TokenKind::dot));
  for (PointPart &part : parts)
    part.behind = length_from(first).value_or(0);
  parse_point_suffix(parts);
  leave();
  return parts;
}

// Words and `*` that stand without a blank between them: `sys_*64`, `**`.
std::string_view Parser::take_component_name() {
  auto part = [](const Token &token) {
    return token.kind == TokenKind::name || token.kind == TokenKind::star || token.kind == TokenKind::number ||
           is_keyword(token.kind);
  };
  if (!part(peek()) || is(TokenKind::number)) {
    fail_expected("a probe point");
    return {};
  }
  std::string_view text = take().text;
  if (!part(peek()) || !peek().glued)
    return text;
  std::string joined(text);
  while (part(peek()) && peek().glued)
    joined += take().text;
  return file_.arena.copy(std::string_view(joined));
}

PointComponent Parser::parse_component() {
  PointComponent component;
  component.loc = peek().loc;
  size_t first = at_;
  component.name = take_component_name();
  if (!accept(TokenKind::lparen)) {
    component.range = Range(component.loc, 0, length_from(first).value_or(0));
    return component;
  }
  if (is(TokenKind::string)) {
    component.arg = PointComponent::Arg::string;
    take_string(component.text, "a string");
  } else {
    component.arg = PointComponent::Arg::number;
    take_number(component.number, "a literal number or string");
  }
  expect(TokenKind::rparen);
  component.range = Range(component.loc, 0, length_from(first).value_or(0));
  return component;
}

// ------------------------------------------------------------------ functions and globals

Type Parser::parse_type_annotation() {
  if (accept(TokenKind::kw_long))
    return Type::number;
  if (accept(TokenKind::kw_string))
    return Type::string;
  fail_expected("`long` or `string`");
  return Type::unknown;
}

void Parser::parse_function(bool is_private) {
  take();
  FunctionDecl function{};
  function.is_private = is_private;
  function.priority = -1;
  Loc loc = peek().loc;
  function.name = take_name("a function name");
  if (accept(TokenKind::colon))
    function.result = parse_type_annotation();
  expect(TokenKind::lparen);
  std::vector<Param> params;
  while (!is(TokenKind::rparen) && !is(TokenKind::end)) {
    Param param{Name(), Type::unknown, peek().loc};
    param.name = take_name("a parameter");
    for (const Param &other : params)
      if (other.name == param.name && !failing_)
        diagnostics_.report(DiagId::duplicate_parameter, param.loc, {param.name});
    if (accept(TokenKind::colon))
      param.type = parse_type_annotation();
    params.push_back(param);
    if (!accept(TokenKind::comma))
      break;
  }
  expect(TokenKind::rparen, "`,` or `)`");
  function.params = file_.arena.copy(params);
  if (accept(TokenKind::colon)) {
    Loc priority_loc = peek().loc;
    if (take_number(function.priority, "a priority") && function.priority < 1)
      fail(DiagId::bad_priority, priority_loc, {function.priority});
  }
  if (is(TokenKind::embedded)) {
    const Token &code = take();
    function.code = {code.text, code.loc};
    require_guru("embedded code", code.loc);
  } else {
    in_function_ = true;
    parameters_ = params;
    function.body = parse_block();
    parameters_ = {};
    in_function_ = false;
  }
  if (!failing_)
    add_decl(loc, function);
}

void Parser::parse_globals(bool is_private) {
  if (is(TokenKind::kw_global))
    take();
  do {
    Loc loc = peek().loc;
    GlobalDecl global = parse_global(is_private);
    if (failing_)
      continue;
    if (auto [first, added] = globals_.emplace(global.name, loc); !added)
      diagnostics_.report(DiagId::redefined, loc, {global.name}).note(first->second, "first defined here");
    add_decl(loc, global);
  } while (accept(TokenKind::comma));
  accept(TokenKind::semicolon);
}

GlobalDecl Parser::parse_global(bool is_private) {
  GlobalDecl global{};
  global.is_private = is_private;
  global.name = take_name("a name");
  global.wrap = accept(TokenKind::percent);
  if (accept(TokenKind::lbracket)) {
    global.sized = true;
    Loc loc = peek().loc;
    if (take_number(global.size, "an array size") && (global.size < 1 || global.size > INT32_MAX)) {
      diagnostics_.report(DiagId::bad_array_size, loc, {global.size});
      global.size = 1;
    }
    expect(TokenKind::rbracket);
  }
  // `global a%=5` reads as one token of the two.
  if (is(TokenKind::mod_assign)) {
    global.wrap = true;
  } else if (!is(TokenKind::assign)) {
    return global;
  }
  if (global.sized && !failing_)
    diagnostics_.report(DiagId::array_initialised, peek().loc, {global.name});
  take();
  Loc loc = peek().loc;
  if (is(TokenKind::string)) {
    String literal{};
    take_string(literal.text, "a string");
    global.init = make(loc, literal);
  } else if (is(TokenKind::number) || is(TokenKind::minus)) {
    Number literal{};
    take_number(literal.value, "a literal number or string");
    global.init = make(loc, literal);
  } else {
    fail_expected("a literal number or string");
  }
  return global;
}

// ------------------------------------------------------------------ entry points

// Later passes follow calls from function to function: with more of them, on a deep stack.
constexpr size_t shallow_declarations = 1000;

std::unique_ptr<File> parse_script(SourceTable &sources, SourceId source, const ParseOptions &options,
                                   Diagnostics &diagnostics) {
  auto file = std::make_unique<File>();
  file->source = source;
  std::vector<Token> tokens = lex(sources, source, file->arena, diagnostics, lex_options(options));
  MacroTable macros;
  tokens = preprocess(std::move(tokens), options, sources, file->arena, macros, diagnostics);
  if (tokens.size() <= 1 && !options.is_library && !diagnostics.has_errors())
    diagnostics.report(DiagId::empty_script, sources.loc(source, 0), {sources.name(source)});
  size_t reported = diagnostics.all().size();
  Parser parser(*file, tokens, options, sources, diagnostics);
  parser.parse_file();
  file->is_deep = file->decls.size() > shallow_declarations;
  if (!parser.was_too_deep() || options.is_library)
    return file;
  // Once more, with room; the tokens, which may view into the arena, stay.
  diagnostics.truncate(reported);
  file->decls.clear();
  file->is_deep = true;
  run_on_deep_stack(true, [&] { Parser(*file, tokens, options, sources, diagnostics, true).parse_file(); });
  return file;
}

void report_unused_arguments(const std::vector<std::string> &arguments, const std::vector<bool> &used,
                             Diagnostics &diagnostics) {
  for (size_t i = 0; i < arguments.size(); ++i)
    if (i >= used.size() || !used[i])
      diagnostics.report(DiagId::argument_unused, Loc{}, {arguments[i]});
}

} // namespace tapjit

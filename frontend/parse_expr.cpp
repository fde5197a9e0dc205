// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/parser.h"

#include <string>
#include <utility>

namespace tapjit {

using namespace ast;

namespace {

// Levels between the binary operators of operators.def.
constexpr int in_precedence = 8;
constexpr int regex_precedence = 9;
constexpr int concat_precedence = 11;
constexpr int primary_precedence = 17;

struct BinaryToken {
  BinaryOp op;
  std::string_view text;
  int precedence;
};
constexpr BinaryToken binary_tokens[] = {
#define BINARY(name, spelling, precedence, operands) {BinaryOp::name, spelling, precedence},
#include "frontend/operators.def"
};
struct AssignToken {
  AssignOp op;
  std::string_view text;
};
constexpr AssignToken assign_tokens[] = {
#define ASSIGN(name, spelling) {AssignOp::name, spelling},
#include "frontend/operators.def"
};

const BinaryToken *binary_operator(const Token &token) {
  if (token.kind < TokenKind::less3) // words and literals
    return nullptr;
  for (const BinaryToken &row : binary_tokens)
    if (row.text == token.text)
      return &row;
  return nullptr;
}

const AssignToken *assign_operator(const Token &token) {
  if (token.kind < TokenKind::less3)
    return nullptr;
  for (const AssignToken &row : assign_tokens)
    if (row.text == token.text)
      return &row;
  return nullptr;
}

} // namespace

bool Parser::starts_expression() const {
  switch (peek().kind) {
  case TokenKind::name:
  case TokenKind::number:
  case TokenKind::string:
  case TokenKind::embedded:
  case TokenKind::at_word:
  case TokenKind::lparen:
  case TokenKind::lbracket:
  case TokenKind::plus:
  case TokenKind::minus:
  case TokenKind::bang:
  case TokenKind::tilde:
  case TokenKind::ampersand:
  case TokenKind::increment:
  case TokenKind::decrement:
    return true;
  default:
    return false;
  }
}

Expr *Parser::parse_only_expression() {
  Expr *expr = parse_expression();
  if (!is(TokenKind::end) || failing_)
    fail_expected("the end of the expression");
  return failing_ ? nullptr : expr;
}

std::optional<uint32_t> Parser::length_from(size_t first) const {
  if (failing_ || at_ <= first)
    return std::nullopt;
  const Token &last = tokens_[at_ - 1];
  std::optional<uint32_t> length = sources_.distance(tokens_[first].loc, last.loc);
  return length ? std::optional(*length + last.length) : std::nullopt;
}

Expr *Parser::cover(size_t first, Expr *expr) const {
  std::optional<uint32_t> length = length_from(first);
  std::optional<uint32_t> before = length ? sources_.distance(tokens_[first].loc, expr->loc) : std::nullopt;
  if (before && *before < *length)
    expr->set_extent(*before, *length - *before);
  return expr;
}

void Parser::check_assignable(const Expr &expr) {
  const Index *index = expr.as<Index>();
  bool is_bucket = index && index->base->as<Histogram>();
  if (expr.as<Variable>() || (index && !is_bucket) || expr.as<Target>() || failing_)
    return;
  diagnostics_.report(DiagId::not_assignable, expr.range());
}

Expr *Parser::parse_expression() {
  Loc loc = peek().loc;
  size_t first = at_;
  if (!enter(loc)) {
    leave();
    return dummy();
  }
  Expr *left = parse_ternary();
  if (const AssignToken *op = assign_operator(peek())) {
    Loc op_loc = take().loc;
    check_assignable(*left);
    Expr *right = parse_expression();
    left = cover(first, make(op_loc, Assign{op->op, left, right}));
  }
  leave();
  return left;
}

Expr *Parser::parse_ternary() {
  size_t first = at_;
  Expr *condition = parse_binary(0);
  if (!is(TokenKind::question))
    return condition;
  Loc loc = take().loc;
  if (!enter(loc)) {
    leave();
    return condition;
  }
  Expr *if_true = parse_expression();
  expect(TokenKind::colon);
  Expr *if_false = options_.has("4.0") ? parse_ternary() : parse_expression();
  leave();
  return cover(first, make(loc, Conditional{condition, if_true, if_false}));
}

// Left-associative operators that bind at least as tightly as `min_precedence`. Each turn of the loop makes the tree
// one deeper.
Expr *Parser::parse_binary(int min_precedence) {
  size_t first = at_;
  Expr *left = parse_unary();
  unsigned entered = 0;
  int max_precedence = primary_precedence; // what may still follow
  bool compared = false;                   // the last operator was a comparison
  for (;;) {
    const Token &token = peek();
    if (!enter(token.loc, 1)) {
      leave(1);
      break;
    }
    ++entered;
    if (token.kind == TokenKind::kw_in) {
      if (in_precedence < min_precedence || in_precedence > max_precedence)
        break;
      take();
      Expr *keys[] = {left};
      left = cover(first, parse_in(token.loc, file_.arena.copy(std::span<Expr *const>(keys))));
      max_precedence = in_precedence - 1; // `a in b in c` and `a in b == c` have no meaning
    } else if (token.kind == TokenKind::match || token.kind == TokenKind::not_match) {
      if (regex_precedence < min_precedence || regex_precedence > max_precedence || compared)
        break;
      left = cover(first, parse_regex(left));
      max_precedence = regex_precedence - 1;
    } else if (token.kind == TokenKind::dot) {
      if (concat_precedence < min_precedence || concat_precedence > max_precedence)
        break;
      std::vector<Expr *> parts{left};
      while (accept(TokenKind::dot))
        parts.push_back(parse_binary(concat_precedence + 1));
      left = cover(first, make(token.loc, Concat{file_.arena.copy(parts)}));
    } else if (const BinaryToken *op = binary_operator(token);
               op && op->precedence >= min_precedence && op->precedence <= max_precedence) {
      take();
      compared = op->precedence == regex_precedence;
      Expr *right = parse_binary(op->precedence + 1);
      left = cover(first, make(token.loc, Binary{op->op, left, right}));
    } else {
      break;
    }
  }
  depth_ -= entered;
  return left;
}

Expr *Parser::parse_regex(Expr *subject) {
  const Token &op = take();
  Regex node{};
  node.subject = subject;
  node.negated = op.kind == TokenKind::not_match;
  node.pattern_loc = peek().loc;
  if (!is(TokenKind::string))
    fail(DiagId::regex_needs_literal, peek().loc, {op.text});
  else
    take_string(node.pattern, "a string");
  return make(op.loc, node);
}

Expr *Parser::parse_unary() {
  UnaryOp op;
  switch (peek().kind) {
  case TokenKind::plus:
    op = UnaryOp::plus;
    break;
  case TokenKind::minus:
    op = UnaryOp::minus;
    break;
  case TokenKind::bang:
    op = UnaryOp::logical_not;
    break;
  case TokenKind::tilde:
    op = UnaryOp::bit_not;
    break;
  default:
    return parse_increment();
  }
  size_t first = at_;
  Loc loc = take().loc;
  Expr *operand = enter(loc) ? parse_unary() : dummy();
  leave();
  return cover(first, make(loc, Unary{op, operand}));
}

Expr *Parser::parse_increment() {
  size_t first = at_;
  if (is(TokenKind::increment) || is(TokenKind::decrement)) {
    const Token &op = take();
    Expr *target = parse_access();
    check_assignable(*target);
    return cover(first, make(op.loc, IncDec{op.kind == TokenKind::increment, true, target}));
  }
  Expr *target = parse_access();
  if (!is(TokenKind::increment) && !is(TokenKind::decrement))
    return target;
  const Token &op = take();
  check_assignable(*target);
  return cover(first, make(op.loc, IncDec{op.kind == TokenKind::increment, false, target}));
}

// A primary with what follows it: `->member`, `[index]`, `$` and `$$`; an `&` before it.
Expr *Parser::parse_access() {
  Loc loc = peek().loc;
  size_t first = at_;
  bool address_of = accept(TokenKind::ampersand);
  bool parenthesised = is(TokenKind::lparen);
  Expr *base = parse_primary();
  Target node{};
  // What stands in parentheses may go on, unless it is an address or text: those are values.
  const Target *inner = base->as<Target>();
  bool is_target = inner && !inner->address_of && inner->pretty == Target::Pretty::none;
  std::vector<TargetStep> steps;
  if (is_target) {
    node = *inner;
    steps.assign(inner->steps.begin(), inner->steps.end());
  }
  size_t inner_steps = steps.size();
  bool is_value = false;
  // `A[k]` of a plain name is an array element; pass 2 sees when it is a typed pointer instead.
  bool autocast = options_.has("2.6");
  bool indexable = is_target || (autocast && (parenthesised || !base->as<Variable>()));
  for (;;) {
    if (is(TokenKind::arrow) && (is_target || autocast)) {
      Loc step_loc = take().loc;
      const Token &member = peek();
      if (member.kind != TokenKind::name && !is_keyword(member.kind)) {
        fail_expected("a member name");
        break;
      }
      take();
      std::string_view name = member.text;
      while (name.size() > 1 && name.back() == '$')
        name.remove_suffix(1);
      size_t dollars = member.text.size() - name.size();
      if (dollars)
        node.pretty = dollars == 1 ? Target::Pretty::shallow : Target::Pretty::deep;
      steps.push_back({TargetStep::Kind::member, sources_.intern(name), 0, nullptr, step_loc});
    } else if (is(TokenKind::lbracket) && (indexable || !steps.empty()) && !base->as<Histogram>()) {
      Loc step_loc = take().loc;
      Expr *index = parse_expression();
      expect(TokenKind::rbracket);
      if (const Number *literal = index->as<Number>())
        steps.push_back({TargetStep::Kind::literal_index, Name(), literal->value, nullptr, step_loc});
      else
        steps.push_back({TargetStep::Kind::expr_index, Name(), 0, index, step_loc});
    } else if (is(TokenKind::name) && (is_target || autocast) && (peek().text == "$" || peek().text == "$$")) {
      node.pretty = take().text.size() == 1 ? Target::Pretty::shallow : Target::Pretty::deep;
    } else {
      break;
    }
  }
  if (address_of && !is_target && !autocast)
    fail(DiagId::expected, base->loc, {"a target variable, `@cast` or `@var`", describe(*base)});
  if (!is_target && (!steps.empty() || address_of || node.pretty != Target::Pretty::none)) {
    node.root = Target::Root::value;
    node.operand = base;
    is_value = true;
  }
  bool unchanged = steps.size() == inner_steps && !address_of && node.pretty == Target::Pretty::none;
  if ((!is_target && !is_value) || (inner && unchanged))
    return base;
  node.address_of = address_of;
  node.steps = file_.arena.copy(steps);
  return cover(first, make(address_of ? loc : base->loc, node));
}

std::vector<Expr *> Parser::parse_keys(bool wildcards) {
  std::vector<Expr *> keys;
  do {
    if (wildcards && is(TokenKind::star)) {
      take();
      keys.push_back(nullptr);
    } else {
      keys.push_back(parse_expression());
    }
  } while (accept(TokenKind::comma));
  if (keys.size() > max_keys)
    fail(DiagId::too_many_keys, peek().loc, {max_keys});
  expect(TokenKind::rbracket, "`,` or `]`");
  return keys;
}

Expr *Parser::parse_primary() {
  size_t first = at_;
  bool in_parens = is(TokenKind::lparen);
  Expr *expr = parse_primary_inner();
  return in_parens ? expr : cover(first, expr); // the parentheses are no part of it
}

Expr *Parser::parse_primary_inner() {
  const Token &token = peek();
  switch (token.kind) {
  case TokenKind::number:
    take();
    if (token.broken)
      fail(DiagId::bad_number, token.loc, {token.text, number_problem(token.text)});
    return make(token.loc, Number{token.number});
  case TokenKind::string: {
    String node{};
    take_string(node.text, "a string");
    return make(token.loc, node);
  }
  case TokenKind::lparen: {
    take();
    Expr *inner = parse_expression();
    expect(TokenKind::rparen);
    return inner;
  }
  case TokenKind::lbracket:
    return parse_tuple_in();
  case TokenKind::embedded:
    take();
    require_guru("embedded code", token.loc);
    return parse_embedded(token);
  case TokenKind::at_word: {
    Expr *expr = parse_at_word();
    if (expr->as<Histogram>())
      fail(DiagId::histogram_as_value, expr->loc, {});
    return expr;
  }
  case TokenKind::name:
    return parse_name();
  default:
    fail_expected("an expression");
    return dummy();
  }
}

// `[a, *] in A`
Expr *Parser::parse_tuple_in() {
  take();
  std::vector<Expr *> keys = parse_keys(true);
  if (keys.size() == 1 && keys[0] && !is(TokenKind::kw_in))
    return keys[0];
  Loc loc = peek().loc;
  expect(TokenKind::kw_in);
  return parse_in(loc, file_.arena.copy(keys));
}

// Behind `in`: an array, or a histogram, whose count in that bucket it gives.
Expr *Parser::parse_in(Loc loc, List<Expr *> keys) {
  Loc array_loc = peek().loc;
  if (!is(TokenKind::at_word) || !peek().text.starts_with("hist_"))
    return make(loc, ArrayIn{keys, make(array_loc, Variable{take_name("an array"), {}})});
  Expr *histogram = parse_at_word();
  if ((!histogram->as<Histogram>() || keys.size() != 1 || !keys[0]) && !failing_)
    fail(DiagId::expected, array_loc, {"an array or one bucket of a histogram", describe(*histogram)});
  return make(loc, Index{histogram, keys});
}

Expr *Parser::parse_name() {
  const Token &token = take();
  if (token.text[0] == '$')
    return parse_target_name(token);
  bool wildcards = std::exchange(wildcard_keys_, false);
  if (is_print_name(token.text)) {
    if (is(TokenKind::lparen))
      return parse_print(token);
    fail_expected("`(`");
    return dummy();
  }
  if (is(TokenKind::lparen))
    return parse_call(token);
  Expr *variable = make(token.loc, Variable{sources_.intern(token.text), {}});
  if (!is(TokenKind::lbracket))
    return variable;
  take();
  std::vector<Expr *> keys = parse_keys(wildcards);
  return make(token.loc, Index{variable, file_.arena.copy(keys)});
}

// `$x`, `$x$`, `$$vars`, `$$vars$$`.
Expr *Parser::parse_target_name(const Token &token) {
  std::string_view name = token.text;
  while (name.size() > 1 && name.back() == '$')
    name.remove_suffix(1);
  size_t dollars = token.text.size() - name.size();
  Target node{};
  node.root = Target::Root::dollar;
  if (name == "$") {
    fail(DiagId::expected, token.loc, {"a target variable", describe_token(token)});
    return dummy();
  }
  node.name = sources_.intern(name);
  if (dollars)
    node.pretty = dollars == 1 ? Target::Pretty::shallow : Target::Pretty::deep;
  return make(token.loc, node);
}

// In a function, STAP_ARG_name is the value that its parameter has there.
Expr *Parser::parse_embedded(const Token &token) {
  std::vector<Expr *> parameters;
  for (const Param &param : parameters_)
    if (mentions(token.text, "STAP_ARG_" + std::string(param.name.view())))
      parameters.push_back(make(token.loc, Variable{param.name, {}}));
  bool is_string = token.text.find("/* string */") != std::string_view::npos;
  return make(token.loc, EmbeddedExpr{token.text, is_string, file_.arena.copy(parameters)});
}

Expr *Parser::parse_call(const Token &name) {
  take();
  std::vector<Expr *> args;
  if (!is(TokenKind::rparen)) {
    do {
      args.push_back(parse_expression());
    } while (accept(TokenKind::comma));
  }
  expect(TokenKind::rparen, "`,` or `)`");
  return make(name.loc, Call{sources_.intern(name.text), file_.arena.copy(args), {}});
}

// ------------------------------------------------------------------ words with `@`

namespace {

struct StatWord {
  std::string_view word;
  StatOp op;
};
constexpr StatWord stat_words[] = {{"count", StatOp::count}, {"sum", StatOp::sum}, {"min", StatOp::min},
                                   {"max", StatOp::max},     {"avg", StatOp::avg}, {"variance", StatOp::variance}};

} // namespace

bool Parser::require_guru(std::string_view what, Loc loc) {
  if (options_.guru || sources_.kind(sources_.position(loc).source) == SourceKind::macros)
    return true;
  if (!failing_)
    diagnostics_.report(DiagId::embedded_needs_guru, loc, {what}).hint("run with `-g`, if you trust the script");
  return false;
}

Expr *Parser::parse_at_word() {
  const Token &token = take();
  Loc loc = token.loc;
  std::string_view word = token.text;
  for (const StatWord &stat : stat_words)
    if (stat.word == word)
      return parse_stat(stat.op, loc);
  if (word == "hist_log" || word == "hist_linear") {
    Expr *histogram = parse_histogram(word == "hist_log", loc);
    if (!accept(TokenKind::lbracket))
      return histogram;
    Expr *keys[] = {parse_expression()};
    expect(TokenKind::rbracket);
    return make(loc, Index{histogram, file_.arena.copy(std::span<Expr *const>(keys))});
  }
  if (builtin_at_word_since(word).empty()) {
    fail(DiagId::unknown_macro, loc, {word});
    return dummy();
  }
  if (word == "const" || word == "kderef" || word == "kregister")
    require_guru("`@" + std::string(word) + "`", loc);
  expect(TokenKind::lparen);
  if (word == "cast")
    return parse_cast(loc);
  if (word == "var")
    return parse_at_var(loc);
  Expr *result = nullptr;
  if (word == "defined") {
    result = make(loc, Defined{parse_expression()});
  } else if (word == "entry") {
    result = make(loc, Entry{parse_expression(), {}});
  } else if (word == "probewrite") {
    result = make(loc, ProbeWrite{take_name("a variable")});
  } else if (word == "perf" || word == "const" || word == "enum") {
    std::string_view text;
    take_text(text, "a string");
    result = word == "perf"    ? make(loc, Perf{text})
             : word == "const" ? make(loc, Const{text})
                               : make(loc, EnumValue{text});
  } else if (word == "enumname") {
    EnumName node{};
    node.operand = parse_expression();
    if (accept(TokenKind::comma))
      take_string(node.type, "a type in a string");
    if (accept(TokenKind::comma))
      take_string(node.module, "a module in a string");
    result = make(loc, node);
  } else if (word == "kderef" || word == "uderef") {
    Deref node{word == "uderef", 0, nullptr};
    Loc size_loc = peek().loc;
    if (take_number(node.size, "a size in bytes") && node.size != 1 && node.size != 2 && node.size != 4 &&
        node.size != 8) {
      diagnostics_.report(DiagId::bad_deref_size, size_loc, {word, node.size});
      node.size = 8;
    }
    expect(TokenKind::comma);
    node.address = parse_expression();
    result = make(loc, node);
  } else {
    Register node{word == "uregister", 0};
    take_number(node.number, "a register number");
    result = make(loc, node);
  }
  expect(TokenKind::rparen);
  return result;
}

Expr *Parser::parse_stat(StatOp op, Loc loc) {
  expect(TokenKind::lparen);
  Stat node{op, parse_expression(), 0};
  if (op == StatOp::variance && accept(TokenKind::comma)) {
    Loc shift_loc = peek().loc;
    if (take_number(node.shift, "a literal number") && (node.shift < 0 || node.shift > 62))
      diagnostics_.report(DiagId::variance_shift, shift_loc);
  }
  expect(TokenKind::rparen);
  return make(loc, node);
}

Expr *Parser::parse_histogram(bool logarithmic, Loc loc) {
  expect(TokenKind::lparen);
  Histogram node{logarithmic, parse_expression(), 0, 0, 0};
  if (!logarithmic) {
    expect(TokenKind::comma);
    take_number(node.low, "a literal number");
    expect(TokenKind::comma);
    take_number(node.high, "a literal number");
    expect(TokenKind::comma);
    take_number(node.step, "a literal number");
  }
  expect(TokenKind::rparen);
  return make(loc, node);
}

// Whether a histogram that is not indexed stands here.
bool Parser::at_histogram() const {
  if (!is(TokenKind::at_word) || (peek().text != "hist_log" && peek().text != "hist_linear") ||
      peek(1).kind != TokenKind::lparen)
    return false;
  size_t depth = 0;
  for (size_t ahead = 1;; ++ahead) {
    TokenKind kind = peek(ahead).kind;
    if (kind == TokenKind::end)
      return true;
    depth += kind == TokenKind::lparen;
    if (kind == TokenKind::rparen && --depth == 0)
      return peek(ahead + 1).kind != TokenKind::lbracket;
  }
}

Expr *Parser::parse_cast(Loc loc) {
  Target node{};
  node.root = Target::Root::cast;
  node.operand = parse_expression();
  expect(TokenKind::comma);
  take_text(node.type, "a type in a string");
  if (accept(TokenKind::comma))
    take_string(node.module, "a module in a string");
  expect(TokenKind::rparen);
  return make(loc, node);
}

Expr *Parser::parse_at_var(Loc loc) {
  Target node{};
  node.root = Target::Root::variable;
  std::string_view name;
  take_string(name, "a variable in a string");
  node.name = sources_.intern(name);
  if (accept(TokenKind::comma))
    take_string(node.module, "a module in a string");
  expect(TokenKind::rparen);
  return make(loc, node);
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/parser.h"

namespace tapjit {

using namespace ast;

Stmt *Parser::parse_block() {
  Loc loc = peek().loc;
  std::vector<Stmt *> body;
  if (expect(TokenKind::lbrace)) {
    if (enter(loc))
      while (!is(TokenKind::rbrace) && !is(TokenKind::end)) {
        body.push_back(parse_statement());
        if (failing_ && !gave_up_)
          failing_ = !recover_in_block();
      }
    leave();
    expect(TokenKind::rbrace, "a statement or `}`");
  }
  return make_stmt(loc, Block{file_.arena.copy(body)});
}

// After an error in a statement: goes to where the next one seems to begin, or to the `}` of this block. False when a
// declaration comes first.
bool Parser::recover_in_block() {
  size_t depth = 0;
  uint32_t line = sources_.position(tokens_[at_].loc).line;
  for (size_t i = at_; i < tokens_.size(); ++i) {
    TokenKind kind = tokens_[i].kind;
    TokenKind next = i + 1 < tokens_.size() ? tokens_[i + 1].kind : TokenKind::end;
    uint32_t this_line = sources_.position(tokens_[i].loc).line;
    bool first_in_line = this_line != line;
    line = this_line;
    bool word = kind >= TokenKind::kw_if && kind <= TokenKind::kw_try && kind != TokenKind::kw_else &&
                kind != TokenKind::kw_in && kind != TokenKind::kw_limit;
    if (kind == TokenKind::kw_probe || kind == TokenKind::kw_function || kind == TokenKind::kw_global)
      return false;
    if (depth == 0 && first_in_line && (kind == TokenKind::name || word)) {
      at_ = i;
      return true;
    }
    if (kind == TokenKind::lbrace || kind == TokenKind::lparen || kind == TokenKind::lbracket) {
      ++depth;
    } else if (depth == 0 && kind == TokenKind::rbrace) {
      at_ = i;
      return true;
    } else if (depth > 0 && (kind == TokenKind::rbrace || kind == TokenKind::rparen || kind == TokenKind::rbracket)) {
      --depth;
      if (depth || kind != TokenKind::rbrace || next == TokenKind::kw_else || next == TokenKind::kw_catch)
        continue;
      at_ = i + 1;
      return true;
    } else if (depth == 0 && kind == TokenKind::semicolon && next != TokenKind::kw_else && next != TokenKind::rparen &&
               next != TokenKind::rbracket) {
      at_ = i + 1;
      return true;
    }
  }
  return false;
}

Stmt *Parser::parse_statement() {
  Loc loc = peek().loc;
  size_t first = at_;
  Stmt *statement = enter(loc) ? parse_statement_inner() : make_stmt(loc, Null{});
  leave();
  if (statement->as<ExprStmt>() || statement->as<Return>() || statement->as<Delete>())
    statement->behind = length_from(first).value_or(0);
  return statement;
}

Stmt *Parser::parse_statement_inner() {
  const Token &token = peek();
  switch (token.kind) {
  case TokenKind::semicolon:
    take();
    return make_stmt(token.loc, Null{});
  case TokenKind::lbrace:
    return parse_block();
  case TokenKind::kw_if:
    return parse_if();
  case TokenKind::kw_while:
    return parse_while();
  case TokenKind::kw_for:
    return parse_for();
  case TokenKind::kw_foreach:
    return parse_foreach();
  case TokenKind::kw_return:
    return parse_return();
  case TokenKind::kw_delete:
    return parse_delete();
  case TokenKind::kw_try:
    return parse_try();
  case TokenKind::kw_break:
    take();
    accept(TokenKind::semicolon);
    return make_stmt(token.loc, Break{});
  case TokenKind::kw_continue:
    take();
    accept(TokenKind::semicolon);
    return make_stmt(token.loc, Continue{});
  case TokenKind::kw_next:
    take();
    accept(TokenKind::semicolon);
    return make_stmt(token.loc, Next{});
  default: {
    if (!starts_expression()) {
      fail_expected("a statement");
      return make_stmt(token.loc, Null{});
    }
    Expr *expr = parse_expression();
    accept(TokenKind::semicolon);
    return make_stmt(token.loc, ExprStmt{expr});
  }
  }
}

Stmt *Parser::parse_if() {
  Loc loc = take().loc;
  If node{};
  expect(TokenKind::lparen);
  node.condition = parse_expression();
  expect(TokenKind::rparen);
  node.then = parse_statement();
  if (accept(TokenKind::kw_else))
    node.otherwise = parse_statement();
  return make_stmt(loc, node);
}

Stmt *Parser::parse_while() {
  Loc loc = take().loc;
  While node{};
  expect(TokenKind::lparen);
  node.condition = parse_expression();
  expect(TokenKind::rparen);
  node.body = parse_statement();
  return make_stmt(loc, node);
}

Stmt *Parser::parse_for() {
  Loc loc = take().loc;
  For node{};
  expect(TokenKind::lparen);
  if (!is(TokenKind::semicolon))
    node.init = parse_expression();
  expect(TokenKind::semicolon);
  if (!is(TokenKind::semicolon))
    node.condition = parse_expression();
  expect(TokenKind::semicolon);
  if (!is(TokenKind::rparen))
    node.step = parse_expression();
  expect(TokenKind::rparen);
  node.body = parse_statement();
  return make_stmt(loc, node);
}

// ------------------------------------------------------------------ foreach

Stmt *Parser::parse_foreach() {
  Loc loc = take().loc;
  Foreach node{};
  expect(TokenKind::lparen);
  parse_foreach_keys(node);
  expect(TokenKind::kw_in);
  parse_foreach_array(node);
  if (accept(TokenKind::kw_limit))
    node.limit = parse_expression();
  expect(TokenKind::rparen);
  node.body = parse_statement();
  return make_stmt(loc, node);
}

// `k`, `k+`, `[k1, k2-]`, `v = k`, `v- = [k1, k2]`.
void Parser::parse_foreach_keys(Foreach &node) {
  auto variable = [&] {
    Loc loc = peek().loc;
    return make(loc, Variable{take_name("a variable"), {}});
  };
  auto sorted = [&](Foreach::SortBy by, size_t key) {
    if (parse_sort(node)) {
      node.sort_by = by;
      node.sort_key = static_cast<uint32_t>(key);
    }
  };
  std::vector<Expr *> keys;
  if (!is(TokenKind::lbracket)) {
    Expr *first = variable();
    // Whether this is the value or the only key shows behind its sort sign.
    sorted(Foreach::SortBy::key, 0);
    if (accept(TokenKind::assign)) {
      node.value = first;
      if (node.sort_by == Foreach::SortBy::key)
        node.sort_by = Foreach::SortBy::value;
    } else {
      keys.push_back(first);
    }
  }
  if (keys.empty()) {
    if (accept(TokenKind::lbracket)) {
      do {
        keys.push_back(variable());
        sorted(Foreach::SortBy::key, keys.size() - 1);
      } while (accept(TokenKind::comma));
      expect(TokenKind::rbracket);
    } else {
      keys.push_back(variable());
      sorted(Foreach::SortBy::key, 0);
    }
  }
  node.keys = file_.arena.copy(keys);
}

// `A`, `A-`, `A @sum+`, `A[1, *]`, `A[1, *] @avg -`, `@hist_log(x)`.
void Parser::parse_foreach_array(Foreach &node) {
  Loc loc = peek().loc;
  bool buckets = is(TokenKind::at_word);
  if (buckets) {
    size_t first = at_;
    node.array = cover(first, parse_at_word());
    if (const Index *slice = node.array->as<Index>())
      node.array = slice->base; // SystemTap takes a slice of buckets, and a sort, and goes through all in order
    if (!node.array->as<Histogram>() && !failing_)
      fail(DiagId::expected, loc, {"an array or a histogram", describe(*node.array)});
  } else {
    node.array = make(loc, Variable{take_name("an array"), {}});
    if (accept(TokenKind::lbracket))
      node.slice = file_.arena.copy(parse_keys(true));
  }
  parse_array_sort(node);
  if (buckets && node.sort_by != Foreach::SortBy::none && !failing_) {
    diagnostics_.report(DiagId::buckets_in_order, node.array->range());
    node.sort_by = Foreach::SortBy::none;
    node.descending = false;
  }
}

// `-`, `@sum+`, or nothing.
void Parser::parse_array_sort(Foreach &node) {
  StatOp stat = StatOp::count;
  bool has_stat = false;
  if (is(TokenKind::at_word)) {
    constexpr std::string_view stats[] = {"count", "sum", "min", "max", "avg", "variance"};
    for (size_t i = 0; i < 6; ++i)
      if (peek().text == stats[i]) {
        stat = static_cast<StatOp>(i);
        has_stat = true;
      }
    if (!has_stat)
      fail_expected("`@count`, `@sum`, `@min`, `@max`, `@avg` or `@variance`");
    take();
  }
  if (parse_sort(node)) {
    node.sort_by = has_stat ? Foreach::SortBy::stat : Foreach::SortBy::value;
    node.sort_stat = stat;
  } else if (has_stat) {
    fail_expected("`+` or `-`");
  }
}

// A sort sign; true when there was one.
bool Parser::parse_sort(Foreach &node) {
  TokenKind kind = peek().kind;
  if (kind != TokenKind::plus && kind != TokenKind::minus)
    return false;
  const Token &sign = take();
  if (node.sort_by != Foreach::SortBy::none)
    fail(DiagId::foreach_two_sorts, sign.loc, {});
  node.descending = kind == TokenKind::minus;
  return true;
}

// ------------------------------------------------------------------ the rest

Stmt *Parser::parse_return() {
  Loc loc = take().loc;
  Return node{};
  if (!in_function_ && !failing_)
    diagnostics_.report(DiagId::return_outside_function, loc).hint("`next` leaves a probe's handler");
  if (!is(TokenKind::semicolon) && !is(TokenKind::rbrace))
    node.value = parse_expression();
  accept(TokenKind::semicolon);
  return make_stmt(loc, node);
}

Stmt *Parser::parse_delete() {
  Loc loc = take().loc;
  Loc target_loc = peek().loc;
  wildcard_keys_ = is(TokenKind::name) || is(TokenKind::lparen);
  Delete node{parse_expression()};
  wildcard_keys_ = false;
  if (!node.target->as<Variable>() && !node.target->as<Index>())
    fail(DiagId::expected, target_loc, {"a variable or an array element", describe(*node.target)});
  accept(TokenKind::semicolon);
  return make_stmt(loc, node);
}

Stmt *Parser::parse_try() {
  Loc loc = take().loc;
  Try node{};
  node.body = parse_block();
  expect(TokenKind::kw_catch);
  if (accept(TokenKind::lparen)) {
    Loc variable_loc = peek().loc;
    node.message = make(variable_loc, Variable{take_name("a variable"), {}});
    expect(TokenKind::rparen);
  }
  node.handler = parse_block();
  return make_stmt(loc, node);
}

} // namespace tapjit

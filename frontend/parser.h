// SPDX-License-Identifier: GPL-2.0-or-later
// The parser's state, shared by parse_file.cpp, parse_stmt.cpp and parse_expr.cpp. Recursive descent; operators by
// precedence climbing.
//
// After a syntax error the parser shows itself the end of the text (`failing_`), so that every loop ends and no second
// error is reported; the block around it then goes on at the next statement, or the top level at the next declaration.
// Functions never return null: what could not be parsed becomes a number 0 or an empty block.
#pragma once

#include "frontend/ast.h"
#include "frontend/lexer.h"
#include "frontend/parse.h"

#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tapjit {

class Parser {
public:
  Parser(ast::File &file, const std::vector<Token> &tokens, const ParseOptions &options, SourceTable &sources,
         Diagnostics &diagnostics, bool deep = false)
      : max_depth_(deep ? max_deep_depth : max_shallow_depth), file_(file), tokens_(tokens), options_(options),
        sources_(sources), diagnostics_(diagnostics) {
    end_.loc = tokens.back().loc;
  }

  void parse_file();
  // Whether something was left out because it is nested too deeply.
  bool was_too_deep() const { return was_too_deep_; }
  // One expression and nothing behind it; null after an error.
  ast::Expr *parse_only_expression();

private:
  // Nesting of brackets, operators and statements together, in levels of the tree, so that passes may recurse over it.
  // What also recurses in the parser weighs more: 400 brackets, 1200 operators in a chain on the thread's own stack,
  // 6,600 and 20,000 on a deep one.
  static constexpr unsigned max_shallow_depth = 1200;
  static constexpr unsigned max_deep_depth = 20'000;
  static constexpr unsigned bracket_weight = 3;
  static constexpr size_t max_keys = 9;

  // ---- tokens
  const Token &peek(size_t ahead = 0) const {
    return failing_ || at_ + ahead >= tokens_.size() ? end_ : tokens_[at_ + ahead];
  }
  bool is(TokenKind kind) const { return peek().kind == kind; }
  const Token &take() {
    const Token &token = peek();
    if (!failing_ && at_ + 1 < tokens_.size())
      ++at_;
    return token;
  }
  bool accept(TokenKind kind) {
    if (!is(kind))
      return false;
    take();
    return true;
  }
  bool expect(TokenKind kind, std::string_view instead = {});
  // Null when nothing was reported, as an error went before.
  Diagnostic *fail_expected(std::string_view what);
  Diagnostic *fail(DiagId id, Loc loc, std::initializer_list<DiagArg> args);
  Name take_name(std::string_view what);
  // Adjacent literals count as one.
  bool take_string(std::string_view &text, std::string_view what);
  bool follows_blanks_only() const;
  bool take_text(std::string_view &text, std::string_view what); // a string that is not empty
  bool take_number(int64_t &number, std::string_view what);      // with an optional sign
  bool enter(Loc loc, unsigned weight = bracket_weight); // deeper; false (reported) when too deep. Pair with leave().
  void leave(unsigned weight = bracket_weight) { depth_ -= weight; }

  // For what only a tapset, or a script run with -g, may say; false: reported. A library's macro counts as the
  // tapset's.
  bool require_guru(std::string_view what, Loc loc);

  template <typename T> ast::Expr *make(Loc loc, T node) {
    return file_.arena.make<ast::Expr>(Range(loc), ast::Type::unknown, ast::ExprNode(node));
  }
  template <typename T> ast::Stmt *make_stmt(Loc loc, T node) {
    return file_.arena.make<ast::Stmt>(Range(loc), ast::StmtNode(node));
  }
  template <typename T> void add_decl(Loc loc, T node) {
    file_.decls.push_back(file_.arena.make<ast::Decl>(loc, ast::DeclNode(node)));
  }
  // The bytes from token `first` to the end of the last one taken; none when they are not of one text.
  std::optional<uint32_t> length_from(size_t first) const;
  // Says that the text of an expression is all tokens from `first` to the last one taken; gives it back.
  ast::Expr *cover(size_t first, ast::Expr *expr) const;
  ast::Expr *dummy() { return make(end_.loc, ast::Number{0}); }

  // ---- parse_file.cpp
  void parse_declaration();
  void recover();
  void parse_probe();
  void parse_function(bool is_private);
  void parse_globals(bool is_private);
  ast::GlobalDecl parse_global(bool is_private);
  std::vector<ast::ProbePoint> parse_points();
  void parse_point(std::vector<ast::ProbePoint> &points);
  // A point, or one alternative within braces; only the last part of a point may be optional or conditional.
  struct PointPart {
    Loc loc;
    uint32_t behind = 0; // the text of the components (Range)
    std::vector<ast::PointComponent> components;
    bool optional = false, sufficient = false;
    ast::Expr *condition = nullptr;
    bool has_suffix() const { return optional || sufficient || condition; }
  };
  std::vector<PointPart> parse_components();
  void parse_point_suffix(std::vector<PointPart> &parts);
  ast::PointComponent parse_component();
  std::string_view take_component_name();
  void check_alias_names(const std::vector<ast::ProbePoint> &names);
  ast::Type parse_type_annotation();

  // ---- parse_stmt.cpp
  ast::Stmt *parse_statement();
  ast::Stmt *parse_statement_inner();
  ast::Stmt *parse_block();
  bool recover_in_block();
  ast::Stmt *parse_if();
  ast::Stmt *parse_while();
  ast::Stmt *parse_for();
  ast::Stmt *parse_foreach();
  void parse_foreach_keys(ast::Foreach &node);
  void parse_foreach_array(ast::Foreach &node);
  void parse_array_sort(ast::Foreach &node);
  bool parse_sort(ast::Foreach &node);
  ast::Stmt *parse_return();
  ast::Stmt *parse_delete();
  ast::Stmt *parse_try();

  // ---- parse_expr.cpp
  ast::Expr *parse_expression(); // assignments and below
  ast::Expr *parse_ternary();
  ast::Expr *parse_binary(int min_precedence);
  ast::Expr *parse_unary();
  ast::Expr *parse_increment();
  ast::Expr *parse_access(); // & -> [] and $ suffixes
  ast::Expr *parse_primary();
  ast::Expr *parse_primary_inner();
  ast::Expr *parse_name();
  ast::Expr *parse_target_name(const Token &token);
  ast::Expr *parse_call(const Token &name);
  ast::Expr *parse_embedded(const Token &token);
  ast::Expr *parse_tuple_in();
  ast::Expr *parse_at_word();
  ast::Expr *parse_stat(ast::StatOp op, Loc loc);
  ast::Expr *parse_in(Loc loc, ast::List<ast::Expr *> keys);
  ast::Expr *parse_histogram(bool logarithmic, Loc loc); // without what follows it
  bool at_histogram() const;
  ast::Expr *parse_cast(Loc loc);
  ast::Expr *parse_at_var(Loc loc);
  ast::Expr *parse_regex(ast::Expr *subject);
  std::vector<ast::Expr *> parse_keys(bool wildcards); // behind `[`, takes `]`
  void check_assignable(const ast::Expr &expr);
  bool starts_expression() const;

  // ---- parse_print.cpp
  bool is_print_name(std::string_view name) const;
  ast::Expr *parse_print(const Token &name);
  std::vector<ast::FormatPart> parse_format(std::string_view format, Loc loc, bool &is_good);
  void check_format_arguments(const ast::Print &print, Loc loc);

  unsigned max_depth_;
  ast::File &file_;
  const std::vector<Token> &tokens_;
  const ParseOptions &options_;
  SourceTable &sources_;
  Diagnostics &diagnostics_;
  size_t at_ = 0;
  unsigned depth_ = 0;
  bool failing_ = false;
  bool wildcard_keys_ = false; // the next array element may have `*` as a key (delete)
  bool in_function_ = false;
  std::span<const ast::Param> parameters_; // of the function whose body is read
  std::unordered_map<Name, Loc> globals_;  // of this file
  bool was_too_deep_ = false;
  bool gave_up_ = false; // too deep: the declaration is left out
  Token end_;
};

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/ast.h"

#include <iterator>

namespace tapjit::ast {

namespace {

constexpr std::string_view expr_text[] = {
#define EXPR(type, text) text,
#include "frontend/nodes.def"
};
constexpr std::string_view stmt_text[] = {
#define STMT(type, text) text,
#include "frontend/nodes.def"
};
constexpr std::string_view binary_text[] = {
#define BINARY(name, spelling, precedence, operands) spelling,
#include "frontend/operators.def"
};
constexpr int binary_precedence[] = {
#define BINARY(name, spelling, precedence, operands) precedence,
#include "frontend/operators.def"
};
constexpr char binary_operands[] = {
#define BINARY(name, spelling, precedence, operands) operands,
#include "frontend/operators.def"
};
constexpr std::string_view assign_text[] = {
#define ASSIGN(name, spelling) spelling,
#include "frontend/operators.def"
};
constexpr std::string_view unary_text[] = {
#define UNARY(name, spelling) spelling,
#include "frontend/operators.def"
};
constexpr std::string_view stat_text[] = {"count", "sum", "min", "max", "avg", "variance"};
constexpr std::string_view type_text[] = {"unknown", "unknown", "long", "string", "stats"};

static_assert(std::size(expr_text) == std::variant_size_v<ExprNode> &&
              std::size(stmt_text) == std::variant_size_v<StmtNode>);

} // namespace

std::string_view type_name(Type type) { return type_text[static_cast<size_t>(type)]; }
std::string_view spelling(BinaryOp op) { return binary_text[static_cast<size_t>(op)]; }
std::string_view spelling(AssignOp op) { return assign_text[static_cast<size_t>(op)]; }
std::string_view spelling(UnaryOp op) { return unary_text[static_cast<size_t>(op)]; }
std::string_view spelling(StatOp op) { return stat_text[static_cast<size_t>(op)]; }
int precedence(BinaryOp op) { return binary_precedence[static_cast<size_t>(op)]; }
bool is_comparison(BinaryOp op) { return binary_operands[static_cast<size_t>(op)] == 'e'; }
std::string_view describe(const Expr &expr) { return expr_text[expr.node.index()]; }
std::string_view describe(const Stmt &stmt) { return stmt_text[stmt.node.index()]; }

} // namespace tapjit::ast

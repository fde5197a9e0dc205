// SPDX-License-Identifier: GPL-2.0-or-later
// Expressions that change nothing themselves. Operands are evaluated in the order of the text.
#include "frontend/lower_body.h"

#include "frontend/binary_ops.h"
#include "frontend/visit.h"

namespace tapjit::lowering {

using ir::BlockId;
using ir::GlobalId;
using ir::Op;
using ir::ValueId;

namespace {

bool is_logical(const ast::Expr &expr) {
  const auto *n = expr.as<ast::Binary>();
  return n && ast::binary_rows[size_t(n->op)].number == Op::Phi;
}

} // namespace

ValueId BodyLowerer::zero(ast::Type type) {
  return type == ast::Type::string ? builder_.const_str("") : builder_.const_i64(0);
}

ValueId BodyLowerer::unsupported(const ast::Expr &expr, std::string_view what) {
  state_.unsupported(expr.loc, what);
  return zero(expr.type);
}

ValueId BodyLowerer::value(const ast::Expr &expr) {
  Place place(*this, expr.loc);
  return ast::visit(expr, [&](const auto &n) { return lower(expr, n); });
}

void BodyLowerer::effect(const ast::Expr &expr) {
  Place place(*this, expr.loc);
  if (const auto *n = expr.as<ast::Assign>())
    assign(*n, false);
  else if (const auto *n = expr.as<ast::IncDec>())
    increment(*n, false);
  else if (const auto *n = expr.as<ast::Print>())
    print(*n);
  else
    value(expr);
}

std::vector<ValueId> BodyLowerer::values(ast::List<ast::Expr *const> exprs) {
  std::vector<ValueId> result;
  for (const ast::Expr *expr : exprs)
    result.push_back(value(*expr));
  return result;
}

std::vector<ValueId> BodyLowerer::key_values(ast::List<ast::Expr *> keys) {
  std::vector<ValueId> result;
  for (const ast::Expr *key : keys)
    result.push_back(key ? value(*key) : ValueId::none());
  return result;
}

GlobalId BodyLowerer::array_of(const ast::Expr &array) const {
  return state_.global(array.as<ast::Variable>()->binding.global());
}

void BodyLowerer::condition(const ast::Expr &expr, BlockId if_nonzero, BlockId if_zero) {
  Place place(*this, expr.loc);
  if (const auto *n = expr.as<ast::Unary>(); n && n->op == ast::UnaryOp::logical_not)
    return condition(*n->operand, if_zero, if_nonzero);
  if (!is_logical(expr))
    return builder_.branch(value(expr), if_nonzero, if_zero);
  const auto *n = expr.as<ast::Binary>();
  BlockId right = builder_.new_block();
  if (n->op == ast::BinaryOp::logical_and)
    condition(*n->left, right, if_zero);
  else
    condition(*n->left, if_nonzero, right);
  builder_.seal(right);
  builder_.set_block(right);
  condition(*n->right, if_nonzero, if_zero);
}

ValueId BodyLowerer::truth(const ast::Expr &expr) {
  ir::VariableId result = builder_.new_variable(ir::Type::I64);
  BlockId yes = builder_.new_block(), no = builder_.new_block(), after = builder_.new_block();
  condition(expr, yes, no);
  for (BlockId block : {yes, no}) {
    builder_.seal(block);
    builder_.set_block(block);
    builder_.write(result, builder_.const_i64(block == yes));
    builder_.jump(after);
  }
  builder_.seal(after);
  builder_.set_block(after);
  return builder_.read(result);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Number &n) { return builder_.const_i64(n.value); }
ValueId BodyLowerer::lower(const ast::Expr &, const ast::String &n) { return builder_.const_str(state_.cut(n.text)); }

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Variable &n) {
  return n.binding.is_global() ? builder_.gload(state_.global(n.binding.global()))
                               : builder_.read(locals_[n.binding.index]);
}

ValueId BodyLowerer::bucket(const ast::Histogram &histogram, const ast::Expr &number) {
  const auto *index = histogram.stat->as<ast::Index>();
  std::vector<ValueId> keys = index ? key_values(index->keys) : std::vector<ValueId>();
  ValueId bucket = value(number);
  return index ? builder_.map_stat_bucket(array_of(*index->base), std::move(keys), bucket, false)
               : builder_.stat_bucket(array_of(*histogram.stat), bucket, false);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Index &n) {
  if (const auto *histogram = n.base->as<ast::Histogram>())
    return bucket(*histogram, *n.keys[0]);
  return builder_.map_get(array_of(*n.base), key_values(n.keys));
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Unary &n) {
  ValueId operand = value(*n.operand);
  switch (n.op) {
  case ast::UnaryOp::plus:
    return operand;
  case ast::UnaryOp::minus:
    return builder_.unary(Op::Neg, operand);
  case ast::UnaryOp::logical_not:
    return builder_.binary(Op::Eq, operand, builder_.const_i64(0));
  case ast::UnaryOp::bit_not:
    return builder_.unary(Op::Not, operand);
  }
  __builtin_unreachable();
}

ValueId BodyLowerer::lower(const ast::Expr &expr, const ast::Binary &n) {
  if (is_logical(expr))
    return truth(expr);
  ValueId left = value(*n.left);
  ValueId right = value(*n.right);
  const ast::BinaryRow &row = ast::binary_rows[size_t(n.op)];
  return builder_.binary(n.left->type == ast::Type::string ? row.string : row.number, left, right);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Concat &n) {
  ValueId result = value(*n.parts[0]);
  for (const ast::Expr *part : n.parts.subspan(1))
    result = builder_.concat(result, value(*part));
  return result;
}

ValueId BodyLowerer::lower(const ast::Expr &expr, const ast::Conditional &n) {
  ir::VariableId result = builder_.new_variable(ir_type(expr.type));
  BlockId yes = builder_.new_block(), no = builder_.new_block(), after = builder_.new_block();
  condition(*n.condition, yes, no);
  for (BlockId block : {yes, no}) {
    builder_.seal(block);
    builder_.set_block(block);
    ValueId chosen = value(block == yes ? *n.if_true : *n.if_false);
    if (chosen.valid() && expr.type != ast::Type::none)
      builder_.write(result, chosen);
    builder_.jump(after);
  }
  builder_.seal(after);
  builder_.set_block(after);
  return expr.type == ast::Type::none ? ValueId::none() : builder_.read(result);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::ArrayIn &n) {
  GlobalId map = array_of(*n.array);
  std::vector<ValueId> keys = key_values(n.keys);
  int64_t any = fill_holes(map, keys);
  return any ? builder_.map_has_slice(map, std::move(keys), any) : builder_.map_has(map, std::move(keys));
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Regex &n) {
  ValueId subject = value(*n.subject);
  ValueId found = builder_.append(state_.reads_groups ? Op::RegexSearch : Op::RegexMatch, {subject},
                                  state_.interner.string(n.pattern).index);
  return n.negated ? builder_.binary(Op::Eq, found, builder_.const_i64(0)) : found;
}

ValueId BodyLowerer::call(ast::FunctionId function, std::vector<ValueId> args) {
  Callee callee = state_.callee(function);
  if (!callee.intrinsic)
    return builder_.call(callee.function, std::move(args));
  ValueId result = builder_.append(callee.intrinsic->op, std::move(args), UINT32_MAX, callee.intrinsic->imm);
  // `x = exit()`: as any function that ends without `return`.
  if (ast::Type wanted = state_.program.function(function).result;
      builder_.type_of(result) == ir::Type::Void && wanted != ast::Type::none)
    return zero(wanted);
  return builder_.type_of(result) == ir::Type::Str ? builder_.copy(result) : result;
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Call &n) { return call(n.function, values(n.args)); }

// Before 1.5 the sum of nothing was an error.
void BodyLowerer::refuse_empty(const ast::Stat &n) {
  const auto *index = n.stat->as<ast::Index>();
  ValueId count = index ? builder_.map_stat_get(array_of(*index->base), key_values(index->keys), ir::StatField::Count)
                        : builder_.stat_get(array_of(*n.stat), ir::StatField::Count);
  BlockId empty = builder_.new_block(), after = builder_.new_block();
  builder_.branch(count, after, empty);
  builder_.seal(empty);
  builder_.set_block(empty);
  builder_.error(builder_.const_str("empty aggregate"));
  builder_.jump(after);
  builder_.seal(after);
  builder_.set_block(after);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Stat &n) {
  ir::StatField field = stat_field(n.op);
  if (field == ir::StatField::Sum && is_before(state_.options.compatible, "1.5"))
    refuse_empty(n);
  if (const auto *index = n.stat->as<ast::Index>())
    return builder_.map_stat_get(array_of(*index->base), key_values(index->keys), field);
  return builder_.stat_get(array_of(*n.stat), field);
}

ValueId BodyLowerer::lower(const ast::Expr &expr, const ast::EmbeddedExpr &n) {
  std::vector<std::string> names;
  std::vector<ValueId> args;
  std::vector<ir::Type> types;
  for (const ast::Expr *parameter : n.parameters) {
    names.emplace_back(parameter->as<ast::Variable>()->name.view());
    args.push_back(value(*parameter));
    types.push_back(ir_type(parameter->type));
  }
  ir::FunctionId code = state_.add_embedded(n.code, n.is_string ? ir::Type::Str : ir::Type::I64, expr.loc, 2);
  state_.module.functions[code.index].params = std::move(types);
  state_.module.functions[code.index].param_names = std::move(names);
  return builder_.call(code, std::move(args));
}

// `@const("code")`
ValueId BodyLowerer::lower(const ast::Expr &expr, const ast::Const &n) {
  return builder_.call(state_.add_embedded(n.code, ir::Type::I64, expr.loc, 8), {});
}

ValueId BodyLowerer::lower(const ast::Expr &expr, const ast::Entry &n) {
  int64_t slot = state_.entry_slot(n.entry);
  return expr.type == ast::Type::string ? builder_.ctx_entry_string(slot) : builder_.ctx_entry(slot);
}

// Halves the rows until one is left.
void BodyLowerer::find_name(ValueId value, ast::List<const ast::EnumName::Row> rows, ir::VariableId name, BlockId after,
                            BlockId none) {
  if (rows.empty())
    return builder_.jump(none);
  BlockId yes = builder_.new_block(), no = rows.size() > 1 ? builder_.new_block() : none;
  size_t half = rows.size() / 2;
  builder_.branch(builder_.binary(rows.size() > 1 ? Op::Lt : Op::Eq, value, builder_.const_i64(rows[half].value)), yes,
                  no);
  builder_.seal(yes);
  builder_.set_block(yes);
  if (rows.size() > 1) {
    find_name(value, rows.first(half), name, after, none);
    builder_.seal(no);
    builder_.set_block(no);
    return find_name(value, rows.subspan(half), name, after, none);
  }
  builder_.write(name, builder_.const_str(rows[0].name));
  builder_.jump(after);
}

// A value without a name is its number.
ValueId BodyLowerer::lower(const ast::Expr &, const ast::EnumName &n) {
  ValueId number = value(*n.operand);
  ir::VariableId name = builder_.new_variable(ir::Type::Str);
  BlockId after = builder_.new_block(), none = builder_.new_block();
  find_name(number, n.rows, name, after, none);
  builder_.seal(none);
  builder_.set_block(none);
  builder_.write(name, builder_.sprint("%d", {number}));
  builder_.jump(after);
  builder_.seal(after);
  builder_.set_block(after);
  return builder_.read(name);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Deref &n) {
  ValueId address = value(*n.address);
  return n.user ? builder_.load_user(address, n.size) : builder_.load_kernel(address, n.size);
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Register &n) { return builder_.ctx_reg(n.number); }

} // namespace tapjit::lowering

// SPDX-License-Identifier: GPL-2.0-or-later
// What changes a variable: `=` and its relatives, `<<<`, `++` and `--`. Updates whose value is not used become one op
// (gadd, map.add), so that passes can see that they commute.
#include "frontend/lower_body.h"

namespace tapjit::lowering {

using ir::GlobalId;
using ir::Op;
using ir::ValueId;

namespace {

// The op that `op=` applies; Phi: none.
struct AssignRow {
  ast::AssignOp op;
  Op apply;
};
constexpr AssignRow assign_rows[] = {
    {ast::AssignOp::set, Op::Phi},          {ast::AssignOp::stat_add, Op::Phi}, {ast::AssignOp::add, Op::Add},
    {ast::AssignOp::sub, Op::Sub},          {ast::AssignOp::mul, Op::Mul},      {ast::AssignOp::div, Op::Div},
    {ast::AssignOp::mod, Op::Mod},          {ast::AssignOp::shl, Op::Shl},      {ast::AssignOp::shr, Op::Shr},
    {ast::AssignOp::bit_and, Op::And},      {ast::AssignOp::bit_xor, Op::Xor},  {ast::AssignOp::bit_or, Op::Or},
    {ast::AssignOp::concat, Op::StrConcat},
};
constexpr bool rows_in_order() {
  for (size_t index = 0; index < std::size(assign_rows); ++index)
    if (size_t(assign_rows[index].op) != index)
      return false;
  return true;
}
static_assert(rows_in_order());

bool is_sum(ast::AssignOp op) { return op == ast::AssignOp::add || op == ast::AssignOp::sub; }

} // namespace

void BodyLowerer::assign_variable(const ast::Variable &variable, ValueId value) {
  if (variable.binding.is_global())
    builder_.gstore(state_.global(variable.binding.global()), value);
  else
    builder_.write(locals_[variable.binding.index], value);
}

ValueId BodyLowerer::combine(ast::AssignOp op, ValueId before, ValueId with) {
  return builder_.binary(assign_rows[size_t(op)].apply, before, with);
}

ValueId BodyLowerer::assign_stat(const ast::Assign &n) {
  if (const auto *index = n.target->as<ast::Index>()) {
    std::vector<ValueId> keys = key_values(index->keys);
    ValueId added = value(*n.value);
    builder_.map_stat_add(array_of(*index->base), std::move(keys), added);
    return added;
  }
  ValueId added = value(*n.value);
  builder_.stat_add(array_of(*n.target), added);
  return added;
}

ValueId BodyLowerer::assign(const ast::Assign &n, bool is_used) {
  if (n.op == ast::AssignOp::stat_add)
    return assign_stat(n);
  bool plain = n.op == ast::AssignOp::set;
  if (const auto *index = n.target->as<ast::Index>()) {
    GlobalId map = array_of(*index->base);
    std::vector<ValueId> keys = key_values(index->keys);
    ValueId result = value(*n.value);
    if (is_sum(n.op))
      return builder_.map_add(map, std::move(keys),
                              n.op == ast::AssignOp::sub ? builder_.unary(Op::Neg, result) : result);
    if (!plain)
      result = combine(n.op, builder_.map_get(map, keys), result);
    builder_.map_set(map, std::move(keys), result);
    return result;
  }
  const auto *variable = n.target->as<ast::Variable>();
  if (!variable)
    return n.target->as<ast::Target>() ? assign_target(n) : unsupported(*n.target, "writing this");
  ValueId result = value(*n.value);
  if (is_sum(n.op) && !is_used && variable->binding.is_global()) {
    builder_.gadd(state_.global(variable->binding.global()),
                  n.op == ast::AssignOp::sub ? builder_.unary(Op::Neg, result) : result);
    return ValueId::none();
  }
  if (!plain)
    result = combine(n.op, lower(*n.target, *variable), result);
  assign_variable(*variable, result);
  return result;
}

ValueId BodyLowerer::increment(const ast::IncDec &n, bool is_used) {
  ValueId delta = builder_.const_i64(n.increment ? 1 : -1);
  if (const auto *index = n.target->as<ast::Index>()) {
    ValueId after = builder_.map_add(array_of(*index->base), key_values(index->keys), delta);
    return n.prefix || !is_used ? after : builder_.binary(Op::Sub, after, delta);
  }
  const auto *variable = n.target->as<ast::Variable>();
  if (!variable)
    return n.target->as<ast::Target>() ? increment_target(n) : unsupported(*n.target, "writing this");
  if (!is_used && variable->binding.is_global()) {
    builder_.gadd(state_.global(variable->binding.global()), delta);
    return ValueId::none();
  }
  ValueId before = lower(*n.target, *variable);
  ValueId after = builder_.binary(Op::Add, before, delta);
  assign_variable(*variable, after);
  return n.prefix ? after : before;
}

ValueId BodyLowerer::lower(const ast::Expr &, const ast::Assign &n) { return assign(n, true); }
ValueId BodyLowerer::lower(const ast::Expr &, const ast::IncDec &n) { return increment(n, true); }

} // namespace tapjit::lowering

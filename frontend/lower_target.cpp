// SPDX-License-Identifier: GPL-2.0-or-later
// `$variables`: the steps of a VarAccess (target/var_access.h), one or two ops each.
#include "frontend/lower_body.h"

#include <algorithm>
#include <utility>

namespace tapjit::lowering {

using ir::BlockId;
using ir::Op;
using ir::ValueId;
using target::AccessStep;
using target::StepKind;

ValueId BodyLowerer::lower(const ast::Expr &expr, const ast::Target &n) {
  if (n.pretty != ast::Target::Pretty::none)
    return unsupported(expr, "printing a structure by `$`");
  if (!n.use.valid() || n.use.index() >= targets_.size())
    return unsupported(expr, "this target variable");
  return run_access(expr, n, targets_[n.use.index()].access);
}

ValueId BodyLowerer::run_access(const ast::Expr &expr, const ast::Target &n, const target::VarAccess &access) {
  if (!access.anchor_symbol.empty() && access.anchor_symbol.find(':') == std::string::npos)
    kernel_anchor(access.anchor_symbol, access.anchor);
  ValueId value = run_steps(n, access, access.steps);
  return value.valid() ? value : unsupported(expr, "this target variable");
}

// The number of a module's anchor, which several accesses may share.
int64_t BodyLowerer::module_anchor(ir::ModuleAnchor wanted) {
  auto &anchors = state_.module.module_anchors;
  auto known = std::find(anchors.begin(), anchors.end(), wanted);
  if (known == anchors.end())
    known = anchors.insert(anchors.end(), std::move(wanted));
  return known - anchors.begin();
}

void BodyLowerer::kernel_anchor(const std::string &symbol, uint64_t address) {
  state_.module.anchor_symbol = symbol;
  state_.module.anchor = static_cast<int64_t>(address);
}

// Where what was linked at `address` is now.
ValueId BodyLowerer::placed_address(int64_t address, const std::string &anchor_symbol, uint64_t anchor,
                                    const std::string &build_id) {
  if (anchor_symbol.find(':') != std::string::npos) {
    int64_t number = module_anchor({anchor_symbol, static_cast<int64_t>(anchor), build_id});
    return builder_.binary(Op::Add, builder_.module_slide(number), builder_.const_i64(address));
  }
  kernel_anchor(anchor_symbol, anchor);
  return builder_.kernel_address(address);
}

// Whether the function that was entered returns into one of the ranges, behind a call that stands there; goes on where
// it does. What a module does not have now, as when it is away or its init code is freed, has not called.
void BodyLowerer::check_caller(const std::vector<CallerCode> &callers, BlockId elsewhere) {
  ValueId address = builder_.ctx_caller();
  BlockId there = builder_.new_block();
  for (size_t i = 0; i < callers.size(); ++i) {
    const CallerCode &code = callers[i];
    const bool may_be_absent = code.anchor_symbol.find(':') != std::string::npos;
    const BlockId absent = may_be_absent ? builder_.new_catch_block() : BlockId::none(), outer = builder_.catch_block();
    if (may_be_absent)
      builder_.set_catch(absent);
    ValueId begin = placed_address(static_cast<int64_t>(code.begin), code.anchor_symbol, code.anchor, code.build_id);
    builder_.set_catch(outer);
    ValueId end = builder_.binary(Op::Add, begin, builder_.const_i64(static_cast<int64_t>(code.end - code.begin)));
    ValueId is_inside =
        builder_.binary(Op::And, builder_.binary(Op::Gt, address, begin), builder_.binary(Op::Le, address, end));
    BlockId next = i + 1 < callers.size() ? builder_.new_block() : elsewhere;
    builder_.branch(is_inside, there, next);
    if (may_be_absent) {
      builder_.seal(absent);
      builder_.set_block(absent);
      builder_.jump(next);
    }
    if (next != elsewhere) {
      builder_.seal(next);
      builder_.set_block(next);
    }
  }
  builder_.seal(there);
  builder_.set_block(there);
}

void BodyLowerer::lower_caller_check(const std::vector<CallerCode> &callers) {
  BlockId elsewhere = builder_.new_block();
  check_caller(callers, elsewhere);
  builder_.ret(builder_.const_i64(1));
  builder_.seal(elsewhere);
  builder_.set_block(elsewhere);
  builder_.ret(builder_.const_i64(0));
  builder_.finish();
}

ValueId BodyLowerer::run_steps(const ast::Target &n, const target::VarAccess &access,
                               const std::vector<AccessStep> &steps) {
  std::vector<ValueId> stack, indexes;
  if (n.operand)
    stack.push_back(shared_value(*n.operand));
  for (const ast::TargetStep &step : n.steps)
    if (step.index)
      indexes.push_back(shared_value(*step.index));
  for (const AccessStep &step : steps) {
    if (step.kind == StepKind::PushModuleAddress)
      stack.push_back(placed_address(step.value, access.anchor_symbol, access.anchor, access.build_id));
    else
      run_step(step, stack, indexes);
  }
  return stack.empty() ? ValueId::none() : stack.back();
}

ValueId BodyLowerer::write_target(const ast::Expr &expr, ValueId value) {
  const auto &n = *expr.as<ast::Target>();
  if (!n.use.valid() || n.use.index() >= targets_.size())
    return unsupported(expr, "this target variable");
  const target::VarAccess &access = targets_[n.use.index()].access;
  const target::WriteAccess &write = access.write;
  if (write.kind == target::WriteAccess::Kind::Reply) {
    builder_.reply(value, false);
    return value;
  }
  if (write.kind == target::WriteAccess::Kind::Register) {
    builder_.ctx_reg_set(write.register_number, extend(value, write.bits, false));
    return value;
  }
  ValueId address = run_steps(n, access, write.address), stored = value;
  int64_t bytes = write.bits / 8;
  if (write.field_bits != 0) {
    uint64_t mask = (write.field_bits < 64 ? uint64_t{1} << write.field_bits : 0) - 1;
    ValueId field = builder_.binary(Op::And, value, builder_.const_i64(int64_t(mask)));
    ValueId around = builder_.binary(Op::And, builder_.load_kernel(address, bytes),
                                     builder_.const_i64(int64_t(~(mask << write.first_bit))));
    stored = builder_.binary(Op::Or, around, builder_.binary(Op::Shl, field, builder_.const_i64(write.first_bit)));
  }
  builder_.store_kernel(address, stored, bytes);
  return value;
}

// What a file's reader gets cannot be read here, but may be longer than a string: it is added to in place.
bool BodyLowerer::adds_to_reply(const ast::Assign &n) const {
  const auto &target = *n.target->as<ast::Target>();
  return n.op == ast::AssignOp::concat && target.use.valid() && target.use.index() < targets_.size() &&
         targets_[target.use.index()].access.write.kind == target::WriteAccess::Kind::Reply;
}

ValueId BodyLowerer::assign_target(const ast::Assign &n) {
  if (adds_to_reply(n)) {
    ValueId added = value(*n.value);
    builder_.reply(added, true);
    return added;
  }
  std::unordered_map<const ast::Expr *, ValueId> shared, *shared_outside = std::exchange(shared_, &shared);
  ValueId before = n.op == ast::AssignOp::set ? ValueId::none() : value(*n.target);
  shared_ = shared_outside;
  ValueId result = value(*n.value);
  if (before.valid())
    result = combine(n.op, before, result);
  shared_ = &shared;
  result = write_target(*n.target, result);
  shared_ = shared_outside;
  return result;
}

ValueId BodyLowerer::increment_target(const ast::IncDec &n) {
  std::unordered_map<const ast::Expr *, ValueId> shared, *shared_outside = std::exchange(shared_, &shared);
  ValueId before = value(*n.target);
  ValueId after = builder_.binary(Op::Add, before, builder_.const_i64(n.increment ? 1 : -1));
  write_target(*n.target, after);
  shared_ = shared_outside;
  return n.prefix ? after : before;
}

// Of an expression that the parts of a pretty-print have in common: computed once.
ValueId BodyLowerer::shared_value(const ast::Expr &expr) {
  if (!shared_)
    return value(expr);
  auto known = shared_->find(&expr);
  return known != shared_->end() ? known->second : shared_->emplace(&expr, value(expr)).first->second;
}

// The low `bits` of a value, widened.
ValueId BodyLowerer::extend(ValueId value, unsigned bits, bool is_signed) {
  if (bits >= 64 || bits == 0)
    return value;
  if (bits == 8 || bits == 16 || bits == 32)
    return builder_.trunc(value, is_signed ? -int64_t(bits / 8) : int64_t(bits / 8));
  if (!is_signed)
    return builder_.binary(Op::And, value, builder_.const_i64(int64_t((uint64_t{1} << bits) - 1)));
  ValueId count = builder_.const_i64(64 - int64_t(bits)); // a bit field
  return builder_.binary(Op::Shr, builder_.binary(Op::Shl, value, count), count);
}

static Op binary_op(StepKind kind) {
  switch (kind) {
  case StepKind::Add:
    return Op::Add;
  case StepKind::Subtract:
    return Op::Sub;
  case StepKind::Multiply:
    return Op::Mul;
  case StepKind::And:
    return Op::And;
  case StepKind::Or:
    return Op::Or;
  case StepKind::Xor:
    return Op::Xor;
  case StepKind::ShiftLeft:
    return Op::Shl;
  default:
    return Op::Shr;
  }
}

void BodyLowerer::run_step(const AccessStep &step, std::vector<ValueId> &stack, const std::vector<ValueId> &indexes) {
  auto pop = [&] {
    if (stack.empty())
      return builder_.const_i64(0);
    ValueId top = stack.back();
    stack.pop_back();
    return top;
  };
  switch (step.kind) {
  case StepKind::PushRegister:
    stack.push_back(builder_.ctx_reg(step.value));
    return;
  case StepKind::PushConstant:
    stack.push_back(builder_.const_i64(step.value));
    return;
  case StepKind::PushAddress:
    stack.push_back(builder_.kernel_address(step.value));
    return;
  case StepKind::PushPerCpu:
    stack.push_back(builder_.cpu_address(step.value));
    return;
  case StepKind::PushIndex:
    stack.push_back(size_t(step.value) < indexes.size() ? indexes[size_t(step.value)] : builder_.const_i64(0));
    return;
  case StepKind::PushMessage:
    stack.push_back(builder_.ctx_message());
    return;
  case StepKind::PushArgument:
    stack.push_back(builder_.ctx_tparg(step.value));
    return;
  case StepKind::Negate:
    stack.push_back(builder_.unary(Op::Neg, pop()));
    return;
  case StepKind::Not:
    stack.push_back(builder_.unary(Op::Not, pop()));
    return;
  case StepKind::Load:
  case StepKind::LoadUser: {
    int64_t bytes = step.bits / 8, width = step.is_signed && bytes < 8 ? -bytes : bytes;
    ValueId address = pop();
    stack.push_back(step.kind == StepKind::Load ? builder_.load_kernel(address, width)
                                                : builder_.load_user(address, width));
    return;
  }
  case StepKind::Extend:
    stack.push_back(extend(pop(), step.bits, step.is_signed));
    return;
  default:
    break;
  }
  ValueId right = pop(), left = pop();
  ValueId result = builder_.binary(binary_op(step.kind), left, right);
  if (step.kind == StepKind::ShiftRight) { // ir shifts are arithmetic: take the copies of the sign away
    ValueId sign_copies = builder_.binary(
        Op::Shl,
        builder_.binary(Op::Shl, builder_.const_i64(-1), builder_.binary(Op::Sub, builder_.const_i64(63), right)),
        builder_.const_i64(1));
    result = builder_.binary(Op::And, result, builder_.unary(Op::Not, sign_copies));
  }
  stack.push_back(result);
}

} // namespace tapjit::lowering

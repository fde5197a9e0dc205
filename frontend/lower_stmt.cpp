// SPDX-License-Identifier: GPL-2.0-or-later
// Statements. Each takes one action from the budget (MAXACTION counts statements); a loop takes one per turn, at its
// head, so that every path through it pays.
#include "frontend/lower_body.h"

#include "frontend/visit.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::lowering {

using ir::BlockId;
using ir::GlobalId;
using ir::ValueId;

BodyLowerer::BodyLowerer(ModuleState &state, ir::FunctionId function, const std::vector<Local> &locals,
                         size_t param_count, const std::vector<TargetUse> &targets)
    : state_(state), builder_(state.interner, function), targets_(targets) {
  for (size_t index = 0; index < locals.size(); ++index) {
    locals_.push_back(builder_.new_variable(ir_type(locals[index].type)));
    if (index < param_count)
      builder_.write(locals_.back(), builder_.param(uint32_t(index)));
  }
}

void BodyLowerer::set_location(Loc loc) {
  location_ = loc;
  builder_.set_location(state_.location(loc));
}

// Leaves the handler where its conditions do not hold.
void BodyLowerer::begin_handler(const Handler &handler) {
  for (const ast::Expr *wanted : handler.conditions) {
    BlockId armed = builder_.new_block(), skipped = builder_.new_block();
    condition(*wanted, armed, skipped);
    builder_.seal(armed);
    builder_.seal(skipped);
    builder_.set_block(skipped);
    builder_.ret();
    builder_.set_block(armed);
  }
}

// Leaves the handler of a callee that something else has called. At its return that is known from its entry, from the
// slot that is kept for it.
void BodyLowerer::begin_callee(const Handler &handler) {
  if (handler.sites.empty() || handler.sites[0].callers.empty())
    return;
  BlockId elsewhere = builder_.new_block();
  if (handler.sites[0].is_return) {
    BlockId there = builder_.new_block();
    builder_.branch(builder_.ctx_entry(state_.entry_slot(EntryId())), there, elsewhere);
    builder_.seal(there);
    builder_.set_block(there);
  } else {
    check_caller(handler.sites[0].callers, elsewhere);
  }
  BlockId here = builder_.current_block();
  builder_.seal(elsewhere);
  builder_.set_block(elsewhere);
  builder_.ret();
  builder_.set_block(here);
}

void BodyLowerer::lower_handler(const Handler &handler, ir::FunctionId shared_body,
                                const std::vector<LocalId> &live_in) {
  if (state_.reads_groups)
    builder_.append(ir::Op::RegexForget);
  begin_handler(handler);
  begin_callee(handler);
  for (const ast::Stmt *block : handler.blocks)
    if (!shared_body.valid() || block != handler.blocks.back())
      statement(*block);
  if (shared_body.valid()) {
    std::vector<ValueId> args;
    for (LocalId local : live_in)
      args.push_back(builder_.read(locals_[local.index()]));
    set_location(handler.blocks.back()->loc);
    builder_.call(shared_body, std::move(args));
  }
  builder_.finish();
}

void BodyLowerer::lower_counting(const Handler &handler, GlobalId hits) {
  begin_handler(handler);
  builder_.gadd(hits, builder_.const_i64(1));
  builder_.finish();
}

void BodyLowerer::lower_arming(const Handler &handler) {
  BlockId disarmed = builder_.new_block();
  for (const ast::Expr *wanted : handler.conditions) {
    BlockId next = builder_.new_block();
    condition(*wanted, next, disarmed);
    builder_.seal(next);
    builder_.set_block(next);
  }
  builder_.arm(builder_.const_i64(1));
  builder_.ret();
  builder_.seal(disarmed);
  builder_.set_block(disarmed);
  builder_.arm(builder_.const_i64(0));
  builder_.finish();
}

void BodyLowerer::lower_shared_body(const Handler &handler, const std::vector<LocalId> &live_in) {
  for (uint32_t index = 0; index < live_in.size(); ++index)
    builder_.write(locals_[live_in[index].index()], builder_.param(index));
  statement(*handler.blocks.back());
  builder_.finish();
}

void BodyLowerer::lower_function(const FunctionInfo &function) {
  function_ = &function;
  statement(*function.body);
  builder_.finish();
}

void BodyLowerer::lower_entry(const ast::Expr &expr) {
  builder_.ret(value(expr));
  builder_.finish();
}

void BodyLowerer::statement(const ast::Stmt &stmt) {
  Place place(*this, stmt.loc);
  switch (stmt.kind()) {
  case ast::StmtKind::Block:
  case ast::StmtKind::Null:
  case ast::StmtKind::While: // these three pay per turn
  case ast::StmtKind::For:
  case ast::StmtKind::Foreach:
    break;
  default:
    builder_.charge();
  }
  ast::visit(stmt, [&](const auto &n) { lower(n); });
}

void BodyLowerer::lower(const ast::Block &n) {
  for (const ast::Stmt *child : n.body)
    statement(*child);
}

void BodyLowerer::lower(const ast::ExprStmt &n) { effect(*n.expr); }

void BodyLowerer::lower(const ast::If &n) {
  BlockId then = builder_.new_block(), after = builder_.new_block();
  BlockId otherwise = n.otherwise ? builder_.new_block() : after;
  condition(*n.condition, then, otherwise);
  builder_.seal(then);
  builder_.set_block(then);
  statement(*n.then);
  builder_.jump(after);
  if (n.otherwise) {
    builder_.seal(otherwise);
    builder_.set_block(otherwise);
    statement(*n.otherwise);
    builder_.jump(after);
  }
  builder_.seal(after);
  builder_.set_block(after);
}

void BodyLowerer::loop(const ast::Expr *wanted, const ast::Expr *step, const ast::Stmt &body) {
  BlockId header = builder_.new_block(), inside = builder_.new_block(), after = builder_.new_block();
  BlockId next = step ? builder_.new_block() : header;
  builder_.jump(header);
  builder_.set_block(header);
  builder_.charge();
  if (wanted)
    condition(*wanted, inside, after);
  else
    builder_.jump(inside);
  builder_.seal(inside);
  builder_.set_block(inside);
  loops_.push_back({after, next});
  statement(body);
  loops_.pop_back();
  builder_.jump(next);
  if (step) {
    builder_.seal(next);
    builder_.set_block(next);
    effect(*step);
    builder_.jump(header);
  }
  builder_.seal(header);
  builder_.seal(after);
  builder_.set_block(after);
}

void BodyLowerer::lower(const ast::While &n) { loop(n.condition, nullptr, *n.body); }

void BodyLowerer::lower(const ast::For &n) {
  if (n.init)
    effect(*n.init);
  loop(n.condition, n.step, *n.body);
}

bool BodyLowerer::is_iterated(GlobalId map) const {
  if (std::find(iterated_.begin(), iterated_.end(), map) != iterated_.end())
    return true;
  size_t function = function_ ? size_t(function_ - state_.program.functions.data()) : state_.iterated_around.size();
  return function < state_.iterated_around.size() && state_.iterated_around[function].contains(map.index);
}

int64_t BodyLowerer::fill_holes(GlobalId map, std::vector<ValueId> &keys) {
  int64_t any = 0;
  for (size_t index = 0; index < keys.size(); ++index)
    if (!keys[index].valid()) {
      keys[index] = zero(state_.variable(map).keys[index]);
      any |= int64_t(1) << index;
    }
  return any;
}

BodyLowerer::Scan BodyLowerer::begin_scan(GlobalId map, const ir::Sort &sort, ValueId limit,
                                          const std::vector<ValueId> &slice, bool may_be_deleted) {
  Scan scan;
  std::vector<ValueId> keys = slice;
  int64_t any = fill_holes(map, keys);
  scan.iter = builder_.iter_begin(map, sort, limit);
  scan.header = builder_.new_block();
  scan.exit = builder_.new_block();
  builder_.jump(scan.header);
  builder_.set_block(scan.header);
  builder_.charge();
  if (may_be_deleted) {
    std::vector<ValueId> any_keys(state_.variable(map).keys.size(), ValueId::none());
    int64_t holes = fill_holes(map, any_keys);
    BlockId still = builder_.new_block();
    builder_.branch(builder_.map_has_slice(map, any_keys, holes), still, scan.exit);
    builder_.seal(still);
    builder_.set_block(still);
  }
  BlockId inside = builder_.new_block();
  builder_.branch(keys.empty() ? builder_.iter_next(scan.iter) : builder_.iter_next_slice(scan.iter, keys, any), inside,
                  scan.exit);
  builder_.seal(inside);
  builder_.set_block(inside);
  return scan;
}

void BodyLowerer::end_scan(const Scan &scan) {
  builder_.jump(scan.header);
  builder_.seal(scan.header);
  builder_.seal(scan.exit);
  builder_.set_block(scan.exit);
}

static ir::Sort sort_of(const ast::Foreach &n) {
  ir::Sort sort;
  switch (n.sort_by) {
  case ast::Foreach::SortBy::none:
    return sort;
  case ast::Foreach::SortBy::key:
    sort.by = ir::Sort::By::Key;
    sort.key = n.sort_key;
    break;
  case ast::Foreach::SortBy::value:
    sort.by = ir::Sort::By::Value;
    break;
  case ast::Foreach::SortBy::stat:
    sort.by = ir::Sort::By::Stat;
    sort.field = stat_field(n.sort_stat);
    break;
  }
  sort.descending = n.descending;
  return sort;
}

// The keys are the numbers of all buckets in order, the value is a bucket's count. An empty statistic has empty
// buckets.
void BodyLowerer::foreach_bucket(const ast::Foreach &n, const ast::Histogram &histogram) {
  const auto *element = histogram.stat->as<ast::Index>();
  GlobalId stat = array_of(element ? *element->base : *histogram.stat);
  std::vector<ValueId> keys = element ? key_values(element->keys) : std::vector<ValueId>();
  int64_t count = int64_t(ir::bucket_count(state_.variable(stat).stat));
  ir::VariableId bucket = builder_.new_variable(ir::Type::I64);
  builder_.write(bucket, builder_.const_i64(0));
  ValueId limit = n.limit ? value(*n.limit) : ValueId::none();
  BlockId header = builder_.new_block(), inside = builder_.new_block(), next = builder_.new_block(),
          after = builder_.new_block();
  builder_.jump(header);
  builder_.set_block(header);
  builder_.charge();
  builder_.branch(builder_.binary(ir::Op::Lt, builder_.read(bucket), builder_.const_i64(count)), inside, after);
  builder_.seal(inside);
  builder_.set_block(inside);
  if (n.limit) {
    BlockId within = builder_.new_block();
    builder_.branch(builder_.binary(ir::Op::Lt, builder_.read(bucket), limit), within, after);
    builder_.seal(within);
    builder_.set_block(within);
  }
  assign_variable(*n.keys[0]->as<ast::Variable>(), builder_.read(bucket));
  if (n.value)
    assign_variable(*n.value->as<ast::Variable>(),
                    element ? builder_.map_stat_bucket(stat, keys, builder_.read(bucket), true)
                            : builder_.stat_bucket(stat, builder_.read(bucket), true));
  loops_.push_back({after, next});
  statement(*n.body);
  loops_.pop_back();
  builder_.jump(next);
  builder_.seal(next);
  builder_.set_block(next);
  builder_.write(bucket, builder_.binary(ir::Op::Add, builder_.read(bucket), builder_.const_i64(1)));
  builder_.jump(header);
  builder_.seal(header);
  builder_.seal(after);
  builder_.set_block(after);
}

// A negative limit is none of the elements; to IR it would be all of them.
ValueId BodyLowerer::foreach_limit(const ast::Expr &expr) {
  ValueId limit = value(expr);
  const ir::Inst &inst = builder_.function().insts[limit.index];
  if (inst.op == ir::Op::ConstI64)
    return inst.imm < 0 ? builder_.const_i64(0) : limit;
  ValueId sign = builder_.binary(ir::Op::Shr, limit, builder_.const_i64(63));
  return builder_.binary(ir::Op::And, limit, builder_.unary(ir::Op::Not, sign));
}

void BodyLowerer::lower(const ast::Foreach &n) {
  if (const auto *histogram = n.array->as<ast::Histogram>())
    return foreach_bucket(n, *histogram);
  GlobalId map = array_of(*n.array);
  std::vector<ValueId> slice = key_values(n.slice);
  ValueId limit = n.limit ? foreach_limit(*n.limit) : builder_.const_i64(-1);
  ir::Sort sort = sort_of(n);
  sort.nested = sort.by != ir::Sort::By::None && is_iterated(map);
  Scan scan = begin_scan(map, sort, limit, slice, may_delete(state_, *n.body, map));
  for (size_t index = 0; index < n.keys.size(); ++index)
    assign_variable(*n.keys[index]->as<ast::Variable>(), builder_.iter_key(scan.iter, int64_t(index)));
  if (n.value)
    assign_variable(*n.value->as<ast::Variable>(), builder_.iter_value(scan.iter));
  loops_.push_back({scan.exit, scan.header});
  iterated_.push_back(map);
  statement(*n.body);
  iterated_.pop_back();
  loops_.pop_back();
  end_scan(scan);
}

void BodyLowerer::lower(const ast::Break &) {
  if (!loops_.empty())
    builder_.jump(loops_.back().on_break);
}

void BodyLowerer::lower(const ast::Continue &) {
  if (!loops_.empty())
    builder_.jump(loops_.back().on_continue);
}

void BodyLowerer::lower(const ast::Return &n) {
  ValueId result = n.value ? value(*n.value) : ValueId::none();
  ir::Type type = builder_.function().result;
  if (type == ir::Type::Void)
    builder_.ret();
  else
    builder_.ret(result.valid() ? result : zero(type == ir::Type::Str ? ast::Type::string : ast::Type::number));
}

// In a handler its end; in a function the next overload, with the arguments as they came.
void BodyLowerer::lower(const ast::Next &) {
  if (function_)
    call_next_overload(*function_);
  else
    builder_.ret();
}

void BodyLowerer::call_next_overload(const FunctionInfo &function) {
  if (!function.next_overload.valid()) {
    builder_.error(builder_.const_str("all functions exhausted"));
    return;
  }
  std::vector<ValueId> args;
  for (uint32_t index = 0; index < function.param_count; ++index)
    args.push_back(builder_.param(index));
  ValueId result = call(function.next_overload, std::move(args));
  if (builder_.function().result == ir::Type::Void)
    builder_.ret();
  else
    builder_.ret(result);
}

void BodyLowerer::lower_chain(const FunctionInfo &function, ir::FunctionId first) {
  set_location(function.loc);
  std::vector<ValueId> args;
  for (uint32_t index = 0; index < function.param_count; ++index)
    args.push_back(builder_.param(index));
  ValueId result = builder_.call(first, std::move(args));
  BlockId next = builder_.new_block(), done = builder_.new_block();
  builder_.branch(builder_.append(ir::Op::CtxNext), next, done);
  builder_.seal(next);
  builder_.seal(done);
  builder_.set_block(next);
  call_next_overload(function);
  builder_.set_block(done);
  if (builder_.function().result == ir::Type::Void)
    builder_.ret();
  else
    builder_.ret(result);
  builder_.finish();
}

void BodyLowerer::lower(const ast::Delete &n) {
  if (const auto *index = n.target->as<ast::Index>()) {
    std::vector<ValueId> keys = key_values(index->keys);
    GlobalId map = array_of(*index->base);
    if (int64_t any = fill_holes(map, keys))
      builder_.map_del_slice(map, std::move(keys), any);
    else
      builder_.map_del(map, std::move(keys));
    return;
  }
  const auto *variable = n.target->as<ast::Variable>();
  if (variable && variable->binding.is_global())
    builder_.gclear(state_.global(variable->binding.global()));
  else if (variable)
    assign_variable(*variable, zero(n.target->type));
}

void BodyLowerer::lower(const ast::Try &n) {
  BlockId handler = builder_.new_catch_block(), after = builder_.new_block();
  BlockId outer = builder_.catch_block();
  builder_.set_catch(handler);
  statement(*n.body);
  builder_.set_catch(outer);
  builder_.jump(after);
  builder_.seal(handler);
  builder_.set_block(handler);
  if (n.message)
    assign_variable(*n.message->as<ast::Variable>(), builder_.catch_message());
  statement(*n.handler);
  builder_.jump(after);
  builder_.seal(after);
  builder_.set_block(after);
}

} // namespace tapjit::lowering

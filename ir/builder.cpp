// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/builder.h"

#include "ir/cfg.h"
#include "ir/signature.h"

#include <algorithm>
#include <cassert>

namespace tapjit::ir {

// --- Interner

static std::string format_key(std::string_view text, const std::vector<Type> &args) {
  std::string key;
  for (Type type : args)
    key += type == Type::Str ? 's' : 'i';
  return key.append(":").append(text);
}

static uint64_t place_key(const Location &location) { return uint64_t(location.line) << 32 | location.column; }

Interner::Interner(Module &module) : module_(module) {
  for (size_t index = 0; index < module.strings.size(); ++index)
    strings_.emplace(module.strings[index], uint32_t(index));
  for (size_t index = 0; index < module.formats.size(); ++index)
    formats_.emplace(format_key(module.formats[index].text, module.formats[index].args), uint32_t(index));
  for (size_t index = 0; index < module.locations.size(); ++index)
    locations_[module.locations[index].file].emplace(place_key(module.locations[index]), uint32_t(index));
}

StringId Interner::string(std::string_view text) {
  auto [entry, is_new] = strings_.try_emplace(std::string(text), uint32_t(module_.strings.size()));
  if (is_new)
    module_.strings.emplace_back(text);
  return StringId{entry->second};
}

FormatId Interner::format(std::string_view text, const std::vector<Type> &args) {
  auto [entry, is_new] = formats_.try_emplace(format_key(text, args), uint32_t(module_.formats.size()));
  if (is_new)
    module_.formats.push_back({std::string(text), args});
  return FormatId{entry->second};
}

LocationId Interner::location(std::string_view file, uint32_t line, uint32_t column) {
  Location location{std::string(file), line, column};
  auto of_file = locations_.find(file);
  if (of_file == locations_.end())
    of_file = locations_.try_emplace(location.file).first;
  auto [entry, is_new] = of_file->second.try_emplace(place_key(location), uint32_t(module_.locations.size()));
  if (is_new)
    module_.locations.push_back(std::move(location));
  return LocationId{entry->second};
}

// A module has few sorts and lock sets: these two look through all.
uint32_t Interner::sort(const Sort &sort) {
  auto found = std::find(module_.sorts.begin(), module_.sorts.end(), sort);
  if (found != module_.sorts.end())
    return uint32_t(found - module_.sorts.begin());
  module_.sorts.push_back(sort);
  return uint32_t(module_.sorts.size() - 1);
}

LockSetId Interner::lock_set(std::vector<std::pair<GlobalId, bool>> globals) {
  std::map<GlobalId, bool> merged;
  for (auto [global, written] : globals)
    merged[global] |= written;
  LockSet set{{merged.begin(), merged.end()}};
  auto found = std::find(module_.lock_sets.begin(), module_.lock_sets.end(), set);
  if (found != module_.lock_sets.end())
    return LockSetId{uint32_t(found - module_.lock_sets.begin())};
  module_.lock_sets.push_back(std::move(set));
  return LockSetId{uint32_t(module_.lock_sets.size() - 1)};
}

// --- FunctionBuilder: blocks

FunctionBuilder::FunctionBuilder(Interner &interner, FunctionId function) : interner_(interner), id_(function) {
  assert(this->function().blocks.empty() && "a function is built once");
  current_ = new_block();
  location_ = this->function().loc;
  states_[0].sealed = true;
  std::vector<Type> params = this->function().params;
  for (size_t index = 0; index < params.size(); ++index)
    insert(entry(), index, Inst{Op::Param, params[index], UINT32_MAX, int64_t(index), {}, location_});
}

BlockId FunctionBuilder::new_block() {
  function().blocks.emplace_back();
  function().blocks.back().loc = location_;
  states_.emplace_back();
  return BlockId{uint32_t(states_.size() - 1)};
}

BlockId FunctionBuilder::new_catch_block() {
  BlockId block = new_block();
  function().blocks[block.index].is_catch = true;
  return block;
}

void FunctionBuilder::seal(BlockId block) {
  assert(!states_[block.index].sealed);
  states_[block.index].sealed = true;
  find_idom(block);
  auto phis = std::move(states_[block.index].incomplete_phis);
  for (auto [variable, phi] : phis)
    add_phi_operands(variable, phi, block);
}

void FunctionBuilder::terminate(Terminator terminator, ValueId operand, BlockId first, BlockId second) {
  if (is_terminated())
    return;
  Block &block = function().blocks[current_.index];
  block.terminator = terminator;
  block.terminator_operand = operand;
  block.successors[0] = first;
  block.successors[1] = second;
  block.loc = location_;
  states_[current_.index].terminated = true;
  states_[current_.index].ended = ++clock_;
  for (BlockId target : {first, second}) {
    if (!target.valid())
      continue;
    assert(!states_[target.index].sealed && "a sealed block gets no more predecessors");
    function().blocks[target.index].preds.push_back(current_);
  }
}

void FunctionBuilder::jump(BlockId target) { terminate(Terminator::Jump, ValueId::none(), target, BlockId::none()); }

void FunctionBuilder::branch(ValueId condition, BlockId if_nonzero, BlockId if_zero) {
  if (if_nonzero == if_zero)
    jump(if_nonzero);
  else
    terminate(Terminator::Branch, condition, if_nonzero, if_zero);
}

void FunctionBuilder::ret() { terminate(Terminator::Return, ValueId::none(), BlockId::none(), BlockId::none()); }
void FunctionBuilder::ret(ValueId value) { terminate(Terminator::Return, value, BlockId::none(), BlockId::none()); }

// --- instructions

ValueId FunctionBuilder::insert(BlockId block, size_t position, Inst inst) {
  ValueId value{uint32_t(function().insts.size())};
  function().insts.push_back(std::move(inst));
  auto &insts = function().blocks[block.index].insts;
  insts.insert(insts.begin() + ptrdiff_t(position), value);
  return value;
}

ValueId FunctionBuilder::append(Op op, std::vector<ValueId> operands, uint32_t aux, int64_t imm) {
  if (is_terminated()) {
    current_ = new_block();
    states_[current_.index].sealed = true;
  }
  Inst inst{op, Type::Void, aux, imm, std::move(operands), location_};
  inst.type = result_type(interner_.module(), inst);
  ValueId value = insert(current_, function().blocks[current_.index].insts.size(), std::move(inst));
  if (catch_.valid() && (op_info(op).effects & Fail) && op != Op::Charge) {
    BlockId next = new_block();
    terminate(Terminator::OnFail, ValueId::none(), next, catch_);
    states_[next.index].sealed = true;
    find_idom(next);
    current_ = next;
  }
  return value;
}

uint32_t FunctionBuilder::format_of(std::string_view text, const std::vector<ValueId> &args) {
  std::vector<Type> types;
  for (ValueId arg : args)
    types.push_back(type_of(arg));
  return interner_.format(text, types).index;
}

// --- variables

VariableId FunctionBuilder::new_variable(Type type) {
  variables_.push_back(type);
  last_writes_.push_back(0);
  return VariableId{uint32_t(variables_.size() - 1)};
}

void FunctionBuilder::write(VariableId variable, ValueId value) {
  last_writes_[variable.index] = ++clock_;
  states_[current_.index].values[variable.index] = value;
}

ValueId FunctionBuilder::read(VariableId variable) { return read_in(variable, current_); }

ValueId FunctionBuilder::zero_in_entry(Type type) {
  Inst inst{Op::ConstI64, type, UINT32_MAX, 0, {}, function().loc};
  if (type == Type::Str) {
    inst.op = Op::ConstStr;
    inst.aux = interner_.string("").index;
  }
  return insert(entry(), function().params.size(), std::move(inst));
}

ValueId FunctionBuilder::new_phi(BlockId block, Type type) {
  const size_t position = states_[block.index].phis++;
  return insert(block, position, Inst{Op::Phi, type, UINT32_MAX, 0, {}, function().blocks[block.index].loc});
}

// The nearest block that dominates both, as far as dominators are known, with `below` left out: the header of a loop
// whose end comes back to it. none(): not known. Dominators end before what they dominate.
BlockId FunctionBuilder::meet(BlockId left, BlockId right, BlockId below) const {
  while (left.valid() && right.valid() && left != right) {
    if (left == below)
      return right;
    if (right == below)
      return left;
    BlockId &later = states_[left.index].ended > states_[right.index].ended ? left : right;
    later = states_[later.index].idom;
  }
  return left.valid() ? right : left;
}

// From the last predecessor on: the many of a catch block stand one behind the other.
void FunctionBuilder::find_idom(BlockId block) {
  const ShortList<BlockId> &preds = function().blocks[block.index].preds;
  if (preds.empty())
    return;
  BlockId common = preds[preds.size() - 1];
  for (size_t index = preds.size() - 1; index-- > 0;)
    common = meet(common, preds[index], block);
  states_[block.index].idom = common == block ? BlockId::none() : common;
}

// The highest dominator of `block` that ended after the last write of the variable: nothing that was built since has
// written it, so its value there is that at `block`. Where a loop is still open, its header is the highest. So a
// variable gets no phis where many paths part and join without writing it.
BlockId FunctionBuilder::place_of_value(VariableId variable, BlockId block) const {
  for (BlockId above = states_[block.index].idom;
       above.valid() && states_[above.index].ended >= last_writes_[variable.index]; above = states_[block.index].idom)
    block = above;
  return block;
}

// Joins whose operands are still looked for are on a list: there may be as many behind each other as there are
// statements.
ValueId FunctionBuilder::read_in(VariableId variable, BlockId block) {
  struct Join {
    std::vector<BlockId> passed; // on the way from what was asked for to the join itself, which is the last
    ValueId phi;
    size_t next = 0; // of the predecessors
  };
  std::vector<Join> joins;
  auto keep = [&](const std::vector<BlockId> &blocks, ValueId value) {
    for (BlockId in : blocks)
      states_[in.index].values[variable.index] = value;
  };
  for (BlockId asked = block;;) {
    std::vector<BlockId> passed{asked};
    auto is_known = [&] { return states_[passed.back().index].values.contains(variable.index); };
    if (BlockId above = is_known() ? asked : place_of_value(variable, asked); above != asked)
      passed.push_back(above);
    while (!is_known() && states_[passed.back().index].sealed &&
           function().blocks[passed.back().index].preds.size() == 1)
      passed.push_back(function().blocks[passed.back().index].preds[0]);
    const BlockId at = passed.back();
    const size_t preds = function().blocks[at.index].preds.size();
    ValueId value;
    if (is_known()) {
      value = resolve(states_[at.index].values[variable.index]);
    } else if (!states_[at.index].sealed) {
      value = new_phi(at, variables_[variable.index]);
      states_[at.index].incomplete_phis.push_back({variable, value});
    } else if (preds == 0) {
      value = zero_in_entry(variables_[variable.index]);
    } else {
      value = new_phi(at, variables_[variable.index]);
      states_[at.index].values[variable.index] = value; // ends the search in loops
      joins.push_back({std::move(passed), value});
      asked = function().blocks[at.index].preds[0];
      continue;
    }
    keep(passed, value);
    for (; !joins.empty(); joins.pop_back()) {
      Join &join = joins.back();
      function().insts[join.phi.index].operands.push_back(value);
      const ShortList<BlockId> &others = function().blocks[join.passed.back().index].preds;
      if (++join.next < others.size()) {
        asked = others[join.next];
        break;
      }
      value = remove_if_trivial(join.phi);
      keep(join.passed, value);
    }
    if (joins.empty())
      return value;
  }
}

ValueId FunctionBuilder::add_phi_operands(VariableId variable, ValueId phi, BlockId block) {
  for (size_t index = 0; index < function().blocks[block.index].preds.size(); ++index) {
    ValueId operand = read_in(variable, function().blocks[block.index].preds[index]);
    function().insts[phi.index].operands.push_back(operand);
  }
  return remove_if_trivial(phi);
}

ValueId FunctionBuilder::resolve(ValueId value) {
  auto first = replaced_.find(value.index);
  if (first == replaced_.end())
    return value;
  ValueId last = first->second;
  for (auto found = replaced_.find(last.index); found != replaced_.end(); found = replaced_.find(last.index))
    last = found->second;
  return first->second = last;
}

// Phis that become trivial only because another one did are left to finish().
ValueId FunctionBuilder::remove_if_trivial(ValueId phi) {
  ValueId same;
  for (ValueId operand : function().insts[phi.index].operands) {
    operand = resolve(operand);
    if (operand == phi || operand == same)
      continue;
    if (same.valid())
      return phi;
    same = operand;
  }
  if (!same.valid()) // only in unreachable blocks
    same = zero_in_entry(function().insts[phi.index].type);
  replaced_[phi.index] = same;
  return same;
}

void FunctionBuilder::finish() {
  for (size_t index = 0; index < states_.size(); ++index)
    if (!states_[index].sealed)
      seal(BlockId{uint32_t(index)});
  catch_ = BlockId::none();
  for (size_t index = 0; index < states_.size(); ++index) {
    current_ = BlockId{uint32_t(index)};
    if (is_terminated())
      continue;
    Type result = function().result;
    if (result == Type::Void)
      ret();
    else
      ret(zero_in_entry(result));
  }

  for (size_t before = SIZE_MAX; before != replaced_.size();) {
    before = replaced_.size();
    for (const Block &block : function().blocks)
      for (ValueId value : std::vector<ValueId>(block.insts))
        if (function().insts[value.index].op == Op::Phi && !replaced_.count(value.index))
          remove_if_trivial(value);
  }
  for (Block &block : function().blocks) {
    std::erase_if(block.insts, [&](ValueId value) { return replaced_.count(value.index) != 0; });
    if (block.terminator_operand.valid())
      block.terminator_operand = resolve(block.terminator_operand);
  }
  for (Inst &inst : function().insts)
    for (ValueId &operand : inst.operands)
      operand = resolve(operand);
  remove_unreachable_blocks(function());
}

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// One operation, or one look-up, for what the script says in several.
//   1. n = n + x is gadd, m[k] = m[k] + x is map.add, where nothing has been written between the read and the store.
//   2. Accesses of one element (k in m, m[k], delete m[k], m[k] += x) look it up once: `map.find`, and ops of what it
//   found. An update takes part where the element is known to be there: behind a branch on `k in m`, or on a value of
//   the element that is not 0. What may add or remove elements, but by this look-up, ends it.
#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/passes/memory.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

// What both parts ask of a function.
struct Uses {
  explicit Uses(const Function &function) : users(function.insts.size()), count(function.insts.size()) {
    for (const Block &block : function.blocks) {
      for (ValueId value : block.insts)
        for (ValueId operand : function.insts[value.index].operands) {
          users[operand.index].push_back(value);
          ++count[operand.index];
        }
      if (block.terminator_operand.valid())
        ++count[block.terminator_operand.index];
    }
  }
  std::vector<std::vector<ValueId>> users; // terminators are in `count` only
  std::vector<uint32_t> count;
};

// --- 1. Updates

class Updates {
public:
  Updates(const Module &module, const ModuleEffects &effects, Function &function)
      : function_(function), dominators_(function), memory_(module, effects, function, dominators_), uses_(function),
        homes_(defining_blocks(function)), version_(function.insts.size()), dead_(function.insts.size()),
        replaced_(function.insts.size()) {}

  bool run() {
    memory_.walk([&](BlockId block) { visit(block); }, [](BlockId) {});
    if (!changed_)
      return false;
    replace_uses(function_, replaced_);
    for (auto &[before, made] : made_) {
      std::vector<ValueId> &insts = function_.blocks[homes_[before.index].index].insts;
      insts.insert(std::find(insts.begin(), insts.end(), before), made);
    }
    for (Block &block : function_.blocks)
      std::erase_if(block.insts, [&](ValueId value) { return value.index < dead_.size() && dead_[value.index]; });
    return true;
  }

private:
  Inst &inst(ValueId value) { return function_.insts[value.index]; }

  void visit(BlockId block) {
    const Block &here = function_.blocks[block.index];
    for (ValueId value : std::vector<ValueId>(here.insts)) {
      Op op = inst(value).op;
      if (op == Op::GLoad || op == Op::MapGet)
        version_[value.index] = memory_.version(inst(value).aux);
      if (op == Op::GStore || op == Op::MapSet)
        fuse(block, value, here.terminator == Terminator::OnFail && value == here.insts.back());
      memory_.write_all_of(inst(value));
    }
  }

  // Whether `read` reads, once and for the sum only, what `store` writes, and that has not been written since.
  bool is_read_of(ValueId read, ValueId store) {
    const Inst &from = inst(read), &to = inst(store);
    bool same = (from.op == Op::GLoad && to.op == Op::GStore) || (from.op == Op::MapGet && to.op == Op::MapSet);
    return same && from.type == Type::I64 && from.aux == to.aux && uses_.count[read.index] == 1 &&
           std::equal(from.operands.begin(), from.operands.end(), to.operands.begin()) &&
           from.operands.size() + 1 == to.operands.size() && version_[read.index] == memory_.version(to.aux);
  }

  void fuse(BlockId block, ValueId store, bool is_on_edge) {
    ValueId sum = inst(store).operands.back();
    const Inst added = inst(sum);
    if ((added.op != Op::Add && added.op != Op::Sub) || !homes_[sum.index].valid())
      return;
    ValueId read = added.operands[0], term = added.operands[1];
    if (added.op == Op::Add && !is_read_of(read, store))
      std::swap(read, term);
    if (!is_read_of(read, store))
      return;
    bool is_map = inst(store).op == Op::MapSet;
    if (uses_.count[sum.index] > 1 && (!is_map || is_on_edge || !others_come_after(sum, store, block)))
      return;
    if (added.op == Op::Sub)
      term = negate(store, term);
    inst(store).op = is_map ? Op::MapAdd : Op::GAdd;
    inst(store).type = is_map ? Type::I64 : Type::Void;
    inst(store).operands.back() = term;
    dead_[read.index] = dead_[sum.index] = true;
    if (uses_.count[sum.index] > 1)
      replaced_[sum.index] = store; // the store has the new value
    changed_ = true;
  }

  bool others_come_after(ValueId sum, ValueId store, BlockId block) {
    const std::vector<ValueId> &insts = function_.blocks[block.index].insts;
    auto at = std::find(insts.begin(), insts.end(), store);
    size_t seen = 1;
    for (ValueId user : uses_.users[sum.index]) {
      if (user == store)
        continue;
      if (inst(user).op == Op::Phi)
        return false;
      BlockId home = homes_[user.index];
      if (home == block ? std::find(at, insts.end(), user) == insts.end() : !dominators_.dominates(block, home))
        return false;
      ++seen;
    }
    return seen == uses_.count[sum.index]; // else a terminator uses it
  }

  ValueId negate(ValueId before, ValueId term) {
    ValueId made{uint32_t(function_.insts.size())};
    function_.insts.push_back({Op::Neg, Type::I64, UINT32_MAX, 0, {term}, inst(before).loc});
    made_.emplace_back(before, made);
    return made;
  }

  Function &function_;
  Dominators dominators_;
  MemoryVersions memory_;
  Uses uses_;
  std::vector<BlockId> homes_;
  std::vector<uint64_t> version_; // of what a read reads
  std::vector<bool> dead_;
  std::vector<ValueId> replaced_;
  std::vector<std::pair<ValueId, ValueId>> made_; // (before, new)
  bool changed_ = false;
};

// --- 2. Look-ups

struct Lookup {
  uint32_t map;
  std::vector<ValueId> keys;
  uint64_t version;
  friend auto operator<=>(const Lookup &, const Lookup &) = default;
};

class Lookups {
public:
  Lookups(const Module &module, const ModuleEffects &effects, Function &function)
      : module_(module), function_(function), dominators_(function), memory_(module, effects, function, dominators_),
        group_of_(function.insts.size(), UINT32_MAX), marks_(function.blocks.size()) {}

  void run() {
    memory_.walk([&](BlockId block) { visit(block); }, [&](BlockId block) { leave(block); });
    if (std::any_of(groups_.begin(), groups_.end(), [](const Group &group) { return group.accesses.size() > 1; }))
      rewrite();
  }

private:
  struct Group {
    std::vector<ValueId> accesses; // the first dominates the others
    ValueId find;
  };
  struct Mark {
    size_t known = 0, present = 0;
  };

  Inst &inst(ValueId value) { return function_.insts[value.index]; }

  static bool looks_up(Op op) {
    return op == Op::MapHas || op == Op::MapGet || op == Op::MapStatGet || op == Op::MapDel;
  }
  static bool updates(Op op) { return op == Op::MapAdd || op == Op::MapSet; }

  Lookup lookup_of(const Inst &access) const {
    size_t keys = module_.globals[access.aux].keys.size();
    return {
        access.aux, {access.operands.begin(), access.operands.begin() + ptrdiff_t(keys)}, memory_.version(access.aux)};
  }

  void visit(BlockId block) {
    marks_[block.index] = {added_.size(), present_.size()};
    learn_presence(block);
    for (ValueId value : function_.blocks[block.index].insts) {
      const Inst &here = inst(value);
      if (looks_up(here.op)) {
        Lookup lookup = lookup_of(here);
        auto [found, is_new] = known_.emplace(lookup, uint32_t(groups_.size()));
        if (is_new) {
          groups_.emplace_back();
          added_.push_back(std::move(lookup));
        }
        join(found->second, value);
      } else if (updates(here.op)) {
        auto found = known_.find(lookup_of(here));
        if (found != known_.end() && std::find(present_.begin(), present_.end(), found->second) != present_.end()) {
          join(found->second, value);
          continue; // the elements stay
        }
      }
      memory_.write_all_of(here);
    }
  }

  void leave(BlockId block) {
    for (; added_.size() > marks_[block.index].known; added_.pop_back())
      known_.erase(added_.back());
    present_.resize(marks_[block.index].present);
  }

  void join(uint32_t group, ValueId access) {
    groups_[group].accesses.push_back(access);
    group_of_[access.index] = group;
  }

  // On the edge where `k in m`, or m[k], is not 0.
  void learn_presence(BlockId block) {
    const ShortList<BlockId> &preds = function_.blocks[block.index].preds;
    if (preds.size() != 1)
      return;
    const Block &above = function_.blocks[preds[0].index];
    if (above.terminator != Terminator::Branch || above.successors[0] != block)
      return;
    const Inst &test = inst(above.terminator_operand);
    bool tells = test.op == Op::MapHas || (test.op == Op::MapGet && test.type == Type::I64);
    if (uint32_t group = group_of_[above.terminator_operand.index]; tells && group != UINT32_MAX)
      present_.push_back(group);
  }

  static Op on_element(Op op) {
    switch (op) {
    case Op::MapHas:
      return Op::ElemHas;
    case Op::MapGet:
      return Op::ElemGet;
    case Op::MapStatGet:
      return Op::ElemStat;
    case Op::MapAdd:
      return Op::ElemAdd;
    case Op::MapSet:
      return Op::ElemSet;
    default:
      return Op::ElemDel;
    }
  }

  void rewrite() {
    for (BlockId block : reverse_postorder(function_)) { // what dominates comes first
      std::vector<ValueId> insts;
      for (ValueId value : function_.blocks[block.index].insts) {
        uint32_t number = group_of_[value.index];
        if (number != UINT32_MAX && groups_[number].accesses.size() > 1) {
          if (groups_[number].accesses[0] == value)
            insts.push_back(find_element(groups_[number], value));
          use_element(groups_[number], value);
        }
        insts.push_back(value);
      }
      Block &here = function_.blocks[block.index];
      here.insts = std::move(insts);
      if (here.terminator == Terminator::OnFail && !(effects_of(inst(here.insts.back())) & Fail))
        replace_with_jump(function_, block, here.successors[0]);
    }
    remove_unreachable_blocks(function_);
  }

  ValueId find_element(Group &group, ValueId access) {
    group.find = ValueId{uint32_t(function_.insts.size())};
    size_t keys = module_.globals[inst(access).aux].keys.size();
    Inst find{Op::MapFind, Type::Elem, inst(access).aux, 0, inst(access).operands, inst(access).loc};
    find.operands.truncate(keys);
    function_.insts.push_back(std::move(find));
    group_of_.push_back(UINT32_MAX);
    return group.find;
  }

  void use_element(const Group &group, ValueId access) {
    Inst &here = inst(access);
    std::vector<ValueId> operands{group.find};
    if (updates(here.op))
      operands.push_back(here.operands.back());
    here.op = on_element(here.op);
    here.operands = std::move(operands);
  }

  const Module &module_;
  Function &function_;
  Dominators dominators_;
  MemoryVersions memory_;
  std::vector<Group> groups_;
  std::map<Lookup, uint32_t> known_; // what dominates the place in hand
  std::vector<Lookup> added_;
  std::vector<uint32_t> present_;  // groups whose element is known to be there
  std::vector<uint32_t> group_of_; // by value
  std::vector<Mark> marks_;        // by block
};

} // namespace

void map_fusion(Module &module) {
  ModuleEffects effects(module);
  for (Function &function : module.functions) {
    if (function.blocks.empty())
      continue;
    Updates(module, effects, function).run();
    Lookups(module, effects, function).run();
  }
}

} // namespace tapjit::ir::passes

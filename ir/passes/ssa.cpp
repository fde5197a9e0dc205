// SPDX-License-Identifier: GPL-2.0-or-later
// Locals become values. A local's value at a block's start is that of its one predecessor, or of a phi; phis are made
// where a read asks for one (Braun et al. 2013, with all predecessors known), and those that join one value go again.
#include "ir/passes/pipeline.h"

#include "ir/builder.h"
#include "ir/cfg.h"

#include <algorithm>
#include <map>
#include <optional>

namespace tapjit::ir::passes {

namespace {

bool is_local(const Inst &inst) { return inst.op == Op::LocalGet || inst.op == Op::LocalSet; }

bool has_locals(const Function &function) {
  return std::any_of(function.blocks.begin(), function.blocks.end(), [&](const Block &block) {
    return std::any_of(block.insts.begin(), block.insts.end(),
                       [&](ValueId value) { return is_local(function.insts[value.index]); });
  });
}

class Construction {
public:
  Construction(Interner &interner, Function &function)
      : interner_(interner), function_(function), at_start_(function.blocks.size()), at_end_(function.blocks.size()) {}

  void run() {
    remove_unreachable_blocks(function_);
    std::vector<ValueId> replaced;
    collect_last_sets();
    for (size_t index = 0; index < function_.blocks.size(); ++index) {
      Values now;
      for (ValueId value : std::vector<ValueId>(function_.blocks[index].insts)) {
        const Inst inst = function_.insts[value.index];
        if (inst.op == Op::LocalSet)
          now[inst.imm] = inst.operands[0];
        if (inst.op != Op::LocalGet)
          continue;
        auto set = now.find(inst.imm);
        ValueId is = set != now.end() ? set->second : at_start(BlockId{uint32_t(index)}, inst.imm, inst.type);
        replaced.resize(function_.insts.size());
        replaced[value.index] = is;
      }
    }
    replaced.resize(function_.insts.size());
    drop_trivial_phis(replaced);
    for (Block &block : function_.blocks)
      std::erase_if(block.insts, [&](ValueId value) {
        return replaced[value.index].valid() || function_.insts[value.index].op == Op::LocalSet;
      });
    replace_uses(function_, replaced);
  }

private:
  using Values = std::map<int64_t, ValueId>; // by number of the local

  void collect_last_sets() {
    for (size_t index = 0; index < function_.blocks.size(); ++index)
      for (ValueId value : function_.blocks[index].insts)
        if (const Inst &inst = function_.insts[value.index]; inst.op == Op::LocalSet)
          at_end_[index][inst.imm] = inst.operands[0];
  }

  // Walks up without recursion: `work` holds blocks whose value at the start is asked for.
  ValueId at_start(BlockId block, int64_t local, Type type) {
    for (std::vector<BlockId> work{block}; !work.empty();) {
      BlockId here = work.back();
      if (at_start_[here.index].count(local)) {
        work.pop_back();
        continue;
      }
      const ShortList<BlockId> preds = function_.blocks[here.index].preds;
      if (here.index == 0) {
        at_start_[here.index][local] = zero(type);
      } else if (preds.size() != 1) {
        ValueId phi =
            insert_inst(function_, here, 0, {Op::Phi, type, UINT32_MAX, 0, {}, function_.blocks[here.index].loc});
        at_start_[here.index][local] = phi; // before its operands: they may ask for it
        phis_.push_back({phi, here, local});
        std::copy_if(preds.begin(), preds.end(), std::back_inserter(work),
                     [&](BlockId pred) { return !at_end(pred, local); });
      } else if (std::optional<ValueId> value = at_end(preds[0], local)) {
        at_start_[here.index][local] = *value;
      } else {
        work.push_back(preds[0]);
      }
    }
    for (; filled_ < phis_.size(); ++filled_) { // all that they ask for is known now
      auto [phi, home, number] = phis_[filled_];
      for (BlockId pred : function_.blocks[home.index].preds)
        function_.insts[phi.index].operands.push_back(*at_end(pred, number));
    }
    return at_start_[block.index].at(local);
  }

  // None: what it is at the block's start is not known yet.
  std::optional<ValueId> at_end(BlockId block, int64_t local) const {
    if (auto set = at_end_[block.index].find(local); set != at_end_[block.index].end())
      return set->second;
    auto start = at_start_[block.index].find(local);
    return start == at_start_[block.index].end() ? std::nullopt : std::optional(start->second);
  }

  ValueId zero(Type type) {
    Inst inst{Op::ConstI64, type, UINT32_MAX, 0, {}, function_.loc};
    if (type == Type::Str) {
      inst.op = Op::ConstStr;
      inst.aux = interner_.string("").index;
    }
    const std::vector<ValueId> &insts = function_.blocks[0].insts;
    auto behind = std::find_if(insts.begin(), insts.end(),
                               [&](ValueId value) { return function_.insts[value.index].op != Op::Param; });
    return insert_inst(function_, BlockId{0}, size_t(behind - insts.begin()), std::move(inst));
  }

  // A phi of one value, itself aside, is that value; its going may make others so.
  void drop_trivial_phis(std::vector<ValueId> &replaced) {
    auto resolve = [&](ValueId value) {
      while (replaced[value.index].valid())
        value = replaced[value.index];
      return value;
    };
    for (bool changed = true; changed;) {
      changed = false;
      for (const auto &each : phis_) {
        if (replaced[each.phi.index].valid())
          continue;
        ValueId same;
        bool trivial = true;
        for (ValueId operand : function_.insts[each.phi.index].operands) {
          operand = resolve(operand);
          if (operand == each.phi || operand == same)
            continue;
          trivial = trivial && !same.valid();
          same = operand;
        }
        if (trivial && same.valid()) {
          replaced[each.phi.index] = same;
          changed = true;
        }
      }
    }
  }

  struct PendingPhi {
    ValueId phi;
    BlockId home;
    int64_t local;
  };

  Interner &interner_;
  Function &function_;
  std::vector<Values> at_start_, at_end_; // by block; at_end_: what the block itself sets
  std::vector<PendingPhi> phis_;
  size_t filled_ = 0; // of phis_: those whose operands are there
};

} // namespace

void ssa(Module &module) {
  Interner interner(module);
  for (Function &function : module.functions)
    if (has_locals(function))
      Construction(interner, function).run();
}

} // namespace tapjit::ir::passes

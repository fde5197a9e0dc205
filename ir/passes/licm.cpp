// SPDX-License-Identifier: GPL-2.0-or-later
// What a loop computes or reads anew in each turn and that is the same in each moves in front of it: pure operations,
// reads of the context, infallible calls, and, where they are made in every turn, reads of globals that the loop does
// not write. An op that may fail never moves: the loop may have no turn.
#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

// What the loop writes.
struct Writes {
  GlobalSet globals;
  bool everything = false;
  bool outside = false; // memory that is not the module's, and the registers of the event
};

Writes writes_of(const Module &module, const ModuleEffects &effects, const Function &function, const Loop &loop) {
  Writes writes;
  for (BlockId block : loop.blocks)
    for (ValueId value : function.blocks[block.index].insts) {
      const Inst &inst = function.insts[value.index];
      writes.outside = writes.outside || (effects.of(inst) & (WMem | Opaque));
      if (inst.op == Op::Call) {
        writes.everything = writes.everything || (effects.of(inst) & Opaque);
        writes.globals.merge(effects.of(FunctionId{inst.aux}).writes);
      } else if (GlobalId global = global_of(inst); global.valid() && writes_global(module, inst)) {
        writes.globals.insert(global);
      }
    }
  return writes;
}

class Hoister {
public:
  Hoister(const Module &module, const ModuleEffects &effects, Function &function)
      : module_(module), effects_(effects), function_(function), dominators_(function),
        homes_(defining_blocks(function)), order_(function.blocks.size()) {
    for (size_t index = 0; index < dominators_.reverse_postorder().size(); ++index)
      order_[dominators_.reverse_postorder()[index].index] = index;
  }

  // Inner loops first: what leaves one may leave the next.
  void run() {
    std::vector<Loop> loops = natural_loops(function_, dominators_);
    for (size_t index = loops.size(); index-- > 0;)
      hoist_from(loops[index]);
  }

private:
  const Inst &inst(ValueId value) const { return function_.insts[value.index]; }

  // The block in front of the loop; none where there is not one that leads nowhere else.
  BlockId preheader_of(const Loop &loop) const {
    BlockId outside;
    for (BlockId pred : function_.blocks[loop.header.index].preds) {
      if (loop.contains(pred))
        continue;
      if (outside.valid())
        return BlockId::none();
      outside = pred;
    }
    bool leads_here_only = outside.valid() && function_.blocks[outside.index].terminator == Terminator::Jump;
    return leads_here_only ? outside : BlockId::none();
  }

  bool is_in_every_turn(const Loop &loop, BlockId block) const {
    return std::all_of(loop.latches.begin(), loop.latches.end(),
                       [&](BlockId latch) { return dominators_.dominates(block, latch); });
  }

  bool may_leave(const Loop &loop, const Writes &writes, BlockId block, const Inst &here) const {
    switch (here.op) {
    case Op::Param:
    case Op::Phi:
    case Op::CatchMessage:
    case Op::StrCopy: // of a view that stays, string_copy_elision drops it
    case Op::IterBegin:
      return false;
    case Op::ConstI64:
    case Op::ConstStr:
      return true;
    default:
      break;
    }
    for (ValueId operand : here.operands)
      if (loop.contains(homes_[operand.index]))
        return false;
    if (effects_.may_fail(function_, here))
      return false;
    if (here.op == Op::Call) {
      const EmbeddedC &callee = module_.functions[here.aux].embedded;
      return callee.pure && callee.stable && callee.reads.empty() && callee.writes.empty() &&
             here.type != Type::Str; // the bytes of a string would take a slot all through the loop
    }
    if (here.op == Op::CtxReg)
      return !writes.outside;
    uint16_t bits = effects_of(here) & ~Fail;
    if (!(bits & ~Ctx))
      return here.type != Type::Str || is_in_every_turn(loop, block);
    bool reads_once = here.op == Op::GLoad || here.op == Op::MapGet || here.op == Op::MapHas;
    return reads_once && !writes.everything && !writes.globals.contains(GlobalId{here.aux}) &&
           is_in_every_turn(loop, block);
  }

  void hoist_from(const Loop &loop) {
    BlockId target = preheader_of(loop);
    if (!target.valid())
      return;
    Writes writes = writes_of(module_, effects_, function_, loop);
    std::vector<BlockId> blocks = loop.blocks; // what dominates first
    std::sort(blocks.begin(), blocks.end(),
              [&](BlockId left, BlockId right) { return order_[left.index] < order_[right.index]; });
    for (BlockId block : blocks) {
      std::vector<ValueId> &insts = function_.blocks[block.index].insts;
      bool moved = false;
      for (ValueId &value : insts) {
        const Block &here = function_.blocks[block.index];
        if (here.terminator == Terminator::OnFail && value == here.insts.back())
          continue;
        if (!may_leave(loop, writes, block, inst(value)))
          continue;
        function_.blocks[target.index].insts.push_back(value);
        homes_[value.index] = target;
        value = ValueId::none();
        moved = true;
      }
      if (moved)
        std::erase_if(insts, [](ValueId value) { return !value.valid(); });
    }
  }

  const Module &module_;
  const ModuleEffects &effects_;
  Function &function_;
  Dominators dominators_;
  std::vector<BlockId> homes_; // by value
  std::vector<size_t> order_;  // by block: its place in the reverse postorder
};

} // namespace

void licm(Module &module) {
  ModuleEffects effects(module);
  for (Function &function : module.functions)
    if (!function.blocks.empty())
      Hoister(module, effects, function).run();
}

} // namespace tapjit::ir::passes

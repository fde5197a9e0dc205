// SPDX-License-Identifier: GPL-2.0-or-later
// Common subexpressions: a pure operation, a read of the context, or a call of embedded C marked pure and stable (the
// same value all through a handler), whose operands are those of an earlier one that dominates it, is that one. A call
// that dominates has succeeded, so its repetition cannot fail.
#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"

#include <algorithm>
#include <tuple>

namespace tapjit::ir::passes {

namespace {

using Expression = std::tuple<Op, Type, uint32_t, int64_t, std::vector<ValueId>>;

bool is_shareable(const Module &module, const Inst &inst) {
  switch (inst.op) {
  case Op::Param: // stands once
  case Op::Phi:
  case Op::StrCopy: // string_copy_elision's
  case Op::CatchMessage:
    return false;
  case Op::Call: {
    const Function &callee = module.functions[inst.aux];
    return callee.kind == FunctionKind::Embedded && callee.embedded.pure && callee.embedded.stable;
  }
  default:
    return (effects_of(inst) & ~(Ctx | Fail)) == 0 && inst.op != Op::Error && inst.op != Op::Sprint;
  }
}

class Sharing {
public:
  Sharing(const Module &module, Function &function)
      : module_(module), function_(function), dominators_(function), children_(function.blocks.size()),
        replaced_(function.insts.size()) {
    for (BlockId block : dominators_.reverse_postorder())
      if (BlockId above = dominators_.immediate(block); above.valid())
        children_[above.index].push_back(block);
  }

  void run() {
    struct Visit {
      BlockId block;
      size_t child, mark;
    };
    std::vector<Visit> stack;
    auto enter = [&](BlockId block) {
      stack.push_back({block, 0, added_.size()});
      visit(block);
    };
    for (enter(BlockId{0}); !stack.empty();) {
      Visit &top = stack.back();
      if (top.child < children_[top.block.index].size()) {
        enter(children_[top.block.index][top.child++]);
        continue;
      }
      for (; added_.size() > top.mark; added_.pop_back())
        known_.erase(added_.back());
      stack.pop_back();
    }
    replace_uses(function_, replaced_);
    drop_replaced();
  }

private:
  void visit(BlockId block) {
    // What `onfail` follows is defined on its first edge only.
    const Block &here = function_.blocks[block.index];
    if (here.preds.size() == 1) {
      const Block &above = function_.blocks[here.preds[0].index];
      if (above.terminator == Terminator::OnFail && above.successors[0] == block &&
          !replaced_[above.insts.back().index].valid())
        share(above.insts.back(), false);
    }
    for (ValueId value : here.insts)
      share(value, here.terminator == Terminator::OnFail && value == here.insts.back());
  }

  void share(ValueId value, bool is_on_edge) {
    Inst &inst = function_.insts[value.index];
    if (inst.op != Op::Phi)
      for (ValueId &operand : inst.operands)
        while (replaced_[operand.index].valid())
          operand = replaced_[operand.index];
    if (!is_shareable(module_, inst))
      return;
    Expression expression{inst.op, inst.type, inst.aux, inst.imm, inst.operands};
    if (auto found = known_.find(expression); found != known_.end()) {
      if (found->second != value)
        replaced_[value.index] = found->second;
      return;
    }
    if (is_on_edge)
      return;
    known_.emplace(expression, value);
    added_.push_back(std::move(expression));
  }

  void drop_replaced() {
    for (size_t index = 0; index < function_.blocks.size(); ++index) {
      Block &block = function_.blocks[index];
      bool caught = block.terminator == Terminator::OnFail && replaced_[block.insts.back().index].valid();
      std::erase_if(block.insts, [&](ValueId value) { return replaced_[value.index].valid(); });
      if (caught)
        replace_with_jump(function_, BlockId{uint32_t(index)}, block.successors[0]);
    }
    remove_unreachable_blocks(function_);
  }

  const Module &module_;
  Function &function_;
  Dominators dominators_;
  std::vector<std::vector<BlockId>> children_; // in the dominator tree
  std::vector<ValueId> replaced_;
  std::map<Expression, ValueId> known_; // what dominates the block in hand
  std::vector<Expression> added_;
};

} // namespace

void cse(Module &module) {
  for (Function &function : module.functions)
    if (!function.blocks.empty())
      Sharing(module, function).run();
}

} // namespace tapjit::ir::passes

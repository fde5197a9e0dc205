// SPDX-License-Identifier: GPL-2.0-or-later
// Puts bodies of script functions where they are called. A body is worth it when it is small, or is called in one place
// only; callers do not grow without end. Bodies called once move first, callers before callees, so that each
// instruction moves once however long a chain of them is; then small ones are copied, callees before callers. Calls
// stay
//   - of embedded C, and of functions in call cycles (the nesting check is theirs);
//   - inside a `try`, of functions that charge: the failure of a charge is never caught in its own function, but is in
//   its caller.
// In a `try`, each op of the body that may fail gets the `onfail` that the call had.
#include "ir/cfg.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>

namespace tapjit::ir::passes {

namespace {

// In the weights of weight_of(): about what one instruction of a C program is.
constexpr size_t small_body = 24, once_called_body = 600, largest_caller = 4000;

size_t weight_of(const Inst &inst) {
  switch (inst.op) {
  case Op::ConstI64:
  case Op::ConstStr:
  case Op::Param:
  case Op::Charge:
    return 0;
  default:
    return 1 + op_info(inst.op).cost / 10;
  }
}

class Inliner {
public:
  explicit Inliner(Module &module)
      : module_(module), effects_(module), weights_(module.functions.size()), calls_(module.functions.size()),
        charges_(module.functions.size()) {
    for (size_t index = 0; index < module.functions.size(); ++index)
      for (const Block &block : module.functions[index].blocks)
        for (ValueId value : block.insts)
          if (const Inst &inst = module.functions[index].insts[value.index]; inst.op == Op::Call)
            ++calls_[inst.aux];
    for (const Probe &probe : module.probes)
      for (const EntryValue &entry : probe.entry_values)
        ++calls_[entry.function.index];
    for (size_t index = 0; index < module.functions.size(); ++index)
      calls_[index] += module.functions[index].kept;
  }

  void run() {
    const std::vector<FunctionId> &order = effects_.callees_first();
    for (FunctionId id : order)
      measure(id);
    for (size_t index = order.size(); index-- > 0;)
      expand_calls(order[index], Which::CalledOnce);
    for (FunctionId id : order) {
      measure(id);
      expand_calls(id, Which::Small);
      measure(id);
    }
    if (moved_)
      drop_unreached_functions(module_);
  }

private:
  enum class Which { CalledOnce, Small };

  void measure(FunctionId id) {
    const Function &function = module_.functions[id.index];
    size_t weight = 0;
    charges_[id.index] = false;
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = function.insts[value.index];
        weight += weight_of(inst);
        if (inst.op == Op::LocalGet || inst.op == Op::LocalSet) // numbered by function: they stay until pass ssa
          weight += largest_caller;
        charges_[id.index] = charges_[id.index] || inst.op == Op::Charge;
      }
    weights_[id.index] = weight;
  }

  bool is_wanted(FunctionId caller, const Inst &call, bool caught, Which which) const {
    FunctionId callee{call.aux};
    if (module_.functions[callee.index].kind != FunctionKind::Script || effects_.recursive()[callee.index])
      return false;
    if (caught && charges_[callee.index])
      return false;
    size_t weight = weights_[callee.index];
    bool fits =
        which == Which::CalledOnce ? calls_[callee.index] == 1 && weight <= once_called_body : weight <= small_body;
    return fits && weights_[caller.index] + weight <= largest_caller;
  }

  // Those in the bodies that came in, too.
  void expand_calls(FunctionId caller, Which which) {
    Function &function = module_.functions[caller.index];
    replaced_.clear();
    bool changed = false;
    for (size_t index = 0; index < function.blocks.size(); ++index)
      for (size_t position = function.blocks[index].insts.size(); position-- > 0;) {
        const Block &block = function.blocks[index];
        const Inst &inst = function.insts[block.insts[position].index];
        bool caught = block.terminator == Terminator::OnFail && position + 1 == block.insts.size();
        if (inst.op != Op::Call || !is_wanted(caller, inst, caught, which))
          continue;
        weights_[caller.index] += weights_[inst.aux];
        expand(function, BlockId{uint32_t(index)}, position, which);
        changed = true;
      }
    if (!changed)
      return;
    replace_uses(function, replaced_);
    remove_unreachable_blocks(function);
  }

  // The failure edge that a call had: the catch block, and what its phis take from there.
  struct Handler {
    BlockId block;
    std::vector<ValueId> phis;
  };

  static Handler take_handler(Function &function, BlockId at) {
    Handler handler{function.blocks[at.index].successors[1], {}};
    const Block &block = function.blocks[handler.block.index];
    size_t edge = size_t(std::find(block.preds.begin(), block.preds.end(), at) - block.preds.begin());
    for (ValueId value : block.insts) {
      if (function.insts[value.index].op != Op::Phi)
        break;
      handler.phis.push_back(function.insts[value.index].operands[edge]);
    }
    replace_with_jump(function, at, function.blocks[at.index].successors[0]);
    return handler;
  }

  void expand(Function &function, BlockId at, size_t position, Which which) {
    ValueId call = function.blocks[at.index].insts[position];
    Handler handler;
    if (function.blocks[at.index].terminator == Terminator::OnFail &&
        position + 1 == function.blocks[at.index].insts.size())
      handler = take_handler(function, at);
    BlockId after = split_block(function, at, position + 1);
    function.blocks[at.index].insts.pop_back();
    function.blocks[after.index].preds.clear();

    Function &callee = module_.functions[function.insts[call.index].aux];
    Type type = callee.result;
    bool once = which == Which::CalledOnce;
    moved_ |= once;
    Returns returns = take_body(function, at, call, once ? std::move(callee) : callee, handler);
    for (auto &[block, value] : returns) {
      if (value.valid() && view_source(function.insts[value.index]).kind != ViewSource::Kind::None)
        value = insert_inst(function, block, function.blocks[block.index].insts.size(), copy_of(function, value));
      Block &end = function.blocks[block.index];
      end.terminator = Terminator::Jump;
      end.terminator_operand = ValueId::none();
      end.successors[0] = after;
      function.blocks[after.index].preds.push_back(block);
    }
    ValueId result;
    if (returns.size() == 1)
      result = returns[0].second;
    else if (type != Type::Void && !returns.empty()) {
      Inst phi{Op::Phi, type, UINT32_MAX, 0, {}, function.insts[call.index].loc};
      for (auto &[block, value] : returns)
        phi.operands.push_back(value);
      result = insert_inst(function, after, 0, std::move(phi));
    }
    replaced_.resize(function.insts.size());
    replaced_[call.index] = result;
  }

  static Inst copy_of(const Function &function, ValueId text) {
    return {Op::StrCopy, Type::Str, UINT32_MAX, 0, {text}, function.insts[text.index].loc};
  }

  using Returns = std::vector<std::pair<BlockId, ValueId>>; // what returns, and with which value

  // The body's blocks go behind those of the caller.
  Returns take_body(Function &function, BlockId at, ValueId call, Function body, const Handler &handler) {
    Operands arguments = function.insts[call.index].operands;
    for (ValueId &argument : arguments)
      if (view_source(function.insts[argument.index]).kind != ViewSource::Kind::None)
        argument = insert_inst(function, at, function.blocks[at.index].insts.size(), copy_of(function, argument));

    std::vector<ValueId> values(body.insts.size());
    uint32_t next = uint32_t(function.insts.size());
    for (Block &block : body.blocks) {
      for (ValueId value : block.insts) {
        const Inst &inst = body.insts[value.index];
        values[value.index] = inst.op == Op::Param ? arguments[size_t(inst.imm)] : ValueId{next++};
      }
      std::erase_if(block.insts, [&](ValueId value) { return body.insts[value.index].op == Op::Param; });
    }
    auto moved = [&](ValueId value) { return value.valid() ? values[value.index] : value; };
    uint32_t base = uint32_t(function.blocks.size());
    auto moved_block = [&](BlockId block) { return block.valid() ? BlockId{base + block.index} : block; };
    for (Block &block : body.blocks) {
      for (ValueId &value : block.insts) {
        function.insts.push_back(std::move(body.insts[value.index]));
        for (ValueId &operand : function.insts.back().operands)
          operand = moved(operand);
        value = moved(value);
      }
      block.terminator_operand = moved(block.terminator_operand);
      for (BlockId &target : block.successors)
        target = moved_block(target);
      for (BlockId &pred : block.preds)
        pred = moved_block(pred);
      function.blocks.push_back(std::move(block));
    }
    function.blocks[at.index].successors[0] = moved_block(BlockId{0});
    function.blocks[base].preds = {at};

    Returns returns;
    for (uint32_t index = base, count = uint32_t(function.blocks.size()); index < count; ++index) {
      BlockId end = handler.block.valid() ? catch_failures(function, BlockId{index}, handler) : BlockId{index};
      const Block &block = function.blocks[end.index];
      if (block.terminator == Terminator::Return)
        returns.emplace_back(end, block.terminator_operand);
    }
    return returns;
  }

  // Each op of the block that may fail, and has no `onfail`, gets one. The last of the blocks that this makes.
  BlockId catch_failures(Function &function, BlockId block, const Handler &handler) {
    for (size_t position = 0; position < function.blocks[block.index].insts.size(); ++position) {
      const Block &here = function.blocks[block.index];
      bool is_caught = here.terminator == Terminator::OnFail && position + 1 == here.insts.size();
      const Inst &inst = function.insts[here.insts[position].index];
      if (is_caught || !(effects_of(inst) & Fail) || !effects_.may_fail(function, inst))
        continue;
      BlockId next = split_block(function, block, position + 1);
      Block &head = function.blocks[block.index];
      head.terminator = Terminator::OnFail;
      head.successors[1] = handler.block;
      function.blocks[handler.block.index].preds.push_back(block);
      for (size_t phi = 0; phi < handler.phis.size(); ++phi)
        function.insts[function.blocks[handler.block.index].insts[phi].index].operands.push_back(handler.phis[phi]);
      block = next;
      position = SIZE_MAX; // of the next block, from its start
    }
    return block;
  }

  Module &module_;
  ModuleEffects effects_;
  std::vector<size_t> weights_, calls_; // by function
  std::vector<bool> charges_;           // by function: it charges itself, not only by what it calls
  std::vector<ValueId> replaced_;       // of the caller: a call -> its result
  bool moved_ = false;                  // a body went to its only caller
};

} // namespace

void inline_calls(Module &module) { Inliner(module).run(); }

} // namespace tapjit::ir::passes

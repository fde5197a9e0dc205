// SPDX-License-Identifier: GPL-2.0-or-later
// Values that a handler computes, or reads, more than once (value numbering over the dominator tree):
//   - pure operations, reads of the context, calls of embedded C marked pure and stable (the same value all through a
//   handler), whose operands are those of an earlier one that dominates;
//   - reads of globals, maps, statistics, the current element of an iteration and memory, where nothing has been
//   written in between (memory.h);
//   - reads of what has just been stored.
// What dominates has succeeded, so its repetition cannot fail. A handler is atomic over its globals (IR.md "Locks"), so
// nobody else writes in between.
#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/passes/memory.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>
#include <unordered_map>

namespace tapjit::ir::passes {

namespace {

struct Expression {
  Op op;
  Type type;
  uint32_t aux;
  int64_t imm;
  uint64_t version, element;
  Operands operands;
  friend bool operator==(const Expression &, const Expression &) = default;
};

struct ExpressionHash {
  size_t operator()(const Expression &expression) const {
    uint64_t hash = uint64_t(expression.op) * 31 + uint64_t(expression.type);
    auto mix = [&](uint64_t word) {
      hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
      hash ^= hash >> 32;
    };
    mix(expression.aux);
    mix(uint64_t(expression.imm));
    mix(expression.version);
    mix(expression.element);
    for (ValueId operand : expression.operands)
      mix(operand.index);
    return size_t(hash);
  }
};

enum class Kind { Never, Pure, Reads };

Kind kind_of(const Module &module, const Inst &inst) {
  switch (inst.op) {
  case Op::Param: // stands once
  case Op::Phi:
  case Op::CatchMessage:
  case Op::Error:
  case Op::Abort:
  case Op::CtxNext:
  case Op::IterBegin: // each makes an iteration of its own
  case Op::IterNext:
    return Kind::Never;
  case Op::Sprint:
    return Kind::Pure;
  case Op::Call: {
    const Function &callee = module.functions[inst.aux];
    if (callee.kind != FunctionKind::Embedded || !callee.embedded.pure || !callee.embedded.stable)
      return Kind::Never;
    return callee.embedded.reads.empty() && callee.embedded.writes.empty() ? Kind::Pure : Kind::Never;
  }
  default:
    break;
  }
  uint16_t effects = effects_of(inst);
  if (effects & ~(Ctx | Fail | RMem | RGlob))
    return Kind::Never;
  return effects & (RMem | RGlob) ? Kind::Reads : Kind::Pure;
}

class Sharing {
public:
  Sharing(const Module &module, const ModuleEffects &effects, Function &function)
      : module_(module), function_(function), dominators_(function), memory_(module, effects, function, dominators_),
        marks_(function.blocks.size()), replaced_(function.insts.size()),
        keeps_map_strings_(limit(module, "MAP_STRING_LENGTH") >= limit(module, "MAXSTRINGLEN")) {}

  void run() {
    memory_.walk([&](BlockId block) { visit(block); },
                 [&](BlockId block) {
                   for (; added_.size() > marks_[block.index]; added_.pop_back())
                     known_.erase(added_.back());
                 });
    replace_uses(function_, replaced_);
    drop_replaced();
  }

private:
  void visit(BlockId block) {
    marks_[block.index] = added_.size();
    // What `onfail` follows is defined on its first edge only.
    const Block &here = function_.blocks[block.index];
    if (here.preds.size() == 1) {
      const Block &above = function_.blocks[here.preds[0].index];
      if (above.terminator == Terminator::OnFail && above.successors[0] == block &&
          !replaced_[above.insts.back().index].valid()) {
        share(above.insts.back(), false);
        remember_stored(above.insts.back());
      }
    }
    for (ValueId value : here.insts) {
      bool is_on_edge = here.terminator == Terminator::OnFail && value == here.insts.back();
      share(value, is_on_edge);
      if (replaced_[value.index].valid())
        continue;
      memory_.write_all_of(function_.insts[value.index]);
      if (!is_on_edge)
        remember_stored(value);
    }
  }

  Expression expression_of(const Inst &inst, Kind kind) const {
    Expression expression{inst.op, inst.type, inst.aux, inst.imm, 0, 0, inst.operands};
    if (kind != Kind::Reads)
      return expression;
    GlobalId global = global_of(inst);
    expression.version = memory_.version(global.valid() ? memory_.place_of(global) : memory_.outside());
    if (inst.op == Op::IterKey || inst.op == Op::IterValue || inst.op == Op::IterStat)
      expression.element = memory_.version(memory_.elements());
    return expression;
  }

  void share(ValueId value, bool is_on_edge) {
    Inst &inst = function_.insts[value.index];
    if (inst.op != Op::Phi)
      for (ValueId &operand : inst.operands)
        while (replaced_[operand.index].valid())
          operand = replaced_[operand.index];
    Kind kind = kind_of(module_, inst);
    if (kind == Kind::Never)
      return;
    Expression expression = expression_of(inst, kind);
    if (auto found = known_.find(expression); found != known_.end()) {
      if (found->second != value)
        replaced_[value.index] = found->second;
      return;
    }
    if (!is_on_edge)
      remember(std::move(expression), value);
  }

  void remember(Expression expression, ValueId value) {
    if (known_.emplace(expression, value).second)
      added_.push_back(std::move(expression));
  }

  // What a read gives after this store. A string that is cut to its storage, or is a view of something else, is read
  // again.
  void remember_stored(ValueId value) {
    const Inst &inst = function_.insts[value.index];
    Inst read{Op::GLoad, Type::I64, inst.aux, 0, {}, {}};
    ValueId stored;
    if (inst.op == Op::GStore) {
      stored = inst.operands[0];
    } else if (inst.op == Op::MapSet || inst.op == Op::MapAdd) {
      read.op = Op::MapGet;
      read.operands = inst.operands;
      read.operands.truncate(inst.operands.size() - 1);
      stored = inst.op == Op::MapAdd ? value : inst.operands.back();
    } else {
      return;
    }
    read.type = function_.insts[stored.index].type;
    if (read.type == Type::Str && (view_source(function_.insts[stored.index]).kind != ViewSource::Kind::None ||
                                   (inst.op == Op::MapSet && !keeps_map_strings_)))
      return;
    remember(expression_of(read, Kind::Reads), stored);
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
  MemoryVersions memory_;
  std::vector<size_t> marks_; // by block: what was known before it
  std::vector<ValueId> replaced_;
  std::unordered_map<Expression, ValueId, ExpressionHash> known_; // what dominates the place in hand
  std::vector<Expression> added_;
  bool keeps_map_strings_;
};

} // namespace

void cse(Module &module) {
  ModuleEffects effects(module);
  for (Function &function : module.functions)
    if (!function.blocks.empty())
      Sharing(module, effects, function).run();
}

} // namespace tapjit::ir::passes

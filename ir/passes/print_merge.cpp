// SPDX-License-Identifier: GPL-2.0-or-later
// Neighbouring prints become one record: their formats join, literal text folds away into it. The earlier print moves
// to the later one, so nothing may stand between that can end the handler, prints, or is seen by others; and what a
// print could fail by (%m, %M) keeps it apart. Runs after `charges`, which stand between statements. An empty print
// goes.
#include "ir/builder.h"
#include "ir/cfg.h"
#include "ir/format_parts.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"
#include "ir/views.h"

namespace tapjit::ir::passes {

namespace {

// Of one record: its arguments in a ring that others use too, and its text in the table of formats.
constexpr int64_t most_record_bytes = 4096;
constexpr size_t most_arguments = 32, most_text = 2000;

class PrintMerger {
public:
  PrintMerger(Interner &interner, const ModuleEffects &effects, Function &function)
      : interner_(interner), effects_(effects), function_(function),
        string_bytes_(limit(interner.module(), "MAXSTRINGLEN")), gone_(function.insts.size()) {}

  void run() {
    for (Block &block : function_.blocks) {
      // Of a caught block's last instruction the print may only be the earlier part's end, which it is not.
      ValueId pending;
      for (ValueId value : block.insts) {
        const Inst &inst = function_.insts[value.index];
        if (inst.op == Op::Print && !effects_.may_fail(function_, inst)) {
          bool caught = block.terminator == Terminator::OnFail && value == block.insts.back();
          if (is_empty(inst) && !caught)
            gone_[value.index] = true;
          else if (pending.valid() && !caught && join(pending, value))
            gone_[pending.index] = true;
          if (!gone_[value.index])
            pending = value;
        } else if (pending.valid() && !may_stand_between(inst)) {
          pending = ValueId::none();
        }
      }
      std::erase_if(block.insts, [&](ValueId value) { return gone_[value.index]; });
    }
  }

private:
  const Format &format_of(const Inst &print) const { return interner_.module().formats[print.aux]; }
  bool is_empty(const Inst &print) const { return format_of(print).text.empty(); }

  bool may_stand_between(const Inst &inst) const {
    uint16_t harmless = Ctx | RMem | RGlob | Fail;
    if (inst.op == Op::Call && interner_.module().functions[inst.aux].embedded.pure)
      harmless |= Vol; // a clock does not mind when something is printed
    return inst.op != Op::IterNext && inst.op != Op::IterBegin && !(effects_.of(inst) & ~harmless) &&
           !effects_.may_fail(function_, inst) && view_source(inst).kind != ViewSource::Kind::Message;
  }

  int64_t bytes_of(const Operands &args) const {
    int64_t bytes = 0;
    for (ValueId arg : args)
      bytes += function_.insts[arg.index].type == Type::Str ? string_bytes_ : 8;
    return bytes;
  }

  // The later print prints both.
  bool join(ValueId earlier, ValueId later) {
    const Inst &first = function_.insts[earlier.index], &second = function_.insts[later.index];
    Operands args = first.operands;
    args.append(second.operands);
    std::string text = format_of(first).text + format_of(second).text;
    if (args.size() > most_arguments || text.size() > most_text || bytes_of(args) > most_record_bytes)
      return false;
    std::vector<Type> types;
    for (ValueId arg : args)
      types.push_back(function_.insts[arg.index].type);
    FormatId format = interner_.format(text, types);
    function_.insts[later.index].aux = format.index;
    function_.insts[later.index].operands = std::move(args);
    return true;
  }

  Interner &interner_;
  const ModuleEffects &effects_;
  Function &function_;
  int64_t string_bytes_;
  std::vector<bool> gone_; // by ValueId: printed with another print, or nothing
};

} // namespace

void print_merge(Module &module) {
  ModuleEffects effects(module);
  Interner interner(module);
  for (Function &function : module.functions)
    PrintMerger(interner, effects, function).run();
}

} // namespace tapjit::ir::passes

// SPDX-License-Identifier: GPL-2.0-or-later
// Drops each str.copy of a value whose bytes stay where they are until the last use of the copy (ir/views.h). Runs
// before lock placement: the lock region then covers the uses of the views that are left. Copies that the swap of phis
// needs are made afterwards by frame_layout. A copy into a phi of a view stays: the phi's bytes are a copy in any case,
// and the view would have to live on the edge, where the region may end.
#include "ir/cfg.h"
#include "ir/passes/pipeline.h"
#include "ir/views.h"

#include <algorithm>

namespace tapjit::ir::passes {

static void elide_in(Function &function, const ModuleEffects &effects) {
  std::vector<ValueId> replaced(function.insts.size());
  FunctionUses all(function);
  std::vector<bool> is_kept(function.insts.size());
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts)
      if (const Inst &inst = function.insts[value.index]; inst.op == Op::Phi || inst.op == Op::LocalSet)
        for (ValueId operand : inst.operands)
          is_kept[operand.index] = true;
  for (BlockId block : reverse_postorder(function)) {
    for (ValueId copy : function.blocks[block.index].insts) {
      Inst &inst = function.insts[copy.index];
      if (inst.op != Op::StrCopy)
        continue;
      // A chain of copies: the first may be gone already.
      while (replaced[inst.operands[0].index].valid())
        inst.operands[0] = replaced[inst.operands[0].index];
      ValueId source = inst.operands[0];
      bool is_view = view_source(function.insts[source.index]).kind != ViewSource::Kind::None;
      if (is_view && is_kept[copy.index])
        continue;
      if (!dies_before(function, effects, all, source, all.of(copy)))
        replaced[copy.index] = source;
    }
  }
  replace_uses(function, replaced);
  for (Block &block : function.blocks)
    std::erase_if(block.insts, [&](ValueId value) { return replaced[value.index].valid(); });
}

void string_copy_elision(Module &module) {
  ModuleEffects effects(module);
  for (Function &function : module.functions)
    elide_in(function, effects);
}

} // namespace tapjit::ir::passes

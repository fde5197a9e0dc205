// SPDX-License-Identifier: GPL-2.0-or-later
// Drops each str.copy of a value whose bytes stay where they are until the last use of the copy (ir/views.h). Runs
// before lock placement: the lock region then covers the uses of the views that are left. Copies that the swap of phis
// needs are made afterwards by frame_layout.
#include "ir/cfg.h"
#include "ir/passes/pipeline.h"
#include "ir/views.h"

#include <algorithm>

namespace tapjit::ir::passes {

static void elide_in(Function &function, const ModuleEffects &effects) {
  std::vector<ValueId> replaced(function.insts.size());
  for (BlockId block : reverse_postorder(function)) {
    for (ValueId copy : function.blocks[block.index].insts) {
      Inst &inst = function.insts[copy.index];
      if (inst.op != Op::StrCopy)
        continue;
      // A chain of copies: the first may be gone already.
      while (replaced[inst.operands[0].index].valid())
        inst.operands[0] = replaced[inst.operands[0].index];
      ValueId source = inst.operands[0];
      if (!dies_before(function, effects, source, uses_of(function, copy)))
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

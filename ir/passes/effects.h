// SPDX-License-Identifier: GPL-2.0-or-later
// What a function does, callees included: which globals it reaches and how. Computed from the module as it stands;
// compute it again after changing the module.
#pragma once

#include "ir/ir.h"

#include <vector>

namespace tapjit::ir {

struct Effects {
  uint16_t effects = Pure; // OR of ir::Effect of all ops reached; a call itself adds Fail only
  std::vector<bool> reads,
      writes; // by GlobalId::index; `iter.begin` with a sort order writes, for the sort is in place
  bool reaches(GlobalId global) const { return reads[global.index] || writes[global.index]; }
};

// Whether the op itself (not a call) writes its global.
bool writes_global(const Module &module, const Inst &inst);

class ModuleEffects {
public:
  explicit ModuleEffects(const Module &module);

  // Embedded C that is not marked pure is Opaque: it may print, fail and take time, and touches no globals but those
  // its pragmas name.
  const Effects &of(FunctionId function) const { return effects_[function.index]; }
  // The op's own, or for a call the callee's.
  uint16_t of(const Inst &inst) const;
  bool reads(const Inst &inst, GlobalId global) const;
  bool writes(const Inst &inst, GlobalId global) const;

  // Functions in call cycles, by FunctionId::index.
  const std::vector<bool> &recursive() const { return recursive_; }
  // Every function after those it calls; members of a cycle stand together.
  const std::vector<FunctionId> &callees_first() const { return callees_first_; }

private:
  const Module &module_;
  std::vector<Effects> effects_;
  std::vector<bool> recursive_;
  std::vector<FunctionId> callees_first_;
};

// MAXNESTING where nobody sets it: the calls that can be open at once, cycles aside, and 10 more where there are
// cycles.
int64_t default_nesting(const Module &module, const ModuleEffects &effects);

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// What a function does, callees included: which globals it reaches and how. Computed from the module as it stands;
// compute it again after changing the module.
#pragma once

#include "ir/ir.h"

#include <algorithm>
#include <vector>

namespace tapjit::ir {

// A few globals of possibly many.
class GlobalSet {
public:
  bool contains(GlobalId global) const { return std::binary_search(ids_.begin(), ids_.end(), global); }
  void insert(GlobalId global) {
    auto at = std::lower_bound(ids_.begin(), ids_.end(), global);
    if (at == ids_.end() || *at != global)
      ids_.insert(at, global);
  }
  void merge(const GlobalSet &other);
  const std::vector<GlobalId> &ids() const { return ids_; } // sorted

private:
  std::vector<GlobalId> ids_;
};

struct Effects {
  uint16_t effects = Pure; // OR of ir::Effect of all ops reached
  GlobalSet reads, writes; // `iter.begin` with a sort order writes, for the sort is in place
  bool reaches(GlobalId global) const { return reads.contains(global) || writes.contains(global); }
  GlobalSet touched() const {
    GlobalSet both = reads;
    both.merge(writes);
    return both;
  }
};

// Whether the op itself (not a call) writes its global.
bool writes_global(const Module &module, const Inst &inst);

// By GlobalId::index: some function writes it.
std::vector<bool> written_globals(const Module &module);

class ModuleEffects {
public:
  explicit ModuleEffects(const Module &module);

  // Embedded C that is not marked pure is Opaque: it may print, fail and take time, and touches no globals but those
  // its pragmas name.
  const Effects &of(FunctionId function) const { return effects_[function.index]; }
  // The op's own, or for a call the callee's.
  uint16_t of(const Inst &inst) const;
  // Whether the instruction can fail where it stands: not a division by a constant other than 0, nor `sprint` without
  // %m, nor the count of a statistic, nor a call of infallible embedded C. What `onfail` may follow goes by the row.
  bool may_fail(const Function &function, const Inst &inst) const;
  // Whether an instruction whose result nobody reads may go: it changes nothing, and does not fail, or is a call of
  // embedded C marked pure, of which only the result counts.
  bool is_removable(const Function &function, const Inst &inst) const;
  bool reads(const Inst &inst, GlobalId global) const;
  bool writes(const Inst &inst, GlobalId global) const;
  // Whether it is an `unlock` that lets others write the global.
  bool releases(const Inst &inst, GlobalId global) const;
  template <typename Visit> void for_each_written(FunctionId function, Visit visit) const {
    for (GlobalId global : effects_[function.index].writes.ids())
      visit(global);
  }

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

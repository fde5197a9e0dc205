// SPDX-License-Identifier: GPL-2.0-or-later
// What is known of memory along a walk down the dominator tree: a version for each global, for the elements of
// iterations and for memory outside the module. Two reads at one version see the same. A write begins a new version; at
// a block that paths of several ways join, so does each write on a way from its immediate dominator.
#pragma once

#include "ir/dominators.h"
#include "ir/passes/effects.h"

#include <functional>

namespace tapjit::ir {

class MemoryVersions {
public:
  // `writes_place(inst, changed)` adds to `changed` the places that an instruction writes; write_places() is the plain
  // one.
  using Places = std::vector<uint32_t>;
  MemoryVersions(const Module &module, const ModuleEffects &effects, const Function &function,
                 const Dominators &dominators);

  uint32_t place_of(GlobalId global) const { return global.index; }
  uint32_t elements() const { return uint32_t(versions_.size() - 2); } // the current element of iterations
  uint32_t outside() const { return uint32_t(versions_.size() - 1); }  // memory of the kernel and of programs

  uint64_t version(uint32_t place) const { return versions_[place]; }
  void write(uint32_t place) { set(place, ++last_); }

  // The places that the instruction may write: all of them for opaque code.
  void places_written(const Inst &inst, Places &places) const;
  void write_all_of(const Inst &inst);

  // Walks the reachable blocks, each after its immediate dominator, with the versions as they are at its start:
  // enter(block), then, when all that it dominates is done, leave(block).
  void walk(const std::function<void(BlockId)> &enter, const std::function<void(BlockId)> &leave);

private:
  void set(uint32_t place, uint64_t version) {
    undo_.emplace_back(place, versions_[place]);
    versions_[place] = version;
  }
  void join(BlockId block);

  const ModuleEffects &effects_;
  const Function &function_;
  const Dominators &dominators_;
  std::vector<uint64_t> versions_;
  uint64_t last_ = 0;
  std::vector<std::pair<uint32_t, uint64_t>> undo_;
  std::vector<Places> written_in_; // by block, each once
  std::vector<uint32_t> seen_;     // by block: the join that last walked over it
};

} // namespace tapjit::ir

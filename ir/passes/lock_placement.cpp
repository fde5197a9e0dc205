// SPDX-License-Identifier: GPL-2.0-or-later
// A handler is atomic over its globals, as in SystemTap: one region per handler of an Event or Process probe holds the
// locks of all globals that it touches, from before the first to after the last access. Where one region is enough was
// the question: the alternative, locks around single accesses, lets two globals that are updated together be seen
// apart.
//
// The region of one handler, from its uses (accesses, and uses of views of the locked globals):
//   - `lock` stands before the first use in the nearest block that dominates all uses and is in no cycle;
//   - a block is inside as long as a use can be reached from it; `unlock` stands after the last use of a block from
//   which none can, or on the
//     edge out of the region;
//   - a catch block is reached either only from inside or only from outside: an op whose failure would break this
//   counts as a use.
#include "ir/builder.h"
#include "ir/cfg.h"
#include "ir/dominators.h"
#include "ir/passes/lock_check.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>
#include <set>

namespace tapjit::ir::passes {

namespace {

bool is_commutative_update(const Inst &inst) { return inst.op == Op::GAdd || inst.op == Op::StatAdd; }

// Sets imm 1 where a global's only accesses by Event probes are commutative updates, and the handlers that make them
// touch no other shared global.
void elide_single_updates(Module &module) {
  ModuleEffects effects(module);
  std::vector<bool> reached = reached_by_events(module), needs = globals_needing_locks(module);
  std::vector<bool> alone = needs;
  for (size_t index = 0; index < module.functions.size(); ++index) {
    const Function &function = module.functions[index];
    if (!reached[index])
      continue;
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = function.insts[value.index];
        if (global_of(inst).valid() && !is_commutative_update(inst))
          alone[inst.aux] = false;
      }
    for (const std::vector<GlobalId> &globals : {function.embedded.reads, function.embedded.writes})
      for (GlobalId global : globals)
        alone[global.index] = false;
  }
  // The part of this CPU is added to with interrupts off, which a Process handler has only in its region.
  std::vector<bool> preemptible(module.globals.size());
  for (const Probe &probe : module.probes) {
    if (probe.context != ContextKind::Process)
      continue;
    const GlobalSet touched = effects.of(probe.handler).touched();
    for (GlobalId global : touched.ids())
      preemptible[global.index] = module.globals[global.index].value == ValueKind::Stat;
  }
  for (size_t global = 0; global < alone.size(); ++global)
    alone[global] = alone[global] && !preemptible[global];
  for (const Probe &probe : module.probes) {
    if (!takes_locks(probe.context))
      continue;
    std::vector<size_t> touched;
    const GlobalSet reached_here = effects.of(probe.handler).touched();
    for (GlobalId global : reached_here.ids())
      if (needs[global.index])
        touched.push_back(global.index);
    if (touched.size() > 1)
      for (size_t global : touched)
        alone[global] = false;
  }
  for (Function &function : module.functions)
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (Inst &inst = function.insts[value.index]; is_commutative_update(inst) && alone[inst.aux])
          inst.imm = 1;
}

class Region {
public:
  Region(const ModuleEffects &effects, Function &function, const std::vector<bool> &globals)
      : effects_(effects), function_(function), globals_(globals), uses_(function.blocks.size()) {}

  void place(LockSetId locks) {
    collect_uses();
    if (std::all_of(uses_.begin(), uses_.end(), [](const std::set<size_t> &uses) { return uses.empty(); }))
      return;
    do {
      find_start();
      find_extent();
    } while (add_uses_for_catches());
    insert(locks);
  }

private:
  const Block &block(BlockId id) const { return function_.blocks[id.index]; }

  void collect_uses() {
    FunctionUses all(function_);
    for (BlockId here : reverse_postorder(function_)) {
      const std::vector<ValueId> &insts = block(here).insts;
      for (size_t position = 0; position < insts.size(); ++position) {
        const Inst &inst = function_.insts[insts[position].index];
        if (touches(effects_, inst, globals_))
          uses_[here.index].insert(position);
        ViewSource source = view_source(inst);
        if (source.global.valid() && globals_[source.global.index])
          for (const Use &use : all.of(insts[position]))
            add_view_use(use, insts[position]);
      }
    }
  }

  // What a phi takes is copied on the edge: the region goes on to behind the phis.
  void add_view_use(const Use &use, ValueId view) {
    uses_[use.block.index].insert(use.position);
    if (use.position < block(use.block).insts.size())
      return;
    for (BlockId target : successors(block(use.block)))
      for (size_t phi = 0; phi < phi_count(target); ++phi)
        if (const Inst &inst = function_.insts[block(target).insts[phi].index];
            std::find(inst.operands.begin(), inst.operands.end(), view) != inst.operands.end())
          uses_[target.index].insert(phi_count(target) - 1);
  }

  void find_start() {
    Dominators dominators(function_);
    std::vector<bool> cycles = blocks_in_cycles(function_);
    start_ = BlockId::none();
    for (BlockId here : dominators.reverse_postorder())
      if (!uses_[here.index].empty() && !start_.valid())
        start_ = here;
      else if (!uses_[here.index].empty() && !dominators.dominates(start_, here)) // asked first: it takes no walk
        start_ = dominators.nearest_common(start_, here);
    while (cycles[start_.index])
      start_ = dominators.immediate(start_); // the entry has no predecessors and so is in no cycle
  }

  // needed_[b]: a use can be reached from the start of b. after_[b]: b can be reached from the lock.
  void find_extent() {
    size_t count = function_.blocks.size();
    needed_.assign(count, false);
    after_.assign(count, false);
    std::vector<BlockId> order = reverse_postorder(function_);
    for (bool changed = true; changed;) {
      changed = false;
      for (size_t index = order.size(); index-- > 0;) {
        BlockId here = order[index];
        bool need = !uses_[here.index].empty() || is_needed_after(here);
        changed |= need != needed_[here.index];
        needed_[here.index] = need;
      }
    }
    std::vector<BlockId> work(successors(block(start_)).begin(), successors(block(start_)).end());
    while (!work.empty()) {
      BlockId here = work.back();
      work.pop_back();
      if (after_[here.index])
        continue;
      after_[here.index] = true;
      work.insert(work.end(), successors(block(here)).begin(), successors(block(here)).end());
    }
  }

  bool is_needed_after(BlockId here) const {
    auto targets = successors(block(here));
    return std::any_of(targets.begin(), targets.end(), [&](BlockId target) { return needed_[target.index]; });
  }

  bool is_inside(BlockId here) const { return here == start_ || (after_[here.index] && needed_[here.index]); }

  // The last use is at the block's end: the edges of `onfail`, or copies into phis.
  bool is_used_at_end(BlockId here) const {
    size_t end = block(here).insts.size() - (block(here).terminator == Terminator::OnFail ? 1 : 0);
    return !uses_[here.index].empty() && *uses_[here.index].rbegin() >= end;
  }

  bool is_held_at_end(BlockId here) const { return is_inside(here) && (is_needed_after(here) || is_used_at_end(here)); }

  bool add_uses_for_catches() {
    bool added = false;
    for (const Block &handler : function_.blocks) {
      size_t held = size_t(std::count_if(handler.preds.begin(), handler.preds.end(),
                                         [&](BlockId pred) { return is_held_at_end(pred); }));
      if (!handler.is_catch || held == 0 || held == handler.preds.size())
        continue;
      for (BlockId pred : handler.preds)
        added |= uses_[pred.index].insert(block(pred).insts.size() - 1).second;
    }
    return added;
  }

  void insert(LockSetId locks) {
    struct Point {
      BlockId block;
      size_t position;
    };
    std::vector<Point> unlocks;
    std::vector<std::pair<BlockId, BlockId>> edges;
    std::set<BlockId> starts; // blocks that begin with unlock
    for (BlockId here : reverse_postorder(function_)) {
      if (!is_inside(here))
        continue;
      if (!is_held_at_end(here)) {
        unlocks.push_back({here, *uses_[here.index].rbegin() + 1});
        continue;
      }
      for (BlockId target : successors(block(here))) {
        if (needed_[target.index])
          continue;
        const ShortList<BlockId> &preds = block(target).preds;
        if (std::all_of(preds.begin(), preds.end(), [&](BlockId pred) { return is_held_at_end(pred); }))
          starts.insert(target);
        else
          edges.emplace_back(here, target);
      }
    }
    Inst unlock{Op::Unlock, Type::Void, locks.index, 0, {}, function_.loc};
    for (auto [target, position] : unlocks)
      insert_inst(function_, target, position, unlock);
    for (BlockId target : starts)
      insert_inst(function_, target, phi_count(target), unlock);
    for (auto [from, to] : edges)
      insert_inst(function_, split_edge(function_, from, to), 0, unlock);
    size_t at_end = block(start_).insts.size() - (block(start_).terminator == Terminator::OnFail ? 1 : 0);
    size_t position = uses_[start_.index].empty() ? at_end : std::min(at_end, *uses_[start_.index].begin());
    insert_inst(function_, start_, position, {Op::Lock, Type::Void, locks.index, 0, {}, function_.loc});
  }

  size_t phi_count(BlockId here) const {
    size_t count = 0;
    while (count < block(here).insts.size() && function_.insts[block(here).insts[count].index].op == Op::Phi)
      ++count;
    return count;
  }

  const ModuleEffects &effects_;
  Function &function_;
  const std::vector<bool> &globals_;
  std::vector<std::set<size_t>> uses_; // by block: positions; insts.size() is the block's end
  BlockId start_;
  std::vector<bool> needed_, after_;
};

} // namespace

void lock_placement(Module &module) {
  elide_single_updates(module);
  ModuleEffects effects(module);
  Interner interner(module);
  std::vector<bool> needs = globals_needing_locks(module);
  std::vector<bool> locked(needs.size());
  for (const Probe &probe : module.probes) {
    if (!takes_locks(probe.context))
      continue;
    const Effects &reach = effects.of(probe.handler);
    std::vector<std::pair<GlobalId, bool>> locks;
    const GlobalSet touched = reach.touched();
    for (GlobalId global : touched.ids())
      if (needs[global.index]) {
        locked[global.index] = true;
        locks.emplace_back(global, reach.writes.contains(global));
      }
    if (!locks.empty())
      Region(effects, module.functions[probe.handler.index], locked).place(interner.lock_set(locks));
    for (auto [global, write] : locks)
      locked[global.index] = false;
  }
}

} // namespace tapjit::ir::passes

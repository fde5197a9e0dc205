// SPDX-License-Identifier: GPL-2.0-or-later
// Functions with equal bodies become one, and so do probes whose handlers are equal: one handler, many sites. Equal
// are instructions, control flow, and the places of what may fail, for messages name them. Sites keep their order, so
// probes run in the same order as before. Many handlers that differ only in a constant or two, such as those of an
// alias for each system call, are one as well: their sites have the constants (ctx.number).
#include "ir/cfg.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"

#include <algorithm>
#include <map>
#include <unordered_map>

namespace tapjit::ir::passes {

namespace {

// Writes all of a function that counts into one string; values and blocks by the order in which they are met.
class Signature {
public:
  // `free`, by value: constants whose number does not count; empty: there are none.
  Signature(const ModuleEffects &effects, const Function &function, const std::vector<FunctionId> &representative,
            const std::vector<bool> &free = {})
      : effects_(effects), function_(function), representative_(representative), free_(free),
        values_(function.insts.size()) {}

  std::string text() {
    number(uint64_t(function_.kind));
    number(uint64_t(function_.result));
    number(function_.recursive);
    number(function_.params.size());
    for (Type param : function_.params)
      number(uint64_t(param));
    if (function_.kind == FunctionKind::Embedded) {
      embedded();
      return std::move(text_);
    }
    std::vector<BlockId> order = reverse_postorder(function_);
    std::vector<uint64_t> blocks(function_.blocks.size());
    uint64_t next_value = 0;
    for (size_t index = 0; index < order.size(); ++index) {
      blocks[order[index].index] = index;
      for (ValueId value : function_.blocks[order[index].index].insts)
        values_[value.index] = ++next_value;
    }
    for (BlockId id : order) {
      const Block &block = function_.blocks[id.index];
      number(block.insts.size());
      for (ValueId value : block.insts)
        inst(function_.insts[value.index], !free_.empty() && free_[value.index]);
      number(uint64_t(block.terminator) * 2 + block.is_catch);
      number(block.terminator_operand.valid() ? values_[block.terminator_operand.index] : 0);
      for (BlockId target : successors(block))
        number(blocks[target.index]);
      number(block.preds.size());
      for (BlockId pred : block.preds)
        number(blocks[pred.index]);
    }
    return std::move(text_);
  }

private:
  void number(uint64_t word) { text_.append(reinterpret_cast<const char *>(&word), sizeof word); }
  void words(const std::string &text) {
    number(text.size());
    text_ += text;
  }

  void inst(const Inst &here, bool is_free) {
    number(uint64_t(here.op) << 8 | uint64_t(here.type));
    number(here.op == Op::Call ? representative_[here.aux].index : here.aux);
    number(is_free ? 0 : uint64_t(here.imm));
    number(here.operands.size());
    for (ValueId operand : here.operands)
      number(values_[operand.index]);
    number(effects_.may_fail(function_, here) ? here.loc.index : UINT32_MAX);
  }

  void embedded() {
    const EmbeddedC &code = function_.embedded;
    words(code.text);
    number(uint64_t(code.pure) | uint64_t(code.stable) << 1 | uint64_t(code.infallible) << 2 |
           uint64_t(code.unprivileged) << 3 | uint64_t(code.guru) << 4 | uint64_t(code.unmangled) << 5);
    number(function_.loc.index);
    words(function_.name); // its messages name it, and other C may do so too
    for (const std::string &name : function_.param_names)
      words(name);
  }

  const ModuleEffects &effects_;
  const Function &function_;
  const std::vector<FunctionId> &representative_;
  const std::vector<bool> free_;
  std::vector<uint64_t> values_;
  std::string text_;
};

// Each function's first equal, callees before callers.
std::vector<FunctionId> find_equals(const Module &module, const ModuleEffects &effects) {
  std::vector<FunctionId> representative(module.functions.size());
  for (size_t index = 0; index < representative.size(); ++index)
    representative[index] = FunctionId{uint32_t(index)};
  std::unordered_map<std::string, FunctionId> known;
  for (FunctionId id : effects.callees_first()) {
    const Function &function = module.functions[id.index];
    if (effects.recursive()[id.index] || function.kind == FunctionKind::Embedded)
      continue;
    auto [found, is_new] = known.emplace(Signature(effects, function, representative).text(), id);
    if (!is_new)
      representative[id.index] = found->second;
  }
  return representative;
}

// The place where a failed call was made is the callee's own; functions keep no other trace of who called.
void merge_calls(Module &module, const std::vector<FunctionId> &representative) {
  for (Function &function : module.functions)
    for (const Block &block : function.blocks)
      for (ValueId value : block.insts)
        if (Inst &inst = function.insts[value.index]; inst.op == Op::Call)
          inst.aux = representative[inst.aux].index;
  for (Probe &probe : module.probes)
    for (EntryValue &entry : probe.entry_values)
      entry.function = representative[entry.function.index];
}

// A site's constant `of` is the number of another probe, whose sites it arms: then each probe keeps its number.
bool names_probes(const Site &site) {
  return std::any_of(site.constants.begin(), site.constants.end(), [](auto &entry) { return entry.first == "of"; });
}

void merge_probes(Module &module, const std::vector<FunctionId> &representative) {
  if (std::any_of(module.sites.begin(), module.sites.end(), names_probes))
    return;
  std::vector<ProbeId> renumbered(module.probes.size());
  std::vector<Probe> kept;
  std::unordered_map<uint32_t, std::vector<ProbeId>> by_handler;
  for (size_t index = 0; index < module.probes.size(); ++index) {
    Probe &probe = module.probes[index];
    std::vector<ProbeId> &equals = by_handler[representative[probe.handler.index].index];
    auto same = std::find_if(equals.begin(), equals.end(), [&](ProbeId other) {
      return kept[other.index].context == probe.context && kept[other.index].entry_values == probe.entry_values;
    });
    if (same != equals.end()) {
      renumbered[index] = *same;
      continue;
    }
    renumbered[index] = ProbeId{uint32_t(kept.size())};
    equals.push_back(renumbered[index]);
    kept.push_back(std::move(probe));
  }
  if (kept.size() == module.probes.size()) {
    module.probes = std::move(kept);
    return;
  }
  module.probes = std::move(kept);
  for (Probe &probe : module.probes)
    probe.sites.clear();
  for (size_t index = 0; index < module.sites.size(); ++index) {
    Site &site = module.sites[index];
    site.probe = renumbered[site.probe.index];
    module.probes[site.probe.index].sites.push_back(SiteId{uint32_t(index)});
  }
}

// A handler with the constants that its sites could have instead.
struct Numbered {
  ProbeId probe;
  std::vector<ValueId> constants; // in the order of the walk
};

// The proof that a loop ends may need a constant.
bool has_loop(const Function &function, const std::vector<BlockId> &order) {
  std::vector<size_t> place(function.blocks.size());
  for (size_t i = 0; i < order.size(); ++i)
    place[order[i].index] = i;
  for (BlockId id : order)
    for (BlockId next : successors(function.blocks[id.index]))
      if (place[next.index] <= place[id.index])
        return true;
  return false;
}

// Constants that are only compared and passed on.
std::vector<bool> free_constants(const Function &function, const std::vector<BlockId> &order) {
  std::vector<bool> free(function.insts.size());
  for (BlockId id : order)
    for (ValueId value : function.blocks[id.index].insts)
      free[value.index] = function.insts[value.index].op == Op::ConstI64;
  for (BlockId id : order) {
    const Block &block = function.blocks[id.index];
    for (ValueId value : block.insts)
      if (const Inst &inst = function.insts[value.index]; inst.op != Op::Eq && inst.op != Op::Ne && inst.op != Op::Call)
        for (ValueId operand : inst.operands)
          free[operand.index] = false;
    if (block.terminator_operand.valid())
      free[block.terminator_operand.index] = false;
  }
  return free;
}

// Which of their constants are not the same in all of the handlers.
std::vector<size_t> differences(const Module &module, const std::vector<Numbered> &group) {
  auto number = [&](const Numbered &one, size_t k) {
    const Function &function = module.functions[module.probes[one.probe.index].handler.index];
    return function.insts[one.constants[k].index].imm;
  };
  std::vector<size_t> different;
  for (size_t k = 0; k < group[0].constants.size(); ++k)
    if (std::any_of(group.begin(), group.end(),
                    [&](const Numbered &one) { return number(one, k) != number(group[0], k); }))
      different.push_back(k);
  return different;
}

void move_to_sites(Module &module, const std::vector<Numbered> &group, const std::vector<size_t> &different) {
  for (const Numbered &one : group) {
    const Probe &probe = module.probes[one.probe.index];
    Function &function = module.functions[probe.handler.index];
    for (size_t i = 0; i < different.size(); ++i) {
      Inst &inst = function.insts[one.constants[different[i]].index];
      for (SiteId site : probe.sites)
        module.sites[site.index].constants.emplace_back(number_names[i], inst.imm);
      inst.op = Op::CtxNumber;
      inst.imm = int64_t(i);
    }
  }
}

// It has been here before.
bool is_numbered(const Module &module, const Probe &probe) {
  return std::any_of(probe.sites.begin(), probe.sites.end(), [&](SiteId site) {
    const auto &constants = module.sites[site.index].constants;
    return std::any_of(constants.begin(), constants.end(), [](auto &entry) { return is_number_name(entry.first); });
  });
}

// True when handlers have become equal.
bool number_sites(Module &module, const ModuleEffects &effects, const std::vector<FunctionId> &representative) {
  constexpr size_t many = 8; // a few handlers are faster with their constants
  if (module.probes.size() < many || std::any_of(module.sites.begin(), module.sites.end(), names_probes))
    return false;
  std::vector<size_t> uses(module.functions.size());
  for (const Probe &probe : module.probes)
    ++uses[probe.handler.index];
  std::map<std::string, std::vector<Numbered>> groups;
  for (size_t index = 0; index < module.probes.size(); ++index) {
    const Probe &probe = module.probes[index];
    const Function &function = module.functions[probe.handler.index];
    const std::vector<BlockId> order = reverse_postorder(function);
    if (probe.context != ContextKind::Event || !probe.entry_values.empty() || uses[probe.handler.index] != 1 ||
        is_numbered(module, probe) || has_loop(function, order))
      continue;
    const std::vector<bool> free = free_constants(function, order);
    Numbered one{ProbeId{uint32_t(index)}, {}};
    for (BlockId id : order)
      for (ValueId value : function.blocks[id.index].insts)
        if (free[value.index])
          one.constants.push_back(value);
    groups[Signature(effects, function, representative, free).text()].push_back(std::move(one));
  }
  bool any = false;
  for (const auto &[signature, group] : groups) {
    const std::vector<size_t> different = differences(module, group);
    if (group.size() < many || different.empty() || different.size() > std::size(number_names))
      continue;
    move_to_sites(module, group, different);
    any = true;
  }
  return any;
}

} // namespace

void merge_functions(Module &module) {
  std::vector<FunctionId> representative;
  {
    ModuleEffects effects(module);
    representative = find_equals(module, effects);
    merge_calls(module, representative);
    if (number_sites(module, effects, representative)) {
      ModuleEffects now(module);
      representative = find_equals(module, now);
    }
  }
  merge_probes(module, representative);
  drop_unreached_functions(module);
}

} // namespace tapjit::ir::passes

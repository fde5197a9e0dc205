// SPDX-License-Identifier: GPL-2.0-or-later
// Functions with equal bodies become one, and so do probes whose handlers are equal: one handler, many sites. Equal
// are instructions, control flow, and the places of what may fail, for messages name them. Sites keep their order, so
// probes run in the same order as before.
#include "ir/cfg.h"
#include "ir/passes/effects.h"
#include "ir/passes/pipeline.h"
#include "ir/signature.h"

#include <algorithm>
#include <unordered_map>

namespace tapjit::ir::passes {

namespace {

// Writes all of a function that counts into one string; values and blocks by the order in which they are met.
class Signature {
public:
  Signature(const ModuleEffects &effects, const Function &function, const std::vector<FunctionId> &representative)
      : effects_(effects), function_(function), representative_(representative), values_(function.insts.size()) {}

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
        inst(function_.insts[value.index]);
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

  void inst(const Inst &here) {
    number(uint64_t(here.op) << 8 | uint64_t(here.type));
    number(here.op == Op::Call ? representative_[here.aux].index : here.aux);
    number(uint64_t(here.imm));
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

} // namespace

void merge_functions(Module &module) {
  ModuleEffects effects(module);
  std::vector<FunctionId> representative = find_equals(module, effects);
  merge_calls(module, representative);
  merge_probes(module, representative);
  drop_unreached_functions(module);
}

} // namespace tapjit::ir::passes

// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/verify.h"

#include "ir/passes/charge_check.h"
#include "ir/passes/lock_check.h"
#include "ir/signature.h"
#include "ir/site_groups.h"
#include "ir/verify_function.h"

#include <map>
#include <set>
#include <string_view>

namespace tapjit::ir {

namespace {

void check_limits(const Module &module, Findings &findings) {
  static const std::map<std::string_view, std::pair<int64_t, int64_t>> ranges = {
#define LIMIT(name, value, most) LIMIT_FROM(name, value, 0, most)
#define LIMIT_FROM(name, value, least, most) {#name, {least, most}},
#include "ir/limits.def"
#undef LIMIT
  };
  for (const auto &[name, value] : module.limits)
    if (auto row = ranges.find(name); row == ranges.end() || value < row->second.first || value > row->second.second)
      findings.add("limit {} cannot be {}", name, value);
}

void check_statistic(const Global &global, Findings &findings) {
  const StatSpec &spec = global.stat;
  constexpr uint64_t most_buckets = 65536; // STP_MAX_BUCKETS
  if (global.value != ValueKind::Stat && !(spec == StatSpec{}))
    findings.add("@{}: only a statistic has a histogram or a variance", global.name);
  if (spec.hist == StatSpec::Hist::Linear &&
      (spec.step < 1 || spec.high < spec.low || bucket_count(spec) > most_buckets))
    findings.add("@{}: no linear histogram goes from {} to {} by {}", global.name, spec.low, spec.high, spec.step);
  if (spec.variance_shift < 0 || spec.variance_shift > 62)
    findings.add("@{}: a variance's shift cannot be {}", global.name, spec.variance_shift);
}

void check_globals(const Module &module, Findings &findings) {
  std::set<std::string> names;
  for (const Global &global : module.globals) {
    if (global.name.empty() || !names.insert(global.name).second)
      findings.add("@{}: the name is not unique or empty", global.name);
    for (Type key : global.keys)
      if (key != Type::I64 && key != Type::Str)
        findings.add("@{}: a key is neither i64 nor str", global.name);
    check_statistic(global, findings);
    if (global.max_entries < 0 || global.max_entries > INT32_MAX)
      findings.add("@{}: a map cannot have {} elements", global.name, global.max_entries);
    bool has_number = std::holds_alternative<int64_t>(global.init);
    bool has_text = std::holds_alternative<std::string>(global.init);
    bool is_scalar = global.keys.empty();
    if ((has_number && !(is_scalar && global.value == ValueKind::I64)) ||
        (has_text && !(is_scalar && global.value == ValueKind::Str)))
      findings.add("@{}: the initial value does not fit", global.name);
  }
  for (const LockSet &set : module.lock_sets) {
    bool sorted = !set.globals.empty();
    for (size_t index = 1; index < set.globals.size(); ++index)
      sorted = sorted && set.globals[index - 1].first < set.globals[index].first;
    for (auto [global, written] : set.globals)
      sorted = sorted && global.index < module.globals.size();
    if (!sorted)
      findings.add("a lock set is empty, not sorted or out of range");
  }
}

// Sites have, as integers and once, what ctx.number of their handlers reads.
void check_numbers(const Module &module, Findings &findings) {
  auto count = [&](const Site &site, std::string_view name) {
    return std::count_if(site.constants.begin(), site.constants.end(),
                         [&](auto &entry) { return entry.first == name; });
  };
  for (size_t index = 0; index < module.sites.size(); ++index)
    for (const auto &[name, value] : module.sites[index].constants)
      if (is_number_name(name) && (!std::holds_alternative<int64_t>(value) || count(module.sites[index], name) != 1))
        findings.add("site {}: {} is no integer, or there twice", index, name);
  for (const Probe &probe : module.probes)
    for (const Block &block : module.functions[probe.handler.index].blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = module.functions[probe.handler.index].insts[value.index];
        if (inst.op == Op::CtxNumber)
          for (SiteId site : probe.sites)
            if (!count(module.sites[site.index], number_names[size_t(inst.imm)]))
              findings.add("site {} has no {}, which its handler reads", site.index, number_names[size_t(inst.imm)]);
      }
}

// The first site of a group says how its sites are told apart, and each has the number by which it is.
void check_groups(const Module &module, Findings &findings) {
  std::map<int64_t, const Site *> first;
  for (size_t index = 0; index < module.sites.size(); ++index) {
    const Site &site = module.sites[index];
    const auto *group = constant_of<int64_t>(site, group_name);
    if (!group)
      continue;
    const Site &leader = *first.try_emplace(*group, &site).first->second;
    const auto *which = constant_of<int64_t>(leader, gate_number_name);
    const auto *gate = constant_of<std::string>(leader, gate_name);
    const bool is_known =
        gate && std::any_of(module.functions.begin(), module.functions.end(),
                            [&](const Function &one) { return one.name == *gate && can_be_gate(one); });
    if (!is_known || !which || *which < 0 || size_t(*which) >= std::size(number_names)) {
      findings.add("site {}: nothing tells the sites of group {} apart", index, *group);
      continue;
    }
    const auto *number = constant_of<int64_t>(site, number_names[size_t(*which)]);
    if (!number || *number < 0 || *number >= gate_numbers)
      findings.add("site {}: {} is no index of its group's table", index, number_names[size_t(*which)]);
  }
}

void check_probes(const Module &module, Findings &findings) {
  std::vector<bool> used(module.functions.size());
  std::vector<std::vector<SiteId>> sites(module.probes.size());
  for (size_t index = 0; index < module.sites.size(); ++index) {
    if (module.sites[index].probe.index >= module.probes.size())
      findings.add("site {} names no probe", index);
    else
      sites[module.sites[index].probe.index].push_back(SiteId{uint32_t(index)});
  }
  for (size_t index = 0; index < module.probes.size(); ++index) {
    const Probe &probe = module.probes[index];
    if (probe.handler.index >= module.functions.size() ||
        module.functions[probe.handler.index].kind != FunctionKind::Probe || used[probe.handler.index]) {
      findings.add("probe {} has no handler of its own", index);
      continue;
    }
    used[probe.handler.index] = true;
    const Function &handler = module.functions[probe.handler.index];
    if (!handler.params.empty() || handler.result != Type::Void)
      findings.add("the handler &{} has parameters or a result", handler.name);
    if (probe.sites != sites[index])
      findings.add("the sites of probe {} are not those that name it", index);
    for (const EntryValue &entry : probe.entry_values) {
      const Function *function =
          entry.function.index < module.functions.size() ? &module.functions[entry.function.index] : nullptr;
      if (!function || function->kind != FunctionKind::Script || !function->params.empty() ||
          (function->result != Type::I64 && function->result != Type::Str))
        findings.add("an entry value of probe {} is no function without parameters that gives an i64 or a str", index);
    }
  }
}

bool check_function(const Module &module, const Function &function, Findings &findings) {
  size_t before = findings.texts.size();
  if (!function.param_names.empty() && function.param_names.size() != function.params.size())
    findings.add("names and types of the parameters differ in number");
  if (function.kind == FunctionKind::Embedded) {
    if (!function.blocks.empty())
      findings.add("an embedded function has blocks");
    return findings.texts.size() == before;
  }
  if (function.blocks.empty()) {
    findings.add("no blocks");
    return false;
  }
  if (function.string_slots > (function.storage.empty() ? 0 : function.insts.size()))
    findings.add("{} string slots", function.string_slots);
  if (!verify_shape(module, function, findings))
    return false;
  for (size_t index = 0; index < function.blocks.size(); ++index)
    for (ValueId value : function.blocks[index].insts) {
      findings.block = BlockId{uint32_t(index)};
      findings.value = value;
      verify_inst(module, function, function.insts[value.index], findings);
    }
  findings.block = BlockId::none();
  findings.value = ValueId::none();
  return findings.texts.size() == before;
}

void check_locals(const Function &function, bool none_left, Findings &findings) {
  std::map<int64_t, Type> types;
  for (const Block &block : function.blocks)
    for (ValueId value : block.insts) {
      const Inst &inst = function.insts[value.index];
      if (inst.op != Op::LocalGet && inst.op != Op::LocalSet)
        continue;
      Type type = inst.op == Op::LocalGet ? inst.type : function.insts[inst.operands[0].index].type;
      if (auto [known, added] = types.emplace(inst.imm, type); !added && known->second != type)
        findings.add("local {} is {} and {}", inst.imm, type_spelling(known->second), type_spelling(type));
      if (none_left)
        findings.add("local {} is left after pass ssa", inst.imm);
    }
}

// What a handler, or a function it calls, takes of the values saved at entry is there, as what it is taken for.
void check_entry_slots(const Module &module, Findings &findings) {
  std::vector<std::vector<const Inst *>> taken(module.functions.size());
  std::vector<std::vector<uint32_t>> callers(module.functions.size());
  std::vector<std::vector<uint32_t>> callees(module.functions.size()); // those that take some, or whose callees do
  for (size_t index = 0; index < module.functions.size(); ++index)
    for (const Block &block : module.functions[index].blocks)
      for (ValueId value : block.insts) {
        const Inst &inst = module.functions[index].insts[value.index];
        if (inst.op == Op::CtxEntry || inst.op == Op::CtxEntryStr)
          taken[index].push_back(&inst);
        else if (inst.op == Op::Call)
          callers[inst.aux].push_back(uint32_t(index));
      }
  std::vector<bool> takes(module.functions.size());
  std::vector<uint32_t> takers;
  auto mark = [&](uint32_t function) {
    if (!takes[function])
      takers.push_back(function);
    takes[function] = true;
  };
  for (size_t index = 0; index < module.functions.size(); ++index)
    if (!taken[index].empty())
      mark(uint32_t(index));
  while (!takers.empty()) {
    uint32_t callee = takers.back();
    takers.pop_back();
    for (uint32_t caller : callers[callee]) {
      callees[caller].push_back(callee);
      mark(caller);
    }
  }
  for (size_t index = 0; index < module.probes.size(); ++index) {
    const Probe &probe = module.probes[index];
    std::set<uint32_t> seen = {probe.handler.index};
    for (std::vector<uint32_t> work = {probe.handler.index}; !work.empty();) {
      uint32_t function = work.back();
      work.pop_back();
      for (const Inst *inst : taken[function]) {
        bool there = size_t(inst->imm) < probe.entry_values.size();
        if (!there || module.functions[probe.entry_values[size_t(inst->imm)].function.index].result != inst->type)
          findings.add("probe {} takes entry value {} as {}, and saves {}", index, inst->imm, type_spelling(inst->type),
                       there ? "another type there" : fmt::format("{} of them", probe.entry_values.size()));
      }
      for (uint32_t callee : callees[function])
        if (seen.insert(callee).second)
          work.push_back(callee);
    }
  }
}

} // namespace

std::vector<std::string> verify(const Module &module, VerifyOptions options) {
  Findings findings(module);
  check_limits(module, findings);
  check_globals(module, findings);
  check_probes(module, findings);
  std::set<std::string> names;
  for (size_t index = 0; index < module.functions.size(); ++index) {
    findings.function = FunctionId{uint32_t(index)};
    if (module.functions[index].name.empty() || !names.insert(module.functions[index].name).second)
      findings.add("the name is not unique or empty");
    check_function(module, module.functions[index], findings);
  }
  findings.function = FunctionId::none();
  // What follows walks graphs and effects, which need what was checked so far.
  if (!findings.texts.empty())
    return findings.texts;

  ModuleEffects effects(module);
  check_entry_slots(module, findings);
  check_numbers(module, findings);
  check_groups(module, findings);
  for (size_t index = 0; index < module.functions.size(); ++index) {
    const Function &function = module.functions[index];
    if (function.kind == FunctionKind::Embedded)
      continue;
    findings.function = FunctionId{uint32_t(index)};
    verify_uses(module, effects, function, findings);
    check_locals(function, options.ssa, findings);
    if (options.frame)
      verify_frame(module, function, findings);
  }
  findings.function = FunctionId::none();
  if (options.locks)
    for (std::string &text : check_locks(module, effects))
      findings.texts.push_back(std::move(text));
  if (options.charges)
    for (std::string &text : check_charges(module))
      findings.texts.push_back(std::move(text));
  return findings.texts;
}

} // namespace tapjit::ir

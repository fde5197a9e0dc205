// SPDX-License-Identifier: GPL-2.0-or-later
// An alias for each system call is a site for each on one tracepoint, and their handler, which merge_functions has made
// one, begins by asking which call this is and ends at once unless it is the site's own. Such sites become a group: the
// tracepoint calls the module once, the question is asked once, and the handler runs for the one site that it names.
// What the handler does stays as it is.
#include "ir/site_groups.h"
#include "ir/cfg.h"
#include "ir/passes/pipeline.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace tapjit::ir::passes {

namespace {

// The handler does nothing unless the function's result is the site's number.
struct Gate {
  FunctionId function;
  int64_t number; // index in number_names
};

bool ends_at_once(const Function &function, BlockId id) {
  const Block &block = function.blocks[id.index];
  return block.insts.empty() && block.terminator == Terminator::Return;
}

// May be asked before the handler runs, in its context: needs nothing, changes nothing, cannot fail.
bool is_question(const Module &module, const Inst &inst) {
  return inst.op == Op::Call && can_be_gate(module.functions[inst.aux]);
}

std::optional<Gate> gate_of(const Module &module, const Function &handler) {
  const Block &entry = handler.blocks[0];
  if (entry.terminator != Terminator::Branch)
    return std::nullopt;
  std::optional<ValueId> question, number, test;
  for (ValueId value : entry.insts) {
    const Inst &inst = handler.insts[value.index];
    if (is_question(module, inst) && !question)
      question = value;
    else if (inst.op == Op::CtxNumber && !number)
      number = value;
    else if ((inst.op == Op::Eq || inst.op == Op::Ne) && !test)
      test = value;
    else if (inst.op != Op::ConstI64 && inst.op != Op::CtxNumber && inst.op != Op::Charge)
      return std::nullopt;
  }
  if (!question || !test || entry.terminator_operand != *test)
    return std::nullopt;
  const Inst &compare = handler.insts[test->index];
  const bool asks_first = compare.operands[0] == *question;
  const ValueId with = compare.operands[asks_first ? 1 : 0];
  const Inst &against = handler.insts[with.index];
  if (compare.operands[asks_first ? 0 : 1] != *question || against.op != Op::CtxNumber)
    return std::nullopt;
  const auto targets = successors(entry); // where it holds, where not
  if (!ends_at_once(handler, targets[compare.op == Op::Eq ? 1 : 0]))
    return std::nullopt;
  return Gate{FunctionId{handler.insts[question->index].aux}, against.imm};
}

// What all sites of a group share: how the event is found, and what it calls.
using Event =
    std::pair<std::vector<std::pair<std::string, std::variant<int64_t, std::string>>>, std::vector<std::string>>;
Event event_of(const Site &site) {
  Event event{{}, site.glue};
  for (const auto &constant : site.constants)
    if (!is_number_name(constant.first))
      event.first.push_back(constant);
  return event;
}

// Sites of one event of which no two have the same number, in a row: which of them stands first makes no difference,
// for at most one of them is hit.
struct Row {
  Event event;
  FunctionId gate;
  std::set<int64_t> numbers;
  std::map<uint32_t, std::vector<SiteId>> sites; // by probe
};

class Grouping {
public:
  explicit Grouping(Module &module) : module_(module) {}

  void add(SiteId id) {
    const Site &site = module_.sites[id.index];
    const auto *name = constant_of<std::string>(site, "name");
    Row &row = rows_[name ? *name : ""];
    const std::optional<Gate> &gate = gate_of_probe(site.probe);
    const auto *number = gate ? constant_of<int64_t>(site, number_names[size_t(gate->number)]) : nullptr;
    if (!number || *number < 0 || *number >= gate_numbers) {
      end(row);
      return;
    }
    Event event = event_of(site);
    if (row.event != event || row.gate != gate->function || row.numbers.contains(*number))
      end(row);
    row.event = std::move(event);
    row.gate = gate->function;
    row.numbers.insert(*number);
    row.sites[site.probe.index].push_back(id);
  }

  void end() {
    for (auto &[name, row] : rows_)
      end(row);
  }

private:
  const std::optional<Gate> &gate_of_probe(ProbeId id) {
    auto [known, is_new] = gates_.try_emplace(id.index);
    const Probe &probe = module_.probes[id.index];
    if (is_new && probe.entry_values.empty())
      known->second = gate_of(module_, module_.functions[probe.handler.index]);
    return known->second;
  }

  // A probe that has but one site in the row gains nothing.
  void end(Row &row) {
    for (const auto &[probe, sites] : row.sites) {
      if (sites.size() < 2)
        continue;
      for (SiteId site : sites)
        module_.sites[site.index].constants.emplace_back(group_name, groups_);
      auto &first = module_.sites[sites[0].index].constants;
      first.emplace_back(gate_name, module_.functions[row.gate.index].name);
      first.emplace_back(gate_number_name, gates_[probe]->number);
      ++groups_;
    }
    row = {};
  }

  Module &module_;
  std::map<uint32_t, std::optional<Gate>> gates_; // by probe
  std::map<std::string, Row> rows_;               // by the tracepoint's name
  int64_t groups_ = 0;
};

} // namespace

void site_groups(Module &module) {
  Grouping grouping(module);
  for (size_t index = 0; index < module.sites.size(); ++index)
    if (module.sites[index].family == "tracepoint")
      grouping.add(SiteId{uint32_t(index)});
  grouping.end();
}

} // namespace tapjit::ir::passes

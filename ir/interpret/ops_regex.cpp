// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/interpret/machine.h"

namespace tapjit::ir {

static const regex::Automaton &automaton_of(OpRun &op, bool with_groups) {
  const std::string &pattern = op.module().strings[op.inst.aux];
  auto [found, is_new] = op.machine.automata.try_emplace({pattern, with_groups});
  regex::Error error;
  if (is_new)
    found->second = *regex::compile(pattern, with_groups, error); // verified
  return found->second;
}

void run_RegexMatch(OpRun &op) { op.result.number = regex::matches(automaton_of(op, false), op.text(0)); }

void run_RegexSearch(OpRun &op) {
  auto found = regex::search(automaton_of(op, true), op.text(0));
  op.result.number = found.has_value();
  op.hit.groups.clear();
  if (found)
    for (auto [start, end] : *found)
      op.hit.groups.push_back(start == SIZE_MAX ? "" : op.text(0).substr(start, end - start));
}

void run_RegexForget(OpRun &op) { op.hit.groups.clear(); }

void run_RegexGroup(OpRun &op) {
  if (op.hit.groups.empty())
    op.fail("no regular expression has matched");
  else if (op.number(0) < 0 || op.number(0) >= int64_t(op.hit.groups.size()))
    op.fail("the regular expression has no such group");
  else
    op.result.text = op.hit.groups[size_t(op.number(0))];
}

void run_RegexCount(OpRun &op) {
  if (op.hit.groups.empty())
    op.fail("no regular expression has matched");
  else
    op.result.number = int64_t(op.hit.groups.size());
}

} // namespace tapjit::ir

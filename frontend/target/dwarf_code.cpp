// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_code.h"

#include "frontend/target/dwarf_types.h"

#include <algorithm>
#include <dwarf.h>

namespace tapjit::target {

namespace {

constexpr int deepest_scope = 256; // of blocks in blocks; compilers stay far below

// Calls `visit` for each DIE of a function's own scope, down through blocks and not into inlined copies.
template <typename Visit> void visit_own_scope(Dwarf_Die *scope, const Visit &visit, int depth = 0) {
  Dwarf_Die child;
  if (depth > deepest_scope || dwarf_child(scope, &child) != 0)
    return;
  do {
    visit(child);
    if (dwarf_tag(&child) == DW_TAG_lexical_block)
      visit_own_scope(&child, visit, depth + 1);
  } while (dwarf_siblingof(&child, &child) == 0);
}

// The DIE that a reference attribute names; its offset, 0 without one.
uint64_t referenced(Dwarf_Die *die, unsigned name) {
  Dwarf_Attribute attribute;
  Dwarf_Die other;
  return dwarf_attr(die, name, &attribute) && dwarf_formref_die(&attribute, &other) ? dwarf_dieoffset(&other) : 0;
}

} // namespace

std::vector<AddressRange> code_of(Dwarf_Die *die) {
  std::vector<AddressRange> ranges;
  Dwarf_Addr base, begin, end;
  for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &begin, &end)) > 0;)
    if (begin < end)
      ranges.emplace_back(begin, end);
  return ranges;
}

const std::vector<LineRow> &LineTables::rows_around(Dwarf_Die *die) {
  static const std::vector<LineRow> none;
  Dwarf_Die unit;
  if (!dwarf_diecu(die, &unit, nullptr, nullptr))
    return none;
  auto [known, is_new] = by_unit_.try_emplace(dwarf_dieoffset(&unit));
  std::vector<LineRow> &rows = known->second;
  Dwarf_Lines *lines;
  size_t count;
  if (!is_new || dwarf_getsrclines(&unit, &lines, &count) != 0)
    return rows;
  rows.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    Dwarf_Line *line = dwarf_onesrcline(lines, i);
    bool is_end = false, is_statement = false;
    int number = 0;
    Dwarf_Addr address;
    if (dwarf_lineendsequence(line, &is_end) != 0 || is_end || dwarf_lineno(line, &number) != 0 || number <= 0 ||
        dwarf_lineaddr(line, &address) != 0)
      continue;
    const char *file = dwarf_linesrc(line, nullptr, nullptr);
    dwarf_linebeginstatement(line, &is_statement);
    rows.push_back({address, static_cast<uint32_t>(number), file ? file : "", is_statement});
  }
  std::stable_sort(rows.begin(), rows.end(), [](const LineRow &a, const LineRow &b) { return a.address < b.address; });
  return rows;
}

std::vector<LabelPlace> labels_of(Dwarf_Die *die) {
  std::vector<LabelPlace> labels;
  visit_own_scope(die, [&](Dwarf_Die &child) {
    Dwarf_Addr address;
    int line = 0;
    if (dwarf_tag(&child) != DW_TAG_label || dwarf_lowpc(&child, &address) != 0)
      return;
    const char *name = dwarf_diename(&child);
    dwarf_decl_line(&child, &line);
    if (name)
      labels.push_back({name, static_cast<uint32_t>(line), address});
  });
  return labels;
}

std::vector<CallPlace> calls_of(Dwarf_Die *die) {
  std::vector<CallPlace> calls;
  visit_own_scope(die, [&](Dwarf_Die &child) {
    int tag = dwarf_tag(&child);
    if (tag == DW_TAG_inlined_subroutine) {
      if (auto entry = entry_of(&child))
        if (uint64_t function = referenced(&child, DW_AT_abstract_origin))
          calls.push_back({function, dwarf_dieoffset(&child), *entry});
    } else if (tag == DW_TAG_call_site || tag == DW_TAG_GNU_call_site) {
      if (uint64_t function = referenced(&child, tag == DW_TAG_call_site ? DW_AT_call_origin : DW_AT_abstract_origin))
        calls.push_back({function, 0, 0});
    }
  });
  return calls;
}

} // namespace tapjit::target

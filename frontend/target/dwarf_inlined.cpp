// SPDX-License-Identifier: GPL-2.0-or-later
// A copy refers to its abstract function in the same unit: only link-time optimisation, which kernels with DWARF from
// gcc do not use, makes copies in others.
#include "frontend/target/dwarf_inlined.h"

#include "frontend/target/dwarf_types.h"

#include <dwarf.h>
#include <map>
#include <unordered_set>

namespace tapjit::target {

namespace {

struct Search {
  std::unordered_set<uint64_t> wanted; // of the unit that is walked
  std::vector<InlinedCopy> found;
};

void visit_copy(Search &search, Dwarf_Die *die) {
  Dwarf_Attribute attribute;
  Dwarf_Die origin;
  if (!dwarf_attr(die, DW_AT_abstract_origin, &attribute) || !dwarf_formref_die(&attribute, &origin) ||
      !search.wanted.contains(dwarf_dieoffset(&origin)))
    return;
  if (auto entry = entry_of(die))
    search.found.push_back({dwarf_dieoffset(&origin), dwarf_dieoffset(die), *entry});
}

// Scopes nest as deeply as the source's blocks and the inliner go; compilers stay far below this.
void walk(Search &search, Dwarf_Die *scope, int depth) {
  constexpr int deepest = 256;
  Dwarf_Die child;
  if (depth > deepest || dwarf_child(scope, &child) != 0)
    return;
  do {
    int tag = dwarf_tag(&child);
    if (tag == DW_TAG_inlined_subroutine)
      visit_copy(search, &child);
    if (tag == DW_TAG_inlined_subroutine || tag == DW_TAG_lexical_block ||
        (tag == DW_TAG_subprogram && (dwarf_hasattr(&child, DW_AT_low_pc) || dwarf_hasattr(&child, DW_AT_ranges))))
      walk(search, &child, depth + 1);
  } while (dwarf_siblingof(&child, &child) == 0);
}

} // namespace

std::vector<InlinedCopy> find_inlined_copies(Dwarf *dwarf, const std::vector<uint64_t> &functions) {
  std::map<uint64_t, std::vector<uint64_t>> by_unit;
  Dwarf_Die die, unit;
  for (uint64_t function : functions)
    if (dwarf_offdie(dwarf, function, &die) && dwarf_diecu(&die, &unit, nullptr, nullptr))
      by_unit[dwarf_dieoffset(&unit)].push_back(function);
  Search search;
  for (const auto &[offset, wanted] : by_unit) {
    search.wanted = {wanted.begin(), wanted.end()};
    if (dwarf_offdie(dwarf, offset, &unit))
      walk(search, &unit, 0);
  }
  return std::move(search.found);
}

} // namespace tapjit::target

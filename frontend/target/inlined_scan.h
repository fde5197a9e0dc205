// SPDX-License-Identifier: GPL-2.0-or-later
// Finds every inlined copy of every function in .debug_info. libdw would take some seconds for all DIEs of a kernel;
// here they are skipped by the sizes that their abbreviations give, which takes a third of a second on one core.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tapjit::target {

struct InlinedCopy {
  uint64_t function; // the abstract function's DIE
  uint64_t die;      // DW_TAG_inlined_subroutine
  uint64_t outer;    // the DW_TAG_subprogram that it is in
  uint64_t address;  // DW_AT_entry_pc or DW_AT_low_pc; 0: what its DW_AT_ranges say
};

// The raw sections of one little-endian 64-bit file.
struct DebugSections {
  std::span<const char> info, abbrev;
};

// The copies in the unit whose header is at `unit`, appended to `copies`. A damaged unit gives what was found before
// the damage. Copies without code are left out.
void scan_inlined(const DebugSections &sections, uint64_t unit, std::vector<InlinedCopy> &copies);

} // namespace tapjit::target

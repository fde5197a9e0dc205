// SPDX-License-Identifier: GPL-2.0-or-later
// Inlined copies of functions.
#pragma once

#include <cstdint>
#include <elfutils/libdw.h>
#include <vector>

namespace tapjit::target {

struct InlinedCopy {
  uint64_t function; // the abstract function's DIE
  uint64_t die;      // DW_TAG_inlined_subroutine
  uint64_t address;  // where control enters the copy
};

// All copies of the given abstract functions. Each compilation unit that has one of them is walked once: some
// milliseconds for one unit, some seconds for all of a kernel.
std::vector<InlinedCopy> find_inlined_copies(Dwarf *dwarf, const std::vector<uint64_t> &functions);

} // namespace tapjit::target

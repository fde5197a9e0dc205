// SPDX-License-Identifier: GPL-2.0-or-later
// DWARF location expressions to access steps.
#pragma once

#include "frontend/target/target.h"
#include "frontend/target/type_path.h"

#include <elfutils/libdw.h>

namespace tapjit::target {

// The kernel's per-CPU section. On x86-64 it is linked at 0 (until 6.14), so that a variable's address is its offset in
// each CPU's area; else at its place in the kernel's data.
struct PerCpuSection {
  uint64_t begin = 0, end = 0;
};
// Pushes where the object at a link address is now; of a per-CPU variable, this CPU's copy.
void append_address(std::vector<AccessStep> &steps, const PerCpuSection &per_cpu, uint64_t address);

// Where an expression is evaluated.
struct ExpressionScope {
  Dwarf_CFI *frames;      // may be null
  uint64_t address;       // link address of the probe
  bool at_function_entry; // before the first instruction of the function: CFA = rsp + 8, entry values are the registers
  Dwarf_Die *function;    // whose DW_AT_frame_base DW_OP_fbreg means
  PerCpuSection per_cpu;
};

// Where the variable or parameter `die` is at the scope's address: its DW_AT_location or DW_AT_const_value.
Access<Place> variable_place(const ExpressionScope &scope, Dwarf_Die *die);

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// DWARF location expressions to access steps.
#pragma once

#include "frontend/target/target.h"
#include "frontend/target/type_path.h"

#include <elfutils/libdw.h>

namespace tapjit::target {

// Where an expression is evaluated.
struct ExpressionScope {
  Dwarf *dwarf;
  uint64_t address;       // link address of the probe
  bool at_function_entry; // before the first instruction of the out-of-line function: CFA = rsp + 8, entry values are
                          // the registers
  Dwarf_Die *function;    // whose DW_AT_frame_base DW_OP_fbreg means
};

// Where the variable or parameter `die` is at the scope's address: its DW_AT_location or DW_AT_const_value.
Access<Place> variable_place(const ExpressionScope &scope, Dwarf_Die *die);

} // namespace tapjit::target

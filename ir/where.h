// SPDX-License-Identifier: GPL-2.0-or-later
// Where in the script something failed, as messages say it behind " near ".
#pragma once

#include "ir/ir.h"

namespace tapjit::ir {

// "operator '/' at file:line:column": the nearest thing of the script that has a name. Empty without a location.
std::string place_text(const Module &module, const Inst &inst);
std::string place_text(const Module &module, LocationId location, const std::string &thing);

} // namespace tapjit::ir

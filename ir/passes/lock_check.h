// SPDX-License-Identifier: GPL-2.0-or-later
// Which globals need locks, and whether each access is in the region of its handler.
#pragma once

#include "ir/passes/effects.h"

#include <string>

namespace tapjit::ir {

// By FunctionId::index: what handlers of Event and Process probes reach.
std::vector<bool> reached_by_events(const Module &module);

// By GlobalId::index: written by some Event or Process probe, and not only by `gadd`/`stat.add` with imm 1.
std::vector<bool> globals_needing_locks(const Module &module);

// Whether the instruction, or what it calls, reads or writes one of `globals`.
bool touches(const ModuleEffects &effects, const Inst &inst, const std::vector<bool> &globals);

std::vector<std::string> check_locks(const Module &module, const ModuleEffects &effects);

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// The stages after the IR: C, LLVM IR, assembly, and what the safety verifier says.
#pragma once

#include "tools/stap-ir-dump/dump.h"
#include "tools/stap/compile_pass.h"

namespace tapjit {

// Compiles for the chosen kernel, or for the user runtime. The arguments must outlive it.
Machinery compiler_of(const Options &options, const KernelChoice &choice, const codegen::Store &store);

} // namespace tapjit

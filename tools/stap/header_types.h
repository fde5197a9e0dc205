// SPDX-License-Identifier: GPL-2.0-or-later
// Types of C headers that scripts name in @cast: a unit that does no more than include them is compiled with debuginfo
// that keeps what is not used, and kept in the cache.
#pragma once

#include "codegen/cache/store.h"
#include "frontend/target/kernel_target.h"

namespace tapjit {

// The path of an object with the types. An Error says what the compiler said first. `build_dir` is the kernel's.
Result<std::string> compile_headers(const codegen::Store &store, const std::string &build_dir,
                                    const target::HeaderRequest &request);

} // namespace tapjit

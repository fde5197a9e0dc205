// SPDX-License-Identifier: GPL-2.0-or-later
// Source lines of kernel code, for modules whose functions say `pragma:lines` (tapset: symfile, symline, symfileline).
#pragma once

#include "frontend/target/target.h"
#include "ir/ir.h"
#include "tools/stap/compile_pass.h"
#include "tools/stap/options.h"

#include <string>
#include <vector>

namespace tapjit {

// When a function that is left in the module asks for lines: puts the line tables of the kernel, of the modules that
// the script has places or data in, and of those of -d and --all-modules, into the input, and their anchors into the
// module. What there is to say of it, a line each, for -v. An Error: a module of -d does not exist.
Result<std::vector<std::string>> add_lines(const Options &options, const target::Target &target, ir::Module &module,
                                           CompileInput &input);

} // namespace tapjit

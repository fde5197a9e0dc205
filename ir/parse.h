// SPDX-License-Identifier: GPL-2.0-or-later
// Reads a module from its text (IR.md "Text"). Names after `%` and `^` are free; a block's `preds` may be left out and
// then follow the blocks' order.
#pragma once

#include "frontend/base/result.h"
#include "ir/ir.h"

#include <string_view>

namespace tapjit::ir {

// The error's `observed` begins with "line:column: ". The text is checked for form and for names and types that it
// needs to be read; verify() does the rest.
Result<Module> parse(std::string_view text);

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// Preprocessor conditions: `kernel_v >= "5.0" && CONFIG_SMP == "y"`.
#pragma once

#include "frontend/lexer.h"
#include "frontend/parse.h"

#include <span>

namespace tapjit {

enum class Condition : uint8_t { fails, holds, malformed /* reported */ };

// The truth of the tokens between `%(` (at `loc`) and `%?`.
Condition evaluate_condition(std::span<const Token> tokens, Loc loc, const ParseOptions &options,
                             Diagnostics &diagnostics);

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/safety/safety.h"

#include <cstddef>

extern "C" {
#include "runtime/core/ctx.h"
}

namespace tapjit::codegen {

ContextLayout context_layout() {
  return {{offsetof(tap_ctx, actions), offsetof(tap_ctx, work) + offsetof(tap_work, left)}, offsetof(tap_ctx, nesting)};
}

} // namespace tapjit::codegen

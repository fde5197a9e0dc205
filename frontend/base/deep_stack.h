// SPDX-License-Identifier: GPL-2.0-or-later
// A stack of its own for work that recurses deeply. The trees of nearly all scripts are shallow and are walked on the
// thread's own stack; one with thousands of levels (a generated chain of 5,000 `+`) gets this.
#pragma once

#include <functional>

namespace tapjit {

// Calls `work` and returns when it is done. When `deep`, it runs with 512 MB of stack, of which only what it uses is
// ever made; where that cannot be had, or when not `deep`, on the caller's.
void run_on_deep_stack(bool deep, const std::function<void()> &work);

} // namespace tapjit

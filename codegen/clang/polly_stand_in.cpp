// SPDX-License-Identifier: GPL-2.0-or-later
// Debian's libclangCodeGen registers Polly's plugin whenever a pipeline is built. We link no Polly: this plugin
// registers nothing.
#include "llvm/Passes/PassPlugin.h"

llvm::PassPluginLibraryInfo getPollyPluginInfo() { // NOLINT(readability-identifier-naming): the name is theirs
  return {LLVM_PLUGIN_API_VERSION, "Polly", "none", [](llvm::PassBuilder &) {}};
}

// SPDX-License-Identifier: GPL-2.0-or-later
// The guest's root file system: our init, busybox and its applets, the kernel modules that the channel needs, staprun
// and stapio with their libraries.
#pragma once

#include <string>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::vm {

struct InitramfsOptions {
  std::string release;
  std::string support_folder;             // where tap-guest-init, staprun and stapio are; empty: beside this program
  std::vector<std::string> extra_modules; // names of kernel modules loaded at boot, besides those of the channel
};

// The archive's bytes. staprun and stapio are left out when they are not built (tests of the guest alone).
Result<std::string> build_initramfs(const InitramfsOptions &options);

} // namespace tapjit::vm

// SPDX-License-Identifier: GPL-2.0-or-later
// Which runtime a run uses, for which kernel, and where its module is loaded.
#pragma once

#include "frontend/base/result.h"
#include "tools/stap/options.h"

#include <string>
#include <vector>

namespace tapjit {

enum class Where { Nowhere /* stops before pass 5 */, Host, Guest, Process /* user runtime */ };

struct KernelChoice {
  bool user_runtime = false;
  Where where = Where::Nowhere;
  std::string release;   // of the traced kernel; user runtime: of the one that runs
  std::string build_dir; // its headers
  bool own_tree = false; // build_dir was named, and is not that of an installed release: its vmlinux counts first
  std::string why_user;  // auto chose the user runtime: why no kernel could be had
};

// The kernels that a guest can boot and a module can be built for: /boot/vmlinuz-REL with headers; those with
// debug symbols first, then the newest first.
std::vector<std::string> installed_kernels();

// Decides by --runtime, --vm, -r, -p, and what this machine can do. An Error names what is missing and the option that
// helps.
Result<KernelChoice> choose_kernel(const Options &options);

} // namespace tapjit

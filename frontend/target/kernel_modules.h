// SPDX-License-Identifier: GPL-2.0-or-later
// The modules of an installed kernel.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/kernel_files.h"

#include <string>
#include <vector>

namespace tapjit::target {

struct ModuleFile {
  std::string name; // as the kernel knows it: `-` is `_`
  std::string elf;  // the installed file
};

// The modules of /lib/modules/RELEASE/modules.dep whose name matches (wildcards allowed), sorted by name; or the one
// module whose file is named by an absolute path.
std::vector<ModuleFile> find_module_files(const std::string &release, const SearchPlaces &places,
                                          const std::string &pattern);

} // namespace tapjit::target

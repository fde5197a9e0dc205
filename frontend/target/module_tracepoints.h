// SPDX-License-Identifier: GPL-2.0-or-later
// Which module of a kernel has which tracepoint.
#pragma once

#include "frontend/target/debug_file.h"

#include <map>
#include <string>

namespace tapjit::target {

// Names of modules, by the names of their tracepoints, read from the files of all modules of the release: that is once
// for a kernel, the store keeps it. One that several modules have is left out.
std::map<std::string, std::string> tracepoint_owners(const std::string &release, const SearchPlaces &places,
                                                     const IndexStore &store);

} // namespace tapjit::target

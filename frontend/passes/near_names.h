// SPDX-License-Identifier: GPL-2.0-or-later
// The name that somebody may have meant with a local that nothing gives a value.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/program.h"

#include <string>
#include <string_view>
#include <vector>

namespace tapjit {

// "did you mean `x`?", empty when no name is near: of the locals of its body for which `keep(index)` says so, of
// `offered`, those that aliases set (Handler::offered), and of globals.
template <typename Keep>
std::string suggest_variable(std::string_view wanted, const std::vector<Local> &locals, Keep keep,
                             const std::vector<Name> &offered, const std::vector<std::string_view> &globals) {
  std::vector<std::string_view> names;
  for (size_t i = 0; i < locals.size(); ++i)
    if (keep(i))
      names.push_back(locals[i].name.view());
  for (Name name : offered)
    names.push_back(name.view());
  names.insert(names.end(), globals.begin(), globals.end());
  std::string_view near = nearest_name(wanted, names);
  return near.empty() ? "" : "did you mean `" + std::string(near) + "`?";
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Preprocessor macros: `@define NAME(p) %( body %)`.
#pragma once

#include "frontend/base/intern.h"
#include "frontend/lexer.h"

#include <unordered_map>
#include <vector>

namespace tapjit {

struct Macro {
  Name name;
  Loc loc;
  std::vector<Name> params;
  std::vector<Token> body;
};

// The macros of one file, or of all library files. Owns the bodies.
class MacroTable {
public:
  const Macro *find(Name name) const {
    auto found = macros_.find(name);
    return found == macros_.end() ? nullptr : &found->second;
  }
  // False when the name is taken.
  bool add(Macro macro) { return macros_.emplace(macro.name, std::move(macro)).second; }
  const std::unordered_map<Name, Macro> &all() const { return macros_; }
  // Where the texts of tokens with escapes live.
  Arena &arena() { return arena_; }

private:
  std::unordered_map<Name, Macro> macros_;
  Arena arena_;
};

} // namespace tapjit

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
  bool add(Macro macro) {
    hides_builtin_ = hides_builtin_ || !builtin_at_word_since(macro.name.view()).empty();
    return macros_.emplace(macro.name, std::move(macro)).second;
  }
  // Whether one of them has the name of an operator of the language.
  bool hides_builtin() const { return hides_builtin_; }
  const std::unordered_map<Name, Macro> &all() const { return macros_; }
  // Where the texts of tokens with escapes live.
  Arena &arena() { return arena_; }

private:
  std::unordered_map<Name, Macro> macros_;
  Arena arena_;
  bool hides_builtin_ = false;
};

} // namespace tapjit

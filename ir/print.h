// SPDX-License-Identifier: GPL-2.0-or-later
// The text of a module (IR.md "Text"), and equality of modules as their text sees it.
#pragma once

#include "ir/ir.h"

namespace tapjit::ir {

struct PrintOptions {
  bool locations = true;
};

// Names follow the ids of values and blocks, so a dump before a pass and one after it can be compared by eye. Dead
// instructions are left out.
std::string print(const Module &module, PrintOptions options = {});
std::string print(const Module &module, const Function &function, PrintOptions options = {});

// A double-quoted string with the escapes \" \\ \n \t \xHH.
std::string quote(const std::string &text);

// Drops dead instructions and unused entries of the interned tables, numbers values in block order and table entries in
// order of first use.
void canonicalize(Module &module);

// Equal after canonicalize().
bool equal(const Module &left, const Module &right);

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// What front end tests share: a fake of the probe families, a small tapset, and golden files.
#pragma once

#include "frontend/elaborate.h"
#include "frontend/macros.h"
#include "frontend/parse.h"

#include <string>

namespace tapjit::testing {

// begin, end, error, never, timer.*(n), kernel.function(s)[.return|.call], kernel.trace(s). Functions are `vfs_read`,
// `vfs_write` and `vfs_*`; at them
// `$count` and `$flag` are integers, `$file` is a pointer whose members can be read, `$tiny` a char, `$whole` a struct;
// `$return` at a return.
ProbeFamilies fake_families();

// Functions, aliases and macros of tests.
void add_small_tapset(Library &library);

struct Elaborated {
  SourceTable sources;
  Diagnostics diagnostics{sources};
  std::unique_ptr<Library> library;
  std::unique_ptr<ast::File> file;
  Program program;
};

ParseOptions test_options();

// Passes 1 and 2 of a script text with the fakes.
std::unique_ptr<Elaborated> elaborate_text(std::string text, ElaborateOptions options = {},
                                           ParseOptions parse = test_options());

} // namespace tapjit::testing

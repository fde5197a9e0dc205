// SPDX-License-Identifier: GPL-2.0-or-later
// Pass 2: trees and tapset library to a resolved, typed Program.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"
#include "frontend/library.h"
#include "frontend/probe_family.h"
#include "frontend/program.h"

#include <map>
#include <string>
#include <vector>

namespace tapjit {

struct ElaborateOptions {
  bool guru = false;
  std::string privilege = "stapdev";                              // --privilege
  std::string compatible = "5.6";                                 // --compatible
  bool keep_unused = false;                                       // -u
  bool keep_alias_variables = false;                              // those that no handler reads, for -L
  bool skip_badvars = false;                                      // --skip-badvars: unresolved target variables are 0
  std::vector<std::pair<std::string, std::string>> global_values; // -G name=value
};

// Elaborates the user's files (in order) with what they need of the library. When `diagnostics` got no error, the
// Program keeps what program.h guarantees; otherwise it is for printing only.
Program elaborate(std::vector<const ast::File *> files, Library &library, const ProbeFamilies &families,
                  const ElaborateOptions &options, Diagnostics &diagnostics);
Program elaborate(const ast::File &file, Library &library, const ProbeFamilies &families,
                  const ElaborateOptions &options, Diagnostics &diagnostics);

// The text of `stap -p2`, in SystemTap's layout: globals and functions with types, probes with sites and how they came
// about. `verbose` (-v) adds initial values and bodies.
std::string print_program(const Program &program, bool verbose = false);

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Lowering: a resolved, typed Program to IR, the end of the front end. What it makes is a *lowered* module (ir/IR.md
// "Road"): a charge for each statement, a copy of each string view, no locks, no storage.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/program.h"
#include "ir/ir.h"

#include <string>
#include <utility>
#include <vector>

namespace tapjit {

struct LowerOptions {
  std::string module_name = "tapjit";
  std::string compatible = "5.6"; // --compatible
  // -D NAME=VALUE in the order given; names of ir/limits.def with a number become limits, the others defines.
  std::vector<std::pair<std::string, std::string>> defines;
  // Where globals that are written and never read are shown: the sites of `end` and `error`. Empty: they are not shown.
  std::vector<ResolvedSite> display_sites;
  // -DSTP_ALIBI: handlers count their hits and do nothing else, and here the counts are printed. Empty: no.
  std::vector<ResolvedSite> report_sites;
};

// `program` must come from an elaborate() without errors. What cannot be lowered yet is reported as `not_supported`;
// the module is then for printing only.
ir::Module lower(const Program &program, const SourceTable &sources, const LowerOptions &options,
                 Diagnostics &diagnostics);

// The sites for LowerOptions::display_sites and report_sites, asked of the families.
std::vector<ResolvedSite> find_display_sites(const ProbeFamilies &families);

} // namespace tapjit

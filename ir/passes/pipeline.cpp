// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/passes/pipeline.h"

#include "ir/verify.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace tapjit::ir {

const std::vector<PassInfo> &all_passes() {
  static const std::vector<PassInfo> table = {
#define PASS(name, optimizes, meaning) {#name, meaning, passes::name, optimizes},
#include "ir/passes.def"
#undef PASS
  };
  return table;
}

static std::vector<std::string> verified(const Module &module, VerifyOptions checks, const char *when) {
  std::vector<std::string> findings = verify(module, checks);
  for (std::string &finding : findings)
    finding = std::string(when) + ": " + finding;
  return findings;
}

static std::vector<const PassInfo *> chosen(const PassOptions &options) {
  const std::vector<PassInfo> &table = all_passes();
  std::vector<const PassInfo *> list;
  for (const std::string &name : options.only) {
    auto at = std::find_if(table.begin(), table.end(), [&](const PassInfo &pass) { return pass.name == name; });
    if (at != table.end())
      list.push_back(&*at);
  }
  if (options.only.empty())
    for (const PassInfo &pass : table)
      if (options.optimize || !pass.optimizes)
        list.push_back(&pass);
  return list;
}

std::vector<std::string> try_passes(Module &module, const PassOptions &options) {
  VerifyOptions checks;
  if (options.verify)
    if (auto findings = verified(module, checks, "before the passes"); !findings.empty())
      return findings;
  for (const PassInfo *pass : chosen(options)) {
    pass->run(module);
    std::string_view name = pass->name;
    checks.ssa |= name == "ssa";
    checks.charges |= name == "charges";
    checks.locks |= name == "lock_placement";
    checks.frame |= name == "frame_layout";
    if (options.after_pass)
      options.after_pass(pass->name, module);
    if (options.verify)
      if (auto findings = verified(module, checks, pass->name); !findings.empty())
        return findings;
  }
  return {};
}

void run_passes(Module &module, const PassOptions &options) {
  std::vector<std::string> findings = try_passes(module, options);
  for (const std::string &finding : findings)
    fprintf(stderr, "%s\n", finding.c_str());
  if (!findings.empty())
    abort();
}

} // namespace tapjit::ir

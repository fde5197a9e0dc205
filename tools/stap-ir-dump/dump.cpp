// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap-ir-dump/dump.h"

#include "ir/parse.h"
#include "ir/passes/pipeline.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>

namespace tapjit {

int list_passes() {
  for (const ir::PassInfo &pass : ir::all_passes())
    fmt::print("{:<20} {}\n", pass.name, pass.meaning);
  return 0;
}

// A name that no pass has, so that --passes=none runs none of them.
static constexpr std::string_view no_passes = "none";

static bool are_known(const std::vector<std::string> &names) {
  for (const std::string &name : names) {
    if (name == no_passes)
      continue;
    auto &passes = ir::all_passes();
    if (std::any_of(passes.begin(), passes.end(), [&](const ir::PassInfo &pass) { return pass.name == name; }))
      continue;
    fmt::print(stderr, "stap-ir-dump: no pass is called `{}`; --list names them\n", name);
    return false;
  }
  return true;
}

int dump_module(ir::Module module, const DumpOptions &options) {
  if (!are_known(options.passes))
    return 1;
  ir::PassOptions passes;
  passes.verify = true;
  passes.only = options.passes;
  ir::canonicalize(module); // numbered as its text reads, so that the text parses back to the same numbers
  std::string before = ir::print(module, options.print);
  if (!options.run)
    fmt::print("; --- lowered\n{}", before);
  passes.after_pass = [&](const char *pass, const ir::Module &changed) {
    if (!options.print_changed || options.run)
      return;
    std::string after = ir::print(changed, options.print);
    if (after != before)
      fmt::print("; --- after {}\n{}", pass, after);
    before = std::move(after);
  };
  std::vector<std::string> findings = ir::try_passes(module, passes);
  for (const std::string &finding : findings)
    fmt::print(stderr, "stap-ir-dump: {}\n", finding);
  if (!findings.empty())
    return 1;
  if (options.run)
    return run_module(module, options);
  ir::canonicalize(module);
  fmt::print("; --- final\n{}", ir::print(module, options.print));
  return 0;
}

int dump_ir_file(const std::string &path, const DumpOptions &options) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    fmt::print(stderr, "stap-ir-dump: cannot read `{}`: {}\n", path, strerror(errno));
    return 1;
  }
  std::string text{std::istreambuf_iterator<char>(file), {}};
  // A golden file's result is not part of its module.
  auto module = ir::parse(text.substr(0, text.find(";;;")));
  if (!module) {
    fmt::print(stderr, "{}:{}\n", path, module.error().observed);
    return 1;
  }
  return dump_module(std::move(*module), options);
}

} // namespace tapjit

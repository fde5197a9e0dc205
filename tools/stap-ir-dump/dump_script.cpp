// SPDX-License-Identifier: GPL-2.0-or-later
// A script's way to the IR is stap's own.
#include "tools/stap-ir-dump/dump.h"
#include "tools/stap/script_pass.h"

#include <fmt/format.h>

namespace tapjit {

namespace {

int fail(const Error &error) {
  fmt::print(stderr, "error: {}\n", error.observed);
  if (!error.advice.empty())
    fmt::print(stderr, "hint: {}\n", error.advice);
  return 1;
}

bool report(Scripts &scripts) {
  fmt::print(stderr, "{}", scripts.diagnostics.render_all());
  bool errors = scripts.diagnostics.has_errors();
  scripts.diagnostics.truncate(0);
  return errors;
}

} // namespace

int dump_script(int argc, char **argv, const DumpOptions &dump_options) {
  auto options = parse_options(argc, argv);
  if (!options)
    return fail(options.error());
  options->last_pass = 3;
  auto texts = read_scripts(*options);
  if (!texts)
    return fail(texts.error());
  auto choice = choose_kernel(*options);
  if (!choice)
    return fail(choice.error());
  codegen::StoreOptions store_options;
  store_options.disabled = options->disable_cache;
  auto store = codegen::Store::open(store_options);
  if (!store)
    return fail(store.error());
  Scripts scripts;
  if (auto parsed = parse_pass(*options, *choice, *texts, *store, scripts); !parsed)
    return fail(parsed.error());
  if (report(scripts))
    return 1;
  elaborate_pass(*options, scripts);
  if (report(scripts))
    return 1;
  std::string name = options->module_name.empty() ? "tapjit" : options->module_name;
  ir::Module module = lower_pass(*options, name, scripts);
  if (report(scripts))
    return 1;
  DumpOptions changed = dump_options;
  if (options->timeout_seconds > 0)
    changed.run_length_ns = int64_t(options->timeout_seconds * 1e9);
  return dump_module(std::move(module), changed);
}

} // namespace tapjit

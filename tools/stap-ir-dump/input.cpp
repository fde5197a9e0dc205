// SPDX-License-Identifier: GPL-2.0-or-later
// Where modules come from: a script, by stap's own passes, or a file of IR text.
#include "tools/stap-ir-dump/input.h"

#include "ir/parse.h"
#include "tools/stap-ir-dump/machine.h"
#include "tools/stap/script_pass.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <unistd.h>

namespace tapjit {

namespace {

int fail(const Error &error) {
  fmt::print(stderr, "error: {}\n", error.observed);
  if (!error.advice.empty())
    fmt::print(stderr, "hint: {}\n", error.advice);
  return 1;
}

bool report(const Options &options, Scripts &scripts) {
  bool colour = options.colour == 1 || (options.colour == -1 && isatty(STDERR_FILENO));
  fmt::print(stderr, "{}", scripts.diagnostics.render_all(colour));
  bool errors = scripts.diagnostics.has_errors();
  scripts.diagnostics.truncate(0);
  return errors;
}

Result<codegen::Store> open_store(const Options &options) {
  codegen::StoreOptions store_options;
  store_options.disabled = options.disable_cache;
  return codegen::Store::open(store_options);
}

// A module of probes that the user runtime has asks for no kernel.
bool needs_kernel(const ir::Module &module) {
  for (const ir::Site &site : module.sites)
    if (site.family != "begin" && site.family != "end" && site.family != "error" && site.family != "timer" &&
        site.family != "never")
      return true;
  return false;
}

} // namespace

int dump_script(int argc, char **argv, const DumpOptions &dump_options) {
  auto options = parse_options(argc, argv);
  if (!options)
    return fail(options.error());
  options->last_pass = 4;
  auto texts = read_scripts(*options);
  if (!texts)
    return fail(texts.error());
  auto choice = choose_kernel(*options);
  if (!choice)
    return fail(choice.error());
  auto store = open_store(*options);
  if (!store)
    return fail(store.error());
  Scripts scripts;
  if (auto parsed = parse_pass(*options, *choice, *texts, *store, scripts); !parsed)
    return fail(parsed.error());
  if (report(*options, scripts))
    return 1;
  elaborate_pass(*options, scripts);
  if (report(*options, scripts))
    return 1;
  std::string name = options->module_name.empty() ? "tapjit" : options->module_name;
  ir::Module module = lower_pass(*options, name, scripts);
  if (report(*options, scripts))
    return 1;
  DumpOptions changed = dump_options;
  if (options->timeout_seconds > 0)
    changed.run_length_ns = int64_t(options->timeout_seconds * 1e9);
  return dump_module(std::move(module), changed, compiler_of(*options, *choice, *store));
}

int dump_ir_file(const std::string &path, int argc, char **argv, const DumpOptions &dump_options) {
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
  // stap's options want a script; the module stands for it.
  std::vector<char *> words(argv, argv + argc);
  char option[] = "-e", nothing[] = "probe never { }";
  words.insert(words.end(), {option, nothing, nullptr});
  auto options = parse_options(int(words.size() - 1), words.data());
  if (!options)
    return fail(options.error());
  options->last_pass = 4;
  if (options->runtime == RuntimeChoice::Auto && !needs_kernel(*module))
    options->runtime = RuntimeChoice::User;
  else if (options->runtime == RuntimeChoice::Auto && options->release_or_dir.empty() && !installed_kernels().empty())
    options->release_or_dir = installed_kernels().front();
  auto store = open_store(*options);
  if (!store)
    return fail(store.error());
  Result<KernelChoice> choice = choose_kernel(*options);
  if (!choice)
    return fail(choice.error());
  return dump_module(std::move(*module), dump_options, compiler_of(*options, *choice, *store));
}

} // namespace tapjit

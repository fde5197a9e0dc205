// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/script_pass.h"

#include "frontend/target/kernel_target.h"
#include "ir/passes/pipeline.h"
#include "tapset/family.h"
#include "tools/stap/debug_server.h"
#include "tools/stap/header_types.h"
#include "tools/stap/no_kernel.h"
#include "tools/stap/progress.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <iterator>

namespace tapjit {

namespace {

namespace fs = std::filesystem;

// PREFIX/share/tapjit for a program in PREFIX/bin, or the source tree for one in a build directory.
std::string data_directory() {
  std::error_code error;
  fs::path program = fs::read_symlink("/proc/self/exe", error);
  fs::path installed = program.parent_path().parent_path() / "share/tapjit";
  if (!error && fs::exists(installed / "runtime/kernel/pch.h", error))
    return installed;
  return TAPJIT_SOURCE_DIR;
}

target::IndexStore index_store(codegen::Store &store, const std::string &release) {
  target::IndexStore result;
  auto progress = std::make_shared<std::unique_ptr<Progress>>();
  result.load = [&store, release, progress](const std::string &key) -> std::optional<target::IndexBytes> {
    auto entry = store.get("debug-index", codegen::KeyBuilder().add(key).finish());
    if (!entry) { // it is made now
      *progress = std::make_unique<Progress>(fmt::format("Indexing the symbols of kernel {} (once) ...", release));
      return std::nullopt;
    }
    auto kept = std::make_shared<codegen::CacheEntry>(std::move(*entry));
    return target::IndexBytes{{kept->bytes().data(), kept->bytes().size()}, kept};
  };
  result.save = [&store, progress](const std::string &key, std::string_view bytes) {
    progress->reset();
    // The index is used from memory when it cannot be kept; the next run makes it again.
    (void)store.put("debug-index", codegen::KeyBuilder().add(key).finish(), bytes);
  };
  return result;
}

Result<std::unique_ptr<target::Target>> open_target(const Options &given, const KernelChoice &choice,
                                                    codegen::Store &store) {
  if (choice.user_runtime)
    return std::unique_ptr<target::Target>(new NoKernel(choice.why_user));
  target::KernelTargetOptions options;
  options.release_or_dir = choice.own_tree ? choice.build_dir : choice.release;
  const char *path = getenv("SYSTEMTAP_DEBUGINFO_PATH");
  options.places.debuginfo_path = path ? path : "";
  options.store = index_store(store, choice.release);
  options.server = debug_server(given);
  options.prefer_btf = given.prefer_btf;
  options.compile_headers = [&store, build_dir = choice.build_dir](const target::HeaderRequest &request) {
    return compile_headers(store, build_dir, request);
  };
  auto target = target::KernelTarget::open(std::move(options));
  if (!target)
    return target.error();
  return std::unique_ptr<target::Target>(std::move(*target));
}

ParseOptions parse_options_for(const Options &options, const KernelChoice &choice, const target::Target &target) {
  ParseOptions parse;
  parse.arguments = options.arguments;
  parse.guru = options.guru;
  parse.kernel_release = choice.release;
  parse.runtime = choice.user_runtime ? "dyninst" : "kernel";
  parse.privilege = options.privilege;
  if (!options.compatible.empty())
    parse.compatible = options.compatible;
  parse.config = [&target](std::string_view name) { return target.kconfig(name).value_or(""); };
  return parse;
}

} // namespace

std::string runtime_directory(const Options &options) {
  if (!options.runtime_dir.empty())
    return options.runtime_dir;
  const char *from_environment = getenv("SYSTEMTAP_RUNTIME");
  return from_environment ? from_environment : data_directory() + "/runtime";
}

std::vector<std::string> tapset_directories(const Options &options) {
  const char *from_environment = getenv("SYSTEMTAP_TAPSET");
  std::vector<std::string> directories{from_environment ? from_environment : data_directory() + "/tapset/scripts"};
  directories.insert(directories.end(), options.tapset_dirs.begin(), options.tapset_dirs.end());
  return directories;
}

Result<std::vector<ScriptText>> read_scripts(const Options &options) {
  std::vector<ScriptText> texts;
  if (options.script_text)
    texts.push_back({"<input>", *options.script_text});
  else if (options.script_file == "-")
    texts.push_back({"<stdin>", {std::istreambuf_iterator<char>(std::cin), {}}});
  else if (!options.script_file.empty()) {
    std::error_code error;
    std::ifstream file(options.script_file, std::ios::binary);
    if (!file || fs::is_directory(options.script_file, error))
      return Error{fmt::format("cannot read the script `{}`: {}", options.script_file,
                               file ? "it is a directory" : strerror(errno)),
                   ""};
    texts.push_back({options.script_file, {std::istreambuf_iterator<char>(file), {}}});
  }
  for (const std::string &text : options.extra_texts)
    texts.push_back({"<input -E>", text});
  return texts;
}

Result<void> parse_pass(const Options &options, const KernelChoice &choice, const std::vector<ScriptText> &texts,
                        codegen::Store &store, Scripts &scripts) {
  auto target = open_target(options, choice, store);
  if (!target)
    return target.error();
  scripts.target = std::move(*target);
  if (options.suppress_warnings)
    scripts.diagnostics.set_warnings(Diagnostics::Warnings::dropped);
  else if (options.warnings_are_errors)
    scripts.diagnostics.set_warnings(Diagnostics::Warnings::errors);

  ParseOptions parse = parse_options_for(options, choice, *scripts.target);
  ParseOptions library_parse = parse;
  library_parse.guru = true;
  scripts.library = std::make_unique<Library>(scripts.sources, library_parse);
  std::vector<std::string> directories = tapset_directories(options);
  codegen::KeyBuilder key_builder;
  key_builder.add("tapset-index 1");
  for (const std::string &directory : directories)
    key_builder.add(directory);
  for (const std::string &name : library_subdirectories(library_parse)) // which of its files are read
    key_builder.add(name);
  codegen::CacheKey key = key_builder.finish();
  if (auto index = store.get("tapset-index", key))
    scripts.library->load_index(index->bytes());
  for (const std::string &directory : directories)
    if (auto added = scripts.library->add_directory(directory); !added)
      return added.error();
  if (scripts.library->index_changed())
    if (auto put = store.put("tapset-index", key, scripts.library->save_index()); !put)
      return put.error();

  parse.library_macros = &scripts.library->macros(scripts.diagnostics);
  std::vector<bool> used_arguments(parse.arguments.size());
  parse.used_arguments = &used_arguments;
  for (const ScriptText &text : texts) {
    SourceId source =
        scripts.sources.add(text.name, text.text, text.name[0] == '<' ? SourceKind::command_line : SourceKind::script);
    scripts.files.push_back(parse_script(scripts.sources, source, parse, scripts.diagnostics));
  }
  report_unused_arguments(parse.arguments, used_arguments, scripts.diagnostics);
  return {};
}

void make_families(const Options &options, Scripts &scripts) {
  tapset::FamilyOptions family_options;
  family_options.guru = options.guru;
  family_options.listing = options.list == Options::List::Points;
  if (!options.compatible.empty())
    family_options.compatible = options.compatible;
  for (const auto &[name, value] : options.defines)
    family_options.any_caller |= name == "STAP_CALLEE_MATCHALL";
  scripts.families = tapset::make_probe_families(*scripts.target, family_options);
}

ElaborateOptions elaborate_options(const Options &options) {
  ElaborateOptions result;
  result.guru = options.guru;
  result.privilege = options.privilege;
  if (!options.compatible.empty())
    result.compatible = options.compatible;
  result.keep_unused = options.unoptimized;
  result.skip_badvars = options.skip_badvars;
  result.global_values = options.globals;
  return result;
}

void elaborate_pass(const Options &options, Scripts &scripts) {
  make_families(options, scripts);
  std::vector<const ast::File *> files;
  for (const auto &file : scripts.files)
    files.push_back(file.get());
  scripts.program.emplace(
      elaborate(files, *scripts.library, scripts.families, elaborate_options(options), scripts.diagnostics));
}

ir::Module lower_pass(const Options &options, const std::string &module_name, Scripts &scripts) {
  LowerOptions lower_options;
  lower_options.module_name = module_name;
  if (!options.compatible.empty())
    lower_options.compatible = options.compatible;
  lower_options.defines = options.defines;
  if (options.buffer_mb)
    lower_options.defines.emplace_back("STP_BUFFER_KB", std::to_string(options.buffer_mb * 1024));
  if (options.suppress_time_limits) {
    lower_options.defines.emplace_back("MAXACTION", std::to_string(INT64_MAX));
    lower_options.defines.emplace_back("MAXACTION_INTERRUPTIBLE", std::to_string(INT64_MAX));
    lower_options.defines.emplace_back("MAXTRYLOCK", std::to_string(INT32_MAX));
    lower_options.defines.emplace_back("STP_NO_OVERLOAD", "1");
  }
  if (options.suppress_handler_errors) {
    lower_options.defines.emplace_back("MAXERRORS", std::to_string(INT32_MAX));
    lower_options.defines.emplace_back("MAXSKIPPED", std::to_string(INT32_MAX));
    lower_options.defines.emplace_back("STP_SUPPRESS_HANDLER_ERRORS", "1");
  }
  for (const auto &[name, value] : options.defines)
    if (name == "STP_ALIBI")
      lower_options.report_sites = find_display_sites(scripts.families);
  if (options.display_globals)
    lower_options.display_sites = find_display_sites(scripts.families);
  return lower(*scripts.program, scripts.sources, lower_options, scripts.diagnostics);
}

std::vector<std::string> ir_passes(const Options &options, ir::Module &module) {
  ir::PassOptions pass_options;
  pass_options.verify |= options.verify_ir;
  pass_options.optimize = !options.unoptimized;
  return ir::try_passes(module, pass_options);
}

} // namespace tapjit

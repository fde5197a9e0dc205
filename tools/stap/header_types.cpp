// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/header_types.h"

#include "codegen/clang/driver.h"
#include "codegen/clang/profile.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace tapjit {

using namespace codegen;

// What was asked for. A header of the kernel changes with its build tree, which is in the profile's key; one of this
// machine is known by its file.
static CacheKey request_key(const KernelProfile *profile, const std::string &text,
                            const target::HeaderRequest &request) {
  KeyBuilder key;
  key.add("header types 3").add(compiler_version()).add(text).add(profile ? profile->key.text() : "");
  if (!profile)
    for (const std::string &header : request.headers)
      for (const char *directory : {"/usr/local/include/", "/usr/include/x86_64-linux-gnu/", "/usr/include/"})
        key.add_file_stamp(directory + header);
  return key.finish();
}

// The folders that `<...>` is looked for in, in their order, of Clang's arguments.
static std::vector<std::string> search_folders(const std::vector<std::string> &arguments) {
  static constexpr std::string_view options[] = {"-I", "-isystem", "-internal-isystem", "-internal-externc-isystem",
                                                 "-c-isystem"};
  std::vector<std::string> folders;
  for (size_t i = 0; i < arguments.size(); ++i)
    if (std::find(std::begin(options), std::end(options), arguments[i]) != std::end(options) &&
        i + 1 < arguments.size())
      folders.push_back(arguments[++i]);
    else if (arguments[i].starts_with("-I"))
      folders.push_back(arguments[i].substr(2));
  return folders;
}

// What the result follows from, a path a line: the files that were included, and for each of them those that would have
// been if they were there, as their folders come first.
static std::string files_text(const std::vector<std::string> &included, const std::vector<std::string> &folders) {
  std::set<std::string> files(included.begin(), included.end());
  for (const std::string &file : included)
    for (size_t i = 0; i < folders.size(); ++i)
      if (const std::string prefix = folders[i] + "/"; file.starts_with(prefix))
        for (size_t before = 0; before < i; ++before)
          files.insert(folders[before] + "/" + file.substr(prefix.size()));
  std::string text;
  for (const std::string &file : files)
    text += file + "\n";
  return text;
}

// What it came to: a header changes when one does that it includes. `files` are their paths, a line each.
static CacheKey object_key(const CacheKey &request, std::string_view files) {
  KeyBuilder key;
  key.add(request.text());
  for (size_t at = 0; at < files.size();) {
    size_t end = std::min(files.find('\n', at), files.size());
    key.add_file_stamp(std::string(files.substr(at, end - at)));
    at = end + 1;
  }
  return key.finish();
}

Result<std::string> compile_headers(const Store &store, const std::string &build_dir,
                                    const target::HeaderRequest &request) {
  std::optional<KernelProfile> profile;
  std::string text;
  if (request.of_kernel) {
    auto known = kernel_profile(store, build_dir);
    if (!known)
      return known.error();
    profile = std::move(*known);
    text = profile->prelude;
  }
  for (const std::string &header : request.headers)
    text += "#include <" + header + ">\n";
  const CacheKey asked = request_key(profile ? &*profile : nullptr, text, request);
  if (auto files = store.get("header-files", asked))
    if (auto kept = store.get("header-types", object_key(asked, files->bytes())))
      return kept->path();
  CompileRequest unit;
  unit.text = text;
  unit.name = "headers.c";
  auto arguments =
      profile ? Result<std::vector<std::string>>(profile->arguments) : compiler_arguments({"-D_GNU_SOURCE"});
  if (!arguments)
    return arguments.error();
  unit.arguments = std::move(*arguments);
  unit.arguments.insert(unit.arguments.end(),
                        {"-debug-info-kind=unused-types", "-dwarf-version=5", "-debugger-tuning=gdb"});
  if (profile)
    unit.defines = {"KBUILD_MODNAME=\"headers\"", "KBUILD_BASENAME=\"headers\""};
  auto compiled = compile_unit(unit);
  if (!compiled)
    return compiled.error();
  if (!compiled->ok()) {
    const std::string said = compiled->messages().empty() ? "" : ": " + compiled->messages().front().text;
    return Error{fmt::format("the headers do not compile{}", said), ""};
  }
  auto object = compiled->emit_object();
  if (!object)
    return object.error();
  const std::string files = files_text(compiled->included_files(), search_folders(unit.arguments));
  if (auto listed = store.put("header-files", asked, files); !listed)
    return listed.error();
  auto kept = store.put("header-types", object_key(asked, files), *object);
  return kept ? Result<std::string>(kept->path()) : Result<std::string>(kept.error());
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/module_tracepoints.h"

#include "frontend/target/elf_file.h"
#include "frontend/target/kernel_modules.h"

#include <set>
#include <sstream>

namespace tapjit::target {

namespace {

struct Owners {
  std::string lines;    // each "tracepoint module"
  bool complete = true; // all files could be read
};

// The names of a module's tracepoints stand in a section of their own, each with a NUL, and with more of them between
// where the compiler aligns them.
Owners read_modules(const std::vector<ModuleFile> &modules) {
  Owners result;
  std::map<std::string, std::string> owners;
  std::set<std::string> shared;
  for (const ModuleFile &module : modules) {
    auto file = ElfFile::open_unrelocated(module.elf);
    if (!file) {
      result.complete = false;
      continue;
    }
    std::span<const char> bytes = (*file)->section_bytes("__tracepoints_strings");
    std::string_view names(bytes.data(), bytes.size());
    while (!names.empty()) {
      std::string name(names.substr(0, names.find('\0')));
      names.remove_prefix(std::min(names.size(), name.size() + 1));
      if (!name.empty() && !owners.emplace(name, module.name).second)
        shared.insert(name);
    }
  }
  for (const auto &[name, module] : owners)
    if (!shared.contains(name))
      result.lines += name + " " + module + "\n";
  return result;
}

// A file may be replaced without depmod.
std::string key_of(const std::vector<ModuleFile> &modules) {
  std::string key = "module-tracepoints-2";
  for (const ModuleFile &module : modules)
    key += "\n" + stamp_of(module.elf);
  return key;
}

} // namespace

std::map<std::string, std::string> tracepoint_owners(const std::string &release, const SearchPlaces &places,
                                                     const IndexStore &store) {
  const std::vector<ModuleFile> modules = find_module_files(release, places, "*");
  const std::string key = key_of(modules);
  std::string text;
  if (auto stored = store.load ? store.load(key) : std::nullopt) {
    text.assign(stored->bytes.begin(), stored->bytes.end());
  } else {
    Owners read = read_modules(modules);
    if (store.save && read.complete)
      store.save(key, read.lines);
    text = std::move(read.lines);
  }
  std::map<std::string, std::string> owners;
  std::istringstream words(text);
  for (std::string name, module; words >> name >> module;)
    owners.emplace(std::move(name), std::move(module));
  return owners;
}

} // namespace tapjit::target

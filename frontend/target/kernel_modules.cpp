// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_modules.h"

#include "frontend/target/names.h"

#include <algorithm>
#include <unistd.h>

namespace tapjit::target {

namespace {

// ".../snd-pcm.ko" to "snd_pcm".
std::string module_name(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  name.resize(std::min(name.find(".ko"), name.size()));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

} // namespace

std::vector<ModuleFile> find_module_files(const std::string &release, const SearchPlaces &places,
                                          const std::string &pattern) {
  std::vector<ModuleFile> found;
  if (pattern.starts_with('/')) {
    if (access(pattern.c_str(), R_OK) == 0)
      found.push_back({module_name(pattern), pattern});
    return found;
  }
  std::string wanted = pattern;
  std::replace(wanted.begin(), wanted.end(), '-', '_');
  auto list = read_text_file(places.root + "/lib/modules/" + release + "/modules.dep");
  std::string_view rest = list ? std::string_view(*list) : std::string_view();
  while (!rest.empty()) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), line.size() + 1));
    std::string path(line.substr(0, line.find(':')));
    if (std::string name = module_name(path); matches_wildcard(wanted, name))
      found.push_back({std::move(name), places.root + "/lib/modules/" + release + "/" + path});
  }
  std::sort(found.begin(), found.end(), [](const ModuleFile &a, const ModuleFile &b) { return a.name < b.name; });
  return found;
}

} // namespace tapjit::target

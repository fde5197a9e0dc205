// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_modules.h"

#include "frontend/target/names.h"

#include <algorithm>
#include <unistd.h>

namespace tapjit::target {

namespace {

// "kernel/sound/core/snd-pcm.ko.xz" without what compressed it.
std::string_view uncompressed_name(std::string_view path) {
  size_t end = path.rfind(".ko");
  return end == std::string_view::npos ? path : path.substr(0, end + 3);
}

// ".../snd-pcm.ko" to "snd_pcm".
std::string module_name(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1));
  name.resize(std::min(name.find(".ko"), name.size()));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string file_of(const std::string &path, const std::string &release, const SearchPlaces &places) {
  const std::string plain(uncompressed_name(path));
  for (const std::string &root : debuginfo_roots(places))
    for (const char *folder : {"/lib/modules/", "/usr/lib/modules/"})
      for (const char *suffix : {"", ".debug"}) {
        std::string candidate = root + folder + release + "/" + plain + suffix;
        if (access(candidate.c_str(), R_OK) == 0)
          return candidate;
      }
  return places.root + "/lib/modules/" + release + "/" + path;
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
      found.push_back({std::move(name), file_of(path, release, places)});
  }
  std::sort(found.begin(), found.end(), [](const ModuleFile &a, const ModuleFile &b) { return a.name < b.name; });
  return found;
}

} // namespace tapjit::target

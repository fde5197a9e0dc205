// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/host_files.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <map>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace tapjit::vm {
namespace {

Result<std::string> read_up_to(const std::string &path, size_t limit) {
  int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return Error{"cannot open `" + path + "`: " + strerror(errno), ""};
  std::string bytes;
  struct stat facts;
  if (fstat(file, &facts) == 0 && facts.st_size > 0)
    bytes.reserve(std::min<size_t>(limit, static_cast<size_t>(facts.st_size)) + 1);
  char piece[65536];
  ssize_t got = 0;
  while (bytes.size() < limit && (got = read(file, piece, std::min(sizeof(piece), limit - bytes.size()))) > 0)
    bytes.append(piece, static_cast<size_t>(got));
  int failure = got < 0 ? errno : 0;
  close(file);
  if (failure)
    return Error{"cannot read `" + path + "`: " + strerror(failure), ""};
  return bytes;
}

std::vector<std::string> releases_with_image() {
  std::vector<std::string> releases;
  DIR *boot = opendir("/boot");
  while (dirent *entry = boot ? readdir(boot) : nullptr)
    if (strncmp(entry->d_name, "vmlinuz-", 8) == 0)
      releases.emplace_back(entry->d_name + 8);
  if (boot)
    closedir(boot);
  std::sort(releases.begin(), releases.end(),
            [](const std::string &a, const std::string &b) { return strverscmp(a.c_str(), b.c_str()) < 0; });
  return releases;
}

// `kernel/drivers/virtio/virtio-pci.ko.xz` -> `virtio_pci`
std::string module_name(const std::string &path) {
  std::string name = path.substr(path.rfind('/') + 1);
  name.resize(std::min(name.size(), name.find(".ko")));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

using DependencyTable = std::map<std::string, std::vector<std::string>>; // name -> own path, then those needed

DependencyTable parse_dependencies(const std::string &text) {
  DependencyTable table;
  size_t start = 0;
  while (start < text.size()) {
    size_t end = std::min(text.find('\n', start), text.size());
    std::string line = text.substr(start, end - start);
    start = end + 1;
    size_t colon = line.find(':');
    if (colon == std::string::npos)
      continue;
    std::vector<std::string> paths{line.substr(0, colon)};
    for (size_t at = colon + 1; at < line.size();) {
      size_t stop = std::min(line.find(' ', at), line.size());
      if (stop > at)
        paths.push_back(line.substr(at, stop - at));
      at = stop + 1;
    }
    table[module_name(paths[0])] = std::move(paths);
  }
  return table;
}

} // namespace

Result<std::string> read_whole_file(const std::string &path) { return read_up_to(path, SIZE_MAX); }
Result<std::string> read_file_start(const std::string &path, size_t limit) { return read_up_to(path, limit); }

Result<std::string> kernel_image(const std::string &release) {
  for (const std::string &path : {"/boot/vmlinuz-" + release, "/lib/modules/" + release + "/vmlinuz"}) {
    if (access(path.c_str(), R_OK) == 0)
      return path;
    if (access(path.c_str(), F_OK) == 0)
      return Error{"the kernel image `" + path + "` cannot be read: " + strerror(errno),
                   "run as root, or make it readable"};
  }
  std::string installed;
  for (const std::string &name : releases_with_image())
    installed += (installed.empty() ? "" : ", ") + name;
  return Error{"no kernel image for the release `" + release + "`: `/boot/vmlinuz-" + release + "` is not there",
               installed.empty() ? "install a kernel package (linux-image-...)"
                                 : "install the package linux-image-" + release + ", or take one of: " + installed};
}

std::string newest_installed_release() {
  std::vector<std::string> releases = releases_with_image();
  return releases.empty() ? std::string() : releases.back();
}

Result<std::vector<std::string>> module_load_order(const std::string &release, const std::vector<std::string> &names) {
  std::string folder = "/lib/modules/" + release + "/";
  Result<std::string> text = read_whole_file(folder + "modules.dep");
  if (!text)
    return Error{text.error().observed, "install the package linux-image-" + release};
  DependencyTable table = parse_dependencies(*text);
  std::vector<std::string> order;
  std::set<std::string> placed;
  for (std::string name : names) {
    std::replace(name.begin(), name.end(), '-', '_');
    auto row = table.find(name);
    if (row == table.end())
      continue;
    // A row lists a module and then all it needs, the last of them first to load.
    for (auto path = row->second.rbegin(); path != row->second.rend(); ++path)
      if (placed.insert(*path).second)
        order.push_back(folder + *path);
  }
  return order;
}

Result<std::string> support_file(const std::string &name, const std::string &folder) {
  std::vector<std::string> folders{folder};
  if (folder.empty()) {
    char self[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", self, sizeof(self));
    std::string here(self, length > 0 ? static_cast<size_t>(length) : 0);
    here.resize(std::min(here.size(), here.rfind('/')));
    folders = {here, here + "/../libexec/tapjit"};
  }
  for (const std::string &place : folders)
    if (std::string path = place + "/" + name; access(path.c_str(), R_OK) == 0)
      return path;
  return Error{"`" + name + "` is not in `" + folders[0] + "`", "build the target " + name};
}

std::string cache_folder() {
  std::string folder;
  if (const char *own = getenv("SYSTEMTAP_DIR"); own && *own)
    folder = own;
  else if (const char *cache = getenv("XDG_CACHE_HOME"); cache && *cache)
    folder = std::string(cache) + "/tapjit";
  else if (const char *home = getenv("HOME"); home && *home)
    folder = std::string(home) + "/.cache/tapjit";
  else
    return {};
  for (size_t slash = folder.find('/', 1); slash != std::string::npos; slash = folder.find('/', slash + 1))
    mkdir(folder.substr(0, slash).c_str(), 0700);
  mkdir(folder.c_str(), 0700);
  return access(folder.c_str(), W_OK) == 0 ? folder : std::string();
}

} // namespace tapjit::vm

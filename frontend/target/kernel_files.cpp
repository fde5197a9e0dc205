// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_files.h"

#include "frontend/target/debuginfo_finder.h"
#include "frontend/target/elf_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <vector>

namespace tapjit::target {

std::vector<std::string> debuginfo_roots(const SearchPlaces &places) {
  std::vector<std::string> roots;
  for (DebuginfoPlace &place : debuginfo_places(places))
    if (place.path.starts_with('/'))
      roots.push_back(std::move(place.path));
  return roots;
}

namespace {

bool is_directory(const std::string &path) {
  struct stat info;
  return stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

// The first of `paths` that is a file, and not `never` under another name.
std::string first_file(const std::vector<std::string> &paths, const std::string &never = "") {
  struct stat left_out = {}, info;
  const bool leaves_out = stat(never.c_str(), &left_out) == 0;
  for (const std::string &path : paths)
    if (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
        !(leaves_out && info.st_dev == left_out.st_dev && info.st_ino == left_out.st_ino))
      return path;
  return {};
}

std::string running_release() {
  struct utsname name;
  return uname(&name) == 0 ? name.release : "";
}

// Since 6.12 Debian's headers have such a vmlinux.
bool is_btf_alone(const std::string &path) {
  auto file = ElfFile::open(path);
  if (!file || !(*file)->has_section(".BTF"))
    return false;
  for (const ElfSection &section : (*file)->sections())
    if (section.is_code)
      return false;
  return true;
}

// Of a built tree its own; else under the names that distributions give it. A file with BTF alone is none: to look
// into `build` is usual, where Debian's headers have theirs.
std::string find_vmlinux(const KernelFiles &files, const SearchPlaces &places, bool own_build_tree) {
  std::vector<std::string> candidates;
  const std::string built = files.build_dir.empty() ? "" : files.build_dir + "/vmlinux";
  if (own_build_tree)
    candidates.push_back(built);
  for (const DebuginfoPlace &place : debuginfo_places(places)) {
    const bool is_root = place.path.starts_with('/');
    const std::string root = is_root ? place.path : places.root, beside = is_root ? "" : place.path + "/";
    if (is_root) {
      candidates.push_back(root); // an entry may name the file itself
      candidates.push_back(root + "/vmlinux-" + files.release);
    }
    candidates.push_back(root + "/boot/" + beside + "vmlinux-" + files.release);
    for (const char *form : {"/lib/modules/", "/usr/lib/modules/"})
      for (const char *name : {"vmlinux", "vmlinux.debug"})
        candidates.push_back(root + form + files.release + "/" + beside + name);
  }
  candidates.push_back(built);
  candidates.push_back(places.root + "/boot/vmlinux-" + files.release);
  return first_file(candidates, files.btf);
}

std::string find_image(const KernelFiles &files, const SearchPlaces &places, bool own_build_tree) {
  return first_file({own_build_tree ? files.build_dir + "/arch/x86/boot/bzImage" : "",
                     places.root + "/boot/vmlinuz-" + files.release,
                     places.root + "/lib/modules/" + files.release + "/vmlinuz",
                     places.root + "/usr/lib/modules/" + files.release + "/vmlinuz"});
}

// Debian's /boot/System.map is one line that names the package of the real one.
std::string find_system_map(const KernelFiles &files, const SearchPlaces &places) {
  std::vector<std::string> candidates;
  for (const std::string &root : debuginfo_roots(places))
    candidates.push_back(root + "/boot/System.map-" + files.release);
  candidates.push_back(places.root + "/lib/modules/" + files.release + "/System.map");
  if (!files.build_dir.empty())
    candidates.push_back(files.build_dir + "/System.map");
  candidates.push_back(places.root + "/boot/System.map-" + files.release);
  constexpr off_t smallest_real_map = 4096;
  for (const std::string &path : candidates) {
    struct stat info;
    if (stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) && info.st_size >= smallest_real_map)
      return path;
  }
  return {};
}

} // namespace

std::optional<std::string> read_text_file(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return std::nullopt;
  std::string text;
  char buffer[65536];
  ssize_t count;
  while ((count = read(fd, buffer, sizeof buffer)) > 0)
    text.append(buffer, static_cast<size_t>(count));
  close(fd);
  if (count < 0)
    return std::nullopt;
  return text;
}

// What modules built there will say, as the kernel that is to take them does. Debian's headers have another word in
// include/config/kernel.release (6.1.192 for 6.1.0-56-cloud-amd64).
std::string release_of_build_dir(const std::string &dir) {
  if (auto text = read_text_file(dir + "/include/generated/utsrelease.h")) {
    size_t open = text->find('"');
    size_t close = open == std::string::npos ? open : text->find('"', open + 1);
    if (close != std::string::npos)
      return text->substr(open + 1, close - open - 1);
  }
  auto text = read_text_file(dir + "/include/config/kernel.release");
  return text ? text->substr(0, text->find('\n')) : std::string();
}

Result<KernelFiles> find_kernel_files(std::string_view release_or_dir, const SearchPlaces &places) {
  KernelFiles files;
  bool own_build_tree = !release_or_dir.empty() && release_or_dir[0] == '/';
  if (own_build_tree) {
    files.build_dir = places.root + std::string(release_or_dir);
    if (!is_directory(files.build_dir))
      return Error{"kernel build tree `" + files.build_dir + "` is not a folder",
                   "give -r a kernel release or a configured build tree"};
    files.release = release_of_build_dir(files.build_dir);
    if (files.release.empty())
      return Error{"`" + files.build_dir + "` has no include/generated/utsrelease.h",
                   "prepare it with `make modules_prepare`"};
  } else {
    files.release = release_or_dir.empty() ? running_release() : std::string(release_or_dir);
    for (const char *modules : {"/lib/modules/", "/usr/lib/modules/"}) {
      std::string build = places.root + modules + files.release + "/build";
      if (files.build_dir.empty() && is_directory(build))
        files.build_dir = build;
    }
  }
  if (!files.build_dir.empty() && is_btf_alone(files.build_dir + "/vmlinux"))
    files.btf = files.build_dir + "/vmlinux";
  files.vmlinux = find_vmlinux(files, places, own_build_tree);
  files.image = find_image(files, places, own_build_tree);
  files.system_map = find_system_map(files, places);
  return files;
}

bool is_running_kernel(const std::string &release) { return release == running_release(); }

std::string debuginfo_advice(const std::string &release) {
  return "install `linux-image-" + release +
         "-dbg`, or name its folder in SYSTEMTAP_DEBUGINFO_PATH, or a server in "
         "DEBUGINFOD_URLS";
}

std::string program_advice(const SearchPlaces &places) {
  return "its debug symbols were looked for in " +
         (places.debuginfo_path.empty() ? "its folder, .debug and build there, and /usr/lib/debug"
                                        : "`" + places.debuginfo_path + "` (SYSTEMTAP_DEBUGINFO_PATH)") +
         "; install them (Debian: package NAME-dbgsym), or name their folder in SYSTEMTAP_DEBUGINFO_PATH, or a server "
         "in "
         "DEBUGINFOD_URLS";
}

std::optional<std::string> Kconfig::value(std::string_view name) const {
  std::string_view text = text_;
  for (size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    size_t equals = at + name.size();
    if ((at != 0 && text[at - 1] != '\n') || equals >= text.size() || text[equals] != '=')
      continue;
    std::string_view value = text.substr(equals + 1, text.find('\n', equals) - equals - 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"')
      value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return std::nullopt;
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/initramfs.h"

#include <cstdio>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/vm/cpio.h"
#include "tools/vm/elf_closure.h"
#include "tools/vm/host_files.h"

namespace tapjit::vm {
namespace {

// The folders that a merged /usr turns into links, so that each file has one place whatever name is used for it.
const char *const merged[] = {"bin", "sbin", "lib", "lib64"};

std::string merged_path(const std::string &path) {
  for (const char *folder : merged)
    if (path.starts_with(std::string("/") + folder + "/"))
      return "/usr" + path;
  return path;
}

Result<void> add_host_file(CpioWriter &archive, const std::string &host_path, const std::string &guest_path) {
  std::string place = merged_path(guest_path);
  if (archive.has(place))
    return {};
  struct stat facts;
  Result<std::string> content = read_whole_file(host_path);
  if (!content || stat(host_path.c_str(), &facts) != 0)
    return content ? Error{"cannot read `" + host_path + "`", ""} : content.error();
  archive.add_file(place, *content, facts.st_mode & 0777, facts.st_mtime);
  return {};
}

void add_skeleton(CpioWriter &archive) {
  for (const char *folder : merged) {
    archive.add_folder(std::string("usr/") + folder);
    archive.add_symlink(folder, std::string("usr/") + folder);
  }
  for (const char *folder : {"proc", "sys", "dev", "etc", "root", "var", "run", "home"})
    archive.add_folder(folder);
  archive.add_folder("tmp", 01777);
  archive.add_device("dev/console", 'c', 5, 1, 0600);
  archive.add_file("etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n", 0644);
  archive.add_file("etc/group", "root:x:0:\nstapdev:x:158:\nstapusr:x:156:\nnogroup:x:65534:\n", 0644);
  archive.add_file("etc/hosts", "127.0.0.1 localhost tapjit\n", 0644);
}

// The applets by asking busybox itself: `--list-full` prints paths like `usr/bin/wc`.
Result<void> add_busybox(CpioWriter &archive) {
  std::string busybox = find_in_path("busybox");
  if (busybox.empty())
    return Error{"`busybox` is not in PATH", "install the package busybox-static"};
  Result<ElfNeeds> needs = read_elf_needs(busybox);
  if (!needs)
    return needs.error();
  if (!needs->interpreter.empty())
    return Error{"`" + busybox + "` is not static", "install the package busybox-static"};
  if (Result<void> added = add_host_file(archive, busybox, "/usr/bin/busybox"); !added)
    return added;
  FILE *list = popen(("'" + busybox + "' --list-full").c_str(), "re");
  char line[256];
  while (list && fgets(line, sizeof(line), list)) {
    std::string applet(line);
    applet.resize(std::min(applet.size(), applet.find('\n')));
    if (!applet.empty() && applet != "init" && applet != "sbin/init")
      archive.add_symlink(merged_path("/" + applet), "/usr/bin/busybox");
  }
  if (!list || pclose(list) != 0)
    return Error{"`" + busybox + " --list-full` failed", ""};
  return {};
}

Result<void> add_modules(CpioWriter &archive, const InitramfsOptions &options) {
  std::vector<std::string> names{"virtio_pci", "virtio_console"};
  names.insert(names.end(), options.extra_modules.begin(), options.extra_modules.end());
  Result<std::vector<std::string>> order = module_load_order(options.release, names);
  if (!order)
    return order.error();
  std::string list;
  for (const std::string &path : *order) {
    if (Result<void> added = add_host_file(archive, path, path); !added)
      return added;
    list += path + "\n";
  }
  archive.add_file("etc/tapjit/modules", list, 0644);
  return {};
}

Result<void> add_tool(CpioWriter &archive, const std::string &name, const InitramfsOptions &options) {
  Result<std::string> path = support_file(name, options.support_folder);
  if (!path)
    return {};
  Result<std::vector<ProgramFile>> files = program_closure(*path);
  if (!files)
    return files.error();
  std::string place = "/usr/libexec/tapjit/" + name;
  for (size_t i = 0; i < files->size(); i++) {
    const ProgramFile &file = (*files)[i];
    if (Result<void> added = add_host_file(archive, file.host_path, i == 0 ? place : file.guest_path); !added)
      return added;
  }
  archive.add_symlink("/usr/bin/" + name, place);
  return {};
}

} // namespace

Result<std::string> build_initramfs(const InitramfsOptions &options) {
  CpioWriter archive;
  add_skeleton(archive);
  Result<std::string> init = support_file("tap-guest-init", options.support_folder);
  if (!init)
    return init.error();
  if (Result<void> added = add_host_file(archive, *init, "/init"); !added)
    return added.error();
  for (const char *tool : {"staprun", "stapio"})
    if (Result<void> added = add_tool(archive, tool, options); !added)
      return added.error();
  if (Result<void> added = add_modules(archive, options); !added)
    return added.error();
  if (Result<void> added = add_busybox(archive); !added)
    return added.error();
  return archive.finish();
}

} // namespace tapjit::vm

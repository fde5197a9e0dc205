// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/staprun/kernel_module.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace tapjit::staprun {
namespace {

const int unload_tries = 200;
const long unload_pause_ns = 50 * 1000 * 1000;

std::string running_release() {
  utsname names;
  uname(&names);
  return names.release;
}

Error load_error(const ModuleFile &module, int failure) {
  std::string observed = "cannot load module '" + module.name + "': ";
  switch (failure) {
  case EEXIST:
    return {observed + "a module of that name is loaded already",
            "unload it with 'staprun -d " + module.name + "', or use -R"};
  case EPERM:
    return {observed + "the kernel does not permit it (lockdown, or kernel.modules_disabled)", ""};
  case ENOKEY:
  case EKEYREJECTED:
    return {observed + "the kernel takes only modules signed with a key that it knows", ""};
  case ENOENT:
    return {observed + "it needs a symbol that this kernel does not have", "the kernel's log (dmesg) names it"};
  case ENOEXEC:
    return {observed + "the kernel refuses its format", "the kernel's log (dmesg) says why"};
  case ENOMEM:
    return {observed + "not enough memory for its arrays, frames and buffers",
            "lower MAXMAPENTRIES, MAXSTRINGLEN, MAXNESTING or STP_BUFFER_KB (stap -D), or -s"};
  case ENOSYS:
    return {observed + "this kernel loads no modules", "use stap --vm, or --runtime=user"};
  default:
    return {observed + strerror(failure), "the kernel's log (dmesg) may say why"};
  }
}

} // namespace

Result<void> may_load_modules() {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) == 0 && (data[0].effective & (1u << CAP_SYS_MODULE)))
    return {};
  return Error{"loading a kernel module needs root, or the capability CAP_SYS_MODULE",
               "run as root, or use --runtime=user or --vm"};
}

std::string join_parameters(const std::vector<std::string> &parameters) {
  std::string joined;
  for (const std::string &parameter : parameters) {
    size_t equals = parameter.find('=');
    bool quoted = parameter.find_first_of(" \t\n", equals) != std::string::npos;
    if (!joined.empty())
      joined += ' ';
    joined += parameter.substr(0, equals + 1);
    joined += quoted ? "\"" + parameter.substr(equals + 1) + "\"" : parameter.substr(equals + 1);
  }
  return joined;
}

std::string build_id_of_notes(std::string_view notes) {
  constexpr uint32_t build_id_type = 3; // NT_GNU_BUILD_ID
  auto padded = [](uint32_t size) { return (size_t(size) + 3) / 4 * 4; };
  uint32_t header[3]; // sizes of name and contents, type
  while (notes.size() >= sizeof header) {
    memcpy(header, notes.data(), sizeof header);
    notes.remove_prefix(sizeof header);
    if (padded(header[0]) > notes.size() || header[1] > notes.size() - padded(header[0]))
      break;
    std::string_view name = notes.substr(0, header[0]), contents = notes.substr(padded(header[0]), header[1]);
    if (header[2] == build_id_type && name == std::string_view("GNU\0", 4)) {
      std::string hex;
      for (unsigned char byte : contents) {
        hex += "0123456789abcdef"[byte >> 4];
        hex += "0123456789abcdef"[byte & 15];
      }
      return hex;
    }
    notes.remove_prefix(std::min(notes.size(), padded(header[0]) + padded(header[1])));
  }
  return {};
}

static std::string build_id_in(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  char notes[4096];
  ssize_t got = fd < 0 ? 0 : read(fd, notes, sizeof notes);
  if (fd >= 0)
    close(fd);
  return got > 0 ? build_id_of_notes({notes, size_t(got)}) : "";
}

Result<void> load_module(const ModuleFile &module, const std::vector<std::string> &parameters) {
  std::string running = running_release();
  if (module.release != running)
    return Error{"module '" + module.name + "' was built for " + module.release + ", running is " + running, ""};
  std::string build_id = module.build_id.empty() ? "" : build_id_in("/sys/kernel/notes");
  if (!build_id.empty() && build_id != module.build_id)
    return Error{"module '" + module.name + "' was made with the debug symbols of another build of " + running +
                     ": their build-id is " + module.build_id + ", that of the running kernel is " + build_id,
                 "install the debug symbols of the kernel that is running, or reboot into the one that is installed"};
  // Those that are loaded now; the module itself looks at the others when they come.
  for (const auto &[name, expected] : module.probed) {
    std::string loaded =
        name.find('/') != std::string::npos ? "" : build_id_in("/sys/module/" + name + "/notes/.note.gnu.build-id");
    if (!loaded.empty() && loaded != expected)
      return Error{
          "module '" + module.name + "' was made with another build of the module '" + name + "': its build-id is " +
              expected + ", that of the loaded one is " + loaded,
          "compile the script again with the file of the module that is loaded, or load the module of that file"};
  }
  std::string joined = join_parameters(parameters);
  // Not finit_module: who can write the file could change it after it was checked.
  long done = syscall(SYS_init_module, module.bytes.data(), module.bytes.size(), joined.c_str());
  return done == 0 ? Result<void>() : Result<void>(load_error(module, errno));
}

Result<void> unload_module(const std::string &name) {
  for (int i = 0; i < unload_tries; i++) {
    if (syscall(SYS_delete_module, name.c_str(), O_NONBLOCK) == 0)
      return {};
    if (errno != EAGAIN && errno != EBUSY)
      return Error{"cannot unload module '" + name + "': " + strerror(errno), ""};
    timespec pause{0, unload_pause_ns};
    nanosleep(&pause, nullptr);
  }
  return Error{"cannot unload module '" + name + "': it is in use", "end what uses it, then 'staprun -d " + name + "'"};
}

std::vector<std::string> loaded_sessions() {
  std::vector<std::string> names;
  DIR *folder = opendir("/sys/class/misc");
  while (dirent *entry = folder ? readdir(folder) : nullptr)
    if (strncmp(entry->d_name, "systemtap!", 10) == 0)
      names.emplace_back(entry->d_name + 10);
  if (folder)
    closedir(folder);
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace tapjit::staprun

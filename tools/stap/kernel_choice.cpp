// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/kernel_choice.h"

#include "codegen/clang/profile.h"
#include "frontend/target/kernel_files.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace tapjit {

namespace {

namespace fs = std::filesystem;

std::string running_release() {
  utsname names{};
  uname(&names);
  return names.release;
}

bool has_headers(const std::string &release) {
  std::error_code error;
  return fs::exists("/lib/modules/" + release + "/build/include/generated/autoconf.h", error);
}

bool has_debug_symbols(const std::string &release) {
  std::error_code error;
  return fs::exists("/usr/lib/debug/boot/vmlinux-" + release, error) ||
         fs::exists("/usr/lib/debug/lib/modules/" + release + "/vmlinux", error);
}

// Empty: modules can be loaded here; else why not. `has_tree`: headers were named.
std::string why_no_modules(bool has_tree) {
  if (access("/proc/modules", F_OK) != 0)
    return fmt::format("this kernel ({}) takes no modules (CONFIG_MODULES is off)", running_release());
  if (geteuid() != 0)
    return "loading a module needs root";
  if (!has_tree && !has_headers(running_release()))
    return fmt::format("the headers of this kernel ({}) are not installed", running_release());
  return "";
}

std::string advice_for_guest() {
  std::vector<std::string> kernels = installed_kernels();
  if (kernels.empty())
    return "`--vm` runs the script in a guest; install linux-image-cloud-amd64, linux-headers-cloud-amd64 and "
           "linux-image-cloud-amd64-dbg for it";
  return fmt::format("add `--vm` to run it in a guest with kernel {}", kernels.front());
}

Result<KernelChoice> kernel_for(const std::string &release_or_dir, Where where) {
  auto build_dir = codegen::kernel_build_dir(release_or_dir);
  if (!build_dir) {
    Error error = build_dir.error();
    if (std::vector<std::string> kernels = installed_kernels(); !kernels.empty())
      error.advice += fmt::format("; kernels with headers here: {}", fmt::join(kernels, ", "));
    return error;
  }
  KernelChoice choice;
  choice.where = where;
  choice.build_dir = *build_dir;
  choice.release = release_or_dir.empty() ? running_release() : release_or_dir;
  if (choice.release.find('/') != std::string::npos) { // a build directory names its release itself
    choice.release = target::release_of_build_dir(*build_dir);
    if (choice.release.empty())
      return Error{
          fmt::format("`{}` is no kernel build directory: include/generated/utsrelease.h is missing", *build_dir),
          "prepare it with `make modules_prepare`"};
    choice.own_tree = release_or_dir != "/lib/modules/" + choice.release + "/build";
  }
  return choice;
}

Result<KernelChoice> choose_guest(const Options &options) {
  std::string release = !options.vm->empty() ? *options.vm : options.release_or_dir;
  if (release.empty()) {
    std::vector<std::string> kernels = installed_kernels();
    if (kernels.empty())
      return Error{"option --vm: no kernel for a guest is installed (a /boot/vmlinuz-RELEASE with its headers)",
                   "apt install linux-image-cloud-amd64 linux-headers-cloud-amd64 linux-image-cloud-amd64-dbg"};
    release = kernels.front();
  } else if (release[0] != '/' && access(("/boot/vmlinuz-" + release).c_str(), F_OK) != 0) {
    std::vector<std::string> kernels = installed_kernels();
    return Error{fmt::format("option --vm: kernel {0} is not installed (/boot/vmlinuz-{0} is missing)", release),
                 kernels.empty()
                     ? fmt::format("apt install linux-image-{0} linux-headers-{0} linux-image-{0}-dbg", release)
                     : fmt::format("installed with headers: {}", fmt::join(kernels, ", "))};
  }
  return kernel_for(release, options.last_pass == 5 ? Where::Guest : Where::Nowhere);
}

KernelChoice user_choice(const Options &options, std::string why) {
  KernelChoice choice;
  choice.user_runtime = true;
  choice.release = running_release(); // what `kernel_v` means there
  choice.where = options.last_pass == 5 ? Where::Process : Where::Nowhere;
  choice.why_user = std::move(why);
  return choice;
}

} // namespace

std::vector<std::string> installed_kernels() {
  std::vector<std::string> releases;
  std::error_code error;
  for (const fs::directory_entry &entry : fs::directory_iterator("/boot", error)) {
    std::string name = entry.path().filename();
    constexpr std::string_view prefix = "vmlinuz-";
    if (name.starts_with(prefix) && has_headers(name.substr(prefix.size())))
      releases.push_back(name.substr(prefix.size()));
  }
  std::sort(releases.begin(), releases.end(), [](const std::string &a, const std::string &b) {
    if (has_debug_symbols(a) != has_debug_symbols(b))
      return has_debug_symbols(a);
    return strverscmp(a.c_str(), b.c_str()) > 0;
  });
  return releases;
}

Result<KernelChoice> choose_kernel(const Options &options) {
  if (options.runtime == RuntimeChoice::User)
    return user_choice(options, "");
  if (options.vm)
    return choose_guest(options);
  if (!options.release_or_dir.empty() && options.release_or_dir != running_release()) {
    auto choice = kernel_for(options.release_or_dir, Where::Nowhere);
    if (!choice || options.last_pass < 5)
      return choice;
    if (choice->release != running_release())
      return Error{
          fmt::format("option -r {}: this machine runs {}, so the module cannot be loaded here", options.release_or_dir,
                      running_release()),
          fmt::format("stop after compiling with -p4, or run it in a guest with --vm={}", options.release_or_dir)};
    if (std::string why_not = why_no_modules(true); !why_not.empty())
      return Error{why_not, advice_for_guest()};
    choice->where = Where::Host;
    return choice;
  }
  std::string why_not = why_no_modules(false);
  if (options.last_pass == 5 && why_not.empty())
    return kernel_for("", Where::Host);
  if (options.runtime == RuntimeChoice::Kernel) {
    if (options.last_pass == 5)
      return Error{why_not, advice_for_guest()};
    return kernel_for("", Where::Nowhere);
  }
  if (options.last_pass < 5 && has_headers(running_release()))
    return kernel_for("", Where::Nowhere);
  return user_choice(options, why_not.empty()
                                  ? fmt::format("the headers of this kernel ({}) are not installed", running_release())
                                  : why_not);
}

} // namespace tapjit

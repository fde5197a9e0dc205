// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/kvm_trial.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tools/vm/host_files.h"

namespace tapjit::vm {
namespace {

std::string memory_file() {
  std::string folder = cache_folder();
  return folder.empty() ? folder : folder + "/kvm-trial";
}

std::string this_kernel() {
  utsname names;
  uname(&names);
  return std::string(names.release) + " " + names.version;
}

} // namespace

KvmTrial kvm_trial(Accelerator wanted) {
  if (wanted == Accelerator::Automatic) {
    const char *chosen = getenv("TAPJIT_VM_ACCEL");
    if (chosen && strcmp(chosen, "tcg") == 0)
      wanted = Accelerator::Tcg;
    if (chosen && strcmp(chosen, "kvm") == 0)
      wanted = Accelerator::Kvm;
  }
  if (wanted == Accelerator::Kvm)
    return KvmTrial::UseKvm;
  if (wanted == Accelerator::Tcg || access("/dev/kvm", R_OK | W_OK) != 0)
    return KvmTrial::UseTcg;
  Result<std::string> known = read_whole_file(memory_file());
  if (known && *known == "works on " + this_kernel() + "\n")
    return KvmTrial::UseKvm;
  if (known && *known == "fails on " + this_kernel() + "\n")
    return KvmTrial::UseTcg;
  return KvmTrial::Try;
}

void remember_kvm_trial(bool works) {
  std::string path = memory_file();
  if (path.empty())
    return;
  std::string text = (works ? "works on " : "fails on ") + this_kernel() + "\n";
  std::string temporary = path + "." + std::to_string(getpid());
  int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (file < 0)
    return;
  bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  if (!written || rename(temporary.c_str(), path.c_str()) != 0)
    unlink(temporary.c_str());
}

} // namespace tapjit::vm

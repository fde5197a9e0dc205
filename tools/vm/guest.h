// SPDX-License-Identifier: GPL-2.0-or-later
// A throw-away guest with a kernel of this machine's choice: boot it, put files into it, run programs in it one after
// the other, power it off. The same calls work on a guest of our own and on one that `tap-vm serve` keeps.
//
// Standard output and standard error of a program come apart and byte-exact; kernel messages go to the console, a log
// of its own. Every call returns when its work is done; a guest that dies or hangs ends in an Error that shows the tail
// of its console.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::vm {

using std::chrono::milliseconds;

enum class Accelerator { Automatic, Tcg, Kvm };

struct BootOptions {
  std::string release;        // of the kernel, as in /boot/vmlinuz-RELEASE
  std::string support_folder; // where tap-guest-init, staprun and stapio are; empty: beside this program
  std::vector<std::string> extra_modules;
  std::string extra_command_line;
  unsigned memory_megabytes = 768;
  unsigned processors = 2;
  // Automatic: $TAPJIT_VM_ACCEL (tcg, kvm), else KVM where a boot under it has worked before (tried once, remembered in
  // the cache folder), else TCG.
  Accelerator accelerator = Accelerator::Automatic;
  // QEMU's -icount: one instruction is one nanosecond and one tick of the guest's TSC, whatever else this machine
  // does. TCG, and one processor: QEMU 7.2 does not start a second one so.
  bool count_instructions = false;
  milliseconds ready_limit{90000};
  int interrupt_fd = -1; // as in RunRequest; ends the boot
  bool progress = true;  // a line on standard error when booting takes more than two seconds
};

struct RunRequest {
  std::vector<std::string> arguments;             // the program (searched in the guest's PATH) and its arguments
  std::map<std::string, std::string> environment; // added to the guest's own
  std::string working_folder;                     // made when it is not there; empty: /
  int stdin_fd = -1;                              // read to its end for the program; -1: /dev/null
  // Each byte that can be read from it is the number of a signal for the program and all it started, as ^C in a
  // terminal is. Not closed.
  int interrupt_fd = -1;
  bool end_all = false;       // what the program started and did not wait for is killed when it ends
  milliseconds time_limit{0}; // 0: none
  // A guest from which nothing came for so long is asked for a sign of life; with none for as long again, it hangs.
  milliseconds silence_limit{30000};
};

// Where output goes: a descriptor, or a function when there is none.
struct RunOutput {
  int stdout_fd = -1;
  int stderr_fd = -1;
  std::function<void(std::string_view)> on_stdout;
  std::function<void(std::string_view)> on_stderr;
};

struct RunStatus {
  int wait_status = 0;   // as wait(2) gives it
  int exit_code() const; // 128 + signal number for a program that a signal ended
};

struct KernelMessages {
  std::vector<std::string> lines; // "[seconds.micros] text", oldest first
  uint64_t next_sequence = 0;     // for the next call
};

class GuestProcess;

class Guest {
public:
  static Result<Guest> boot(const BootOptions &options);
  static Result<Guest> connect(const std::string &socket_path);

  Guest(Guest &&) noexcept;
  Guest &operator=(Guest &&) noexcept;
  ~Guest(); // ends a guest of our own without asking it

  // Parents are made. The file is replaced in one step, so that its users keep the old one.
  Result<void> put_file(const std::string &host_path, const std::string &guest_path, unsigned mode);
  Result<void> put_bytes(std::string_view bytes, const std::string &guest_path, unsigned mode, int64_t mtime = 0);

  // The program with the libraries that it names, each at its own path; files that are there already (same size and
  // time) are not sent again.
  Result<void> put_program(const std::string &host_path);

  Result<bool> has_file(const std::string &guest_path);

  Result<RunStatus> run(const RunRequest &request, const RunOutput &output);
  Result<void> signal(int number); // to the program that run() waits for; from its callbacks

  // Kernel messages with sequence numbers from `first` on.
  Result<KernelMessages> kernel_messages(uint64_t first);

  Result<std::string> console(); // all that the kernel printed on it
  Result<void> power_off();      // waits for the end; of a served guest: ends the server
  const std::string &release() const;

  // The process of a guest of our own, for one who speaks to the agent himself (session_server).
  std::unique_ptr<GuestProcess> take_process() &&;

private:
  struct State;
  Error hung(milliseconds limit);
  explicit Guest(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Those of `lines` with which a kernel says that something went wrong in it: BUG, WARNING, Oops, lockdep, RCU stalls...
std::vector<std::string> kernel_problems(const std::vector<std::string> &lines);

} // namespace tapjit::vm

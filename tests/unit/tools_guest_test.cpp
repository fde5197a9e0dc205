// SPDX-License-Identifier: GPL-2.0-or-later
// A real guest, booted once for all tests of this file but the last.
#include <csignal>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <unistd.h>

#include "tools/vm/elf_closure.h"
#include "tools/vm/guest.h"
#include "tools/vm/host_files.h"

using namespace tapjit;
using namespace tapjit::vm;

namespace {

BootOptions boot_options() {
  BootOptions options;
  options.release = newest_installed_release();
  options.support_folder = TAPJIT_BINARY_DIR "/bin";
  options.progress = false;
  return options;
}

// Of this process, by any of its threads.
std::set<pid_t> children() {
  std::set<pid_t> all;
  for (const auto &task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(task.path() / "children");
    for (pid_t pid; file >> pid;)
      all.insert(pid);
  }
  return all;
}

class GuestTest : public testing::Test {
protected:
  static void SetUpTestSuite() {
    if (newest_installed_release().empty() || find_in_path("qemu-system-x86_64").empty())
      return;
    Result<Guest> booted = Guest::boot(boot_options());
    ASSERT_TRUE(booted) << booted.error().observed;
    guest_ = std::make_unique<Guest>(std::move(*booted));
  }
  static void TearDownTestSuite() {
    if (guest_)
      EXPECT_TRUE(guest_->power_off());
    guest_.reset();
  }
  void SetUp() override {
    if (!guest_)
      GTEST_SKIP() << "no QEMU or no kernel is installed, or the guest did not boot";
  }

  Result<RunStatus> run(std::vector<std::string> words, RunRequest request = {}) {
    out_.clear();
    err_.clear();
    request.arguments = std::move(words);
    if (request.time_limit.count() == 0)
      request.time_limit = std::chrono::seconds(30);
    RunOutput output;
    output.on_stdout = [this](std::string_view bytes) { out_ += bytes; };
    output.on_stderr = [this](std::string_view bytes) { err_ += bytes; };
    return guest_->run(request, output);
  }

  static std::unique_ptr<Guest> guest_;
  std::string out_, err_;
};
std::unique_ptr<Guest> GuestTest::guest_;

TEST_F(GuestTest, OutputsComeApartWithTheExitCode) {
  Result<RunStatus> status = run({"sh", "-c", "printf 'a\\0b\\r\\n'; echo oops >&2; exit 7"});
  ASSERT_TRUE(status) << status.error().observed;
  EXPECT_EQ(status->exit_code(), 7);
  EXPECT_EQ(out_, std::string("a\0b\r\n", 5));
  EXPECT_EQ(err_, "oops\n");
}

TEST_F(GuestTest, RunsTheKernelThatWasAskedFor) {
  ASSERT_TRUE(run({"uname", "-r"}));
  EXPECT_EQ(out_, newest_installed_release() + "\n");
  EXPECT_EQ(guest_->release(), newest_installed_release());
}

TEST_F(GuestTest, MuchOutputIsWhole) {
  ASSERT_TRUE(run({"seq", "1", "200000"}));
  std::string expected;
  for (int i = 1; i <= 200000; i++)
    expected += std::to_string(i) + "\n";
  EXPECT_EQ(out_, expected);
}

TEST_F(GuestTest, FilesAndPrograms) {
  std::string bytes(100000, '\0');
  for (size_t i = 0; i < bytes.size(); i++)
    bytes[i] = static_cast<char>(i * 7);
  ASSERT_TRUE(guest_->put_bytes(bytes, "/tmp/deep/folder/file", 0600));
  ASSERT_TRUE(run({"cat", "/tmp/deep/folder/file"}));
  EXPECT_EQ(out_, bytes);
  Result<bool> there = guest_->has_file("/tmp/none");
  ASSERT_TRUE(there);
  EXPECT_FALSE(*there);
  std::string host_program = find_in_path("getent"); // not in busybox
  ASSERT_FALSE(host_program.empty());
  ASSERT_TRUE(guest_->put_program(host_program));
  Result<RunStatus> status = run({host_program, "--version"});
  ASSERT_TRUE(status) << status.error().observed;
  EXPECT_EQ(status->exit_code(), 0) << err_;
}

TEST_F(GuestTest, MissingProgram) {
  Result<RunStatus> status = run({"no-such-program"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().observed, "cannot start `no-such-program` in the guest: No such file or directory");
}

TEST_F(GuestTest, InterruptsArePassedOn) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  unsigned char number = SIGINT;
  ASSERT_EQ(write(ends[1], &number, 1), 1);
  RunRequest request;
  request.interrupt_fd = ends[0];
  Result<RunStatus> status = run({"sleep", "100"}, request);
  ASSERT_TRUE(status) << status.error().observed;
  EXPECT_EQ(status->exit_code(), 128 + SIGINT);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(GuestTest, TimeLimit) {
  RunRequest request;
  request.time_limit = std::chrono::milliseconds(300);
  Result<RunStatus> status = run({"sleep", "100"}, request);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().observed.find("`sleep` did not end within 300 ms"), std::string::npos);
  ASSERT_TRUE(run({"echo", "still", "there"}));
  EXPECT_EQ(out_, "still there\n");
}

TEST_F(GuestTest, KernelMessagesOfOneRun) {
  Result<KernelMessages> before = guest_->kernel_messages(0);
  ASSERT_TRUE(before);
  EXPECT_GT(before->lines.size(), 50u);
  EXPECT_EQ(kernel_problems(before->lines), std::vector<std::string>());
  ASSERT_TRUE(run({"sh", "-c", "echo 'WARNING: made up' > /dev/kmsg"}));
  Result<KernelMessages> after = guest_->kernel_messages(before->next_sequence);
  ASSERT_TRUE(after);
  EXPECT_EQ(kernel_problems(after->lines).size(), 1u);
}

TEST_F(GuestTest, StaprunRefusesWhatIsNoModule) {
  Result<RunStatus> status = run({"staprun", "/init"});
  ASSERT_TRUE(status) << status.error().observed;
  EXPECT_EQ(status->exit_code(), 1);
  EXPECT_NE(err_.find("is not a kernel module"), std::string::npos) << err_;
}

// A machine that stands still: QEMU itself is stopped, from a program's output on.
TEST(GuestHang, EndsWithTheConsole) {
  if (newest_installed_release().empty() || find_in_path("qemu-system-x86_64").empty())
    GTEST_SKIP() << "no QEMU or no kernel is installed";
  std::set<pid_t> others = children();
  Result<Guest> guest = Guest::boot(boot_options());
  ASSERT_TRUE(guest) << guest.error().observed;
  std::set<pid_t> machines = children();
  for (pid_t other : others)
    machines.erase(other);
  RunRequest request;
  request.silence_limit = std::chrono::seconds(2);
  request.arguments = {"sh", "-c", "sleep 6; echo there; sleep 100"};
  RunOutput output;
  int heard = 0;
  output.on_stdout = [&](std::string_view bytes) {
    EXPECT_EQ(bytes, "there\n"); // it was silent for longer than the limit, and alive
    heard++;
    for (pid_t machine : machines)
      kill(machine, SIGSTOP);
  };
  Result<RunStatus> status = guest->run(request, output);
  EXPECT_EQ(heard, 1);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().observed.find("the guest hangs"), std::string::npos) << status.error().observed;
  EXPECT_NE(status.error().observed.find("Run /init"), std::string::npos) << status.error().observed;
}

TEST_F(GuestTest, DeathShowsTheConsole) {
  RunRequest request;
  request.time_limit = std::chrono::seconds(30);
  Result<RunStatus> status = run({"sh", "-c", "echo c > /proc/sysrq-trigger; sleep 30"}, request);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().observed.find("sysrq triggered crash"), std::string::npos) << status.error().observed;
  guest_.reset();
}

} // namespace

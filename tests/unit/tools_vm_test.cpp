// SPDX-License-Identifier: GPL-2.0-or-later
// The parts of the guest that need no guest: archive, frames, library resolution, kernel files, command words.
#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tools/vm/channel.h"
#include "tools/vm/cpio.h"
#include "tools/vm/elf_closure.h"
#include "tools/vm/frame_codec.h"
#include "tools/vm/guest.h"
#include "tools/vm/guest_process.h"
#include "tools/vm/host_files.h"
#include "tools/vm/output_file.h"
#include "tools/vm/run_module.h"

using namespace tapjit;
using namespace tapjit::vm;

namespace {

uint32_t field(const std::string &archive, size_t entry, int index) {
  return static_cast<uint32_t>(strtoul(archive.substr(entry + 6 + index * 8, 8).c_str(), nullptr, 16));
}

TEST(Cpio, EntryLayout) {
  CpioWriter writer;
  writer.add_file("/etc/x", "hello", 0640, 77);
  std::string archive = writer.finish();
  EXPECT_EQ(archive.substr(0, 6), "070701");
  EXPECT_EQ(field(archive, 0, 1), 040755u); // the parent comes first
  EXPECT_EQ(archive.substr(110, 4), std::string("etc\0", 4));
  size_t second = 116; // 110 + 4, up to a multiple of four
  EXPECT_EQ(archive.substr(second, 6), "070701");
  EXPECT_EQ(field(archive, second, 1), 0100640u);
  EXPECT_EQ(field(archive, second, 5), 77u);
  EXPECT_EQ(field(archive, second, 6), 5u);
  EXPECT_EQ(field(archive, second, 11), 6u);
  EXPECT_EQ(archive.substr(second + 110, 6), std::string("etc/x\0", 6));
  EXPECT_EQ(archive.substr(second + 116, 8), std::string("hello\0\0\0", 8));
  EXPECT_NE(archive.find("TRAILER!!!"), std::string::npos);
  EXPECT_EQ(archive.size() % 4, 0u);
}

TEST(Cpio, SecondNameIsLeftAlone) {
  CpioWriter writer;
  writer.add_symlink("bin", "usr/bin");
  EXPECT_TRUE(writer.has("/bin"));
  writer.add_file("bin", "not this", 0644);
  EXPECT_EQ(writer.finish().find("not this"), std::string::npos);
}

TEST(Cpio, ReadByCpio) {
  if (find_in_path("cpio").empty())
    GTEST_SKIP() << "cpio is not installed";
  CpioWriter writer;
  writer.add_folder("a/b/c");
  writer.add_file("a/b/c/file", std::string(1001, 'x'), 0755);
  writer.add_symlink("a/link", "b/c/file");
  writer.add_device("dev/console", 'c', 5, 1, 0600);
  std::string path = testing::TempDir() + "tapjit-cpio-test";
  FILE *file = fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::string archive = writer.finish();
  fwrite(archive.data(), 1, archive.size(), file);
  fclose(file);
  FILE *listing = popen(("cpio -t --quiet < " + path).c_str(), "r");
  std::string names;
  for (char line[256]; listing && fgets(line, sizeof(line), listing);)
    names += line;
  EXPECT_EQ(pclose(listing), 0);
  EXPECT_EQ(names, "a\na/b\na/b/c\na/b/c/file\na/link\ndev\ndev/console\n");
  unlink(path.c_str());
}

TEST(Frames, AnyPieces) {
  std::string stream;
  for (uint32_t i = 0; i < 50; i++)
    stream += encode_frame(i, VM_STDOUT, std::string(i * 7, static_cast<char>('a' + i % 26)));
  for (size_t piece : {1u, 5u, 64u, 100000u}) {
    FrameDecoder decoder;
    uint32_t next = 0;
    for (size_t at = 0; at < stream.size(); at += piece) {
      decoder.feed(std::string_view(stream).substr(at, piece));
      while (std::optional<Frame> frame = decoder.next()) {
        EXPECT_EQ(frame->id, next);
        EXPECT_EQ(frame->type, VM_STDOUT);
        EXPECT_EQ(frame->payload, std::string(next * 7, static_cast<char>('a' + next % 26)));
        next++;
      }
    }
    EXPECT_EQ(next, 50u);
    EXPECT_FALSE(decoder.broken());
  }
}

TEST(Frames, TooLongIsBroken) {
  vm_frame header{1, VM_STDOUT, 0, VM_FRAME_LIMIT + 1};
  FrameDecoder decoder;
  decoder.feed(bytes_of(header));
  EXPECT_FALSE(decoder.next());
  EXPECT_TRUE(decoder.broken());
}

TEST(Frames, RunPayload) {
  std::string payload = encode_run({"ls", "-l"}, {{"A", "1"}}, "/tmp", VM_RUN_STDIN);
  std::optional<vm_run> run = read_struct<vm_run>(payload);
  ASSERT_TRUE(run);
  EXPECT_EQ(run->flags, uint32_t{VM_RUN_STDIN});
  EXPECT_EQ(run->argument_count, 2u);
  EXPECT_EQ(run->environment_count, 1u);
  EXPECT_EQ(payload.substr(sizeof(vm_run)), std::string("/tmp\0ls\0-l\0A=1\0", 15));
}

TEST(Channel, TakesWhatCameBeforeTheEnd) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  Channel channel(ends[0]);
  std::string bytes = encode_frame(7, VM_EXIT, "x");
  ASSERT_EQ(write(ends[1], bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  close(ends[1]);
  EXPECT_TRUE(channel.receive());
  std::optional<Frame> frame = channel.take();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->id, 7u);
  EXPECT_FALSE(channel.receive());
  close(ends[0]);
}

TEST(ElfClosure, OwnProgram) {
  Result<std::vector<ProgramFile>> files = program_closure("/proc/self/exe");
  ASSERT_TRUE(files) << files.error().observed;
  auto has = [&files](const char *name) {
    return std::any_of(files->begin(), files->end(),
                       [name](const ProgramFile &file) { return file.guest_path.ends_with(name); });
  };
  EXPECT_EQ((*files)[0].host_path, "/proc/self/exe");
  EXPECT_TRUE(has("/ld-linux-x86-64.so.2"));
  EXPECT_TRUE(has("/libc.so.6"));
  EXPECT_TRUE(has("/libstdc++.so.6"));
  for (const ProgramFile &file : *files)
    EXPECT_EQ(access(file.host_path.c_str(), R_OK), 0) << file.host_path;
}

TEST(ElfClosure, ScriptBringsItsInterpreter) {
  std::string path = testing::TempDir() + "tapjit-script-test";
  FILE *file = fopen(path.c_str(), "w");
  ASSERT_NE(file, nullptr);
  fputs("#!/bin/sh\necho\n", file);
  fclose(file);
  Result<std::vector<ProgramFile>> files = program_closure(path);
  ASSERT_TRUE(files) << files.error().observed;
  EXPECT_EQ((*files)[1].host_path, "/bin/sh");
  unlink(path.c_str());
}

TEST(ElfClosure, Errors) {
  Result<std::vector<ProgramFile>> missing = program_closure("/nonexistent/program");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().observed, "cannot open `/nonexistent/program`: No such file or directory");
  Result<std::vector<ProgramFile>> text = program_closure("/etc/passwd");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().observed, "`/etc/passwd` is not an ELF file");
  EXPECT_EQ(find_in_path("no-such-program-anywhere"), "");
}

TEST(HostFiles, MissingKernelNamesThoseThereAre) {
  Result<std::string> image = kernel_image("0.0.0-none");
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().observed,
            "no kernel image for the release `0.0.0-none`: `/boot/vmlinuz-0.0.0-none` is not there");
  EXPECT_FALSE(image.error().advice.empty());
}

TEST(HostFiles, ModulesComeAfterWhatTheyNeed) {
  std::string release = newest_installed_release();
  if (release.empty())
    GTEST_SKIP() << "no kernel is installed";
  Result<std::vector<std::string>> order = module_load_order(release, {"nf_nat", "nf-nat-ftp", "no_such"});
  ASSERT_TRUE(order) << order.error().observed;
  auto position = [&order](const char *name) {
    for (size_t i = 0; i < order->size(); i++)
      if ((*order)[i].find(name) != std::string::npos)
        return static_cast<int>(i);
    return -1;
  };
  EXPECT_GE(position("/libcrc32c.ko"), 0);
  EXPECT_LT(position("/libcrc32c.ko"), position("/nf_conntrack.ko"));
  EXPECT_LT(position("/nf_conntrack.ko"), position("/nf_nat.ko"));
  EXPECT_LT(position("/nf_nat.ko"), position("/nf_nat_ftp.ko"));
}

TEST(RunModule, CommandPrograms) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(command_programs("dd if=/dev/zero of=/dev/null count=1"), Words({"dd"}));
  EXPECT_EQ(command_programs("cat /proc/uptime | wc -l; ./a.out && \"ls\""), Words({"cat", "wc", "./a.out", "ls"}));
  EXPECT_EQ(command_programs("FOO=1 env -i prog"), Words({"prog"}));
  EXPECT_EQ(command_programs("while true; do date; done"), Words({"true", "date"}));
  EXPECT_EQ(command_programs(""), Words());
}

TEST(KernelProblems, OnlyRealOnes) {
  std::vector<std::string> lines{
      "[1.0] x: loading out-of-tree module taints kernel.", "[1.1] WARNING: CPU: 0 PID: 1 at kernel/x.c:1 f+0x1/0x2",
      "[1.2] BUG: kernel NULL pointer dereference, address: 0000000000000008",
      "[1.3] rcu: INFO: rcu_preempt self-detected stall on CPU", "[1.4] Bluetooth: DEBUG on"};
  EXPECT_EQ(kernel_problems(lines), std::vector<std::string>({lines[1], lines[2], lines[3]}));
}

TEST(Machine, Arguments) {
  MachineOptions options;
  options.release = "6.1";
  options.extra_command_line = "nokaslr";
  std::vector<std::string> words = machine_arguments(options, "qemu", "/boot/vmlinuz-6.1", 5, 6, 7);
  auto has = [&words](const std::string &word) { return std::find(words.begin(), words.end(), word) != words.end(); };
  EXPECT_TRUE(has("tcg,thread=single"));
  EXPECT_TRUE(has("/proc/self/fd/5"));
  EXPECT_TRUE(has("socket,id=agent,fd=7"));
  options.use_kvm = true;
  words = machine_arguments(options, "qemu", "/boot/vmlinuz-6.1", 5, 6, 7);
  EXPECT_TRUE(has("kvm"));
  EXPECT_FALSE(has("-icount"));
  options.use_kvm = false;
  options.count_instructions = true;
  words = machine_arguments(options, "qemu", "/boot/vmlinuz-6.1", 5, 6, 7);
  EXPECT_TRUE(has("-icount"));
}

TEST(OutputFile, DropsOnceTheReaderIsGone) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  signal(SIGPIPE, SIG_IGN);
  OutputFile file(ends[1], -1, [] { return true; });
  EXPECT_TRUE(file.write("abc"));
  char bytes[8];
  EXPECT_EQ(read(ends[0], bytes, sizeof(bytes)), 3);
  close(ends[0]);
  EXPECT_FALSE(file.write("def"));
  EXPECT_TRUE(file.write("ghi"));
  close(ends[1]);
}

} // namespace

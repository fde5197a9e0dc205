// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_files.h"

#include <cstdlib>
#include <cstring>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>

namespace tapjit::target {

namespace fs = std::filesystem;

// A file system of its own, removed at the end.
class KernelFilesTest : public testing::Test {
protected:
  void SetUp() override {
    char name[] = "/tmp/tapjit-files-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }
  void write(const std::string &path, const std::string &text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  KernelFiles find(const std::string &what, const std::string &debuginfo_path = "") {
    auto files = find_kernel_files(what, {root_, debuginfo_path});
    EXPECT_TRUE(files);
    return files ? *files : KernelFiles{};
  }
  std::string root_;
};

TEST_F(KernelFilesTest, FindsWhatDebianInstalls) {
  write("/usr/lib/debug/boot/vmlinux-6.1.0", "elf");
  write("/usr/lib/debug/boot/System.map-6.1.0", std::string(5000, 'x'));
  write("/lib/modules/6.1.0/build/.config", "CONFIG_X=y\n");
  KernelFiles files = find("6.1.0");
  EXPECT_EQ(files.release, "6.1.0");
  EXPECT_EQ(files.vmlinux, root_ + "/usr/lib/debug/boot/vmlinux-6.1.0");
  EXPECT_EQ(files.system_map, root_ + "/usr/lib/debug/boot/System.map-6.1.0");
  EXPECT_EQ(files.build_dir, root_ + "/lib/modules/6.1.0/build");
}

TEST_F(KernelFilesTest, FindsWhatFedoraInstalls) {
  write("/usr/lib/debug/lib/modules/6.8.5/vmlinux", "elf");
  EXPECT_EQ(find("6.8.5").vmlinux, root_ + "/usr/lib/debug/lib/modules/6.8.5/vmlinux");
}

TEST_F(KernelFilesTest, DebuginfoPathReplacesTheUsualPlaces) {
  write("/usr/lib/debug/boot/vmlinux-6.1.0", "usual");
  write("/elsewhere/boot/vmlinux-6.1.0", "other");
  EXPECT_EQ(find("6.1.0", "+:.debug:-/elsewhere:build").vmlinux, root_ + "/elsewhere/boot/vmlinux-6.1.0");
  write("/one/file", "elf");
  EXPECT_EQ(find("6.1.0", "/one/file").vmlinux, root_ + "/one/file");
}

// An ELF file with one section of that name, and no code.
std::string elf_with(std::string_view section) {
  std::string names =
      std::string(1, '\0') + ".shstrtab" + std::string(1, '\0') + std::string(section) + std::string(1, '\0');
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_EXEC;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_ehsize = sizeof header;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 3;
  header.e_shstrndx = 1;
  header.e_shoff = sizeof header;
  Elf64_Shdr sections[3] = {};
  const uint64_t behind = sizeof header + sizeof sections;
  sections[1].sh_name = 1;
  sections[1].sh_type = SHT_STRTAB;
  sections[1].sh_offset = behind;
  sections[1].sh_size = names.size();
  sections[2].sh_name = 11;
  sections[2].sh_type = SHT_PROGBITS;
  sections[2].sh_flags = SHF_ALLOC;
  sections[2].sh_offset = behind;
  sections[2].sh_size = names.size();
  return std::string(reinterpret_cast<const char *>(&header), sizeof header) +
         std::string(reinterpret_cast<const char *>(sections), sizeof sections) + names;
}

TEST_F(KernelFilesTest, BtfAloneIsNoDebuginfo) {
  write("/lib/modules/6.12.0/build/vmlinux", elf_with(".BTF"));
  fs::create_directories(root_ + "/usr/lib");
  fs::create_directory_symlink("../../lib/modules", root_ + "/usr/lib/modules");
  KernelFiles files = find("6.12.0");
  EXPECT_EQ(files.btf, root_ + "/lib/modules/6.12.0/build/vmlinux");
  EXPECT_EQ(files.vmlinux, "");
  EXPECT_EQ(find("6.12.0", "+:.debug:/usr/lib/debug:build").vmlinux, "");
  write("/lib/modules/6.12.0/build/vmlinux", elf_with(".text"));
  EXPECT_EQ(find("6.12.0").vmlinux, root_ + "/lib/modules/6.12.0/build/vmlinux");
}

TEST_F(KernelFilesTest, RelativePlacesAreBesideTheKernel) {
  write("/lib/modules/6.1.0/build/vmlinux", "built");
  EXPECT_EQ(find("6.1.0").vmlinux, root_ + "/lib/modules/6.1.0/build/vmlinux");
  write("/lib/modules/6.1.0/own/vmlinux.debug", "other");
  EXPECT_EQ(find("6.1.0", "-own").vmlinux, root_ + "/lib/modules/6.1.0/own/vmlinux.debug");
  write("/boot/own/vmlinux-6.1.0", "first");
  EXPECT_EQ(find("6.1.0", "own").vmlinux, root_ + "/boot/own/vmlinux-6.1.0");
}

TEST_F(KernelFilesTest, StubOfSystemMapDoesNotCount) {
  write("/boot/System.map-6.1.0",
        "ffffffffffffffff B The real System.map is in the linux-image-<version>-dbg package\n");
  EXPECT_EQ(find("6.1.0").system_map, "");
}

TEST_F(KernelFilesTest, BuildTreeTellsItsRelease) {
  write("/src/linux/include/config/kernel.release", "6.9.0-mine\n");
  write("/src/linux/vmlinux", "elf");
  KernelFiles files = find("/src/linux");
  EXPECT_EQ(files.release, "6.9.0-mine");
  EXPECT_EQ(files.vmlinux, root_ + "/src/linux/vmlinux");
  write("/src/headers/include/config/kernel.release", "6.1.192\n"); // Debian's headers have both
  write("/src/headers/include/generated/utsrelease.h", "#define UTS_RELEASE \"6.1.0-56-cloud-amd64\"\n");
  EXPECT_EQ(find("/src/headers").release, "6.1.0-56-cloud-amd64");
  // They have no kernel: the installed one of that release.
  write("/usr/lib/debug/boot/vmlinux-6.1.0-56-cloud-amd64", "elf");
  write("/boot/vmlinuz-6.1.0-56-cloud-amd64", "packed");
  EXPECT_EQ(find("/src/headers").vmlinux, root_ + "/usr/lib/debug/boot/vmlinux-6.1.0-56-cloud-amd64");
  EXPECT_EQ(find("/src/headers").image, root_ + "/boot/vmlinuz-6.1.0-56-cloud-amd64");
}

TEST_F(KernelFilesTest, BuildTreeThatIsNoneIsAnError) {
  auto missing = find_kernel_files("/nowhere", {root_, ""});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().observed.find("/nowhere"), std::string::npos);
  fs::create_directories(root_ + "/empty");
  EXPECT_FALSE(find_kernel_files("/empty", {root_, ""}));
}

TEST_F(KernelFilesTest, NothingInstalledIsNoError) {
  KernelFiles files = find("9.9.9");
  EXPECT_EQ(files.vmlinux + files.system_map + files.build_dir, "");
}

TEST(KconfigTest, ReadsValues) {
  Kconfig config(
      "# CONFIG_OFF is not set\nCONFIG_SMP=y\nCONFIG_HZ=250\nCONFIG_SMP_X=m\nCONFIG_NAME=\"a b\"\nCONFIG_LAST=7");
  EXPECT_EQ(config.value("CONFIG_SMP"), "y");
  EXPECT_EQ(config.value("CONFIG_SMP_X"), "m");
  EXPECT_EQ(config.value("CONFIG_HZ"), "250");
  EXPECT_EQ(config.value("CONFIG_NAME"), "a b");
  EXPECT_EQ(config.value("CONFIG_LAST"), "7");
  EXPECT_EQ(config.value("CONFIG_OFF"), std::nullopt);
  EXPECT_EQ(config.value("CONFIG_S"), std::nullopt);
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// Debuginfo in files of its own: made here from an installed module by objcopy, and looked for in all places.
#include "frontend/target/debuginfo_finder.h"

#include "frontend/target/debug_index_build.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/kernel_target.h"
#include "frontend/target/module_tracepoints.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sys/utsname.h>

namespace tapjit::target {

namespace {

namespace fs = std::filesystem;

const std::string module_path = "/kernel/drivers/block/loop.ko";

// A file system of its own with one module, which is stripped.
class DebuginfoTest : public testing::Test {
protected:
  void SetUp() override {
    std::error_code error;
    for (const auto &entry : fs::directory_iterator("/usr/lib/debug/lib/modules", error))
      if (fs::exists(entry.path().string() + module_path, error))
        release_ = entry.path().filename();
    if (release_.empty())
      GTEST_SKIP() << "no debuginfo of a kernel's modules is installed";
    char name[] = "/tmp/tapjit-debuginfo-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    whole_ = "/usr/lib/debug/lib/modules/" + release_ + module_path;
    stripped_ = root_ + "/lib/modules/" + release_ + module_path;
    fs::create_directories(fs::path(stripped_).parent_path());
    std::ofstream(root_ + "/lib/modules/" + release_ + "/modules.dep") << module_path.substr(1) << ":\n";
    run("objcopy --strip-debug " + whole_ + " " + stripped_);
    id_ = read_elf_facts(whole_)->build_id;
    ASSERT_EQ(id_.size(), 40u);
  }
  void TearDown() override {
    if (!root_.empty())
      fs::remove_all(root_);
  }

  static void run(const std::string &command) { ASSERT_EQ(system(command.c_str()), 0) << command; }
  void copy(const std::string &from, const std::string &to) {
    fs::create_directories(fs::path(to).parent_path());
    fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  }
  std::string by_id(const std::string &place) const {
    return root_ + place + "/.build-id/" + id_.substr(0, 2) + "/" + id_.substr(2) + ".debug";
  }
  // The stripped module without a build-id, and the rest as `name`, to which it has a link.
  void link_to(const std::string &name) {
    run("objcopy --only-keep-debug --remove-section .note.gnu.build-id " + whole_ + " " + root_ + "/" + name);
    run("cd " + root_ + " && objcopy --remove-section .note.gnu.build-id --add-gnu-debuglink=" + name + " " +
        stripped_);
  }
  std::string find(const std::string &debuginfo_path = "") const {
    auto facts = read_elf_facts(stripped_);
    return facts ? find_separate_debuginfo(stripped_, *facts, {root_, debuginfo_path}) : "unreadable";
  }
  std::unique_ptr<KernelTarget> open(const std::string &release) const {
    KernelTargetOptions options;
    options.release_or_dir = release;
    options.places.root = root_;
    options.store = store_;
    auto target = KernelTarget::open(options);
    return target ? std::move(*target) : nullptr;
  }
  std::string root_, release_, whole_, stripped_, id_;
  // Keeps indexes from one KernelTarget to the next: one of a stripped file must not stand for the whole one's.
  std::map<std::string, std::shared_ptr<std::vector<uint64_t>>> kept_;
  std::map<std::string, size_t> sizes_;
  IndexStore store_ = {[this](const std::string &key) -> std::optional<IndexBytes> {
                         auto found = kept_.find(key);
                         if (found == kept_.end())
                           return std::nullopt;
                         const char *bytes = reinterpret_cast<const char *>(found->second->data());
                         return IndexBytes{{bytes, sizes_[key]}, found->second};
                       },
                       [this](const std::string &key, std::string_view bytes) {
                         auto words = std::make_shared<std::vector<uint64_t>>(bytes.size() / 8 + 1);
                         memcpy(words->data(), bytes.data(), bytes.size());
                         kept_[key] = words;
                         sizes_[key] = bytes.size();
                       }};
};

} // namespace

TEST(DebuginfoPlaces, SignsAndFolders) {
  auto text = [](const std::string &path) {
    std::string all;
    for (const DebuginfoPlace &place : debuginfo_places({"/root", path}))
      all += (place.checks_crc ? "+" : "-") + place.path + " ";
    return all;
  };
  EXPECT_EQ(text(""), "+ +.debug +/root/usr/lib/debug +build ");
  EXPECT_EQ(text("-:.debug:+/a/:-build"), "- -.debug +/root/a -build ");
  EXPECT_EQ(text("/a::-"), "+/root/a + - ");
  EXPECT_EQ(text("+-/a:b"), "-/root/a +b ");
}

TEST_F(DebuginfoTest, ByBuildId) {
  EXPECT_EQ(find(), "");
  copy(whole_, by_id("/usr/lib/debug"));
  EXPECT_EQ(find(), by_id("/usr/lib/debug"));
  EXPECT_EQ(find("/other"), "");
  copy(whole_, by_id("/other"));
  EXPECT_EQ(find("relative:-/other:/usr/lib/debug"), by_id("/other"));
  // What lies there is looked at.
  copy("/usr/lib/debug/lib/modules/" + release_ + "/kernel/drivers/block/virtio_blk.ko", by_id("/usr/lib/debug"));
  EXPECT_EQ(find(), "");
  copy(stripped_, by_id("/usr/lib/debug")); // no DWARF
  EXPECT_EQ(find(), "");
}

TEST_F(DebuginfoTest, ByNameWithItsBuildId) {
  const std::string folder = "/lib/modules/" + release_ + "/kernel/drivers/block";
  for (const char *place : {"/usr/lib/debug", "/other"})
    for (const std::string &below : {folder, std::string("/drivers/block"), std::string()})
      for (const char *name : {"/loop.ko.debug", "/loop.ko"}) {
        const std::string path = root_ + place + below + name;
        copy(whole_, path);
        EXPECT_EQ(find(place), path);
        copy("/usr/lib/debug" + folder + "/virtio_blk.ko", path);
        EXPECT_EQ(find(place), "") << path;
        EXPECT_EQ(find(std::string("-") + place), "") << path; // says nothing of build-ids
        fs::remove(path);
      }
}

TEST_F(DebuginfoTest, ByLinkWithItsCrc) {
  link_to("made.dbg");
  EXPECT_EQ(read_elf_facts(stripped_)->build_id, "");
  EXPECT_EQ(read_elf_facts(stripped_)->debuglink, "made.dbg");
  const std::string own = fs::path(stripped_).parent_path();
  for (const std::string &folder : {own, own + "/.debug", own + "/build",
                                    root_ + "/usr/lib/debug" + own.substr(root_.size()), root_ + "/usr/lib/debug"}) {
    const std::string path = folder + "/made.dbg";
    copy(root_ + "/made.dbg", path);
    EXPECT_EQ(find(), path);
    std::ofstream(path, std::ios::app) << "changed";
    EXPECT_EQ(find(), "") << path;
    EXPECT_EQ(find("-:.debug:/usr/lib/debug:build"), path);
    EXPECT_EQ(find("+:-.debug:-/usr/lib/debug:-build"), folder == own ? "" : path);
    fs::remove(path);
  }
}

// From end to end: functions and their variables.
TEST_F(DebuginfoTest, DescribesTheModule) {
  CodeQuery query;
  query.module = "loop";
  query.pattern = parse_function_pattern("loop_add");
  auto found = open(release_)->code(query);
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->without_debuginfo);
  auto is_described = [&] {
    auto target = open(release_);
    auto known = target->code(query);
    return known && known->sites.size() == 1 && known->sites[0].file == "drivers/block/loop.c" &&
           std::holds_alternative<VarAccess>(target->variable(known->sites[0], "i", {}, false, false));
  };
  EXPECT_FALSE(is_described());
  copy(whole_, by_id("/usr/lib/debug"));
  EXPECT_TRUE(is_described());
  fs::remove_all(root_ + "/usr");
  link_to("loop.dbg");
  copy(root_ + "/loop.dbg", fs::path(stripped_).parent_path() / ".debug/loop.dbg");
  EXPECT_TRUE(is_described());
}

// An answer would replace what the search goes through.
TEST_F(DebuginfoTest, NoServerIsAskedForAPlaceAlone) {
  unsigned asked = 0;
  KernelTargetOptions options;
  options.release_or_dir = release_;
  options.places.root = root_;
  options.server = [&](const std::string &, const std::string &) -> Result<std::string> {
    ++asked;
    return whole_;
  };
  auto target = KernelTarget::open(options);
  ASSERT_TRUE(target);
  CodeQuery query;
  query.module = "loop";
  query.pattern = parse_function_pattern("loop_add");
  query.place_alone = true;
  auto by_name = (*target)->code(query);
  ASSERT_TRUE(by_name && by_name->sites.size() == 1);
  query.address = by_name->sites[0].address + 4;
  auto by_address = (*target)->code(query);
  ASSERT_TRUE(by_address && by_address->sites.size() == 1);
  EXPECT_EQ(by_address->sites[0].function, "loop_add");
  EXPECT_EQ(asked, 0u);
  query.place_alone = false;
  by_address = (*target)->code(query);
  ASSERT_TRUE(by_address && by_address->sites.size() == 1);
  EXPECT_EQ(by_address->sites[0].file, "drivers/block/loop.c");
  EXPECT_EQ(asked, 1u);
}

// No file has the running kernel's name, but one has its build-id.
TEST_F(DebuginfoTest, OfTheRunningKernel) {
  const std::string vmlinux = "/usr/lib/debug/boot/vmlinux-" + release_;
  auto file = ElfFile::open(vmlinux);
  if (!file)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  id_ = (*file)->build_id();
  auto notes = (*file)->section_bytes(".notes");
  EXPECT_EQ(build_id_in_notes(notes), id_);
  utsname running;
  uname(&running);
  fs::create_directories(root_ + "/sys/kernel");
  std::ofstream(root_ + "/sys/kernel/notes") << std::string(notes.begin(), notes.end());
  EXPECT_EQ(open(running.release)->build_id(), id_); // without any file
  EXPECT_FALSE(open(running.release)->functions("vfs_read", FunctionKind::OutOfLine));
  fs::create_directories(fs::path(by_id("/usr/lib/debug")).parent_path());
  fs::create_symlink(vmlinux, by_id("/usr/lib/debug"));
  // That it was called so first does not help.
  copy(whole_, root_ + "/usr/lib/debug/boot/vmlinux-" + running.release);
  auto target = open(running.release);
  auto found = target->functions("vfs_read", FunctionKind::OutOfLine);
  ASSERT_TRUE(found) << found.error().observed;
  ASSERT_EQ(found->sites.size(), 1u);
  EXPECT_EQ(found->sites[0].file, "fs/read_write.c");
  EXPECT_EQ(target->build_id(), id_);
}

// Its bootable image tells the build-id.
TEST_F(DebuginfoTest, OfAnotherKernel) {
  const std::string vmlinux = "/usr/lib/debug/boot/vmlinux-" + release_;
  auto facts = read_elf_facts(vmlinux);
  if (!facts || !fs::exists("/boot/vmlinuz-" + release_))
    GTEST_SKIP() << "no kernel with debuginfo is installed";
  id_ = facts->build_id;
  copy("/boot/vmlinuz-" + release_, root_ + "/boot/vmlinuz-" + release_);
  auto file_of_vfs_read = [&] {
    auto found = open(release_)->functions("vfs_read", FunctionKind::OutOfLine);
    return found && found->sites.size() == 1 ? found->sites[0].file : "not found";
  };
  EXPECT_EQ(file_of_vfs_read(), ""); // by BTF
  fs::create_directories(fs::path(by_id("/usr/lib/debug")).parent_path());
  fs::create_symlink(vmlinux, by_id("/usr/lib/debug"));
  EXPECT_EQ(file_of_vfs_read(), "fs/read_write.c");
}

// Neither vmlinux, image nor System.map: the running kernel's own BTF and symbols.
TEST_F(DebuginfoTest, RunningKernelAlone) {
  const std::string vmlinux = "/usr/lib/debug/boot/vmlinux-" + release_;
  auto file = ElfFile::open(vmlinux);
  std::ifstream map("/usr/lib/debug/boot/System.map-" + release_);
  if (!file || !map)
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  utsname running;
  uname(&running);
  auto write = [&](const std::string &path, const std::string &text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  };
  auto text_of = [](std::span<const char> bytes) { return std::string(bytes.begin(), bytes.end()); };
  write("/sys/kernel/notes", text_of((*file)->section_bytes(".notes")));
  write("/sys/kernel/btf/vmlinux", text_of((*file)->section_bytes(".BTF")));
  // As KASLR moves it; then what kptr_restrict leaves of it.
  constexpr uint64_t slide = 0x1de00000;
  std::string moved, hidden;
  uint64_t vfs_read = 0, address;
  std::string type, name;
  while (map >> std::hex >> address >> type >> name) {
    char line[32];
    snprintf(line, sizeof line, "%016lx ", address >> 31 ? address + slide : address);
    moved += line + type + " " + name + "\n";
    hidden += "0000000000000000 " + type + " " + name + "\n";
    if (name == "vfs_read")
      vfs_read = address;
  }
  moved += "ffffffffc0201000 t vfs_read\t[other]\n";
  write("/proc/kallsyms", hidden);
  auto refused = open(running.release)->functions("vfs_read", FunctionKind::OutOfLine);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().observed.find("kptr_restrict"), std::string::npos) << refused.error().observed;
  write("/proc/kallsyms", moved);
  for (int run = 0; run < 2; ++run) { // made, and kept
    auto target = open(running.release);
    auto found = target->functions("vfs_read", FunctionKind::OutOfLine);
    ASSERT_TRUE(found) << found.error().observed;
    ASSERT_EQ(found->sites.size(), 1u);
    EXPECT_EQ(found->sites[0].address, vfs_read);
    EXPECT_EQ(target->symbol("vfs_read")->address, vfs_read);
    EXPECT_TRUE(target->symbol("vfs_read")->is_unique);
    EXPECT_EQ(target->variable_names(found->sites[0], true), (std::vector<std::string>{"file", "buf", "count", "pos"}));
    EXPECT_EQ(target->build_id(), (*file)->build_id());
    auto shared = target->functions("load_elf_binary", FunctionKind::OutOfLine);
    ASSERT_TRUE(shared);
    EXPECT_TRUE(shared->sites.empty()); // two have that name
  }
  // Another build's image is not taken for it.
  auto image = read_text_file("/boot/vmlinuz-" + release_);
  ASSERT_TRUE(image);
  write("/boot/vmlinuz-" + std::string(running.release), *image);
  EXPECT_EQ(open(running.release)->symbol("vfs_read")->address, vfs_read);
  std::string notes = text_of((*file)->section_bytes(".notes"));
  for (char &byte : notes)
    byte = static_cast<char>(byte == 'G' || byte == 'N' || byte == 'U' ? byte : byte ^ (byte > 64 ? 1 : 0));
  write("/sys/kernel/notes", notes);
  auto target = open(running.release);
  EXPECT_EQ(target->build_id().size(), 40u);
  EXPECT_NE(target->build_id(), (*file)->build_id());
}

// The one of this machine, if it shows any.
TEST(RunningSymbols, AreReadOrSaidToBeHidden) {
  auto text = read_text_file("/proc/kallsyms");
  if (!text)
    GTEST_SKIP() << "no /proc/kallsyms";
  auto index = build_running_index("/proc/kallsyms");
  if (text->find("ffffffff") == std::string::npos) {
    ASSERT_FALSE(index);
    EXPECT_NE(index.error().observed.find("kptr_restrict"), std::string::npos);
    return;
  }
  ASSERT_TRUE(index) << index.error().observed;
  std::vector<uint64_t> words(index->size() / 8 + 1);
  memcpy(words.data(), index->data(), index->size());
  auto opened = DebugIndex::open({reinterpret_cast<const char *>(words.data()), index->size()});
  ASSERT_TRUE(opened);
  ASSERT_EQ(opened->symbols("_text").size(), 1u);
  EXPECT_EQ(opened->symbols("_text")[0].address, 0xffffffff81000000u);
  EXPECT_EQ(opened->symbols("vfs_read").size(), 1u);
}

TEST(BuildIdInNotes, DamagedNotes) {
  auto note = [](uint32_t type, std::string name, const std::string &contents) {
    uint32_t header[] = {static_cast<uint32_t>(name.size() + 1), static_cast<uint32_t>(contents.size()), type};
    name.resize((name.size() + 4) / 4 * 4);
    return std::string(reinterpret_cast<const char *>(header), sizeof header) + name + contents;
  };
  const std::string notes = note(6, "Xen", "1234") + note(3, "GNU", "\x01\xab\xff\x10");
  EXPECT_EQ(build_id_in_notes(notes), "01abff10");
  for (size_t size = 0; size < notes.size(); ++size)
    EXPECT_EQ(build_id_in_notes(std::span(notes).first(size)), "") << size;
}

// What is kept of them is of these very files, whatever depmod was told, and of files that could be read.
TEST_F(DebuginfoTest, TracepointOwners) {
  using Names = std::map<std::string, std::string>;
  auto owners = [&] { return tracepoint_owners(release_, {root_, ""}, store_); };
  auto put_names = [&](const std::string &names, const char *option) {
    std::ofstream(root_ + "/names") << names << '\0';
    run(std::string("objcopy ") + option + " __tracepoints_strings=" + root_ + "/names " + stripped_);
  };
  put_names(std::string("one\0two", 7), "--add-section");
  EXPECT_EQ(owners(), (Names{{"one", "loop"}, {"two", "loop"}}));
  EXPECT_EQ(owners(), (Names{{"one", "loop"}, {"two", "loop"}}));
  EXPECT_EQ(kept_.size(), 1u);
  put_names("three", "--update-section");
  EXPECT_EQ(owners(), (Names{{"three", "loop"}}));
  EXPECT_EQ(kept_.size(), 2u);
  fs::remove(stripped_);
  EXPECT_EQ(owners(), Names{});
  EXPECT_EQ(kept_.size(), 2u);
}

} // namespace tapjit::target

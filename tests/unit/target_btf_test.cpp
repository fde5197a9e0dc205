// SPDX-License-Identifier: GPL-2.0-or-later
// BTF of the installed kernels: what it says of functions and types is held against DWARF of the same kernel, and
// kernels without debuginfo are read from their bootable image. Skipped where there is none.
#include "frontend/target/btf.h"
#include "frontend/target/kernel_image.h"
#include "frontend/target/kernel_target.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <set>

namespace tapjit::target {

namespace {

namespace fs = std::filesystem;

// Releases whose image is in /boot.
std::vector<std::string> installed_releases() {
  std::vector<std::string> releases;
  std::error_code error;
  for (const auto &entry : fs::directory_iterator("/boot", error))
    if (std::string name = entry.path().filename(); name.starts_with("vmlinuz-"))
      releases.push_back(name.substr(strlen("vmlinuz-")));
  return releases;
}

std::string release_with_dwarf() {
  for (const std::string &release : installed_releases())
    if (fs::exists("/usr/lib/debug/boot/vmlinux-" + release))
      return release;
  return {};
}

std::unique_ptr<KernelTarget> open_target(const std::string &release, bool prefer_btf, bool hide_dwarf) {
  KernelTargetOptions options;
  options.release_or_dir = release;
  options.prefer_btf = prefer_btf;
  if (hide_dwarf)
    options.places.debuginfo_path = "/nowhere";
  auto target = KernelTarget::open(options);
  return target ? std::move(*target) : nullptr;
}

std::string text_of(const Access<VarAccess> &access) {
  if (const auto *failure = std::get_if<AccessFailure>(&access))
    return "failed: " + failure->observed;
  return describe(std::get<VarAccess>(access));
}

FunctionSite first_site(const Target &target, const std::string &name) {
  auto found = target.functions(name, FunctionKind::OutOfLine);
  return found && !found->sites.empty() ? found->sites[0] : FunctionSite{};
}

std::string variable(const Target &target, const std::string &function, const std::string &name,
                     const std::vector<PathStep> &path = {}) {
  FunctionSite site = first_site(target, function);
  return text_of(name == "return" ? target.return_value(site, path, false)
                                  : target.variable(site, name, path, false, false));
}

PathStep member(const char *name) { return {PathStep::Kind::Member, name, 0}; }

} // namespace

TEST(Btf, DamagedBytesAreRefused) {
  EXPECT_FALSE(Btf::open({}));
  // One `int`, then each truncation and each changed byte of it: never a bad read.
  std::string good;
  auto add = [&](std::initializer_list<uint32_t> words) {
    for (uint32_t word : words)
      good.append(reinterpret_cast<const char *>(&word), sizeof word);
  };
  add({0x0001eb9f, 24, 0, 16, 16, 5, 1, 0x01000000, 4, 0x01000020});
  good.append("\0int", 5);
  auto btf = Btf::open(good);
  ASSERT_TRUE(btf);
  EXPECT_EQ(btf->last(), 1u);
  EXPECT_EQ(btf->type(1).name, "int");
  EXPECT_TRUE(btf->integer(1).is_signed);
  EXPECT_EQ(btf->find(BtfKind::Int, "int"), 1u);
  EXPECT_EQ(btf->find(BtfKind::Int, "in"), 0u);
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(Btf::open(std::span(good).first(size))) << size;
  for (size_t i = 0; i < good.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = good;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      if (auto other = Btf::open(changed))
        for (BtfId id = 0; id <= other->last() + 1; ++id) {
          (void)other->members(id);
          (void)other->parameters(id);
          (void)other->enumerators(id);
          (void)other->array(id);
        }
    }
}

TEST(KernelImage, IsUnpackedAndHasItsOwnSymbols) {
  auto releases = installed_releases();
  if (releases.empty())
    GTEST_SKIP() << "no kernel image is installed";
  for (const std::string &release : releases) {
    auto target = open_target(release, false, true);
    ASSERT_TRUE(target) << release;
    EXPECT_TRUE(target->files().vmlinux.empty());
    EXPECT_FALSE(kernel_image_stamp(target->files().image).empty());
    EXPECT_EQ(target->build_id().size(), 40u) << release;
    auto fact = target->symbol("vfs_read");
    ASSERT_TRUE(fact) << release;
    EXPECT_TRUE(fact->is_unique);
    EXPECT_GT(fact->address, 0xffffffff81000000u);
    FunctionSite site = first_site(*target, "vfs_read");
    EXPECT_EQ(site.address, fact->address);
    EXPECT_EQ(site.section, ".text");
    EXPECT_EQ(variable(*target, "vfs_read", "count"), "reg:rdx") << release;
    EXPECT_EQ(variable(*target, "vfs_read", "file", {member("f_inode"), member("i_ino")}).substr(0, 8), "reg:rdi ");
    EXPECT_EQ(variable(*target, "vfs_read", "return"), "reg:rax");
    EXPECT_EQ(target->variable_names(site, true), (std::vector<std::string>{"file", "buf", "count", "pos"}));
    auto refused = target->functions("do_int3", FunctionKind::OutOfLine);
    ASSERT_TRUE(refused) << release;
    EXPECT_TRUE(refused->sites.empty());
    ASSERT_EQ(refused->refused.size(), 1u);
    EXPECT_NE(refused->refused[0].blacklisted.find("blacklist"), std::string::npos);
    auto in_file = target->functions("vfs_read@fs/read_write.c", FunctionKind::OutOfLine);
    ASSERT_FALSE(in_file);
    EXPECT_NE(in_file.error().advice.find("linux-image-" + release + "-dbg"), std::string::npos);
  }
  EXPECT_FALSE(unpack_kernel_image("/boot/System.map-" + releases[0]));
}

// The image's symbols are those of vmlinux.
TEST(KernelImage, SymbolsAreVmlinuxs) {
  const std::string release = release_with_dwarf();
  if (release.empty())
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto dwarf = open_target(release, false, false), bare = open_target(release, false, true);
  EXPECT_EQ(dwarf->build_id(), bare->build_id());
  auto all = dwarf->functions("*", FunctionKind::OutOfLine);
  ASSERT_TRUE(all);
  size_t compared = 0, differing = 0;
  for (const FunctionSite &site : all->sites) {
    auto fact = bare->symbol(site.symbol);
    if (site.offset != 0 || !site.symbol_is_unique || !fact)
      continue;
    ++compared;
    if (fact->address != site.address || !fact->is_unique)
      if (++differing < 10)
        ADD_FAILURE() << site.symbol;
  }
  EXPECT_EQ(differing, 0u);
  EXPECT_GT(compared, 30000u);
}

// Every function whose name BTF and one symbol have: the same parameters, with the same types, at the same places as
// DWARF says; and the same value returned.
TEST(BtfAgainstDwarf, ParametersAtEntry) {
  const std::string release = release_with_dwarf();
  if (release.empty())
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto dwarf = open_target(release, false, false), btf = open_target(release, true, false);
  auto by_btf = btf->functions("*", FunctionKind::OutOfLine);
  auto by_dwarf = dwarf->functions("*", FunctionKind::OutOfLine);
  ASSERT_TRUE(by_btf && by_dwarf);
  std::map<uint64_t, const FunctionSite *> dwarf_site;
  for (const FunctionSite &site : by_dwarf->sites)
    dwarf_site[site.address] = &site;
  size_t functions = 0, parameters = 0, unavailable = 0;
  std::map<std::string, size_t> kinds;
  std::vector<std::string> disagreements;
  for (const FunctionSite &site : by_btf->sites) {
    auto other = dwarf_site.find(site.address);
    if (other == dwarf_site.end() || other->second->function != site.function)
      continue;
    ++functions;
    auto compare = [&](const std::string &name, const Access<VarAccess> &left, const Access<VarAccess> &right) {
      ++parameters;
      const auto *failure = std::get_if<AccessFailure>(&right);
      if (failure && failure->error == AccessError::NotAvailable) {
        ++unavailable; // optimised out: DWARF knows better
        return;
      }
      std::string a = text_of(left), b = text_of(right);
      const auto *x = std::get_if<VarAccess>(&left), *y = std::get_if<VarAccess>(&right);
      if (x && y) {
        a += " " + x->type.name;
        b += " " + y->type.name;
      }
      if (a == b)
        return;
      disagreements.push_back(site.function + " " + name + ": BTF " + a + ", DWARF " + b);
    };
    for (const std::string &name : btf->variable_names(site, true))
      compare("$" + name, btf->variable(site, name, {}, false, false),
              dwarf->variable(*other->second, name, {}, false, false));
    compare("$return", btf->return_value(site, {}, false), dwarf->return_value(*other->second, {}, false));
  }
  std::string list;
  for (size_t i = 0; i < disagreements.size(); ++i)
    list += disagreements[i] + "\n";
  printf("%zu functions, %zu values, %zu of them not available by DWARF, %zu disagreements\n", functions, parameters,
         unavailable, disagreements.size());
  if (const char *path = getenv("TAPJIT_BTF_DISAGREEMENTS"))
    if (FILE *file = fopen(path, "w")) {
      fputs(list.c_str(), file);
      fclose(file);
    }
  EXPECT_GT(functions, 20000u);
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/clang/profile.h"

#include "codegen/clang/driver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <dirent.h>

using namespace tapjit::codegen;

namespace {

bool contains(const std::vector<std::string> &flags, std::string_view flag) {
  return std::find(flags.begin(), flags.end(), flag) != flags.end();
}

// A kernel whose headers are on this machine, or nothing.
std::string installed_build_dir() {
  std::string found;
  DIR *modules = opendir("/lib/modules");
  while (dirent *entry = modules ? readdir(modules) : nullptr)
    if (entry->d_name[0] != '.')
      if (auto dir = kernel_build_dir(entry->d_name))
        found = *dir;
  if (modules)
    closedir(modules);
  return found;
}

} // namespace

TEST(Flags, GccOnesAreMappedOrDropped) {
  std::vector<std::string> flags = clang_flags({"-Wp,-MMD,/x/.y.o.d",
                                                "-nostdinc",
                                                "-mindirect-branch=thunk-extern",
                                                "-mindirect-branch-register",
                                                "-mfunction-return=thunk-extern",
                                                "-mharden-sls=all",
                                                "-mpreferred-stack-boundary=3",
                                                "-pg",
                                                "-mrecord-mcount",
                                                "-mfentry",
                                                "-DCC_USING_FENTRY",
                                                "-fconserve-stack",
                                                "-Wall",
                                                "-fpatchable-function-entry=16,16",
                                                "-fmin-function-alignment=16",
                                                "-DKBUILD_MODNAME=\"d\"",
                                                "-D__KBUILD_MODNAME=kmod_d",
                                                "-DMODULE",
                                                "-g",
                                                "-c",
                                                "-o",
                                                "/x/y.o",
                                                "/x/y.c"},
                                               "/nowhere");
  std::vector<std::string> expected = {
      "-nostdinc",           "-mretpoline-external-thunk", "-mfunction-return=thunk-extern", "-mharden-sls=all",
      "-mstack-alignment=8", "-DCC_USING_FENTRY",          "-falign-functions=16",           "-DMODULE"};
  EXPECT_EQ(flags, expected);
}

TEST(Flags, PathsBecomeAbsolute) {
  std::vector<std::string> flags = clang_flags({"-I./include", "-include", "a/b.h", "-I/usr"}, "/nowhere");
  EXPECT_EQ(flags, (std::vector<std::string>{"-I/nowhere/./include", "-include", "/nowhere/a/b.h", "-I/usr"}));
}

TEST(SymbolVersions, FindsWhatModuleSymversSays) {
  std::string table = SymbolVersions::build("0x4c9d28b0\tphys_base\tvmlinux\tEXPORT_SYMBOL\t\n"
                                            "0x7140de40\tinit_uts_ns\tvmlinux\tEXPORT_SYMBOL_GPL\t\n"
                                            "0x00000001\tfoo\tdrivers/x/foo-bar\tEXPORT_SYMBOL_GPL\tFOO_NS\n"
                                            "not a row\n");
  auto versions = SymbolVersions::map(table);
  ASSERT_TRUE(versions);
  EXPECT_EQ(versions->size(), 3u);
  auto symbol = versions->find("phys_base");
  ASSERT_TRUE(symbol);
  EXPECT_EQ(symbol->crc, 0x4c9d28b0u);
  EXPECT_EQ(symbol->module, "vmlinux");
  EXPECT_FALSE(symbol->gpl_only);
  symbol = versions->find("foo");
  ASSERT_TRUE(symbol);
  EXPECT_TRUE(symbol->gpl_only);
  EXPECT_EQ(symbol->module, "drivers/x/foo-bar");
  EXPECT_EQ(symbol->symbol_namespace, "FOO_NS");
  EXPECT_FALSE(versions->find("fo"));
  EXPECT_FALSE(versions->find(""));
}

TEST(SymbolVersions, RefusesOtherBytes) {
  EXPECT_FALSE(SymbolVersions::map(""));
  EXPECT_FALSE(SymbolVersions::map(std::string(1000, 'x')));
  std::string table = SymbolVersions::build("0x4c9d28b0\tphys_base\tvmlinux\tEXPORT_SYMBOL\t\n");
  EXPECT_FALSE(SymbolVersions::map(std::string_view(table).substr(0, table.size() / 2)));
  EXPECT_FALSE(SymbolVersions().find("x"));
}

TEST(Profile, JsonRoundTrip) {
  KernelProfile profile;
  profile.build_dir = "/usr/src/x";
  profile.release = "6.1.0";
  profile.vermagic = "6.1.0 SMP ";
  profile.kbuild_flags = {"-a", "-b \"c\""};
  profile.flags = {"-d"};
  profile.arguments = {"-e", "f"};
  profile.prelude = "#undef X\n";
  profile.features.ibt = true;
  profile.features.module_unload = true;
  profile.key = {0xffffffffffffffff, 1};
  auto back = profile_from_json(profile_to_json(profile));
  ASSERT_TRUE(back);
  EXPECT_EQ(profile_to_json(*back), profile_to_json(profile));
  EXPECT_EQ(back->key, profile.key);
  EXPECT_FALSE(profile_from_json("{"));
  EXPECT_FALSE(profile_from_json("[]"));
  EXPECT_FALSE(profile_from_json("{\"features\":{}}"));
}

TEST(Profile, MissingHeadersAreNamed) {
  auto dir = kernel_build_dir("9.9.9-nothing");
  ASSERT_FALSE(dir);
  EXPECT_NE(dir.error().observed.find("9.9.9-nothing"), std::string::npos);
  EXPECT_NE(dir.error().advice.find("linux-headers-9.9.9-nothing"), std::string::npos);
}

TEST(Profile, OfAnInstalledKernel) {
  std::string dir = installed_build_dir();
  if (dir.empty())
    GTEST_SKIP() << "no kernel headers on this machine";
  StoreOptions options;
  options.disabled = true;
  auto store = Store::open(options);
  ASSERT_TRUE(store);
  auto profile = kernel_profile(*store, dir);
  ASSERT_TRUE(profile) << profile.error().observed;
  EXPECT_TRUE(contains(profile->flags, "-DMODULE"));
  EXPECT_FALSE(contains(profile->flags, "-pg"));
  EXPECT_FALSE(contains(profile->flags, "-DKBUILD_MODNAME=\"tap_dummy\""));
  EXPECT_TRUE(contains(profile->arguments, "-mcmodel=kernel"));
  EXPECT_TRUE(profile->vermagic.starts_with(profile->release + " ")) << profile->vermagic;
  auto again = kernel_profile(*store, dir);
  ASSERT_TRUE(again);
  EXPECT_EQ(profile_to_json(*again), profile_to_json(*profile));
}

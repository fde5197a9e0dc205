// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/finish/link.h"

#include "codegen/clang/driver.h"

#include <gtest/gtest.h>

#include <algorithm>

using namespace tapjit::codegen;

namespace {

std::string object_of(std::string_view text, std::vector<std::string> more = {}) {
  std::vector<std::string> flags = {"-O2",
                                    "-ffreestanding",
                                    "-nostdlibinc",
                                    "-fno-pic",
                                    "-mcmodel=kernel",
                                    "-mno-sse",
                                    "-fno-asynchronous-unwind-tables",
                                    "-fno-common"};
  flags.insert(flags.end(), more.begin(), more.end());
  CompileRequest request;
  request.text = text;
  request.name = "unit.c";
  request.arguments = *compiler_arguments(flags);
  auto unit = compile_unit(request);
  EXPECT_TRUE(unit && unit->ok()) << (unit->messages().empty() ? "" : unit->messages()[0].text);
  return *unit->emit_object();
}

const elf::Section *section(const elf::Object &object, std::string_view name) {
  for (const elf::Section &each : object.sections)
    if (each.name == name)
      return &each;
  return nullptr;
}

const elf::Symbol *symbol(const elf::Object &object, std::string_view name) {
  for (const elf::Symbol &each : object.symbols)
    if (each.name == name)
      return &each;
  return nullptr;
}

KernelProfile test_profile() {
  KernelProfile profile;
  profile.release = "6.1.0-test";
  profile.vermagic = "6.1.0-test SMP ";
  profile.features.modversions = true;
  profile.features.module_unload = true;
  profile.features.retpoline = true;
  profile.features.rethunk = true;
  return profile;
}

constexpr const char *symvers = "0x00000001\tmodule_layout\tvmlinux\tEXPORT_SYMBOL\t\n"
                                "0x00000002\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n"
                                "0x00000003\t__x86_return_thunk\tvmlinux\tEXPORT_SYMBOL\t\n"
                                "0x00000004\tin_module\tnet/a-b/in-it\tEXPORT_SYMBOL_GPL\t\n";

// Stands in for struct module: only where it is matters here.
constexpr const char *trailer =
    "struct { char name[56]; int (*init)(void); void (*exit)(void); } __this_module "
    "__attribute__((section(\".gnu.linkonce.this_module\"))) = {\"t\", init_module, cleanup_module};";

std::string module_text(const std::string &body) {
  return "int init_module(void); void cleanup_module(void); int _printk(const char *, ...); int in_module(void);" +
         body + trailer;
}

tapjit::Result<FinishedModule> finish(const std::string &object, std::vector<LinkInput> more = {}) {
  static const std::string table = SymbolVersions::build(symvers);
  ModuleRequest request;
  request.name = "t";
  request.inputs = {{"unit", object, true}};
  request.inputs.insert(request.inputs.end(), more.begin(), more.end());
  return finish_module(test_profile(), *SymbolVersions::map(table), request);
}

constexpr const char *hello = "int init_module(void) { return _printk(\"hi\"); } void cleanup_module(void) {}";

} // namespace

TEST(Link, JoinsSectionsAndResolvesNames) {
  std::string a = object_of("int b(int); int counter; int a(int x); int a(int x) { return b(x) + counter; }",
                            {"-ffunction-sections"});
  std::string b = object_of("extern int counter; static const int table[] = {3, 4, 5}; int b(int); "
                            "int b(int x) { counter++; return table[x & 1]; } int zero[100];",
                            {"-ffunction-sections"});
  auto linked = link_relocatable({{"a", a, true}, {"b", b, true}}, {}, false);
  ASSERT_TRUE(linked) << linked.error().observed;
  EXPECT_TRUE(linked->undefined.empty());
  std::string image = elf::write_object(linked->object);
  auto object = elf::read_object("image", image);
  ASSERT_TRUE(object) << object.error().observed;
  EXPECT_FALSE(section(*object, ".text.a"));
  ASSERT_TRUE(section(*object, ".text"));
  EXPECT_EQ(section(*object, ".bss")->header.sh_type, unsigned{SHT_NOBITS});
  EXPECT_GE(section(*object, ".bss")->header.sh_size, 404u);
  ASSERT_TRUE(symbol(*object, "b"));
  EXPECT_FALSE(symbol(*object, "b")->undefined());
  EXPECT_GT(symbol(*object, "b")->entry.st_value, 0u) << "behind a in the joined section";
  for (const elf::Section &each : object->sections)
    EXPECT_FALSE(each.name.starts_with(".comment") || each.name.starts_with(".eh_frame")) << each.name;
}

TEST(Link, ALibraryInputIsTakenWhenNeeded) {
  std::string unit = object_of("int needed(void); int f(void); int f(void) { return needed(); }");
  std::string needed = object_of("int deeper(void); int needed(void); int needed(void) { return deeper(); }");
  std::string deeper = object_of("int deeper(void); int deeper(void) { return 1; }");
  std::string unused = object_of("int missing_one(void); int unused(void); int unused(void) { return missing_one(); }");
  auto linked = link_relocatable(
      {{"unit", unit, true}, {"unused", unused, false}, {"deeper", deeper, false}, {"needed", needed, false}}, {},
      false);
  ASSERT_TRUE(linked) << linked.error().observed;
  EXPECT_EQ(linked->linked, (std::vector<std::string>{"unit", "needed", "deeper"}));
  EXPECT_TRUE(linked->undefined.empty());
}

TEST(Link, TwoDefinitionsAreAnErrorUnlessOneIsWeak) {
  std::string strong = object_of("int f(void); int f(void) { return 1; }");
  std::string weak = object_of("__attribute__((weak)) int f(void); __attribute__((weak)) int f(void) { return 2; }");
  auto twice = link_relocatable({{"first", strong, true}, {"second", strong, true}}, {}, false);
  ASSERT_FALSE(twice);
  EXPECT_EQ(twice.error().observed, "`f` is defined twice: in `first` and in `second`");
  EXPECT_TRUE(link_relocatable({{"first", weak, true}, {"second", strong, true}}, {}, false));
  EXPECT_TRUE(link_relocatable({{"first", strong, true}, {"second", weak, true}}, {}, false));
}

TEST(Link, DamagedInputsAreErrors) {
  EXPECT_FALSE(link_relocatable({{"x", "not ELF", true}}, {}, false));
  std::string object = object_of("int g(void); int f(void); int f(void) { return g(); }");
  for (size_t size = 0; size < object.size(); size += 7) {
    auto cut = link_relocatable({{"x", std::string_view(object).substr(0, size), true}}, {}, false);
    EXPECT_FALSE(cut) << size;
  }
  // Any byte may be wrong: an error or a result, but no crash.
  for (size_t at = 0; at < object.size(); at++) {
    std::string damaged = object;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    auto linked = link_relocatable({{"x", damaged, true}}, {}, false);
    if (linked)
      EXPECT_FALSE(elf::write_object(linked->object).empty());
  }
}

TEST(Module, HasWhatTheLoaderReads) {
  std::string object = object_of(module_text(hello));
  auto module = finish(object);
  ASSERT_TRUE(module) << module.error().observed;
  EXPECT_EQ(module->imports, (std::vector<std::string>{"_printk"}));
  auto read = elf::read_object("module", module->image);
  ASSERT_TRUE(read);
  std::string information(section(*read, ".modinfo")->data);
  for (std::string_view expected : {"license=GPL", "vermagic=6.1.0-test SMP ", "name=t", "retpoline=Y", "depends="})
    EXPECT_NE(information.find(std::string(expected) + '\0'), std::string::npos) << expected;
  std::string_view versions = section(*read, "__versions")->data;
  ASSERT_EQ(versions.size(), 128u);
  EXPECT_STREQ(versions.data() + 8, "module_layout");
  EXPECT_STREQ(versions.data() + 72, "_printk");
  EXPECT_EQ(versions[64], 2);
  EXPECT_TRUE(section(*read, ".note.gnu.build-id"));
  EXPECT_EQ(finish(object)->image, module->image);
}

TEST(Module, ImportsOfModulesAreDependencies) {
  auto module =
      finish(object_of(module_text("int init_module(void) { return in_module(); } void cleanup_module(void) {}")));
  ASSERT_TRUE(module) << module.error().observed;
  EXPECT_NE(module->image.find(std::string("depends=in_it") + '\0'), std::string::npos);
}

TEST(Module, WhatTheKernelDoesNotExportIsNamed) {
  auto module = finish(object_of(module_text("int secret(void); int other(void); int init_module(void) { return "
                                             "secret() + other(); } void cleanup_module(void) {}")));
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().observed, "kernel 6.1.0-test exports no `other`, `secret`");
}

TEST(Module, ThisModuleOfTheRuntimeGetsTheName) {
  std::string unit = object_of(
      std::string("int init_module(void); void cleanup_module(void); int _printk(const char *, ...);") + hello);
  std::string text = trailer;
  text.replace(text.find("\"t\""), 3, "\"" + std::string(module_name_placeholder) + "\"");
  std::string of_runtime = object_of("int init_module(void); void cleanup_module(void);" + text);
  auto module = finish(unit, {{"generated/this_module", of_runtime, false}});
  ASSERT_TRUE(module) << module.error().observed;
  auto read = elf::read_object("module", module->image);
  std::string_view data = section(*read, ".gnu.linkonce.this_module")->data;
  EXPECT_EQ(data.substr(0, 56), std::string("t") + std::string(55, '\0'));
  // One of the unit's own is preferred.
  EXPECT_EQ(finish(object_of(module_text(hello)), {{"generated/this_module", of_runtime, false}})->linked.size(), 1u);
}

TEST(Module, WithoutThisModuleItIsAnError) { EXPECT_FALSE(finish(object_of("int x = 1;"))); }

TEST(Module, ReturnSitesPointAtTheJumps) {
  std::string object = object_of(module_text(hello), {"-mfunction-return=thunk-extern"});
  auto module = finish(object);
  ASSERT_TRUE(module) << module.error().observed;
  auto read = elf::read_object("module", module->image);
  const elf::Section *sites = section(*read, ".return_sites");
  ASSERT_TRUE(sites);
  EXPECT_EQ(sites->data.size(), 4 * sites->relocations.size());
  ASSERT_FALSE(sites->relocations.empty());
  for (const Elf64_Rela &site : sites->relocations) {
    EXPECT_EQ(ELF64_R_TYPE(site.r_info), unsigned{R_X86_64_PC32});
    const elf::Section &code = read->sections[read->symbols[ELF64_R_SYM(site.r_info)].entry.st_shndx];
    EXPECT_EQ(static_cast<unsigned char>(code.data[static_cast<size_t>(site.r_addend)]), 0xe9);
  }
}

TEST(EndbrScan, NamesFunctionsThatMayNotBeCalledIndirectly) {
  const char *text = "static int called(void) { return 1; } static int other(void) { return 2; } int direct(void); "
                     "int direct(void) { return 3; } int (*pointers[])(void) = {called}; void take(int (*)(void)); "
                     "int f(void); int f(void) { take(other); return direct(); }";
  auto offenders = functions_without_endbr(object_of(text));
  ASSERT_TRUE(offenders);
  EXPECT_EQ(*offenders, (std::vector<std::string>{"called", "other"}));
  auto none = functions_without_endbr(object_of(text, {"-fcf-protection=branch"}));
  ASSERT_TRUE(none);
  EXPECT_TRUE(none->empty());
}

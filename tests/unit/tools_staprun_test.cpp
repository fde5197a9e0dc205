// SPDX-License-Identifier: GPL-2.0-or-later
// What staprun and stapio do without a kernel: module files, parameters, options, merging and printing of records.
#include <cstring>
#include <elf.h>
#include <gtest/gtest.h>

#include "runtime/core/wire.h"
#include "tools/stapio/merge.h"
#include "tools/stapio/records.h"
#include "tools/staprun/kernel_module.h"
#include "tools/staprun/module_file.h"
#include "tools/staprun/run_options.h"

using namespace tapjit;
using namespace tapjit::staprun;
using namespace tapjit::stapio;

namespace {

template <typename T> void append(std::string &bytes, const T &value) {
  bytes.append(reinterpret_cast<const char *>(&value), sizeof(value));
}

// An ELF object with the given .modinfo and a .gnu.linkonce.this_module that holds `name` at offset 24.
std::string make_module(const std::string &modinfo, const std::string &name) {
  std::string names("\0.modinfo\0.gnu.linkonce.this_module\0.shstrtab\0", 46);
  std::string module_struct(24, '\0');
  module_struct += name;
  module_struct.resize(200, '\0');
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = 4;
  header.e_shstrndx = 3;
  Elf64_Shdr sections[4] = {};
  const std::string *contents[4] = {nullptr, &modinfo, &module_struct, &names};
  const uint32_t name_at[4] = {0, 1, 10, 36};
  uint64_t offset = sizeof(header);
  for (int i = 1; i < 4; i++) {
    sections[i].sh_type = SHT_PROGBITS;
    sections[i].sh_name = name_at[i];
    sections[i].sh_offset = offset;
    sections[i].sh_size = contents[i]->size();
    offset += contents[i]->size();
  }
  header.e_shoff = offset;
  std::string bytes;
  append(bytes, header);
  for (int i = 1; i < 4; i++)
    bytes += *contents[i];
  append(bytes, sections);
  return bytes;
}

const std::string good_modinfo("license=GPL\0name=stap_1\0vermagic=6.1.0-56-cloud-amd64 SMP preempt mod_unload \0", 79);

TEST(ModuleFile, NameAndRelease) {
  Result<ModuleFile> module = check_module(make_module(good_modinfo, "stap_1"), "x.ko");
  ASSERT_TRUE(module) << module.error().observed;
  EXPECT_EQ(module->name, "stap_1");
  EXPECT_EQ(module->release, "6.1.0-56-cloud-amd64");
}

TEST(ModuleFile, BuildsThatItWasMadeFor) {
  std::string modinfo =
      good_modinfo + std::string("tapjit_kernel=01ab\0tapjit_module=loop 02cd\0tapjit_module=nf_tables "
                                 "03ef\0tapjit_module=nothing\0",
                                 86);
  Result<ModuleFile> module = check_module(make_module(modinfo, "stap_1"), "x.ko");
  ASSERT_TRUE(module) << module.error().observed;
  EXPECT_EQ(module->build_id, "01ab");
  EXPECT_EQ(module->probed, (std::map<std::string, std::string>{{"loop", "02cd"}, {"nf_tables", "03ef"}}));
}

TEST(ModuleFile, Renamed) {
  Result<ModuleFile> module = check_module(make_module(good_modinfo, "stap_1"), "x.ko");
  ASSERT_TRUE(module);
  size_t size = module->bytes.size();
  ASSERT_TRUE(rename_module(*module, "stap_1_4711"));
  EXPECT_EQ(module->bytes.size(), size);
  EXPECT_EQ(module->name, "stap_1_4711");
  EXPECT_NE(module->bytes.find("stap_1_4711"), std::string::npos);
  EXPECT_FALSE(rename_module(*module, std::string(56, 'x')));
}

TEST(ModuleFile, Refused) {
  EXPECT_FALSE(check_module("", "x.ko"));
  EXPECT_FALSE(check_module("#!/bin/sh\n", "x.ko"));
  EXPECT_FALSE(check_module(make_module("license=GPL", "stap_1"), "x.ko"));
  std::string program = make_module(good_modinfo, "stap_1");
  program[16] = ET_DYN;
  Result<ModuleFile> refused = check_module(program, "x.ko");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().observed,
            "'x.ko' is not a kernel module for x86-64: it is not a relocatable object of that machine");
  // What is unloaded at the end must be what was loaded.
  EXPECT_FALSE(check_module(make_module(good_modinfo, "other"), "x.ko"));
  EXPECT_FALSE(open_module("/nonexistent.ko"));
  EXPECT_FALSE(open_module("/tmp"));
}

TEST(ModuleFile, CutAnywhereIsRefusedNotRead) {
  std::string whole = make_module(good_modinfo, "stap_1");
  for (size_t size = 0; size < whole.size(); size++)
    EXPECT_FALSE(check_module(whole.substr(0, size), "x.ko")) << size;
}

static std::string note(uint32_t type, std::string name, std::string contents) {
  std::string bytes;
  append(bytes, uint32_t(name.size()));
  append(bytes, uint32_t(contents.size()));
  append(bytes, type);
  for (std::string *part : {&name, &contents}) {
    part->resize((part->size() + 3) / 4 * 4);
    bytes += *part;
  }
  return bytes;
}

TEST(KernelNotes, BuildId) {
  const std::string gnu("GNU", 4);
  std::string notes = note(6, "Xen", "12345") + note(1, gnu, "abcd") + note(3, gnu, "\x01\xab\xff\x10");
  EXPECT_EQ(build_id_of_notes(notes), "01abff10");
  EXPECT_EQ(build_id_of_notes(note(6, "Xen", "12345")), "");
  for (size_t size = 0; size < notes.size(); ++size)
    EXPECT_EQ(build_id_of_notes(notes.substr(0, size)), "") << size;
}

TEST(ModuleFile, UnknownParameters) {
  std::string modinfo = good_modinfo + std::string("parmtype=limit:long\0", 20);
  Result<ModuleFile> module = check_module(make_module(modinfo, "stap_1"), "x.ko");
  ASSERT_TRUE(module);
  EXPECT_TRUE(check_parameters(*module, {"limit=5"}));
  Result<void> unknown = check_parameters(*module, {"limit=5", "size=3"});
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().observed, "module 'stap_1' has no parameter 'size'");
  EXPECT_FALSE(check_parameters(*module, {"limit=5\" size=\"3"}));
}

TEST(Parameters, BlanksAreQuoted) {
  EXPECT_EQ(join_parameters({}), "");
  EXPECT_EQ(join_parameters({"a=1", "b=two words", "c="}), "a=1 b=\"two words\" c=");
}

Parsed parse(std::vector<std::string> words, RunOptions &options) {
  std::vector<char *> pointers;
  words.insert(words.begin(), "staprun");
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  optind = 0;
  return parse_run_options(static_cast<int>(words.size()), pointers.data(), options);
}

TEST(RunOptions, Accepted) {
  RunOptions options;
  ASSERT_EQ(parse({"-vv", "-w", "-cls -l", "-o", "out", "-T5", "x.ko", "a=1"}, options), Parsed::Run);
  EXPECT_EQ(options.verbose, 2);
  EXPECT_TRUE(options.suppress_warnings);
  EXPECT_EQ(options.command, "ls -l");
  EXPECT_EQ(options.output_file, "out");
  EXPECT_EQ(options.wake_up_milliseconds, 5);
  EXPECT_EQ(options.words, std::vector<std::string>({"x.ko", "a=1"}));
}

TEST(RunOptions, Refused) {
  for (const std::vector<std::string> &words : {std::vector<std::string>{},
                                                {"-c", "ls", "-x", "1", "m"},
                                                {"-D", "m"},
                                                {"-L", "m"},
                                                {"-b", "1", "m"},
                                                {"-x", "abc", "m"},
                                                {"m", "novalue"},
                                                {"-Q", "m"}}) {
    RunOptions options;
    EXPECT_EQ(parse(words, options), Parsed::Wrong);
  }
}

std::string unit(uint64_t sequence, const std::string &records) {
  std::string bytes;
  append(bytes, tap_unit_header{static_cast<uint32_t>(sizeof(tap_unit_header) + records.size()), 0, sequence});
  return bytes + records;
}

TEST(Merge, BySequenceBelowTheWatermark) {
  UnitMerger merger;
  std::string out;
  auto take = [&out](std::string_view records) { out += records; };
  ASSERT_TRUE(merger.add(1, unit(2, "b") + unit(5, "e")));
  ASSERT_TRUE(merger.add(0, unit(1, "a") + unit(4, "d")));
  merger.release(3, take);
  EXPECT_EQ(out, "ab");
  ASSERT_TRUE(merger.add(7, unit(3, "c")));
  merger.release(5, take);
  EXPECT_EQ(out, "abcd");
  merger.release_all(take);
  EXPECT_EQ(out, "abcde");
  EXPECT_TRUE(merger.empty());
}

TEST(Merge, DamagedUnits) {
  UnitMerger merger;
  EXPECT_FALSE(merger.add(0, "short"));
  std::string wrong = unit(1, "abc");
  wrong[0] = 3;
  EXPECT_FALSE(merger.add(0, wrong));
  EXPECT_FALSE(merger.add(0, unit(1, "abc").substr(0, 17)));
}

std::string string_payload(const std::string &text) {
  std::string bytes;
  append(bytes, static_cast<uint32_t>(text.size()));
  bytes += text;
  bytes.resize((bytes.size() + 7) / 8 * 8, '\0');
  return bytes;
}

std::string record(uint32_t format, const std::string &payload) {
  std::string bytes;
  append(bytes, tap_record_header{static_cast<uint32_t>(sizeof(tap_record_header) + payload.size()), format});
  return bytes + payload;
}

TEST(Records, FormatTable) {
  std::string bytes;
  append(bytes, uint32_t{5});
  bytes += "%s %d";
  append(bytes, uint32_t{2});
  bytes += "si";
  bytes.resize(16, '\0');
  append(bytes, uint32_t{2});
  bytes += "hi";
  append(bytes, uint32_t{0});
  bytes.resize(28, '\0');
  std::vector<Format> formats;
  ASSERT_TRUE(parse_formats(bytes, formats));
  ASSERT_EQ(formats.size(), 2u);
  EXPECT_EQ(formats[0].text, "%s %d");
  EXPECT_EQ(formats[0].arguments, "si");
  EXPECT_EQ(formats[1].text, "hi");
  formats.clear();
  EXPECT_FALSE(parse_formats(bytes.substr(0, 12), formats));
}

TEST(Records, Printed) {
  std::vector<Format> formats{{"%s=%d %5x|%-4d|\n", "siii"}, {"plain %%\n", ""}};
  std::string payload = string_payload("name");
  for (int64_t value : {-3, 255, 7})
    append(payload, value);
  std::string bytes = record(0, payload) + record(1, "") + record(TAP_RECORD_TEXT, string_payload("text"));
  std::string_view rest = bytes;
  std::string text;
  while (!rest.empty())
    EXPECT_EQ(take_record(rest, formats, text), RecordKind::Output);
  EXPECT_EQ(text, "name=-3    ff|7   |\nplain %\ntext");
}

TEST(Records, LongStringsAreWhole) {
  std::vector<Format> formats{{"%2000d%s", "is"}};
  std::string payload;
  append(payload, int64_t{5});
  payload += string_payload(std::string(5000, 'q'));
  std::string bytes = record(0, payload), text;
  std::string_view rest = bytes;
  EXPECT_EQ(take_record(rest, formats, text), RecordKind::Output);
  EXPECT_EQ(text, std::string(1999, ' ') + "5" + std::string(5000, 'q'));
}

TEST(Records, WarningsErrorsAndDamage) {
  std::string bytes = record(TAP_RECORD_WARNING, string_payload("careful\n")), text;
  std::string_view rest = bytes;
  EXPECT_EQ(take_record(rest, {}, text), RecordKind::Warning);
  EXPECT_EQ(text, "careful");
  text.clear();
  bytes = record(TAP_RECORD_ERROR, string_payload("bad"));
  rest = bytes;
  EXPECT_EQ(take_record(rest, {}, text), RecordKind::Error);
  for (const std::string &damaged : {std::string("abc"), record(3, ""), record(TAP_RECORD_TEXT, "\xff\xff\xff\x7f"),
                                     record(TAP_RECORD_HIST, "12345678")}) {
    rest = damaged;
    EXPECT_EQ(take_record(rest, {}, text), RecordKind::Broken);
  }
}

TEST(Records, Histogram) {
  tap_record_hist histogram = {0, 0, 0, 0, 50, 2, 128};
  std::string payload;
  append(payload, histogram);
  for (int64_t bucket = 0; bucket < 128; bucket++)
    append(payload, int64_t{bucket == 66 ? 3 : 0});
  std::string bytes = record(TAP_RECORD_HIST, payload), text;
  std::string_view rest = bytes;
  EXPECT_EQ(take_record(rest, {}, text), RecordKind::Output);
  EXPECT_NE(text.find("    2 |@@@ "), std::string::npos) << text;
}

} // namespace

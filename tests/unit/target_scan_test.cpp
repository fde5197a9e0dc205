// SPDX-License-Identifier: GPL-2.0-or-later
// The scan of .debug_info against libdw, DIE by DIE, on a unit of the installed kernel; and what it does with damaged
// bytes. Skipped where no kernel has debuginfo.
#include "frontend/target/debug_index_build.h"
#include "frontend/target/dwarf_types.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/unit_scan.h"

#include <cstring>
#include <dwarf.h>
#include <elf.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>
#include <sys/stat.h>

namespace tapjit::target {

namespace {

std::string installed_vmlinux() {
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator("/usr/lib/debug/boot", error))
    if (entry.path().filename().string().starts_with("vmlinux-"))
      return entry.path();
  return {};
}

class UnitScanTest : public testing::Test {
protected:
  void SetUp() override {
    std::string path = installed_vmlinux();
    if (path.empty())
      GTEST_SKIP() << "no vmlinux with debuginfo is installed";
    auto opened = ElfFile::open(path);
    ASSERT_TRUE(opened);
    file = std::move(*opened);
    dwarf = file->dwarf();
    ASSERT_TRUE(dwarf);
    sections = {file->section_bytes(".debug_info"), file->section_bytes(".debug_abbrev"),
                file->section_bytes(".debug_str"), file->section_bytes(".debug_line"),
                file->section_bytes(".debug_line_str")};
    units = unit_offsets(sections.info);
  }
  std::unique_ptr<ElfFile> file;
  Dwarf *dwarf = nullptr;
  DebugSections sections;
  std::vector<uint64_t> units;
};

// What libdw says of the same unit.
struct Expected {
  std::map<uint64_t, std::string> rows; // by DIE: "name file:line address"
  std::set<uint64_t> copies;            // DIEs of inlined copies that have an entry
};

std::string described(const char *name, const char *file, int line, uint64_t address) {
  return std::string(name) + " " + (file ? file : "") + ":" + std::to_string(line) + " " + std::to_string(address);
}

void expect_copies(Dwarf_Die scope, Expected &expected) {
  Dwarf_Die child;
  if (dwarf_child(&scope, &child) != 0)
    return;
  do {
    if (dwarf_tag(&child) == DW_TAG_inlined_subroutine && entry_of(&child))
      expected.copies.insert(dwarf_dieoffset(&child));
    expect_copies(child, expected);
  } while (dwarf_siblingof(&child, &child) == 0);
}

Expected ask_libdw(Dwarf *dwarf, uint64_t unit_die) {
  Expected expected;
  Dwarf_Die unit, die;
  if (!dwarf_offdie(dwarf, unit_die, &unit) || dwarf_child(&unit, &die) != 0)
    return expected;
  std::set<std::pair<int, std::string>> types;
  do {
    const char *name = dwarf_diename(&die);
    const int tag = dwarf_tag(&die);
    if (tag == DW_TAG_subprogram)
      expect_copies(die, expected);
    if (!name)
      continue;
    int line = 0;
    Dwarf_Attribute attribute;
    Dwarf_Op *ops;
    size_t count;
    if (tag == DW_TAG_subprogram) {
      auto entry = entry_of(&die);
      const char *file = dwarf_decl_file(&die);
      dwarf_decl_line(&die, &line);
      if (entry || dwarf_hasattr(&die, DW_AT_inline))
        expected.rows[dwarf_dieoffset(&die)] =
            described(name, file ? file : dwarf_diename(&unit), line, entry.value_or(0));
    } else if (tag == DW_TAG_variable) {
      if (dwarf_attr(&die, DW_AT_location, &attribute) && dwarf_getlocation(&attribute, &ops, &count) == 0 &&
          count == 1 && ops[0].atom == DW_OP_addr)
        expected.rows[dwarf_dieoffset(&die)] = described(name, dwarf_diename(&unit), 0, ops[0].number);
    } else if (tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type ||
               tag == DW_TAG_typedef) {
      if (!dwarf_hasattr(&die, DW_AT_declaration) && types.insert({tag, name}).second)
        expected.rows[dwarf_dieoffset(&die)] = described(name, dwarf_diename(&unit), 0, 0);
    }
  } while (dwarf_siblingof(&die, &die) == 0);
  return expected;
}

} // namespace

TEST_F(UnitScanTest, SaysWhatLibdwSays) {
  size_t functions = 0, copies = 0;
  for (size_t i = 0; i < units.size(); i += units.size() / 12) {
    UnitScanner scanner(sections, dwarf);
    UnitFacts facts;
    scanner.scan(units[i], facts);
    auto header = read_unit(sections.info, units[i]);
    ASSERT_TRUE(header);
    Expected expected = ask_libdw(dwarf, header->first_die);
    std::map<uint64_t, std::string> rows;
    for (const ScannedRow &row : facts.rows) {
      functions += row.kind == RowKind::Function;
      rows[row.die] = described(scanner.texts()[row.name].data(), std::string(scanner.texts()[row.file]).c_str(),
                                static_cast<int>(row.line), row.address);
    }
    EXPECT_EQ(rows, expected.rows) << "unit at " << units[i];
    std::set<uint64_t> found;
    for (const IndexCopy &copy : facts.copies)
      found.insert(copy.die);
    EXPECT_EQ(found, expected.copies) << "unit at " << units[i];
    copies += found.size();
  }
  EXPECT_GT(functions, 50u);
  EXPECT_GT(copies, 50u);
}

// Bytes are changed, and sections end too early; sanitizers see a bad read.
TEST_F(UnitScanTest, DamageIsHarmless) {
  auto unit = read_unit(sections.info, units[units.size() / 3]);
  ASSERT_TRUE(unit);
  constexpr size_t kept = 1 << 14;
  auto part = [&](std::span<const char> section, uint64_t from) {
    from = std::min<uint64_t>(from, section.size());
    std::span<const char> rest = section.subspan(from, std::min<uint64_t>(section.size() - from, kept));
    return std::string(rest.begin(), rest.end());
  };
  const std::string info = part(sections.info, unit->start), abbrev = part(sections.abbrev, unit->abbreviations),
                    str = part(sections.str, 0), line = part(sections.line, 0), line_str = part(sections.line_str, 0);
  std::mt19937 random(20261121);
  size_t rows = 0;
  for (int turn = 0; turn < 3000; ++turn) {
    std::string parts[] = {info, abbrev, str, line, line_str};
    const uint32_t length = static_cast<uint32_t>(info.size() - 4), version = 5, offset = 0;
    memcpy(parts[0].data(), &length, sizeof length); // the unit ends where the bytes do
    memcpy(parts[0].data() + 4, &version, 2);
    memcpy(parts[0].data() + 8, &offset, sizeof offset);
    for (std::string &bytes : parts) {
      for (unsigned count = random() % 8; count > 0 && turn > 0; --count)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      if (turn % 4 == 3)
        bytes.resize(random() % bytes.size());
      bytes.shrink_to_fit();
    }
    UnitScanner scanner({parts[0], parts[1], parts[2], parts[3], parts[4]}, nullptr);
    UnitFacts facts;
    for (uint64_t at : unit_offsets(parts[0]))
      scanner.scan(at, facts);
    scanner.scan(random() % kept, facts);
    rows += facts.rows.size();
  }
  EXPECT_GT(rows, 1000u);
}

// Headers of a small module: what they say of sections and entries may be anything.
TEST(DebugIndexBuild, DamagedHeadersAreHarmless) {
  std::error_code error;
  std::string good;
  for (const auto &entry : std::filesystem::recursive_directory_iterator("/lib/modules", error))
    if (entry.path().extension() == ".ko" && entry.file_size() < 65536) {
      std::ifstream file(entry.path(), std::ios::binary);
      good.assign(std::istreambuf_iterator<char>(file), {});
      break;
    }
  if (good.empty())
    GTEST_SKIP() << "no small module is installed";
  Elf64_Ehdr header;
  memcpy(&header, good.data(), sizeof header);
  const std::string path = testing::TempDir() + "damaged_headers.ko";
  auto index_of = [&](const std::string &bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
    return bool(build_debug_index(path, 1));
  };
  EXPECT_TRUE(index_of(good));
  std::string no_sizes = good;
  for (size_t section = 0; section < header.e_shnum; ++section)
    memset(&no_sizes[header.e_shoff + section * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_entsize)], 0, 8);
  index_of(no_sizes);
  std::mt19937 random(20261121);
  for (int turn = 0; turn < 500; ++turn) {
    std::string bytes = good;
    for (size_t count = 1 + random() % 4; count > 0; --count)
      bytes[header.e_shoff + random() % (header.e_shnum * sizeof(Elf64_Shdr))] = static_cast<char>(random());
    index_of(bytes);
  }
  std::filesystem::remove(path);
}

TEST(ElfFile, WaitsForNoFifo) {
  const std::string path = testing::TempDir() + "elf_fifo";
  std::filesystem::remove(path);
  ASSERT_EQ(mkfifo(path.c_str(), 0600), 0);
  auto file = ElfFile::open(path);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().observed, "`" + path + "` is not a regular file");
  std::filesystem::remove(path);
}

} // namespace tapjit::target

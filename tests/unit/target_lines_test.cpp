// SPDX-License-Identifier: GPL-2.0-or-later
// Line tables: what was packed is found again, and what libdw says of the installed kernel's code is in them.
#include "frontend/target/line_table.h"
#include "runtime/core/line_table.h"

#include <cstring>
#include <elfutils/libdw.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <random>

namespace tapjit::target {

namespace {

struct Table {
  explicit Table(const std::string &bytes) : words((bytes.size() + 7) / 8) {
    memcpy(words.data(), bytes.data(), bytes.size());
  }
  std::string at(uint64_t address) const {
    tap_line found = tap_line_find(reinterpret_cast<const tap_line_table *>(words.data()), address);
    return found.file ? std::string(found.file) + ":" + std::to_string(found.line) : "-";
  }
  std::vector<uint64_t> words;
};

std::string expected(const CodeLines &rows, const CodeLine &row) {
  return row.file ? rows.files[row.file] + ":" + std::to_string(row.line) : "-";
}

} // namespace

// Steps of all sizes, each opcode and the ends of blocks.
TEST(LineTable, FindsWhatWasPacked) {
  std::minstd_rand random(1);
  CodeLines rows;
  for (int i = 0; i < 300; ++i)
    rows.files.push_back("dir/file" + std::to_string(i) + ".c");
  uint64_t address = 0xffffffff81000000;
  uint32_t file = 1, line = 1;
  for (int i = 0; i < 5000; ++i) {
    rows.rows.push_back({address, file, file ? line : 0});
    address += random() % 10 ? 1 + random() % 30 : 1 + random() % 100'000;
    line = random() % 4 ? line + 1 + random() % 14 : 1 + random() % 70'000;
    if (random() % 3 == 0)
      file = random() % 2 ? random() % 3 : random() % 301;
  }
  rows.rows.push_back({address, 0, 0});
  Table table(pack_line_rows(rows, {{rows.rows[0].address, address}}));
  for (size_t i = 0; i + 1 < rows.rows.size(); ++i) {
    ASSERT_EQ(table.at(rows.rows[i].address), expected(rows, rows.rows[i])) << i;
    ASSERT_EQ(table.at(rows.rows[i + 1].address - 1), expected(rows, rows.rows[i])) << i;
  }
  EXPECT_EQ(table.at(rows.rows[0].address - 1), "-");
  EXPECT_EQ(table.at(address), "-");
  EXPECT_EQ(table.at(address + 100), "-");
  EXPECT_EQ(table.at(0), "-");
  EXPECT_EQ(table.at(UINT64_MAX), "-");
}

TEST(LineTable, NoRowsNoTable) { EXPECT_EQ(pack_line_rows({}, {}), ""); }

// Bytes that no compiler writes are passed without a bad read.
TEST(LineTable, DamagedPrograms) {
  std::minstd_rand random(2);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 200, '\0');
    for (char &c : bytes)
      c = static_cast<char>(random());
    if (bytes.size() > 16) { // a header that looks sound
      const uint32_t length = static_cast<uint32_t>(bytes.size() - 4);
      memcpy(bytes.data(), &length, sizeof length);
      bytes[4] = static_cast<char>(2 + random() % 4), bytes[5] = 0;
    }
    DebugSections sections;
    sections.line = {bytes.data(), bytes.size()};
    CodeLines rows = read_line_rows(sections, {{0, UINT64_MAX}});
    for (size_t row = 1; row < rows.rows.size(); ++row)
      ASSERT_LT(rows.rows[row - 1].address, rows.rows[row].address);
  }
}

TEST(LineTable, AgreesWithLibdw) {
  std::string path;
  std::error_code error;
  for (const auto &entry : std::filesystem::directory_iterator("/usr/lib/debug/boot", error))
    if (entry.path().filename().string().starts_with("vmlinux-"))
      path = entry.path();
  if (path.empty())
    GTEST_SKIP() << "no vmlinux with debuginfo is installed";
  auto made = build_line_table(path);
  ASSERT_TRUE(made);
  Table table(*made);
  std::vector<CodeRange> ranges = line_table_ranges({made->data(), made->size()});
  ASSERT_FALSE(ranges.empty());
  auto file = ElfFile::open(path);
  ASSERT_TRUE(file);
  Dwarf *dwarf = (*file)->dwarf();
  std::minstd_rand random(3);
  int compared = 0;
  for (int i = 0; i < 3000; ++i) {
    const uint64_t address = ranges[0].begin + random() % (ranges[0].end - ranges[0].begin);
    Dwarf_Die unit;
    Dwarf_Line *line = dwarf_addrdie(dwarf, address, &unit) ? dwarf_getsrc_die(&unit, address) : nullptr;
    if (!line)
      continue;
    int number = 0;
    dwarf_lineno(line, &number);
    std::string expected = std::string(dwarf_linesrc(line, nullptr, nullptr)) + ":" + std::to_string(number);
    if (number == 0)
      expected = "-";
    EXPECT_EQ(table.at(address), expected) << std::hex << address;
    ++compared;
  }
  EXPECT_GT(compared, 2000);
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// DWARF 5, section 6.2: a line program is run by a machine of few registers; this is that machine without the columns
// and flags that nobody asks for.
#include "frontend/target/line_table.h"

#include "frontend/target/line_files.h"
#include "runtime/core/line_table.h"

#include <algorithm>
#include <cstring>
#include <dwarf.h>
#include <optional>
#include <unordered_map>

namespace tapjit::target {

namespace {

// A sequence: rows whose addresses grow, the last of which ends it.
struct Sequence {
  std::vector<CodeLine> rows;
  uint64_t end = 0;
};

class LineProgram {
public:
  LineProgram(const DebugSections &sections, CodeLines &result) : sections_(sections), result_(result) {}

  // Runs the program whose header is at `offset`; the offset behind it, or nullopt after damage.
  std::optional<uint64_t> run(uint64_t offset, std::vector<Sequence> &sequences) {
    ByteReader reader(sections_.line, offset);
    uint64_t length = reader.fixed(4);
    unsigned offset_size = 4;
    if (length == 0xffffffff) {
      length = reader.fixed(8);
      offset_size = 8;
    }
    const uint64_t end = reader.at() + length;
    if (!reader.good() || end > sections_.line.size() || end < reader.at())
      return std::nullopt;
    if (!files_.read(sections_, offset, nullptr) || !read_header(reader, offset_size))
      return end; // of a form that is not known
    files_by_number_.assign(files_.size(), not_asked);
    steps(ByteReader(sections_.line.first(end), reader.at()), sequences);
    return end;
  }

private:
  static constexpr uint32_t not_asked = UINT32_MAX;
  struct Registers {
    uint64_t address = 0, file = 1;
    int64_t line = 1;
  };

  // From behind the length to the first opcode.
  bool read_header(ByteReader &reader, unsigned offset_size) {
    const uint64_t version = reader.fixed(2);
    if (version >= 5)
      reader.skip(2);
    const uint64_t rest = reader.fixed(offset_size), first = reader.at() + rest;
    least_instruction_ = reader.fixed(1);
    if (version >= 4 && reader.fixed(1) != 1)
      return false; // several operations in an instruction: no x86
    reader.skip(1);
    line_base_ = static_cast<int8_t>(reader.fixed(1));
    line_range_ = reader.fixed(1);
    opcode_base_ = reader.fixed(1);
    operands_.assign(opcode_base_, 0);
    for (uint64_t i = 1; i < opcode_base_; ++i)
      operands_[i] = static_cast<uint8_t>(reader.fixed(1));
    if (!reader.good() || !line_range_ || !opcode_base_)
      return false;
    reader.move_to(first);
    return reader.good();
  }

  static int64_t signed_leb(ByteReader &reader) {
    uint64_t value = 0;
    unsigned shift = 0;
    for (;;) {
      uint64_t byte = reader.fixed(1);
      if (shift < 64)
        value |= (byte & 0x7f) << shift;
      shift += 7;
      if (!(byte & 0x80) || !reader.good())
        return static_cast<int64_t>(shift < 64 && (byte & 0x40) ? value | ~uint64_t{0} << shift : value);
    }
  }

  void add_row(const Registers &registers) {
    if (!sequence_.rows.empty() && registers.address < sequence_.rows.back().address)
      return; // damaged: a sequence grows
    const bool known = registers.line > 0 && registers.line <= INT32_MAX;
    CodeLine row{registers.address, known ? file(registers.file) : 0,
                 known ? static_cast<uint32_t>(registers.line) : 0};
    if (!row.file)
      row.line = 0;
    if (!sequence_.rows.empty() && sequence_.rows.back().address == row.address)
      sequence_.rows.back() = row;
    else
      sequence_.rows.push_back(row);
  }

  void steps(ByteReader reader, std::vector<Sequence> &sequences) {
    Registers now;
    sequence_ = {};
    auto advance = [&](uint64_t operations) { now.address += operations * least_instruction_; };
    while (!reader.at_end()) {
      const uint64_t opcode = reader.fixed(1);
      if (opcode >= opcode_base_) {
        advance((opcode - opcode_base_) / line_range_);
        now.line += line_base_ + static_cast<int64_t>((opcode - opcode_base_) % line_range_);
        add_row(now);
        continue;
      }
      switch (opcode) {
      case 0: {
        const uint64_t length = reader.uleb(), next = reader.at() + length;
        const uint64_t extended = length ? reader.fixed(1) : 0;
        if (extended == DW_LNE_set_address) {
          now.address = reader.fixed(8);
        } else if (extended == DW_LNE_end_sequence) {
          sequence_.end = now.address;
          if (reader.good() && !sequence_.rows.empty())
            sequences.push_back(std::move(sequence_));
          sequence_ = {};
          now = {};
        }
        reader.move_to(next);
        break;
      }
      case DW_LNS_copy:
        add_row(now);
        break;
      case DW_LNS_advance_pc:
        advance(reader.uleb());
        break;
      case DW_LNS_advance_line:
        now.line += signed_leb(reader);
        break;
      case DW_LNS_set_file:
        now.file = reader.uleb();
        break;
      case DW_LNS_const_add_pc:
        advance((255 - opcode_base_) / line_range_);
        break;
      case DW_LNS_fixed_advance_pc:
        now.address += reader.fixed(2);
        break;
      default:
        for (unsigned i = 0; i < operands_[opcode]; ++i)
          reader.uleb();
      }
      if (!reader.good())
        return;
    }
  }

  // Number in the result of a file of this program.
  uint32_t file(uint64_t number) {
    if (number >= files_by_number_.size())
      return 0;
    uint32_t &known = files_by_number_[number];
    if (known == not_asked) {
      std::string name = files_.name(number);
      auto [place, is_new] = numbers_.try_emplace(name, static_cast<uint32_t>(result_.files.size()));
      if (name.empty())
        place->second = 0;
      else if (is_new)
        result_.files.push_back(std::move(name));
      known = place->second;
    }
    return known;
  }

  const DebugSections &sections_;
  CodeLines &result_;
  LineFiles files_;
  std::vector<uint32_t> files_by_number_;
  std::unordered_map<std::string, uint32_t> numbers_;
  Sequence sequence_;
  uint64_t least_instruction_ = 1, line_range_ = 1, opcode_base_ = 1;
  int64_t line_base_ = 0;
  std::vector<uint8_t> operands_;
};

class Packer {
public:
  Packer(const CodeLines &rows, const std::vector<CodeRange> &ranges)
      : rows_(rows.rows), files_(rows.files), ranges_(ranges) {}

  std::string pack() {
    header_.base = rows_.front().address;
    header_.rows = static_cast<uint32_t>(rows_.size());
    bytes_.assign(sizeof header_, '\0');
    for (size_t i = 0; i < rows_.size(); ++i)
      i % TAP_LINE_ROWS ? add_row(rows_[i]) : begin_block(rows_[i]);
    header_.rows_end = size();
    align();
    header_.ranges = size();
    header_.range_count = static_cast<uint32_t>(ranges_.size());
    append(ranges_.data(), ranges_.size() * sizeof ranges_[0]);
    header_.blocks = size();
    header_.block_count = static_cast<uint32_t>(blocks_.size());
    append(blocks_.data(), blocks_.size() * sizeof blocks_[0]);
    header_.files = size();
    header_.file_count = static_cast<uint32_t>(files_.size());
    uint32_t name = size() + static_cast<uint32_t>(files_.size() * sizeof name);
    for (const std::string &file : files_) {
      append(&name, sizeof name);
      name += static_cast<uint32_t>(file.size()) + 1;
    }
    for (const std::string &file : files_)
      append(file.c_str(), file.size() + 1);
    align();
    header_.size = size();
    memcpy(bytes_.data(), &header_, sizeof header_);
    return std::move(bytes_);
  }

private:
  uint32_t size() const { return static_cast<uint32_t>(bytes_.size()); }
  void append(const void *from, size_t count) { bytes_.append(static_cast<const char *>(from), count); }
  void align() { bytes_.append(-bytes_.size() % 8, '\0'); }
  void number(uint32_t value) {
    for (; value >= 0x80; value >>= 7)
      bytes_ += static_cast<char>(value | 0x80);
    bytes_ += static_cast<char>(value);
  }
  static uint32_t zigzag(int64_t value) { return static_cast<uint32_t>(value < 0 ? -2 * value - 1 : 2 * value); }

  void begin_block(const CodeLine &row) {
    blocks_.push_back({static_cast<uint32_t>(row.address - header_.base), size()});
    number(row.file);
    number(row.line);
    now_ = row;
    before_ = {};
  }

  void add_row(const CodeLine &row) {
    const uint32_t grown = static_cast<uint32_t>(row.address - now_.address);
    const int64_t lines = int64_t{row.line} - now_.line;
    if (row.file == now_.file && lines >= TAP_LINE_LEAST && lines < TAP_LINE_LEAST + TAP_LINE_LINES && grown >= 1 &&
        grown <= TAP_LINE_ADDRESSES) {
      bytes_ += static_cast<char>((grown - 1) * TAP_LINE_LINES + static_cast<uint32_t>(lines - TAP_LINE_LEAST));
    } else if (row.file == now_.file) {
      opcode(TAP_LINE_SAME, grown);
      number(zigzag(lines));
    } else if (row.file == before_.file) {
      opcode(TAP_LINE_BACK, grown);
      number(zigzag(int64_t{row.line} - before_.line));
    } else {
      opcode(TAP_LINE_FILE, grown);
      number(row.file);
      number(row.line);
    }
    if (row.file != now_.file)
      before_ = now_;
    now_ = row;
  }
  void opcode(int code, uint32_t grown) {
    bytes_ += static_cast<char>(code);
    number(grown);
  }

  const std::vector<CodeLine> &rows_;
  const std::vector<std::string> &files_;
  const std::vector<CodeRange> &ranges_;
  tap_line_table header_ = {};
  std::vector<tap_line_block> blocks_;
  std::string bytes_;
  CodeLine now_ = {}, before_ = {};
};

} // namespace

CodeLines read_line_rows(const DebugSections &sections, const std::vector<CodeRange> &ranges) {
  CodeLines result;
  std::vector<Sequence> sequences;
  LineProgram program(sections, result);
  for (std::optional<uint64_t> at = 0; at && *at < sections.line.size();)
    at = program.run(*at, sequences);
  std::erase_if(sequences, [&](const Sequence &sequence) {
    return std::none_of(ranges.begin(), ranges.end(), [&](const CodeRange &range) {
      return sequence.rows.front().address >= range.begin && sequence.end <= range.end;
    });
  });
  std::stable_sort(sequences.begin(), sequences.end(), [](const Sequence &a, const Sequence &b) {
    return a.rows.front().address < b.rows.front().address;
  });
  auto add = [&](const CodeLine &row) {
    std::vector<CodeLine> &rows = result.rows;
    if (!rows.empty() && row.address < rows.back().address)
      return; // sequences that overlap
    if (!rows.empty() && row.address == rows.back().address)
      rows.pop_back();
    if (rows.empty() || rows.back().file != row.file || rows.back().line != row.line)
      rows.push_back(row);
  };
  for (const Sequence &sequence : sequences) {
    for (const CodeLine &row : sequence.rows)
      add(row);
    add({sequence.end, 0, 0});
  }
  return result;
}

std::string pack_line_rows(const CodeLines &rows, const std::vector<CodeRange> &ranges) {
  return rows.rows.empty() ? std::string() : Packer(rows, ranges).pack();
}

std::vector<CodeRange> line_table_ranges(std::span<const char> bytes) {
  tap_line_table header;
  if (bytes.size() < sizeof header)
    return {};
  memcpy(&header, bytes.data(), sizeof header);
  static_assert(sizeof(CodeRange) == 2 * sizeof(uint64_t));
  if (header.size != bytes.size() || header.ranges > bytes.size() ||
      header.range_count > (bytes.size() - header.ranges) / sizeof(CodeRange))
    return {};
  std::vector<CodeRange> ranges(header.range_count);
  memcpy(ranges.data(), bytes.data() + header.ranges, ranges.size() * sizeof ranges[0]);
  return ranges;
}

std::vector<CodeRange> code_ranges(const ElfFile &file) {
  std::vector<CodeRange> ranges;
  for (const ElfSection &section : file.sections())
    if (section.is_code && section.name.find(".exit.") == std::string::npos && !section.name.starts_with(".alt") &&
        (file.is_relocatable() || !section.name.starts_with(".init")))
      ranges.push_back({section.address, section.address + section.size});
  return ranges;
}

Result<std::string> build_line_table(const std::string &path) {
  auto file = ElfFile::open(path);
  if (!file)
    return file.error();
  if (!(*file)->dwarf()) // which relocates a module's sections
    return Error{"`" + path + "` has no debuginfo", ""};
  DebugSections sections = {(*file)->section_bytes(".debug_info"), (*file)->section_bytes(".debug_abbrev"),
                            (*file)->section_bytes(".debug_str"), (*file)->section_bytes(".debug_line"),
                            (*file)->section_bytes(".debug_line_str")};
  const std::vector<CodeRange> ranges = code_ranges(**file);
  std::string table = pack_line_rows(read_line_rows(sections, ranges), ranges);
  if (table.empty())
    return Error{"the debuginfo in `" + path + "` tells no lines", ""};
  return table;
}

} // namespace tapjit::target

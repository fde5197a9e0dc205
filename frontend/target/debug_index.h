// SPDX-License-Identifier: GPL-2.0-or-later
// The flat index of one vmlinux: names to DIE offsets and addresses, symbols, and the address ranges that kprobes
// refuse. It is built once per build-id (debug_index_build.h), stored as bytes, and read in place from a mapping:
// opening checks the header only, every look-up checks its own bounds, so a damaged file gives wrong or no answers but
// never a bad read.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tapjit::target {

// What a row's name names. Rows are sorted by (kind, name, address, die).
enum class RowKind : uint32_t {
  Function, // out-of-line code: address is its entry
  Inlined,  // DW_AT_inline: die is the abstract function
  Struct,   // a complete definition
  Union,
  Enum,
  Typedef,
  Variable,  // file-scope, with an address
  SplitUnit, // a compilation unit whose DIEs are in another file (.dwo), which is not read: the name is that file's
};

struct IndexRow {
  uint32_t kind;
  uint32_t name; // offset in the string pool
  uint32_t file; // source file of the definition (of types: of the compilation unit), offset in the string pool
  uint32_t line; // of the definition; 0 for types and variables
  uint64_t die;
  uint64_t address; // of a row of kind Inlined: where its copies begin in their table
};

// Sorted by name; `by_address` is a permutation.
struct IndexSymbol {
  uint32_t name;
  uint32_t is_code;
  uint64_t address, size;
};

struct IndexSection {
  uint64_t address, size;
  uint32_t name, is_code;
};

// No kprobe may be put in [begin, end); `reason` is a string. By address, apart from each other.
struct IndexRefusal {
  uint64_t begin, end;
  uint32_t reason, reserved;
};

// One place where an abstract function (a row of kind Inlined) was inlined. Sorted by (function, address, die).
struct IndexCopy {
  uint32_t function, die, outer, reserved; // offsets in .debug_info; outer: the function around it
  uint64_t address;
};

struct IndexHeader {
  static constexpr char expected_magic[8] = {'T', 'A', 'P', 'D', 'B', 'G', '1', '0'};
  char magic[8];
  uint64_t total_size;
  uint64_t rows, row_count;
  uint64_t symbols, symbol_count;
  uint64_t by_address; // uint32_t[symbol_count]
  uint64_t sections, section_count;
  uint64_t refusals, refusal_count;
  uint64_t copies, copy_count;
  uint64_t strings, strings_size; // the pool ends in NUL
};

class DebugIndex {
public:
  // `bytes` must be 8-byte aligned and outlive the index. nullopt: not an index, of another version, or truncated.
  static std::optional<DebugIndex> open(std::span<const char> bytes);

  std::string_view string(uint32_t offset) const;
  std::span<const IndexRow> rows(RowKind kind) const;
  std::span<const IndexRow> rows(RowKind kind, std::string_view name) const;
  // The inlined copies of an abstract function, a row of kind Inlined.
  std::span<const IndexCopy> copies(const IndexRow &function) const;
  std::span<const IndexSymbol> symbols() const { return symbols_; }
  std::span<const IndexSymbol> symbols(std::string_view name) const;
  // No other symbol has this one's name; it is one of symbols().
  bool is_unique(const IndexSymbol &symbol) const;
  std::span<const IndexSymbol> symbols_beginning(std::string_view prefix) const;
  // The symbol that covers a code address: the nearest at or below it; of several at one address the one called
  // `preferred`, else the first by name.
  const IndexSymbol *symbol_at(uint64_t address, std::string_view preferred) const;
  std::string_view section_at(uint64_t address) const;
  // Why no kprobe can be put at this address; empty when one can.
  std::string_view refusal_at(uint64_t address) const;

private:
  std::span<const IndexRow> rows_;
  std::span<const IndexSymbol> symbols_;
  std::span<const uint32_t> by_address_;
  std::span<const IndexSection> sections_;
  std::span<const IndexRefusal> refusals_;
  std::span<const IndexCopy> copies_;
  std::span<const char> strings_;
};

} // namespace tapjit::target

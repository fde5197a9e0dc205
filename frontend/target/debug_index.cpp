// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debug_index.h"

#include <algorithm>
#include <cstring>

namespace tapjit::target {

template <typename T>
static bool take_table(std::span<const char> bytes, uint64_t offset, uint64_t count, std::span<const T> &table) {
  if (offset % alignof(T) != 0 || offset > bytes.size() || count > (bytes.size() - offset) / sizeof(T))
    return false;
  table = {reinterpret_cast<const T *>(bytes.data() + offset), static_cast<size_t>(count)};
  return true;
}

std::optional<DebugIndex> DebugIndex::open(std::span<const char> bytes) {
  if (bytes.size() < sizeof(IndexHeader) || reinterpret_cast<uintptr_t>(bytes.data()) % alignof(IndexHeader) != 0)
    return std::nullopt;
  IndexHeader header;
  memcpy(&header, bytes.data(), sizeof header);
  if (memcmp(header.magic, IndexHeader::expected_magic, sizeof header.magic) != 0 || header.total_size != bytes.size())
    return std::nullopt;
  DebugIndex index;
  if (!take_table(bytes, header.rows, header.row_count, index.rows_) ||
      !take_table(bytes, header.symbols, header.symbol_count, index.symbols_) ||
      !take_table(bytes, header.by_address, header.symbol_count, index.by_address_) ||
      !take_table(bytes, header.sections, header.section_count, index.sections_) ||
      !take_table(bytes, header.refusals, header.refusal_count, index.refusals_) ||
      !take_table(bytes, header.copies, header.copy_count, index.copies_) ||
      !take_table(bytes, header.strings, header.strings_size, index.strings_) || index.strings_.empty() ||
      index.strings_.back() != '\0')
    return std::nullopt;
  return index;
}

std::string_view DebugIndex::string(uint32_t offset) const {
  return offset < strings_.size() ? strings_.data() + offset : "";
}

std::span<const IndexRow> DebugIndex::rows(RowKind kind) const {
  uint32_t wanted = static_cast<uint32_t>(kind);
  auto begin = std::lower_bound(rows_.begin(), rows_.end(), wanted,
                                [](const IndexRow &row, uint32_t kind) { return row.kind < kind; });
  auto end =
      std::upper_bound(begin, rows_.end(), wanted, [](uint32_t kind, const IndexRow &row) { return kind < row.kind; });
  return {begin, end};
}

std::span<const IndexRow> DebugIndex::rows(RowKind kind, std::string_view name) const {
  std::span<const IndexRow> all = rows(kind);
  auto begin = std::lower_bound(all.begin(), all.end(), name,
                                [&](const IndexRow &row, std::string_view name) { return string(row.name) < name; });
  auto end = std::upper_bound(begin, all.end(), name,
                              [&](std::string_view name, const IndexRow &row) { return name < string(row.name); });
  return {begin, end};
}

std::span<const IndexCopy> DebugIndex::copies(const IndexRow &function) const {
  if (function.address >= copies_.size())
    return {};
  std::span<const IndexCopy> all = copies_.subspan(function.address);
  auto end = std::find_if(all.begin(), all.end(), [&](const IndexCopy &copy) { return copy.function != function.die; });
  return {all.begin(), end};
}

std::span<const IndexSymbol> DebugIndex::symbols(std::string_view name) const {
  auto begin =
      std::lower_bound(symbols_.begin(), symbols_.end(), name,
                       [&](const IndexSymbol &symbol, std::string_view name) { return string(symbol.name) < name; });
  auto end = std::upper_bound(begin, symbols_.end(), name, [&](std::string_view name, const IndexSymbol &symbol) {
    return name < string(symbol.name);
  });
  return {begin, end};
}

bool DebugIndex::is_unique(const IndexSymbol &symbol) const {
  const IndexSymbol *at = &symbol;
  return (at == symbols_.data() || at[-1].name != at->name) &&
         (at + 1 == symbols_.data() + symbols_.size() || at[1].name != at->name);
}

std::span<const IndexSymbol> DebugIndex::symbols_beginning(std::string_view prefix) const {
  auto begin =
      std::lower_bound(symbols_.begin(), symbols_.end(), prefix,
                       [&](const IndexSymbol &symbol, std::string_view name) { return string(symbol.name) < name; });
  auto end = begin;
  while (end != symbols_.end() && string(end->name).starts_with(prefix))
    ++end;
  return {begin, end};
}

const IndexSymbol *DebugIndex::symbol_at(uint64_t address, std::string_view preferred) const {
  auto symbol_of = [&](uint32_t number) { return number < symbols_.size() ? &symbols_[number] : nullptr; };
  auto after =
      std::upper_bound(by_address_.begin(), by_address_.end(), address, [&](uint64_t address, uint32_t number) {
        const IndexSymbol *symbol = symbol_of(number);
        return symbol && address < symbol->address;
      });
  const IndexSymbol *first = nullptr;
  for (auto at = after; at != by_address_.begin();) {
    const IndexSymbol *symbol = symbol_of(*--at);
    if (!symbol || (first && symbol->address != first->address))
      break;
    if (!symbol->is_code)
      continue;
    if (string(symbol->name) == preferred)
      return symbol;
    first = symbol; // going down: the last one seen is the first by name
  }
  return first;
}

std::string_view DebugIndex::section_at(uint64_t address) const {
  for (const IndexSection &section : sections_)
    if (address >= section.address && address - section.address < section.size)
      return string(section.name);
  return {};
}

std::string_view DebugIndex::refusal_at(uint64_t address) const {
  auto after = std::upper_bound(refusals_.begin(), refusals_.end(), address,
                                [](uint64_t address, const IndexRefusal &refusal) { return address < refusal.begin; });
  if (after == refusals_.begin() || address >= std::prev(after)->end)
    return {};
  return string(std::prev(after)->reason);
}

} // namespace tapjit::target

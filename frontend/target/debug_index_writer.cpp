// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debug_index_writer.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <tuple>

namespace tapjit::target {

DebugIndexWriter::DebugIndexWriter() : strings_(1, '\0') {}

uint32_t DebugIndexWriter::intern(std::string_view text) {
  if (text.empty())
    return 0;
  auto [at, is_new] = known_.try_emplace(std::string(text), static_cast<uint32_t>(strings_.size()));
  if (is_new)
    strings_.append(text).push_back('\0');
  return at->second;
}

template <typename T>
static void append_table(std::string &bytes, const std::vector<T> &table, uint64_t &offset, uint64_t &count) {
  bytes.resize((bytes.size() + 7) / 8 * 8);
  offset = bytes.size();
  count = table.size();
  bytes.append(reinterpret_cast<const char *>(table.data()), table.size() * sizeof(T));
}

std::string DebugIndexWriter::finish() {
  // The pool is re-laid in order of the strings, so that rows sort and compare by offset here and neighbours in a
  // binary search share pages later.
  std::vector<std::pair<std::string_view, uint32_t>> ordered;
  ordered.reserve(known_.size());
  for (const auto &[text, offset] : known_)
    ordered.push_back({text, offset});
  std::sort(ordered.begin(), ordered.end());
  std::string pool(1, '\0');
  std::vector<uint32_t> moved(strings_.size(), 0);
  for (const auto &[text, offset] : ordered) {
    moved[offset] = static_cast<uint32_t>(pool.size());
    pool.append(text).push_back('\0');
  }
  for (IndexRow &row : rows_)
    row.name = moved[row.name], row.file = moved[row.file];
  for (IndexSymbol &symbol : symbols_)
    symbol.name = moved[symbol.name];
  for (IndexSection &section : sections_)
    section.name = moved[section.name];
  for (IndexRefusal &refusal : refusals_)
    refusal.reason = moved[refusal.reason];

  std::sort(rows_.begin(), rows_.end(), [](const IndexRow &a, const IndexRow &b) {
    return std::tie(a.kind, a.name, a.address, a.die) < std::tie(b.kind, b.name, b.address, b.die);
  });
  // Of a type one definition is enough: the first in the file, whichever thread saw it.
  auto is_repeated_type = [](const IndexRow &a, const IndexRow &b) {
    return a.kind == b.kind && a.name == b.name && a.kind >= static_cast<uint32_t>(RowKind::Struct) &&
           a.kind <= static_cast<uint32_t>(RowKind::Typedef);
  };
  rows_.erase(std::unique(rows_.begin(), rows_.end(), is_repeated_type), rows_.end());
  std::sort(symbols_.begin(), symbols_.end(), [](const IndexSymbol &a, const IndexSymbol &b) {
    return std::tie(a.name, a.address) < std::tie(b.name, b.address);
  });
  std::sort(copies_.begin(), copies_.end(), [](const IndexCopy &a, const IndexCopy &b) {
    return std::tie(a.function, a.address, a.die) < std::tie(b.function, b.address, b.die);
  });
  std::vector<uint32_t> by_address(symbols_.size());
  std::iota(by_address.begin(), by_address.end(), 0);
  std::sort(by_address.begin(), by_address.end(), [&](uint32_t a, uint32_t b) {
    return std::pair(symbols_[a].address, a) < std::pair(symbols_[b].address, b);
  });

  IndexHeader header{};
  memcpy(header.magic, IndexHeader::expected_magic, sizeof header.magic);
  std::string bytes(sizeof header, '\0');
  uint64_t same_count;
  append_table(bytes, rows_, header.rows, header.row_count);
  append_table(bytes, symbols_, header.symbols, header.symbol_count);
  append_table(bytes, by_address, header.by_address, same_count);
  append_table(bytes, sections_, header.sections, header.section_count);
  append_table(bytes, refusals_, header.refusals, header.refusal_count);
  append_table(bytes, copies_, header.copies, header.copy_count);
  header.strings = bytes.size();
  header.strings_size = pool.size();
  bytes += pool;
  header.total_size = bytes.size();
  memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

} // namespace tapjit::target

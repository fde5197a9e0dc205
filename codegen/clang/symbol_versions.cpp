// SPDX-License-Identifier: GPL-2.0-or-later
// The table: Header, then `buckets` numbers (row + 1, or 0), then rows, then text. Open addressing, at most half full.
#include "codegen/clang/profile.h"

#include <bit>
#include <cstring>
#include <unordered_map>

namespace tapjit::codegen {
namespace {

struct Header {
  char magic[8];
  uint32_t count;
  uint32_t buckets;
};
constexpr char table_magic[8] = {'t', 'a', 'p', 's', 'y', 'm', '0', '1'};

struct Row {
  uint32_t name; // offset in text; NUL-terminated there
  uint32_t crc;
  uint32_t module;
  uint32_t symbol_namespace : 31;
  uint32_t gpl_only : 1;
};

uint32_t hash_name(std::string_view name) {
  uint32_t hash = 2166136261u; // FNV-1a
  for (char c : name)
    hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash;
}

std::string_view next_field(std::string_view &line) {
  size_t tab = line.find('\t');
  std::string_view field = line.substr(0, tab);
  line = tab == std::string_view::npos ? std::string_view() : line.substr(tab + 1);
  return field;
}

class TextPool {
public:
  TextPool() { add(""); }
  uint32_t add(std::string_view text) {
    auto offset = static_cast<uint32_t>(bytes.size());
    bytes.append(text).push_back('\0');
    return offset;
  }
  // Module names and namespaces repeat.
  uint32_t share(std::string_view text) {
    auto [at, added] = known_.try_emplace(std::string(text), 0);
    if (added)
      at->second = add(text);
    return at->second;
  }
  std::string bytes;

private:
  std::unordered_map<std::string, uint32_t> known_;
};

} // namespace

std::string SymbolVersions::build(std::string_view text) {
  std::vector<Row> rows;
  std::vector<std::string_view> names;
  TextPool pool;
  while (!text.empty()) {
    size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    std::string crc(next_field(line));
    std::string_view name = next_field(line), module = next_field(line), kind = next_field(line);
    if (name.empty() || !crc.starts_with("0x"))
      continue;
    bool gpl_only = kind.find("GPL") != std::string_view::npos;
    rows.push_back({pool.add(name), static_cast<uint32_t>(strtoul(crc.c_str(), nullptr, 16)), pool.share(module),
                    pool.share(next_field(line)) & 0x7fffffffu, gpl_only});
    names.push_back(name);
  }
  Header header{{}, static_cast<uint32_t>(rows.size()), std::bit_ceil(static_cast<uint32_t>(rows.size() * 2 + 1))};
  memcpy(header.magic, table_magic, 8);
  std::vector<uint32_t> buckets(header.buckets);
  for (uint32_t i = 0; i < rows.size(); i++) {
    uint32_t at = hash_name(names[i]) & (header.buckets - 1);
    while (buckets[at])
      at = (at + 1) & (header.buckets - 1);
    buckets[at] = i + 1;
  }
  std::string bytes(reinterpret_cast<const char *>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char *>(buckets.data()), buckets.size() * sizeof(uint32_t));
  bytes.append(reinterpret_cast<const char *>(rows.data()), rows.size() * sizeof(Row));
  return bytes + pool.bytes;
}

Result<SymbolVersions> SymbolVersions::map(std::string_view bytes) {
  Header header;
  Error bad{"the table of kernel symbols is not one", "remove the cache (stap --clean-cache)"};
  if (bytes.size() < sizeof(header))
    return bad;
  memcpy(&header, bytes.data(), sizeof(header));
  uint64_t text_at =
      sizeof(header) + uint64_t{header.buckets} * sizeof(uint32_t) + uint64_t{header.count} * sizeof(Row);
  if (memcmp(header.magic, table_magic, 8) != 0 || !std::has_single_bit(header.buckets) ||
      header.count >= header.buckets || text_at >= bytes.size() || bytes.back() != '\0')
    return bad;
  SymbolVersions table;
  table.bytes_ = bytes;
  table.count_ = header.count;
  table.buckets_ = header.buckets;
  return table;
}

std::optional<ExportedSymbol> SymbolVersions::find(std::string_view name) const {
  if (!buckets_)
    return std::nullopt;
  const char *buckets = bytes_.data() + sizeof(Header);
  const char *rows = buckets + buckets_ * sizeof(uint32_t);
  const char *text = rows + count_ * sizeof(Row);
  size_t text_size = bytes_.size() - static_cast<size_t>(text - bytes_.data());
  auto text_of = [&](uint32_t offset) { return std::string_view(offset < text_size ? text + offset : ""); };
  for (uint32_t at = hash_name(name) & (buckets_ - 1);; at = (at + 1) & (buckets_ - 1)) {
    uint32_t index;
    memcpy(&index, buckets + at * sizeof(uint32_t), sizeof(index));
    if (index == 0 || index > count_)
      return std::nullopt;
    Row row;
    memcpy(&row, rows + (index - 1) * sizeof(Row), sizeof(row));
    if (text_of(row.name) == name)
      return ExportedSymbol{row.crc, row.gpl_only != 0, text_of(row.module), text_of(row.symbol_namespace)};
  }
}

} // namespace tapjit::codegen

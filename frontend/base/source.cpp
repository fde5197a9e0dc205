// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/base/source.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace tapjit {

SourceId SourceTable::add(std::string name, std::string text, SourceKind kind) {
  SourceId id(sources_.size());
  uint32_t size = static_cast<uint32_t>(text.size());
  sources_.push_back({std::move(name), std::move(text), kind, next_base_, {}});
  next_base_ += size + 1;
  return id;
}

Result<SourceId> SourceTable::add_file(const std::string &path, SourceKind kind) {
  std::FILE *file = std::fopen(path.c_str(), "rbe");
  if (!file)
    return Error{"cannot open `" + path + "`: " + std::strerror(errno), ""};
  std::string text;
  char buffer[16384];
  size_t got;
  while ((got = std::fread(buffer, 1, sizeof buffer, file)) > 0)
    text.append(buffer, got);
  bool failed = std::ferror(file) != 0;
  int error = errno;
  std::fclose(file);
  if (failed)
    return Error{"cannot read `" + path + "`: " + std::strerror(error), ""};
  if (text.size() >= expansion_bit - next_base_)
    return Error{"`" + path + "` is too large for a script", ""};
  return add(path, std::move(text), kind);
}

Loc SourceTable::advanced(Loc loc, size_t bytes) const {
  return is_expansion(loc) || !loc ? loc : Loc{loc.value + static_cast<uint32_t>(bytes)};
}

Loc SourceTable::expanded(Loc spelling, Loc use, ExpansionKind kind, Name name) {
  if (expansions_.size() >= expansion_bit - 1)
    return spelling; // 2^31 expansions: the chain is lost, the place is not
  expansions_.push_back({spelling, use, kind, name});
  return Loc{expansion_bit + static_cast<uint32_t>(expansions_.size() - 1)};
}

std::optional<uint32_t> SourceTable::distance(Loc from, Loc to) const {
  bool expanded = is_expansion(from);
  while (is_expansion(from) && is_expansion(to)) {
    const Expansion &a = expansion(from), &b = expansion(to);
    if (!(a.use == b.use) || a.kind != b.kind)
      return std::nullopt;
    from = a.spelling;
    to = b.spelling;
  }
  if (is_expansion(from) || is_expansion(to) || !from || to.value < from.value)
    return std::nullopt;
  if (expanded && position(from).source != position(to).source)
    return std::nullopt; // what is not expanded is of the file that is parsed
  return to.value - from.value;
}

Loc SourceTable::spelling(Loc loc) const {
  while (is_expansion(loc))
    loc = expansion(loc).spelling;
  return loc;
}

Loc SourceTable::outermost_use(Loc loc) const {
  while (is_expansion(loc))
    loc = expansion(loc).use;
  return loc;
}

const std::vector<uint32_t> &SourceTable::line_starts(const Source &source) const {
  if (source.line_starts.empty()) {
    source.line_starts.push_back(0);
    for (size_t at = source.text.find('\n'); at != std::string::npos; at = source.text.find('\n', at + 1))
      source.line_starts.push_back(static_cast<uint32_t>(at + 1));
  }
  return source.line_starts;
}

Position SourceTable::position(Loc loc) const {
  loc = spelling(loc);
  if (!loc)
    return {};
  auto after = std::upper_bound(sources_.begin(), sources_.end(), loc.value,
                                [](uint32_t value, const Source &source) { return value < source.base; });
  const Source &source = *(after - 1);
  uint32_t offset = loc.value - source.base;
  const std::vector<uint32_t> &starts = line_starts(source);
  auto next = std::upper_bound(starts.begin(), starts.end(), offset);
  Position position;
  position.source = SourceId(static_cast<size_t>(after - 1 - sources_.begin()));
  position.line = static_cast<uint32_t>(next - starts.begin());
  position.column = offset - *(next - 1) + 1;
  position.offset = offset;
  return position;
}

std::string_view SourceTable::line_text(SourceId id, uint32_t line) const {
  const Source &source = sources_[id.index()];
  const std::vector<uint32_t> &starts = line_starts(source);
  if (line == 0 || line > starts.size())
    return {};
  std::string_view text = std::string_view(source.text).substr(starts[line - 1]);
  return text.substr(0, text.find('\n'));
}

std::string SourceTable::describe(Loc loc) const {
  Position at = position(loc);
  if (!at.source.valid())
    return "<unknown>";
  return std::string(name(at.source)) + ":" + std::to_string(at.line) + ":" + std::to_string(at.column);
}

} // namespace tapjit

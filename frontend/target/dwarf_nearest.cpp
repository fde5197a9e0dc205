// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/dwarf_nearest.h"

#include "frontend/target/dwarf_code.h"

#include <algorithm>
#include <dwarf.h>
#include <limits>
#include <map>

namespace tapjit::target {

namespace {

// Lines from the function's definition up to the next one of the same file: those that `function@file:line` takes.
std::pair<uint32_t, uint32_t> lines_of(const DebugIndex &index, const FunctionSite &site) {
  uint32_t end = std::numeric_limits<uint32_t>::max();
  for (RowKind kind : {RowKind::Function, RowKind::Inlined})
    for (const IndexRow &row : index.rows(kind))
      if (row.line > site.line && row.line < end && index.string(row.file) == site.file)
        end = row.line;
  return {site.line, end};
}

// The first row of each line within the function, which is where a statement probe goes.
using Lines = std::map<uint32_t, LineRow>;
Lines first_rows(const FunctionSite &site, Dwarf_Die function, std::pair<uint32_t, uint32_t> lines) {
  Lines first;
  LineTables tables;
  const std::vector<AddressRange> code = code_of(&function);
  for (const LineRow &row : tables.rows_around(&function)) {
    bool is_inside = std::any_of(code.begin(), code.end(), [&](const AddressRange &range) {
      return range.first <= row.address && row.address < range.second;
    });
    if (is_inside && row.line >= lines.first && row.line < lines.second && row.file == site.file)
      if (auto [known, is_new] = first.try_emplace(row.line, row); !is_new && known->second.address == row.address)
        known->second.is_statement |= row.is_statement; // rows are sorted by address
  }
  return first;
}

// How far the CFA is above rsp; where it is not counted from rsp, the frame is complete.
int64_t frame_depth(Dwarf_CFI *cfi, uint64_t address) {
  Dwarf_Frame *frame = nullptr;
  Dwarf_Op *ops;
  size_t count;
  if (!cfi || dwarf_cfi_addrframe(cfi, address, &frame) != 0)
    return 0;
  int64_t depth = 0;
  constexpr unsigned of_rsp = DW_OP_breg7;
  if (dwarf_frame_cfa(frame, &ops, &count) == 0 && count > 0)
    depth = ops[0].atom == of_rsp ? static_cast<int64_t>(ops[0].number) : std::numeric_limits<int64_t>::max();
  free(frame);
  return depth;
}

// Leaves those out that are in the prologue (most of a function's lines have its whole frame), and those that begin
// with code which was moved up.
void keep_complete_frames(Dwarf_CFI *frames, uint64_t entry, Lines &lines) {
  std::map<int64_t, size_t> depths;
  for (const auto &[line, row] : lines)
    ++depths[frame_depth(frames, row.address)];
  auto most =
      std::max_element(depths.begin(), depths.end(), [](const auto &a, const auto &b) { return a.second < b.second; });
  std::erase_if(lines, [&](const auto &line) {
    const LineRow &row = line.second;
    return row.address == entry || !row.is_statement || frame_depth(frames, row.address) < most->first;
  });
}

} // namespace

std::string nearest_statement(const DebugIndex &index, Dwarf_CFI *frames, const FunctionSite &site, Dwarf_Die function,
                              bool in_frame, const std::function<bool(uint64_t address)> &has_value) {
  if (site.file.empty() || site.line == 0)
    return "";
  Lines lines = first_rows(site, function, lines_of(index, site));
  if (in_frame && !lines.empty())
    keep_complete_frames(frames, site.address, lines);
  uint32_t best = 0;
  uint64_t best_distance = std::numeric_limits<uint64_t>::max();
  for (const auto &[line, row] : lines) {
    const uint64_t address = row.address;
    uint64_t distance = address > site.address ? address - site.address : site.address - address;
    if (distance < best_distance && has_value(address)) {
      best = line;
      best_distance = distance;
    }
  }
  if (best == 0)
    return "";
  return (site.module.empty() ? "kernel" : "module(\"" + site.module + "\")") + ".statement(\"" + site.function + "@" +
         site.file + ":" + std::to_string(best) + "\")";
}

} // namespace tapjit::target

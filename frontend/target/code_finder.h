// SPDX-License-Identifier: GPL-2.0-or-later
// Answers a CodeQuery from one file's index and DWARF: functions come from the index alone; inlined copies, statements,
// labels and callees from the DIEs of the functions that matched.
#pragma once

#include "frontend/target/debug_index.h"
#include "frontend/target/dwarf_code.h"
#include "frontend/target/target.h"

#include <functional>
#include <tuple>

namespace tapjit::target {

// Fills symbol, offset, section and refusal from the site's address and function name.
void place_site(const DebugIndex &index, FunctionSite &site);

class CodeFinder {
public:
  // `dwarf` opens the file's DWARF when it is needed; null: there is none. Both outlive this.
  CodeFinder(const DebugIndex &index, std::function<Dwarf *()> dwarf) : index_(index), open_dwarf_(std::move(dwarf)) {}

  // Sites by address. Without DWARF (FunctionMatches::without_debuginfo) the symbol table answers for function entries;
  // `advice` is the caller's to fill.
  FunctionMatches find(const CodeQuery &query);

private:
  using Sites = std::vector<FunctionSite>;
  using Rows = std::vector<const IndexRow *>;
  // A function or an inlined copy, before the texts that describe it are copied into a site.
  struct Found {
    const IndexRow *row;
    const IndexCopy *copy; // null: the function itself
    uint64_t address() const { return copy ? copy->address : row->address; }
    uint64_t die() const { return copy ? copy->die : row->die; }
    // The order of sites: strings of the index are ordered as their offsets are.
    std::tuple<uint64_t, uint32_t, uint64_t> key() const { return {address(), row->name, die()}; }
  };
  // One function of a source file, for the question which function a line belongs to.
  struct Definition {
    uint32_t line;
    uint32_t name; // in the string pool
  };
  Dwarf *dwarf();
  Rows rows_matching(RowKind kind, const FunctionPattern &pattern) const;
  bool owns_wanted_line(const IndexRow &row, const FunctionPattern &pattern);
  const std::vector<Definition> &definitions_in(uint32_t file);
  bool line_is_of(const FunctionSite &site, uint32_t line);
  FunctionSite site_of(const Found &found) const;
  void place(FunctionSite &site) const { place_site(index_, site); }
  void add_inlined(const Rows &rows, bool once, std::vector<Found> &all) const;
  void add_symbols(std::string_view name, Sites &sites) const;
  Sites functions_matching(const CodeQuery &query, FunctionMatches &matches);
  std::optional<FunctionSite> function_around(uint64_t address);
  Sites at_address(const CodeQuery &query, FunctionMatches &matches);
  Sites statements_in(const Sites &functions, const CodeQuery &query, FunctionMatches &matches);
  void add_statements(const FunctionSite &function, const CodeQuery &query, Sites &statements,
                      std::vector<uint32_t> &lines_there);
  Sites labels_in(const Sites &functions, const std::string &pattern, FunctionMatches &matches);
  Sites callees_of(const Sites &functions, const std::string &pattern, unsigned depth, FunctionMatches &matches);
  void add_callees(const FunctionSite &caller, const CallPlace &call, const std::string &pattern, Sites &callees);

  const DebugIndex &index_;
  std::function<Dwarf *()> open_dwarf_;
  LineTables lines_;
  std::vector<std::pair<uint32_t, std::vector<Definition>>> definitions_; // by file
};

} // namespace tapjit::target

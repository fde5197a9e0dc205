// SPDX-License-Identifier: GPL-2.0-or-later
// A source line belongs to the function whose definition is the last one in its file at or above it. So a line that the
// compiler attributes to code inlined from elsewhere in the file is not taken for one of the function around it.
#include "frontend/target/code_finder.h"

#include "frontend/target/dwarf_types.h"
#include "frontend/target/names.h"

#include <algorithm>
#include <dwarf.h>
#include <fmt/format.h>
#include <set>
#include <tuple>
#include <unordered_map>

namespace tapjit::target {

Dwarf *CodeFinder::dwarf() { return open_dwarf_ ? open_dwarf_() : nullptr; }

// Symbol, section and refusal of the site's address.
void place_site(const DebugIndex &index, FunctionSite &site) {
  if (site.address == 0)
    return; // an abstract function
  if (const IndexSymbol *symbol = index.symbol_at(site.address, site.function)) {
    site.symbol = index.string(symbol->name);
    site.offset = site.address - symbol->address;
    site.size = symbol->size;
    site.symbol_is_unique = index.is_unique(*symbol);
  }
  site.section = index.section_at(site.address);
  site.blacklisted = index.refusal_at(site.address);
}

FunctionSite CodeFinder::site_of(const Found &found) const {
  FunctionSite site;
  site.function = index_.string(found.row->name);
  site.file = index_.string(found.row->file);
  site.line = found.row->line;
  site.address = found.address();
  site.die = found.die();
  if (found.copy) {
    site.outer_die = found.copy->outer;
    site.is_inline = true;
  }
  place(site);
  return site;
}

const std::vector<CodeFinder::Definition> &CodeFinder::definitions_in(uint32_t file) {
  for (const auto &[known, definitions] : definitions_)
    if (known == file)
      return definitions;
  std::vector<Definition> found;
  for (RowKind kind : {RowKind::Function, RowKind::Inlined})
    for (const IndexRow &row : index_.rows(kind))
      if (row.file == file && row.line)
        found.push_back({row.line, row.name});
  std::sort(found.begin(), found.end(), [](const Definition &a, const Definition &b) { return a.line < b.line; });
  return definitions_.emplace_back(file, std::move(found)).second;
}

// Some line that the pattern wants lies between the function's definition and the next one's.
bool CodeFinder::owns_wanted_line(const IndexRow &row, const FunctionPattern &pattern) {
  if (pattern.lines != FunctionPattern::Lines::Absolute)
    return true;
  const std::vector<Definition> &all = definitions_in(row.file);
  auto next = std::upper_bound(all.begin(), all.end(), row.line,
                               [](uint32_t line, const Definition &definition) { return line < definition.line; });
  uint32_t end = next == all.end() ? UINT32_MAX : next->line;
  for (const auto &[first, last] : pattern.ranges)
    if (last >= row.line && first < end)
      return true;
  return false;
}

bool CodeFinder::line_is_of(const FunctionSite &site, uint32_t line) {
  const IndexRow *row = nullptr;
  for (RowKind kind : {RowKind::Function, RowKind::Inlined})
    for (const IndexRow &candidate : index_.rows(kind, site.function))
      if (candidate.line == site.line && index_.string(candidate.file) == site.file)
        row = &candidate;
  FunctionPattern one;
  one.lines = FunctionPattern::Lines::Absolute;
  one.ranges = {{line, line}};
  return row && owns_wanted_line(*row, one);
}

CodeFinder::Rows CodeFinder::rows_matching(RowKind kind, const FunctionPattern &pattern) const {
  const bool is_wild = has_wildcard(pattern.function);
  const bool takes_all = pattern.function == "*";
  std::unordered_map<uint32_t, bool> file_fits;
  auto fits = [&](uint32_t file) {
    auto [known, is_new] = file_fits.try_emplace(file);
    if (is_new)
      known->second = matches_path(pattern.file, index_.string(file));
    return known->second;
  };
  Rows chosen;
  for (const IndexRow &row : is_wild ? index_.rows(kind) : index_.rows(kind, pattern.function))
    if ((pattern.file.empty() || fits(row.file)) &&
        (!is_wild || takes_all || matches_wildcard(pattern.function, std::string(index_.string(row.name)))))
      chosen.push_back(&row);
  return chosen;
}

// Rows of one function, one for each unit that has it, follow each other.
void CodeFinder::add_inlined(const Rows &rows, bool once, std::vector<Found> &all) const {
  const IndexRow *found = nullptr;
  for (const IndexRow *row : rows) {
    if (once && found && std::tie(found->name, found->file, found->line) == std::tie(row->name, row->file, row->line))
      continue;
    for (const IndexCopy &copy : index_.copies(*row)) {
      if (once && !index_.refusal_at(copy.address).empty())
        continue;
      all.push_back({row, &copy});
      found = row;
      if (once)
        break;
    }
  }
}

// GCC (-fipa-split) moves the rarely run rest of a function to NAME.part.N, whose DIE has the function's name, and lets
// callers inline the head. Who enters the part has entered the function already: another probe there would count a call
// twice.
static bool is_split_part(const FunctionSite &site) {
  return !site.is_inline && site.offset == 0 && site.symbol.find(".part.") != std::string::npos;
}

// Without DWARF a name stands for itself and for the copies that the compiler specialised (name.isra.0,
// name.constprop.0).
void CodeFinder::add_symbols(std::string_view name, Sites &sites) const {
  const std::string pattern(name);
  auto add = [&](const IndexSymbol &symbol) {
    FunctionSite site;
    site.function = index_.string(symbol.name);
    site.address = symbol.address;
    place(site);
    sites.push_back(std::move(site));
  };
  if (has_wildcard(name)) {
    for (const IndexSymbol &symbol : index_.symbols())
      if (symbol.is_code && !index_.string(symbol.name).starts_with("__pfx_") &&
          matches_wildcard(pattern, std::string(index_.string(symbol.name))))
        add(symbol);
    return;
  }
  for (const IndexSymbol &symbol : index_.symbols(name))
    if (symbol.is_code)
      add(symbol);
}

CodeFinder::Sites CodeFinder::functions_matching(const CodeQuery &query, FunctionMatches &matches) {
  const FunctionPattern &pattern = query.pattern;
  Sites sites;
  // A statement may be in code that is inlined elsewhere; whether a line belongs to the function is seen later.
  FunctionKind kind = query.statement ? FunctionKind::Both : query.kind;
  const bool is_wild = has_wildcard(pattern.function);
  const bool by_line = is_wild && !query.nearest;
  auto rows = [&](RowKind row_kind) {
    Rows chosen = rows_matching(row_kind, pattern);
    // Of a function that is named, the message says where its lines are.
    if (by_line)
      std::erase_if(chosen, [&](const IndexRow *row) { return !owns_wanted_line(*row, pattern); });
    return chosen;
  };
  std::vector<Found> found;
  if (kind != FunctionKind::Inlined)
    for (const IndexRow *row : rows(RowKind::Function))
      found.push_back({row, nullptr});
  if (kind != FunctionKind::OutOfLine)
    add_inlined(rows(RowKind::Inlined), query.once, found);
  // Sites are large: those that are asked for themselves, often all of the kernel, are put in order before they are
  // made.
  const bool of_entries = !query.statement && query.label.empty() && query.callee.empty();
  if (of_entries)
    std::sort(found.begin(), found.end(), [](const Found &a, const Found &b) { return a.key() < b.key(); });
  sites.reserve(found.size());
  for (const Found &one : found)
    sites.push_back(site_of(one));
  std::string function, part; // of what is left out here
  if (of_entries)
    std::erase_if(sites, [&](const FunctionSite &site) {
      if (!is_split_part(site))
        return false;
      function = site.function;
      part = site.symbol;
      return true;
    });
  // Assembly has symbols but no DW_TAG_subprogram.
  if (sites.empty() && kind != FunctionKind::Inlined && !is_wild && pattern.file.empty())
    add_symbols(pattern.function, sites);
  if (sites.empty() && !part.empty()) {
    matches.problem =
        "the compiler has inlined the head of `" + function + "` in every caller, and left the rest to `" + part + "`";
    matches.hint = "probe the inlined heads with `.inline`";
  } else if (sites.empty() && kind == FunctionKind::OutOfLine)
    for (const IndexRow *row : rows(RowKind::Inlined))
      matches.only_inlined |= !index_.copies(*row).empty();
  if (query.exported)
    std::erase_if(sites, [&](const FunctionSite &site) { return index_.symbols("__ksymtab_" + site.symbol).empty(); });
  return sites;
}

static std::vector<std::string> similar_functions(const DebugIndex &index, std::string_view name) {
  NameGuesser guesser(name);
  for (const IndexRow &row : index.rows(RowKind::Function))
    guesser.consider(index.string(row.name));
  if (index.rows(RowKind::Function).empty())
    for (const IndexSymbol &symbol : index.symbols())
      if (symbol.is_code)
        guesser.consider(index.string(symbol.name));
  return guesser.best();
}

FunctionMatches CodeFinder::find(const CodeQuery &query) {
  FunctionMatches matches;
  Sites sites;
  matches.without_debuginfo = index_.rows(RowKind::Function).empty();
  if (query.address) {
    sites = at_address(query, matches);
  } else if (matches.without_debuginfo) {
    bool is_entry = !query.statement && query.label.empty() && query.callee.empty();
    if (query.kind != FunctionKind::Inlined && query.pattern.file.empty() && is_entry)
      add_symbols(query.pattern.function, sites);
  } else {
    sites = functions_matching(query, matches);
  }
  const bool any_function = !sites.empty();
  if (query.statement && !query.address && query.pattern.lines != FunctionPattern::Lines::None)
    sites = statements_in(sites, query, matches);
  if (!query.label.empty())
    sites = labels_in(sites, query.label, matches);
  if (!query.callee.empty())
    sites = callees_of(sites, query.callee, query.callee_depth, matches);

  auto order = [](const FunctionSite &site) { return std::tie(site.address, site.function, site.caller); };
  auto is_before = [&](const FunctionSite &a, const FunctionSite &b) {
    return std::tuple_cat(order(a), std::tie(a.die)) < std::tuple_cat(order(b), std::tie(b.die));
  };
  if (!std::is_sorted(sites.begin(), sites.end(), is_before))
    std::sort(sites.begin(), sites.end(), is_before);
  auto is_same = [&](const FunctionSite &a, const FunctionSite &b) { return order(a) == order(b); };
  // Calls from copies of one function have callers of one name.
  for (size_t i = 1, first = 0; i < sites.size(); ++i) {
    if (!is_same(sites[first], sites[i]))
      first = i;
    else
      for (const auto &range : sites[i].caller_code)
        if (auto &known = sites[first].caller_code; std::find(known.begin(), known.end(), range) == known.end())
          known.push_back(range);
  }
  sites.erase(std::unique(sites.begin(), sites.end(), is_same), sites.end());
  const bool none = sites.empty();
  auto kept = sites.begin();
  for (FunctionSite &site : sites)
    if (!site.blacklisted.empty())
      matches.refused.push_back(std::move(site));
    else if (&site != &*kept++)
      *std::prev(kept) = std::move(site);
  sites.erase(kept, sites.end());
  matches.sites = std::move(sites);
  if (none && !any_function && !matches.only_inlined && !query.address)
    matches.suggestions = [&index = index_, name = query.pattern.function] { return similar_functions(index, name); };
  return matches;
}

std::optional<FunctionSite> CodeFinder::function_around(uint64_t address) {
  const IndexSymbol *symbol = index_.symbol_at(address, "");
  if (!symbol || index_.section_at(address).empty())
    return std::nullopt;
  // The symbol of a cold part is not one of its function's rows; then every function's code is looked at.
  const IndexRow *found = nullptr;
  Dwarf *dwarf = this->dwarf();
  for (const IndexRow &row : index_.rows(RowKind::Function))
    if (row.address <= address && (!found || row.address > found->address))
      found = &row;
  Dwarf_Die die, unit;
  if (found && dwarf && dwarf_offdie(dwarf, found->die, &die) && dwarf_haspc(&die, address) == 1)
    return site_of({found, nullptr});
  if (dwarf && dwarf_addrdie(dwarf, address, &unit))
    for (const IndexRow &row : index_.rows(RowKind::Function))
      if (row.die > dwarf_dieoffset(&unit) && dwarf_offdie(dwarf, row.die, &die) && dwarf_haspc(&die, address) == 1)
        return site_of({&row, nullptr});
  FunctionSite site; // assembly
  site.function = index_.string(symbol->name);
  site.address = symbol->address;
  place(site);
  return site;
}

CodeFinder::Sites CodeFinder::at_address(const CodeQuery &query, FunctionMatches &matches) {
  const uint64_t address = *query.address;
  auto function = function_around(address);
  if (!function) {
    matches.problem = fmt::format("no function is at {:#x}", address);
    return {};
  }
  if (!query.statement)
    return {*function};
  FunctionSite site = *function;
  Dwarf *dwarf = this->dwarf();
  Dwarf_Die die;
  if (site.die && dwarf && dwarf_offdie(dwarf, site.die, &die)) {
    const std::vector<LineRow> &rows = lines_.rows_around(&die);
    auto above = [](uint64_t wanted, const LineRow &row) { return wanted < row.address; };
    auto after = std::upper_bound(rows.begin(), rows.end(), address, above);
    const LineRow *row = after == rows.begin() ? nullptr : &*std::prev(after);
    if (row && row->address != address && !query.nearest) {
      matches.problem = fmt::format("no statement begins at {:#x}", address);
      matches.hint = fmt::format("the nearest ones begin at {:#x} and {:#x}", row->address,
                                 after == rows.end() ? row->address : after->address);
      return {};
    }
    site.address = row ? row->address : address;
    site.statement_line = row ? row->line : 0;
  } else {
    site.address = address;
  }
  if (site.address != function->address)
    place(site);
  return {site};
}

// The lowest address of each wanted line of the function; without one, with `nearest`, that of the line closest to it.
void CodeFinder::add_statements(const FunctionSite &function, const CodeQuery &query, Sites &statements,
                                std::vector<uint32_t> &lines_there) {
  Dwarf *dwarf = this->dwarf();
  Dwarf_Die die;
  if (!function.die || !dwarf || !dwarf_offdie(dwarf, function.die, &die))
    return;
  const std::vector<LineRow> &rows = lines_.rows_around(&die);
  std::map<const char *, bool> is_file;
  std::map<uint32_t, bool> is_own; // line
  std::map<uint32_t, uint64_t> address_of;
  for (const auto &[begin, end] : code_of(&die)) {
    auto at = std::lower_bound(rows.begin(), rows.end(), begin,
                               [](const LineRow &row, uint64_t address) { return row.address < address; });
    for (; at != rows.end() && at->address < end; ++at) {
      auto [file, is_new] = is_file.try_emplace(at->file);
      if (is_new)
        file->second = at->file == function.file;
      auto [own, is_new_line] = is_own.try_emplace(at->line);
      if (is_new_line)
        own->second = line_is_of(function, at->line);
      if (!file->second || !own->second)
        continue;
      auto [line, first] = address_of.try_emplace(at->line, at->address);
      line->second = std::min(line->second, at->address);
    }
  }
  auto add = [&](uint32_t line, uint64_t address) {
    FunctionSite site = function;
    site.address = address;
    site.statement_line = line;
    place(site);
    statements.push_back(std::move(site));
  };
  size_t before = statements.size();
  for (const auto &[line, address] : address_of) {
    lines_there.push_back(line);
    if (query.pattern.wants(line, function.line))
      add(line, address);
  }
  if (!query.nearest || statements.size() != before || address_of.empty() || query.pattern.ranges.empty())
    return;
  int64_t wanted = query.pattern.ranges[0].first;
  if (query.pattern.lines == FunctionPattern::Lines::Relative)
    wanted += function.line;
  auto nearest = std::min_element(address_of.begin(), address_of.end(), [&](const auto &a, const auto &b) {
    return std::abs(a.first - wanted) < std::abs(b.first - wanted);
  });
  if (line_is_of(function, static_cast<uint32_t>(wanted)))
    add(nearest->first, nearest->second);
}

CodeFinder::Sites CodeFinder::statements_in(const Sites &functions, const CodeQuery &query, FunctionMatches &matches) {
  Sites statements;
  std::vector<uint32_t> lines;
  for (const FunctionSite &function : functions)
    add_statements(function, query, statements, lines);
  if (!statements.empty() || (functions.empty() && !has_wildcard(query.pattern.function)))
    return statements; // without a function, that is what is wrong
  matches.problem = "no code begins at " + std::string(query.pattern.ranges.size() == 1 ? "this line" : "these lines");
  if (functions.empty() || query.pattern.ranges.empty())
    return statements;
  uint32_t wanted = query.pattern.ranges[0].first;
  if (query.pattern.lines == FunctionPattern::Lines::Relative)
    wanted += functions[0].line;
  std::sort(lines.begin(), lines.end());
  auto after = std::upper_bound(lines.begin(), lines.end(), wanted);
  std::string before_text = after == lines.begin() ? "" : "`:" + std::to_string(*std::prev(after)) + "`";
  std::string after_text = after == lines.end() ? "" : "`:" + std::to_string(*after) + "`";
  bool is_there = std::any_of(functions.begin(), functions.end(),
                              [&](const FunctionSite &function) { return line_is_of(function, wanted); });
  if (!lines.empty())
    matches.hint = "the nearest with code: " + before_text +
                   (before_text.empty() || after_text.empty() ? "" : " and ") + after_text +
                   (is_there ? "; `.nearest` takes the nearest" : "");
  return statements;
}

CodeFinder::Sites CodeFinder::labels_in(const Sites &functions, const std::string &pattern, FunctionMatches &matches) {
  Sites labels;
  Dwarf *dwarf = this->dwarf();
  NameGuesser guesser(pattern);
  for (const FunctionSite &function : functions) {
    Dwarf_Die die;
    if (!function.die || !dwarf || !dwarf_offdie(dwarf, function.die, &die))
      continue;
    for (const LabelPlace &label : labels_of(&die)) {
      guesser.consider(label.name);
      if (!matches_wildcard(pattern, label.name))
        continue;
      FunctionSite site = function;
      site.address = label.address;
      site.statement_line = label.line;
      site.label = label.name;
      place(site);
      labels.push_back(std::move(site));
    }
  }
  if (labels.empty() && !functions.empty()) {
    matches.problem = "no label `" + pattern + "` there has code of its own";
    matches.suggestions = [names = guesser.best()] { return names; };
  }
  return labels;
}

static std::string described(const FunctionSite &site) {
  std::string text = site.function;
  if (!site.file.empty())
    text += "@" + site.file + (site.line ? ":" + std::to_string(site.line) : "");
  return text;
}

void CodeFinder::add_callees(const FunctionSite &caller, const CallPlace &call, const std::string &pattern,
                             Sites &callees) {
  Dwarf *dwarf = this->dwarf();
  Dwarf_Die function, caller_die;
  if (!dwarf_offdie(dwarf, call.function, &function))
    return;
  const char *name = dwarf_diename(&function);
  if (!name || !matches_wildcard(pattern, name))
    return;
  auto add = [&](FunctionSite site) {
    site.caller = described(caller);
    callees.push_back(std::move(site));
  };
  if (call.copy) {
    FunctionSite site;
    const char *file = dwarf_decl_file(&function);
    int line = 0;
    dwarf_decl_line(&function, &line);
    site.function = name;
    site.file = file ? file : "";
    site.line = static_cast<uint32_t>(line);
    site.address = call.address;
    site.die = call.copy;
    site.outer_die = caller.is_inline ? caller.outer_die : caller.die;
    site.is_inline = true;
    place(site);
    add(std::move(site));
    return;
  }
  // A function of this unit is called by its own DIE; of others only a declaration is here, which means the one that
  // is not static.
  bool is_here = entry_of(&function).has_value();
  for (const IndexRow &row : index_.rows(RowKind::Function, name)) {
    Dwarf_Die definition;
    if (is_here ? row.die != call.function
                : !dwarf_offdie(dwarf, row.die, &definition) || !dwarf_hasattr_integrate(&definition, DW_AT_external))
      continue;
    FunctionSite site = site_of({&row, nullptr});
    if (dwarf_offdie(dwarf, caller.die, &caller_die))
      site.caller_code = code_of(&caller_die);
    add(std::move(site));
  }
}

CodeFinder::Sites CodeFinder::callees_of(const Sites &functions, const std::string &pattern, unsigned depth,
                                         FunctionMatches &matches) {
  Sites all, callers = functions;
  std::set<uint64_t> seen; // a function that was reached once has its calls looked at once
  Dwarf *dwarf = this->dwarf();
  constexpr size_t most = 100'000;
  for (unsigned level = 0; dwarf && level < depth && !callers.empty(); ++level) {
    Sites found;
    for (const FunctionSite &caller : callers) {
      Dwarf_Die die;
      if (!caller.die || !seen.insert(caller.die).second || !dwarf_offdie(dwarf, caller.die, &die))
        continue;
      for (const CallPlace &call : calls_of(&die))
        if (all.size() + found.size() < most)
          add_callees(caller, call, pattern, found);
    }
    all.insert(all.end(), found.begin(), found.end());
    callers = std::move(found);
  }
  if (all.empty() && !functions.empty())
    matches.problem = "no function `" + pattern + "` is called there";
  return all;
}

} // namespace tapjit::target

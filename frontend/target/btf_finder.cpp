// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/btf_finder.h"

#include "frontend/target/code_finder.h"
#include "frontend/target/names.h"

#include <algorithm>

namespace tapjit::target {

bool is_for_btf(const CodeQuery &query) {
  return query.kind != FunctionKind::Inlined && query.pattern.file.empty() &&
         query.pattern.lines == FunctionPattern::Lines::None && !query.address && !query.statement &&
         query.label.empty() && query.callee.empty();
}

// The symbol of a function of BTF: of its name, or of a copy that the compiler made instead (name.isra.0). BTF says
// nothing of addresses, so that two symbols of one name cannot be told apart.
static FunctionSite site_of(const DebugIndex *index, std::string_view name, TypeRef function,
                            const std::string &advice) {
  FunctionSite site;
  site.function = name;
  site.die = function;
  if (!index) {
    site.symbol = name;
    return site;
  }
  std::vector<const IndexSymbol *> symbols;
  for (const IndexSymbol &symbol : index->symbols(name))
    if (symbol.is_code)
      symbols.push_back(&symbol);
  if (symbols.empty())
    for (const IndexSymbol &symbol : index->symbols_beginning(std::string(name) + "."))
      if (std::string_view text = index->string(symbol.name); symbol.is_code &&
                                                              text.find(".cold") == std::string_view::npos &&
                                                              text.find(".part.") == std::string_view::npos)
        symbols.push_back(&symbol);
  if (symbols.empty()) {
    site.blacklisted = "the kernel has no code of that name";
  } else if (symbols.size() > 1) {
    site.blacklisted = std::to_string(symbols.size()) +
                       " functions share that name, and BTF cannot tell them apart; to have each, " + advice;
  } else {
    site.address = symbols[0]->address;
    place_site(*index, site);
  }
  return site;
}

FunctionMatches find_in_btf(const BtfVariables &btf, const DebugIndex *symbols, const CodeQuery &query,
                            const std::string &advice) {
  FunctionMatches matches;
  matches.advice = advice;
  const std::string &pattern = query.pattern.function;
  auto add = [&](std::string_view name, TypeRef function) {
    FunctionSite site = site_of(symbols, name, function, advice);
    if (query.exported && symbols && symbols->symbols("__ksymtab_" + site.symbol).empty())
      return;
    (site.blacklisted.empty() ? matches.sites : matches.refused).push_back(std::move(site));
  };
  if (has_wildcard(pattern)) {
    btf.each_function([&](std::string_view name, TypeRef function) {
      if (matches_wildcard(pattern, std::string(name)))
        add(name, function);
    });
  } else if (TypeRef function = btf.function(pattern)) {
    add(pattern, function);
  }
  if (matches.sites.empty() && matches.refused.empty())
    matches.suggestions = [&btf, pattern] {
      NameGuesser guesser(pattern);
      btf.each_function([&](std::string_view name, TypeRef) { guesser.consider(name); });
      return guesser.best();
    };
  auto by_address = [](const FunctionSite &a, const FunctionSite &b) {
    return std::pair(a.address, std::string_view(a.function)) < std::pair(b.address, std::string_view(b.function));
  };
  std::sort(matches.sites.begin(), matches.sites.end(), by_address);
  std::sort(matches.refused.begin(), matches.refused.end(), by_address);
  return matches;
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tapset/function_site.h"

#include <algorithm>

namespace tapjit::tapset {

using target::FunctionMatches;
using target::FunctionSite;

bool has_component(Components components, std::string_view name) {
  return std::any_of(components.begin(), components.end(),
                     [&](const ProbeComponent &component) { return component.name == name; });
}

std::optional<ProbeMatch> check_maxactive(Components components) {
  constexpr int64_t most_active = 32767;
  const ProbeComponent &last = components.back();
  if (last.name != "maxactive" || (last.number >= 0 && last.number <= most_active))
    return std::nullopt;
  return refuse("`.maxactive(" + std::to_string(last.number) + ")` is out of range",
                "give a number from 0 (the default) to " + std::to_string(most_active), components.size() - 1);
}

void add_maxactive(Components components, ir::Site &site) {
  site.constants.emplace_back("maxactive", components.back().name == "maxactive" ? components.back().number : 0);
}

static void add_anchored(uint64_t address, const std::optional<Anchor> &anchor, ir::Site &site) {
  if (!anchor)
    return;
  site.constants.emplace_back("address", static_cast<int64_t>(address));
  site.constants.emplace_back("anchor_symbol", anchor->symbol);
  site.constants.emplace_back("anchor", static_cast<int64_t>(anchor->address));
}

void add_link_address(const target::Target &target, uint64_t address, ir::Site &site) {
  add_anchored(address, kernel_anchor(target), site);
}

void add_place(const target::Target &target, const FunctionSite &function, ir::Site &site) {
  const std::string prefix = function.module.empty() ? "" : function.module + ":";
  if (!function.build_id.empty())
    site.constants.emplace_back("build_id", function.build_id);
  if (!function.symbol.empty() && function.symbol_is_unique) {
    site.constants.emplace_back("symbol", prefix + function.symbol);
    site.constants.emplace_back("offset", static_cast<int64_t>(function.offset));
  } else if (function.module.empty()) {
    add_link_address(target, function.address, site);
  } else if (!function.anchor_symbol.empty()) {
    add_anchored(function.address, Anchor{prefix + function.anchor_symbol, function.anchor}, site);
  }
}

std::vector<CallerCode> callers_of(const target::Target &target, const FunctionSite &function) {
  std::vector<CallerCode> callers;
  auto kernel = function.module.empty() && !function.caller_code.empty() ? kernel_anchor(target) : std::nullopt;
  for (size_t i = 0; i < function.caller_code.size(); ++i) {
    const auto &[begin, end] = function.caller_code[i];
    CallerCode code{begin, end, kernel ? kernel->symbol : "", kernel ? kernel->address : 0, function.build_id};
    if (i < function.caller_anchors.size() && function.caller_anchors[i]) {
      code.anchor_symbol = function.module + ":" + function.caller_anchors[i]->first;
      code.anchor = function.caller_anchors[i]->second;
    }
    callers.push_back(std::move(code));
  }
  return callers;
}

bool has_unplaced_caller(const FunctionSite &function) {
  if (function.module.empty() || function.caller_code.empty())
    return false;
  return function.caller_anchors.size() != function.caller_code.size() ||
         std::any_of(function.caller_anchors.begin(), function.caller_anchors.end(),
                     [](const auto &anchor) { return !anchor; });
}

ProbeMatch nothing_found(const target::FunctionPattern &pattern, const FunctionMatches &matches, size_t component,
                         const std::string &owner) {
  std::string name = "`" + pattern.function + "`";
  if (!matches.refused.empty())
    return refuse(name + " cannot be probed: " + matches.refused[0].blacklisted, "", component);
  if (matches.only_inlined)
    return refuse(name + " has no code of its own: the compiler has inlined every call",
                  "probe its inlined copies with `.inline`", component);
  std::string in_file = pattern.file.empty() ? "" : " in a file that ends in `" + pattern.file + "`";
  bool is_known = !matches.problem.empty();
  ProbeMatch match = refuse(is_known ? matches.problem : owner + " has no function " + name + in_file, "", component);
  std::string otherwise = is_known                    ? ""
                          : matches.without_debuginfo ? "only the symbol table was searched; " + matches.advice
                                                      : "";
  match.late_hint = [suggestions = matches.suggestions, hint = matches.hint, otherwise] {
    std::string guess = hint.empty() && suggestions ? did_you_mean(suggestions()) : hint;
    return guess.empty() ? otherwise : guess;
  };
  return match;
}

// An address of the running kernel: without a name that it is counted from, the runtime takes it as it is.
ProbeMatch absolute_site(FamilyState &state, Components components) {
  constexpr size_t address_component = 1;
  if (!state.guru)
    return refuse("an absolute address is not checked against any debuginfo", "it is allowed in guru mode (-g)",
                  components.size() - 1);
  ResolvedSite site;
  site.site.family = "kprobe";
  site.site.pp = point_text(components);
  site.site.constants.emplace_back("address", components[address_component].number);
  return single_site(std::move(site));
}

TargetAnswer function_variable(FamilyState &state, const SiteContext &context, const TargetQuery &query) {
  const auto &facts = std::get<FunctionContext>(context.facts);
  static const std::vector<target::PathStep> none;
  const std::vector<target::PathStep> &path = query.steps ? *query.steps : none;
  std::string_view name = query.name.substr(query.name.starts_with('$') ? 1 : 0);
  if (name == "return") {
    if (facts.is_return)
      return answer(state.target.return_value(facts.site, path, query.address_of));
    TargetAnswer none_here;
    none_here.reason = "a function has a return value only in its `.return` probe";
    return none_here;
  }
  return answer(state.target.variable(facts.site, name, path, facts.is_return, query.address_of));
}

std::vector<std::string> function_names(FamilyState &state, const SiteContext &context, std::string_view group) {
  const auto &facts = std::get<FunctionContext>(context.facts);
  std::vector<std::string> names;
  if (group == "$$return") {
    auto value = state.target.return_value(facts.site, {}, false);
    if (facts.is_return && std::holds_alternative<target::VarAccess>(value))
      names.push_back("$return");
    return names;
  }
  std::vector<std::string> parameters = state.target.variable_names(facts.site, true);
  std::vector<std::string> all = group == "$$parms" ? parameters : state.target.variable_names(facts.site, false);
  size_t first = group == "$$locals" ? std::min(parameters.size(), all.size()) : 0; // parameters come first
  for (size_t i = first; i < all.size(); ++i)
    names.push_back("$" + all[i]);
  return names;
}

static std::string listed(std::string_view name, std::string_view type) {
  return "$" + std::string(name) + ":" + listed_type(type);
}

// "name:type" of a variable that can be read, or whose members or address can.
static std::optional<std::string> listed_variable(FamilyState &state, const FunctionContext &facts,
                                                  std::string_view name) {
  auto access = state.target.variable(facts.site, name, {}, facts.is_return, false);
  if (const auto *value = std::get_if<target::VarAccess>(&access))
    return listed(name, value->type.name);
  const auto &failure = std::get<target::AccessFailure>(access);
  if (failure.error == target::AccessError::IsAggregate)
    return listed(name, failure.type);
  if (failure.error != target::AccessError::Unsupported)
    return std::nullopt;
  access = state.target.variable(facts.site, name, {}, facts.is_return, true);
  const auto *address = std::get_if<target::VarAccess>(&access);
  if (!address)
    return std::nullopt;
  std::string_view type = address->type.name; // of a pointer to it
  if (type.ends_with(" *"))
    type.remove_suffix(2);
  return listed(name, type);
}

std::vector<std::string> listed_variables(FamilyState &state, const SiteContext &context) {
  const auto &facts = std::get<FunctionContext>(context.facts);
  const target::Target &target = state.target;
  std::vector<std::string> texts;
  if (facts.is_return) {
    auto access = target.return_value(facts.site, {}, false);
    if (const auto *value = std::get_if<target::VarAccess>(&access))
      texts.push_back(listed("return", value->type.name));
    else if (const auto &failure = std::get<target::AccessFailure>(access); !failure.type.empty())
      texts.push_back(listed("return", failure.type));
  }
  for (const std::string &name : target.variable_names(facts.site, false))
    if (auto text = listed_variable(state, facts, name))
      texts.push_back(*text);
  return texts;
}

} // namespace tapjit::tapset

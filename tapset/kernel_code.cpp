// SPDX-License-Identifier: GPL-2.0-or-later
// Probes on code of the kernel and its modules by debuginfo: functions, statements, labels and callees. Without
// debuginfo the symbol table gives the entries of functions, then without variables.
#include "tapset/function_site.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace tapjit::tapset {

extern const FamilyHooks kernel_function_family, kernel_statement_family;

namespace {

using target::CodeQuery;
using target::FunctionKind;
using target::FunctionMatches;
using target::FunctionSite;

#define BOTH(form) "kernel" form, "module(string)" form
constexpr const char *function_forms[] = {
    BOTH(".function(number)"),
    BOTH(".function(number).call"),
    BOTH(".function(number).exported"),
    BOTH(".function(number).inline until 1.7"),
    BOTH(".function(number).return"),
    BOTH(".function(number).return.maxactive(number)"),
    BOTH(".function(string)"),
    BOTH(".function(string).call"),
    BOTH(".function(string).callee(string)"),
    BOTH(".function(string).callee(string).call"),
    BOTH(".function(string).callee(string).return"),
    BOTH(".function(string).callees"),
    BOTH(".function(string).callees(number)"),
    BOTH(".function(string).exported"),
    BOTH(".function(string).inline"),
    BOTH(".function(string).label(string)"),
    BOTH(".function(string).return"),
    BOTH(".function(string).return.maxactive(number)"),
};
constexpr const char *statement_forms[] = {
    BOTH(".statement(number)"),         BOTH(".statement(number).nearest"),  BOTH(".statement(string)"),
    BOTH(".statement(string).nearest"), "kernel.statement(number).absolute",
};
#undef BOTH

using Arg = ast::PointComponent::Arg;

// The component before names the kernel or modules.
constexpr size_t code_component = 1;
const ProbeComponent &code_of(Components components) { return components[code_component]; }

const ProbeComponent *component_named(Components components, std::string_view name) {
  auto found = std::find_if(components.begin(), components.end(),
                            [&](const ProbeComponent &component) { return component.name == name; });
  return found == components.end() ? nullptr : &*found;
}

CodeQuery query_of(Components components) {
  CodeQuery query;
  const ProbeComponent &code = code_of(components);
  if (code.arg == Arg::number)
    query.address = static_cast<uint64_t>(code.number);
  else
    query.pattern = target::parse_function_pattern(code.text);
  query.module = components[0].text; // empty for `kernel`
  query.statement = code.name == "statement";
  query.nearest = has_component(components, "nearest");
  query.exported = has_component(components, "exported");
  query.kind = FunctionKind::OutOfLine;
  if (has_component(components, "inline"))
    query.kind = FunctionKind::Inlined;
  else if (components.size() == code_component + 1)
    query.kind = FunctionKind::Both;
  if (const ProbeComponent *label = component_named(components, "label")) {
    query.label = label->text;
    query.kind = FunctionKind::Both;
  }
  if (const ProbeComponent *callee = component_named(components, "callee"))
    query.callee = callee->text;
  if (const ProbeComponent *callees = component_named(components, "callees")) {
    query.callee = "*";
    if (callees->arg == Arg::number)
      query.callee_depth = static_cast<unsigned>(std::clamp<int64_t>(callees->number, 0, 64));
  }
  if (!query.callee.empty())
    query.kind = FunctionKind::Both;
  return query;
}

std::string described(const FunctionSite &function) {
  std::string text = function.function;
  uint32_t line = function.statement_line ? function.statement_line : function.line;
  if (!function.file.empty())
    text += "@" + function.file + (line ? ":" + std::to_string(line) : "");
  return text;
}

// The point as pp() shows it: with the function, file and line that the pattern came to.
std::string point_of(const FunctionSite &function, Components components) {
  const ProbeComponent &code = code_of(components);
  std::string text = function.module.empty() ? "kernel" : "module(\"" + function.module + "\")";
  text += "." + std::string(code.name);
  bool is_callee = !function.caller.empty();
  if (code.arg == Arg::number)
    text += fmt::format("({:#x})", function.address);
  else
    text += "(\"" + (is_callee ? function.caller : described(function)) + "\")";
  for (const ProbeComponent &component : components.subspan(code_component + 1)) {
    if (is_callee && component.name.starts_with("callee"))
      text += ".callee(\"" + described(function) + "\")";
    else if (component.name == "label")
      text += ".label(\"" + function.label + "\")";
    else
      text += "." + point_text({&component, 1});
  }
  return text;
}

ResolvedSite site_of(FamilyState &state, const FamilyHooks &family, const FunctionSite &function,
                     Components components) {
  ResolvedSite site;
  site.is_return = has_component(components, "return");
  site.site.family = site.is_return ? "kretprobe" : "kprobe";
  site.site.pp = point_of(function, components);
  if (state.listing)
    return site; // the name is all that is wanted
  site.site.function = function.function;
  add_place(state.target, function, site.site);
  if (site.is_return)
    add_maxactive(components, site.site);
  if (!state.any_caller)
    site.callers = callers_of(state.target, function);
  site.targets = state.add({&family, FunctionContext{function, site.is_return}});
  return site;
}

// One text for all functions that are refused for one reason.
std::vector<std::string> warnings_of(const FunctionMatches &matches) {
  std::map<std::string, std::vector<std::string>> by_reason;
  for (const FunctionSite &site : matches.refused) {
    std::vector<std::string> &names = by_reason[site.blacklisted];
    if (std::find(names.begin(), names.end(), site.function) == names.end())
      names.push_back(site.function);
  }
  std::vector<std::string> warnings;
  constexpr size_t shown = 4;
  for (const auto &[reason, names] : by_reason) {
    std::string text;
    for (size_t i = 0; i < names.size() && i < shown; ++i)
      text += (i ? ", `" : "`") + names[i] + "`";
    if (names.size() > shown)
      text += fmt::format(" and {} more functions", names.size() - shown);
    warnings.push_back(text + (names.size() == 1 ? " is left out: " : " are left out: ") + reason);
  }
  return warnings;
}

// Callees by the words behind `.callee`: those with code of their own, or all.
bool is_wanted(const FunctionSite &site, Components components) {
  bool out_of_line = has_component(components, "call") || has_component(components, "return");
  return site.caller.empty() || !out_of_line || !site.is_inline;
}

ProbeMatch match_code(FamilyState &state, const FamilyHooks &family, Components components) {
  if (auto bad = check_maxactive(components))
    return *bad;
  CodeQuery query = query_of(components);
  query.once = state.listing;
  if (!query.pattern.problem.empty())
    return refuse(query.pattern.problem, "", code_component);
  auto found = state.target.code(query);
  if (!found)
    return refuse(found.error().observed, found.error().advice, 0);
  ProbeMatch match;
  match.known = true;
  match.sites.reserve(found->sites.size());
  for (FunctionSite &function : found->sites) {
    if (!is_wanted(function, components))
      continue;
    if (!state.any_caller && has_unplaced_caller(function)) {
      function.blacklisted =
          "no symbol tells where the code of `" + function.caller + "` is in module `" + function.module + "`";
      found->refused.push_back(function);
      continue;
    }
    match.sites.push_back(site_of(state, family, function, components));
  }
  if (match.sites.empty())
    return nothing_found(query.pattern, *found, code_component,
                         query.module.empty() ? "the kernel" : "module `" + query.module + "`");
  match.warnings = warnings_of(*found);
  return match;
}

ProbeMatch match_function(FamilyState &state, Components components, size_t) {
  return match_code(state, kernel_function_family, components);
}

ProbeMatch match_statement(FamilyState &state, Components components, size_t) {
  if (has_component(components, "absolute"))
    return state.target.absent() ? refuse(state.target.absent()->observed, state.target.absent()->advice, 0)
                                 : absolute_site(state, components);
  return match_code(state, kernel_statement_family, components);
}

} // namespace

const FamilyHooks kernel_function_family = {"kernel.function", function_forms, match_function,
                                            function_variable, function_names, listed_variables};
const FamilyHooks kernel_statement_family = {"kernel.statement", statement_forms, match_statement,
                                             function_variable,  function_names,  listed_variables};

} // namespace tapjit::tapset

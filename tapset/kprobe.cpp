// SPDX-License-Identifier: GPL-2.0-or-later
// Probes on functions of the kernel: kernel.function by debuginfo (or the symbol table, then without variables),
// kprobe.function by symbol alone.
#include "tapset/family.h"

namespace tapjit::tapset {

extern const FamilyHooks kernel_function_family, kprobe_function_family;

namespace {

using target::FunctionKind;
using target::FunctionMatches;
using target::FunctionSite;

constexpr const char *kernel_forms[] = {
    "kernel.function(string)",        "kernel.function(string).call",
    "kernel.function(string).inline", "kernel.function(string).exported",
    "kernel.function(string).return", "kernel.function(string).return.maxactive(number)",
};
constexpr const char *kprobe_forms[] = {
    "kprobe.function(string)",
    "kprobe.function(string).call",
    "kprobe.function(string).return",
    "kprobe.function(string).return.maxactive(number)",
    "kprobe.module(string).function(string)",
    "kprobe.module(string).function(string).call",
    "kprobe.module(string).function(string).return",
    "kprobe.module(string).function(string).return.maxactive(number)",
};

bool has_component(Components components, std::string_view name) {
  for (const ProbeComponent &component : components)
    if (component.name == name)
      return true;
  return false;
}

// What a kernel.function string asks for: FUNCTION or FUNCTION@FILE.
struct Pattern {
  std::string function, file;
  std::string problem;
};

Pattern parse_pattern(std::string_view text) {
  Pattern pattern;
  size_t at = text.find('@');
  pattern.function = text.substr(0, at);
  if (at != std::string_view::npos)
    pattern.file = text.substr(at + 1);
  if (pattern.function.empty())
    pattern.problem = "`" + std::string(text) + "` names no function";
  else if (at != std::string_view::npos && pattern.file.empty())
    pattern.problem = "`" + std::string(text) + "` names no file behind `@`";
  else if (pattern.file.find_first_of(":+") != std::string::npos)
    pattern.problem = "source lines (`" + pattern.file + "`) are not supported yet";
  return pattern;
}

// How the runtime finds the place: by symbol and offset when only one symbol has that name; else by link address,
// against a symbol whose name is unique.
void add_place(const target::Target &target, const FunctionSite &function, ir::Site &site) {
  if (!function.symbol.empty() && function.symbol_is_unique) {
    site.constants.emplace_back("symbol", function.symbol);
    site.constants.emplace_back("offset", static_cast<int64_t>(function.offset));
    return;
  }
  site.constants.emplace_back("address", static_cast<int64_t>(function.address));
  // Any function that can be probed and that every kernel has will do.
  for (const char *anchor : {"kernel_clone", "vfs_read", "wake_up_process", "schedule"}) {
    auto fact = target.symbol(anchor);
    if (!fact || !fact->is_unique)
      continue;
    site.constants.emplace_back("anchor_symbol", std::string(anchor));
    site.constants.emplace_back("anchor", static_cast<int64_t>(fact->address));
    return;
  }
}

std::string function_point(const FunctionSite &function, Components components) {
  std::string text = "kernel.function(\"" + function.function;
  if (!function.file.empty())
    text += "@" + function.file + (function.line ? ":" + std::to_string(function.line) : "");
  text += "\")";
  std::string rest = point_text(components.subspan(2));
  return rest.empty() ? text : text + "." + rest;
}

ResolvedSite function_site(FamilyState &state, const FamilyHooks &family, const FunctionSite &function,
                           Components components) {
  ResolvedSite site;
  site.is_return = has_component(components, "return");
  site.site.family = site.is_return ? "kretprobe" : "kprobe";
  site.site.pp = function_point(function, components);
  site.site.function = function.function;
  add_place(state.target, function, site.site);
  if (site.is_return)
    site.site.constants.emplace_back("maxactive", components.back().name == "maxactive" ? components.back().number : 0);
  site.targets = state.add({&family, FunctionContext{function, site.is_return}});
  return site;
}

// Why no site is left.
ProbeMatch nothing_found(const Pattern &pattern, const FunctionMatches &matches) {
  constexpr size_t function_component = 1;
  std::string name = "`" + pattern.function + "`";
  if (!matches.refused.empty())
    return refuse(name + " cannot be probed: " + matches.refused[0].blacklisted, "", function_component);
  if (matches.only_inlined)
    return refuse(name + " has no code of its own: the compiler has inlined every call",
                  "probe its inlined copies with `.inline`", function_component);
  std::string in_file = pattern.file.empty() ? "" : " in a file that ends in `" + pattern.file + "`";
  std::string hint = did_you_mean(matches.suggestions);
  if (hint.empty() && matches.without_debuginfo)
    hint = "only the symbol table was searched; " + matches.advice;
  return refuse("the kernel has no function " + name + in_file, hint, function_component);
}

ProbeMatch match_kernel_function(FamilyState &state, Components components, size_t) {
  constexpr size_t function_component = 1;
  Pattern pattern = parse_pattern(components[function_component].text);
  if (!pattern.problem.empty())
    return refuse(pattern.problem, "", function_component);
  constexpr int64_t most_active = 32767;
  if (components.back().name == "maxactive" && (components.back().number < 0 || components.back().number > most_active))
    return refuse("`.maxactive(" + std::to_string(components.back().number) + ")` is out of range",
                  "give a number from 0 (the default) to " + std::to_string(most_active), components.size() - 1);
  FunctionKind kind = has_component(components, "inline") ? FunctionKind::Inlined
                      : components.size() == 2            ? FunctionKind::Both
                                                          : FunctionKind::OutOfLine;
  auto found = state.target.functions(components[function_component].text, kind);
  if (!found)
    return refuse(found.error().observed, found.error().advice, 0);
  ProbeMatch match;
  match.known = true;
  for (const FunctionSite &function : found->sites)
    if (!has_component(components, "exported") || state.target.symbol("__ksymtab_" + function.symbol))
      match.sites.push_back(function_site(state, kernel_function_family, function, components));
  return match.sites.empty() ? nothing_found(pattern, *found) : match;
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

// By symbol: the kernel that loads the module has the last word; what is known here is checked.
ProbeMatch match_kprobe_function(FamilyState &state, Components components, size_t) {
  if (auto absent = state.target.absent())
    return refuse(absent->observed, absent->advice, 0);
  bool in_module = components[1].name == "module";
  size_t function_component = in_module ? 2 : 1;
  std::string name(components[function_component].text);
  ResolvedSite site;
  site.is_return = has_component(components, "return");
  site.site.family = site.is_return ? "kretprobe" : "kprobe";
  site.site.pp = point_text(components);
  site.site.function = name;
  if (!in_module) {
    auto found = state.target.functions(name, FunctionKind::OutOfLine);
    if (name.find_first_of("*?[") != std::string::npos)
      return refuse("`kprobe.function` takes no wildcards", "use `kernel.function`", function_component);
    if (found && found->sites.empty())
      return nothing_found({name, "", ""}, *found);
  }
  site.site.constants.emplace_back("symbol", in_module ? std::string(components[1].text) + ":" + name : name);
  site.site.constants.emplace_back("offset", int64_t{0});
  if (site.is_return)
    site.site.constants.emplace_back("maxactive", components.back().name == "maxactive" ? components.back().number : 0);
  return single_site(std::move(site));
}

} // namespace

const FamilyHooks kernel_function_family = {"kernel.function", kernel_forms, match_kernel_function, function_variable,
                                            function_names};
const FamilyHooks kprobe_function_family = {"kprobe.function", kprobe_forms, match_kprobe_function};

} // namespace tapjit::tapset

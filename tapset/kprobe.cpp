// SPDX-License-Identifier: GPL-2.0-or-later
// kprobe.function: functions by symbol alone; kprobe.statement: any address. The kernel that loads the module has the
// last word; what is known here is checked.
#include "tapset/function_site.h"

namespace tapjit::tapset {

extern const FamilyHooks kprobe_function_family, kprobe_statement_family;

namespace {

constexpr const char *function_forms[] = {
    "kprobe.function(string)",
    "kprobe.function(string).call",
    "kprobe.function(string).return",
    "kprobe.function(string).return.maxactive(number)",
    "kprobe.module(string).function(string)",
    "kprobe.module(string).function(string).call",
    "kprobe.module(string).function(string).return",
    "kprobe.module(string).function(string).return.maxactive(number)",
};
constexpr const char *statement_forms[] = {"kprobe.statement(number).absolute"};

ProbeMatch match_function(FamilyState &state, Components components, size_t) {
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
    target::CodeQuery query;
    query.pattern = target::parse_function_pattern(name);
    query.place_alone = true;
    auto found = state.target.code(query);
    if (name.find_first_of("*?[") != std::string::npos)
      return refuse("`kprobe.function` takes no wildcards", "use `kernel.function`", function_component);
    if (found && found->sites.empty())
      return nothing_found(target::parse_function_pattern(name), *found, function_component);
  }
  site.site.constants.emplace_back("symbol", in_module ? std::string(components[1].text) + ":" + name : name);
  site.site.constants.emplace_back("offset", int64_t{0});
  // Where it probably is: a search by name takes kernels before 6.2 milliseconds.
  if (auto fact = in_module ? std::nullopt : state.target.symbol(name); fact && fact->is_unique)
    add_link_address(state.target, fact->address, site.site);
  if (site.is_return)
    add_maxactive(components, site.site);
  return single_site(std::move(site));
}

ProbeMatch match_statement(FamilyState &state, Components components, size_t) {
  if (auto absent = state.target.absent())
    return refuse(absent->observed, absent->advice, 0);
  return absolute_site(state, components);
}

} // namespace

const FamilyHooks kprobe_function_family = {"kprobe.function", function_forms, match_function};
const FamilyHooks kprobe_statement_family = {"kprobe.statement", statement_forms, match_statement};

} // namespace tapjit::tapset

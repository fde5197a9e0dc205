// SPDX-License-Identifier: GPL-2.0-or-later
// kernel.trace: the kernel's tracepoints. The tracepoint calls the module's glue function directly, which hands the
// arguments over widened to 64 bits. The glue's prototype has the event's shape with the types that need no header:
// pointers are `void *` and enums are `unsigned int`, which the calling convention passes alike. So the unit includes
// no trace header (some take 100 ms to parse). Kernels that check the types of indirect calls (CONFIG_CFI_CLANG) want
// the event's own prototype.
#include "tapset/family.h"

namespace tapjit::tapset {

extern const FamilyHooks tracepoint_family;

namespace {

constexpr const char *forms[] = {"kernel.trace(string)", "kernel.tracepoint(string)",
                                 "module(string).tracepoint(string)"};
constexpr size_t by_number = 1; // of this and the next: `$arg1` and so on, and no systems
constexpr size_t of_module = 2;

bool is_pointer(const target::TracepointArgument &argument) {
  return (argument.passed_as.empty() ? argument.type : argument.passed_as).ends_with('*');
}
bool is_aggregate(const target::TracepointArgument &argument) {
  const std::string &type = argument.passed_as.empty() ? argument.type : argument.passed_as;
  return !is_pointer(argument) && (type.starts_with("struct ") || type.starts_with("union "));
}

std::string parameter(const target::TracepointArgument &argument) {
  if (is_pointer(argument))
    return "void *" + argument.name;
  if (!argument.passed_as.empty())
    return argument.passed_as + " " + argument.name;
  return (argument.type.starts_with("enum ") ? "unsigned int" : argument.type) + " " + argument.name;
}

// "(void *prev, int cpu)", then one C expression per argument. C wants at least one of each.
std::vector<std::string> glue_of(const target::Target &target, const target::Tracepoint &point) {
  bool checks_types = target.kconfig("CONFIG_CFI_CLANG") == "y";
  std::string parameters;
  std::vector<std::string> values;
  for (const target::TracepointArgument &argument : point.arguments) {
    parameters += (parameters.empty() ? "" : ", ") + parameter(argument);
    values.push_back(is_aggregate(argument) ? "0"
                                            : (is_pointer(argument) ? "(int64_t)(long)" : "(int64_t)") + argument.name);
  }
  if (values.empty()) {
    parameters = "long tap_none";
    values.push_back("0");
  }
  std::vector<std::string> glue = {"(" + (checks_types && !point.prototype.empty() ? point.prototype : parameters) +
                                   ")"};
  glue.insert(glue.end(), values.begin(), values.end());
  return glue;
}

ResolvedSite tracepoint_site(FamilyState &state, target::Tracepoint point, size_t form) {
  ResolvedSite site;
  site.site.family = "tracepoint";
  site.site.pp = form == of_module   ? "module(\"" + point.module + "\").tracepoint(\"" + point.name + "\")"
                 : form == by_number ? "kernel.tracepoint(\"" + point.name + "\")"
                                     : "kernel.trace(\"" + point.system + ":" + point.name + "\")";
  site.site.constants.emplace_back("name", point.name);
  std::optional<target::ModuleBuild> owner;
  if (form == of_module)
    owner = {point.module, state.target.module_build_id(point.module)};
  else
    owner = state.target.tracepoint_module(point.name);
  if (owner) {
    site.site.constants.emplace_back("module", owner->name);
    if (!owner->build_id.empty())
      site.site.constants.emplace_back("build_id", owner->build_id);
  }
  site.site.glue = glue_of(state.target, point);
  if (form >= by_number) {
    point.system.clear();
    for (size_t i = 0; i < point.arguments.size(); ++i)
      point.arguments[i].name = "arg" + std::to_string(i + 1);
  }
  site.targets = state.add({&tracepoint_family, TracepointContext{std::move(point)}});
  return site;
}

ProbeMatch match_tracepoint(FamilyState &state, Components components, size_t form) {
  constexpr size_t event_component = 1;
  std::string_view pattern = components[event_component].text, module = components[0].text;
  if (form >= by_number && pattern.find(':') != std::string_view::npos)
    return refuse("an event stands here without its system", "", event_component);
  if (form == of_module && state.target.kconfig("CONFIG_CFI_CLANG") == "y")
    return refuse("this kernel checks the types of functions that tracepoints call (CONFIG_CFI_CLANG), and no header "
                  "tells those of a module's",
                  "", event_component);
  auto found = form == of_module ? state.target.module_tracepoints(module, pattern) : state.target.tracepoints(pattern);
  if (!found)
    return refuse(found.error().observed, found.error().advice, event_component);
  ProbeMatch match;
  match.known = true;
  for (const target::Tracepoint &point : found->tracepoints)
    match.sites.push_back(tracepoint_site(state, point, form));
  if (match.sites.empty())
    return refuse(form == of_module
                      ? "module `" + std::string(module) + "` defines no tracepoint `" + std::string(pattern) + "`"
                      : "the kernel's headers declare no tracepoint `" + std::string(pattern) + "`",
                  did_you_mean(found->suggestions), event_component);
  return match;
}

TargetAnswer tracepoint_variable(FamilyState &state, const SiteContext &context, const TargetQuery &query) {
  const target::Tracepoint &point = std::get<TracepointContext>(context.facts).tracepoint;
  static const std::vector<target::PathStep> none;
  if (query.name == "$$name" || query.name == "$$system") {
    TargetAnswer text;
    text.found = text.is_string = true;
    text.text = query.name == "$$name" ? point.name : point.system;
    return text;
  }
  std::string_view name = query.name.substr(query.name.starts_with('$') ? 1 : 0);
  return answer(state.target.tracepoint_argument(point, name, query.steps ? *query.steps : none, query.address_of));
}

std::vector<std::string> tracepoint_names(FamilyState &, const SiteContext &context, std::string_view group) {
  std::vector<std::string> names;
  if (group == "$$vars" || group == "$$parms")
    for (const target::TracepointArgument &argument : std::get<TracepointContext>(context.facts).tracepoint.arguments)
      names.push_back("$" + argument.name);
  return names;
}

std::vector<std::string> tracepoint_variables(FamilyState &, const SiteContext &context) {
  std::vector<std::string> texts;
  for (const target::TracepointArgument &argument : std::get<TracepointContext>(context.facts).tracepoint.arguments)
    texts.push_back("$" + argument.name + ":" + listed_type(argument.type));
  return texts;
}

} // namespace

const FamilyHooks tracepoint_family = {
    "tracepoint", forms, match_tracepoint, tracepoint_variable, tracepoint_names, tracepoint_variables};

} // namespace tapjit::tapset

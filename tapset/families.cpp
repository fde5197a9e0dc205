// SPDX-License-Identifier: GPL-2.0-or-later
// The table of families and what the front end asks of it.
#include "tapset/family.h"

#include <algorithm>
#include <cstring>
#include <memory>

namespace tapjit::tapset {

#define FAMILY(name) extern const FamilyHooks name##_family;
#include "tapset/families.def"
#undef FAMILY

namespace {

const FamilyHooks *const all_families[] = {
#define FAMILY(name) &name##_family,
#include "tapset/families.def"
#undef FAMILY
};

using Arg = ast::PointComponent::Arg;

// "timer.ms(number)" to its components.
ProbePattern parse_form(std::string_view form) {
  ProbePattern pattern;
  while (!form.empty()) {
    std::string_view component = form.substr(0, form.find('.'));
    form.remove_prefix(std::min(form.size(), component.size() + 1));
    size_t open = component.find('(');
    ProbePattern::Component part;
    part.name = component.substr(0, open);
    if (open != std::string_view::npos)
      part.arg = component.substr(open) == "(string)" ? Arg::string : Arg::number;
    pattern.components.push_back(std::move(part));
  }
  return pattern;
}

bool fits(const ProbePattern &pattern, Components components) {
  if (pattern.components.size() != components.size())
    return false;
  for (size_t i = 0; i < components.size(); ++i)
    if (pattern.components[i].name != components[i].name || pattern.components[i].arg != components[i].arg)
      return false;
  return true;
}

bool is_before(const std::string &version, const char *other) { return strverscmp(version.c_str(), other) < 0; }

// The form without its " until VERSION"; empty where the script's language is newer.
std::string_view form_in(std::string_view form, const std::string &compatible) {
  constexpr std::string_view until = " until ";
  size_t at = form.find(until);
  if (at == std::string_view::npos)
    return form;
  std::string last(form.substr(at + until.size()));
  return is_before(last, compatible.c_str()) ? std::string_view() : form.substr(0, at);
}

// What SystemTap probes and tapjit does not yet: first words, and words behind `kernel` or `kprobe`.
constexpr std::string_view planned_roots[] = {"process", "netfilter", "perf",      "python2",
                                              "python3", "java",      "debuginfod"};
constexpr std::string_view planned_parts[] = {"data", "mark", "lsm"};

// The number of the component that names something planned; -1: there is none.
int planned_component(Components components) {
  auto names = [&](std::span<const std::string_view> words, size_t i) {
    return std::find(words.begin(), words.end(), components[i].name) != words.end();
  };
  if (components.empty() || names(planned_roots, 0))
    return components.empty() ? -1 : 0;
  if (components[0].name == "kernel" || components[0].name == "kprobe")
    for (size_t i = 1; i < components.size(); ++i)
      if (names(planned_parts, i))
        return int(i);
  return -1;
}

struct Form {
  const FamilyHooks *family;
  size_t number;
};

struct Table {
  Table(const target::Target &target, const FamilyOptions &options)
      : state{target, options.guru, options.listing, is_before(options.compatible, "4.3"), options.any_caller} {}
  FamilyState state;
  std::vector<ProbePattern> patterns;
  std::vector<Form> forms; // parallel to `patterns`
};

const std::vector<target::PathStep> &path_of(const TargetQuery &query) {
  static const std::vector<target::PathStep> none;
  return query.steps ? *query.steps : none;
}

// The module of @var. Without one: that of the probe, then the kernel.
std::string modules_of(const FamilyState &state, TargetContextId id, std::string_view given) {
  if (!given.empty() || !id.valid() || id.index() >= state.contexts.size())
    return std::string(given);
  const auto &facts = state.contexts[id.index()].facts;
  const auto *function = std::get_if<FunctionContext>(&facts);
  const auto *event = std::get_if<TracepointContext>(&facts);
  const std::string module = function ? function->site.module : event ? event->tracepoint.module : "";
  return module.empty() ? "" : module + ":kernel";
}

// The third argument of @cast.
std::string type_modules_of(const FamilyState &state, TargetContextId id, std::string_view given) {
  return state.kernel_types ? std::string(given) : modules_of(state, id, given);
}

// @var("name") at a function is `$name`.
TargetAnswer local_variable(FamilyState &state, TargetContextId id, const TargetQuery &query) {
  if (!id.valid() || id.index() >= state.contexts.size() || !query.module.empty() ||
      query.name.find('@') != std::string_view::npos)
    return {};
  const SiteContext &context = state.contexts[id.index()];
  return std::holds_alternative<FunctionContext>(context.facts) ? context.family->variable(state, context, query)
                                                                : TargetAnswer{};
}

TargetAnswer resolve_variable(FamilyState &state, TargetContextId id, const TargetQuery &query) {
  using Root = ast::Target::Root;
  switch (query.root) {
  case Root::cast:
    return answer(
        state.target.cast(query.type, type_modules_of(state, id, query.module), path_of(query), query.address_of), "");
  case Root::value:
    if (query.base)
      return answer(state.target.follow(*query.base, path_of(query), query.address_of), "");
    break;
  case Root::variable:
    if (TargetAnswer local = local_variable(state, id, query); local.found)
      return local;
    return answer(
        state.target.global_variable(query.name, modules_of(state, id, query.module), path_of(query), query.address_of),
        "");
  case Root::dollar:
    if (id.valid() && id.index() < state.contexts.size()) {
      const SiteContext &context = state.contexts[id.index()];
      if (context.family->variable)
        return context.family->variable(state, context, query);
    }
    break;
  }
  TargetAnswer none;
  none.reason = "this probe point has no target variables";
  return none;
}

// A value that has to do with a link address needs something to count from.
TargetAnswer anchored(const target::Target &target, TargetAnswer found) {
  auto is_address = [](const target::AccessStep &step) { return step.kind == target::StepKind::PushAddress; };
  if (!found.found || std::none_of(found.access.steps.begin(), found.access.steps.end(), is_address))
    return found;
  auto anchor = kernel_anchor(target);
  if (!anchor) {
    found.found = false;
    found.reason = "the kernel's symbols do not tell where it was loaded";
    return found;
  }
  found.access.anchor_symbol = anchor->symbol;
  found.access.anchor = anchor->address;
  return found;
}

} // namespace

std::optional<Anchor> kernel_anchor(const target::Target &target) {
  for (const char *name : {"kernel_clone", "vfs_read", "wake_up_process", "schedule"})
    if (auto fact = target.symbol(name); fact && fact->is_unique)
      return Anchor{name, fact->address};
  return std::nullopt;
}

ProbeFamilies make_probe_families(const target::Target &target, const FamilyOptions &options) {
  auto table = std::make_shared<Table>(target, options);
  for (const FamilyHooks *family : all_families)
    for (size_t number = 0; number < family->forms.size(); ++number) {
      std::string_view form = form_in(family->forms[number], options.compatible);
      if (form.empty())
        continue;
      table->patterns.push_back(parse_form(form));
      table->forms.push_back({family, number});
    }
  ProbeFamilies families;
  families.patterns = table->patterns;
  families.match = [table](Components components) {
    for (size_t i = 0; i < table->forms.size(); ++i)
      if (fits(table->patterns[i], components))
        return table->forms[i].family->match(table->state, components, table->forms[i].number);
    int planned = planned_component(components);
    return planned < 0
               ? ProbeMatch{}
               : refuse("`" + std::string(components[planned].name) + "` is not supported yet", "", size_t(planned));
  };
  families.target = [table](TargetContextId context, const TargetQuery &query) {
    return anchored(table->state.target, resolve_variable(table->state, context, query));
  };
  families.enumerator = [table](std::string_view name) { return table->state.target.enumerator(name); };
  families.enumerators = [table](TargetContextId id, const EnumQuery &query) {
    const target::Target &target = table->state.target;
    auto found = query.base ? target.enumerators(*query.base)
                            : target.enumerators(query.type, type_modules_of(table->state, id, query.module));
    EnumAnswer answer;
    if (auto *failure = std::get_if<target::AccessFailure>(&found))
      answer.reason = failure->observed;
    else
      answer.rows = std::get<target::Enumerators>(std::move(found));
    return answer;
  };
  families.pretty = [table](const target::ValueType &type, bool deep) {
    return table->state.target.pretty(type, deep);
  };
  families.names = [table](TargetContextId id, std::string_view group) {
    if (!id.valid() || id.index() >= table->state.contexts.size())
      return std::vector<std::string>();
    const SiteContext &context = table->state.contexts[id.index()];
    return context.family->names ? context.family->names(table->state, context, group) : std::vector<std::string>();
  };
  families.variables = [table](TargetContextId id) {
    if (!id.valid() || id.index() >= table->state.contexts.size())
      return std::vector<std::string>();
    const SiteContext &context = table->state.contexts[id.index()];
    return context.family->variables ? context.family->variables(table->state, context) : std::vector<std::string>();
  };
  return families;
}

std::string listed_type(std::string_view type) {
  std::string text;
  for (std::string_view qualifier : {"const ", "volatile "})
    if (type.starts_with(qualifier)) { // C writes those of the pointee in front
      type.remove_prefix(qualifier.size());
      size_t end = std::min(type.find(" *"), type.size());
      return listed_type(type.substr(0, end)) + " " + std::string(qualifier.substr(0, qualifier.size() - 1)) +
             listed_type(type.substr(end));
    }
  for (size_t i = 0; i < type.size(); ++i)
    if (type[i] != ' ' || i + 1 == type.size() || type[i + 1] != '*')
      text += type[i];
  return text;
}

std::string point_text(Components components) {
  std::string text;
  for (const ProbeComponent &component : components) {
    text += text.empty() ? "" : ".";
    text += component.name;
    if (component.arg == Arg::number)
      text += "(" + std::to_string(component.number) + ")";
    else if (component.arg == Arg::string)
      text += "(\"" + std::string(component.text) + "\")";
  }
  return text;
}

ProbeMatch refuse(std::string reason, std::string hint, size_t component) {
  ProbeMatch match;
  match.known = true;
  match.reason = std::move(reason);
  match.hint = std::move(hint);
  match.component = component;
  return match;
}

ProbeMatch single_site(ResolvedSite site) {
  ProbeMatch match;
  match.known = true;
  match.sites.push_back(std::move(site));
  return match;
}

std::string did_you_mean(const std::vector<std::string> &names, std::string_view prefix) {
  if (names.empty())
    return {};
  std::string text = "did you mean ";
  constexpr size_t shown = 3;
  for (size_t i = 0; i < names.size() && i < shown; ++i)
    text += (i == 0 ? "`" : " or `") + std::string(prefix) + names[i] + "`";
  return text + "?";
}

TargetAnswer answer(const target::Access<target::VarAccess> &access, std::string_view prefix) {
  TargetAnswer answer;
  if (const auto *failure = std::get_if<target::AccessFailure>(&access)) {
    answer.reason = failure->observed;
    answer.is_aggregate = failure->error == target::AccessError::IsAggregate;
    bool is_variable = failure->error == target::AccessError::NoSuchVariable;
    answer.hint = did_you_mean(failure->suggestions, is_variable ? prefix : "");
    if (answer.hint.empty())
      answer.late_hint = failure->late_hint;
    return answer;
  }
  answer.found = true;
  answer.access = std::get<target::VarAccess>(access);
  answer.writable = answer.access.write.kind != target::WriteAccess::Kind::None;
  if (!answer.writable)
    answer.reason =
        answer.access.is_address ? "it is an address, not a variable" : "the compiler keeps it in no one place";
  return answer;
}

} // namespace tapjit::tapset

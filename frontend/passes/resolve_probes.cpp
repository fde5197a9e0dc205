// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/resolve_probes.h"

#include "frontend/parse.h"
#include "frontend/preprocess.h"

#include <algorithm>

namespace tapjit {

using namespace ast;

namespace {

constexpr size_t max_alias_depth = 64;
constexpr size_t max_alias_uses = 100'000; // in one probe; `syscall.*` has some 700

bool has_wildcard(std::span<const PointComponent> components) {
  return std::any_of(components.begin(), components.end(),
                     [](const PointComponent &c) { return c.name.find('*') != std::string_view::npos; });
}

// Whether components match an alias's name from its first component on; `used` is how many of them the name took.
bool match_alias(std::span<const PointComponent> point, std::span<const PointComponent> name, size_t &used) {
  used = name.size();
  if (point.size() < name.size())
    return false;
  for (size_t i = 0; i < name.size(); ++i)
    if (point[i].arg != PointComponent::Arg::none ||
        (point[i].name != name[i].name && !glob_match(point[i].name, name[i].name)))
      return false;
  return true;
}

constexpr size_t max_components = 7; // of any alias or form

// With "..." for what is behind the first 4 KB: each of the points carries it.
std::string joined(List<ProbePoint> points, std::string_view separator) {
  constexpr size_t longest = 4096;
  std::string text;
  for (const ProbePoint &point : points) {
    text += text.empty() ? "" : separator;
    if (text.size() > longest)
      return text + "...";
    text += print_point(point);
  }
  return text;
}

std::string mark(const ProbePoint &point) { return point.sufficient ? "!" : point.optional ? "?" : ""; }

std::string point_text(std::span<const PointComponent> components) {
  ProbePoint point;
  point.components = List<PointComponent>(const_cast<PointComponent *>(components.data()), components.size());
  return print_point(point);
}

} // namespace

std::string pattern_text(const ProbePattern &pattern) {
  std::string text;
  for (const ProbePattern::Component &component : pattern.components) {
    if (!text.empty())
      text += '.';
    text += component.name;
    text += component.arg == PointComponent::Arg::number   ? "(number)"
            : component.arg == PointComponent::Arg::string ? "(string)"
                                                           : "";
  }
  return text;
}

namespace {

// The names without arguments, for the distance to a slip of the finger.
std::string bare_name(std::span<const PointComponent> components) {
  std::string text;
  for (const PointComponent &component : components) {
    if (!text.empty())
      text += '.';
    text += component.name;
  }
  return text;
}

} // namespace

ProbeResolver::ProbeResolver(Declarations &declarations, const ProbeFamilies &families, SourceTable &sources,
                             Diagnostics &diagnostics)
    : declarations_(declarations), families_(families), sources_(sources), diagnostics_(diagnostics) {}

std::vector<ExpandedPoint> ProbeResolver::resolve(const ProbeRef &probe) {
  std::vector<ExpandedPoint> out;
  alias_uses_ = 0;
  auto chain = std::make_shared<const std::string>(joined(probe.decl->points, ","));
  std::string derivation = probe.decl->points.empty() ? "" : " from: " + print_point(*probe.decl->points.begin());
  for (const ProbePoint &point : probe.decl->points) {
    Path path;
    path.use = point.range;
    path.text = print_point(point);
    path.origin = {0, mark(point), chain, derivation, "", point.range.at};
    Failure failure;
    bool resolved = resolve_point(point, *probe.file, path, out, failure);
    bool endless = failure.set && failure.id == DiagId::alias_cycle; // whatever else there is of that name
    if (resolved && point.sufficient && !endless)
      break;
    if (endless)
      diagnostics_.report(failure.id, failure.at, {failure.point}).note(point.range, "needed by this probe point");
    if (endless || resolved || point.optional || point.sufficient)
      continue;
    Diagnostic &diagnostic = failure.id == DiagId::probe_not_resolved
                                 ? diagnostics_.report(failure.id, failure.at, {failure.point, failure.reason})
                                 : diagnostics_.report(failure.id, failure.at, {failure.point});
    diagnostic.hint(failure.late_hint ? failure.late_hint() : failure.hint);
    if (sources_.spelling(failure.in_point.at) != sources_.spelling(point.loc))
      diagnostic.note(point.range, "needed by this probe point");
  }
  return out;
}

bool ProbeResolver::resolve_point(const ProbePoint &point, const File &file, Path path, std::vector<ExpandedPoint> &out,
                                  Failure &failure) {
  if (point.condition)
    path.conditions.push_back({point.condition, &file, {}, {}});
  return resolve_components({point.components.begin(), point.components.end()}, file, path, point.range, out, failure);
}

// The points of an alias, with the suffix behind each. True when any came to something.
bool ProbeResolver::resolve_list(List<ProbePoint> points, const Components &suffix, const File &file, const Path &path,
                                 std::vector<ExpandedPoint> &out, Failure &failure) {
  bool any = false;
  bool required_failed = false;
  for (const ProbePoint &point : points) {
    Components components(point.components.begin(), point.components.end());
    components.insert(components.end(), suffix.begin(), suffix.end());
    Path inner = path;
    inner.origin.mark = mark(point);
    if (point.condition)
      inner.conditions.push_back({point.condition, &file, {}, {}});
    Failure own;
    bool resolved = resolve_components(components, file, inner, point.range, out, own);
    any = any || resolved;
    if (resolved && point.sufficient)
      break;
    const bool is_wanted = !point.optional && !point.sufficient;
    // What is told is why the first one failed that may not; that others may is only asked where all are such.
    if (!resolved && own.set && (!failure.set || (is_wanted && !required_failed)))
      failure = own;
    required_failed |= !resolved && is_wanted;
  }
  // A required alternative that failed fails the alias, as each of the points it lists is wanted.
  return any && !required_failed;
}

// `x**y` stands for `x*y`, `x*.*y`, `x*.*.*y` ...; an argument goes to the last.
void ProbeResolver::expand_stars(const Components &components, std::vector<Components> &out) {
  auto open = std::find_if(components.begin(), components.end(),
                           [](const PointComponent &c) { return c.name.find("**") != std::string_view::npos; });
  if (open == components.end()) {
    out.push_back(components);
    return;
  }
  size_t stars = open->name.find("**");
  std::string before(open->name.substr(0, stars)), behind(open->name.substr(stars + 2));
  for (size_t count = 1; components.size() - 1 + count <= std::max(max_components, components.size()); ++count) {
    Components variant(components.begin(), open);
    for (size_t i = 0; i < count; ++i) {
      PointComponent part = *open;
      if (i + 1 < count) { // the argument is the last part's
        part.arg = PointComponent::Arg::none;
        part.number = 0;
        part.text = {};
      }
      part.name = sources_.intern((i == 0 ? before : "") + "*" + (i + 1 == count ? behind : "")).view();
      variant.push_back(part);
    }
    variant.insert(variant.end(), open + 1, components.end());
    expand_stars(variant, out);
  }
}

bool ProbeResolver::resolve_components(const Components &components, const File &, const Path &path, Range in_point,
                                       std::vector<ExpandedPoint> &out, Failure &failure) {
  struct Prefix {
    AliasRef alias;
    Components suffix;
  };
  std::vector<Prefix> prefixes;
  std::vector<Components> variants;
  expand_stars(components, variants);
  size_t before = out.size();
  bool any = false;
  for (const Components &variant : variants) {
    // A copy: an alias's own expansion may bring in more files.
    std::vector<AliasRef> whole, prefix;
    size_t longest = 0, longest_active = 0;
    for (const AliasRef &alias : declarations_.aliases_for(variant)) {
      size_t used;
      if (!match_alias(variant, alias.name->components, used))
        continue;
      if (std::find(path.active.begin(), path.active.end(), alias.decl) != path.active.end()) {
        if (!has_wildcard(variant)) // a wildcard just leaves out the alias it stands in
          longest_active = std::max(longest_active, used);
        continue;
      }
      if (used == variant.size()) {
        whole.push_back(alias);
      } else if (used >= longest) {
        if (used > longest)
          prefix.clear();
        longest = used;
        prefix.push_back(alias);
      }
    }
    // `probe a = a.b` means an alias a.b, if there is one.
    if (longest_active == variant.size() || (whole.empty() && longest_active > longest)) {
      if (!failure.set)
        failure = {DiagId::alias_cycle, in_point, in_point, point_text(components), "", "", true};
      return false;
    }
    for (const AliasRef &alias : whole)
      any = use_alias(alias, {}, path, out, failure) || any;
    any = use_families(variant, path, in_point, out, failure) || any;
    for (const AliasRef &alias : prefix)
      prefixes.push_back({alias, Components(variant.begin() + static_cast<ptrdiff_t>(longest), variant.end())});
  }
  if (any || out.size() != before)
    return any;
  for (const Prefix &prefix : prefixes)
    any = use_alias(prefix.alias, prefix.suffix, path, out, failure) || any;
  if (any)
    return true;
  if (!failure.set)
    failure = {DiagId::unknown_probe_point,
               diagnostics_.has_many() ? in_point : component_in(in_point, components, at_fault(components)),
               in_point,
               point_text(components),
               "",
               "",
               true,
               diagnostics_.has_many() ? std::function<std::string()>()
                                       : [this, components] { return suggest(components); }};
  return false;
}

Name ProbeResolver::alias_name(const ProbePoint &name) {
  Name &known = alias_names_[&name];
  if (!known)
    known = sources_.intern(bare_name(name.components));
  return known;
}

bool ProbeResolver::use_alias(const AliasRef &alias, const Components &suffix, const Path &path,
                              std::vector<ExpandedPoint> &out, Failure &failure) {
  if (path.active.size() >= max_alias_depth || alias_uses_ >= max_alias_uses) {
    if (!failure.set)
      failure = {DiagId::alias_too_deep, path.use, path.use, path.text, "", "", true};
    return false;
  }
  ++alias_uses_;
  Path inner = path;
  inner.active.push_back(alias.decl);
  Name name = alias_name(*alias.name);
  inner.origin.chain = std::make_shared<const std::string>(
      joined(alias.decl->names, " = ") + " = " + joined(alias.decl->points, ", ") + " <- " + *path.origin.chain);
  std::string used = std::string(name.view()) + (suffix.empty() ? "" : "." + point_text(suffix));
  inner.origin.derivation = " from: " + used + path.origin.derivation;
  if (inner.origin.listed.empty())
    inner.origin.listed = used;
  if (alias.decl->prologue)
    inner.prologues.push_back({alias.decl->prologue, alias.file, path.use.at, name, inner.active.size()});
  if (alias.decl->epilogue)
    inner.epilogues.push_back({alias.decl->epilogue, alias.file, path.use.at, name, inner.active.size()});
  return resolve_list(alias.decl->points, suffix, *alias.file, inner, out, failure);
}

// Base points: without wildcards in names the families are asked straight; else every form that fits is.
bool ProbeResolver::use_families(const Components &components, const Path &path, Range in_point,
                                 std::vector<ExpandedPoint> &out, Failure &failure) {
  if (!has_wildcard(components))
    return match_base(components, path, in_point, out, failure);
  bool any = false;
  for (const ProbePattern &pattern : families_.patterns) {
    if (pattern.components.size() != components.size())
      continue;
    Components concrete(components.begin(), components.end());
    bool fits = true;
    for (size_t i = 0; i < concrete.size() && fits; ++i) {
      PointComponent &component = concrete[i];
      fits = glob_match(component.name, pattern.components[i].name) && component.arg == pattern.components[i].arg;
      component.name = pattern.components[i].name;
    }
    if (fits)
      any = match_base(concrete, path, in_point, out, failure) || any;
  }
  return any;
}

bool ProbeResolver::match_base(const Components &components, const Path &path, Range in_point,
                               std::vector<ExpandedPoint> &out, Failure &failure) {
  if (!families_.match)
    return false;
  ProbeMatch match = families_.match(components);
  if (!match.known)
    return false;
  if (match.sites.empty()) {
    if (!failure.set) {
      Range at = match.component < components.size() ? component_in(in_point, components, match.component) : in_point;
      failure = {DiagId::probe_not_resolved,
                 at,
                 in_point,
                 point_text(components),
                 match.reason,
                 match.hint,
                 true,
                 match.late_hint};
    }
    return false;
  }
  for (const std::string &warning : match.warnings)
    diagnostics_.report(DiagId::probe_partly_placed, in_point, {point_text(components), warning});
  ExpandedPoint point;
  point.prologues.assign(path.prologues.rbegin(), path.prologues.rend());
  point.epilogues = path.epilogues;
  point.conditions = path.conditions;
  point.sites = std::move(match.sites);
  point.text = path.text;
  point.through_alias = !path.active.empty();
  point.origin = path.origin;
  point.range = path.use;
  out.push_back(std::move(point));
  return true;
}

// The components that may follow `count` components of the point, of forms and aliases that begin with these.
std::vector<std::string> ProbeResolver::followers(const Components &components, size_t count) const {
  std::vector<std::string> found;
  auto add = [&](std::string text) {
    if (std::find(found.begin(), found.end(), text) == found.end())
      found.push_back(std::move(text));
  };
  for (const ProbePattern &pattern : families_.patterns) {
    size_t i = 0;
    while (i < count && i < pattern.components.size() && glob_match(components[i].name, pattern.components[i].name) &&
           components[i].arg == pattern.components[i].arg)
      ++i;
    if (i == count && i < pattern.components.size())
      add(pattern_text({{pattern.components[i]}}));
  }
  for (std::string_view alias : declarations_.library().alias_names()) {
    size_t i = 0;
    for (; i < count && !alias.empty(); ++i) {
      std::string_view name = alias.substr(0, alias.find('.'));
      if (!glob_match(components[i].name, name) || components[i].arg != PointComponent::Arg::none)
        break;
      alias.remove_prefix(std::min(alias.size(), name.size() + 1));
    }
    if (i == count && !alias.empty())
      add(std::string(alias.substr(0, alias.find('.'))));
  }
  return found;
}

// The first component that no form or alias has at its place.
size_t ProbeResolver::at_fault(const Components &components) const {
  for (size_t i = 0; i < components.size(); ++i) {
    bool fits = false;
    for (const std::string &text : followers(components, i)) {
      std::string_view name = std::string_view(text).substr(0, text.find('('));
      fits = fits || glob_match(components[i].name, name);
    }
    if (!fits)
      return i;
  }
  return 0;
}

Range ProbeResolver::component_in(Range point, const Components &components, size_t index) const {
  Range own = components[index].range;
  std::optional<uint32_t> before = sources_.distance(point.at, own.at);
  return before && *before < point.behind ? Range(own.at, *before, point.behind - *before) : own;
}

std::string ProbeResolver::suggest(const Components &components) const {
  std::string wanted = bare_name(components);
  std::vector<std::string> texts;
  std::vector<std::string_view> bare;
  std::vector<std::string> bare_texts;
  for (const ProbePattern &pattern : families_.patterns) {
    texts.push_back(pattern_text(pattern));
    std::string name;
    for (const ProbePattern::Component &component : pattern.components)
      name += (name.empty() ? "" : ".") + component.name;
    bare_texts.push_back(std::move(name));
  }
  for (std::string_view alias : declarations_.library().alias_names()) {
    texts.emplace_back(alias);
    bare_texts.emplace_back(alias);
  }
  for (const AliasRef &alias : declarations_.aliases()) {
    texts.push_back(bare_name(alias.name->components));
    bare_texts.push_back(texts.back());
  }
  bare.assign(bare_texts.begin(), bare_texts.end());
  for (size_t i = 0; i < bare.size(); ++i)
    if (bare[i] == wanted) // the right words with the wrong arguments
      return "the form is `" + texts[i] + "`";
  std::string_view near = nearest_name(wanted, bare);
  for (size_t i = 0; i < bare.size(); ++i)
    if (bare[i] == near && !near.empty())
      return "did you mean `" + texts[i] + "`?";
  std::vector<std::string> next = followers(components, components.size());
  constexpr size_t most = 8;
  std::string text;
  for (size_t i = 0; i < next.size() && i < most; ++i)
    text += (i ? ", `" : "`") + next[i] + "`";
  return text.empty() ? "" : "it goes on with one of " + text + (next.size() > most ? ", ..." : "");
}

} // namespace tapjit

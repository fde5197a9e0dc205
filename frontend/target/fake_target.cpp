// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/fake_target.h"

#include "frontend/target/names.h"
#include "frontend/target/tracepoint_headers.h"

#include <algorithm>

namespace tapjit::target {

static ValueType long_type() {
  ValueType type;
  type.kind = TypeKind::Integer;
  type.size = 8;
  type.is_signed = true;
  type.name = "long int";
  return type;
}

void FakeTarget::add_function(const std::string &name, uint64_t address, const std::vector<std::string> &parameters) {
  constexpr int64_t argument_registers[] = {5, 4, 1, 2, 8, 9}; // rdi rsi rdx rcx r8 r9
  FakeFunction function;
  function.site.function = function.site.symbol = name;
  function.site.address = function.site.die = address;
  function.site.section = ".text";
  function.site.file = "fake/" + name + ".c";
  function.site.line = 1;
  function.parameters = parameters;
  for (size_t i = 0; i < parameters.size() && i < std::size(argument_registers); ++i) {
    VarAccess &access = function.variables[parameters[i]];
    access.steps = {{StepKind::PushRegister, argument_registers[i]}};
    access.type = long_type();
  }
  VarAccess &result = function.variables["return"];
  result.steps = {{StepKind::PushRegister, 0}};
  result.type = long_type();
  symbols[name] = {address, 64, true};
  known_functions.push_back(std::move(function));
}

std::optional<std::string> FakeTarget::kconfig(std::string_view name) const {
  auto found = config.find(std::string(name));
  return found == config.end() ? std::nullopt : std::optional(found->second);
}

static FunctionSite place_in(const FakeFunction &function, uint32_t line) {
  FunctionSite site = function.site;
  site.statement_line = line;
  site.address = function.lines.at(line);
  site.offset = site.address - function.site.address;
  return site;
}

// The places within a function that the query asks for; itself when it asks for none.
std::vector<FunctionSite> FakeTarget::places_in(const FakeFunction &function, const CodeQuery &query) const {
  std::vector<FunctionSite> places;
  if (query.statement && query.pattern.lines != FunctionPattern::Lines::None) {
    for (const auto &[line, address] : function.lines)
      if (query.pattern.wants(line, function.site.line))
        places.push_back(place_in(function, line));
  } else if (!query.label.empty()) {
    for (const auto &[label, line] : function.labels)
      if (matches_wildcard(query.label, label)) {
        places.push_back(place_in(function, line));
        places.back().label = label;
      }
  } else if (!query.callee.empty()) {
    for (const FakeFunction &callee : known_functions)
      if (std::find(function.callees.begin(), function.callees.end(), callee.site.function) != function.callees.end() &&
          matches_wildcard(query.callee, callee.site.function)) {
        places.push_back(callee.site);
        places.back().caller = function.site.function;
        places.back().caller_code = {{function.site.address, function.site.address + 64}};
      }
  } else {
    places.push_back(function.site);
  }
  return places;
}

Result<FunctionMatches> FakeTarget::code(const CodeQuery &query) const {
  const std::string &name = query.pattern.function, &file = query.pattern.file;
  if (functions_error)
    return *functions_error;
  FunctionMatches matches;
  NameGuesser guesser(name);
  bool any_function = false;
  for (const FakeFunction &function : known_functions) {
    const FunctionSite &site = function.site;
    guesser.consider(site.function);
    if (!matches_wildcard(query.module, site.module))
      continue;
    if (query.address ? *query.address != site.address
                      : !matches_wildcard(name, site.function) || (!file.empty() && !matches_path(file, site.file)))
      continue;
    if (query.kind == FunctionKind::OutOfLine && site.is_inline) {
      matches.only_inlined = true;
    } else if (query.kind != FunctionKind::Inlined || site.is_inline) {
      any_function = true;
      for (const FunctionSite &place : places_in(function, query))
        (place.blacklisted.empty() ? matches.sites : matches.refused).push_back(place);
    }
  }
  bool none = matches.sites.empty() && matches.refused.empty();
  matches.only_inlined &= matches.sites.empty();
  if (none && query.address)
    matches.problem = "no function is there";
  else if (none && any_function)
    matches.problem = "there is no such place in it";
  else if (none && !matches.only_inlined)
    matches.suggestions = [names = guesser.best()] { return names; };
  return matches;
}

std::optional<SymbolFact> FakeTarget::symbol(std::string_view name) const {
  auto found = symbols.find(std::string(name));
  return found == symbols.end() ? std::nullopt : std::optional(found->second);
}

const FakeFunction *FakeTarget::function_of(const FunctionSite &site) const {
  for (const FakeFunction &function : known_functions)
    if (function.site.address == site.address)
      return &function;
  return nullptr;
}

static std::string path_text(std::string_view name, const std::vector<PathStep> &path) {
  std::string text(name);
  for (const PathStep &step : path)
    text += step.kind == PathStep::Kind::Member ? "->" + step.member : "[" + std::to_string(step.index) + "]";
  return text;
}

Access<VarAccess> FakeTarget::variable(const FunctionSite &site, std::string_view name,
                                       const std::vector<PathStep> &path, bool at_return, bool) const {
  NameGuesser guesser(name);
  if (const FakeFunction *function = function_of(site)) {
    auto found = function->variables.find(path_text(name, path));
    if (found != function->variables.end()) {
      VarAccess access = found->second;
      access.at_entry = at_return;
      return access;
    }
    for (const std::string &parameter : function->parameters)
      guesser.consider(parameter);
  }
  return AccessFailure{AccessError::NoSuchVariable,
                       "no variable `" + std::string(name) + "` at `" + site.function + "`", guesser.best()};
}

Access<VarAccess> FakeTarget::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                           bool address_of) const {
  return variable(site, "return", path, false, address_of);
}

std::vector<std::string> FakeTarget::variable_names(const FunctionSite &site, bool) const {
  const FakeFunction *function = function_of(site);
  return function ? function->parameters : std::vector<std::string>();
}

static AccessFailure no_types() { return {AccessError::Unsupported, "the fake kernel has no types", {}}; }

Access<VarAccess> FakeTarget::cast(std::string_view, std::string_view modules, const std::vector<PathStep> &,
                                   bool) const {
  type_modules = modules;
  return no_types();
}
Access<VarAccess> FakeTarget::global_variable(std::string_view, std::string_view, const std::vector<PathStep> &,
                                              bool) const {
  return no_types();
}
Access<VarAccess> FakeTarget::follow(const ValueType &, const std::vector<PathStep> &, bool) const {
  return no_types();
}

Result<TracepointMatches> FakeTarget::tracepoints(std::string_view pattern) const {
  TracepointMatches matches;
  NameGuesser guesser(pattern);
  for (const Tracepoint &point : known_tracepoints) {
    guesser.consider(point.name);
    if (matches_wildcard(std::string(pattern),
                         pattern.find(':') == std::string_view::npos ? point.name : point.system + ":" + point.name))
      matches.tracepoints.push_back(point);
  }
  if (matches.tracepoints.empty())
    matches.suggestions = guesser.best();
  return matches;
}

std::optional<ModuleBuild> FakeTarget::tracepoint_module(const std::string &name) const {
  auto known = tracepoint_modules.find(name);
  return known == tracepoint_modules.end() ? std::nullopt : std::optional(known->second);
}

Access<VarAccess> FakeTarget::tracepoint_argument(const Tracepoint &tracepoint, std::string_view name,
                                                  const std::vector<PathStep> &path, bool) const {
  for (unsigned i = 0; i < tracepoint.arguments.size(); ++i)
    if (tracepoint.arguments[i].name == name && path.empty())
      if (auto simple = simple_argument(tracepoint.arguments[i].type, i))
        return *simple;
  return AccessFailure{AccessError::NoSuchVariable, "no argument `" + std::string(name) + "`", {}};
}

} // namespace tapjit::target

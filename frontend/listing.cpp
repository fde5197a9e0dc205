// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/listing.h"

#include "frontend/passes/declarations.h"
#include "frontend/passes/resolve_probes.h"

#include <algorithm>
#include <map>
#include <set>

namespace tapjit {

using namespace ast;

namespace {

std::vector<std::string> sorted(std::set<std::string> lines) { return {lines.begin(), lines.end()}; }

std::string listed_name(const PointOrigin &origin, const ResolvedSite &site) {
  return origin.listed.empty() ? site.site.pp + origin.mark : origin.listed;
}

// Not a probe of a library file that is here for an alias or a function of it.
bool is_of_script(const Handler &handler, const SourceTable &sources) {
  SourceKind kind = sources.kind(sources.position(sources.outermost_use(handler.loc)).source);
  return kind == SourceKind::script || kind == SourceKind::command_line;
}

std::vector<std::string> list_names(const std::vector<const File *> &files, Library &library,
                                    const ProbeFamilies &families, Diagnostics &diagnostics) {
  Declarations declarations(library, diagnostics);
  for (const File *file : files)
    declarations.add_file(*file, true);
  ProbeResolver resolver(declarations, families, library.sources(), diagnostics);
  std::vector<std::string> names;
  for (const ProbeRef &probe : declarations.take_new_probes())
    for (const ExpandedPoint &point : resolver.resolve(probe))
      for (const ResolvedSite &site : point.sites)
        names.push_back(listed_name(point.origin, site));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

std::string typed(std::string_view name, Type type) {
  std::string_view text = type == Type::number ? "long" : type == Type::string ? "string" : "unknown";
  return std::string(name) + ":" + std::string(text);
}

// What all places of one line have in common.
struct Line {
  size_t places = 0;
  std::vector<std::string> variables; // of the first place, in its order
  std::map<std::string, size_t> seen; // at how many places

  void add(std::vector<std::string> there) {
    if (places++ == 0)
      variables = there;
    std::set<std::string> once(there.begin(), there.end());
    for (const std::string &variable : once)
      ++seen[variable];
  }
  std::string text(const std::string &name) const {
    std::string text = name;
    for (const std::string &variable : variables)
      if (seen.at(variable) == places)
        text += " " + variable;
    return text;
  }
};

// The name behind a `%{ ... %}` function's pragma, as SystemTap shows what a caller needs.
std::string marks_of(std::string_view code) {
  std::string text;
  for (std::string_view mark : {"unprivileged", "myproc-unprivileged", "guru"})
    if (code.find("/* " + std::string(mark) + " */") != std::string_view::npos)
      text += " /* " + std::string(mark) + " */";
  return text;
}

std::string described(const FunctionInfo &function) {
  std::string text = typed(function.name.view(), function.result) + " (";
  for (size_t i = 0; i < function.param_count; ++i)
    text += (i ? ", " : "") + typed(function.locals[i].name.view(), function.locals[i].type);
  return text + ")" + marks_of(function.code);
}

bool is_private(std::string_view name) { return name.starts_with("_"); }

// "tcp.ipv6.receive" to its components.
std::vector<PointComponent> components_of(std::string_view name) {
  std::vector<PointComponent> components;
  while (!name.empty()) {
    PointComponent component;
    component.name = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(name.size(), component.name.size() + 1));
    components.push_back(component);
  }
  return components;
}

} // namespace

std::vector<std::string> list_points(const std::vector<const File *> &files, Library &library,
                                     const ProbeFamilies &families, bool variables, ElaborateOptions options,
                                     Diagnostics &diagnostics) {
  if (!variables)
    return list_names(files, library, families, diagnostics);
  options.keep_alias_variables = options.keep_unused = true;
  options.skip_badvars = true; // what cannot be read here is no reason to list nothing
  Program program = elaborate(files, library, families, options, diagnostics);
  std::map<std::string, Line> lines;
  for (const Handler &handler : program.handlers) {
    if (!is_of_script(handler, library.sources()))
      continue;
    for (size_t i = 0; i < handler.sites.size(); ++i) {
      std::vector<std::string> there;
      for (const Local &local : handler.locals)
        there.push_back(typed(local.name.view(), local.type));
      if (families.variables)
        for (std::string &variable : families.variables(handler.sites[i].targets))
          there.push_back(std::move(variable));
      lines[listed_name(handler.origins[i], handler.sites[i])].add(std::move(there));
    }
  }
  std::vector<std::string> texts;
  for (const auto &[name, line] : lines)
    texts.push_back(line.text(name));
  return texts;
}

std::vector<std::string> list_probe_types(const ProbeFamilies &families) {
  std::set<std::string> lines;
  for (const ProbePattern &pattern : families.patterns)
    lines.insert(pattern_text(pattern));
  return sorted(std::move(lines));
}

std::vector<std::string> list_aliases(Library &library, Diagnostics &diagnostics) {
  std::set<std::string> names;
  for (std::string_view name : library.alias_names())
    if (!is_private(name))
      names.emplace(name);
  std::set<const File *> files;
  for (const std::string &name : names)
    for (const File *file : library.files_of_aliases(components_of(name), diagnostics))
      files.insert(file);
  std::set<std::string> lines;
  for (const File *file : files)
    for (const Decl *decl : file->decls) {
      const AliasDecl *alias = decl->as<AliasDecl>();
      if (!alias)
        continue;
      std::string points;
      for (const ProbePoint &point : alias->points)
        points += (points.empty() ? "" : ", ") + print_point(point);
      for (const ProbePoint &name : alias->names)
        if (std::string text = print_point(name); !is_private(text))
          lines.insert(text + " = " + points);
    }
  return sorted(std::move(lines));
}

std::vector<std::string> list_functions(Library &library, const ProbeFamilies &families, ElaborateOptions options,
                                        Diagnostics &diagnostics) {
  std::set<std::string> names;
  for (std::string_view name : library.function_names())
    names.emplace(name);
  std::vector<const File *> files;
  for (const std::string &name : names)
    for (const File *file : library.files_of_function(name, diagnostics))
      if (std::find(files.begin(), files.end(), file) == files.end())
        files.push_back(file);
  options.keep_unused = true;
  Program program = elaborate(files, library, families, options, diagnostics);
  std::set<std::string> lines;
  for (const FunctionInfo &function : program.functions)
    if (!is_private(function.name.view()))
      lines.insert(described(function));
  return sorted(std::move(lines));
}

} // namespace tapjit

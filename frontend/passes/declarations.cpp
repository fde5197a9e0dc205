// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/passes/declarations.h"

#include "frontend/visit.h"

#include <algorithm>

namespace tapjit {

using namespace ast;

void Declarations::add_file(const File &file, bool from_script) {
  if (!files_.insert(&file).second)
    return;
  if (from_script)
    script_files_.insert(&file);
  for (const Decl *decl : file.decls)
    visit(*decl, Overload{
                     [&](const ProbeDecl &node) { new_probes_.push_back({&node, &file}); },
                     [&](const AliasDecl &node) {
                       for (const ProbePoint &name : node.names) {
                         if (!name.components.empty())
                           aliases_by_first_[name.components.begin()->name].push_back(aliases_.size());
                         aliases_.push_back({&node, &file, &name});
                       }
                     },
                     [&](const FunctionDecl &node) { add_function(file, node, decl->loc, from_script); },
                     [&](const GlobalDecl &node) { add_global(file, node, decl->loc, from_script); },
                     [&](const EmbeddedDecl &node) { embedded_.push_back({node.code, decl->loc, from_script}); },
                 });
}

void Declarations::add_function(const File &file, const FunctionDecl &decl, Loc loc, bool from_script) {
  FunctionRef ref{&decl, &file, loc, from_script};
  if (from_script)
    script_functions_.push_back(ref);
  if (decl.is_private)
    private_[&file].functions[decl.name].push_back(ref);
  else
    functions_[decl.name].push_back(ref);
}

void Declarations::add_global(const File &file, const GlobalDecl &decl, Loc loc, bool from_script) {
  GlobalRef ref{&decl, &file, loc, from_script};
  auto &table = decl.is_private ? private_[&file].globals : globals_;
  auto [place, added] = table.emplace(decl.name, ref);
  // A file cannot have a private and a public one of a name.
  const auto &other_table = decl.is_private ? globals_ : private_[&file].globals;
  if (auto other = other_table.find(decl.name); other != other_table.end() && other->second.file == &file)
    diagnostics_.report(DiagId::redefined, loc, {decl.name}).note(other->second.loc, "first defined here");
  if (added) {
    if (from_script)
      script_globals_.push_back(ref);
    return;
  }
  // The script's own names go before those of a tapset.
  if (place->second.from_script == from_script)
    diagnostics_.report(DiagId::redefined, loc, {decl.name}).note(place->second.loc, "first defined here");
}

std::vector<FunctionRef> Declarations::functions(const File &file, Name name, size_t arity) {
  std::vector<FunctionRef> fitting, others;
  auto take = [&](const std::vector<FunctionRef> &refs, const File *from) {
    for (const FunctionRef &ref : refs)
      if (ref.from_script || !from || ref.file == from)
        (ref.decl->params.size() == arity ? fitting : others).push_back(ref);
  };
  if (auto own = private_.find(&file); own != private_.end())
    if (auto found = own->second.functions.find(name); found != own->second.functions.end())
      take(found->second, nullptr);
  auto found = functions_.find(name);
  bool in_script =
      !fitting.empty() || (found != functions_.end() &&
                           std::any_of(found->second.begin(), found->second.end(), [&](const FunctionRef &ref) {
                             return ref.from_script && ref.decl->params.size() == arity;
                           }));
  const File *from = in_script ? nullptr : library_file(name, arity);
  if (from)
    add_file(*from, false);
  if (found = functions_.find(name); found != functions_.end())
    take(found->second, from);
  return fitting.empty() ? others : fitting;
}

// The first file of the library that defines the function with the arity; else the first that defines one of the name.
const File *Declarations::library_file(Name name, size_t arity) {
  std::vector<const File *> files = library_.files_of_function(name.view(), diagnostics_);
  for (const File *file : files)
    for (const Decl *decl : file->decls)
      if (const auto *function = decl->as<FunctionDecl>();
          function && !function->is_private && function->name == name && function->params.size() == arity)
        return file;
  return files.empty() ? nullptr : files.front();
}

GlobalRef Declarations::global(const File &file, Name name) {
  if (auto own = private_.find(&file); own != private_.end())
    if (auto found = own->second.globals.find(name); found != own->second.globals.end())
      return found->second;
  auto found = globals_.find(name);
  if (found == globals_.end()) {
    const File *needed = library_.file_of_global(name.view(), diagnostics_);
    if (!needed)
      return {};
    add_file(*needed, false);
    found = globals_.find(name);
  }
  // A script's global does not capture the variable of that name in a tapset's alias or function.
  if (found == globals_.end() || (found->second.from_script && !script_files_.count(&file)))
    return {};
  return found->second;
}

std::vector<AliasRef> Declarations::aliases_for(std::span<const PointComponent> point) {
  for (const File *file : library_.files_of_aliases(point, diagnostics_))
    add_file(*file, false);
  if (point.empty() || point.front().name.find('*') != std::string_view::npos)
    return aliases_;
  std::vector<AliasRef> found;
  if (auto same = aliases_by_first_.find(point.front().name); same != aliases_by_first_.end())
    for (size_t index : same->second)
      found.push_back(aliases_[index]);
  return found;
}

std::vector<ProbeRef> Declarations::take_new_probes() {
  std::vector<ProbeRef> probes;
  probes.swap(new_probes_);
  return probes;
}

std::string Declarations::nearest_function(std::string_view name) const {
  std::vector<std::string_view> names = library_.function_names();
  for (const auto &[known, refs] : functions_)
    names.push_back(known.view());
  for (std::string_view print : {"print", "println", "printf", "printd", "printdln", "sprintf", "sprint", "sprintln"})
    names.push_back(print);
  return std::string(nearest_name(name, names));
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_target.h"

#include "frontend/target/c_types.h"
#include "frontend/target/dwarf_variable.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/kernel_modules.h"
#include "frontend/target/names.h"
#include "frontend/target/tracepoint_headers.h"

#include "frontend/target/type_pretty.h"
#include <iterator>

namespace tapjit::target {

KernelTarget::KernelTarget(KernelTargetOptions options) : options_(std::move(options)) {}
KernelTarget::~KernelTarget() = default;

Result<std::unique_ptr<KernelTarget>> KernelTarget::open(KernelTargetOptions options) {
  auto files = find_kernel_files(options.release_or_dir, options.places);
  if (!files)
    return files.error();
  std::unique_ptr<KernelTarget> target(new KernelTarget(std::move(options)));
  target->files_ = std::move(*files);
  const KernelFiles &found = target->files_;
  DebugFile::Paths paths{"kernel " + found.release, found.vmlinux, found.system_map, debuginfo_advice(found.release)};
  paths.image = found.image;
  paths.btf = {found.vmlinux, found.btf};
  paths.places = target->options_.places;
  paths.server = target->options_.server;
  if (is_running_kernel(found.release)) {
    const std::string system = target->options_.places.root + "/sys/kernel/";
    paths.running_btf = system + "btf/vmlinux";
    paths.running_id = build_id_in_notes(read_text_file(system + "notes").value_or(""));
  }
  paths.prefer_btf = target->options_.prefer_btf;
  target->kernel_ = std::make_unique<DebugFile>(std::move(paths), target->options_.store, target->options_.threads);
  return target;
}

std::string KernelTarget::build_id() const { return kernel_->build_id(); }

std::optional<std::string> KernelTarget::kconfig(std::string_view name) const {
  if (!kconfig_) {
    std::optional<std::string> text;
    if (!files_.build_dir.empty())
      text = read_text_file(files_.build_dir + "/.config");
    if (!text)
      text = read_text_file(options_.places.root + "/boot/config-" + files_.release);
    kconfig_.emplace(text.value_or(""));
  }
  return kconfig_->value(name);
}

std::optional<SymbolFact> KernelTarget::symbol(std::string_view name) const {
  auto names = kernel_->index();
  if (!names)
    return std::nullopt;
  auto found = (*names)->symbols(name);
  if (found.empty())
    return std::nullopt;
  return SymbolFact{found[0].address, found[0].size, found.size() == 1};
}

DebugFile &KernelTarget::module_file(const std::string &name, const std::string &elf) const {
  std::unique_ptr<DebugFile> &file = modules_[name];
  if (!file) {
    DebugFile::Paths paths{"module " + name, elf, "", debuginfo_advice(files_.release)};
    paths.btf = {elf};
    paths.kernel = kernel_.get();
    paths.places = options_.places;
    paths.server = options_.server;
    paths.prefer_btf = options_.prefer_btf;
    file = std::make_unique<DebugFile>(std::move(paths), options_.store, 1);
  }
  return *file;
}

DebugFile &KernelTarget::file_of(const FunctionSite &site) const {
  auto known = modules_.find(site.module);
  return known == modules_.end() ? *kernel_ : *known->second;
}

// Of all that match, what the modules have; one module's own answer when there is but one.
Result<FunctionMatches> KernelTarget::module_code(const CodeQuery &query) const {
  std::vector<ModuleFile> files = find_module_files(files_.release, options_.places, query.module);
  if (files.empty())
    return Error{"kernel " + files_.release + " has no module `" + query.module + "`",
                 "the modules of /lib/modules/" + files_.release + "/modules.dep are known"};
  FunctionMatches all;
  for (const ModuleFile &file : files) {
    auto found = module_file(file.name, file.elf).code(query);
    if (!found && files.size() == 1)
      return found.error();
    if (!found)
      continue;
    for (std::vector<FunctionSite> *sites : {&found->sites, &found->refused})
      for (FunctionSite &site : *sites) {
        site.module = file.name;
        module_file(file.name, file.elf).add_anchor(site);
      }
    if (files.size() == 1)
      return std::move(*found);
    std::move(found->sites.begin(), found->sites.end(), std::back_inserter(all.sites));
    std::move(found->refused.begin(), found->refused.end(), std::back_inserter(all.refused));
    all.only_inlined |= found->only_inlined;
  }
  all.only_inlined &= all.sites.empty();
  return all;
}

Result<FunctionMatches> KernelTarget::code(const CodeQuery &query) const {
  return query.module.empty() ? kernel_->code(query) : module_code(query);
}

// A value of a module as the rest may use it: types are followed in the kernel's debuginfo by their name, and nothing
// tells yet where the module's data are.
static Access<VarAccess> from_module(const std::string &module, Access<VarAccess> access) {
  auto *found = std::get_if<VarAccess>(&access);
  if (!found || module.empty())
    return access;
  for (const AccessStep &step : found->steps)
    if (step.kind == StepKind::PushAddress)
      return AccessFailure{AccessError::Unsupported, "it is among the data of module `" + module + "`", {}};
  found->type.die = 0;
  return access;
}
static Access<VarAccess> from_module(const FunctionSite &site, Access<VarAccess> access) {
  return from_module(site.module, std::move(access));
}

template <typename T> static Access<T> no_debuginfo(const Error &error) {
  return AccessFailure{
      AccessError::NoDebuginfo, error.observed + (error.advice.empty() ? "" : "; " + error.advice), {}};
}

Access<VarAccess> KernelTarget::variable(const FunctionSite &site, std::string_view name,
                                         const std::vector<PathStep> &path, bool at_return, bool address_of) const {
  Access<VarAccess> access;
  if (const BtfVariables *known = is_btf(site.die) ? file_of(site).btf() : nullptr) {
    access = from_module(site, known->variable(site, name, path, address_of));
  } else {
    auto variables = file_of(site).dwarf();
    if (!variables)
      return no_debuginfo<VarAccess>(variables.error());
    access = from_module(site, (*variables)->variable(site, name, path, address_of));
  }
  if (auto *found = std::get_if<VarAccess>(&access))
    found->at_entry = at_return;
  return access;
}

Access<VarAccess> KernelTarget::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                             bool address_of) const {
  if (const BtfVariables *known = is_btf(site.die) ? file_of(site).btf() : nullptr)
    return from_module(site, known->return_value(site, path, address_of));
  auto variables = file_of(site).dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return from_module(site, (*variables)->return_value(site, path, address_of));
}

std::vector<std::string> KernelTarget::variable_names(const FunctionSite &site, bool parameters_only) const {
  if (const BtfVariables *known = is_btf(site.die) ? file_of(site).btf() : nullptr)
    return known->parameter_names(site);
  auto variables = file_of(site).dwarf();
  return variables ? (*variables)->variable_names(site, parameters_only) : std::vector<std::string>();
}

Access<VarAccess> KernelTarget::cast(std::string_view type, const std::vector<PathStep> &path, bool address_of) const {
  if (const BtfVariables *known = btf())
    return cast_path(known->types(), "BTF", type, path, address_of);
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->cast(type, path, address_of);
}

Access<VarAccess> KernelTarget::module_cast(std::string_view module, std::string_view type,
                                            const std::vector<PathStep> &path, bool address_of) const {
  std::vector<ModuleFile> files = find_module_files(files_.release, options_.places, std::string(module));
  if (files.size() != 1)
    return Target::module_cast(module, type, path, address_of);
  DebugFile &file = module_file(files[0].name, files[0].elf);
  if (file.uses_btf())
    return from_module(files[0].name, cast_path(file.btf()->types(), "BTF", type, path, address_of));
  auto variables = file.dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return from_module(files[0].name, (*variables)->cast(type, path, address_of));
}

Access<VarAccess> KernelTarget::global_variable(std::string_view name, const std::vector<PathStep> &path,
                                                bool address_of) const {
  // BTF knows no source files: with `@file` only when there is no DWARF, and then by the name alone.
  if (const BtfVariables *known = btf(); known && (!kernel_->has_dwarf() || name.find('@') == std::string_view::npos))
    if (auto found = known->per_cpu_variable(name.substr(0, name.find('@')), path, address_of))
      return *found;
  auto variables = dwarf();
  if (!variables && kernel_->btf())
    return AccessFailure{AccessError::NoDebuginfo,
                         "BTF lists no variable `" + std::string(name) + "`, for it knows only per-CPU ones; " +
                             kernel_->paths().advice,
                         {}};
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->global_variable(name, path, address_of);
}

Access<VarAccess> KernelTarget::follow(const ValueType &type, const std::vector<PathStep> &path,
                                       bool address_of) const {
  const BtfVariables *known = is_btf(type.die) ? kernel_->btf() : type.die == 0 ? btf() : nullptr;
  if (known)
    return follow_path(known->types(), "BTF", type, path, address_of);
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->follow(type, path, address_of);
}

// BTF has all of them in one place; the index of DWARF has not.
std::optional<int64_t> KernelTarget::enumerator(std::string_view name) const {
  return kernel_->btf() ? kernel_->btf()->enumerator(name) : std::nullopt;
}

std::vector<PrettyPiece> KernelTarget::pretty(const ValueType &type, bool deep) const {
  if (is_btf(type.die) && kernel_->btf())
    return pretty_pieces(kernel_->btf()->types(), type, deep);
  auto variables = dwarf();
  return variables && !is_btf(type.die) ? pretty_pieces((*variables)->types(), type, deep) : pretty_number(type);
}

Result<TracepointMatches> KernelTarget::tracepoints(std::string_view pattern) const {
  if (files_.build_dir.empty())
    return Error{"no headers of kernel " + files_.release + " were found",
                 "install `linux-headers-" + files_.release + "`"};
  return find_tracepoints(files_.build_dir, pattern);
}

Access<VarAccess> KernelTarget::tracepoint_argument(const Tracepoint &tracepoint, std::string_view name,
                                                    const std::vector<PathStep> &path, bool address_of) const {
  NameGuesser guesser(name);
  std::string there;
  for (unsigned number = 0; number < tracepoint.arguments.size(); ++number) {
    const TracepointArgument &argument = tracepoint.arguments[number];
    guesser.consider(argument.name);
    there += (there.empty() ? "`$" : ", `$") + argument.name + "`";
    if (argument.name != name)
      continue;
    if (path.empty() && !address_of)
      if (auto simple = simple_argument(argument.type, number))
        return *simple;
    if (const BtfVariables *known = btf())
      return argument_path(known->types(), "BTF", argument.type, number, path, address_of);
    auto variables = dwarf();
    if (!variables)
      return no_debuginfo<VarAccess>(variables.error());
    return (*variables)->argument(argument.type, number, path, address_of);
  }
  return AccessFailure{AccessError::NoSuchVariable,
                       "no argument `" + std::string(name) + "` of `" + tracepoint.name + "`" +
                           (there.empty() ? "; there are none" : "; there are: " + there),
                       guesser.best()};
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_target.h"

#include "frontend/target/c_types.h"
#include "frontend/target/described_tracepoints.h"
#include "frontend/target/dwarf_variable.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/line_table.h"
#include "frontend/target/module_tracepoints.h"
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
  // A build tree's kernel is not the one that runs, although it may be called the same.
  if (is_running_kernel(found.release) && !target->options_.release_or_dir.starts_with('/')) {
    const std::string root = target->options_.places.root, system = root + "/sys/kernel/";
    paths.running_btf = system + "btf/vmlinux";
    paths.kallsyms = root + "/proc/kallsyms";
    paths.running_id = build_id_in_notes(read_text_file(system + "notes").value_or(""));
  }
  paths.prefer_btf = target->options_.prefer_btf;
  target->kernel_ = std::make_unique<DebugFile>(std::move(paths), target->options_.store, target->options_.threads);
  return target;
}

std::string KernelTarget::build_id() const { return kernel_->build_id(); }

std::string KernelTarget::module_build_id(const std::string &name) const {
  auto known = modules_.lower_bound({name, ""});
  return known == modules_.end() || known->first.first != name ? std::string() : known->second->build_id();
}

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

DebugFile &KernelTarget::module_file(const ModuleFile &found, bool one_of_many) const {
  const auto &[name, elf] = found;
  std::unique_ptr<DebugFile> &file = modules_[{name, elf}];
  if (!file) {
    DebugFile::Paths paths{"module " + name, elf, "", debuginfo_advice(files_.release)};
    paths.btf = {elf};
    paths.kernel = kernel_.get();
    paths.places = options_.places;
    paths.prefer_btf = options_.prefer_btf;
    file = std::make_unique<DebugFile>(std::move(paths), options_.store, 1);
  }
  if (!one_of_many)
    file->set_server(options_.server);
  return *file;
}

DebugFile &KernelTarget::file_of(const FunctionSite &site) const {
  if (site.module.empty())
    return *kernel_;
  // A module may have been named by the path of a file as well, which is of another build then.
  DebugFile *of_name = nullptr;
  for (auto at = modules_.lower_bound({site.module, ""}); at != modules_.end() && at->first.first == site.module; ++at)
    if (of_name = at->second.get(); of_name->build_id() == site.build_id)
      break;
  return of_name ? *of_name : *kernel_;
}

// A place of a module is counted from symbols of the section that it is in.
void KernelTarget::settle_site(DebugFile &file, const std::string &module, FunctionSite &site) {
  site.module = module;
  site.build_id = file.build_id();
  file.add_anchor(site);
  auto names = file.index();
  for (const auto &[begin, end] : site.caller_code)
    site.caller_anchors.push_back(names ? file.anchor_in((*names)->section_at(begin), true) : std::nullopt);
}

// Of all that match, what the modules have; one module's own answer when there is but one. A server that is asked for
// the debuginfo of each, hundreds of files, would take hours.
Result<FunctionMatches> KernelTarget::module_code(const CodeQuery &query) const {
  std::vector<ModuleFile> files = find_module_files(files_.release, options_.places, query.module);
  if (files.empty())
    return Error{"kernel " + files_.release + " has no module `" + query.module + "`",
                 "the modules of /lib/modules/" + files_.release + "/modules.dep are known"};
  FunctionMatches all;
  size_t failures = 0;
  for (const ModuleFile &file : files) {
    DebugFile &opened = module_file(file, files.size() > 1);
    auto found = opened.code(query);
    if (!found && ++failures == files.size())
      return Error{found.error().observed,
                   found.error().advice + (files.size() > 1 && options_.server
                                               ? "; debuginfod is asked only for modules that are named one by one"
                                               : "")};
    if (!found)
      continue;
    for (std::vector<FunctionSite> *sites : {&found->sites, &found->refused})
      for (FunctionSite &site : *sites)
        settle_site(opened, file.name, site);
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

// What is in no section with a symbol of its own stays without lines.
Result<LineTable> KernelTarget::line_table(const std::string &module) const {
  DebugFile *file = kernel_.get();
  if (!module.empty()) {
    std::vector<ModuleFile> found = find_module_files(files_.release, options_.places, module);
    if (found.empty())
      return Error{"kernel " + files_.release + " has no module `" + module + "`", ""};
    file = &module_file(found[0]);
  }
  auto bytes = file->line_table();
  if (!bytes)
    return bytes.error();
  LineTable table{{}, bytes->bytes, bytes->keep};
  auto names = file->index();
  for (const auto &[begin, end] : line_table_ranges(bytes->bytes)) {
    auto anchor = module.empty() || !names ? std::nullopt : file->anchor_in((*names)->section_at(begin), true);
    if (anchor)
      table.ranges.push_back({begin, end, module + ":" + anchor->first, anchor->second});
    else if (module.empty())
      table.ranges.push_back({begin, end});
  }
  return table;
}

template <typename T> static Access<T> no_debuginfo(const Error &error) {
  return AccessFailure{
      AccessError::NoDebuginfo, error.observed + (error.advice.empty() ? "" : "; " + error.advice), {}};
}

Access<VarAccess> KernelTarget::variable(const FunctionSite &site, std::string_view name,
                                         const std::vector<PathStep> &path, bool at_return, bool address_of) const {
  Access<VarAccess> access;
  if (const BtfVariables *known = is_btf(site.die) ? file_of(site).btf() : nullptr) {
    access = settled(source_of(site), known->variable(site, name, path, address_of));
  } else {
    auto variables = file_of(site).dwarf();
    if (!variables)
      return no_debuginfo<VarAccess>(variables.error());
    access = settled(source_of(site), (*variables)->variable(site, name, path, address_of));
  }
  if (auto *found = std::get_if<VarAccess>(&access))
    found->at_entry = at_return;
  return access;
}

Access<VarAccess> KernelTarget::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                             bool address_of) const {
  if (const BtfVariables *known = is_btf(site.die) ? file_of(site).btf() : nullptr)
    return settled(source_of(site), known->return_value(site, path, address_of));
  auto variables = file_of(site).dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return settled(source_of(site), (*variables)->return_value(site, path, address_of));
}

std::vector<std::string> KernelTarget::variable_names(const FunctionSite &site, bool parameters_only) const {
  if (const BtfVariables *known = is_btf(site.die) ? file_of(site).btf() : nullptr)
    return known->parameter_names(site);
  auto variables = file_of(site).dwarf();
  return variables ? (*variables)->variable_names(site, parameters_only) : std::vector<std::string>();
}

// ------------------------------------------------------------------ types and data of other files

KernelTarget::SourceNumber KernelTarget::source_of(DebugFile &file, const std::string &module, bool is_user) const {
  for (SourceNumber i = 0; i < sources_.size(); ++i)
    if (sources_[i].file == &file)
      return i + 1;
  sources_.push_back({&file, module, is_user});
  return static_cast<SourceNumber>(sources_.size());
}

KernelTarget::SourceNumber KernelTarget::source_of(const FunctionSite &site) const {
  DebugFile &file = file_of(site);
  return &file == kernel_.get() ? 0 : source_of(file, site.module);
}

// "<a.h><b.h>", "kernel<a.h>".
Result<KernelTarget::SourceNumber> KernelTarget::header_source(const std::string &name) const {
  std::unique_ptr<DebugFile> &file = programs_[name];
  HeaderRequest request;
  size_t at = name.find('<');
  request.of_kernel = at != 0;
  if (request.of_kernel && name.substr(0, at) != "kernel")
    return Error{"`" + name + "` names neither headers of the kernel nor of programs", ""};
  if (auto failed = header_errors_.find(name); failed != header_errors_.end())
    return failed->second;
  if (!file) {
    for (; at < name.size() && name[at] == '<' && name.find('>', at) != std::string::npos; at = name.find('>', at) + 1)
      request.headers.push_back(name.substr(at + 1, name.find('>', at) - at - 1));
    if (at < name.size())
      return Error{"`" + name + "` does not name headers like `<sys/time.h>`", ""};
    auto object = options_.compile_headers ? options_.compile_headers(request)
                                           : Result<std::string>(Error{"headers cannot be compiled here", ""});
    if (!object)
      return header_errors_.emplace(name, object.error()).first->second;
    file = std::make_unique<DebugFile>(DebugFile::Paths{"`" + name + "`", *object, "", ""}, options_.store, 1);
  }
  return source_of(*file, "", !request.of_kernel);
}

// One of the names that the third argument of @cast lists.
Result<KernelTarget::SourceNumber> KernelTarget::source_named(const std::string &name) const {
  if (name.empty() || name == "kernel" || name == "vmlinux")
    return SourceNumber{0};
  if (name.find('<') != std::string::npos)
    return header_source(name);
  bool is_module_file = name.find(".ko") != std::string::npos;
  if (name.starts_with('/') && !is_module_file) {
    std::unique_ptr<DebugFile> &file = programs_[name];
    if (!file) {
      DebugFile::Paths paths{"`" + name + "`", name, "", program_advice(options_.places)};
      paths.places = options_.places;
      paths.server = options_.server;
      file = std::make_unique<DebugFile>(std::move(paths), options_.store, 1);
    }
    return source_of(*file, "", true);
  }
  std::vector<ModuleFile> files = find_module_files(files_.release, options_.places, name);
  if (files.empty())
    return Error{"kernel " + files_.release + " has no module `" + name + "`", ""};
  return source_of(module_file(files[0]), files[0].name);
}

std::string KernelTarget::owner(SourceNumber source) const {
  if (source == 0)
    return "the kernel";
  const Source &one = sources_[source - 1];
  return one.module.empty() ? one.file->paths().what : "module `" + one.module + "`";
}

Result<KernelTarget::TypeFacts> KernelTarget::types_of(SourceNumber source, bool in_btf) const {
  DebugFile &file = file_of(source);
  if (const BtfVariables *known = in_btf ? file.btf() : nullptr)
    return TypeFacts{&known->types(), owner(source) + "'s BTF"};
  auto variables = file.dwarf();
  if (!variables)
    return variables.error();
  const bool is_split = (*variables)->has_split_units();
  return TypeFacts{&(*variables)->types(),
                   owner(source) + "'s debuginfo" + (is_split ? ", of which that in .dwo files is not read" : "")};
}

Result<KernelTarget::TypeFacts> KernelTarget::types_of(const ValueType &type) const {
  return types_of(type.source, type.die ? is_btf(type.die) : file_of(type.source).uses_btf());
}

// The first answer, else what is wrong: of those that know the name, if one does. What is a module of one kernel may be
// built into another: the kernel is asked last.
template <typename T, typename Ask>
Access<T> KernelTarget::ask_sources(std::string_view modules, const Ask &ask) const {
  std::optional<AccessFailure> problem;
  for (size_t at = 0; at <= modules.size();) {
    size_t end = std::min(modules.find(':', at), modules.size());
    auto source = source_named(std::string(modules.substr(at, end - at)));
    Access<T> answer = source ? ask(*source) : no_debuginfo<T>(source.error());
    at = end + 1;
    const auto *failure = std::get_if<AccessFailure>(&answer);
    if (!failure || failure->error == AccessError::NotAvailable)
      return answer;
    if (!problem || failure->error == AccessError::NoSuchMember)
      problem = *failure;
  }
  if (modules.find_first_of("</") == std::string_view::npos)
    if (Access<T> answer = ask(0); std::holds_alternative<T>(answer))
      return answer;
  return *problem;
}

// Turns addresses in the file of a module into those that count from a symbol beside them. Its per-CPU data have
// symbols whose values are offsets.
std::optional<AccessFailure> KernelTarget::place_in_module(const Source &source, std::vector<AccessStep> &steps,
                                                           VarAccess &access) const {
  auto names = source.file->index();
  for (size_t i = 0; names && i < steps.size(); ++i) {
    if (steps[i].kind != StepKind::PushAddress)
      continue;
    std::string section((*names)->section_at(static_cast<uint64_t>(steps[i].value)));
    auto anchor = source.file->anchor_in(section, false);
    std::string symbol = anchor ? source.module + ":" + anchor->first : "";
    if (!anchor || (!access.anchor_symbol.empty() && access.anchor_symbol != symbol))
      return AccessFailure{
          AccessError::Unsupported, "no symbol tells where it is in module `" + source.module + "`", {}};
    access.anchor_symbol = symbol;
    access.anchor = anchor->second;
    access.build_id = source.file->build_id();
    steps[i].kind = StepKind::PushModuleAddress;
    if (section == ".data..percpu")
      steps.insert(steps.begin() + static_cast<ptrdiff_t>(i) + 1, {{StepKind::PushPerCpu, 0}, {StepKind::Add}});
  }
  return std::nullopt;
}

// A value in terms of the file that describes it, as the rest uses it.
Access<VarAccess> KernelTarget::settled(SourceNumber number, Access<VarAccess> access) const {
  auto *found = std::get_if<VarAccess>(&access);
  if (!found || number == 0)
    return access;
  const Source &source = sources_[number - 1];
  found->type.source = number;
  if (!source.is_user && source.module.empty())
    return access;
  if (source.is_user) {
    for (AccessStep &step : found->steps)
      if (step.kind == StepKind::Load)
        step.kind = StepKind::LoadUser;
    found->write = {};
    return access;
  }
  for (std::vector<AccessStep> *steps : {&found->steps, &found->write.address})
    if (auto problem = place_in_module(source, *steps, *found))
      return *problem;
  return access;
}

Access<VarAccess> KernelTarget::cast(std::string_view type, std::string_view modules, const std::vector<PathStep> &path,
                                     bool address_of) const {
  return ask_sources<VarAccess>(modules, [&](SourceNumber source) -> Access<VarAccess> {
    auto facts = types_of(source, file_of(source).uses_btf());
    return facts ? settled(source, cast_path(*facts->types, facts->of, type, path, address_of))
                 : no_debuginfo<VarAccess>(facts.error());
  });
}

Access<VarAccess> KernelTarget::kernel_variable(std::string_view name, const std::vector<PathStep> &path,
                                                bool address_of) const {
  // BTF knows no source files: with `@file` only when there is no DWARF, and then by the name alone.
  if (const BtfVariables *known = btf(); known && (name.find('@') == std::string_view::npos || !kernel_->has_dwarf()))
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
  return (*variables)->global_variable(name, path, address_of, owner(0));
}

Access<VarAccess> KernelTarget::global_variable(std::string_view name, std::string_view modules,
                                                const std::vector<PathStep> &path, bool address_of) const {
  return ask_sources<VarAccess>(modules, [&](SourceNumber source) -> Access<VarAccess> {
    if (source == 0)
      return kernel_variable(name, path, address_of);
    if (sources_[source - 1].module.empty())
      return AccessFailure{AccessError::Unsupported,
                           "headers have no variables, and those of programs are only known where they are probed",
                           {}};
    DebugFile &file = file_of(source);
    auto variables = file.dwarf();
    if (!variables || !file.has_dwarf())
      return no_debuginfo<VarAccess>(Error{"no debuginfo of " + owner(source) + " was found", file.paths().advice});
    return settled(source, (*variables)->global_variable(name, path, address_of, owner(source)));
  });
}

Access<VarAccess> KernelTarget::follow(const ValueType &type, const std::vector<PathStep> &path,
                                       bool address_of) const {
  auto facts = types_of(type);
  return facts ? settled(type.source, follow_path(*facts->types, facts->of, type, path, address_of))
               : no_debuginfo<VarAccess>(facts.error());
}

Access<Enumerators> KernelTarget::enumerators(std::string_view type, std::string_view modules) const {
  return ask_sources<Enumerators>(modules, [&](SourceNumber source) -> Access<Enumerators> {
    auto facts = types_of(source, file_of(source).uses_btf());
    return facts ? find_enumerators(*facts->types, facts->of, type) : no_debuginfo<Enumerators>(facts.error());
  });
}

Access<Enumerators> KernelTarget::enumerators(const ValueType &type) const {
  auto facts = types_of(type);
  if (!facts)
    return no_debuginfo<Enumerators>(facts.error());
  return type.die ? enumerators_of(*facts->types, type.die) : find_enumerators(*facts->types, facts->of, type.name);
}

// BTF has all of them in one place; the index of DWARF has not.
std::optional<int64_t> KernelTarget::enumerator(std::string_view name) const {
  return kernel_->btf() ? kernel_->btf()->enumerator(name) : std::nullopt;
}

std::vector<PrettyPiece> KernelTarget::pretty(const ValueType &type, bool deep) const {
  auto facts = types_of(type);
  return facts ? pretty_pieces(*facts->types, type, deep) : pretty_number(type);
}

Result<TracepointMatches> KernelTarget::tracepoints(std::string_view pattern) const {
  if (files_.build_dir.empty())
    return Error{"no headers of kernel " + files_.release + " were found",
                 "install `linux-headers-" + files_.release + "`"};
  if (!tracepoints_)
    tracepoints_.emplace(files_.build_dir);
  return tracepoints_->find(pattern);
}

std::optional<ModuleBuild> KernelTarget::tracepoint_module(const std::string &name) const {
  if (auto names = kernel_->index(); !names || !(*names)->symbols("__tracepoint_" + name).empty())
    return std::nullopt;
  if (!tracepoint_modules_)
    tracepoint_modules_ = tracepoint_owners(files_.release, options_.places, options_.store);
  auto known = tracepoint_modules_->find(name);
  if (known == tracepoint_modules_->end())
    return std::nullopt;
  if (auto at = modules_.lower_bound({known->second, ""}); at == modules_.end() || at->first.first != known->second) {
    std::vector<ModuleFile> files = find_module_files(files_.release, options_.places, known->second);
    if (files.empty())
      return std::nullopt;
    module_file(files[0], true);
  }
  return ModuleBuild{known->second, module_build_id(known->second)};
}

Result<TracepointMatches> KernelTarget::module_tracepoints(std::string_view modules, std::string_view pattern) const {
  std::vector<ModuleFile> files = find_module_files(files_.release, options_.places, std::string(modules));
  if (files.empty())
    return Error{"kernel " + files_.release + " has no module `" + std::string(modules) + "`",
                 "the modules of /lib/modules/" + files_.release + "/modules.dep are known"};
  TracepointMatches matches;
  NameGuesser guesser(pattern);
  std::optional<Error> problem;
  for (const ModuleFile &file : files) {
    auto points = described_tracepoints(module_file(file, files.size() > 1), file.name, std::string(pattern), guesser);
    if (points)
      std::move(points->begin(), points->end(), std::back_inserter(matches.tracepoints));
    else
      problem = points.error();
  }
  if (matches.tracepoints.empty() && problem)
    return *problem;
  matches.suggestions = guesser.best();
  return matches;
}

// A module's tracepoint has types of the module's own.
Access<VarAccess> KernelTarget::module_argument(const Tracepoint &tracepoint, unsigned number,
                                                const std::vector<PathStep> &path, bool address_of) const {
  auto source = source_named(tracepoint.module);
  auto facts = source ? types_of(*source, file_of(*source).uses_btf()) : Result<TypeFacts>(source.error());
  if (!facts)
    return no_debuginfo<VarAccess>(facts.error());
  const TracepointArgument &argument = tracepoint.arguments[number];
  const TypeKind kind = facts->types->describe(argument.type_ref).kind;
  if (kind == TypeKind::Struct || kind == TypeKind::Union)
    return AccessFailure{AccessError::Unsupported, "it is a `" + argument.type + "`, which is passed by value", {}};
  const Place place{{{StepKind::PushArgument, number}}, false};
  return settled(*source, walk_path(*facts->types, place, argument.type_ref, path, address_of));
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
    if (!tracepoint.module.empty())
      return module_argument(tracepoint, number, path, address_of);
    if (path.empty() && !address_of)
      if (auto simple = simple_argument(argument.type, number))
        return *simple;
    auto facts = types_of(0, btf() != nullptr);
    return facts ? argument_path(*facts->types, facts->of, argument.type, number, path, address_of)
                 : no_debuginfo<VarAccess>(facts.error());
  }
  return AccessFailure{AccessError::NoSuchVariable,
                       "no argument `" + std::string(name) + "` of `" + tracepoint.name + "`" +
                           (there.empty() ? "; there are none" : "; there are: " + there),
                       guesser.best()};
}

} // namespace tapjit::target

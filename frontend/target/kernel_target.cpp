// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/kernel_target.h"

#include "frontend/target/c_types.h"
#include "frontend/target/debug_index_build.h"
#include "frontend/target/dwarf_inlined.h"
#include "frontend/target/dwarf_variable.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/names.h"
#include "frontend/target/tracepoint_headers.h"

#include <algorithm>
#include <cstring>
#include <tuple>
#include <unordered_map>

namespace tapjit::target {

KernelTarget::KernelTarget(KernelTargetOptions options) : options_(std::move(options)) {}
KernelTarget::~KernelTarget() = default;

Result<std::unique_ptr<KernelTarget>> KernelTarget::open(KernelTargetOptions options) {
  auto files = find_kernel_files(options.release_or_dir, options.places);
  if (!files)
    return files.error();
  std::unique_ptr<KernelTarget> target(new KernelTarget(std::move(options)));
  target->files_ = std::move(*files);
  return target;
}

std::string KernelTarget::build_id() const {
  if (!build_id_) {
    build_id_ = "";
    if (!files_.vmlinux.empty())
      if (auto file = ElfFile::open(files_.vmlinux))
        build_id_ = (*file)->build_id();
  }
  return *build_id_;
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

static IndexBytes aligned_copy(std::string_view bytes) {
  auto words = std::make_shared<std::vector<uint64_t>>((bytes.size() + 7) / 8);
  memcpy(words->data(), bytes.data(), bytes.size());
  return {{reinterpret_cast<const char *>(words->data()), bytes.size()}, words};
}

Result<IndexBytes> KernelTarget::make_index(const std::string &key) const {
  Result<std::string> bytes = files_.vmlinux.empty() ? build_symbol_index(files_.system_map)
                                                     : build_debug_index(files_.vmlinux, options_.threads);
  if (!bytes)
    return bytes.error();
  if (options_.store.save)
    options_.store.save(key, *bytes);
  return aligned_copy(*bytes);
}

Result<const DebugIndex *> KernelTarget::index() const {
  if (index_)
    return index_.get();
  if (index_error_)
    return *index_error_;
  if (files_.vmlinux.empty() && files_.system_map.empty()) {
    index_error_ = Error{"no symbols of kernel " + files_.release + " were found", debuginfo_advice(files_.release)};
    return *index_error_;
  }
  std::string key = "debug-index-" + std::string(IndexHeader::expected_magic, sizeof IndexHeader::expected_magic) +
                    "-" + (files_.vmlinux.empty() ? "symbols-" + files_.release : build_id());
  std::optional<DebugIndex> opened;
  if (options_.store.load)
    if (auto stored = options_.store.load(key); stored && (opened = DebugIndex::open(stored->bytes)))
      index_bytes_ = *stored;
  if (!opened) {
    auto made = make_index(key);
    if (!made) {
      index_error_ = made.error();
      return *index_error_;
    }
    index_bytes_ = *made;
    opened = DebugIndex::open(index_bytes_.bytes);
  }
  index_ = std::make_unique<DebugIndex>(*opened);
  return index_.get();
}

Result<DwarfVariables *> KernelTarget::dwarf() const {
  if (dwarf_)
    return dwarf_.get();
  if (files_.vmlinux.empty())
    return Error{"no debuginfo of kernel " + files_.release + " was found", debuginfo_advice(files_.release)};
  auto names = index();
  if (!names)
    return names.error();
  auto opened = DwarfVariables::open(files_.vmlinux, **names);
  if (!opened)
    return opened.error();
  dwarf_ = std::move(*opened);
  return dwarf_.get();
}

std::optional<SymbolFact> KernelTarget::symbol(std::string_view name) const {
  auto names = index();
  if (!names)
    return std::nullopt;
  auto found = (*names)->symbols(name);
  if (found.empty())
    return std::nullopt;
  return SymbolFact{found[0].address, found[0].size, found.size() == 1};
}

// Fills symbol, offset, section and refusal from the site's address and function name.
void KernelTarget::place(FunctionSite &site) const {
  if (const IndexSymbol *symbol = index_->symbol_at(site.address, site.function)) {
    site.symbol = index_->string(symbol->name);
    site.offset = site.address - symbol->address;
    site.size = symbol->size;
    site.symbol_is_unique = index_->symbols(site.symbol).size() == 1;
  }
  site.section = index_->section_at(site.address);
  site.blacklisted = index_->refusal_at(site.address);
}

FunctionSite KernelTarget::site_of(const IndexRow &row) const {
  FunctionSite site;
  site.function = index_->string(row.name);
  site.file = index_->string(row.file);
  site.line = row.line;
  site.address = row.address;
  site.die = row.die;
  place(site);
  return site;
}

static void add_site(FunctionMatches &matches, FunctionSite site) {
  (site.blacklisted.empty() ? matches.sites : matches.refused).push_back(std::move(site));
}

void KernelTarget::add_inlined(const std::vector<IndexRow> &rows, FunctionMatches &matches) const {
  if (rows.empty())
    return;
  auto variables = dwarf();
  if (!variables)
    return;
  std::unordered_map<uint64_t, const IndexRow *> row_of;
  std::vector<uint64_t> functions;
  for (const IndexRow &row : rows) {
    row_of[row.die] = &row;
    functions.push_back(row.die);
  }
  for (const InlinedCopy &copy : find_inlined_copies((*variables)->dwarf(), functions)) {
    const IndexRow &row = *row_of[copy.function];
    FunctionSite site;
    site.function = index_->string(row.name);
    site.file = index_->string(row.file);
    site.line = row.line;
    site.address = copy.address;
    site.die = copy.die;
    site.is_inline = true;
    place(site);
    add_site(matches, std::move(site));
  }
}

// Without DWARF a name stands for itself and for the copies that the compiler specialised (name.isra.0,
// name.constprop.0).
void KernelTarget::add_symbols(std::string_view name, FunctionMatches &matches) const {
  const std::string pattern(name);
  auto add = [&](const IndexSymbol &symbol) {
    FunctionSite site;
    site.function = index_->string(symbol.name);
    site.address = symbol.address;
    place(site);
    add_site(matches, std::move(site));
  };
  if (has_wildcard(name)) {
    for (const IndexSymbol &symbol : index_->symbols())
      if (symbol.is_code && !index_->string(symbol.name).starts_with("__pfx_") &&
          matches_wildcard(pattern, std::string(index_->string(symbol.name))))
        add(symbol);
    return;
  }
  for (const IndexSymbol &symbol : index_->symbols(name))
    if (symbol.is_code)
      add(symbol);
}

void KernelTarget::suggest(std::string_view name, FunctionMatches &matches) const {
  NameGuesser guesser(name);
  for (const IndexRow &row : index_->rows(RowKind::Function))
    guesser.consider(index_->string(row.name));
  if (index_->rows(RowKind::Function).empty())
    for (const IndexSymbol &symbol : index_->symbols())
      if (symbol.is_code)
        guesser.consider(index_->string(symbol.name));
  matches.suggestions = guesser.best();
}

// "vfs_*@fs/read_write.c" to its two parts; the second may be empty.
static std::pair<std::string_view, std::string_view> split_pattern(std::string_view pattern) {
  size_t at = pattern.find('@');
  return {pattern.substr(0, at), at == std::string_view::npos ? "" : pattern.substr(at + 1)};
}

std::vector<IndexRow> KernelTarget::rows_named(RowKind kind, std::string_view name, std::string_view file) const {
  const std::string pattern(name);
  const bool is_wild = has_wildcard(name);
  std::vector<IndexRow> chosen;
  for (const IndexRow &row : is_wild ? index_->rows(kind) : index_->rows(kind, name))
    if ((!is_wild || matches_wildcard(pattern, std::string(index_->string(row.name)))) &&
        (file.empty() || matches_path(file, index_->string(row.file))))
      chosen.push_back(row);
  return chosen;
}

void KernelTarget::add_described(std::string_view name, FunctionKind kind, std::string_view file,
                                 FunctionMatches &matches) const {
  if (kind != FunctionKind::Inlined)
    for (const IndexRow &row : rows_named(RowKind::Function, name, file))
      add_site(matches, site_of(row));
  if (kind != FunctionKind::OutOfLine)
    add_inlined(rows_named(RowKind::Inlined, name, file), matches);
  // Assembly has symbols but no DW_TAG_subprogram.
  if (matches.sites.empty() && matches.refused.empty() && kind != FunctionKind::Inlined && !has_wildcard(name) &&
      file.empty())
    add_symbols(name, matches);
  if (matches.sites.empty() && matches.refused.empty() && kind == FunctionKind::OutOfLine)
    matches.only_inlined = !rows_named(RowKind::Inlined, name, file).empty();
}

Result<FunctionMatches> KernelTarget::functions(std::string_view pattern, FunctionKind kind) const {
  auto [name, file] = split_pattern(pattern);
  auto names = index();
  if (!names)
    return names.error();
  FunctionMatches matches;
  matches.without_debuginfo = index_->rows(RowKind::Function).empty();
  if (!matches.without_debuginfo) {
    add_described(name, kind, file, matches);
  } else {
    matches.advice = debuginfo_advice(files_.release);
    if (kind != FunctionKind::Inlined && file.empty())
      add_symbols(name, matches);
  }
  auto by_address = [](const FunctionSite &a, const FunctionSite &b) {
    return std::tie(a.address, a.function, a.die) < std::tie(b.address, b.function, b.die);
  };
  auto is_same = [](const FunctionSite &a, const FunctionSite &b) {
    return a.address == b.address && a.function == b.function;
  };
  std::sort(matches.sites.begin(), matches.sites.end(), by_address);
  matches.sites.erase(std::unique(matches.sites.begin(), matches.sites.end(), is_same), matches.sites.end());
  if (matches.sites.empty() && matches.refused.empty() && !matches.only_inlined)
    suggest(name, matches);
  return matches;
}

template <typename T> static Access<T> no_debuginfo(const Error &error) {
  return AccessFailure{
      AccessError::NoDebuginfo, error.observed + (error.advice.empty() ? "" : "; " + error.advice), {}};
}

Access<VarAccess> KernelTarget::variable(const FunctionSite &site, std::string_view name,
                                         const std::vector<PathStep> &path, bool at_return, bool address_of) const {
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  Access<VarAccess> access = (*variables)->variable(site, name, path, address_of);
  if (auto *found = std::get_if<VarAccess>(&access))
    found->at_entry = at_return;
  return access;
}

Access<VarAccess> KernelTarget::return_value(const FunctionSite &site, const std::vector<PathStep> &path,
                                             bool address_of) const {
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->return_value(site, path, address_of);
}

std::vector<std::string> KernelTarget::variable_names(const FunctionSite &site, bool parameters_only) const {
  auto variables = dwarf();
  return variables ? (*variables)->variable_names(site, parameters_only) : std::vector<std::string>();
}

Access<VarAccess> KernelTarget::cast(std::string_view type, const std::vector<PathStep> &path, bool address_of) const {
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->cast(type, path, address_of);
}

Access<VarAccess> KernelTarget::global_variable(std::string_view name, const std::vector<PathStep> &path,
                                                bool address_of) const {
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->global_variable(name, path, address_of);
}

Access<VarAccess> KernelTarget::follow(const ValueType &type, const std::vector<PathStep> &path,
                                       bool address_of) const {
  auto variables = dwarf();
  if (!variables)
    return no_debuginfo<VarAccess>(variables.error());
  return (*variables)->follow(type, path, address_of);
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

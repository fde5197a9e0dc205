// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/library.h"

#include "frontend/library_scan.h"
#include "frontend/macros.h"
#include "frontend/preprocess.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <set>
#include <sys/stat.h>

namespace tapjit {

using ast::File;
using ast::PointComponent;

namespace {

struct Entry {
  LibraryFile facts;
  SourceId source;            // valid once the text is in the source table
  std::unique_ptr<File> file; // once parsed
};

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() > end.size() && text.substr(text.size() - end.size()) == end;
}

// The scan takes the branches of all conditions, so that a file may turn out not to define what it seemed to.
bool defines_function(const File &file, std::string_view name) {
  return std::any_of(file.decls.begin(), file.decls.end(), [&](const ast::Decl *decl) {
    const auto *function = decl->as<ast::FunctionDecl>();
    return function && !function->is_private && function->name.view() == name;
  });
}

bool defines_global(const File &file, std::string_view name) {
  return std::any_of(file.decls.begin(), file.decls.end(), [&](const ast::Decl *decl) {
    const auto *global = decl->as<ast::GlobalDecl>();
    return global && !global->is_private && global->name.view() == name;
  });
}

} // namespace

struct Library::Impl {
  SourceTable &sources;
  ParseOptions options;
  std::vector<std::unique_ptr<Entry>> entries;
  std::unordered_map<std::string_view, std::vector<Entry *>> by_function; // views into Entry::facts
  std::unordered_map<std::string_view, std::vector<Entry *>> by_global;
  // By the first component of an alias's name: its place among the entries. "*" is under all of them.
  std::unordered_map<std::string_view, std::vector<size_t>> by_first_of_alias;
  std::set<std::pair<dev_t, ino_t>> added;            // files
  std::unordered_map<std::string, LibraryFile> known; // of the loaded index, by path
  bool changed = false;
  bool macros_read = false;
  MacroTable macros;

  void index(std::unique_ptr<Entry> entry) {
    for (const std::string &name : entry->facts.functions)
      by_function[name].push_back(entry.get());
    for (const std::string &name : entry->facts.globals)
      by_global[name].push_back(entry.get());
    for (const std::string &alias : entry->facts.aliases) {
      std::vector<size_t> &places = by_first_of_alias[std::string_view(alias).substr(0, alias.find('.'))];
      if (places.empty() || places.back() != entries.size())
        places.push_back(entries.size());
    }
    entries.push_back(std::move(entry));
  }

  void scan(Entry &entry) {
    Arena scratch;
    Diagnostics ignored(sources); // said again, where it matters, when the file is parsed
    scan_definitions(lex(sources, entry.source, scratch, ignored), entry.facts);
  }

  Result<void> add_file(const std::string &path, const struct stat &info, bool is_macros) {
    if (!added.emplace(info.st_dev, info.st_ino).second)
      return {};
    auto entry = std::make_unique<Entry>();
    entry->facts.path = path;
    entry->facts.mtime_ns = info.st_mtim.tv_sec * int64_t{1'000'000'000} + info.st_mtim.tv_nsec;
    entry->facts.size = info.st_size;
    entry->facts.is_macros = is_macros;
    auto found = known.find(path);
    if (found != known.end() && found->second.mtime_ns == entry->facts.mtime_ns &&
        found->second.size == entry->facts.size && found->second.is_macros == is_macros) {
      entry->facts = found->second;
    } else {
      changed = true;
      if (!is_macros) {
        Result<SourceId> source = sources.add_file(path, SourceKind::tapset);
        if (!source)
          return source.error();
        entry->source = *source;
        scan(*entry);
      }
    }
    index(std::move(entry));
    return {};
  }

  Result<void> add_files_in(const std::string &directory, bool optional) {
    DIR *handle = opendir(directory.c_str());
    if (!handle && optional && (errno == ENOENT || errno == ENOTDIR))
      return {};
    if (!handle)
      return Error{"cannot read the tapset directory `" + directory + "`: " + std::strerror(errno), ""};
    std::vector<std::string> names;
    while (const dirent *item = readdir(handle))
      if (item->d_name[0] != '.')
        names.emplace_back(item->d_name);
    closedir(handle);
    std::sort(names.begin(), names.end());
    for (const std::string &name : names) {
      std::string path = directory + "/" + name;
      struct stat info;
      if (stat(path.c_str(), &info) != 0)
        continue; // a dangling link
      Result<void> done;
      if (S_ISREG(info.st_mode) && ends_with(name, ".stp"))
        done = add_file(path, info, false);
      else if (S_ISREG(info.st_mode) && ends_with(name, ".stpm"))
        done = add_file(path, info, true);
      if (!done)
        return done;
    }
    return {};
  }

  const MacroTable &read_macros(Diagnostics &diagnostics) {
    if (macros_read)
      return macros;
    macros_read = true;
    for (auto &entry : entries) {
      if (!entry->facts.is_macros)
        continue;
      if (!entry->source.valid()) {
        Result<SourceId> source = sources.add_file(entry->facts.path, SourceKind::macros);
        if (!source)
          continue; // gone since it was listed; a macro that is missed is reported where it is used
        entry->source = *source;
      }
      parse_macro_file(sources, entry->source, options, macros, diagnostics);
    }
    return macros;
  }

  const File *parse(Entry &entry, Diagnostics &diagnostics) {
    if (entry.file)
      return entry.file.get();
    if (!entry.source.valid()) {
      Result<SourceId> source = sources.add_file(entry.facts.path, SourceKind::tapset);
      if (!source)
        return nullptr;
      entry.source = *source;
    }
    options.library_macros = &read_macros(diagnostics);
    entry.file = parse_script(sources, entry.source, options, diagnostics);
    return entry.file.get();
  }
};

std::vector<std::string> library_subdirectories(const ParseOptions &options) {
  const std::string &release = options.kernel_release;
  std::string base = release.substr(0, release.find('-'));
  size_t dot = base.find('.');
  std::string family = base.substr(0, dot == std::string::npos ? dot : base.find('.', dot + 1));
  std::vector<std::string> names;
  for (const char *runtime : {options.runtime == "dyninst" ? "dyninst/" : "linux/", ""})
    for (const std::string &version : {release, base, family, std::string()})
      for (const std::string &arch : {options.arch, std::string()}) {
        std::string name = runtime + version + (version.empty() || arch.empty() ? "" : "/") + arch;
        if (name.ends_with('/'))
          name.pop_back();
        if (std::find(names.begin(), names.end(), name) == names.end())
          names.push_back(std::move(name));
      }
  return names;
}

Library::Library(SourceTable &sources, ParseOptions options)
    : impl_(new Impl{sources, std::move(options), {}, {}, {}, {}, {}, {}, false, false, {}}) {
  impl_->options.guru = true;
  impl_->options.is_library = true;
  impl_->options.used_arguments = nullptr;
}
Library::~Library() = default;

void Library::load_index(std::string_view bytes) {
  std::vector<LibraryFile> files;
  if (!read_index(bytes, files))
    return;
  for (LibraryFile &file : files) {
    std::string path = file.path;
    impl_->known.insert_or_assign(std::move(path), std::move(file));
  }
}

std::string Library::save_index() const {
  std::vector<LibraryFile> files;
  for (const auto &entry : impl_->entries)
    if (entry->facts.mtime_ns != 0)
      files.push_back(entry->facts);
  return write_index(files);
}

SourceTable &Library::sources() { return impl_->sources; }

bool Library::index_changed() const { return impl_->changed; }

Result<void> Library::add_directory(const std::string &directory) {
  for (const std::string &name : library_subdirectories(impl_->options))
    if (auto added = impl_->add_files_in(name.empty() ? directory : directory + "/" + name, !name.empty()); !added)
      return added;
  return {};
}

void Library::add_text(std::string name, std::string text) {
  auto entry = std::make_unique<Entry>();
  entry->facts.path = name;
  entry->facts.is_macros = ends_with(name, ".stpm");
  entry->source = impl_->sources.add(std::move(name), std::move(text),
                                     entry->facts.is_macros ? SourceKind::macros : SourceKind::tapset);
  if (!entry->facts.is_macros)
    impl_->scan(*entry);
  impl_->index(std::move(entry));
}

std::vector<const File *> Library::files_of_function(std::string_view name, Diagnostics &diagnostics) {
  std::vector<const File *> files;
  if (auto found = impl_->by_function.find(name); found != impl_->by_function.end())
    for (Entry *entry : found->second)
      if (const File *file = impl_->parse(*entry, diagnostics); file && defines_function(*file, name))
        files.push_back(file);
  return files;
}

const File *Library::file_of_global(std::string_view name, Diagnostics &diagnostics) {
  if (auto found = impl_->by_global.find(name); found != impl_->by_global.end())
    for (Entry *entry : found->second)
      if (const File *file = impl_->parse(*entry, diagnostics); file && defines_global(*file, name))
        return file;
  return nullptr;
}

std::vector<const File *> Library::files_of_aliases(std::span<const PointComponent> point, Diagnostics &diagnostics) {
  std::vector<const File *> files;
  auto look_at = [&](Entry &entry) {
    bool wanted = std::any_of(entry.facts.aliases.begin(), entry.facts.aliases.end(),
                              [&](const std::string &alias) { return alias == "*" || alias_may_match(alias, point); });
    if (wanted)
      if (const File *file = impl_->parse(entry, diagnostics))
        files.push_back(file);
  };
  if (point.empty() || point.front().name.find('*') != std::string_view::npos) {
    for (auto &entry : impl_->entries)
      look_at(*entry);
    return files;
  }
  // In the order of the entries.
  std::set<size_t> places;
  for (std::string_view first : {point.front().name, std::string_view("*")})
    if (auto found = impl_->by_first_of_alias.find(first); found != impl_->by_first_of_alias.end())
      places.insert(found->second.begin(), found->second.end());
  for (size_t place : places)
    look_at(*impl_->entries[place]);
  return files;
}

std::vector<std::string_view> Library::function_names() const {
  std::vector<std::string_view> names;
  for (const auto &entry : impl_->entries)
    names.insert(names.end(), entry->facts.functions.begin(), entry->facts.functions.end());
  return names;
}

std::vector<std::string_view> Library::global_names() const {
  std::vector<std::string_view> names;
  for (const auto &entry : impl_->entries)
    names.insert(names.end(), entry->facts.globals.begin(), entry->facts.globals.end());
  return names;
}

std::vector<std::string_view> Library::alias_names() const {
  std::vector<std::string_view> names;
  for (const auto &entry : impl_->entries)
    for (const std::string &alias : entry->facts.aliases)
      if (alias != "*")
        names.emplace_back(alias);
  return names;
}

const MacroTable &Library::macros(Diagnostics &diagnostics) { return impl_->read_macros(diagnostics); }

bool alias_may_match(std::string_view alias, std::span<const PointComponent> point) {
  for (size_t i = 0; i < point.size(); ++i) {
    if (point[i].name == "**" || alias.empty())
      return true; // `**` takes the rest; an alias that ended leaves a suffix
    size_t dot = alias.find('.');
    std::string_view component = alias.substr(0, dot);
    if (point[i].arg != PointComponent::Arg::none ||
        (point[i].name != component && !glob_match(point[i].name, component)))
      return false;
    alias = dot == std::string_view::npos ? std::string_view() : alias.substr(dot + 1);
  }
  return alias.empty();
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debug_file.h"

#include "frontend/target/btf_finder.h"
#include "frontend/target/debug_index_build.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/kernel_files.h"
#include "frontend/target/kernel_image.h"
#include "frontend/target/line_table.h"
#include "frontend/target/names.h"

#include <array>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <sys/stat.h>
#include <utility>

namespace tapjit::target {

DebugFile::DebugFile(Paths paths, IndexStore store, unsigned threads)
    : paths_(std::move(paths)), store_(std::move(store)), threads_(threads) {}
DebugFile::~DebugFile() = default;

static IndexBytes aligned_copy(std::string_view bytes) {
  auto words = std::make_shared<std::vector<uint64_t>>((bytes.size() + 7) / 8);
  memcpy(words->data(), bytes.data(), bytes.size());
  return {{reinterpret_cast<const char *>(words->data()), bytes.size()}, words};
}

std::string DebugFile::build_id() {
  find_dwarf_here();
  if (!build_id_) {
    build_id_ = paths_.running_id;
    if (!paths_.elf.empty())
      if (auto file = ElfFile::open_unrelocated(paths_.elf))
        build_id_ = (*file)->build_id();
    if (paths_.elf.empty())
      if (auto stored = from_image("build-id"))
        build_id_ = std::string(stored->bytes.begin(), stored->bytes.end());
  }
  return *build_id_;
}

std::string stamp_of(const std::string &path) {
  struct stat facts = {};
  stat(path.c_str(), &facts);
  return path + "-" + std::to_string(facts.st_mtim.tv_sec) + "." + std::to_string(facts.st_mtim.tv_nsec) + "-" +
         std::to_string(facts.st_size);
}

// Those of a packed file are kept: to unpack a large module takes a third of a second.
Result<ElfFacts> DebugFile::facts() {
  const std::string &path = paths_.elf;
  const bool is_packed = path.ends_with(".xz") || path.ends_with(".zst") || path.ends_with(".gz");
  if (!is_packed || !store_.load || !store_.save)
    return read_elf_facts(path);
  const std::string key = "elf-facts-2-" + stamp_of(path);
  ElfFacts facts;
  char id[515], link[257]; // each after a colon: neither is empty
  unsigned has_dwarf, has_symbols;
  if (auto stored = store_.load(key)) {
    std::string text(stored->bytes.begin(), stored->bytes.end());
    if (sscanf(text.c_str(), "id=%514s link=%256s crc=%u dwarf=%u symbols=%u bytes=%" SCNu64, id, link,
               &facts.debuglink_crc, &has_dwarf, &has_symbols, &facts.dwarf_bytes) == 6) {
      facts.build_id = id + 1;
      facts.debuglink = link + 1;
      facts.has_dwarf = has_dwarf != 0;
      facts.has_symbols = has_symbols != 0;
      return facts;
    }
  }
  auto read = read_elf_facts(path);
  if (read)
    store_.save(key, "id=:" + read->build_id + " link=:" + read->debuglink +
                         " crc=" + std::to_string(read->debuglink_crc) + " dwarf=" + std::to_string(read->has_dwarf) +
                         " symbols=" + std::to_string(read->has_symbols) +
                         " bytes=" + std::to_string(read->dwarf_bytes));
  return read;
}

// A vmlinux that is not the running kernel's will do when there is no better one; staprun says what is wrong with it.
void DebugFile::find_dwarf_here() {
  if (was_sought_)
    return;
  was_sought_ = true;
  // An update may have put another build where the running kernel was booted from.
  if (!paths_.running_id.empty() && paths_.elf.empty())
    if (auto stored = from_image("build-id");
        stored && std::string_view(stored->bytes.data(), stored->bytes.size()) != paths_.running_id)
      paths_.image.clear();
  ElfFacts found;
  if (!paths_.elf.empty()) {
    auto read = facts();
    if (!read)
      return; // whoever opens it says why
    found = *read;
    is_stripped_ = !found.has_dwarf;
  }
  const bool is_other = !paths_.running_id.empty() && found.build_id != paths_.running_id;
  has_dwarf_ = found.has_dwarf;
  if (found.has_dwarf && !is_other)
    return;
  const std::string stripped = is_other ? "" : paths_.elf;
  if (is_other)
    found = {paths_.running_id, false, false, {}, 0};
  else if (stripped.empty())
    if (auto stored = from_image("build-id"))
      found.build_id = std::string(stored->bytes.begin(), stored->bytes.end());
  if (std::string path = find_separate_debuginfo(stripped, found, paths_.places); !path.empty()) {
    paths_.elf = path;
    has_dwarf_ = true;
  } else {
    asked_id_ = found.build_id;
  }
  if (paths_.elf == stripped && !found.has_symbols && !paths_.image.empty())
    paths_.elf.clear(); // the image knows more
}

void DebugFile::ask_for_dwarf() {
  find_dwarf_here();
  if (asked_id_.empty() || !paths_.server)
    return;
  auto path = paths_.server(std::exchange(asked_id_, ""), paths_.what);
  if (!path) {
    paths_.advice += "; " + path.error().observed;
    return;
  }
  paths_.elf = *path;
  has_dwarf_ = true;
  build_id_.reset();
  index_error_.reset();
  finder_.reset();
  dwarf_.reset();
  first_index_bytes_ = std::exchange(index_bytes_, {});
  first_index_ = std::move(index_);
}

// A file without a build-id is known by its place, time and size. A stripped one has the build-id of the whole, and so
// has one whose DWARF dwz has packed: entries stand at other offsets there.
std::string DebugFile::identity() {
  std::string id = build_id();
  if (id.empty())
    return stamp_of(paths_.elf);
  if (!has_dwarf_)
    return "stripped-" + id;
  auto read = facts();
  return id + "-" + std::to_string(read ? read->dwarf_bytes : 0);
}

Result<IndexBytes> DebugFile::make_index(const std::string &key) {
  Result<std::string> bytes = !paths_.elf.empty()          ? build_debug_index(paths_.elf, threads_)
                              : !paths_.system_map.empty() ? build_symbol_index(paths_.system_map)
                                                           : build_running_index(paths_.kallsyms);
  if (!bytes)
    return bytes.error();
  if (store_.save)
    store_.save(key, *bytes);
  return aligned_copy(*bytes);
}

static const char *const split_advice =
    "debuginfo of it is in .dwo files, which are not read: build it without -gsplit-dwarf";

Result<const DebugIndex *> DebugFile::index() {
  find_dwarf_here();
  if (index_)
    return index_.get();
  if (index_error_)
    return *index_error_;
  if (paths_.elf.empty() && !paths_.image.empty())
    if (auto stored = from_image("symbols"))
      if (auto known = DebugIndex::open(stored->bytes)) {
        index_bytes_ = *stored;
        index_ = std::make_unique<DebugIndex>(*known);
        return index_.get();
      }
  if (paths_.elf.empty() && paths_.system_map.empty() && paths_.kallsyms.empty()) {
    index_error_ = Error{"no symbols of " + paths_.what + " were found", paths_.advice};
    return *index_error_;
  }
  std::string key = "debug-index-" + std::string(IndexHeader::expected_magic, sizeof IndexHeader::expected_magic) +
                    "-" +
                    (!paths_.elf.empty()          ? identity()
                     : !paths_.system_map.empty() ? "symbols-" + stamp_of(paths_.system_map)
                                                  : "kallsyms-" + paths_.running_id);
  std::optional<DebugIndex> opened;
  if (store_.load)
    if (auto stored = store_.load(key); stored && (opened = DebugIndex::open(stored->bytes)))
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
  if (!index_->rows(RowKind::SplitUnit).empty())
    paths_.advice = split_advice;
  return index_.get();
}

Result<DwarfVariables *> DebugFile::dwarf() {
  ask_for_dwarf();
  return dwarf_here();
}

Result<DwarfVariables *> DebugFile::dwarf_here() {
  if (dwarf_)
    return dwarf_.get();
  find_dwarf_here();
  if (paths_.elf.empty())
    return Error{"no debuginfo of " + paths_.what + " was found", paths_.advice};
  auto told = [&](const Error &error) { return is_stripped_ ? Error{error.observed, paths_.advice} : error; };
  auto names = index();
  if (!names)
    return told(names.error());
  auto opened = DwarfVariables::open(paths_.elf, **names);
  if (!opened)
    return told(opened.error());
  dwarf_ = std::move(*opened);
  return dwarf_.get();
}

static std::string name_of_form(const CodeQuery &query) {
  return !query.label.empty()          ? "labels"
         : !query.callee.empty()       ? "calls"
         : query.statement             ? "statements"
         : query.address               ? "functions by address"
         : !query.pattern.file.empty() ? "source files"
                                       : "inlined copies";
}

Result<FunctionMatches> DebugFile::code(const CodeQuery &query) {
  if (query.place_alone) {
    find_dwarf_here();
  } else if (uses_btf() && is_for_btf(query)) {
    auto symbols = index();
    if (!symbols && !paths_.kallsyms.empty())
      return symbols.error();
    FunctionMatches known = find_in_btf(*btf(), symbols ? *symbols : nullptr, query, paths_.advice);
    if (!symbols || !known.sites.empty() || !known.refused.empty() || has_wildcard(query.pattern.function))
      return known;
  } else if (!has_dwarf() && btf()) {
    return Error{"BTF, which is all that is known of " + paths_.what + ", has no " + name_of_form(query),
                 paths_.advice};
  }
  auto names = index();
  if (!names)
    return names.error();
  if (!finder_)
    // It asks no server: an answer would end the finder, which is at work then.
    finder_ = std::make_unique<CodeFinder>(**names, [this]() -> Dwarf * {
      auto opened = dwarf_here();
      return opened ? (*opened)->dwarf() : nullptr;
    });
  FunctionMatches matches = finder_->find(query);
  if (matches.without_debuginfo)
    matches.advice = paths_.advice;
  else if (matches.sites.empty() && matches.hint.empty() && !(*names)->rows(RowKind::SplitUnit).empty())
    matches.hint = split_advice;
  return matches;
}

std::optional<std::pair<std::string, uint64_t>> DebugFile::anchor_in(std::string_view section, bool of_code) {
  auto names = index();
  if (!names || section.empty())
    return std::nullopt;
  for (const IndexSymbol &symbol : (*names)->symbols()) {
    std::string_view name = (*names)->string(symbol.name);
    if (symbol.is_code == of_code && (*names)->section_at(symbol.address) == section &&
        (*names)->symbols(name).size() == 1)
      return std::pair(std::string(name), symbol.address);
  }
  return std::nullopt;
}

void DebugFile::add_anchor(FunctionSite &site) {
  if (site.symbol_is_unique || site.symbol.empty())
    return;
  if (auto anchor = anchor_in(site.section, true)) {
    site.anchor_symbol = anchor->first;
    site.anchor = anchor->second;
  }
}

bool DebugFile::has_dwarf() {
  ask_for_dwarf();
  return !paths_.elf.empty() && index() && !index_->rows(RowKind::Function).empty();
}

const BtfVariables *DebugFile::btf() {
  if (btf_was_sought_)
    return btf_.get();
  btf_was_sought_ = true;
  auto bytes = find_btf();
  if (!bytes)
    return nullptr;
  btf_bytes_ = *bytes;
  const BtfVariables *base = paths_.kernel ? paths_.kernel->btf() : nullptr;
  if (paths_.kernel && !base)
    return nullptr;
  if (auto opened = BtfVariables::open(btf_bytes_.bytes, base))
    btf_ = std::move(*opened);
  return btf_.get();
}

Result<IndexBytes> DebugFile::line_table() {
  ask_for_dwarf();
  if (paths_.elf.empty() || !has_dwarf_)
    return Error{"no debuginfo of " + paths_.what + " was found", paths_.advice};
  const std::string key = "line-table-1-" + identity();
  if (store_.load)
    if (auto stored = store_.load(key); stored && !line_table_ranges(stored->bytes).empty())
      return *stored;
  auto made = build_line_table(paths_.elf);
  if (!made)
    return Error{made.error().observed, paths_.advice};
  if (store_.save)
    store_.save(key, *made);
  return aligned_copy(*made);
}

Result<IndexBytes> DebugFile::find_btf() {
  for (const std::string &path : paths_.btf)
    if (auto file = path.empty() ? Error{} : ElfFile::open_unrelocated(path)) {
      std::span<const char> bytes = (*file)->section_bytes(".BTF");
      if (!bytes.empty())
        return IndexBytes{bytes, std::shared_ptr<ElfFile>(std::move(*file))};
    }
  auto stored = from_image("btf");
  if (stored && !stored->bytes.empty())
    return stored;
  if (!paths_.running_btf.empty())
    if (auto bytes = read_text_file(paths_.running_btf))
      return aligned_copy(*bytes);
  return Error{"no BTF of " + paths_.what + " was found", paths_.advice};
}

// One unpacking makes all parts.
Result<IndexBytes> DebugFile::from_image(std::string_view what) {
  if (paths_.image.empty())
    return Error{"no bootable image of " + paths_.what + " was found", paths_.advice};
  const std::string stamp = kernel_image_stamp(paths_.image);
  auto key_of = [&](std::string_view part) {
    return "kernel-image-2-" + std::string(IndexHeader::expected_magic, sizeof IndexHeader::expected_magic) + "-" +
           std::string(part) + "-" + stamp;
  };
  if (store_.load && !stamp.empty())
    if (auto stored = store_.load(key_of(what)))
      return *stored;
  auto bytes = unpack_kernel_image(paths_.image);
  if (!bytes)
    return bytes.error();
  auto image = ElfFile::open_bytes(paths_.image, std::move(*bytes));
  if (!image)
    return image.error();
  auto symbols = build_image_index(**image);
  std::span<const char> btf = (*image)->section_bytes(".BTF");
  const std::string build_id = (*image)->build_id();
  const std::array<std::pair<std::string_view, std::string_view>, 3> parts = {
      {{"symbols", symbols ? std::string_view(*symbols) : ""},
       {"btf", {btf.data(), btf.size()}},
       {"build-id", build_id}}};
  Result<IndexBytes> wanted = IndexBytes{};
  for (const auto &[part, content] : parts) {
    if (store_.save && !stamp.empty())
      store_.save(key_of(part), content);
    if (part == what)
      wanted = aligned_copy(content);
  }
  return wanted;
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debug_file.h"

#include "frontend/target/debug_index_build.h"
#include "frontend/target/elf_file.h"

#include <cstring>

namespace tapjit::target {

DebugFile::DebugFile(Paths paths, IndexStore store, unsigned threads)
    : paths_(std::move(paths)), store_(std::move(store)), threads_(threads) {}
DebugFile::~DebugFile() = default;

std::string DebugFile::build_id() {
  if (!build_id_) {
    build_id_ = "";
    if (!paths_.elf.empty())
      if (auto file = ElfFile::open(paths_.elf))
        build_id_ = (*file)->build_id();
  }
  return *build_id_;
}

static IndexBytes aligned_copy(std::string_view bytes) {
  auto words = std::make_shared<std::vector<uint64_t>>((bytes.size() + 7) / 8);
  memcpy(words->data(), bytes.data(), bytes.size());
  return {{reinterpret_cast<const char *>(words->data()), bytes.size()}, words};
}

Result<IndexBytes> DebugFile::make_index(const std::string &key) {
  Result<std::string> bytes =
      paths_.elf.empty() ? build_symbol_index(paths_.system_map) : build_debug_index(paths_.elf, threads_);
  if (!bytes)
    return bytes.error();
  if (store_.save)
    store_.save(key, *bytes);
  return aligned_copy(*bytes);
}

Result<const DebugIndex *> DebugFile::index() {
  if (index_)
    return index_.get();
  if (index_error_)
    return *index_error_;
  if (paths_.elf.empty() && paths_.system_map.empty()) {
    index_error_ = Error{"no symbols of " + paths_.what + " were found", paths_.advice};
    return *index_error_;
  }
  std::string key = "debug-index-" + std::string(IndexHeader::expected_magic, sizeof IndexHeader::expected_magic) +
                    "-" + (paths_.elf.empty() ? "symbols-" + paths_.system_map : build_id());
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
  return index_.get();
}

Result<DwarfVariables *> DebugFile::dwarf() {
  if (dwarf_)
    return dwarf_.get();
  if (paths_.elf.empty())
    return Error{"no debuginfo of " + paths_.what + " was found", paths_.advice};
  auto names = index();
  if (!names)
    return names.error();
  auto opened = DwarfVariables::open(paths_.elf, **names);
  if (!opened)
    return opened.error();
  dwarf_ = std::move(*opened);
  return dwarf_.get();
}

Result<FunctionMatches> DebugFile::code(const CodeQuery &query) {
  auto names = index();
  if (!names)
    return names.error();
  if (!finder_)
    finder_ = std::make_unique<CodeFinder>(**names, [this]() -> Dwarf * {
      auto opened = dwarf();
      return opened ? (*opened)->dwarf() : nullptr;
    });
  FunctionMatches matches = finder_->find(query);
  if (matches.without_debuginfo)
    matches.advice = paths_.advice;
  return matches;
}

} // namespace tapjit::target

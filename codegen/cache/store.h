// SPDX-License-Identifier: GPL-2.0-or-later
// A content-addressed store of files: kernel profiles, precompiled headers, runtime objects, indexes, finished modules.
// The directory is $SYSTEMTAP_DIR/cache, else $XDG_CACHE_HOME/tapjit, else ~/.cache/tapjit.
// Two processes may race: an entry appears by rename(2) and is never changed afterwards; the last writer wins, with
// equal content. An entry counts only if the effective user owns it, nobody else can write it, and its trailing
// checksum fits; a damaged or foreign one is removed and reported as absent, so that the caller builds it again. Links
// no LLVM.
#pragma once

#include "frontend/base/result.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tapjit::codegen {

// 128 bits of the hash of everything that an entry is made from; as text, 32 hex digits.
struct CacheKey {
  uint64_t high = 0;
  uint64_t low = 0;
  std::string text() const;
  bool operator==(const CacheKey &) const = default;
};

// Hashes parts in order; every part's length is hashed too, so ("ab","c") and ("a","bc") differ. The hash is SHA-256,
// cut to 128 bits.
class KeyBuilder {
public:
  KeyBuilder();
  KeyBuilder &add(std::string_view part);
  KeyBuilder &add(uint64_t number);
  // Path, size, mtime (ns) and inode of a file; a missing file is a part of its own. Costs one stat(2).
  KeyBuilder &add_file_stamp(const std::string &path);
  // The same of every regular file below `directory`, in sorted order.
  KeyBuilder &add_tree_stamp(const std::string &directory);
  CacheKey finish();

private:
  void update(const void *data, size_t size);
  void compress(const uint8_t *block);
  uint32_t state_[8];
  uint8_t block_[64];
  uint64_t total_ = 0;
};

// A read-only mapping of an entry's content (without the trailer). Movable; unmapped when destroyed.
class CacheEntry {
public:
  CacheEntry() = default;
  CacheEntry(CacheEntry &&other) noexcept;
  CacheEntry &operator=(CacheEntry &&other) noexcept;
  ~CacheEntry();
  std::string_view bytes() const { return {static_cast<const char *>(mapping_), size_}; }
  // The entry's file. Content starts at offset 0; up to 32 bytes of trailer follow it.
  const std::string &path() const { return path_; }

private:
  friend class Store;
  std::string path_;
  void *mapping_ = nullptr;
  size_t size_ = 0;
  size_t mapped_ = 0;
};

struct StoreOptions {
  std::string directory;               // empty: by the rule above
  uint64_t limit_bytes = 256ull << 20; // least recently used entries go first; the newest stays; may be passed by 1/16
  bool disabled = false;               // a private directory under $TMPDIR instead, removed with the Store
};

class Store {
public:
  // Creates the directory (mode 0700) when it is missing. Fails when it cannot be made or belongs to somebody else.
  static Result<Store> open(const StoreOptions &options = {});
  Store(Store &&) noexcept;
  Store &operator=(Store &&) = delete;
  ~Store();

  // The entry, or nothing when it is absent, damaged or not ours. `kind` is a short word such as "pch" and names the
  // sub-directory. The checksum is computed on the first get after a change of the file (by inode, size and ctime), not
  // on each.
  std::optional<CacheEntry> get(std::string_view kind, const CacheKey &key) const;
  // Stores `content` and maps it.
  Result<CacheEntry> put(std::string_view kind, const CacheKey &key, std::string_view content) const;
  // For writers that want a path (a PCH): a fresh name inside the store, then the file at that name becomes the entry.
  Result<std::string> temporary_path(std::string_view kind) const;
  Result<CacheEntry> adopt(std::string_view kind, const CacheKey &key, const std::string &temporary) const;
  void remove(std::string_view kind, const CacheKey &key) const;
  // Removes everything (stap --clean-cache).
  Result<void> clear() const;

  const std::string &directory() const { return directory_; }

private:
  Store() = default;
  bool trim_is_due(uint64_t size) const;
  void trim(const std::string &keep) const;
  std::string entry_path(std::string_view kind, const CacheKey &key) const;
  std::string directory_;
  uint64_t limit_ = 0;
  bool temporary_ = false;
};

} // namespace tapjit::codegen

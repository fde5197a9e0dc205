// SPDX-License-Identifier: GPL-2.0-or-later
// One traced file, the kernel's or a module's, with its index and its DWARF, each opened when first asked for.
#pragma once

#include "frontend/target/code_finder.h"
#include "frontend/target/dwarf_variable.h"

#include <functional>
#include <memory>
#include <span>

namespace tapjit::target {

// Bytes that stay valid and 8-byte aligned as long as `keep` lives: a mapped cache entry, or memory.
struct IndexBytes {
  std::span<const char> bytes;
  std::shared_ptr<const void> keep;
};

// Where the driver keeps indexes; `key` is unique to content and format ("debug-index-BUILDID"). Both may be empty:
// then the index is made anew.
struct IndexStore {
  std::function<std::optional<IndexBytes>(const std::string &key)> load;
  std::function<void(const std::string &key, std::string_view bytes)> save;
};

class DebugFile {
public:
  struct Paths {
    std::string what;       // "kernel 6.1.0-56-cloud-amd64", for errors
    std::string elf;        // with DWARF; empty: none is installed
    std::string system_map; // used without `elf`
    std::string advice;     // what to install
  };
  DebugFile(Paths paths, IndexStore store, unsigned threads);
  ~DebugFile();

  const Paths &paths() const { return paths_; }
  std::string build_id();
  Result<const DebugIndex *> index();
  Result<DwarfVariables *> dwarf();
  Result<FunctionMatches> code(const CodeQuery &query);

private:
  Result<IndexBytes> make_index(const std::string &key);
  Paths paths_;
  IndexStore store_;
  unsigned threads_;
  std::optional<std::string> build_id_;
  IndexBytes index_bytes_;
  std::optional<Error> index_error_;
  std::unique_ptr<DebugIndex> index_;
  std::unique_ptr<DwarfVariables> dwarf_;
  std::unique_ptr<CodeFinder> finder_;
};

} // namespace tapjit::target

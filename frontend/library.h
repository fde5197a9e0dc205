// SPDX-License-Identifier: GPL-2.0-or-later
// Library: the tapset directories. Knows which file defines which name, from an index made by a fast scan that can be
// kept between runs, and parses a file only when one of its names is needed.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"
#include "frontend/parse.h"

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace tapjit {

// What one tapset file defines at top level.
struct LibraryFile {
  std::string path;
  int64_t mtime_ns = 0;
  int64_t size = 0;
  bool is_macros = false; // .stpm
  std::vector<std::string> functions;
  std::vector<std::string> globals;
  std::vector<std::string> aliases; // dotted names: "syscall.read"
};

// The subdirectories of a tapset directory that hold scripts for the runtime, kernel and architecture of `options`, the
// most specific one first: `linux/6.1.0-9-amd64/x86_64`, `linux/6.1.0-9-amd64`, ... `linux/6.1`, ... `linux`, the same
// without `linux/` (`dyninst/` for the user runtime), and last "", the directory itself.
std::vector<std::string> library_subdirectories(const ParseOptions &options);

class Library {
public:
  Library(SourceTable &sources, ParseOptions options);
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  // Takes an index that save_index() gave; entries whose file changed since are scanned again by add_directory().
  // Damaged bytes are ignored.
  void load_index(std::string_view bytes);
  // The index of all directories added so far.
  std::string save_index() const;
  // Whether add_directory() scanned a file that the loaded index did not answer for, so that saving is worth while.
  bool index_changed() const;

  // Adds the *.stp and *.stpm in `directory` and in those of its subdirectories that library_subdirectories() names; no
  // other subdirectory is read, and no file twice. Where two files define a name, the one added first goes first.
  Result<void> add_directory(const std::string &directory);
  // Adds one tapset text that is no file (tests, built-in texts).
  void add_text(std::string name, std::string text);

  // The files that define functions of the name, or the first one that defines a global of the name (else null); parsed
  // on the first question.
  std::vector<const ast::File *> files_of_function(std::string_view name, Diagnostics &diagnostics);
  const ast::File *file_of_global(std::string_view name, Diagnostics &diagnostics);
  // All files with an alias that the point, or the beginning of the point, may name; components may hold `*`.
  std::vector<const ast::File *> files_of_aliases(std::span<const ast::PointComponent> point, Diagnostics &diagnostics);

  // Where the texts of the library, and of the scripts that use it, are.
  SourceTable &sources();

  // For did-you-mean.
  std::vector<std::string_view> function_names() const;
  std::vector<std::string_view> global_names() const;
  std::vector<std::string_view> alias_names() const;

  // The macros of all .stpm files, parsed on the first call.
  const MacroTable &macros(Diagnostics &diagnostics);

private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

} // namespace tapjit

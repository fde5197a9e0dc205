// SPDX-License-Identifier: GPL-2.0-or-later
// One traced file, the kernel's or a module's, with its index, its DWARF and its BTF, each opened when first asked for.
#pragma once

#include "frontend/target/btf_variable.h"
#include "frontend/target/code_finder.h"
#include "frontend/target/debuginfo_finder.h"
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

// The file with the DWARF of a build-id, from elsewhere; `what` is for messages. The error says who was asked, and what
// the answer was.
using DebugServer = std::function<Result<std::string>(const std::string &build_id, const std::string &what)>;

// A file by its place, time and size.
std::string stamp_of(const std::string &path);

class DebugFile {
public:
  struct Paths {
    std::string what;                  // "kernel 6.1.0-56-cloud-amd64", for errors
    std::string elf;                   // the file; if its DWARF is in another one, that is looked for; empty: none
    std::string system_map;            // used without `elf`
    std::string advice;                // what to install
    SearchPlaces places = {};          // where that other file may be
    DebugServer server = {};           // whom to ask for it when it is in none of them
    std::string running_id = {};       // of the running kernel: its build-id, which `elf` is to have
    std::string image = {};            // bootable kernel: its symbols and BTF are used without `elf`
    std::vector<std::string> btf = {}; // ELF files that may have BTF; used before that of `image`
    std::string running_btf = {};      // BTF as it is, of the running kernel; used when there is no other
    std::string kallsyms = {};         // the running kernel's list of its symbols; used when there is no other
    bool prefer_btf = false;           // where there is DWARF, too
    DebugFile *kernel = nullptr;       // of a module: its BTF needs that of the kernel
  };
  DebugFile(Paths paths, IndexStore store, unsigned threads);
  ~DebugFile();

  const Paths &paths() const { return paths_; }
  // Whom to ask from now on.
  void set_server(DebugServer server) { paths_.server = std::move(server); }
  std::string build_id();
  // Symbols, and what DWARF says if that is on this machine.
  Result<const DebugIndex *> index();
  // These ask the server as well.
  Result<DwarfVariables *> dwarf();
  bool has_dwarf();
  // The line table of its code (line_table.h). Asks the server, too.
  Result<IndexBytes> line_table();
  // nullptr: there is none.
  const BtfVariables *btf();
  // BTF answers what it and DWARF know both.
  bool uses_btf() { return (paths_.prefer_btf || !has_dwarf()) && btf(); }
  Result<FunctionMatches> code(const CodeQuery &query);
  // Sets anchor_symbol and anchor of a site whose symbol is not the only one of its name.
  void add_anchor(FunctionSite &site);
  // The first symbol of a section that is the only one of its name, with its address.
  std::optional<std::pair<std::string, uint64_t>> anchor_in(std::string_view section, bool of_code);

private:
  // `what` is "symbols", "btf" or "build-id" of the bootable image.
  Result<IndexBytes> from_image(std::string_view what);
  Result<IndexBytes> find_btf();
  Result<ElfFacts> facts();
  void find_dwarf_here();
  void ask_for_dwarf();
  Result<DwarfVariables *> dwarf_here();
  std::string identity();
  Result<IndexBytes> make_index(const std::string &key);
  Paths paths_;
  IndexStore store_;
  unsigned threads_;
  bool was_sought_ = false;
  bool has_dwarf_ = false; // paths_.elf, without a look into its index
  bool is_stripped_ = false;
  std::string asked_id_; // not empty: no file here has this build-id and DWARF, and no server was asked for it yet
  std::optional<std::string> build_id_;
  IndexBytes index_bytes_;
  std::optional<Error> index_error_;
  std::unique_ptr<DebugIndex> index_;
  // The index that there was before a server was asked, for what was found with it.
  std::unique_ptr<DebugIndex> first_index_;
  IndexBytes first_index_bytes_;
  std::unique_ptr<DwarfVariables> dwarf_;
  std::unique_ptr<CodeFinder> finder_;
  IndexBytes btf_bytes_;
  std::unique_ptr<BtfVariables> btf_;
  bool btf_was_sought_ = false;
};

} // namespace tapjit::target

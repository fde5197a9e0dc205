// SPDX-License-Identifier: GPL-2.0-or-later
// Declarations: what the files that were read so far declare, and who may see it. A name that no file declares is
// looked for in the library, which brings in the whole file that defines it.
#pragma once

#include "frontend/ast.h"
#include "frontend/base/diagnostics.h"
#include "frontend/library.h"

#include <deque>
#include <span>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tapjit {

struct FunctionRef {
  const ast::FunctionDecl *decl = nullptr;
  const ast::File *file = nullptr;
  Loc loc;
  bool from_script = false;
};
struct GlobalRef {
  const ast::GlobalDecl *decl = nullptr;
  const ast::File *file = nullptr;
  Loc loc;
  bool from_script = false;
};
struct AliasRef {
  const ast::AliasDecl *decl = nullptr;
  const ast::File *file = nullptr;
  const ast::ProbePoint *name = nullptr; // the one of decl->names
};
struct ProbeRef {
  const ast::ProbeDecl *decl = nullptr;
  const ast::File *file = nullptr;
};
struct EmbeddedRef {
  std::string_view code;
  Loc loc;
  bool from_script = false;
};

class Declarations {
public:
  Declarations(Library &library, Diagnostics &diagnostics) : library_(library), diagnostics_(diagnostics) {}

  // Takes in all that a file declares; a file that was taken in before is skipped.
  void add_file(const ast::File &file, bool from_script);

  // The functions called `name` with `arity` parameters that `file` sees. The library is asked when no script has one,
  // and the first of its files that has one gives them all. When there is none: those of another arity.
  std::vector<FunctionRef> functions(const ast::File &file, Name name, size_t arity);
  // The global that `file` sees; decl is null when there is none. A tapset file does not see those of the user's
  // scripts.
  GlobalRef global(const ast::File &file, Name name);
  // The aliases that the point may name, in the order of their declarations, after the library was asked for them. The
  // first component of each is the point's, or matches it.
  std::vector<AliasRef> aliases_for(std::span<const ast::PointComponent> point);

  // Plain probes of files taken in since the last call, in order.
  std::vector<ProbeRef> take_new_probes();

  const std::vector<FunctionRef> &script_functions() const { return script_functions_; }
  const std::vector<GlobalRef> &script_globals() const { return script_globals_; }
  const std::vector<EmbeddedRef> &embedded() const { return embedded_; }
  const std::vector<AliasRef> &aliases() const { return aliases_; }
  Library &library() { return library_; }
  // The nearest visible function name, for a hint; empty if none is near.
  std::string nearest_function(std::string_view name) const;

private:
  struct Private {
    std::unordered_map<Name, std::vector<FunctionRef>> functions;
    std::unordered_map<Name, GlobalRef> globals;
  };
  void add_function(const ast::File &file, const ast::FunctionDecl &decl, Loc loc, bool from_script);
  const ast::File *library_file(Name name, size_t arity);
  void add_global(const ast::File &file, const ast::GlobalDecl &decl, Loc loc, bool from_script);

  Library &library_;
  Diagnostics &diagnostics_;
  std::unordered_set<const ast::File *> files_;
  std::unordered_set<const ast::File *> script_files_; // of them, the user's
  std::unordered_map<Name, std::vector<FunctionRef>> functions_;
  std::unordered_map<Name, GlobalRef> globals_;
  std::unordered_map<const ast::File *, Private> private_;
  std::vector<AliasRef> aliases_;
  std::unordered_map<std::string_view, std::vector<size_t>> aliases_by_first_; // component; the names live in files
  std::vector<ProbeRef> new_probes_;
  std::vector<FunctionRef> script_functions_;
  std::vector<GlobalRef> script_globals_;
  std::vector<EmbeddedRef> embedded_;
};

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Leaves out of an alias's text what its user does not read: `argstr = ...` of a syscall costs nothing, and cannot fail
// to resolve, in a probe that prints only `name`. Works on clones before target variables and names are looked at, so
// that what is left out asks for no variable, function or file.
#pragma once

#include "frontend/passes/declarations.h"

#include <unordered_map>
#include <vector>

namespace tapjit {

// One piece of a handler's text.
struct Piece {
  ast::Stmt *stmt;
  const ast::File *file;
  bool from_alias; // may be pruned
  size_t depth;    // of aliases between this and the script's own body, which is at 0
};

class Pruner {
public:
  Pruner(Arena &arena, Declarations &declarations) : arena_(arena), declarations_(declarations) {}

  // Removes from the alias pieces assignments to locals that nothing reads, where the value has no other effect; and
  // what becomes empty by that.
  void prune(std::vector<Piece> &blocks);

private:
  using Reads = std::unordered_map<Name, int>;
  void count(ast::Stmt &stmt, Reads &reads, int step);
  void count(ast::Expr &expr, Reads &reads, int step);
  bool prune(ast::Stmt *&stmt, const ast::File &file, Reads &reads);
  bool removable(ast::Stmt &stmt, const ast::File &file, const Reads &reads);
  bool has_effect(const ast::Expr &expr, const ast::File &file);
  bool has_effect(const FunctionRef &ref);
  bool is_global(Name name, const ast::File &file);

  Arena &arena_;
  Declarations &declarations_;
  std::unordered_map<const ast::FunctionDecl *, bool> effects_;
};

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// Names to globals, locals and functions. Requires: target variables resolved (so that folded branches ask for
// nothing).
#pragma once

#include "frontend/passes/instances.h"

#include <unordered_map>

namespace tapjit {

// How many keys each global is used with so far, by GlobalId; -1 = not known yet, 0 = a scalar.
struct GlobalArity {
  int keys = -1;
  Loc loc; // where that was seen
};

// What the user may do, and so which functions of embedded C a script may call.
struct Rights {
  bool guru = false;
  std::string privilege = "stapdev";
};

class NameResolver {
public:
  NameResolver(Program &program, Declarations &declarations, Instances &instances, Rights rights, SourceTable &sources,
               Diagnostics &diagnostics)
      : program_(program), declarations_(declarations), instances_(instances), rights_(std::move(rights)),
        sources_(sources), diagnostics_(diagnostics) {}

  // Binds a piece of body. `locals` belongs to its handler or function and grows; `file` is whose private names it
  // sees.
  void bind(ast::Stmt &stmt, const ast::File &file, std::vector<Local> &locals, HandlerIndex handler,
            size_t parameters = 0);
  // A condition of a probe point: globals only, no calls.
  void bind_condition(ast::Expr &expr, const ast::File &file);
  // The globals that embedded C names in pragmas.
  void bind_embedded(FunctionInfo &function, const ast::File &file);
  void bind_pragmas(std::string_view code, std::string_view marker, Loc loc, const ast::File &file,
                    std::vector<ast::GlobalId> &ids);
  // After all bodies: gives each global its key count, and reports those that cannot be.
  void finish();
  // When types are known: embedded C has scalars and arrays of values only.
  void check_embedded();

private:
  struct Scope {
    const ast::File *file;
    std::vector<Local> *locals; // null in a condition
    HandlerIndex handler;
    size_t parameters = 0;                                     // the first locals, which hide globals of their names
    std::unordered_map<Name, uint32_t> *local_index = nullptr; // of `locals`, the first of each name
  };
  void statement(ast::Stmt &stmt, const Scope &scope);
  void expression(ast::Expr &expr, const Scope &scope);
  void delete_whole(ast::Expr &target, const Scope &scope);
  void variable(ast::Expr &expr, const Scope &scope, bool is_value);
  void array(ast::Expr &expr, const Scope &scope, int keys);
  void call(ast::Expr &expr, const Scope &scope);
  void check_rights(const FunctionRef &ref, Loc loc, const Scope &scope);
  void stat_operand(ast::Expr &expr, std::string_view word, const Scope &scope);
  void set_arity(GlobalId id, int keys, Loc loc);
  GlobalId find_global(Name name, const Scope &scope);

  Program &program_;
  Declarations &declarations_;
  Instances &instances_;
  Rights rights_;
  SourceTable &sources_;
  Diagnostics &diagnostics_;
  std::vector<GlobalArity> arity_;
  std::vector<std::pair<ast::GlobalId, Loc>> embedded_uses_; // of the globals that pragmas name
};

} // namespace tapjit

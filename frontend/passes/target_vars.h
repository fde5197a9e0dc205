// SPDX-License-Identifier: GPL-2.0-or-later
// Target variables: asks the site's family where each `$x` is, folds `@defined` and what depends on it, makes strings
// of `$$vars`, and keeps for return probes what must be read at the function's entry. Works on a clone, before names
// are bound, so that a branch folded away asks for nothing.
#pragma once

#include "frontend/base/diagnostics.h"
#include "frontend/passes/instances.h"
#include "frontend/program.h"

#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace tapjit {

struct TargetOptions {
  bool guru = false;
  bool skip_badvars = false;
  bool in_functions = true; // functions may use `$x` (--compatible 4.3 and later)
};

class TargetResolver {
public:
  TargetResolver(Program &program, Declarations &declarations, const ProbeFamilies &families,
                 const TargetOptions &options, SourceTable &sources, Diagnostics &diagnostics)
      : program_(program), declarations_(declarations), families_(families), options_(options), sources_(sources),
        diagnostics_(diagnostics) {}

  // Resolves all of a body. `handler` says at which site (no_handler: none); `function` is whose body it is, invalid
  // for the handler's own. `file` is where the text stands; `trusted`: a tapset's, which may write without guru mode.
  void resolve(ast::Stmt *&body, const ast::File &file, HandlerIndex handler, FunctionId function, bool trusted);
  // Resolves what hangs on the type of a variable that is assigned elsewhere: later, or a global in another body. After
  // all bodies.
  void settle_types();
  // Reports the variables that could not be resolved and the `@entry`s outside of return probes, where they are still
  // part of a body: what the passes in between left out needs no variable.
  void report_unresolved();

private:
  struct Unresolved {
    TargetAnswer answer;
    Range user; // the probe that it is for, where that does not go without saying
    bool in_function = false;
    bool here = false; // there are target variables at that place
  };

  // What a script expression is known to point to.
  using Types = std::unordered_map<Name, target::ValueType>;
  // A member of something whose type is not known yet, or an assignment of such a value, with where it stands.
  struct Pending {
    ast::Expr *expr; // Target, EnumName or Assign
    bool written = false;
    HandlerIndex handler;
    FunctionId function;
    bool trusted, in_entry;
    const ast::File *file;
    std::shared_ptr<Types> types;
  };

  void statement(ast::Stmt *&stmt);
  // Rewrites the expression; true when it became a constant because of `@defined`.
  bool expression(ast::Expr *&expr);
  bool logical(ast::Expr *&expr);
  bool conditional(ast::Expr *&expr);
  bool is_defined(ast::Expr &expr);
  void target(ast::Expr *&expr, bool written);
  void group(ast::Expr *&expr);
  void pretty(ast::Expr *&expr, const TargetAnswer &answer);
  void use(ast::Expr &expr, target::VarAccess access, bool written);
  void entry(ast::Expr *&expr);
  EnumAnswer enumerators(const ast::EnumName &node);
  void enum_name(ast::Expr &expr);
  void fill_enum(ast::Expr &expr);
  void report_enum(const ast::Expr &expr, const std::string &reason);
  void writing(ast::Expr *&target);
  TargetAnswer ask(const ast::Expr &expr, bool written);
  const target::ValueType *value_type(const ast::Expr &expr);
  const target::ValueType *variable_type(Name name);
  bool settle(const Pending &pending);
  void wait(ast::Expr &expr, bool written);
  const target::ValueType *call_type(const ast::Call &call);
  const target::ValueType *returned_type(const FunctionRef &function);
  void note_assignment(const ast::Assign &assign);
  void unresolved(ast::Expr *&expr, TargetAnswer answer);
  void report(const ast::Expr &expr, const Unresolved &problem);
  ast::Expr *make_entry(ast::Expr *operand);
  ast::Expr *number(const ast::Expr &from, int64_t value);
  std::vector<TargetUse> &uses();
  TargetContextId context() const;
  bool is_return() const;

  Program &program_;
  Declarations &declarations_;
  const ProbeFamilies &families_;
  TargetOptions options_;
  SourceTable &sources_;
  Diagnostics &diagnostics_;

  // Of the body being resolved.
  HandlerIndex handler_ = no_handler;
  FunctionId function_;
  bool trusted_ = false;
  bool in_entry_ = false; // below an @entry: uses belong to the handler
  const ast::File *file_ = nullptr;
  std::shared_ptr<Types> types_ = std::make_shared<Types>(); // of locals, by the assignments seen so far
  std::unordered_map<const ast::GlobalDecl *, target::ValueType> global_types_;
  std::vector<Pending> pending_;
  std::unordered_map<const ast::FunctionDecl *, target::ValueType> function_types_; // Unknown: none, or not known yet
  std::unordered_map<const ast::Expr *, target::ValueType> cast_types_;             // of what is not resolved
  std::unordered_map<HandlerIndex, std::unordered_map<std::string, EntryId>> entries_;
  std::unordered_map<const ast::Expr *, Unresolved> unresolved_;
  std::unordered_set<const ast::Expr *> unknown_enums_; // of values whose type is not known
};

} // namespace tapjit

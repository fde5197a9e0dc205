// SPDX-License-Identifier: GPL-2.0-or-later
// Instances: the functions and globals of a Program, made when something first needs them. What nothing needs is never
// made, which is how unused tapset code is left out.
#pragma once

#include "frontend/passes/declarations.h"
#include "frontend/program.h"

#include <unordered_map>
#include <vector>

namespace tapjit {

// The handler whose target variables a function sees; no_handler for a function that uses none and is shared by all.
using HandlerIndex = uint32_t;
constexpr HandlerIndex no_handler = UINT32_MAX;

class Instances {
public:
  struct Pending {
    FunctionId function;
    FunctionRef ref;
    HandlerIndex handler;
  };

  Instances(Program &program, Declarations &declarations, SourceTable &sources)
      : program_(program), declarations_(declarations), sources_(sources) {}

  // The first of the overloads with these declarations (all of one name and arity), for calls out of `handler`.
  FunctionId function(std::vector<FunctionRef> overloads, HandlerIndex handler);
  GlobalId global(const GlobalRef &ref);
  // Functions made since the last call, whose bodies are clones that nothing has looked into yet.
  std::vector<Pending> take_pending();
  // Whether a function's body, or what it calls, uses target variables or `@entry`.
  bool uses_targets(const FunctionRef &ref);
  bool uses_targets(const ast::Stmt &body, const ast::File &file);
  bool uses_targets(const ast::Expr &expr, const ast::File &file);

private:
  FunctionId make_function(const FunctionRef &ref, HandlerIndex handler);
  std::string unique(std::unordered_map<std::string, uint32_t> &used, std::string_view name);
  bool expr_uses_targets(ast::Expr &expr, const ast::File &file, bool &found);

  Program &program_;
  Declarations &declarations_;
  SourceTable &sources_;
  struct Key {
    const ast::FunctionDecl *decl;
    HandlerIndex handler;
    bool operator==(const Key &) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key &key) const {
      return std::hash<const void *>()(key.decl) ^ key.handler * size_t{0x9e3779b97f4a7c15};
    }
  };
  std::unordered_map<Key, FunctionId, KeyHash> functions_;
  std::unordered_map<const ast::GlobalDecl *, GlobalId> globals_;
  std::unordered_map<const ast::FunctionDecl *, bool> uses_targets_;
  std::unordered_map<std::string, uint32_t> function_names_, global_names_;
  std::vector<Pending> pending_;
};

} // namespace tapjit

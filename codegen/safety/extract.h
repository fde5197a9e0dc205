// SPDX-License-Identifier: GPL-2.0-or-later
// Private to codegen/safety: the functions to look at, and what the checks share.
#pragma once

#include "codegen/safety/safety.h"

#include <llvm/IR/Function.h>
#include <llvm/IR/InstrTypes.h>
#include <set>

namespace tapjit::codegen {

enum class AllowedWhere : uint8_t { Handler, Session, Setup };
struct AllowedCall {
  const char *name;
  AllowedWhere where;
  const char *reason;
};
// The row of allowed_calls.def, or null.
const AllowedCall *find_allowed_call(llvm::StringRef name);
// Whether a row lets handlers call it.
inline bool handler_may_call(const AllowedCall *row) { return row && row->where != AllowedWhere::Setup; }
// The reason why this inline assembly is fine, or null.
const char *find_allowed_asm(llvm::StringRef text);

// Everything a check reads and the report that it writes.
struct SafetyRun {
  llvm::Module &module;
  const ContextLayout &layout;
  const Summaries &runtime;
  SafetyReport report;
  std::set<const llvm::Function *> functions; // that can run in a handler

  void finding(Property property, const llvm::Function &function, const llvm::Instruction *at, std::string observed);
  void proof(Property property, const llvm::Function &function, const llvm::Instruction *at, std::string reason);
};

// The function that is called, by whatever prototype; null for a call through a pointer and for inline assembly.
inline const llvm::Function *called_function(const llvm::CallBase &call) {
  return llvm::dyn_cast<llvm::Function>(call.getCalledOperand()->stripPointerCasts());
}

// Functions that this one calls or whose address it takes, inside the module.
std::set<const llvm::Function *> direct_references(const llvm::Function &function);
// All functions reachable from `roots`.
std::set<const llvm::Function *> reachable(std::set<const llvm::Function *> roots);

// The functions of a unit that can run in a handler: all that something else than load and unload reaches.
std::set<const llvm::Function *> handler_functions(const llvm::Module &module);

void check_loops(SafetyRun &run);
void check_calls(SafetyRun &run);

} // namespace tapjit::codegen

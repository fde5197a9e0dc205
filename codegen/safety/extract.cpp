// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/safety/extract.h"

#include <llvm/IR/Constants.h>
#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>

namespace tapjit::codegen {

namespace {

// Load and unload: process context, may sleep. Everything else of a unit counts as handler code.
constexpr const char *setup_roots[] = {"tap_globals_init", "tap_globals_exit", "init_module", "cleanup_module",
                                       "tap_user_main"};

void add_constant_references(const llvm::Constant &constant, std::set<const llvm::Function *> &found,
                             std::set<const llvm::Constant *> &seen) {
  if (!seen.insert(&constant).second)
    return;
  if (auto *function = llvm::dyn_cast<llvm::Function>(&constant))
    found.insert(function);
  for (const llvm::Use &use : constant.operands())
    if (auto *inner = llvm::dyn_cast<llvm::Constant>(use.get()); inner && !llvm::isa<llvm::GlobalVariable>(inner))
      add_constant_references(*inner, found, seen);
}

// The script's line: of the locations that the instruction was inlined through, the innermost in a script (#line), else
// the outermost.
void set_position(const llvm::Instruction *at, std::string &file, unsigned &line) {
  const llvm::DILocation *location = at ? at->getDebugLoc().get() : nullptr;
  for (; location; location = location->getInlinedAt()) {
    llvm::StringRef name = location->getFilename();
    file = name.str();
    line = location->getLine();
    if (!name.ends_with(".c") && !name.ends_with(".h"))
      return;
  }
}

} // namespace

static std::vector<std::string> scopes_of(const llvm::Function &function, const llvm::Instruction *at) {
  std::vector<std::string> scopes;
  const llvm::DILocation *location = at ? at->getDebugLoc().get() : nullptr;
  for (; location && location->getInlinedAt(); location = location->getInlinedAt())
    if (const llvm::DISubprogram *scope = location->getScope()->getSubprogram())
      scopes.push_back(scope->getName().str());
  scopes.push_back(function.getName().str());
  return scopes;
}

void SafetyRun::finding(Property property, const llvm::Function &function, const llvm::Instruction *at,
                        std::string observed) {
  Finding finding{property, function.getName().str(), "", 0, std::move(observed), scopes_of(function, at)};
  set_position(at, finding.file, finding.line);
  report.findings.push_back(std::move(finding));
}

void SafetyRun::proof(Property property, const llvm::Function &function, const llvm::Instruction *at,
                      std::string reason) {
  Proof proof{property, function.getName().str(), "", 0, std::move(reason)};
  set_position(at, proof.file, proof.line);
  report.proofs.push_back(std::move(proof));
}

std::set<const llvm::Function *> direct_references(const llvm::Function &function) {
  std::set<const llvm::Function *> found;
  std::set<const llvm::Constant *> seen;
  for (const llvm::Instruction &instruction : llvm::instructions(function))
    for (const llvm::Use &use : instruction.operands())
      if (auto *constant = llvm::dyn_cast<llvm::Constant>(use.get()))
        add_constant_references(*constant, found, seen);
  return found;
}

std::set<const llvm::Function *> reachable(std::set<const llvm::Function *> roots) {
  std::vector<const llvm::Function *> work(roots.begin(), roots.end());
  while (!work.empty()) {
    const llvm::Function *function = work.back();
    work.pop_back();
    for (const llvm::Function *next : direct_references(*function))
      if (!next->isDeclaration() && roots.insert(next).second)
        work.push_back(next);
  }
  return roots;
}

std::set<const llvm::Function *> handler_functions(const llvm::Module &module) {
  std::set<const llvm::Function *> setup;
  bool kernel = module.getFunction("init_module");
  for (const char *name : setup_roots)
    if (const llvm::Function *function = module.getFunction(name);
        function && !function->isDeclaration() && !(kernel && function->getName() == "tap_user_main"))
      setup.insert(function);
  // A function that only setup code names is setup code; one that a table or a handler names is not.
  std::set<const llvm::Function *> setup_reach = reachable(setup);
  std::set<const llvm::Function *> roots;
  for (const llvm::Function &function : module) {
    if (function.isDeclaration() || setup.count(&function))
      continue;
    bool named_elsewhere = !setup_reach.count(&function);
    for (const llvm::Use &use : function.uses()) {
      auto *call = llvm::dyn_cast<llvm::CallBase>(use.getUser());
      if (!call || !call->isCallee(&use))
        named_elsewhere = true; // a table, or an address that setup code gives away
    }
    if (named_elsewhere)
      roots.insert(&function);
  }
  return reachable(roots);
}

} // namespace tapjit::codegen

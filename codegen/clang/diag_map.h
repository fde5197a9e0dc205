// SPDX-License-Identifier: GPL-2.0-or-later
// Collects the messages of Clang (front end) and of LLVM (code generation, inline assembly) as CompilerMessage. Nothing
// is printed. Included by driver.cpp and diag_map.cpp only.
#pragma once

#include "codegen/clang/driver.h"

#include "clang/Basic/Diagnostic.h"
#include "llvm/IR/DiagnosticHandler.h"

namespace clang {
class SourceManager;
}

namespace tapjit::codegen {

class MessageCollector : public clang::DiagnosticConsumer {
public:
  explicit MessageCollector(std::vector<CompilerMessage> &messages) : messages_(messages) {}
  void HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic &diagnostic) override;

private:
  std::vector<CompilerMessage> &messages_;
};

// For an LLVMContext. `sources` may be null; where it is not, the cookie that Clang leaves on inline assembly becomes a
// position.
class BackendMessageCollector : public llvm::DiagnosticHandler {
public:
  BackendMessageCollector(std::vector<CompilerMessage> &messages, const clang::SourceManager *sources)
      : messages_(messages), sources_(sources) {}
  bool handleDiagnostics(const llvm::DiagnosticInfo &info) override;

private:
  std::vector<CompilerMessage> &messages_;
  const clang::SourceManager *sources_;
};

} // namespace tapjit::codegen

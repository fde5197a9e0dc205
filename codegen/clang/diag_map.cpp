// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/clang/diag_map.h"

#include "clang/Basic/SourceManager.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/IR/DiagnosticInfo.h"
#include "llvm/IR/DiagnosticPrinter.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/raw_ostream.h"

namespace tapjit::codegen {
namespace {

void place(CompilerMessage &message, clang::SourceLocation location, const clang::SourceManager &sources) {
  if (!location.isValid())
    return;
  clang::PresumedLoc presumed = sources.getPresumedLoc(sources.getFileLoc(location));
  if (!presumed.isValid())
    return;
  message.file = presumed.getFilename();
  message.line = presumed.getLine();
  message.column = presumed.getColumn();
}

} // namespace

void MessageCollector::HandleDiagnostic(clang::DiagnosticsEngine::Level level, const clang::Diagnostic &diagnostic) {
  using Severity = CompilerMessage::Severity;
  clang::DiagnosticConsumer::HandleDiagnostic(level, diagnostic);
  if (level <= clang::DiagnosticsEngine::Ignored || level == clang::DiagnosticsEngine::Remark)
    return;
  CompilerMessage message{Severity::Error, {}, 0, 0, {}};
  if (level == clang::DiagnosticsEngine::Note)
    message.severity = Severity::Note;
  else if (level == clang::DiagnosticsEngine::Warning)
    message.severity = Severity::Warning;
  llvm::SmallString<128> text;
  diagnostic.FormatDiagnostic(text);
  message.text = text.str();
  if (diagnostic.hasSourceManager())
    place(message, diagnostic.getLocation(), diagnostic.getSourceManager());
  messages_.push_back(std::move(message));
}

bool BackendMessageCollector::handleDiagnostics(const llvm::DiagnosticInfo &info) {
  using Severity = CompilerMessage::Severity;
  if (info.getSeverity() == llvm::DS_Remark || info.getSeverity() == llvm::DS_Note)
    return true;
  CompilerMessage message{info.getSeverity() == llvm::DS_Error ? Severity::Error : Severity::Warning, {}, 0, 0, {}};
  unsigned cookie = 0;
  if (const auto *assembly = llvm::dyn_cast<llvm::DiagnosticInfoInlineAsm>(&info)) {
    cookie = static_cast<unsigned>(assembly->getLocCookie());
  } else if (const auto *source = llvm::dyn_cast<llvm::DiagnosticInfoSrcMgr>(&info)) {
    cookie = static_cast<unsigned>(source->getLocCookie());
    message.text = "inline assembly: " + source->getSMDiag().getMessage().str();
  } else if (const auto *call = llvm::dyn_cast<llvm::DiagnosticInfoDontCall>(&info)) {
    cookie = static_cast<unsigned>(call->getLocCookie());
    message.text = "call to `" + call->getFunctionName().str() + "`: " + call->getNote().str();
  }
  if (message.text.empty()) {
    llvm::raw_string_ostream stream(message.text);
    llvm::DiagnosticPrinterRawOStream printer(stream);
    info.print(printer);
  }
  if (cookie && sources_)
    place(message, clang::SourceLocation::getFromRawEncoding(cookie), *sources_);
  messages_.push_back(std::move(message));
  return true;
}

} // namespace tapjit::codegen

// SPDX-License-Identifier: GPL-2.0-or-later
// ORC with its own linker and nothing else: no LLJIT (which detects the host, makes a compiler and a platform), no
// search of this process's symbols, work done on the calling thread.
#include "codegen/jit/jit.h"

#include "llvm/ExecutionEngine/JITLink/JITLinkMemoryManager.h"
#include "llvm/ExecutionEngine/Orc/Core.h"
#include "llvm/ExecutionEngine/Orc/ExecutorProcessControl.h"
#include "llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h"
#include "llvm/Support/MemoryBuffer.h"

namespace tapjit::codegen {
namespace {

namespace orc = llvm::orc;

std::string text_of(llvm::Error error) { return llvm::toString(std::move(error)); }

} // namespace

struct JitProgram::State {
  std::unique_ptr<orc::ExecutionSession> session;
  std::unique_ptr<orc::ObjectLinkingLayer> layer;
  orc::JITDylib *library = nullptr;
  std::vector<std::string> reported;

  ~State() {
    if (session)
      llvm::consumeError(session->endSession());
  }
};

JitProgram::JitProgram(std::unique_ptr<State> state) : state_(std::move(state)) {}
JitProgram::JitProgram(JitProgram &&) noexcept = default;
JitProgram &JitProgram::operator=(JitProgram &&) noexcept = default;
JitProgram::~JitProgram() = default;

Result<void *> JitProgram::address(std::string_view name) const {
  orc::JITDylibSearchOrder order = {{state_->library, orc::JITDylibLookupFlags::MatchAllSymbols}};
  auto symbol = state_->session->lookup(order, state_->session->intern(llvm::StringRef(name)));
  if (!symbol)
    return Error{"the program has no `" + std::string(name) + "`: " + text_of(symbol.takeError()), {}};
  return symbol->getAddress().toPtr<void *>();
}

Result<JitProgram> jit_load(const std::vector<std::string_view> &objects, const std::vector<JitImport> &imports,
                            const std::vector<std::string_view> &entries) {
  auto control = orc::SelfExecutorProcessControl::Create(nullptr, std::make_unique<orc::InPlaceTaskDispatcher>());
  if (!control)
    return Error{"cannot set up the linker: " + text_of(control.takeError()), {}};
  auto state = std::make_unique<JitProgram::State>();
  state->session = std::make_unique<orc::ExecutionSession>(std::move(*control));
  // ORC reports causes here and returns "failed to materialize" only.
  state->session->setErrorReporter(
      [reported = &state->reported](llvm::Error error) { reported->push_back(text_of(std::move(error))); });
  state->layer = std::make_unique<orc::ObjectLinkingLayer>(*state->session);
  state->library = &state->session->createBareJITDylib("tapjit");
  orc::SymbolMap table;
  for (const JitImport &import : imports)
    table[state->session->intern(llvm::StringRef(import.name))] = {orc::ExecutorAddr::fromPtr(import.address),
                                                                   llvm::JITSymbolFlags::Exported};
  auto cause = [&state](llvm::Error error) {
    std::string text = text_of(std::move(error));
    for (const std::string &each : state->reported)
      text += "; " + each;
    return Error{"cannot link the program: " + text, {}};
  };
  if (auto error = state->library->define(orc::absoluteSymbols(std::move(table))))
    return cause(std::move(error));
  for (std::string_view object : objects)
    if (auto error = state->layer->add(*state->library,
                                       llvm::MemoryBuffer::getMemBuffer(llvm::StringRef(object), "tapjit", false)))
      return cause(std::move(error));
  orc::JITDylibSearchOrder order = {{state->library, orc::JITDylibLookupFlags::MatchAllSymbols}};
  orc::SymbolLookupSet wanted;
  for (std::string_view entry : entries)
    wanted.add(state->session->intern(llvm::StringRef(entry)));
  if (auto found = state->session->lookup(order, wanted); !found)
    return cause(found.takeError());
  return JitProgram(std::move(state));
}

} // namespace tapjit::codegen

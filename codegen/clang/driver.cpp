// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/clang/driver.h"

#include "codegen/clang/diag_map.h"

#include "clang/AST/ASTConsumer.h"
#include "clang/AST/ASTContext.h"
#include "clang/Basic/SourceManager.h"
#include "clang/Basic/TargetInfo.h"
#include "clang/Basic/TargetOptions.h"
#include "clang/Basic/Version.h"
#include "clang/CodeGen/BackendUtil.h"
#include "clang/CodeGen/ModuleBuilder.h"
#include "clang/Frontend/CompilerInstance.h"
#include "clang/Frontend/CompilerInvocation.h"
#include "clang/Frontend/FrontendActions.h"
#include "clang/Frontend/Utils.h"
#include "clang/Lex/PreprocessorOptions.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Bitcode/BitcodeWriter.h"
#include "llvm/IR/Constants.h"
#include "llvm/IR/GlobalVariable.h"
#include "llvm/IR/LLVMContext.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/VirtualFileSystem.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <chrono>
#include <mutex>

#if CLANG_VERSION_MAJOR != 19
#error "tried with Clang 19 only: read this file, then add your version here"
#endif

extern "C" {
void LLVMInitializeX86TargetInfo();
void LLVMInitializeX86Target();
void LLVMInitializeX86TargetMC();
void LLVMInitializeX86AsmPrinter();
void LLVMInitializeX86AsmParser();
}

namespace tapjit::codegen {
namespace {

class Stopwatch {
public:
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double milliseconds = std::chrono::duration<double, std::milli>(now - last_).count();
    last_ = now;
    return milliseconds;
  }

private:
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

void initialize_target() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser(); // inline assembly
  });
}

llvm::IntrusiveRefCntPtr<clang::DiagnosticsEngine> make_diagnostics(std::vector<CompilerMessage> &messages) {
  return new clang::DiagnosticsEngine(new clang::DiagnosticIDs(), new clang::DiagnosticOptions(),
                                      new MessageCollector(messages), /*ShouldOwnClient=*/true);
}

// A compiler with its options set and its messages going to `messages`, or null (see `messages`) when `arguments` are
// refused.
std::unique_ptr<clang::CompilerInstance> make_compiler(const std::vector<std::string> &arguments,
                                                       const std::vector<std::string> &include_dirs,
                                                       std::vector<CompilerMessage> &messages) {
  initialize_target();
  auto diagnostics = make_diagnostics(messages);
  std::vector<const char *> pointers;
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  auto invocation = std::make_shared<clang::CompilerInvocation>();
  if (!clang::CompilerInvocation::CreateFromArgs(*invocation, pointers, *diagnostics, "clang"))
    return nullptr;
  for (const std::string &dir : include_dirs)
    invocation->getHeaderSearchOpts().AddPath(dir, clang::frontend::Angled, false, true);
  invocation->getDiagnosticOpts().ShowCarets = false; // else "1 error generated" goes to stderr
  // The AST of one unit: freeing it costs more than a short-lived process gains. The leak checker wants it freed.
  invocation->getFrontendOpts().DisableFree = !__has_feature(address_sanitizer);
  auto compiler = std::make_unique<clang::CompilerInstance>();
  compiler->setInvocation(std::move(invocation));
  compiler->createDiagnostics(new MessageCollector(messages), /*ShouldOwnClient=*/true);
  return compiler;
}

bool has_errors(const std::vector<CompilerMessage> &messages) {
  return std::any_of(messages.begin(), messages.end(),
                     [](const CompilerMessage &m) { return m.severity == CompilerMessage::Severity::Error; });
}

// Clang writes out all features that the CPU does not have, and the back end spends a sixth of its time for a small
// unit on reading that. What the CPU would not have anyway needs no word.
void drop_absent_features(clang::CompilerInstance &compiler) {
  llvm::StringMap<bool> of_cpu;
  clang::TargetOptions &options = compiler.getTargetOpts();
  compiler.getTarget().initFeatureMap(of_cpu, compiler.getDiagnostics(), options.CPU, {});
  std::erase_if(options.Features, [&](const std::string &feature) {
    return feature.starts_with('-') && !of_cpu.lookup(llvm::StringRef(feature).drop_front());
  });
}

// Makes LLVM IR and stops: the passes run apart, so that they can be timed.
class MakeModule : public clang::ASTFrontendAction {
public:
  explicit MakeModule(llvm::LLVMContext &context) : context_(context) {}
  std::unique_ptr<llvm::Module> module;

protected:
  std::unique_ptr<clang::ASTConsumer> CreateASTConsumer(clang::CompilerInstance &compiler,
                                                        llvm::StringRef file) override {
    drop_absent_features(compiler);
    std::unique_ptr<clang::CodeGenerator> generator(clang::CreateLLVMCodeGen(
        compiler.getDiagnostics(), file, &compiler.getVirtualFileSystem(), compiler.getHeaderSearchOpts(),
        compiler.getPreprocessorOpts(), compiler.getCodeGenOpts(), context_));
    generator_ = generator.get();
    return generator;
  }
  void EndSourceFileAction() override {
    if (!getCompilerInstance().getDiagnostics().hasErrorOccurred())
      module.reset(generator_->ReleaseModule());
  }

private:
  llvm::LLVMContext &context_;
  clang::CodeGenerator *generator_ = nullptr;
};

std::string unit_text(const CompileRequest &request) {
  std::string text;
  for (const std::string &define : request.defines) {
    size_t equals = define.find('=');
    std::string name = define.substr(0, equals);
    std::string value = equals == std::string::npos ? "1" : define.substr(equals + 1);
    std::string macro = name.substr(0, name.find('('));
    text += "#undef " + macro + "\n#define " + name + " " + value + "\n";
  }
  text += "# 1 \"" + request.name + "\"\n";
  text.append(request.text);
  return text;
}

} // namespace

struct CompiledUnit::State {
  std::vector<CompilerMessage> messages;
  CompileTimes times;
  std::string text;
  std::unique_ptr<llvm::LLVMContext> context;
  std::unique_ptr<clang::CompilerInstance> compiler;
  std::unique_ptr<llvm::Module> module;

  void run_backend(clang::BackendAction action, std::unique_ptr<llvm::raw_pwrite_stream> output) {
    clang::EmitBackendOutput(compiler->getDiagnostics(), compiler->getHeaderSearchOpts(), compiler->getCodeGenOpts(),
                             compiler->getTargetOpts(), compiler->getLangOpts(),
                             compiler->getTarget().getDataLayoutString(), module.get(), action,
                             &compiler->getVirtualFileSystem(), std::move(output));
  }
  // Machine code or assembly. Once: code generation takes the module apart.
  Result<std::string> generate(clang::BackendAction action);
};

CompiledUnit::CompiledUnit(std::unique_ptr<State> state) : state_(std::move(state)) {}
CompiledUnit::CompiledUnit(CompiledUnit &&) noexcept = default;
CompiledUnit &CompiledUnit::operator=(CompiledUnit &&) noexcept = default;
CompiledUnit::~CompiledUnit() = default;

bool CompiledUnit::ok() const { return state_->module && !has_errors(state_->messages); }
const std::vector<CompilerMessage> &CompiledUnit::messages() const { return state_->messages; }
const CompileTimes &CompiledUnit::times() const { return state_->times; }
llvm::Module &CompiledUnit::module() { return *state_->module; }

Result<std::string> CompiledUnit::emit_object() { return state_->generate(clang::Backend_EmitObj); }
Result<std::string> CompiledUnit::emit_assembly() { return state_->generate(clang::Backend_EmitAssembly); }

Result<std::string> CompiledUnit::State::generate(clang::BackendAction action) {
  assert(module);
  Stopwatch watch;
  // The passes have run; the pipeline that EmitBackendOutput builds around code generation must not run them again.
  compiler->getCodeGenOpts().DisableLLVMPasses = true;
  llvm::SmallVector<char, 0> bytes;
  run_backend(action, std::make_unique<llvm::raw_svector_ostream>(bytes));
  times.generation = watch.lap();
  for (const CompilerMessage &message : messages)
    if (message.severity == CompilerMessage::Severity::Error)
      return Error{message.text, {}};
  return std::string(bytes.data(), bytes.size());
}

std::vector<std::string> CompiledUnit::included_files() const {
  std::vector<std::string> files;
  const clang::SourceManager &sources = state_->compiler->getSourceManager();
  for (auto file = sources.fileinfo_begin(); file != sources.fileinfo_end(); ++file)
    files.push_back(file->first.getName().str());
  std::sort(files.begin(), files.end());
  files.erase(std::unique(files.begin(), files.end()), files.end());
  return files;
}

std::string CompiledUnit::string_variable(std::string_view name) const {
  const llvm::GlobalVariable *variable = state_->module->getGlobalVariable(llvm::StringRef(name), true);
  if (!variable || !variable->hasInitializer())
    return {};
  const auto *data = llvm::dyn_cast<llvm::ConstantDataSequential>(variable->getInitializer());
  return data && data->isCString() ? data->getAsCString().str() : std::string();
}

std::string CompiledUnit::bitcode() {
  std::string bytes;
  llvm::raw_string_ostream stream(bytes);
  llvm::WriteBitcodeToFile(*state_->module, stream);
  return bytes;
}

std::string CompiledUnit::ir_text() {
  std::string text;
  llvm::raw_string_ostream stream(text);
  state_->module->print(stream, nullptr);
  return text;
}

Result<CompiledUnit> compile_unit(const CompileRequest &request) {
  Stopwatch watch;
  auto state = std::make_unique<CompiledUnit::State>();
  std::vector<std::string> arguments = request.arguments;
  if (!request.pch.empty())
    arguments.insert(arguments.end(), {"-include-pch", request.pch, "-fno-validate-pch"});
  if (!request.warnings)
    arguments.push_back("-w");
  else
    arguments.insert(arguments.end(), {"-Wall", "-Wextra"});
  if (request.debug_info)
    arguments.insert(arguments.end(), {"-debug-info-kind=constructor", "-dwarf-version=4"});
  if (request.optimization >= 0)
    arguments.push_back("-O" + std::to_string(request.optimization));
  state->compiler = make_compiler(arguments, request.include_dirs, state->messages);
  if (!state->compiler)
    return CompiledUnit(std::move(state));
  state->text = unit_text(request);
  clang::FrontendInputFile input(llvm::MemoryBufferRef(state->text, request.name), clang::Language::C);
  state->compiler->getFrontendOpts().Inputs.assign(1, input);
  state->context = std::make_unique<llvm::LLVMContext>();
  MakeModule action(*state->context);
  bool ran = state->compiler->ExecuteAction(action);
  state->times.front_end = watch.lap();
  if (!ran || !action.module)
    return CompiledUnit(std::move(state));
  state->module = std::move(action.module);
  state->context->setDiagnosticHandler(
      std::make_unique<BackendMessageCollector>(state->messages, &state->compiler->getSourceManager()));
  state->run_backend(clang::Backend_EmitNothing, std::make_unique<llvm::raw_null_ostream>());
  state->times.passes = watch.lap();
  return CompiledUnit(std::move(state));
}

Result<PchResult> build_pch(const PchRequest &request) {
  Stopwatch watch;
  PchResult result;
  std::vector<std::string> arguments = request.arguments;
  arguments.insert(arguments.end(), {"-fno-pch-timestamp", "-w"});
  auto compiler = make_compiler(arguments, request.include_dirs, result.messages);
  if (!compiler)
    return result;
  // From a buffer, so that text may stand before the header (see KernelProfile::prelude).
  std::string text = request.prelude + "#include \"" + request.header + "\"\n";
  clang::InputKind kind(clang::Language::C, clang::InputKind::Source, false, clang::InputKind::HeaderUnit_None, true);
  compiler->getFrontendOpts().Inputs.assign(
      1, clang::FrontendInputFile(llvm::MemoryBufferRef(text, "tapjit-pch.h"), kind));
  compiler->getFrontendOpts().OutputFile = request.output;
  compiler->getFrontendOpts().ProgramAction = clang::frontend::GeneratePCH;
  clang::GeneratePCHAction action;
  result.ok = compiler->ExecuteAction(action) && !has_errors(result.messages);
  result.milliseconds = watch.lap();
  return result;
}

std::string compiler_version() { return clang::getClangFullVersion(); }

Result<std::vector<std::string>> compiler_arguments(const std::vector<std::string> &driver_flags) {
  initialize_target();
  static const char *const input = "tapjit-unit.c";
  std::vector<CompilerMessage> messages;
  std::vector<const char *> pointers = {
      "clang", "-resource-dir", TAPJIT_CLANG_RESOURCE_DIR, "-target", "x86_64-linux-gnu",
      // Where stap was started must not be in what it makes. Nothing here has vector registers or gains by them.
      "-ffile-compilation-dir=.", "-fno-vectorize", "-fno-slp-vectorize", "-fno-addrsig"};
  for (const std::string &flag : driver_flags)
    pointers.push_back(flag.c_str());
  pointers.insert(pointers.end(), {"-x", "c", "-c", input});
  std::vector<std::string> all;
  clang::CreateInvocationOptions options;
  options.Diags = make_diagnostics(messages);
  options.CC1Args = &all;
  auto invocation = clang::createInvocation(pointers, options);
  if (!invocation || has_errors(messages))
    return Error{"clang refuses the kernel's options: " + (messages.empty() ? "?" : messages.front().text), {}};
  std::vector<std::string> arguments;
  for (size_t i = 0; i < all.size(); i++) {
    if (all[i] == "-main-file-name" || all[i] == "-o" || all[i] == "-x" || all[i].starts_with("-dumpdir"))
      i++;
    else if (all[i] != "-cc1" && all[i] != "-fsyntax-only" && all[i] != "-emit-obj" && all[i] != input &&
             all[i] != "-clear-ast-before-backend" && all[i] != "-disable-free")
      arguments.push_back(all[i]);
  }
  return arguments;
}

std::vector<std::string> user_flags() {
  // Code may land anywhere in the address space, so what it imports is reached through a table: position independent.
  // Tables of texts would then be read by offsets (llvm.load.relative), which no proof knows; the kernel has none
  // either.
  return {"-O2",
          "-std=gnu11",
          "-ffreestanding",
          "-nostdlibinc",
          "-fPIC",
          "-fvisibility=hidden",
          "-fno-common",
          "-fno-stack-protector",
          "-fno-asynchronous-unwind-tables",
          "-fno-unwind-tables",
          "-fno-strict-aliasing",
          "-fno-jump-tables",
          "-fcf-protection=none"};
}

} // namespace tapjit::codegen

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap-ir-dump/machine.h"

#include "codegen/emit/emit.h"
#include "tools/stap/script_pass.h"

#include <fmt/ranges.h>

namespace tapjit {

namespace {

Result<MachineText> safety(const codegen::Platform &platform, const CompileInput &input) {
  StepTimes times;
  auto verdict = verify_for_kernel(platform, input, times);
  if (!verdict)
    return verdict.error();
  // C with mistakes has not been looked at.
  if (verdict->safety.functions.empty() && !verdict->refusals.empty())
    return Error{verdict->refusals.front().line_text(), ""};
  return MachineText{codegen::report_text(verdict->safety),
                     nlohmann::ordered_json::parse(codegen::report_json(verdict->safety), nullptr, false)};
}

} // namespace

Machinery compiler_of(const Options &options, const KernelChoice &choice, const codegen::Store &store) {
  return [&](const ir::Module &module, const std::string &stage) -> Result<MachineText> {
    codegen::EmitOptions emit;
    emit.platform = choice.user_runtime ? codegen::EmitPlatform::User : codegen::EmitPlatform::Kernel;
    CompileInput input{codegen::emit_c(module, emit), module.name, runtime_directory(options), options.guru,
                       codegen::embedded_function_names(module)};
    if (stage == "c")
      return MachineText{input.text, {}};
    StepTimes times;
    auto platform = choice.user_runtime ? open_user_platform(store, input.runtime_dir, times)
                                        : open_kernel_platform(store, choice, input.runtime_dir, times);
    if (!platform)
      return platform.error();
    if (stage == "safety")
      return safety(*platform, input);
    auto text = unit_text(*platform, input, stage == "llvm" ? UnitForm::Llvm : UnitForm::Assembly);
    if (!text)
      return text.error();
    return MachineText{std::move(*text), {}};
  };
}

} // namespace tapjit

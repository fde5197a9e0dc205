// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/compile_pass.h"

#include "codegen/finish/elf_parts.h"
#include "codegen/finish/line_object.h"
#include "codegen/finish/module.h"
#include "tools/stap/progress.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <set>
#include <unistd.h>

namespace tapjit {

namespace {

using namespace codegen;

PlatformRequest platform_request(const std::string &runtime_dir) {
  PlatformRequest request;
  request.runtime_dir = runtime_dir;
  request.verifier_key = safety_version();
  request.verifier = [](std::string_view, llvm::Module &module) -> Result<std::string> {
    return summaries_to_text(summarize_runtime(module, context_layout()));
  };
  return request;
}

// The summaries of all runtime objects, with the calls between objects decided.
Summaries runtime_summaries(const Platform &platform) {
  Summaries all;
  for (const RuntimeObject &object : platform.objects)
    all.merge(summaries_from_text(object.summary));
  close_summaries(all);
  return all;
}

void note_platform_times(const Platform &platform, StepTimes &times) {
  times.add("profile", platform.times.profile);
  times.add("pch", platform.times.pch);
  times.add("runtime_objects", platform.times.objects);
}

Complaint compiler_complaint(const CompilerMessage &message) {
  return {Complaint::Kind::Compiler, message.text, message.file, message.line, message.column, ""};
}

CompileRequest unit_request(const Platform &platform, const CompileInput &input) {
  CompileRequest request;
  request.text = input.text;
  request.name = input.name + "_src.c";
  request.arguments = platform.arguments;
  request.include_dirs = platform.include_dirs;
  request.pch = platform.pch;
  request.defines = {"KBUILD_MODNAME=\"" + input.name + "\"", "KBUILD_BASENAME=\"" + input.name + "_src\""};
  return request;
}

// Whether the code of a finding is embedded C: one of its functions, or C that only they can call (top-level text),
// inlined or not.
bool is_embedded(const Finding &finding, const std::vector<std::string> &embedded_functions) {
  auto is_ours = [](const std::string &name) {
    return name.starts_with("fn_") || name.starts_with("probe_") || name.starts_with("tap_") ||
           (name.size() > 1 && name[0] == 'g' && isdigit(static_cast<unsigned char>(name[1])));
  };
  for (const std::string &scope : finding.scopes)
    if (std::find(embedded_functions.begin(), embedded_functions.end(), scope) != embedded_functions.end())
      return true;
  return !finding.scopes.empty() && !is_ours(finding.scopes.back());
}

// The findings in words, as refusals or (guru mode, embedded C) as warnings. The unit is compiled once more with line
// tables, so that they name the script's lines and the functions that were inlined.
void word_findings(const Platform &platform, const CompileInput &input, const Summaries &runtime,
                   CompileOutput &output) {
  CompileRequest request = unit_request(platform, input);
  const std::string pinned = input.pinned_text ? input.pinned_text() : input.text;
  request.text = pinned;
  request.debug_info = true;
  auto located = compile_unit(request);
  const SafetyReport better =
      located && located->ok() ? verify_unit(located->module(), context_layout(), runtime) : SafetyReport{};
  // A finding that line tables hide must not be lost.
  const SafetyReport &used = better.findings.size() < output.safety.findings.size() ? output.safety : better;
  for (const Finding &finding : used.findings) {
    bool softened = input.guru && is_embedded(finding, input.embedded_functions);
    (softened ? output.warnings : output.refusals)
        .push_back({Complaint::Kind::Unsafe, fmt::format("in `{}`: {}", finding.function, finding.observed),
                    finding.line ? finding.file : "", finding.line, 0, std::string(property_word(finding.property))});
  }
}

// What the unit's object needs and what the runtime's objects define: symbols of machine code, so that what code
// generation added is seen too.
Result<std::vector<std::string>> outside_symbols(const Platform &platform, std::string_view unit) {
  std::set<std::string_view> defined;
  for (const RuntimeObject &part : platform.objects) {
    auto object = elf::read_object(part.name, part.object);
    if (!object)
      return object.error();
    for (const elf::Symbol &symbol : object->symbols)
      if (!symbol.undefined() && symbol.bind() != STB_LOCAL)
        defined.insert(symbol.name);
  }
  auto object = elf::read_object("unit", unit);
  if (!object)
    return object.error();
  std::vector<std::string> outside;
  for (const elf::Symbol &symbol : object->symbols)
    if (symbol.undefined() && !symbol.name.empty() && !defined.count(symbol.name))
      outside.emplace_back(symbol.name);
  return outside;
}

struct Unit {
  std::string object;
  CompileOutput output;
};

// Clang's front end, LLVM's passes, the verifier, code generation. The object is empty when the code was refused.
Result<Unit> build_unit(const Platform &platform, const CompileInput &input, StepTimes &times) {
  auto compiled = compile_unit(unit_request(platform, input));
  if (!compiled)
    return compiled.error();
  Unit unit;
  for (const CompilerMessage &message : compiled->messages())
    if (message.severity == CompilerMessage::Severity::Error || unit.output.refusals.empty())
      (message.severity == CompilerMessage::Severity::Error ? unit.output.refusals : unit.output.warnings)
          .push_back(compiler_complaint(message));
  if (!compiled->ok())
    return unit;
  PassClock safety_clock;
  Summaries runtime = runtime_summaries(platform);
  unit.output.safety = verify_unit(compiled->module(), context_layout(), runtime);
  times.add("safety", safety_clock.real_ms());
  if (!unit.output.safety.ok()) {
    word_findings(platform, input, runtime, unit.output);
    if (!unit.output.refusals.empty())
      return unit;
  }
  auto object = compiled->emit_object();
  if (!object)
    return object.error();
  auto outside = outside_symbols(platform, *object);
  if (!outside)
    return outside.error();
  for (const Finding &finding : verify_imports(*outside))
    (input.guru ? unit.output.warnings : unit.output.refusals)
        .push_back({Complaint::Kind::Unsafe, finding.observed, "", 0, 0, std::string(property_word(finding.property))});
  if (!unit.output.refusals.empty())
    return unit;
  unit.object = std::move(*object);
  times.add("clang_front_end", compiled->times().front_end);
  times.add("llvm_passes", compiled->times().passes);
  times.add("code_generation", compiled->times().generation);
  return unit;
}

CacheKey result_key(std::string_view form, const Platform &platform, const CompileInput &input) {
  KeyBuilder key;
  key.add(form)
      .add(platform.key.text())
      .add(safety_version())
      .add(input.name)
      .add(input.text)
      .add(input.guru)
      .add(input.kernel_build_id);
  for (const std::string &module : input.modules)
    key.add(module);
  return key.add(input.lines_key).finish();
}

std::optional<CompileOutput> look_up(const Store &store, std::string_view kind, const CacheKey &key) {
  auto entry = store.get(kind, key);
  if (!entry)
    return std::nullopt;
  CompileOutput output;
  output.image = std::string(entry->bytes());
  output.from_cache = true;
  return output;
}

// Only what nothing was said about: the next run must say it again.
void keep(const Store &store, std::string_view kind, const CacheKey &key, CompileOutput &output) {
  if (output.image.empty() || !output.refusals.empty() || !output.warnings.empty())
    return;
  if (auto put = store.put(kind, key, output.image); !put)
    output.warnings.push_back({Complaint::Kind::Other, put.error().observed, "", 0, 0, ""});
}

} // namespace

std::string Complaint::line_text() const {
  std::string place = line && column ? fmt::format("{}:{}:{}: ", file, line, column)
                      : line         ? fmt::format("{}:{}: ", file, line)
                                     : "";
  return place + (kind == Kind::Unsafe ? fmt::format("not proven safe ({}): ", property) : "") + text;
}

Result<Platform> open_kernel_platform(const Store &store, const KernelChoice &choice, const std::string &runtime_dir,
                                      StepTimes &times) {
  std::optional<Progress> progress;
  PlatformRequest request = platform_request(runtime_dir);
  request.slow = [&] {
    if (!progress)
      progress.emplace(fmt::format("Preparing for kernel {} (once) ...", choice.release));
  };
  auto platform = prepare_kernel(store, choice.build_dir, request);
  if (platform)
    note_platform_times(*platform, times);
  return platform;
}

Result<Platform> open_user_platform(const Store &store, const std::string &runtime_dir, StepTimes &times) {
  std::optional<Progress> progress;
  PlatformRequest request = platform_request(runtime_dir);
  request.slow = [&] {
    if (!progress)
      progress.emplace("Preparing the user runtime (once) ...");
  };
  auto platform = prepare_user(store, request);
  if (platform)
    note_platform_times(*platform, times);
  return platform;
}

Result<CompileOutput> verify_for_kernel(const Platform &platform, const CompileInput &input, StepTimes &times) {
  auto unit = build_unit(platform, input, times);
  if (!unit)
    return unit.error();
  return std::move(unit->output);
}

Result<std::string> unit_text(const Platform &platform, const CompileInput &input, UnitForm form) {
  auto compiled = compile_unit(unit_request(platform, input));
  if (!compiled)
    return compiled.error();
  if (!compiled->ok())
    return Error{compiler_complaint(compiled->messages().front()).line_text(), ""};
  return form == UnitForm::Llvm ? compiled->ir_text() : compiled->emit_assembly();
}

Result<CompileOutput> compile_module(const Store &store, const Platform &platform, const CompileInput &input,
                                     StepTimes &times) {
  CacheKey key = result_key("module 1", platform, input);
  if (auto cached = look_up(store, "module", key))
    return std::move(*cached);
  auto unit = build_unit(platform, input, times);
  if (!unit)
    return unit.error();
  if (unit->object.empty())
    return std::move(unit->output);
  PassClock finish_clock;
  ModuleRequest request;
  request.name = input.name;
  request.inputs.push_back({"unit", unit->object, true});
  for (const RuntimeObject &object : platform.objects)
    request.inputs.push_back({object.name, object.object, false});
  const std::string lines = input.lines.empty() ? "" : line_object(input.lines);
  if (!lines.empty())
    request.inputs.push_back({"lines", lines, false});
  request.information = {{"description", "made by tapjit"}};
  if (!input.kernel_build_id.empty())
    request.information.emplace_back("tapjit_kernel", input.kernel_build_id);
  for (const std::string &module : input.modules)
    request.information.emplace_back("tapjit_module", module);
  auto finished = finish_module(platform.profile, platform.versions, request);
  if (!finished)
    return finished.error();
  times.add("finish", finish_clock.real_ms());
  unit->output.image = std::move(finished->image);
  keep(store, "module", key, unit->output);
  return std::move(unit->output);
}

Result<CompileOutput> compile_for_process(const Store &store, const Platform &platform, const CompileInput &input,
                                          StepTimes &times) {
  CacheKey key = result_key("unit 1", platform, input);
  if (auto cached = look_up(store, "unit", key))
    return std::move(*cached);
  auto unit = build_unit(platform, input, times);
  if (!unit)
    return unit.error();
  unit->output.image = std::move(unit->object);
  keep(store, "unit", key, unit->output);
  return std::move(unit->output);
}

} // namespace tapjit

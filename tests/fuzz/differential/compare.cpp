// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/differential/compare.h"

#include "codegen/emit/emit.h"
#include "codegen/jit/jit.h"
#include "ir/interpret/session.h"
#include "ir/parse.h"
#include "ir/passes/pipeline.h"
#include "ir/print.h"
#include "tests/fuzz/differential/virtual_host.h"
#include "tools/stap/compile_pass.h"
#include "tools/stap/script_pass.h"

#include <cstring>
#include <fmt/format.h>
#include <random>

namespace tapjit::differential {

namespace {

constexpr int64_t start_ns = 1'000'000'000;

// How a session went, in one way of running it.
struct Trace {
  std::string way, output, messages, internal;
  bool failed = false;
  bool agrees_with(const Trace &other) const {
    return output == other.output && messages == other.messages && failed == other.failed;
  }
};

bool meets_budget(const Trace &trace) {
  return trace.messages.find("MAXACTION exceeded") != std::string::npos ||
         trace.output.find("MAXACTION exceeded") != std::string::npos;
}

Trace interpret(std::string way, const ir::Module &module, const CompareOptions &options) {
  ir::SessionOptions session;
  session.start_ns = start_ns;
  session.length_ns = options.length_ns;
  ir::SessionResult result = ir::run_session(module, session);
  return {std::move(way), result.output, result.messages, result.internal, result.failed};
}

// The lines around the first one that differs.
std::string first_difference(const std::string &left, const std::string &right) {
  size_t at = 0, line = 0;
  while (at < left.size() && at < right.size() && left[at] == right[at])
    ++at;
  for (size_t index = at; index > 0; --index)
    if (left[index - 1] == '\n') {
      line = index;
      break;
    }
  auto excerpt = [&](const std::string &text) { return text.substr(std::min(line, text.size()), 400); };
  return fmt::format("first: {}\nother: {}\n", excerpt(left), excerpt(right));
}

std::string difference(const Trace &first, const Trace &other) {
  std::string text = fmt::format("`{}` and `{}` differ\n", first.way, other.way);
  if (!other.internal.empty())
    return text + fmt::format("`{}`: {}\n", other.way, other.internal);
  if (first.output != other.output)
    text += "output\n" + first_difference(first.output, other.output);
  if (first.messages != other.messages)
    text += "messages\n" + first_difference(first.messages, other.messages);
  if (first.failed != other.failed)
    text += fmt::format("failed: {} and {}\n", first.failed, other.failed);
  return text;
}

class Implementation : public Comparer {
public:
  Implementation(codegen::Store store, codegen::Platform platform, std::string runtime)
      : store_(std::move(store)), platform_(std::move(platform)), runtime_(std::move(runtime)) {}

  Verdict compare(const std::string &script, const CompareOptions &options) override {
    auto lowered = lower(script, options);
    if (!lowered)
      return {Verdict::Kind::Refused, lowered.error().observed};
    Verdict verdict;
    Trace first = interpret("interpreter, as lowered", *lowered, options);
    if (!first.internal.empty())
      return {first.internal == "too many steps" ? Verdict::Kind::TooLong : Verdict::Kind::Differs, first.internal};
    verdict.used_up = meets_budget(first);
    if (auto text = differing_text(*lowered); !text.empty())
      return {Verdict::Kind::Differs, text};
    if (!compare_passes(*lowered, first, options, verdict))
      return verdict;

    ir::Module decided = *lowered;
    ir::PassOptions passes;
    passes.verify = true;
    for (const std::string &finding : ir::try_passes(decided, passes))
      return {Verdict::Kind::Differs, "the verifier finds: " + finding};
    Trace last = interpret("interpreter, after all passes", decided, options);
    if (!agree(first, last, verdict))
      return verdict;
    auto compiled = run_compiled(decided, options);
    if (!compiled)
      return {Verdict::Kind::Differs, "cannot compile: " + compiled.error().observed};
    if (!last.agrees_with(*compiled))
      return {Verdict::Kind::Differs, difference(last, *compiled)};
    return verdict;
  }

private:
  bool agree(const Trace &first, const Trace &other, Verdict &verdict) {
    if (other.internal.empty() && (verdict.used_up || meets_budget(other) || first.agrees_with(other)))
      return true;
    verdict = {Verdict::Kind::Differs, difference(first, other)};
    return false;
  }

  Result<ir::Module> lower(const std::string &script, const CompareOptions &compare) {
    std::vector<std::string> words = {"stap", "--runtime=user", "-w"};
    words.insert(words.end(), compare.words.begin(), compare.words.end());
    words.insert(words.end(), {"-e", script});
    std::vector<char *> argv;
    for (std::string &word : words)
      argv.push_back(word.data());
    argv.push_back(nullptr);
    auto options = parse_options(int(words.size()), argv.data());
    if (!options)
      return options.error();
    auto choice = choose_kernel(*options);
    if (!choice)
      return choice.error();
    Scripts scripts;
    if (auto parsed = parse_pass(*options, *choice, {{"fuzz.stp", script}}, store_, scripts); !parsed)
      return parsed.error();
    if (!scripts.diagnostics.has_errors())
      elaborate_pass(*options, scripts);
    if (scripts.diagnostics.has_errors())
      return Error{scripts.diagnostics.render_all(), ""};
    ir::Module module = lower_pass(*options, "fuzz", scripts);
    if (scripts.diagnostics.has_errors())
      return Error{scripts.diagnostics.render_all(), ""};
    return module;
  }

  static std::string differing_text(const ir::Module &module) {
    auto again = ir::parse(ir::print(module));
    if (!again)
      return "the IR's text does not parse: " + again.error().observed;
    return ir::equal(module, *again) ? "" : "the IR's text does not parse back to the same module";
  }

  // Each pass alone and the pipeline pass by pass, or some random subsets of the pipeline.
  bool compare_passes(const ir::Module &lowered, const Trace &first, const CompareOptions &options, Verdict &verdict) {
    std::vector<std::vector<std::string>> lists;
    std::vector<std::string> so_far;
    std::mt19937_64 random(options.seed);
    for (const ir::PassInfo &pass : ir::all_passes()) {
      if (!options.each_pass)
        break;
      lists.push_back({pass.name});
      so_far.emplace_back(pass.name);
      lists.push_back(so_far);
    }
    for (unsigned count = 0; count < options.subsets; ++count) {
      std::vector<std::string> subset;
      for (const ir::PassInfo &pass : ir::all_passes())
        if (random() % 3)
          subset.emplace_back(pass.name);
      lists.push_back(subset);
    }
    for (const std::vector<std::string> &list : lists) {
      ir::Module module = lowered;
      ir::PassOptions passes;
      passes.verify = true;
      passes.only = list.empty() ? std::vector<std::string>{"none"} : list;
      std::string way = fmt::format("interpreter, after {}", fmt::join(list, ","));
      for (const std::string &finding : ir::try_passes(module, passes)) {
        verdict = {Verdict::Kind::Differs, way + ": the verifier finds: " + finding};
        return false;
      }
      if (!agree(first, interpret(way, module, options), verdict))
        return false;
    }
    return true;
  }

  Result<Trace> run_compiled(const ir::Module &module, const CompareOptions &options) {
    codegen::EmitOptions emit;
    emit.platform = codegen::EmitPlatform::User;
    std::string text = codegen::emit_c(module, emit);
    auto object = options.optimization < 0 ? verified_object(text) : quick_object(text, options.optimization);
    if (!object)
      return object.error();
    auto address = [](auto *function) { return reinterpret_cast<void *>(function); };
    std::vector<codegen::JitImport> imports = {
        {"memcpy", address(&memcpy)},
        {"memmove", address(&memmove)},
        {"memset", address(&memset)},
        {"memcmp", address(&memcmp)},
        {"bcmp", address(&memcmp)},
        {"strlen", address(&strlen)},
        {"memchr", address(static_cast<const void *(*)(const void *, int, size_t)>(&memchr))}};
    std::vector<std::string_view> objects{*object};
    for (const codegen::RuntimeObject &part : platform_.objects)
      objects.push_back(part.object);
    auto program = codegen::jit_load(objects, imports, {TAP_USER_ENTRY});
    if (!program)
      return program.error();
    auto entry = program->address(TAP_USER_ENTRY);
    if (!entry)
      return entry.error();
    VirtualHost host(start_ns, options.length_ns);
    int status = reinterpret_cast<tap_user_main_fn>(*entry)(&host.callbacks());
    return Trace{"compiled code", host.output, host.messages, "", status != TAP_USER_ENDED};
  }

  // As stap does it, verifier of safety included.
  Result<std::string> verified_object(const std::string &text) {
    CompileInput input{text, "fuzz", runtime_, false, {}};
    StepTimes times;
    auto compiled = compile_for_process(no_store_, platform_, input, times);
    if (!compiled)
      return compiled.error();
    for (const Complaint &refusal : compiled->refusals)
      return Error{"refused: " + refusal.line_text(), ""};
    return std::move(compiled->image);
  }

  Result<std::string> quick_object(const std::string &text, int optimization) {
    codegen::CompileRequest request;
    request.text = text;
    request.name = "fuzz_src.c";
    request.arguments = platform_.arguments;
    request.include_dirs = platform_.include_dirs;
    request.pch = platform_.pch;
    request.optimization = optimization;
    auto unit = codegen::compile_unit(request);
    if (!unit)
      return unit.error();
    if (!unit->ok())
      return Error{unit->messages().empty() ? "" : unit->messages()[0].text, ""};
    return unit->emit_object();
  }

  codegen::Store store_;
  codegen::Store no_store_ = disabled_store();
  codegen::Platform platform_;
  std::string runtime_;

  static codegen::Store disabled_store() {
    codegen::StoreOptions options;
    options.disabled = true;
    return std::move(*codegen::Store::open(options));
  }
};

} // namespace

Result<std::unique_ptr<Comparer>> Comparer::open() {
  auto store = codegen::Store::open();
  if (!store)
    return store.error();
  StepTimes times;
  std::string runtime = runtime_directory(Options{});
  auto platform = open_user_platform(*store, runtime, times);
  if (!platform)
    return platform.error();
  return std::unique_ptr<Comparer>(
      std::make_unique<Implementation>(std::move(*store), std::move(*platform), std::move(runtime)));
}

} // namespace tapjit::differential

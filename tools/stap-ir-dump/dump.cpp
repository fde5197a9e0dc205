// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap-ir-dump/dump.h"

#include "ir/passes/pipeline.h"
#include "ir/verify.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/format.h>

namespace tapjit {

namespace {

using Json = nlohmann::ordered_json;

// A name that no pass has, so that --passes=none runs none of them.
constexpr std::string_view no_passes = "none";
constexpr std::string_view machine_stages[] = {"c", "llvm", "asm"};

bool is_pass(std::string_view name) {
  auto &passes = ir::all_passes();
  return std::any_of(passes.begin(), passes.end(), [&](const ir::PassInfo &pass) { return pass.name == name; });
}

bool is_machine_stage(std::string_view stage) {
  return std::find(std::begin(machine_stages), std::end(machine_stages), stage) != std::end(machine_stages);
}

bool complain(const std::string &message) {
  fmt::print(stderr, "stap-ir-dump: {}\n", message);
  return false;
}

bool are_known(const DumpOptions &options) {
  for (const std::string &name : options.passes)
    if (name != no_passes && !is_pass(name))
      return complain(fmt::format("no pass is called `{}`; --list names them", name));
  const std::string &stage = options.stage;
  if (!stage.empty() && stage != "lowered" && stage != "final" && !is_pass(stage) && !is_machine_stage(stage))
    return complain(fmt::format(
        "no stage is called `{}`: there are lowered, final, c, llvm, asm and the passes that --list names", stage));
  return true;
}

// Takes the module through the passes and shows what was asked for on the way and at the end.
class Dump {
public:
  Dump(const DumpOptions &options, const Machinery &machinery) : options_(options), machinery_(machinery) {}

  int run(ir::Module &module) {
    if (!options_.only.empty() && chosen_functions(module, options_.only).empty())
      return complain(fmt::format("no function or probe is called `{}`", options_.only)), 1;
    if (!run_passes(module))
      return 1;
    if (options_.run)
      return run_module(module, options_);
    if (!passed_stage_)
      return complain(fmt::format("pass `{}` was not run", options_.stage)), 1;
    ir::canonicalize(module);
    if (shows_listing() || options_.stage == "final")
      show(module, "final");
    if (Result<void> shown = show_reports(module); !shown)
      return fail(shown.error());
    if (options_.json)
      fmt::print("{}\n", object_.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
    return 0;
  }

private:
  static int fail(const Error &error) {
    fmt::print(stderr, "error: {}\n", error.observed);
    if (!error.advice.empty())
      fmt::print(stderr, "hint: {}\n", error.advice);
    return 1;
  }

  // Both ends of the pipeline, which is what is shown when nothing is asked for.
  bool shows_listing() const { return options_.stage.empty() && !options_.wants_reports() && !options_.run; }

  std::string text(const ir::Module &module) const {
    if (options_.only.empty())
      return ir::print(module, options_.print);
    std::string out;
    for (ir::FunctionId id : chosen_functions(module, options_.only))
      out += ir::print(module, module.functions[id.index], options_.print);
    return out;
  }

  void show(const ir::Module &module, const std::string &stage) {
    if (options_.json)
      object_["stages"].push_back(
          {{"stage", stage}, {"module", module_json(module, chosen_functions(module, options_.only))}});
    else
      fmt::print("; --- {}\n{}", is_pass(stage) ? "after " + stage : stage, text(module));
  }

  // What --only and --run name is there after the passes, too.
  void keep_named(ir::Module &module) const {
    for (ir::Function &function : module.functions)
      if (function.kind == ir::FunctionKind::Script)
        function.kept |= function.name == options_.only ||
                         (!options_.run_function.empty() && function.name == options_.run_function[0]);
  }

  bool run_passes(ir::Module &module) {
    keep_named(module);
    ir::canonicalize(module); // numbered as its text reads, so that the text parses back to the same numbers
    if (shows_listing() || options_.stage == "lowered")
      show(module, "lowered");
    passed_stage_ = !is_pass(options_.stage);
    ir::PassOptions passes;
    passes.verify = !options_.time_passes;
    passes.only = options_.passes;
    std::string before = options_.print_changed ? text(module) : "";
    auto start = std::chrono::steady_clock::now();
    passes.after_pass = [&](const char *pass, const ir::Module &changed) {
      note_time(pass, changed,
                std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
      if (options_.stage == pass) {
        show(changed, pass);
        passed_stage_ = true;
      }
      if (options_.print_changed && !options_.run) {
        std::string after = text(changed);
        if (after != before)
          show(changed, pass);
        before = std::move(after);
      }
      start = std::chrono::steady_clock::now();
    };
    std::vector<std::string> findings = ir::try_passes(module, passes);
    for (const std::string &finding : findings)
      complain(finding);
    return findings.empty();
  }

  void note_time(const char *pass, const ir::Module &module, double milliseconds) {
    if (!options_.time_passes)
      return;
    size_t instructions = 0;
    for (const ir::Function &function : module.functions)
      for (const ir::Block &block : function.blocks)
        instructions += block.insts.size();
    times_.push_back({{"pass", pass}, {"ms", milliseconds}, {"instructions_after", instructions}});
  }

  void report(const char *name, const Json &data, const std::string &text) {
    if (options_.json)
      object_[name] = data;
    else
      fmt::print("{}", text);
  }

  std::string times_text() const {
    std::string out = fmt::format("{:<24} {:>10} {:>14}\n", "pass", "ms", "instructions");
    double sum = 0;
    for (const Json &row : times_) {
      sum += row["ms"].get<double>();
      out += fmt::format("{:<24} {:>10.3f} {:>14}\n", row["pass"].get<std::string>(), row["ms"].get<double>(),
                         row["instructions_after"].get<size_t>());
    }
    return out + fmt::format("{:<24} {:>10.3f}\n", "all", sum);
  }

  Result<void> show_reports(const ir::Module &module) {
    if (options_.locks) {
      Json data = lock_report(module);
      report("locks", data, lock_text(data));
    }
    if (options_.cost) {
      Json data = cost_report(module);
      report("cost", data, cost_text(data));
    }
    if (options_.time_passes)
      report("time_passes", times_, times_text());
    if (!options_.cfg_file.empty()) {
      std::string graph = graphviz(module, chosen_functions(module, options_.only), options_.print);
      if (Result<void> written = write_graph(options_.cfg_file, graph); !written)
        return written;
    }
    if (options_.safety) {
      auto verdict = machine_text(module, "safety");
      if (!verdict)
        return verdict.error();
      report("safety", verdict->findings, verdict->text);
    }
    if (is_machine_stage(options_.stage)) {
      auto made = machine_text(module, options_.stage);
      if (!made)
        return made.error();
      report(options_.stage.c_str(), made->text, made->text);
    }
    return {};
  }

  // The emitter knows no locals.
  Result<MachineText> machine_text(const ir::Module &module, const std::string &stage) const {
    ir::VerifyOptions wanted;
    wanted.ssa = true;
    if (std::vector<std::string> findings = ir::verify(module, wanted); !findings.empty())
      return Error{findings[0], "run pass ssa too"};
    return machinery_(module, stage);
  }

  const DumpOptions &options_;
  const Machinery &machinery_;
  bool passed_stage_ = true; // the stage is no pass, or that pass was run
  Json object_ = Json::object(), times_ = Json::array();
};

} // namespace

std::vector<ir::FunctionId> chosen_functions(const ir::Module &module, const std::string &only) {
  std::vector<bool> chosen(module.functions.size(), only.empty());
  for (size_t index = 0; index < module.functions.size(); ++index)
    if (module.functions[index].name == only)
      chosen[index] = true;
  size_t number = 0;
  auto [end, status] = std::from_chars(only.data(), only.data() + only.size(), number);
  bool is_number = !only.empty() && status == std::errc() && end == only.data() + only.size();
  if (is_number && number < module.probes.size())
    chosen[module.probes[number].handler.index] = true;
  for (const ir::Site &site : module.sites)
    if (!only.empty() && site.pp == only)
      chosen[module.probes[site.probe.index].handler.index] = true;
  std::vector<ir::FunctionId> functions;
  for (size_t index = 0; index < chosen.size(); ++index)
    if (chosen[index])
      functions.push_back(ir::FunctionId{uint32_t(index)});
  return functions;
}

int list_passes() {
  for (const ir::PassInfo &pass : ir::all_passes())
    fmt::print("{:<20} {}\n", pass.name, pass.meaning);
  return 0;
}

int dump_module(ir::Module module, const DumpOptions &options, const Machinery &machinery) {
  if (!are_known(options))
    return 1;
  return Dump(options, machinery).run(module);
}

} // namespace tapjit

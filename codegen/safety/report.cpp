// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/safety/extract.h"

#include <algorithm>
#include <fmt/format.h>
#include <llvm/IR/Module.h>
#include <nlohmann/json.hpp>
#include <sstream>

namespace tapjit::codegen {

std::string_view property_word(Property property) {
  static constexpr std::string_view words[] = {
#define PROPERTY(name, word, meaning) word,
#include "codegen/safety/obligations.def"
#undef PROPERTY
  };
  return words[size_t(property)];
}

std::string safety_version() { return "7"; }

SafetyReport verify_unit(llvm::Module &module, const ContextLayout &layout, const Summaries &runtime) {
  SafetyRun run{module, layout, runtime, {}, handler_functions(module)};
  for (const llvm::Function *function : run.functions)
    run.report.functions.push_back(function->getName().str());
  std::sort(run.report.functions.begin(), run.report.functions.end());
  check_loops(run);
  check_calls(run);
  return std::move(run.report);
}

Summaries summarize_runtime(llvm::Module &module, const ContextLayout &layout) {
  Summaries result;
  const Summaries none;
  for (const llvm::Function &function : module) {
    if (function.isDeclaration() || function.hasLocalLinkage())
      continue;
    SafetyRun run{module, layout, none, {}, reachable({&function})};
    check_loops(run);
    FunctionSummary summary;
    std::set<std::string> outside;
    for (const llvm::Function *part : run.functions)
      for (const llvm::Function *callee : direct_references(*part))
        if (callee->isDeclaration() && !callee->isIntrinsic())
          outside.insert(callee->getName().str());
    // Calls out of the object are decided when all objects are known (close_summaries); the others here.
    check_calls(run);
    summary.callees.assign(outside.begin(), outside.end());
    summary.handler_safe = true;
    for (const Finding &finding : run.report.findings) {
      bool outside_call = finding.property == Property::Calls && finding.observed.starts_with("a call of `");
      if (outside_call)
        continue;
      summary.handler_safe = false;
      summary.reason = finding.observed;
      break;
    }
    result[function.getName().str()] = std::move(summary);
  }
  return result;
}

void close_summaries(Summaries &summaries) {
  for (bool changed = true; changed;) {
    changed = false;
    for (auto &[name, summary] : summaries) {
      if (!summary.handler_safe)
        continue;
      for (const std::string &callee : summary.callees) {
        auto other = summaries.find(callee);
        bool safe =
            handler_may_call(find_allowed_call(callee)) || (other != summaries.end() && other->second.handler_safe);
        if (safe)
          continue;
        summary.handler_safe = false;
        summary.reason = fmt::format("it calls `{}`", callee);
        changed = true;
        break;
      }
    }
  }
}

// One line a function: name, "safe" or "unsafe", callees separated by commas, reason.
std::string summaries_to_text(const Summaries &summaries) {
  std::string text;
  for (const auto &[name, summary] : summaries)
    text += fmt::format("{}\t{}\t{}\t{}\n", name, summary.handler_safe ? "safe" : "unsafe",
                        fmt::join(summary.callees, ","), summary.reason);
  return text;
}

Summaries summaries_from_text(std::string_view text) {
  Summaries result;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream fields(line);
    std::string name, verdict, callees, reason;
    std::getline(fields, name, '\t');
    std::getline(fields, verdict, '\t');
    std::getline(fields, callees, '\t');
    std::getline(fields, reason);
    if (name.empty() || (verdict != "safe" && verdict != "unsafe"))
      continue;
    FunctionSummary summary{verdict == "safe", reason, {}};
    std::istringstream parts(callees);
    for (std::string callee; std::getline(parts, callee, ',');)
      summary.callees.push_back(callee);
    result[name] = std::move(summary);
  }
  return result;
}

static std::string place(const std::string &function, const std::string &file, unsigned line) {
  return line               ? fmt::format("{}:{}: in `{}`", file, line, function)
         : function.empty() ? "module"
                            : fmt::format("in `{}`", function);
}

std::string report_text(const SafetyReport &report) {
  std::string text = fmt::format("safety: {} functions, {} proofs, {} findings\n", report.functions.size(),
                                 report.proofs.size(), report.findings.size());
  for (const Finding &finding : report.findings)
    text += fmt::format("refused {}: {}: {}\n", property_word(finding.property),
                        place(finding.function, finding.file, finding.line), finding.observed);
  for (const Proof &proof : report.proofs)
    text += fmt::format("proven {}: {}: {}\n", property_word(proof.property),
                        place(proof.function, proof.file, proof.line), proof.reason);
  return text;
}

std::string report_json(const SafetyReport &report) {
  nlohmann::json json{
      {"functions", report.functions}, {"findings", nlohmann::json::array()}, {"proofs", nlohmann::json::array()}};
  for (const Finding &finding : report.findings)
    json["findings"].push_back({{"property", property_word(finding.property)},
                                {"function", finding.function},
                                {"file", finding.file},
                                {"line", finding.line},
                                {"observed", finding.observed}});
  for (const Proof &proof : report.proofs)
    json["proofs"].push_back({{"property", property_word(proof.property)},
                              {"function", proof.function},
                              {"file", proof.file},
                              {"line", proof.line},
                              {"reason", proof.reason}});
  return json.dump(2) + "\n";
}

} // namespace tapjit::codegen

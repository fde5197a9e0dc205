// SPDX-License-Identifier: GPL-2.0-or-later
// Golden tests of the passes, the verifier and the interpreter: tests/golden/ir/*.ir. A file is
//   ; passes: NAME NAME ...      (`all`: the whole pipeline; nothing: none; `check.locks`, `check.charges`,
//   `check.frame`: verify that, run none) ; ... what it shows the module
//   ;;; after       the module after the passes   } whichever of them is
//   ;;; findings    what the verifier says        } the result
//   ;;; output      of the interpreter            }
// `; run: N N` in the second line hits these probes before and after the passes, `; context: LINE` lines say what hits
// see (ir/interpret/context_script.h). `TAPJIT_UPDATE_GOLDEN=1 unit_ir` rewrites what follows the first `;;;`. The
// module and the result must parse back to themselves.
#include "ir/interpret/context_script.h"
#include "ir/parse.h"
#include "ir/passes/pipeline.h"
#include "ir/print.h"
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tapjit::ir {
namespace {

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (auto &entry : std::filesystem::directory_iterator(TAPJIT_SOURCE_DIR "/tests/golden/ir"))
    if (entry.path().extension() == ".ir")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string read(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> wanted_passes(const std::string &text) {
  std::istringstream first_line(text.substr(0, text.find('\n')));
  std::vector<std::string> names;
  std::string word;
  first_line >> word >> word;
  EXPECT_EQ(word, "passes:");
  while (first_line >> word)
    names.push_back(word);
  return names;
}

void expect_round_trip(const Module &module) {
  auto again = parse(print(module));
  ASSERT_TRUE(again) << again.error().observed << "\n" << print(module);
  EXPECT_TRUE(equal(module, *again)) << print(module) << print(*again);
}

// One chain of names for the passes in `names`; "all" is the pipeline.
std::vector<std::string> run(Module &module, const std::vector<std::string> &names) {
  PassOptions options;
  options.verify = true;
  if (names.empty() || names[0].rfind("check.", 0) == 0) {
    auto has = [&](const char *name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    return verify(module, {has("check.locks"), has("check.charges"), has("check.frame")});
  }
  if (names != std::vector<std::string>{"all"})
    options.only = names;
  for (const std::string &name : options.only)
    EXPECT_TRUE(std::any_of(all_passes().begin(), all_passes().end(), [&](const PassInfo &pass) {
      return pass.name == name;
    })) << name;
  return try_passes(module, options);
}

// The numbers of the second line, if it is a `; run:`.
std::vector<uint32_t> wanted_hits(const std::string &text) {
  std::istringstream line(text.substr(text.find('\n') + 1));
  std::vector<uint32_t> hits;
  std::string word;
  uint32_t number;
  line >> word >> word;
  while (word == "run:" && line >> number)
    hits.push_back(number);
  return hits;
}

// The lines `; context: ...`: what hits see (ir/interpret/context_script.h), instead of some numbers.
std::string wanted_context(const std::string &text) {
  static const std::string start = "; context: ";
  std::istringstream lines(text);
  std::string wanted;
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(start, 0) == 0)
      wanted += line.substr(start.size()) + "\n";
  return wanted.empty() ? "register 5 15\npoint \"kernel.function(\\\"f\\\")\"\nfunction \"f\"\n" : wanted;
}

std::string interpret(const Module &module, const std::vector<uint32_t> &hits, const std::string &context) {
  if (hits.empty() && context.find("hit ") == std::string::npos)
    return "";
  Machine machine(module);
  auto options = read_context_script(context, module);
  if (!options)
    return "; context: " + options.error().observed + "\n";
  for (uint32_t hit : hits)
    options->hits.push_back({ProbeId{hit}, options->context});
  std::string result;
  for (const ScriptedHit &hit : options->hits) {
    Outcome outcome = machine.hit(hit.probe, hit.context);
    std::string name = "; probe " + std::to_string(hit.probe.index);
    if (outcome.failure)
      result += name + " fails: " + *outcome.failure + (outcome.where.empty() ? "" : " near " + outcome.where) + "\n";
    if (!outcome.reply.empty())
      result += name + " replies: " + outcome.reply + "\n";
    if (!outcome.is_fine())
      result += name + " is wrong: " + outcome.internal + "\n";
  }
  for (const std::string &warning : machine.warnings())
    result += "; warning: " + warning + "\n";
  std::istringstream lines(machine.output());
  for (std::string line; std::getline(lines, line);)
    result += "; | " + line + "\n";
  return result;
}

std::string result_of(const std::string &input) {
  auto module = parse(input);
  if (!module)
    return ";;; findings\n; " + module.error().observed + "\n";
  expect_round_trip(*module);
  std::vector<uint32_t> hits = wanted_hits(input);
  std::string context = wanted_context(input);
  std::string before = interpret(*module, hits, context);
  std::vector<std::string> findings = run(*module, wanted_passes(input));
  if (findings.empty()) {
    canonicalize(*module);
    expect_round_trip(*module);
    if (!before.empty()) {
      EXPECT_EQ(before, interpret(*module, hits, context)) << print(*module);
      return ";;; output\n" + before;
    }
    return ";;; after\n" + print(*module);
  }
  std::string text = ";;; findings\n";
  for (const std::string &finding : findings)
    text += "; " + finding + "\n";
  return text;
}

class IrGolden : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(IrGolden, MatchesFile) {
  std::string text = read(GetParam());
  std::string input = text.substr(0, text.find(";;;"));
  std::string result = result_of(input);
  if (getenv("TAPJIT_UPDATE_GOLDEN")) {
    std::ofstream(GetParam(), std::ios::binary) << input << result;
    return;
  }
  EXPECT_EQ(text.substr(input.size()), result);
}

INSTANTIATE_TEST_SUITE_P(Files, IrGolden, testing::ValuesIn(golden_files()), [](const auto &info) {
  std::string name = info.param.stem().string();
  std::replace_if(name.begin(), name.end(), [](char letter) { return !isalnum(letter); }, '_');
  return name;
});

} // namespace
} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// The tables in IR.md are those of ops.def and passes.def.
#include "ir/ir.h"
#include "ir/passes/pipeline.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace tapjit::ir {
namespace {

std::string effect_words(uint16_t effects) {
  static const std::pair<Effect, const char *> names[] = {
      {Ctx, "Ctx"}, {RMem, "RMem"},   {WMem, "WMem"},     {RGlob, "RGlob"},   {WGlob, "WGlob"},   {Lock, "Lock"},
      {Vol, "Vol"}, {Print, "Print"}, {Opaque, "Opaque"}, {RMatch, "RMatch"}, {WMatch, "WMatch"}, {Fail, "Fail"}};
  std::string words;
  for (auto [effect, name] : names)
    if (effects & effect)
      words += (words.empty() ? "" : " ") + std::string(name);
  return words.empty() ? "Pure" : words;
}

std::string row(const OpInfo &info) {
  static const char *aux[] = {"None", "Global", "Function", "String", "Format", "LockSet", "Block"};
  static const char *imm[] = {"-", "Integer", "Flag", "Field", "Sort"};
  return "| `" + std::string(info.mnemonic) + "` | " + (info.operands[0] ? info.operands : "-") + " | " + info.result +
         " | " + aux[size_t(info.aux)] + " | " + effect_words(info.effects) + " | " + std::to_string(info.cost) +
         " | " + imm[size_t(info.imm)] + " |";
}

TEST(IrOps, TableInIrMdIsThatOfOpsDef) {
  std::string expected, found;
  for (size_t op = 0; op <= size_t(Op::Unlock); ++op)
    expected += row(op_info(Op(op))) + "\n";
  std::ifstream file(TAPJIT_SOURCE_DIR "/ir/IR.md");
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("<!-- ", 0) == 0)
      in_table = line.rfind("<!-- ops:", 0) == 0;
    if (in_table && line.rfind("| `", 0) == 0)
      found += line + "\n";
  }
  EXPECT_EQ(found, expected) << "replace the table in ir/IR.md by:\n" << expected;
}

TEST(IrOps, PassesInIrMdAreThoseOfPassesDef) {
  std::string expected, found;
  for (const PassInfo &pass : all_passes())
    expected += "| `" + std::string(pass.name) + "` | " + (pass.optimizes ? "improves" : "decides") + " | " +
                pass.meaning + " |\n";
  std::ifstream file(TAPJIT_SOURCE_DIR "/ir/IR.md");
  bool in_table = false;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("<!-- ", 0) == 0)
      in_table = line.rfind("<!-- passes:", 0) == 0;
    if (in_table && line.rfind("| `", 0) == 0)
      found += line + "\n";
  }
  EXPECT_EQ(found, expected) << "replace the table in ir/IR.md by:\n" << expected;
}

// Each pass has a golden file that names it, but `cost`, which changes no text: ir_cost_test.
TEST(IrOps, EachPassHasAGoldenFile) {
  std::string first_lines;
  for (auto &entry : std::filesystem::directory_iterator(TAPJIT_SOURCE_DIR "/tests/golden/ir")) {
    std::ifstream file(entry.path());
    std::string line;
    std::getline(file, line);
    first_lines += line + " \n";
  }
  for (const PassInfo &pass : all_passes())
    if (pass.name != std::string("cost"))
      EXPECT_NE(first_lines.find(" " + std::string(pass.name) + " "), std::string::npos) << pass.name;
}

} // namespace
} // namespace tapjit::ir

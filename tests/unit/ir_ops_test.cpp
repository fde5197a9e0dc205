// SPDX-License-Identifier: GPL-2.0-or-later
// The table of ops in IR.md is that of ops.def.
#include "ir/ir.h"

#include <gtest/gtest.h>

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
    in_table |= line.rfind("<!-- ops:", 0) == 0;
    if (in_table && line.rfind("| `", 0) == 0)
      found += line + "\n";
  }
  EXPECT_EQ(found, expected) << "replace the table in ir/IR.md by:\n" << expected;
}

} // namespace
} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// Golden C: tests/golden/c/*.ir is IR text, then `;;; c` and the unit that the whole pipeline makes of it (for the
// kernel where the first line says so). TAPJIT_UPDATE_GOLDEN=1 rewrites what stands behind the line. The compilers'
// view of such units is in codegen_emit_run_test.cpp.
#include "tests/unit/codegen_emit_support.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <vector>

namespace tapjit {
namespace {

constexpr std::string_view mark = ";;; c\n";

TEST(EmitGolden, c) {
  unsigned count = 0;
  for (auto &entry : std::filesystem::directory_iterator(TAPJIT_SOURCE_DIR "/tests/golden/c")) {
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    std::string input = text.substr(0, text.find(mark));
    codegen::EmitOptions options;
    options.platform =
        text.starts_with("; platform: kernel\n") ? codegen::EmitPlatform::Kernel : codegen::EmitPlatform::User;
    std::string result = input + std::string(mark) + codegen::emit_c(test::decided_module(input), options);
    if (getenv("TAPJIT_UPDATE_GOLDEN"))
      std::ofstream(entry.path(), std::ios::binary) << result;
    else
      EXPECT_EQ(result, text) << entry.path();
    count++;
  }
  EXPECT_GE(count, 3u);
}

std::vector<std::string> lines_of(const std::string &text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

// The same C, in which no line of the script is followed by a second line of C.
TEST(EmitGolden, PinnedLines) {
  size_t pinned = 0;
  for (auto &entry : std::filesystem::directory_iterator(TAPJIT_SOURCE_DIR "/tests/golden/c")) {
    std::ifstream stream(entry.path(), std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(stream), {}};
    std::string input = text.substr(0, text.find(mark));
    codegen::EmitOptions options;
    std::vector<std::string> plain = lines_of(codegen::emit_c(test::decided_module(input), options));
    options.pin_lines = true;
    std::vector<std::string> exact = lines_of(codegen::emit_c(test::decided_module(input), options));
    auto is_mark = [](const std::string &line) { return line.starts_with("#line "); };
    for (size_t i = 1; i < exact.size() && input.find("embedded") == std::string::npos; ++i)
      if (is_mark(exact[i - 1]) && !is_mark(exact[i]) && !exact[i - 1].ends_with(".c\"")) {
        EXPECT_TRUE(i + 1 == exact.size() || is_mark(exact[i + 1])) << entry.path() << ": " << exact[i + 1];
        ++pinned;
      }
    std::erase_if(plain, is_mark);
    std::erase_if(exact, is_mark);
    EXPECT_EQ(plain, exact) << entry.path();
  }
  EXPECT_GT(pinned, 50u);
}

} // namespace
} // namespace tapjit

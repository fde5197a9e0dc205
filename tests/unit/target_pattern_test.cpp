// SPDX-License-Identifier: GPL-2.0-or-later
// The string of kernel.function and kernel.statement.
#include "frontend/target/function_pattern.h"

#include <gtest/gtest.h>

namespace tapjit::target {

using Lines = FunctionPattern::Lines;
using Ranges = std::vector<std::pair<uint32_t, uint32_t>>;

TEST(FunctionPattern, Parts) {
  FunctionPattern plain = parse_function_pattern("vfs_*");
  EXPECT_EQ(plain.function, "vfs_*");
  EXPECT_EQ(plain.file, "");
  EXPECT_EQ(plain.lines, Lines::None);

  FunctionPattern line = parse_function_pattern("vfs_read@fs/read_write.c:450");
  EXPECT_EQ(line.file, "fs/read_write.c");
  EXPECT_EQ(line.lines, Lines::Absolute);
  EXPECT_EQ(line.ranges, (Ranges{{450, 450}}));

  FunctionPattern relative = parse_function_pattern("f@a+b/c++.c+5");
  EXPECT_EQ(relative.file, "a+b/c++.c");
  EXPECT_EQ(relative.lines, Lines::Relative);
  EXPECT_EQ(relative.ranges, (Ranges{{5, 5}}));

  EXPECT_EQ(parse_function_pattern("f@c++.c").file, "c++.c");
  EXPECT_EQ(parse_function_pattern("f@x.c:*").lines, Lines::All);
  EXPECT_EQ(parse_function_pattern("f@x.c:1,5-9,12").ranges, (Ranges{{1, 1}, {5, 9}, {12, 12}}));
}

TEST(FunctionPattern, Problems) {
  for (const char *text : {"", "@x.c", "f@", "f@:12", "f@x.c:", "f@x.c:x", "f@x.c:9-5", "f@x.c:1,", "f@x.c:4294967296"})
    EXPECT_NE(parse_function_pattern(text).problem, "") << text;
  EXPECT_EQ(parse_function_pattern("f@x.c:12").problem, "");
}

TEST(FunctionPattern, WantedLines) {
  FunctionPattern pattern = parse_function_pattern("f@x.c+2-4");
  EXPECT_FALSE(pattern.wants(101, 100));
  EXPECT_TRUE(pattern.wants(102, 100));
  EXPECT_TRUE(pattern.wants(104, 100));
  EXPECT_FALSE(pattern.wants(105, 100));
  EXPECT_TRUE(parse_function_pattern("f@x.c:*").wants(7, 100));
  EXPECT_FALSE(parse_function_pattern("f@x.c:8").wants(7, 100));
}

} // namespace tapjit::target

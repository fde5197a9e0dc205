// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/names.h"

#include <gtest/gtest.h>

namespace tapjit::target {

TEST(Names, WildcardsMatchTheWholeName) {
  EXPECT_TRUE(matches_wildcard("vfs_*", "vfs_read"));
  EXPECT_TRUE(matches_wildcard("vfs_rea?", "vfs_read"));
  EXPECT_TRUE(matches_wildcard("vfs_[rw]*", "vfs_write"));
  EXPECT_FALSE(matches_wildcard("vfs_", "vfs_read"));
  EXPECT_FALSE(has_wildcard("vfs_read"));
  EXPECT_TRUE(has_wildcard("sys_?"));
}

TEST(Names, PathsMatchFromTheEnd) {
  EXPECT_TRUE(matches_path("socket.c", "net/socket.c"));
  EXPECT_TRUE(matches_path("net/socket.c", "net/socket.c"));
  EXPECT_TRUE(matches_path("net/*.c", "/build/net/socket.c"));
  EXPECT_FALSE(matches_path("ocket.c", "net/socket.c"));
}

TEST(Names, GuessesAreNearAndSorted) {
  NameGuesser guesser("vfs_raed");
  for (const char *name : {"vfs_read", "vfs_write", "vfs_readv", "kfree", "vfs_rmdir"})
    guesser.consider(name);
  auto best = guesser.best();
  ASSERT_FALSE(best.empty());
  EXPECT_EQ(best[0], "vfs_read");
  for (const std::string &name : best)
    EXPECT_NE(name, "kfree");
}

TEST(Names, NothingNearGivesNoGuess) {
  NameGuesser guesser("zzzzzzzz");
  guesser.consider("vfs_read");
  EXPECT_TRUE(guesser.best().empty());
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/cache/store.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace tapjit::codegen;

namespace {

class StoreTest : public testing::Test {
protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "store-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    options_.directory = name;
  }
  void TearDown() override {
    std::string command = "rm -rf '" + options_.directory + "'";
    ASSERT_EQ(system(command.c_str()), 0);
  }
  Store open() {
    auto store = Store::open(options_);
    EXPECT_TRUE(store) << store.error().observed;
    return std::move(*store);
  }
  static CacheKey key(std::string_view text) { return KeyBuilder().add(text).finish(); }
  static std::string content(const std::optional<CacheEntry> &entry) {
    return entry ? std::string(entry->bytes()) : "(absent)";
  }
  static void overwrite(const std::string &path, off_t at, char byte) {
    int fd = ::open(path.c_str(), O_WRONLY);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(pwrite(fd, &byte, 1, at), 1);
    close(fd);
  }
  StoreOptions options_;
};

} // namespace

TEST(CacheKey, IsSha256) {
  // FIPS 180-4: the digest of "abc" is a known one, but add() hashes the length first, as eight
  // bytes: these are the digests of 03 00 00 00 00 00 00 00 "abc", and of 1000 x likewise (from another
  // implementation).
  EXPECT_EQ(KeyBuilder().add("abc").finish().text(), "ce91dc5eec0139adf091900d225971d6");
  std::string long_part(1000, 'x');
  EXPECT_EQ(KeyBuilder().add(long_part).finish().text(), "9c314ddbf70836ca13f9f8375cc97d9c");
}

TEST(CacheKey, PartsDoNotRunTogether) {
  EXPECT_NE(KeyBuilder().add("ab").add("c").finish().text(), KeyBuilder().add("a").add("bc").finish().text());
  EXPECT_NE(KeyBuilder().finish().text(), KeyBuilder().add("").finish().text());
}

TEST_F(StoreTest, PutThenGet) {
  Store store = open();
  EXPECT_EQ(content(store.get("pch", key("a"))), "(absent)");
  auto put = store.put("pch", key("a"), "hello");
  ASSERT_TRUE(put);
  EXPECT_EQ(put->bytes(), "hello");
  EXPECT_EQ(content(store.get("pch", key("a"))), "hello");
  EXPECT_EQ(content(open().get("pch", key("a"))), "hello");
  EXPECT_EQ(content(store.get("pch", key("b"))), "(absent)");
  EXPECT_EQ(content(store.get("other", key("a"))), "(absent)");
  ASSERT_TRUE(store.put("pch", key("a"), ""));
  EXPECT_EQ(content(store.get("pch", key("a"))), "");
  store.remove("pch", key("a"));
  EXPECT_EQ(content(store.get("pch", key("a"))), "(absent)");
}

TEST_F(StoreTest, DamageIsAbsence) {
  Store store = open();
  std::string text(100000, 'x');
  for (off_t at : {off_t{0}, off_t{50000}, off_t{99999}, off_t{100004}}) {
    auto put = store.put("pch", key("a"), text);
    ASSERT_TRUE(put);
    ASSERT_TRUE(store.get("pch", key("a")));
    overwrite(put->path(), at, 'y');
    EXPECT_FALSE(store.get("pch", key("a"))) << at;
    EXPECT_NE(access(put->path().c_str(), F_OK), 0) << "a damaged entry is removed";
  }
  auto put = store.put("pch", key("a"), text);
  ASSERT_EQ(truncate(put->path().c_str(), 70000), 0);
  EXPECT_FALSE(store.get("pch", key("a")));
}

TEST_F(StoreTest, AnEntryOfAnotherKeyIsAbsence) {
  Store store = open();
  auto a = store.put("pch", key("a"), "of a");
  auto b = store.put("pch", key("b"), "of b");
  ASSERT_EQ(rename(a->path().c_str(), b->path().c_str()), 0);
  EXPECT_FALSE(store.get("pch", key("b")));
}

TEST_F(StoreTest, WritableByOthersDoesNotCount) {
  Store store = open();
  auto put = store.put("pch", key("a"), "hello");
  ASSERT_EQ(chmod(put->path().c_str(), 0622), 0);
  EXPECT_FALSE(store.get("pch", key("a")));
  ASSERT_EQ(chmod(options_.directory.c_str(), 0777), 0);
  EXPECT_FALSE(Store::open(options_));
}

TEST_F(StoreTest, ALinkDoesNotCount) {
  Store store = open();
  auto put = store.put("pch", key("a"), "hello");
  std::string elsewhere = options_.directory + "/elsewhere";
  ASSERT_EQ(rename(put->path().c_str(), elsewhere.c_str()), 0);
  ASSERT_EQ(symlink(elsewhere.c_str(), put->path().c_str()), 0);
  EXPECT_FALSE(store.get("pch", key("a")));
}

TEST_F(StoreTest, AdoptTakesAFile) {
  Store store = open();
  auto path = store.temporary_path("pch");
  ASSERT_TRUE(path);
  std::ofstream(*path) << "written by a compiler";
  auto entry = store.adopt("pch", key("a"), *path);
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->bytes(), "written by a compiler");
  EXPECT_NE(access(path->c_str(), F_OK), 0);
}

TEST_F(StoreTest, OldestGoFirst) {
  options_.limit_bytes = 1000;
  Store store = open();
  std::string text(300, 'x');
  time_t old = 1000;
  for (const char *name : {"a", "b", "c"}) {
    auto put = store.put("pch", key(name), text);
    ASSERT_TRUE(put);
    for (const std::string &file : {put->path(), put->path() + ".seen"}) {
      timespec times[2] = {{old, 0}, {old, 0}};
      ASSERT_EQ(utimensat(AT_FDCWD, file.c_str(), times, 0), 0);
    }
    old += 1000;
  }
  ASSERT_TRUE(store.get("pch", key("a"))); // used now
  ASSERT_TRUE(store.put("pch", key("d"), text));
  EXPECT_TRUE(store.get("pch", key("a")));
  EXPECT_FALSE(store.get("pch", key("b")));
  EXPECT_TRUE(store.get("pch", key("c")));
  EXPECT_TRUE(store.get("pch", key("d")));
  // What is larger than the limit stays while it is the newest.
  ASSERT_TRUE(store.put("pch", key("big"), std::string(5000, 'x')));
  EXPECT_TRUE(store.get("pch", key("big")));
}

TEST_F(StoreTest, TwoWritersRace) {
  Store store = open();
  std::string text(200000, 'x');
  pid_t children[4];
  for (pid_t &child : children) {
    child = fork();
    if (child == 0) {
      bool good = true;
      for (int i = 0; i < 50; i++) {
        good &= static_cast<bool>(store.put("pch", key("a"), text));
        auto entry = store.get("pch", key("a"));
        good &= !entry || entry->bytes() == text;
      }
      _exit(good ? 0 : 1);
    }
  }
  for (pid_t child : children) {
    int status;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(content(store.get("pch", key("a"))), text);
}

TEST_F(StoreTest, DisabledLeavesNothing) {
  options_.disabled = true;
  std::string directory;
  {
    Store store = open();
    directory = store.directory();
    EXPECT_NE(directory, options_.directory);
    ASSERT_TRUE(store.put("pch", key("a"), "hello"));
    EXPECT_EQ(content(store.get("pch", key("a"))), "hello");
  }
  EXPECT_NE(access(directory.c_str(), F_OK), 0);
}

TEST_F(StoreTest, DirectoryComesFromTheEnvironment) {
  setenv("XDG_CACHE_HOME", (options_.directory + "/xdg").c_str(), 1);
  unsetenv("SYSTEMTAP_DIR");
  EXPECT_EQ(Store::open({})->directory(), options_.directory + "/xdg/tapjit");
  setenv("SYSTEMTAP_DIR", (options_.directory + "/own").c_str(), 1);
  EXPECT_EQ(Store::open({})->directory(), options_.directory + "/own/cache");
  unsetenv("SYSTEMTAP_DIR");
  unsetenv("XDG_CACHE_HOME");
}

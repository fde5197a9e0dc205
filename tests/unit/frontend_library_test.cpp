// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend_support.h"

#include "frontend/library_scan.h"
#include "frontend/preprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace tapjit::testing {
namespace {

LibraryFile scan(const std::string &text) {
  SourceTable sources;
  Diagnostics diagnostics(sources);
  Arena arena;
  LibraryFile file;
  scan_definitions(lex(sources, sources.add("x", text, SourceKind::tapset), arena, diagnostics), file);
  return file;
}

using Names = std::vector<std::string>;

TEST(LibraryScan, FindsDefinitions) {
  LibraryFile file = scan(R"(
    %{ int c_code; %}
    global a = 1, b[5], c%[3] = "x" private global hidden, hidden2
    function f(x) { global_name = 1; if (x) { probe_like = 2 } }
    private function g() %{ %}
    %( kernel_v > "3" %? function h:long() { } %: function i() { } %)
    probe one.two = begin { x = 1 }, { y }
    probe three.* = kernel.function("x").call, process.function.probe { }
    probe a.b = c.d = end { }
    probe {x,y}.z = end { }
    probe p.q += timer.s(1) { }
    probe begin { }
    private k
    global last)");
  EXPECT_EQ(file.functions, (Names{"f", "h", "i"}));
  EXPECT_EQ(file.globals, (Names{"a", "b", "c", "last"}));
  EXPECT_EQ(file.aliases, (Names{"one.two", "three.*", "a.b", "c.d", "*", "p.q"}));
}

TEST(LibraryScan, UnfinishedTexts) {
  for (const char *text :
       {"probe", "probe {", "global", "global a,", "function", "private", "probe a.b = ", "{", "probe a {"})
    (void)scan(text);
}

TEST(LibraryIndex, RoundTripAndDamage) {
  std::vector<LibraryFile> files(2);
  files[0] = {"/a b/x.stp", 123456789, 42, false, {"f"}, {"g"}, {"a.b", "c"}};
  files[1] = {"/y.stpm", 1, 2, true, {}, {}, {}};
  std::string bytes = write_index(files);
  std::vector<LibraryFile> again;
  ASSERT_TRUE(read_index(bytes, again));
  ASSERT_EQ(again.size(), 2u);
  EXPECT_EQ(again[0].path, "/a b/x.stp");
  EXPECT_EQ(again[0].aliases, files[0].aliases);
  EXPECT_TRUE(again[1].is_macros);
  for (size_t cut = 0; cut < bytes.size(); ++cut) {
    std::vector<LibraryFile> part;
    EXPECT_FALSE(read_index(std::string_view(bytes).substr(0, cut), part)) << cut;
  }
  std::vector<LibraryFile> bad;
  EXPECT_FALSE(read_index("tapjit tapset index 1\nX\nE\n", bad));
  EXPECT_FALSE(read_index("tapjit tapset index 1\nfoo\nE\n", bad));
}

TEST(Library, DirectoryAndChanges) {
  char directory[] = "/tmp/tapjit-library-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::filesystem::path root(directory);
  std::filesystem::create_directory(root / "linux");
  std::ofstream(root / "one.stp") << "function one() { return @two }";
  std::ofstream(root / "linux" / "m.stpm") << "@define two %( 2 %)";
  std::ofstream(root / "ignored.txt") << "function ignored() { }";
  std::string index;
  {
    SourceTable sources;
    Diagnostics diagnostics(sources);
    Library library(sources, test_options());
    ASSERT_TRUE(library.add_directory(root));
    EXPECT_TRUE(library.index_changed());
    std::vector<const ast::File *> files = library.files_of_function("one", diagnostics);
    ASSERT_EQ(files.size(), 1u);
    EXPECT_EQ(print_file(*files[0]), "function one() {\n  return 2;\n}\n");
    EXPECT_TRUE(library.files_of_function("ignored", diagnostics).empty());
    EXPECT_EQ(diagnostics.render_all(), "");
    index = library.save_index();
  }
  {
    SourceTable sources;
    Library library(sources, test_options());
    library.load_index(index);
    ASSERT_TRUE(library.add_directory(root));
    EXPECT_FALSE(library.index_changed());
    EXPECT_EQ(sources.size(), 0u) << "no text is read before it is needed";
    Diagnostics diagnostics(sources);
    EXPECT_FALSE(library.files_of_function("one", diagnostics).empty());
  }
  std::ofstream(root / "one.stp") << "function one() { return 1 } function three() { }";
  {
    SourceTable sources;
    Library library(sources, test_options());
    library.load_index(index);
    ASSERT_TRUE(library.add_directory(root));
    EXPECT_TRUE(library.index_changed());
    Diagnostics diagnostics(sources);
    EXPECT_FALSE(library.files_of_function("three", diagnostics).empty());
  }
  EXPECT_FALSE(std::filesystem::exists(root / "none"));
  SourceTable sources;
  Library library(sources, test_options());
  EXPECT_FALSE(library.add_directory(root / "none"));
  std::filesystem::remove_all(root);
}

TEST(Library, Subdirectories) {
  ParseOptions options = test_options();
  EXPECT_EQ(
      library_subdirectories(options),
      (Names{"linux/6.1.0-56-cloud-amd64/x86_64", "linux/6.1.0-56-cloud-amd64", "linux/6.1.0/x86_64", "linux/6.1.0",
             "linux/6.1/x86_64", "linux/6.1", "linux/x86_64", "linux", "6.1.0-56-cloud-amd64/x86_64",
             "6.1.0-56-cloud-amd64", "6.1.0/x86_64", "6.1.0", "6.1/x86_64", "6.1", "x86_64", ""}));
  options.runtime = "dyninst";
  options.kernel_release = "7.0";
  options.arch = "arm64";
  EXPECT_EQ(library_subdirectories(options),
            (Names{"dyninst/7.0/arm64", "dyninst/7.0", "dyninst/arm64", "dyninst", "7.0/arm64", "7.0", "arm64", ""}));
}

TEST(Library, OnlyTheNamedSubdirectoriesEachFileOnce) {
  char directory[] = "/tmp/tapjit-library-XXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  std::filesystem::path root(directory);
  for (const char *name : {"", "linux", "linux/x86_64", "linux/6.1", "linux/6.2", "linux/arm64", "dyninst", "other"}) {
    std::filesystem::create_directories(root / name);
    std::string suffix(name);
    std::replace(suffix.begin(), suffix.end(), '/', '_');
    std::replace(suffix.begin(), suffix.end(), '.', '_');
    std::ofstream(root / name / "f.stp") << "function all() { return 1 } function in_" << suffix << "() { return 1 }";
  }
  SourceTable sources;
  Diagnostics diagnostics(sources);
  Library library(sources, test_options());
  ASSERT_TRUE(library.add_directory(root));
  ASSERT_TRUE(library.add_directory(root));
  std::vector<std::string_view> names = library.function_names();
  EXPECT_EQ(std::vector<std::string>(names.begin(), names.end()),
            (Names{"all", "in_linux_6_1", "all", "in_linux_x86_64", "all", "in_linux", "all", "in_"}));
  std::vector<const ast::File *> files = library.files_of_function("all", diagnostics);
  ASSERT_EQ(files.size(), 4u);
  EXPECT_EQ(sources.name(files[0]->source), std::string(root) + "/linux/6.1/f.stp");
  EXPECT_EQ(sources.name(files[3]->source), std::string(root) + "/f.stp");
  std::filesystem::remove_all(root);
}

TEST(Versions, Order) {
  EXPECT_LT(compare_versions("6.1", "6.10"), 0);
  EXPECT_GT(compare_versions("6.10.0", "6.9.9"), 0);
  EXPECT_EQ(compare_versions("6.1.0", "6.1.0"), 0);
  EXPECT_LT(compare_versions("6.1", "6.1.0"), 0);
  EXPECT_GT(compare_versions("6.1.0-56", "6.1.0-9"), 0);
}

TEST(Glob, Matches) {
  EXPECT_TRUE(glob_match("vfs_*", "vfs_read"));
  EXPECT_FALSE(glob_match("vfs_*", "nfs_read"));
  EXPECT_TRUE(glob_match("*", ""));
  EXPECT_TRUE(glob_match("a?c[0-9]", "abc5"));
  EXPECT_FALSE(glob_match("a[!b]", "ab"));
  EXPECT_TRUE(glob_match("[", "["));
  EXPECT_TRUE(glob_match("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"));
  EXPECT_FALSE(glob_match("", "a"));
}

} // namespace
} // namespace tapjit::testing

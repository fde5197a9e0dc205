// SPDX-License-Identifier: GPL-2.0-or-later
// Golden files tests/golden/ast/*.golden: a script, a line "---- pass 1" or "---- pass 2", and what that pass prints,
// diagnostics included. TAPJIT_UPDATE_GOLDEN=1 rewrites what stands behind the line. The canonical text of pass 1 must
// parse to itself.
#include "frontend_tree_text.h"
#include "frontend_verdict.h"

#include "frontend/macros.h"
#include "frontend/preprocess.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

namespace tapjit::testing {
namespace {

std::string read_text(const std::filesystem::path &path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> golden_files() {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::directory_iterator(TAPJIT_SOURCE_DIR "/tests/golden/ast"))
    if (entry.path().extension() == ".golden")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::set<DiagId> &seen() {
  static std::set<DiagId> ids;
  return ids;
}

void note(const Diagnostics &diagnostics) {
  for (const Diagnostic &diagnostic : diagnostics.all())
    seen().insert(diagnostic.id);
}

// The canonical text parses to the same tree and the same text.
void expect_same_again(const ast::File &file, const ParseOptions &options, SourceTable &sources,
                       Diagnostics &diagnostics) {
  std::string text = print_file(file);
  SourceId source = sources.add("again.stp", text, SourceKind::script);
  std::unique_ptr<ast::File> again = parse_script(sources, source, options, diagnostics);
  EXPECT_EQ(print_file(*again), text);
  EXPECT_EQ(TreeText::of(*again), TreeText::of(file)) << text;
}

// Pass 1 alone; its text must parse to the same text.
std::string first_pass(const std::string &script) {
  SourceTable sources;
  Diagnostics diagnostics(sources);
  ParseOptions options = test_options();
  options.guru = script.find("// guru") == 0;
  std::vector<bool> used(options.arguments.size(), false);
  options.used_arguments = &used;
  SourceId id = sources.add("script.stp", script, SourceKind::script);
  std::unique_ptr<ast::File> file = parse_script(sources, id, options, diagnostics);
  std::string text = print_file(*file);
  note(diagnostics);
  if (!diagnostics.has_errors()) {
    options.guru = true;
    expect_same_again(*file, options, sources, diagnostics);
  }
  return text + diagnostics.render_all();
}

// Pass 2 with the fakes: the program, then each handler's and function's text as resolved.
std::string second_pass(const std::string &script) {
  ElaborateOptions options;
  options.guru = script.find("// guru") == 0;
  ParseOptions parse = test_options();
  parse.guru = options.guru;
  auto result = elaborate_text(script, options, parse);
  note(result->diagnostics);
  if (result->diagnostics.has_errors())
    return result->diagnostics.render_all();
  std::string text = result->diagnostics.render_all() + print_program(result->program);
  for (const FunctionInfo &function : result->program.functions)
    if (function.body)
      text += "# body of " + function.unique_name + "\n" + print_stmt(*function.body) + "\n";
  for (const Handler &handler : result->program.handlers) {
    text += "# body of " + handler.sites.front().site.pp + "\n";
    for (const ast::Stmt *block : handler.blocks)
      text += print_stmt(*block) + "\n";
  }
  return text;
}

TEST(FrontendGolden, All) {
  bool update = std::getenv("TAPJIT_UPDATE_GOLDEN") != nullptr;
  for (const auto &path : golden_files()) {
    std::string text = read_text(path);
    size_t first = text.find("---- pass 1\n"), second = text.find("---- pass 2\n");
    ASSERT_NE(std::min(first, second), std::string::npos) << path;
    size_t split = std::min(first, second);
    std::string script = text.substr(0, split);
    std::string got = first < second ? first_pass(script) : second_pass(script);
    std::string expected = text.substr(split + 12);
    if (update && got != expected)
      std::ofstream(path) << text.substr(0, split + 12) << got;
    else
      EXPECT_EQ(got, expected) << path;
  }
}

// Every diagnostic of the front end is reported by some golden file. Rows behind `not_supported` belong to other rooms.
TEST(FrontendGolden, EveryDiagnosticHasATest) {
  for (const auto &path : golden_files()) {
    std::string text = read_text(path);
    size_t first = text.find("---- pass 1\n"), second = text.find("---- pass 2\n");
    std::string script = text.substr(0, std::min(first, second));
    (void)(first < second ? first_pass(script) : second_pass(script));
  }
  for (const auto &path : verdict_files())
    (void)run_verdict_file(read_text(path), seen());
  // Three that no script of its own can show.
  SourceTable sources;
  Diagnostics diagnostics(sources);
  MacroTable macros;
  parse_macro_file(sources, sources.add("m.stpm", "@define a %( 1 %) probe", SourceKind::macros), test_options(),
                   macros, diagnostics);
  report_unused_arguments({"one", "two"}, {true, false}, diagnostics);
  EXPECT_EQ(
      diagnostics.render_all(),
      "error: a macro library holds only `@define`s, found `probe`\n  --> m.stpm:1:19\n 1 | @define a %( 1 %) probe\n"
      "   |                   ^~~~~\nwarning: argument `two` is not used by the script\n");
  note(diagnostics);
  ElaborateOptions options;
  options.global_values = {{"nmae", "1"}};
  auto result = elaborate_text("global name probe begin { println(name + 1) }", options, test_options());
  EXPECT_EQ(result->diagnostics.render_all(),
            "error: option -G: the script has no global `nmae`\nhint: did you mean `name`?\n");
  note(result->diagnostics);
  std::string missing;
  for (size_t i = 0; i < static_cast<size_t>(DiagId::not_supported); ++i)
    if (!seen().contains(static_cast<DiagId>(i)))
      missing += std::string(diag_name(static_cast<DiagId>(i))) + " ";
  EXPECT_EQ(missing, "");
}

TEST(FrontendSupport, SmallTapsetParses) {
  auto result = elaborate_text("probe begin { exit() }");
  EXPECT_EQ(result->diagnostics.render_all(), "");
  ASSERT_EQ(result->program.handlers.size(), 1u);
  EXPECT_EQ(print_program(result->program), "# functions\nexit:unknown ()\n# probes\nbegin /* <- begin */\n");
}

// Directives, macros and privileges that the script of a test has.
ParseOptions options_of(const std::string &script) {
  ParseOptions options = test_options();
  options.guru = true;
  if (size_t at = script.find("#! args:"); at != std::string::npos) {
    std::istringstream words(script.substr(at + 8, script.find('\n', at) - at - 8));
    options.arguments.clear();
    for (std::string word; words >> word;)
      options.arguments.push_back(word);
  }
  return options;
}

// Every script of the tree: the canonical text parses, and gives the same tree again.
TEST(FrontendGolden, CanonicalTextOfEveryScript) {
  unsigned count = 0;
  for (const char *folder : {"/tests", "/tapset"})
    for (const auto &entry : std::filesystem::recursive_directory_iterator(TAPJIT_SOURCE_DIR + std::string(folder))) {
      bool is_golden = entry.path().extension() == ".golden";
      if (entry.path().extension() != ".stp" && !is_golden)
        continue;
      std::string script = read_text(entry.path());
      if (size_t end = script.find("\n---- "); end != std::string::npos)
        script.resize(end + 1);
      SourceTable sources;
      Diagnostics diagnostics(sources);
      MacroTable macros;
      ParseOptions options = options_of(script);
      for (const auto &file : std::filesystem::directory_iterator(TAPJIT_SOURCE_DIR "/tapset/scripts"))
        if (file.path().extension() == ".stpm")
          parse_macro_file(sources, sources.add(file.path(), read_text(file.path()), SourceKind::macros), options,
                           macros, diagnostics);
      options.library_macros = &macros;
      SourceId id = sources.add(entry.path(), script, SourceKind::script);
      std::unique_ptr<ast::File> file = parse_script(sources, id, options, diagnostics);
      if (diagnostics.has_errors()) {
        // Only those that show a mistake, or need arguments or macros of their own, may have errors. Those of
        // run/corpus are directives only.
        std::string path = entry.path();
        EXPECT_TRUE(is_golden || path.find("/verdicts/") != std::string::npos ||
                    path.find("/language/") != std::string::npos || path.find("/fuzz/") != std::string::npos ||
                    path.find("/run/corpus/") != std::string::npos)
            << path << "\n"
            << diagnostics.render_all();
        continue;
      }
      ++count;
      SCOPED_TRACE(entry.path());
      expect_same_again(*file, options, sources, diagnostics);
      EXPECT_FALSE(diagnostics.has_errors()) << entry.path() << diagnostics.render_all();
    }
  EXPECT_GT(count, 200u);
}

} // namespace
} // namespace tapjit::testing

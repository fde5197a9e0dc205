// SPDX-License-Identifier: GPL-2.0-or-later
// Runs tests/golden/verdicts/ (tests/README.md has the form). TAPJIT_UPDATE_GOLDEN=1 rewrites the last section.
#include "frontend_verdict.h"

#include "frontend/lower.h"
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace tapjit::testing {

namespace {

constexpr const char *folder = TAPJIT_SOURCE_DIR "/tests/golden/verdicts";
constexpr size_t wanted_files = 400; // issue 3

struct Section {
  std::string name; // "" for the script, else what stands behind `---- `
  std::string text;
};

struct Verdict {
  ParseOptions parse = test_options();
  ElaborateOptions elaborate;
  LowerOptions lower;
  Diagnostics::Warnings warnings = Diagnostics::Warnings::shown;
  int last_pass = 3;
  bool real_tapset = false;
};

std::vector<Section> split_sections(const std::string &text) {
  std::vector<Section> sections(1);
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find('\n', at), text.size() - 1) + 1;
    std::string line = text.substr(at, end - at);
    if (line.starts_with("---- "))
      sections.push_back({line.substr(5, line.find_last_not_of('\n') - 4), {}});
    else
      sections.back().text += line;
    at = end;
  }
  return sections;
}

// Words as a shell would split them; only quotes are special.
std::vector<std::string> split_words(const std::string &line) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = 0;
  for (char c : line) {
    bool begins = quote || !strchr(" \t", c);
    if (begins && !in_word)
      words.emplace_back();
    in_word = begins;
    if (quote ? c == quote : c == '\'' || c == '"')
      quote = quote ? 0 : c;
    else if (begins)
      words.back() += c;
  }
  return words;
}

std::pair<std::string, std::string> split_value(const std::string &word) {
  size_t equal = word.find('=');
  return equal == std::string::npos ? std::pair(word, std::string())
                                    : std::pair(word.substr(0, equal), word.substr(equal + 1));
}

void read_options(const std::vector<std::string> &words, Verdict &verdict) {
  for (size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i], value;
    for (const char *with_value : {"--compatible", "-G", "-D"}) {
      size_t length = strlen(with_value);
      if (!word.starts_with(with_value))
        continue;
      value = word.size() > length   ? word.substr(length + (word[length] == '='))
              : i + 1 < words.size() ? words[++i]
                                     : "";
      word = with_value;
    }
    if (word == "-g")
      verdict.parse.guru = verdict.elaborate.guru = true;
    else if (word == "-u")
      verdict.elaborate.keep_unused = true;
    else if (word == "-w")
      verdict.warnings = Diagnostics::Warnings::dropped;
    else if (word == "-W" && verdict.warnings == Diagnostics::Warnings::dropped)
      continue; // -w goes first
    else if (word == "-W")
      verdict.warnings = Diagnostics::Warnings::errors;
    else if (word == "-p1" || word == "-p2")
      verdict.last_pass = word[2] - '0';
    else if (word == "--skip-badvars")
      verdict.elaborate.skip_badvars = true;
    else if (word == "--runtime=user")
      verdict.parse.runtime = "dyninst";
    else if (word.starts_with("--privilege="))
      verdict.elaborate.privilege = verdict.parse.privilege = word.substr(12);
    else if (word == "--tapset")
      verdict.real_tapset = true;
    else if (word == "--compatible")
      verdict.parse.compatible = verdict.elaborate.compatible = verdict.lower.compatible = value;
    else if (word == "-G")
      verdict.elaborate.global_values.push_back(split_value(value));
    else if (word == "-D")
      verdict.lower.defines.push_back(split_value(value));
    else
      ADD_FAILURE() << "unknown option " << words[i];
  }
}

Verdict read_directives(const std::string &script) {
  Verdict verdict;
  verdict.parse.arguments.clear();
  std::istringstream lines(script);
  for (std::string line; std::getline(lines, line) && line.starts_with("#");) {
    if (line.starts_with("#! options:"))
      read_options(split_words(line.substr(11)), verdict);
    else if (line.starts_with("#! args:"))
      verdict.parse.arguments = split_words(line.substr(8));
    else if (line.starts_with("#!"))
      ADD_FAILURE() << "unknown directive " << line;
  }
  return verdict;
}

// `---- tapset PATH`: a file in a tapset directory, which is there while it is read.
void add_tapset_directory(const std::vector<Section> &sections, Elaborated &result) {
  std::string root;
  for (const Section &section : sections) {
    if (!section.name.starts_with("tapset "))
      continue;
    if (root.empty()) {
      char name[] = "/tmp/tapset-XXXXXX";
      ASSERT_NE(mkdtemp(name), nullptr);
      root = name;
    }
    std::filesystem::path path = std::filesystem::path(root) / section.name.substr(strlen("tapset "));
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << section.text;
  }
  if (root.empty())
    return;
  EXPECT_TRUE(bool(result.library->add_directory(root)));
  (void)result.library->macros(result.diagnostics); // reads them
  std::filesystem::remove_all(root);
}

// What add_tapset_directory() made up is left out of file names.
std::string without_temporary_names(std::string text) {
  for (size_t at; (at = text.find("/tmp/tapset-")) != std::string::npos;)
    text.erase(at, strlen("/tmp/tapset-XXXXXX/"));
  return text;
}

// All passes; what they say is in `result.diagnostics`.
void run_passes(const std::vector<Section> &sections, Verdict &verdict, Elaborated &result) {
  result.diagnostics.set_warnings(verdict.warnings);
  result.library = std::make_unique<Library>(result.sources, verdict.parse);
  if (verdict.real_tapset)
    EXPECT_TRUE(bool(result.library->add_directory(TAPJIT_SOURCE_DIR "/tapset/scripts")));
  else
    add_small_tapset(*result.library);
  for (const Section &section : sections)
    if (section.name == "tapset" || section.name == "macros")
      result.library->add_text(section.name == "tapset" ? "tapset.stp" : "macros.stpm", section.text);
  add_tapset_directory(sections, result);
  std::vector<bool> used(verdict.parse.arguments.size());
  verdict.parse.used_arguments = &used;
  verdict.parse.library_macros = &result.library->macros(result.diagnostics);
  std::vector<std::unique_ptr<ast::File>> files;
  for (const Section &section : sections)
    if (section.name.empty() || section.name == "script")
      files.push_back(parse_script(
          result.sources,
          result.sources.add(section.name.empty() ? "test.stp" : "second.stp", section.text, SourceKind::script),
          verdict.parse, result.diagnostics));
  report_unused_arguments(verdict.parse.arguments, used, result.diagnostics);
  if (result.diagnostics.has_errors() || verdict.last_pass < 2)
    return;
  ProbeFamilies families = fake_families();
  std::vector<const ast::File *> pointers;
  for (const auto &file : files)
    pointers.push_back(file.get());
  result.program = elaborate(pointers, *result.library, families, verdict.elaborate, result.diagnostics);
  if (result.diagnostics.has_errors() || verdict.last_pass < 3)
    return;
  verdict.lower.display_sites = find_display_sites(families);
  ir::Module module = lower(result.program, result.sources, verdict.lower, result.diagnostics);
  if (!result.diagnostics.has_errors())
    for (const std::string &finding : ir::verify(module))
      ADD_FAILURE() << "the IR is not sound: " << finding;
}

std::string read_text(const std::filesystem::path &path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

} // namespace

std::vector<std::filesystem::path> verdict_files() {
  std::vector<std::filesystem::path> files;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".stp")
      files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

std::string run_verdict_file(const std::string &text, std::set<DiagId> &ids) {
  std::vector<Section> sections = split_sections(text);
  if (sections.back().name == "accepted" || sections.back().name == "refused")
    sections.pop_back();
  for (const Section &section : sections)
    EXPECT_TRUE(section.name.empty() || section.name == "script" || section.name == "tapset" ||
                section.name.starts_with("tapset ") || section.name == "macros")
        << "unknown section " << section.name;
  Verdict verdict = read_directives(sections[0].text);
  Elaborated result;
  run_passes(sections, verdict, result);
  for (const Diagnostic &diagnostic : result.diagnostics.all())
    ids.insert(diagnostic.id);
  std::string out;
  for (const Section &section : sections)
    out += (section.name.empty() ? "" : "---- " + section.name + "\n") + section.text;
  return out + (result.diagnostics.has_errors() ? "---- refused\n" : "---- accepted\n") +
         without_temporary_names(result.diagnostics.render_all());
}

namespace {

class Verdicts : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(Verdicts, AsWritten) {
  std::string expected = read_text(GetParam());
  std::set<DiagId> ids;
  std::string got = run_verdict_file(expected, ids);
  if (got != expected && std::getenv("TAPJIT_UPDATE_GOLDEN"))
    std::ofstream(GetParam(), std::ios::binary) << got;
  else
    EXPECT_EQ(got, expected) << GetParam();
}

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Verdicts);
INSTANTIATE_TEST_SUITE_P(Golden, Verdicts, ::testing::ValuesIn(verdict_files()), [](const auto &info) {
  std::string name = std::filesystem::relative(info.param, folder).replace_extension().string();
  std::replace_if(name.begin(), name.end(), [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

TEST(VerdictFiles, AreEnough) { EXPECT_GE(verdict_files().size(), wanted_files); }

} // namespace
} // namespace tapjit::testing

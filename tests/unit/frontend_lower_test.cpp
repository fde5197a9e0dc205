// SPDX-License-Identifier: GPL-2.0-or-later
// Lowering. Golden files tests/golden/ir_lower/*.golden hold a script, a line "---- IR", and the IR that is expected;
// TAPJIT_UPDATE_GOLDEN=1 rewrites that part. All IR must verify and must parse back to itself. The corpus is lowered
// with the real tapset.
#include "frontend/elaborate.h"
#include "frontend/lower.h"
#include "frontend/lower_module.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace tapjit {
namespace {

constexpr std::string_view separator = "---- IR\n";

// Functions that golden scripts call, smaller than the tapset's.
constexpr std::string_view small_tapset = R"(
function pid:long() %{ /* pure */ STAP_RETURN(tap_pid()); %}
function execname:string() %{ /* pure */ tap_execname(STAP_RETVALUE, MAXSTRINGLEN); %}
function pp:string() %{ /* intrinsic ctx.pp */ /* pure */ %}
function exit() %{ /* intrinsic exit */ %}
function error(msg:string) %{ /* intrinsic error */ %}
)";

using Arg = ast::PointComponent::Arg;

std::string text_of(std::span<const ProbeComponent> components) {
  std::string text;
  for (const ProbeComponent &component : components) {
    text += (text.empty() ? "" : ".") + std::string(component.name);
    if (component.arg == Arg::number)
      text += "(" + std::to_string(component.number) + ")";
    else if (component.arg == Arg::string)
      text += "(\"" + std::string(component.text) + "\")";
  }
  return text;
}

ProbeMatch fake_match(std::span<const ProbeComponent> components) {
  ProbeMatch match;
  ResolvedSite site;
  site.site.pp = text_of(components);
  std::string_view first = components[0].name;
  match.known = true;
  if (first == "begin" || first == "end" || first == "error") {
    site.site.family = first;
    site.context_kind = ir::ContextKind::Session;
  } else if (first == "file" && components.size() == 2) {
    site.site.family = "file";
    site.context_kind = ir::ContextKind::Process;
    site.targets = TargetContextId(components[1].name == "read" ? 2u : 3u);
  } else if (first == "timer" && components.size() >= 2) {
    site.site.family = "timer";
    site.site.constants.emplace_back("period", components[1].number);
  } else if ((first == "kernel" || first == "kprobe") && components.size() >= 2 && components[1].name == "function") {
    site.is_return = components.back().name == "return";
    if (components.size() > 2 && components[2].name == "callee")
      site.callers = {{0x1000, 0x1100, "kernel_clone", 0x3000, ""}, {0x5000, 0x5010, "loop:lo_open", 0x4000, "01ab"}};
    site.site.family = site.is_return ? "kretprobe" : "kprobe";
    site.site.function = components[1].text;
    site.site.constants.emplace_back("symbol", std::string(components[1].text));
    site.targets = TargetContextId(site.is_return ? 1u : 0u);
  } else {
    match.known = false;
    return match;
  }
  match.sites.push_back(site);
  return match;
}

// $count and $return are integers, $file and $buf pointers; every member is at 8, every element has 1 byte.
TargetAnswer fake_target(TargetContextId context, const TargetQuery &query) {
  using enum target::StepKind;
  TargetAnswer answer;
  auto step = [&](target::StepKind kind, int64_t value = 0, uint8_t bits = 64, bool is_signed = false) {
    answer.access.steps.push_back({kind, value, bits, is_signed});
  };
  answer.found = true;
  if (query.name == "$value") { // of a file
    answer.access.is_text = answer.writable = true;
    if (context.index() == 2)
      answer.access.write.kind = target::WriteAccess::Kind::Reply;
    else
      step(PushMessage);
    return answer;
  }
  answer.access.type.kind = target::TypeKind::Integer;
  bool at_return = context.valid() && context.index() == 1;
  if (query.name == "$count")
    step(PushRegister, 1), step(Extend, 0, 32, true);
  else if (query.name == "$return")
    step(PushRegister, 0);
  else if (query.name == "$file" || query.name == "$buf" || query.name == "$pos")
    step(PushRegister, query.name == "$file" ? 5 : 4);
  else if (query.root != ast::Target::Root::cast)
    answer.found = false;
  answer.access.at_entry = at_return && query.name != "$return" && query.root == ast::Target::Root::dollar;
  int64_t dynamic = 0;
  if (query.steps)
    for (const target::PathStep &path : *query.steps) {
      if (path.kind == target::PathStep::Kind::DynamicIndex)
        step(PushIndex, dynamic++), step(Add), step(Load, 0, 8, false);
      else
        step(PushConstant, 8), step(Add), step(Load);
    }
  answer.access.dynamic_indexes = unsigned(dynamic);
  return answer;
}

ProbeFamilies fake_families() {
  ProbeFamilies families;
  families.patterns = {{{{"begin"}}},
                       {{{"end"}}},
                       {{{"error"}}},
                       {{{"timer"}, {"ms", Arg::number}}},
                       {{{"timer"}, {"s", Arg::number}}},
                       {{{"timer"}, {"profile"}}},
                       {{{"kernel"}, {"function", Arg::string}}},
                       {{{"kernel"}, {"function", Arg::string}, {"return"}}},
                       {{{"kernel"}, {"function", Arg::string}, {"callee", Arg::string}}},
                       {{{"kernel"}, {"function", Arg::string}, {"callee", Arg::string}, {"return"}}}};
  families.match = fake_match;
  families.target = fake_target;
  families.names = [](TargetContextId, std::string_view) { return std::vector<std::string>{"$file", "$count"}; };
  families.enumerators = [](TargetContextId, const EnumQuery &) {
    return EnumAnswer{{{"BLUE", 4}, {"RED", -1}, {"GREEN", 1}, {"AZURE", 4}}, ""};
  };
  return families;
}

struct Lowered {
  ir::Module module;
  std::string diagnostics;
};

struct Run {
  std::string name, script;
  std::vector<std::string> arguments;
  bool real_tapset = false;
};

Lowered lower_text(const Run &run) {
  SourceTable sources;
  Diagnostics diagnostics(sources);
  ParseOptions options;
  options.guru = true;
  options.arguments = run.arguments;
  ParseOptions tapset_options = options;
  Library library(sources, tapset_options);
  if (run.real_tapset) {
    auto added = library.add_directory(TAPJIT_SOURCE_DIR "/tapset/scripts");
    EXPECT_TRUE(bool(added));
  } else {
    library.add_text("small.stp", std::string(small_tapset));
  }
  options.library_macros = &library.macros(diagnostics);
  auto file = parse_script(sources, sources.add(run.name, run.script, SourceKind::script), options, diagnostics);
  Lowered result;
  ProbeFamilies families = fake_families();
  ElaborateOptions elaborate_options;
  elaborate_options.guru = true;
  Program program = elaborate(*file, library, families, elaborate_options, diagnostics);
  if (!diagnostics.has_errors()) {
    LowerOptions lower_options;
    lower_options.module_name = "test";
    lower_options.display_sites = find_display_sites(families);
    result.module = lower(program, sources, lower_options, diagnostics);
  }
  result.diagnostics = diagnostics.render_all();
  return result;
}

void check_module(const ir::Module &module) {
  for (const std::string &finding : ir::verify(module))
    ADD_FAILURE() << finding;
  auto again = ir::parse(ir::print(module));
  ASSERT_TRUE(bool(again)) << again.error().observed;
  EXPECT_TRUE(ir::equal(module, *again));
}

std::string read_file(const std::filesystem::path &path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

std::vector<std::filesystem::path> files_in(const char *folder, const char *extension) {
  std::vector<std::filesystem::path> result;
  for (const auto &entry : std::filesystem::directory_iterator(std::filesystem::path(TAPJIT_SOURCE_DIR) / folder))
    if (entry.path().extension() == extension)
      result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

// Of functions that were taken away again no name stays behind, whatever comes after them.
TEST(LowerNames, OfFunctionsThatGo) {
  Program program;
  SourceTable sources;
  LowerOptions options;
  Diagnostics diagnostics(sources);
  ir::Module module;
  lowering::ModuleState state{program, sources, options, diagnostics, module, ir::Interner(module), {}, {}, {},
                              {},      {},      false,   {},          {}};
  auto add = [&](std::string name) {
    ir::Function function;
    function.name = state.free_name(std::move(name));
    state.add_function(std::move(function));
    return module.functions.back().name;
  };
  EXPECT_EQ(add("first"), "first");
  EXPECT_EQ(add("last"), "last");
  EXPECT_EQ(add("last"), "last_");
  state.drop_last_function();
  state.drop_last_function();
  state.drop_last_function();
  EXPECT_EQ(add("other"), "other");
  EXPECT_EQ(add("last"), "last");
  EXPECT_EQ(add("first"), "first");
  EXPECT_EQ(add("other"), "other_");
}

TEST(Lower, Golden) {
  for (const auto &path : files_in("tests/golden/ir_lower", ".golden")) {
    SCOPED_TRACE(path.filename().string());
    std::string text = read_file(path);
    size_t cut = text.find(separator);
    std::string script = text.substr(0, cut);
    Lowered lowered = lower_text({path.stem().string() + ".stp", script, {}, false});
    EXPECT_EQ(lowered.diagnostics, "");
    check_module(lowered.module);
    std::string got = script + std::string(separator) + ir::print(lowered.module);
    if (std::getenv("TAPJIT_UPDATE_GOLDEN"))
      std::ofstream(path) << got;
    else
      EXPECT_EQ(text, got);
  }
}

TEST(Lower, Corpus) {
  for (const char *name : {"hello-world", "arrays", "timers", "vfs-read", "strace-open", "write-target",
                           "syscall-count", "read-latency"}) {
    SCOPED_TRACE(name);
    std::string path = std::string(TAPJIT_SOURCE_DIR "/tests/corpus/") + name + ".stp";
    Lowered lowered = lower_text({path, read_file(path), {"3", "hello"}, true});
    EXPECT_EQ(lowered.diagnostics, "");
    EXPECT_FALSE(lowered.module.probes.empty());
    check_module(lowered.module);
  }
}

// What is not lowered yet is said with its place.
TEST(Lower, Unsupported) {
  for (const char *body : {"println(@perf(\"x\"))"}) {
    SCOPED_TRACE(body);
    Lowered lowered =
        lower_text({"x.stp",
                    std::string("global pairs, one\nprobe begin { pairs[1, 2] = 3; one <<< 1; ") + body + " }\n",
                    {},
                    false});
    EXPECT_NE(lowered.diagnostics.find("not supported yet"), std::string::npos) << lowered.diagnostics;
    EXPECT_NE(lowered.diagnostics.find("x.stp:2:"), std::string::npos) << lowered.diagnostics;
  }
}

TEST(Lower, LinearHistogramHasALimit) {
  for (const char *bounds : {"0, 250, 2", "0, 252, 2", "-9223372036854775807, 9223372036854775807, 1"}) {
    Lowered lowered =
        lower_text({"x.stp",
                    "global t\nprobe begin { t <<< 1 print(@hist_linear(t, " + std::string(bounds) + ")) }\n",
                    {},
                    false});
    bool fits = bounds == std::string("0, 250, 2"); // 125 steps, the upper bound's own, two outside: 128
    EXPECT_EQ(lowered.diagnostics.empty(), fits) << lowered.diagnostics;
    if (!fits) {
      EXPECT_TRUE(lowered.diagnostics.starts_with("error: the histogram of `t` has more than 128 buckets"));
    }
  }
}

TEST(Lower, LimitsAndDefines) {
  SourceTable sources;
  Diagnostics diagnostics(sources);
  LowerOptions options;
  options.defines = {{"MAXACTION", "7"}, {"STP_NO_OVERLOAD", ""}, {"FOO", "bar"}};
  ir::Module module = lower(Program(), sources, options, diagnostics);
  EXPECT_EQ(module.limits.at("MAXACTION"), 7);
  EXPECT_EQ(module.limits.at("STP_NO_OVERLOAD"), 1);
  EXPECT_EQ(module.defines.at("FOO"), "bar");
}

} // namespace
} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// stap: options, then the five passes in order; each can be the last (-p), which prints its result.
#include "codegen/emit/emit.h"
#include "tools/stap/compile_pass.h"
#include "tools/stap/complaints.h"
#include "tools/stap/kbuild.h"
#include "tools/stap/lines_pass.h"
#include "tools/stap/list_pass.h"
#include "tools/stap/options.h"
#include "tools/stap/run_pass.h"
#include "tools/stap/script_pass.h"
#include "tools/stap/user_run.h"
#include "tools/stap/work_dir.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <set>
#include <unistd.h>

namespace tapjit {

namespace {

constexpr int failed = 1;

// An error of the environment, as a user reads it. Gives the exit code.
int fail(const Error &error) {
  fmt::print(stderr, "error: {}\n", error.observed);
  if (!error.advice.empty())
    fmt::print(stderr, "hint: {}\n", error.advice);
  return failed;
}

void say(const Options &options, int pass, const std::string &line) {
  if (options.verbose[pass - 1] > 0)
    fmt::print(stderr, "{}\n", line);
}

// Prints what the passes noted, once; whether they noted an error.
bool report(const Options &options, Scripts &scripts) {
  const char *terminal = getenv("TERM"), *wanted = getenv("SYSTEMTAP_COLORS");
  bool shows_colour = isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
  bool colour = options.colour == 1 || (options.colour == -1 && shows_colour);
  if (wanted) { // what is no list of colours means none
    auto colours = DiagColours::parse(wanted);
    colour = colour && colours;
    if (colours)
      scripts.diagnostics.set_colours(*colours);
  }
  std::string text = scripts.diagnostics.render_all(colour);
  fwrite(text.data(), 1, text.size(), stderr);
  bool errors = scripts.diagnostics.has_errors();
  scripts.diagnostics.truncate(0);
  return errors;
}

// The name of the module, without -m: a hash of all that the script's meaning comes from.
std::string module_name(const Options &options, const KernelChoice &choice, const std::vector<ScriptText> &texts) {
  if (!options.module_name.empty())
    return options.module_name;
  codegen::KeyBuilder key;
  key.add(choice.release).add(uint64_t(options.guru)).add(uint64_t(options.unoptimized));
  for (const ScriptText &text : texts)
    key.add(text.text);
  for (const std::string &argument : options.arguments)
    key.add(argument);
  for (const auto &[name, value] : options.defines)
    key.add(name).add(value);
  for (const auto &[name, value] : options.globals)
    key.add(name).add(value);
  return "stap_" + key.finish().text();
}

// -T: a script of ours that ends the session.
void add_timeout(const Options &options, std::vector<ScriptText> &texts) {
  if (options.timeout_seconds > 0)
    texts.push_back({"<option -T>", fmt::format("probe timer.ms({}) {{ exit() }}",
                                                std::max<int64_t>(1, int64_t(options.timeout_seconds * 1000)))});
}

std::string count(size_t n, const char *one) { return fmt::format("{} {}{}", n, one, n == 1 ? "" : "s"); }

size_t site_count(const Program &program) {
  size_t sites = 0;
  for (const Handler &handler : program.handlers)
    sites += handler.sites.size();
  return sites;
}

size_t library_scripts(const SourceTable &sources) {
  size_t n = 0;
  for (size_t i = 0; i < sources.size(); ++i)
    n += sources.kind(SourceId(i)) == SourceKind::tapset || sources.kind(SourceId(i)) == SourceKind::macros;
  return n;
}

struct Run {
  const Options &options;
  KernelChoice choice;
  codegen::Store &store;
  StepTimes times;
  std::string name;
  WorkDirectory work;
  Scripts &scripts;
  bool forward_input = false; // the script reads standard input
};

// Writes what pass 4 made: to this directory with -m, to the cache as the result of -p4 (as SystemTap does), else to
// the working directory. Its path.
Result<std::string> module_file(Run &run, const CompileOutput &output, const char *suffix) {
  const Options &options = run.options;
  std::string file = run.name + suffix;
  if (!options.module_name.empty() || options.disable_cache) {
    if (auto written = write_file(file, output.image); !written)
      return written.error();
    return "./" + file;
  }
  std::string directory =
      run.work.is_kept() || options.last_pass == 5 ? run.work.path() : run.store.directory() + "/output";
  std::error_code ignored; // the write says what is wrong
  std::filesystem::create_directories(directory, ignored);
  std::string path = directory + "/" + file;
  if (auto written = write_file(path, output.image); !written)
    return written.error();
  return path;
}

// Says what pass 4 had to say; whether it refused the code.
bool refused(Run &run, const CompileOutput &output) {
  for (bool is_error : {false, true})
    for (const Complaint &complaint : is_error ? output.refusals : output.warnings)
      if (!note_complaint(complaint, is_error, run.scripts))
        fmt::print(stderr, "{}: {}\n", is_error ? "error" : "WARNING", complaint.line_text());
  bool errors = report(run.options, run.scripts) || !output.refusals.empty();
  if (errors)
    fmt::print(stderr, "Pass 4: compilation failed.  [man error::pass4]\n");
  return errors;
}

int run_ended(const Options &options, const PassClock &clock, const Result<int> &status) {
  if (!status)
    return fail(status.error());
  say(options, 5, fmt::format("Pass 5: run completed {}.", clock.text()));
  if (*status)
    fmt::print(stderr, "Pass 5: run failed.  [man error::pass5]\n");
  return *status;
}

int run_kernel(Run &run, const CompileInput &input) {
  const Options &options = run.options;
  PassClock clock;
  auto platform = open_kernel_platform(run.store, run.choice, input.runtime_dir, run.times);
  if (!platform)
    return fail(platform.error());
  if (options.use_kbuild) {
    auto verdict = verify_for_kernel(*platform, input, run.times);
    if (!verdict)
      return fail(verdict.error());
    if (refused(run, *verdict))
      return failed;
  }
  auto output = options.use_kbuild ? kbuild_module(run.choice.build_dir, input, run.work.path())
                                   : compile_module(run.store, *platform, input, run.times);
  if (!output)
    return fail(output.error());
  if (refused(run, *output))
    return failed;
  auto path = module_file(run, *output, ".ko");
  if (!path)
    return fail(path.error());
  say(options, 4,
      fmt::format("Pass 4: {} \"{}.ko\" {}.", output->from_cache ? "using cached" : "compiled C into", run.name,
                  clock.text()));
  run.times.add("pass4", clock.real_ms());
  if (options.last_pass == 4) {
    fmt::print("{}\n", *path);
    return 0;
  }
  say(options, 5, "Pass 5: starting run.");
  PassClock run_clock;
  auto status = run.choice.where == Where::Guest
                    ? run_module_in_guest(options, run.choice, *path, run.name, run.forward_input)
                    : run_module_on_host(options, *path, run.forward_input);
  return run_ended(options, run_clock, status);
}

int run_process(Run &run, const CompileInput &input) {
  const Options &options = run.options;
  PassClock clock;
  auto platform = open_user_platform(run.store, input.runtime_dir, run.times);
  if (!platform)
    return fail(platform.error());
  auto output = compile_for_process(run.store, *platform, input, run.times);
  if (!output)
    return fail(output.error());
  if (refused(run, *output))
    return failed;
  say(options, 4,
      fmt::format("Pass 4: {} \"{}.o\" {}.", output->from_cache ? "using cached" : "compiled C into", run.name,
                  clock.text()));
  run.times.add("pass4", clock.real_ms());
  if (options.last_pass == 4 || !options.module_name.empty() || options.keep_directory) {
    auto path = module_file(run, *output, ".o");
    if (!path)
      return fail(path.error());
    if (options.last_pass == 4) {
      fmt::print("{}\n", *path);
      return 0;
    }
  }
  say(options, 5, "Pass 5: starting run.");
  PassClock run_clock;
  auto status = run_in_process(options, *platform, output->image, run.times);
  return run_ended(options, run_clock, status);
}

// Whether it has places that debug symbols of the kernel gave.
bool has_places_of_build(const ir::Module &module) {
  return !module.anchor_symbol.empty() ||
         std::any_of(module.sites.begin(), module.sites.end(), [](const ir::Site &site) {
           return (site.family == "kprobe" || site.family == "kretprobe") && site.pp.starts_with("kernel.");
         });
}

// Whether it has a probe of the file that `staprun -i` writes to.
bool reads_input(const ir::Module &module) {
  return std::any_of(module.sites.begin(), module.sites.end(), [](const ir::Site &site) {
    return site.family == "procfs" &&
           std::any_of(site.constants.begin(), site.constants.end(), [](const auto &constant) {
             return constant.first == "path" && constant.second == std::variant<int64_t, std::string>("__stdin");
           });
  });
}

// Modules that have places or data in the unit, whose build is known.
std::set<std::string> modules_of(const ir::Module &module) {
  std::set<std::string> modules;
  for (const ir::ModuleAnchor &anchor : module.module_anchors)
    if (!anchor.build_id.empty())
      modules.insert(anchor.symbol.substr(0, anchor.symbol.find(':')) + " " + anchor.build_id);
  for (const ir::Site &site : module.sites) {
    std::string name, build_id;
    for (const auto &[key, value] : site.constants)
      if (const auto *text = std::get_if<std::string>(&value)) {
        if (key == "build_id")
          build_id = *text;
        else if (key == "symbol" || key == "anchor_symbol" || key == "module")
          name = text->substr(0, text->find(':'));
      }
    if (!build_id.empty())
      modules.insert(name + " " + build_id);
  }
  return modules;
}

// Of -DSTP_NO_BUILDID_CHECK: what is loaded is not compared with what was compiled for.
void forget_build_ids(ir::Module &module) {
  for (ir::Site &site : module.sites)
    std::erase_if(site.constants, [](const auto &constant) { return constant.first == "build_id"; });
  for (ir::ModuleAnchor &anchor : module.module_anchors)
    anchor.build_id.clear();
}

// Passes 1 to 3; an exit code, or -1 to go on with the C text.
int translate(Run &run, const std::vector<ScriptText> &texts, CompileInput &input) {
  const Options &options = run.options;
  Scripts &scripts = run.scripts;
  PassClock parse_clock;
  if (auto parsed = parse_pass(options, run.choice, texts, run.store, scripts); !parsed)
    return fail(parsed.error());
  if (report(options, scripts)) {
    fmt::print(stderr, "Pass 1: parse failed.  [man error::pass1]\n");
    return failed;
  }
  say(options, 1,
      fmt::format("Pass 1: parsed user script and {} {}.", count(library_scripts(scripts.sources), "library script"),
                  parse_clock.text_with_memory()));
  run.times.add("parse", parse_clock.real_ms());
  if (options.last_pass == 1) {
    for (const auto &file : scripts.files)
      fmt::print("{}", print_file(*file));
    return 0;
  }
  PassClock elaborate_clock;
  elaborate_pass(options, scripts);
  if (report(options, scripts)) {
    fmt::print(stderr, "Pass 2: analysis failed.  [man error::pass2]\n");
    return failed;
  }
  const Program &program = *scripts.program;
  say(options, 2,
      fmt::format("Pass 2: analyzed script: {}, {}, {}, {} {}.", count(site_count(program), "probe"),
                  count(program.functions.size(), "function"), count(program.embedded.size(), "embed"),
                  count(program.globals.size(), "global"), elaborate_clock.text_with_memory()));
  run.times.add("elaborate", elaborate_clock.real_ms());
  if (options.last_pass == 2) {
    fmt::print("{}", print_program(program, options.verbose[1] > 0));
    return 0;
  }
  PassClock translate_clock;
  ir::Module module = lower_pass(options, run.name, scripts);
  if (report(options, scripts)) {
    fmt::print(stderr, "Pass 3: translation failed.  [man error::pass3]\n");
    return failed;
  }
  for (const std::string &finding : ir_passes(options, module))
    return fail({"the IR of this script does not verify: " + finding,
                 "this is a bug of tapjit: please report it with the script"});
  run.times.add("ir", translate_clock.real_ms());
  run.forward_input = reads_input(module);
  PassClock emit_clock;
  if (!run.choice.user_runtime) {
    auto notes = add_lines(options, *scripts.target, module, input);
    if (!notes)
      return fail(notes.error());
    for (const std::string &note : *notes)
      say(options, 3, "Pass 3: " + note + ".");
  }
  const bool skips_build_ids = std::any_of(options.defines.begin(), options.defines.end(),
                                           [](const auto &define) { return define.first == "STP_NO_BUILDID_CHECK"; });
  if (skips_build_ids)
    forget_build_ids(module);
  codegen::EmitOptions emit_options;
  emit_options.platform = run.choice.user_runtime ? codegen::EmitPlatform::User : codegen::EmitPlatform::Kernel;
  emit_options.kbuild = options.use_kbuild;
  input.text = codegen::emit_c(module, emit_options);
  input.embedded_functions = codegen::embedded_function_names(module);
  if (!skips_build_ids && has_places_of_build(module))
    input.kernel_build_id = scripts.target->build_id();
  if (!skips_build_ids)
    input.modules = modules_of(module);
  emit_options.pin_lines = true;
  input.pinned_text = [emit_options, whole = std::make_shared<ir::Module>(std::move(module))] {
    return codegen::emit_c(*whole, emit_options);
  };
  run.times.add("emit", emit_clock.real_ms());
  std::string file = run.name + "_src.c";
  if (options.keep_directory)
    if (auto written = write_file(run.work.path() + "/" + file, input.text); !written)
      return fail(written.error());
  say(options, 3,
      fmt::format("Pass 3: translated to C into \"{}\" {}.",
                  options.keep_directory ? run.work.path() + "/" + file : file, translate_clock.text_with_memory()));
  if (options.last_pass == 3) {
    fmt::print("{}", input.text);
    return 0;
  }
  return -1;
}

// -l and its like. What cannot be placed matters to no one while something can.
int print_list(Run &run, const std::vector<ScriptText> &texts) {
  Scripts &scripts = run.scripts;
  if (auto parsed = parse_pass(run.options, run.choice, texts, run.store, scripts); !parsed)
    return fail(parsed.error());
  if (report(run.options, scripts))
    return failed;
  std::vector<std::string> lines = list_pass(run.options, scripts);
  std::string text;
  for (const std::string &line : lines)
    text += line + "\n";
  fwrite(text.data(), 1, text.size(), stdout);
  if (lines.empty())
    report(run.options, scripts);
  return lines.empty() ? failed : 0;
}

// The directories that the user named, before their absence shows as something else.
Result<void> check_directories(const Options &options, const KernelChoice &choice) {
  std::string runtime = runtime_directory(options);
  if (access((runtime + "/core/program.h").c_str(), R_OK) != 0)
    return Error{fmt::format("no runtime in `{}`: {}", runtime, strerror(errno)),
                 "-R and SYSTEMTAP_RUNTIME name a directory like tapjit's own runtime/"};
  std::string parent = work_parent(options.tmpdir);
  if ((options.keep_directory || !choice.user_runtime) && access(parent.c_str(), W_OK | X_OK) != 0)
    return Error{fmt::format("cannot make a working directory in `{}`: {}", parent, strerror(errno)),
                 "set --tmpdir or TMPDIR"};
  return {};
}

int run_script(const Options &options) {
  auto texts = options.list == Options::List::None ? read_scripts(options) : listed_script(options);
  if (!texts)
    return fail(texts.error());
  auto choice = choose_kernel(options);
  if (!choice)
    return fail(choice.error());
  if (auto good = check_directories(options, *choice); !good)
    return fail(good.error());
  if (options.list == Options::List::None)
    add_timeout(options, *texts);
  codegen::StoreOptions store_options;
  store_options.disabled = options.disable_cache;
  auto store = codegen::Store::open(store_options);
  if (!store)
    return fail(store.error());
  Scripts scripts;
  Run run{options, *choice, *store, {}, module_name(options, *choice, *texts), WorkDirectory(options.tmpdir), scripts};
  if (options.keep_directory) {
    run.work.keep();
    fmt::print(stderr, "Keeping temporary directory \"{}\"\n", run.work.path());
  }
  CompileInput input{"", run.name, runtime_directory(options), options.guru, {}, ""};
  if (options.list != Options::List::None)
    return print_list(run, *texts);
  int status = translate(run, *texts, input);
  if (status < 0)
    status = choice->user_runtime ? run_process(run, input) : run_kernel(run, input);
  if (options.time_steps)
    fmt::print(stderr, "{}", run.times.json());
  return status;
}

int clean_cache() {
  auto store = codegen::Store::open();
  if (!store)
    return fail(store.error());
  auto cleared = store->clear();
  return cleared ? 0 : fail(cleared.error());
}

} // namespace

} // namespace tapjit

int main(int argc, char **argv) {
  using namespace tapjit;
  // Scripts stop stap so; a shell without job control has it ignored in what it starts in the background.
  signal(SIGINT, SIG_DFL);
  auto options = parse_options(argc, argv);
  if (!options)
    return fail(options.error());
  int status = 0;
  switch (options->action) {
  case Options::Action::Help:
    fmt::print("{}", help_text());
    break;
  case Options::Action::Version:
    fmt::print("{}", version_text());
    break;
  case Options::Action::CleanCache:
    status = clean_cache();
    break;
  case Options::Action::Run:
    status = run_script(*options);
    break;
  }
  if (fflush(stdout) != 0) {
    fmt::print(stderr, "error: cannot write standard output\n");
    status = 1;
  }
  return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/options.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <getopt.h>
#include <iterator>
#include <sstream>

namespace tapjit {

namespace {

constexpr const char *short_options = "hVp:vkuwWgPbits:I:D:B:G:R:r:a:m:o:e:E:c:x:T:FS:d:l:L:qj:J:";

enum LongOnly : int {
  OptVp = 1000,
  OptVm,
  OptKbuild,
  OptVerifyIr,
  OptTimeSteps,
  OptPrefer,
  OptDownload,
  OptRuntime,
  OptDyninst,
  OptDisableCache,
  OptPoisonCache,
  OptCleanCache,
  OptColour,
  OptTmpdir,
  OptNoGlobalDisplay,
  OptSuppressHandlerErrors,
  OptSuppressTimeLimits,
  OptSkipBadvars,
  OptPrivilege,
  OptUnprivileged,
  OptCompatible,
  OptDumpTypes,
  OptDumpAliases,
  OptDumpFunctions,
  OptAllModules,
  OptUnsupported,
};

// Long options; those of SystemTap that tapjit does not have yet are known too, so that the message can say so.
const option long_options[] = {
    {"help", no_argument, nullptr, 'h'},
    {"version", no_argument, nullptr, 'V'},
    {"vp", required_argument, nullptr, OptVp},
    {"vm", optional_argument, nullptr, OptVm},
    {"kbuild", no_argument, nullptr, OptKbuild},
    {"verify-ir", no_argument, nullptr, OptVerifyIr},
    {"time-steps", no_argument, nullptr, OptTimeSteps},
    {"prefer", required_argument, nullptr, OptPrefer},
    {"download-debuginfo", optional_argument, nullptr, OptDownload},
    {"runtime", required_argument, nullptr, OptRuntime},
    {"dyninst", no_argument, nullptr, OptDyninst},
    {"disable-cache", no_argument, nullptr, OptDisableCache},
    {"poison-cache", no_argument, nullptr, OptPoisonCache},
    {"clean-cache", no_argument, nullptr, OptCleanCache},
    {"color", optional_argument, nullptr, OptColour},
    {"colour", optional_argument, nullptr, OptColour},
    {"tmpdir", required_argument, nullptr, OptTmpdir},
    {"no-global-var-display", no_argument, nullptr, OptNoGlobalDisplay},
    {"suppress-handler-errors", no_argument, nullptr, OptSuppressHandlerErrors},
    {"suppress-time-limits", no_argument, nullptr, OptSuppressTimeLimits},
    {"skip-badvars", no_argument, nullptr, OptSkipBadvars},
    {"privilege", required_argument, nullptr, OptPrivilege},
    {"unprivileged", no_argument, nullptr, OptUnprivileged},
    {"compatible", required_argument, nullptr, OptCompatible},
    {"interactive", no_argument, nullptr, OptUnsupported},
    {"prologue-searching", optional_argument, nullptr, OptUnsupported},
    {"check-version", no_argument, nullptr, OptUnsupported},
    {"semantic-keep-going", no_argument, nullptr, OptUnsupported},
    {"bpf", no_argument, nullptr, OptUnsupported},
    {"ldd", no_argument, nullptr, OptUnsupported},
    {"all-modules", no_argument, nullptr, OptAllModules},
    {"modinfo", required_argument, nullptr, OptUnsupported},
    {"debug", no_argument, nullptr, OptUnsupported},
    {"dump-probe-types", no_argument, nullptr, OptDumpTypes},
    {"dump-probe-aliases", no_argument, nullptr, OptDumpAliases},
    {"dump-functions", no_argument, nullptr, OptDumpFunctions},
    {"example", required_argument, nullptr, OptUnsupported},
    {"monitor", optional_argument, nullptr, OptUnsupported},
    {"language-server", no_argument, nullptr, OptUnsupported},
    {"target-namespaces", required_argument, nullptr, OptUnsupported},
    {"sysroot", required_argument, nullptr, OptUnsupported},
    {"sysenv", required_argument, nullptr, OptUnsupported},
    {"build-as", optional_argument, nullptr, OptUnsupported},
    {"save-uprobes", no_argument, nullptr, OptUnsupported},
    {"rlimit-as", required_argument, nullptr, OptUnsupported},
    {"rlimit-cpu", required_argument, nullptr, OptUnsupported},
    {"rlimit-nproc", required_argument, nullptr, OptUnsupported},
    {"rlimit-stack", required_argument, nullptr, OptUnsupported},
    {"rlimit-fsize", required_argument, nullptr, OptUnsupported},
    {"remote", required_argument, nullptr, OptUnsupported},
    {"remote-prefix", no_argument, nullptr, OptUnsupported},
    {"use-server", optional_argument, nullptr, OptUnsupported},
    {"use-server-on-error", optional_argument, nullptr, OptUnsupported},
    {"use-http-server", required_argument, nullptr, OptUnsupported},
    {"list-servers", optional_argument, nullptr, OptUnsupported},
    {"trust-servers", optional_argument, nullptr, OptUnsupported},
    {"sign-module", optional_argument, nullptr, OptUnsupported},
    {nullptr, 0, nullptr, 0},
};

Error usage(std::string observed) { return {std::move(observed), "see `stap --help`"}; }

Result<void> set_passes(Options &options, const char *text) {
  if (strlen(text) != 1 || text[0] < '1' || text[0] > '5')
    return usage(fmt::format("option -p: `{}` is no pass; passes are 1 to 5", text));
  options.last_pass = text[0] - '0';
  return {};
}

Result<void> add_verbosity(Options &options, const char *digits) {
  size_t n = strlen(digits);
  if (n < 1 || n > 5 || strspn(digits, "0123456789") != n)
    return usage(fmt::format("option --vp: `{}` is not one to five digits, one for each pass", digits));
  for (size_t i = 0; i < n; ++i)
    options.verbose[i] += digits[i] - '0';
  return {};
}

// NAME or NAME=VALUE; `allowed` are the characters of VALUE besides letters, digits and `_`.
Result<std::pair<std::string, std::string>> split_assignment(const char *option, const char *text, bool need_value,
                                                             const char *allowed) {
  std::string_view whole = text;
  size_t equals = whole.find('=');
  std::string name(whole.substr(0, equals));
  std::string value = equals == whole.npos ? "" : std::string(whole.substr(equals + 1));
  bool good = !name.empty() && !isdigit(static_cast<unsigned char>(name[0])) && (equals != whole.npos || !need_value);
  for (unsigned char c : name)
    good &= isalnum(c) || c == '_';
  for (unsigned char c : value)
    good &= isalnum(c) || c == '_' || strchr(allowed, c) != nullptr;
  if (!good)
    return usage(fmt::format("option {}: `{}` is not NAME{}", option, text, need_value ? "=VALUE" : " or NAME=VALUE"));
  return std::pair(std::move(name), std::move(value));
}

// A limit's value must be a number, so that a slip does not quietly leave the default; without a value it is 1, as in
// C.
Result<void> check_limit(const std::string &name, const std::string &value) {
  struct Limit {
    std::string_view name;
    int64_t most, least = 0;
  };
  static constexpr Limit limits[] = {
#define LIMIT(name, value, most) {#name, most},
#define LIMIT_FROM(name, value, least, most) {#name, most, least},
#include "ir/limits.def"
#undef LIMIT
  };
  const Limit *limit =
      std::find_if(std::begin(limits), std::end(limits), [&](const Limit &l) { return l.name == name; });
  if (value.empty() || limit == std::end(limits))
    return {};
  char *end = nullptr;
  errno = 0;
  long long number = strtoll(value.c_str(), &end, 0);
  if (errno || *end || number < limit->least || number > limit->most)
    return usage(fmt::format("option -D: `{}={}`: this limit is a whole number from {} to {}", name, value,
                             limit->least, limit->most));
  return {};
}

Result<int64_t> positive_number(const char *option, const char *text, int64_t low, int64_t high) {
  char *end = nullptr;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (errno || end == text || *end || value < low || value > high)
    return usage(fmt::format("option {}: `{}` is not a number from {} to {}", option, text, low, high));
  return int64_t(value);
}

Result<void> set_runtime(Options &options, std::string_view name) {
  if (name == "auto")
    options.runtime = RuntimeChoice::Auto;
  else if (name == "kernel")
    options.runtime = RuntimeChoice::Kernel;
  else if (name == "user" || name == "dyninst")
    options.runtime = RuntimeChoice::User;
  else
    return usage(fmt::format("option --runtime: `{}` is not auto, kernel or user", name));
  return {};
}

Result<void> set_preference(Options &options, std::string_view facts) {
  if (facts != "dwarf" && facts != "btf")
    return usage(fmt::format("option --prefer: `{}` is not dwarf or btf", facts));
  options.prefer_btf = facts == "btf";
  return {};
}

Result<void> set_download(Options &options, const char *text) {
  const std::string_view how = text ? text : "yes";
  options.download = how == "no"    ? Options::Download::No
                     : how == "ask" ? Options::Download::Ask
                                    : Options::Download::Usual;
  options.download_seconds = 0;
  if (how == "no")
    return {};
  if (how != "yes" && how != "ask") {
    constexpr int64_t most_seconds = 1000000;
    char *end = nullptr;
    errno = 0;
    long long seconds = strtoll(text, &end, 10);
    if (errno || end == text || *end || seconds < 1 || seconds > most_seconds)
      return usage(
          fmt::format("option --download-debuginfo: `{}` is not yes, no, ask or a number of seconds from 1 to {}", how,
                      most_seconds));
    options.download_seconds = seconds;
  }
  const char *urls = getenv("DEBUGINFOD_URLS");
  if (!urls || !*urls)
    return Error{"option --download-debuginfo: the variable DEBUGINFOD_URLS names no server to ask",
                 "set it to the debuginfod servers of the distribution, parted by blanks, as in "
                 "`export DEBUGINFOD_URLS=https://debuginfod.debian.net`"};
  return {};
}

Result<void> set_colour(Options &options, const char *text) {
  std::string_view when = text ? text : "always";
  if (when == "never")
    options.colour = 0;
  else if (when == "always")
    options.colour = 1;
  else if (when == "auto")
    options.colour = -1;
  else
    return usage(fmt::format("option --color: `{}` is not never, always or auto", when));
  return {};
}

Result<void> set_timeout(Options &options, const char *text) {
  char *end = nullptr;
  double seconds = strtod(text, &end);
  if (end == text || *end || !(seconds > 0) || seconds > 1e9)
    return usage(fmt::format("option -T: `{}` is not a number of seconds above 0", text));
  options.timeout_seconds = seconds;
  return {};
}

Result<void> set_module_name(Options &options, std::string_view text) {
  std::string name(text);
  if (name.size() > 3 && name.ends_with(".ko"))
    name.resize(name.size() - 3);
  bool good = !name.empty() && name.size() < 56;
  for (unsigned char c : name)
    good &= isalnum(c) || c == '_';
  if (!good)
    return usage(fmt::format("option -m: `{}` is no module name (letters, digits and `_`, at most 55)", text));
  options.module_name = std::move(name);
  return {};
}

Result<void> set_script(Options &options, const char *text) {
  if (options.script_text)
    return usage("option -e: only one may be given; more text goes into -E");
  options.script_text = text;
  return {};
}

// The modes that print what there is to probe.
Result<void> set_list(Options &options, Options::List list, const char *points) {
  if (options.list != Options::List::None)
    return usage(
        "options -l, -L, --dump-probe-types, --dump-probe-aliases and --dump-functions: only one may be given");
  options.list = list;
  options.list_points = points ? points : "";
  return {};
}

// The options that carry a checked value. `which` is the letter or LongOnly value.
Result<void> apply_value(Options &options, int which, const char *value) {
  switch (which) {
  case 'p':
    return set_passes(options, value);
  case OptVp:
    return add_verbosity(options, value);
  case 'D':
  case 'G': {
    bool define = which == 'D';
    auto pair = split_assignment(define ? "-D" : "-G", value, !define, define ? "-" : ".-");
    if (!pair)
      return pair.error();
    if (define)
      if (auto good = check_limit(pair->first, pair->second); !good)
        return good.error();
    (define ? options.defines : options.globals).push_back(*pair);
    return {};
  }
  case 's': {
    auto mb = positive_number("-s", value, 1, 4095);
    if (!mb)
      return mb.error();
    options.buffer_mb = *mb;
    return {};
  }
  case 'x': {
    auto pid = positive_number("-x", value, 1, INT32_MAX);
    if (!pid)
      return pid.error();
    options.target_pid = *pid;
    return {};
  }
  case 'T':
    return set_timeout(options, value);
  case 'd':
    if (strchr(value, '/') && !strstr(value, ".ko"))
      return Error{fmt::format("option -d: programs are not supported by this version of tapjit, `{}`", value), ""};
    options.symbol_modules.push_back(value);
    return {};
  case 'm':
    return set_module_name(options, value);
  case 'e':
    return set_script(options, value);
  case OptPrefer:
    return set_preference(options, value);
  case OptDownload:
    return set_download(options, value);
  case 'l':
    return set_list(options, Options::List::Points, value);
  case 'L':
    return set_list(options, Options::List::Variables, value);
  case OptDumpTypes:
    return set_list(options, Options::List::ProbeTypes, value);
  case OptDumpAliases:
    return set_list(options, Options::List::Aliases, value);
  case OptDumpFunctions:
    return set_list(options, Options::List::Functions, value);
  case OptRuntime:
    return set_runtime(options, value);
  case OptColour:
    return set_colour(options, value);
  case OptPrivilege:
    if (strcmp(value, "stapusr") != 0 && strcmp(value, "stapsys") != 0 && strcmp(value, "stapdev") != 0)
      return usage(fmt::format("option --privilege: `{}` is not stapusr, stapsys or stapdev", value));
    options.privilege = value;
    return {};
  }
  return usage("internal: option without a reader");
}

// The options that set a field as they stand. False: not one of them.
bool apply_plain(Options &options, int which, const char *value) {
  switch (which) {
  case 'h':
    options.action = Options::Action::Help;
    return true;
  case 'V':
    options.action = Options::Action::Version;
    return true;
  case OptCleanCache:
    options.action = Options::Action::CleanCache;
    return true;
  case 'v':
    for (int &level : options.verbose)
      ++level;
    return true;
  case 'k':
    options.keep_directory = true;
    return true;
  case 'u':
    options.unoptimized = true;
    return true;
  case 'w':
    options.suppress_warnings = true;
    return true;
  case 'W':
    options.warnings_are_errors = true;
    return true;
  case 'g':
    options.guru = true;
    return true;
  case 'I':
    options.tapset_dirs.push_back(value);
    return true;
  case OptAllModules:
    options.all_modules = true;
    return true;
  case 'R':
    options.runtime_dir = value;
    return true;
  case 'r':
    options.release_or_dir = value;
    return true;
  case 'o':
    options.output_file = value;
    return true;
  case 'E':
    options.extra_texts.push_back(value);
    return true;
  case 'c':
    options.command = value;
    options.has_command = true;
    return true;
  case OptVm:
    options.vm = value ? value : "";
    return true;
  case OptKbuild:
    options.use_kbuild = true;
    return true;
  case OptVerifyIr:
    options.verify_ir = true;
    return true;
  case OptTimeSteps:
    options.time_steps = true;
    return true;
  case OptDyninst:
    options.runtime = RuntimeChoice::User;
    return true;
  case OptDisableCache:
  case OptPoisonCache:
    options.disable_cache = true;
    return true;
  case OptTmpdir:
    options.tmpdir = value;
    return true;
  case OptNoGlobalDisplay:
    options.display_globals = false;
    return true;
  case OptSuppressHandlerErrors:
    options.suppress_handler_errors = true;
    return true;
  case OptSuppressTimeLimits:
    options.suppress_time_limits = true;
    return true;
  case OptSkipBadvars:
    options.skip_badvars = true;
    return true;
  case OptUnprivileged:
    options.privilege = "stapusr";
    return true;
  case OptCompatible:
    options.compatible = value;
    return true;
  }
  return false;
}

Result<void> check_together(const Options &options) {
  if (options.action != Options::Action::Run)
    return {};
  bool has_script = options.script_text || !options.script_file.empty();
  if (options.list != Options::List::None)
    return has_script ? usage("options -l, -L and --dump-...: they take no script but -E") : Result<void>();
  if (options.has_command && options.target_pid)
    return usage("options -c and -x: only one of them can set the target process");
  if (!has_script && options.extra_texts.empty())
    return usage("no script given: name a file, `-` for standard input, or -e 'SCRIPT'");
  if (options.suppress_time_limits && !options.guru)
    return usage("option --suppress-time-limits needs -g (guru mode)");
  if (options.guru && options.privilege != "stapdev")
    return usage(fmt::format("option -g cannot be used with --privilege={}", options.privilege));
  if (options.vm && options.runtime == RuntimeChoice::User)
    return usage("options --vm and --runtime=user: the guest runs kernel modules");
  return {};
}

Result<void> parse_words(Options &options, int argc, char **argv) {
  optind = 0; // 0: glibc starts anew, also after an rc file
  opterr = 0;
  for (;;) {
    int index = -1;
    int which = getopt_long(argc, argv, short_options, long_options, &index);
    if (which == -1)
      break;
    if (which == '?') {
      const char *word = argv[optind > 1 ? optind - 1 : 1];
      return usage(optopt > 0 && optopt < 256
                       ? fmt::format("option -{}: unknown, or its argument is missing", char(optopt))
                       : fmt::format("option `{}`: unknown, or its argument is missing or not wanted", word));
    }
    if (which == OptUnsupported)
      return Error{fmt::format("option --{} is not supported by this version of tapjit", long_options[index].name), ""};
    if (apply_plain(options, which, optarg))
      continue;
    if (which < 256 && strchr("PbitBaFSqjJ", which))
      return Error{fmt::format("option -{} is not supported by this version of tapjit", char(which)), ""};
    if (auto done = apply_value(options, which, optarg); !done)
      return done.error();
  }
  int next = optind;
  if (!options.script_text && next < argc)
    options.script_file = argv[next++];
  for (; next < argc; ++next)
    options.arguments.push_back(argv[next]);
  return {};
}

// The words of $SYSTEMTAP_DIR/rc: `#` starts a comment, white space separates.
std::vector<std::string> rc_words() {
  const char *directory = getenv("SYSTEMTAP_DIR");
  const char *home = getenv("HOME");
  std::string path = directory ? std::string(directory) + "/rc" : std::string(home ? home : "") + "/.systemtap/rc";
  std::vector<std::string> words;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream stream(line.substr(0, line.find('#')));
    words.insert(words.end(), std::istream_iterator<std::string>(stream), {});
  }
  return words;
}

} // namespace

Result<Options> parse_options(int argc, char **argv) {
  Options options;
  if (const char *release = getenv("SYSTEMTAP_RELEASE"))
    options.release_or_dir = release;
  std::vector<std::string> words{argv[0]};
  for (std::string &word : rc_words())
    words.push_back(std::move(word));
  words.insert(words.end(), argv + 1, argv + argc);
  std::vector<char *> pointers;
  for (std::string &word : words)
    pointers.push_back(word.data());
  pointers.push_back(nullptr);
  if (auto done = parse_words(options, int(words.size()), pointers.data()); !done)
    return done.error();
  // A build tree; a release has no slash.
  if (std::error_code error; options.release_or_dir.find('/') != std::string::npos && options.release_or_dir[0] != '/')
    options.release_or_dir = std::filesystem::absolute(options.release_or_dir, error).lexically_normal();
  if (auto done = check_together(options); !done)
    return done.error();
  if (options.list != Options::List::None)
    options.last_pass = 2; // nothing is to be loaded
  return options;
}

std::string version_text() {
  return "tapjit " TAPJIT_VERSION " (SystemTap translator, compatible with version 5.6; LLVM 19)\n"
         "License GPL-2.0-or-later. There is no warranty.\n";
}

std::string help_text() {
  return R"(Usage: stap [options] FILE [ARGUMENTS]       run the script in FILE
   or: stap [options] - [ARGUMENTS]          run the script on standard input
   or: stap [options] -e SCRIPT [ARGUMENTS]  run SCRIPT

Where it runs:
  --vm[=RELEASE]     in a throw-away QEMU guest with that kernel
  --runtime=MODE     auto (default), kernel (a module in this kernel), user (in this process)
  -r RELEASE|DIR     for that kernel or kernel build directory
  --prefer=FACTS     what tells of functions and types when the kernel has both: dwarf (default), btf
  --download-debuginfo[=HOW]  ask the servers in DEBUGINFOD_URLS: yes, no, ask first, or a limit in seconds

What it does:
  -p N               stop after pass N (1 parse, 2 elaborate, 3 translate, 4 compile, 5 run) and print its result
  -c CMD             start probes, run CMD, and end when it ends; sets target()
  -x PID             set target() to PID
  -T SECONDS         end after that time
  -o FILE            write the script's output to FILE
  -m NAME            name the module NAME and keep NAME.ko (user runtime: NAME.o) in this directory
  -k                 keep the working directory
  -l POINTS          list the probe points that POINTS (wildcards allowed) come to; status 1 if there are none
  -L POINTS          the same with what can be read there, and its types
  -E SCRIPT          more script text; may be repeated
  -D NAME[=VALUE]    set a limit (MAXACTION, MAXSTRINGLEN, ...) or a C macro
  -G NAME=VALUE      initial value of a global
  -I DIR             another directory of tapset scripts
  -d MODULE, --all-modules
                     source lines of this module, of all loaded ones, for symfileline()
  -R DIR             another runtime directory
  -s MB              size of each CPU's output buffer
  -g                 guru mode: embedded C
  -u                 no optimisation of the script
  -w, -W             no warnings; warnings are errors
  -v, --vp DIGITS    more about all passes; about each pass
  --color[=WHEN]     colour messages: never, always, auto
  --kbuild           compile with the kernel's own make instead of in process
  --disable-cache    neither read nor write the cache
  --clean-cache      empty the cache and exit
  --no-global-var-display, --skip-badvars, --suppress-handler-errors,
  --suppress-time-limits, --privilege=GROUP, --unprivileged, --compatible VERSION,
  --tmpdir DIR, --verify-ir, --time-steps
  -h, --help; -V, --version

Debug symbols are looked for in SYSTEMTAP_DEBUGINFO_PATH, then asked of the servers in DEBUGINFOD_URLS: see stap(1).

Example: stap --vm -e 'probe kernel.function("vfs_read") { printf("%s\n", execname()) }' -T 2
)";
}

} // namespace tapjit

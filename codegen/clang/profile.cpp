// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/clang/profile.h"

#include "codegen/clang/driver.h"

#include <nlohmann/json.hpp>

#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <ftw.h>
#include <spawn.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace tapjit::codegen {
namespace {

// Raised when the meaning of a profile changes, so that old ones are not read.
constexpr uint64_t profile_format = 3;

std::string read_file(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

bool write_file(const std::string &path, std::string_view text) {
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  return static_cast<bool>(stream.flush());
}

// A directory of our own with a one-line module in it, removed at the end.
class DummyModule {
public:
  DummyModule() {
    const char *base = getenv("TMPDIR");
    path = std::string(base && *base ? base : "/tmp") + "/tapjit-kbuild-XXXXXX";
    if (!mkdtemp(path.data()))
      path.clear();
    else if (!write_file(path + "/Makefile", "obj-m := tap_dummy.o\n") ||
             !write_file(path + "/tap_dummy.c", "int tap_dummy;\n"))
      path.clear();
  }
  // With all below it: some kbuilds make directories even under -n.
  ~DummyModule() {
    if (!path.empty())
      nftw(
          path.c_str(), [](const char *each, const struct stat *, int, struct FTW *) { return remove(each); }, 16,
          FTW_DEPTH | FTW_PHYS);
  }
  std::string path;
};

// Signals that end the process come when the temporary directory is gone.
class HeldSignals {
public:
  HeldSignals() {
    sigset_t held;
    sigemptyset(&held);
    for (int signal : {SIGINT, SIGTERM, SIGHUP})
      sigaddset(&held, signal);
    pthread_sigmask(SIG_BLOCK, &held, &before_);
  }
  ~HeldSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_;
};

// make's variables of an enclosing build, and those that send kbuild elsewhere, must not leak in.
std::vector<std::string> clean_environment() {
  std::vector<std::string> kept = {"LC_ALL=C"};
  for (char **entry = environ; *entry; entry++) {
    std::string_view text = *entry;
    bool drop = false;
    for (std::string_view name : {"MAKE", "MFLAGS", "KBUILD", "LC_ALL", "ARCH=", "CROSS_COMPILE=", "CC=", "CFLAGS",
                                  "KCFLAGS", "V=", "O=", "M="})
      drop |= text.starts_with(name);
    if (!drop)
      kept.emplace_back(text);
  }
  return kept;
}

// Runs a program and returns what it writes (both streams); -1 as status when it cannot be started.
std::string run(std::vector<std::string> command, int &status) {
  int ends[2];
  status = -1;
  if (pipe2(ends, O_CLOEXEC) != 0)
    return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
  std::vector<std::string> environment = clean_environment();
  std::vector<char *> arguments, variables;
  for (std::string &word : command)
    arguments.push_back(word.data());
  for (std::string &word : environment)
    variables.push_back(word.data());
  arguments.push_back(nullptr);
  variables.push_back(nullptr);
  posix_spawnattr_t attributes; // a held signal must end the program
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  pid_t child;
  int failed = posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), variables.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  std::string output;
  char buffer[65536];
  ssize_t got;
  while (!failed && ((got = read(ends[0], buffer, sizeof(buffer))) > 0 || (got < 0 && errno == EINTR)))
    if (got > 0)
      output.append(buffer, static_cast<size_t>(got));
  close(ends[0]);
  if (!failed)
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
  return output;
}

// The words of a shell command, up to `;`: quotes and backslashes are understood, expansions are not (kbuild prints
// none).
std::vector<std::string> split_shell(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = 0;
  for (size_t i = 0; i < text.size(); i++) {
    char c = text[i];
    if (quote) {
      if (c == quote)
        quote = 0;
      else if (c == '\\' && quote == '"' && i + 1 < text.size())
        word += text[++i];
      else
        word += c;
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (c == '\\' && i + 1 < text.size()) {
      word += text[++i];
      in_word = true;
    } else if (c == ' ' || c == '\t' || c == '\n' || c == ';') {
      if (in_word)
        words.push_back(word);
      word.clear();
      in_word = false;
      if (c == ';')
        return words;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (in_word)
    words.push_back(word);
  return words;
}

std::string last_lines(const std::string &text) {
  size_t start = text.size() > 400 ? text.size() - 400 : 0;
  return text.substr(start);
}

// .config: one pass over 120 KB; a value is `y`, `m`, or absent.
class Config {
public:
  explicit Config(const std::string &build_dir) : text_("\n" + read_file(build_dir + "/.config")) {}
  bool empty() const { return text_.size() < 2; }
  bool has(std::string_view name) const { return text_.find("\nCONFIG_" + std::string(name) + "=y") != text_.npos; }

private:
  std::string text_;
};

KernelFeatures features_of(const Config &config) {
  KernelFeatures features;
  features.modules = config.has("MODULES");
  features.modversions = config.has("MODVERSIONS");
  features.module_unload = config.has("MODULE_UNLOAD");
  // 5.19..6.8 CONFIG_RETPOLINE, CONFIG_RETHUNK; 6.9 (aefb2f2e619b, "x86/bugs: Rename CONFIG_RETPOLINE") put MITIGATION_
  // before them.
  features.retpoline = config.has("RETPOLINE") || config.has("MITIGATION_RETPOLINE");
  features.rethunk = config.has("RETHUNK") || config.has("MITIGATION_RETHUNK");
  features.ibt = config.has("X86_KERNEL_IBT");
  features.jump_label_hack = config.has("HAVE_JUMP_LABEL_HACK");
  features.module_sig_force = config.has("MODULE_SIG_FORCE");
  return features;
}

bool has_flag(const std::vector<std::string> &flags, std::string_view flag) {
  for (const std::string &each : flags)
    if (each == flag)
      return true;
  return false;
}

// Clang's driver names what it does not know; such options are gcc's own and newer than our table, so they are dropped.
Result<std::vector<std::string>> arguments_of(std::vector<std::string> &flags) {
  for (;;) {
    auto arguments = compiler_arguments(flags);
    if (arguments)
      return arguments;
    const std::string &text = arguments.error().observed;
    size_t open = text.find(": '-"), close = text.rfind('\'');
    if (text.find("un") == text.npos || open == text.npos || close <= open + 3)
      return arguments;
    std::string unknown = text.substr(open + 3, close - open - 3);
    size_t before = flags.size();
    std::erase(flags, unknown);
    if (flags.size() == before)
      return arguments;
  }
}

Result<std::string> vermagic_of(const KernelProfile &profile) {
  CompileRequest request;
  request.text =
      "#define INCLUDE_VERMAGIC\n#include <linux/vermagic.h>\nconst char tap_vermagic[] = VERMAGIC_STRING;\n";
  request.name = "vermagic.c";
  request.arguments = profile.arguments;
  auto unit = compile_unit(request);
  if (!unit)
    return unit.error();
  if (!unit->ok())
    return Error{"cannot read the version magic of `" + profile.build_dir +
                     "`: " + (unit->messages().empty() ? "?" : unit->messages().front().text),
                 "are the kernel's headers complete?"};
  return unit->string_variable("tap_vermagic");
}

Result<KernelProfile> make_profile(const std::string &build_dir, const CacheKey &key) {
  KernelProfile profile;
  profile.build_dir = build_dir;
  profile.key = key;
  Config config(build_dir);
  if (config.empty())
    return Error{"no .config in `" + build_dir + "`", "install the headers of that kernel"};
  profile.features = features_of(config);
  if (!profile.features.modules)
    return Error{"the kernel of `" + build_dir + "` takes no modules (CONFIG_MODULES is off)",
                 "--runtime=user, or --vm with another kernel"};
  auto kbuild = ask_kbuild(build_dir);
  if (!kbuild)
    return kbuild.error();
  profile.kbuild_flags = *kbuild;
  profile.flags = clang_flags(*kbuild, build_dir);
  // kbuild leaves options out, without a word, when the compiler that it tries them with is not there.
  if (profile.features.retpoline && !has_flag(profile.flags, "-mretpoline-external-thunk"))
    return Error{"kbuild of `" + build_dir + "` does not find the compiler that the kernel was built with",
                 "install it (Debian: apt install linux-compiler-gcc-*-x86 of that release)"};
  auto arguments = arguments_of(profile.flags);
  if (!arguments)
    return arguments.error();
  profile.arguments = *arguments;
  // objtool rewrites static branches that carry this hack's marks. We run none: without the name the plain form is
  // compiled. 5.14 (ab3257042c26, "jump_label, x86: Allow short NOPs") added the hack.
  if (profile.features.jump_label_hack)
    profile.prelude = "#undef CONFIG_HAVE_JUMP_LABEL_HACK\n";
  // A gcc-built kernel (6.10 and later) lets inline assembly take per-CPU variables by their address space. Clang
  // prints such operands without the %gs: each this_cpu_add(), preempt_disable() among them, would write to the bare
  // address. kbuild has the option for gcc only (CC_HAS_NAMED_AS depends on CC_IS_GCC).
  profile.prelude += "#undef CONFIG_CC_HAS_NAMED_AS\n#undef CONFIG_USE_X86_SEG_SUPPORT\n";
  auto vermagic = vermagic_of(profile);
  if (!vermagic)
    return vermagic.error();
  profile.vermagic = *vermagic;
  // Not include/config/kernel.release: Debian's says 6.1.192 where uname and vermagic say 6.1.0-56-cloud-amd64.
  profile.release = vermagic->substr(0, vermagic->find(' '));
  return profile;
}

} // namespace

CacheKey kernel_key(const std::string &build_dir) {
  KeyBuilder key;
  key.add(profile_format).add(compiler_version()).add(build_dir);
  for (const char *file : {"/.config", "/Makefile", "/Module.symvers", "/include/generated/utsrelease.h",
                           "/include/generated/autoconf.h", "/include/config/kernel.release"})
    key.add_file_stamp(build_dir + file);
  return key.finish();
}

Result<std::string> kernel_build_dir(std::string_view release_or_dir) {
  std::string name(release_or_dir);
  if (name.empty()) {
    utsname system;
    uname(&system);
    name = system.release;
  }
  std::string dir = name.starts_with("/") ? name : "/lib/modules/" + name + "/build";
  char resolved[PATH_MAX];
  if (realpath(dir.c_str(), resolved) && access((std::string(resolved) + "/.config").c_str(), R_OK) == 0)
    return std::string(resolved);
  if (name.starts_with("/"))
    return Error{"`" + name + "` is no kernel build directory: it " +
                     (access(name.c_str(), F_OK) == 0 ? "has no .config" : "does not exist"),
                 "give the directory where a kernel was configured and built, or a release"};
  return Error{"no kernel headers for `" + name + "`: `" + dir + "` is missing or incomplete",
               "install them (Debian: apt install linux-headers-" + name + ")"};
}

Result<std::vector<std::string>> ask_kbuild(const std::string &build_dir) {
  HeldSignals held;
  DummyModule dummy;
  if (dummy.path.empty())
    return Error{"cannot make a temporary directory", "set TMPDIR"};
  int status;
  std::string object = dummy.path + "/tap_dummy.o";
  // -n: kbuild probes the compiler and prints the commands, but runs none of them.
  std::string output = run({"make", "-n", "-C", build_dir, "M=" + dummy.path, "tap_dummy.o"}, status);
  if (status == -1)
    return Error{"cannot start `make`", "install make"};
  size_t end = output.find("-c -o " + object);
  // 6.13 and later name the object relative to the module's directory.
  if (end == std::string::npos)
    end = output.find("-c -o tap_dummy.o");
  size_t start = end == std::string::npos ? end : output.rfind("-Wp,-M", end);
  if (start == std::string::npos)
    return Error{"kbuild of `" + build_dir + "` printed no compile command: " + last_lines(output),
                 "does `make -C " + build_dir + " M=DIR` work?"};
  return split_shell(std::string_view(output).substr(start, end - start));
}

std::string this_module_text(const KernelFeatures &features, std::string_view module_name) {
  std::string text = "int init_module(void);\nvoid cleanup_module(void);\n"
                     "__visible struct module __this_module __section(\".gnu.linkonce.this_module\") = {\n"
                     "\t.name = \"" +
                     std::string(module_name) + "\",\n\t.init = init_module,\n";
  if (features.module_unload)
    text += "\t.exit = cleanup_module,\n";
  return text + "\t.arch = MODULE_ARCH_INIT,\n};\n";
}

std::string profile_to_json(const KernelProfile &profile) {
  const KernelFeatures &f = profile.features;
  nlohmann::json json = {{"build_dir", profile.build_dir},
                         {"release", profile.release},
                         {"vermagic", profile.vermagic},
                         {"kbuild_flags", profile.kbuild_flags},
                         {"flags", profile.flags},
                         {"arguments", profile.arguments},
                         {"prelude", profile.prelude},
                         {"key", {profile.key.high, profile.key.low}},
                         {"features",
                          {{"modules", f.modules},
                           {"modversions", f.modversions},
                           {"module_unload", f.module_unload},
                           {"retpoline", f.retpoline},
                           {"rethunk", f.rethunk},
                           {"ibt", f.ibt},
                           {"jump_label_hack", f.jump_label_hack},
                           {"module_sig_force", f.module_sig_force}}}};
  return json.dump(1);
}

Result<KernelProfile> profile_from_json(std::string_view text) {
  nlohmann::json json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || !json.value("features", nlohmann::json()).is_object() || json["key"].size() != 2)
    return Error{"the kernel profile is not one", "remove the cache (stap --clean-cache)"};
  KernelProfile profile;
  profile.build_dir = json.value("build_dir", "");
  profile.release = json.value("release", "");
  profile.vermagic = json.value("vermagic", "");
  profile.prelude = json.value("prelude", "");
  profile.kbuild_flags = json.value("kbuild_flags", std::vector<std::string>());
  profile.flags = json.value("flags", std::vector<std::string>());
  profile.arguments = json.value("arguments", std::vector<std::string>());
  profile.key = {json["key"][0].get<uint64_t>(), json["key"][1].get<uint64_t>()};
  const nlohmann::json &f = json["features"];
  profile.features = {f.value("modules", false),         f.value("modversions", false),
                      f.value("module_unload", false),   f.value("retpoline", false),
                      f.value("rethunk", false),         f.value("ibt", false),
                      f.value("jump_label_hack", false), f.value("module_sig_force", false)};
  return profile;
}

Result<KernelProfile> kernel_profile(const Store &store, const std::string &build_dir,
                                     const std::function<void()> &slow) {
  CacheKey key = kernel_key(build_dir);
  if (auto entry = store.get("profile", key))
    if (auto profile = profile_from_json(entry->bytes()))
      return profile;
  if (slow)
    slow();
  auto profile = make_profile(build_dir, key);
  if (!profile)
    return profile;
  if (auto kept = store.put("profile", key, profile_to_json(*profile)); !kept)
    return kept.error();
  return profile;
}

} // namespace tapjit::codegen

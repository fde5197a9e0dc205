// SPDX-License-Identifier: GPL-2.0-or-later
// The options with which kbuild compiles a module (for gcc) as options for Clang's driver.
#include "codegen/clang/profile.h"

#include <climits>
#include <cstdlib>

namespace tapjit::codegen {
namespace {

enum class Match { Exact, Prefix };

// gcc's option and what Clang is told instead; an empty replacement drops it. First match counts; what is not here
// stays as it is.
struct Mapping {
  Match match;
  std::string_view option;
  std::string_view replacement;
};

constexpr Mapping mappings[] = {
    // Speculation: the same code under Clang's names.
    {Match::Exact, "-mindirect-branch=thunk-extern", "-mretpoline-external-thunk"},
    {Match::Exact, "-mindirect-branch-register", ""}, // Clang's thunks always take a register
    // Stack alignment is the exponent in gcc, bytes in Clang.
    {Match::Exact, "-mpreferred-stack-boundary=2", "-mstack-alignment=4"},
    {Match::Exact, "-mpreferred-stack-boundary=3", "-mstack-alignment=8"},
    {Match::Exact, "-mpreferred-stack-boundary=4", "-mstack-alignment=16"},
    {Match::Prefix, "-fmin-function-alignment=", "-falign-functions=*"},
    // Our code must not be traceable: a probe on a handler would run within itself. -DCC_USING_FENTRY stays: it shapes
    // struct module.
    {Match::Exact, "-pg", ""},
    {Match::Exact, "-mfentry", ""},
    {Match::Exact, "-mrecord-mcount", ""},
    {Match::Exact, "-mnop-mcount", ""},
    {Match::Prefix, "-fpatchable-function-entry", ""},
    // gcc only.
    {Match::Exact, "-fconserve-stack", ""},
    {Match::Exact, "-mno-fp-ret-in-387", ""},
    {Match::Exact, "-fno-allow-store-data-races", ""},
    {Match::Prefix, "-falign-jumps", ""},
    {Match::Prefix, "-fplugin", ""},
    {Match::Prefix, "--param", ""},
    {Match::Prefix, "-fno-var-tracking", ""},
    // No sanitizer callbacks from handlers; no profile; no link-time optimisation.
    {Match::Prefix, "-fsanitize", ""},
    {Match::Prefix, "-flto", ""},
    // Not about code.
    {Match::Prefix, "-fmacro-prefix-map", ""},
    {Match::Prefix, "-ffile-prefix-map", ""},
    {Match::Prefix, "-Wp,", ""},
    {Match::Prefix, "-W", ""},
    {Match::Exact, "-g", ""},
    {Match::Prefix, "-gdwarf", ""},
    {Match::Prefix, "-DKBUILD_", ""},
    {Match::Prefix, "-D__KBUILD_", ""},
};

std::string absolute(const std::string &path, const std::string &build_dir) {
  std::string joined = path.starts_with("/") ? path : build_dir + "/" + path;
  char resolved[PATH_MAX];
  return realpath(joined.c_str(), resolved) ? resolved : joined;
}

std::string mapped(const std::string &flag) {
  for (const Mapping &mapping : mappings) {
    bool hit = mapping.match == Match::Exact ? flag == mapping.option : flag.starts_with(mapping.option);
    if (!hit)
      continue;
    if (mapping.replacement.ends_with("*"))
      return std::string(mapping.replacement.substr(0, mapping.replacement.size() - 1)) +
             flag.substr(mapping.option.size());
    return std::string(mapping.replacement);
  }
  return flag;
}

} // namespace

std::vector<std::string> clang_flags(const std::vector<std::string> &kbuild_flags, const std::string &build_dir) {
  std::vector<std::string> flags;
  for (size_t i = 0; i < kbuild_flags.size(); i++) {
    const std::string &flag = kbuild_flags[i];
    bool has_next = i + 1 < kbuild_flags.size();
    if ((flag == "-include" || flag == "-isystem" || flag == "-I") && has_next) {
      flags.push_back(flag);
      flags.push_back(absolute(kbuild_flags[++i], build_dir));
    } else if ((flag == "-o" || flag == "--param") && has_next) {
      i++;
    } else if (flag.starts_with("-I")) {
      flags.push_back("-I" + absolute(flag.substr(2), build_dir));
    } else if (!flag.starts_with("-") || flag == "-c") {
      continue; // the compiler's name, a source file
    } else if (std::string own = mapped(flag); !own.empty()) {
      flags.push_back(own);
    }
  }
  return flags;
}

} // namespace tapjit::codegen

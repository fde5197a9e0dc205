// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/codegen_emit_support.h"

#include "ir/parse.h"
#include "ir/passes/pipeline.h"
#include "runtime/user/user_host.h"

#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

namespace tapjit::test {
namespace {

// Of this process; removed when it ends.
const std::string &work_directory() {
  struct Directory {
    std::string path;
    Directory() {
      char name[] = "/tmp/tapjit-emit-XXXXXX";
      path = mkdtemp(name);
    }
    ~Directory() { std::filesystem::remove_all(path); }
  };
  static Directory directory;
  return directory.path;
}

std::string read_file(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Its output, empty when it succeeded without a word.
std::string run_compiler(const std::string &command) {
  std::string log = work_directory() + "/log";
  int status = system(fmt::format("cd {} && {} > {} 2>&1", TAPJIT_SOURCE_DIR, command, log).c_str());
  std::string text = read_file(log);
  return status == 0 ? text : fmt::format("`{}` failed:\n{}", command, text);
}

std::string flags(const char *compiler) {
  return fmt::format("{} -std=gnu11 -O1 -g -fPIC -ffreestanding -Wall -Werror -I.", compiler);
}

// The runtime's own units, compiled once a compiler.
const std::string &runtime_archive(const char *compiler) {
  static std::map<std::string, std::string> archives;
  std::string &path = archives[compiler];
  if (path.empty()) {
    path = fmt::format("{}/runtime-{}.o", work_directory(), compiler);
    std::string said = run_compiler(
        fmt::format("for f in runtime/core/*.c runtime/user/*.c; do {} -c $f -o {}/`basename $f .c`-{}.o || exit 1; "
                    "done; ld -r -o {} {}/*-{}.o",
                    flags(compiler), work_directory(), compiler, path, work_directory(), compiler));
    EXPECT_EQ(said, "");
  }
  return path;
}

int capture_file(const std::string &path) { return open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600); }

int run_unit(const std::string &library, bool has_events, RunResult &result) {
  void *handle = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    result.errors = dlerror();
    return -1;
  }
  auto entry = reinterpret_cast<tap_user_main_fn>(dlsym(handle, TAP_USER_ENTRY));
  user::HostOptions options;
  options.output_fd = capture_file(work_directory() + "/out");
  options.error_fd = capture_file(work_directory() + "/err");
  // A unit without events ends after its begin handlers; one that has timers calls exit().
  if (!has_events)
    options.interrupt_fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
  user::Host host(options);
  int status = entry(&host.callbacks());
  close(options.output_fd);
  close(options.error_fd);
  dlclose(handle);
  return status;
}

} // namespace

ir::Module decided_module(const std::string &text) {
  auto module = ir::parse(text);
  if (!module) {
    ADD_FAILURE() << module.error().observed;
    return {};
  }
  for (const std::string &finding : ir::try_passes(*module)) {
    ADD_FAILURE() << finding;
    return {};
  }
  return *module;
}

std::string emit_text(const std::string &text) {
  codegen::EmitOptions options;
  options.platform = codegen::EmitPlatform::User;
  return codegen::emit_c(decided_module(text), options);
}

RunResult run_ir(const std::string &text, const char *compiler) {
  static int number = 0;
  RunResult result;
  std::string base = fmt::format("{}/unit{}", work_directory(), number++);
  std::string unit = emit_text(text);
  std::ofstream(base + ".c") << unit;
  result.errors =
      run_compiler(fmt::format("{} -shared -Wno-unused-function -include runtime/user/pch.h -o {}.so {}.c {}",
                               flags(compiler), base, base, runtime_archive(compiler)));
  if (!result.errors.empty())
    return result;
  result.status = run_unit(base + ".so", unit.find("tap_sites_timer") != std::string::npos, result);
  if (result.status < 0)
    return result;
  result.output = read_file(work_directory() + "/out");
  result.errors = read_file(work_directory() + "/err");
  return result;
}

} // namespace tapjit::test

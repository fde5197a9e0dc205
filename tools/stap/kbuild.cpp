// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/kbuild.h"

#include "codegen/finish/line_object.h"
#include "tools/stap/work_dir.h"

#include <array>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <sys/wait.h>

namespace tapjit {

namespace {

namespace fs = std::filesystem;

// Each runtime file is compiled as a part of the module, through a file of ours that includes it (kbuild wants sources
// beside the Kbuild file).
Result<std::string> add_runtime_parts(const std::string &runtime_dir, const std::string &directory) {
  std::string objects;
  for (const char *room : {"core", "kernel"}) {
    std::error_code error;
    for (const fs::directory_entry &entry : fs::directory_iterator(fs::path(runtime_dir) / room, error)) {
      if (entry.path().extension() != ".c")
        continue;
      std::string stem = fmt::format("part_{}_{}", room, entry.path().stem().string());
      std::string text = fmt::format("#include \"runtime/kernel/pch.h\"\n#include \"{}\"\n", entry.path().string());
      if (auto written = write_file(directory + "/" + stem + ".c", text); !written)
        return written.error();
      objects += " " + stem + ".o";
    }
    if (error)
      return Error{fmt::format("cannot read `{}/{}`: {}", runtime_dir, room, error.message()), ""};
  }
  return objects;
}

// Runs a command and keeps what it prints. The exit code; output in `text`.
int run_command(const std::string &command, std::string &text) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  if (!pipe)
    return 127;
  std::array<char, 4096> buffer;
  while (size_t n = fread(buffer.data(), 1, buffer.size(), pipe))
    text.append(buffer.data(), n);
  int status = pclose(pipe);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

std::string shell_quoted(const std::string &text) {
  std::string result = "'";
  for (char c : text)
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

} // namespace

Result<CompileOutput> kbuild_module(const std::string &build_dir, const CompileInput &input,
                                    const std::string &directory) {
  fmt::print(stderr, "compiling with the kernel's make (about 10 s) ...\n");
  auto parts = add_runtime_parts(input.runtime_dir, directory);
  if (!parts)
    return parts.error();
  std::string include = fs::path(input.runtime_dir).parent_path();
  std::string kbuild =
      fmt::format("obj-m := {0}.o\n{0}-y := {0}_src.o{1}\nccflags-y := -I{2}\n", input.name, *parts, include);
  const std::string lines = fmt::format("asm(\".pushsection .rodata\\n.balign 8\\n.globl tap_lines\\ntap_lines: "
                                        ".incbin \\\"{}/tap_lines\\\"\\n.popsection\");\n",
                                        directory);
  for (const auto &[file, text] :
       {std::pair(std::string("Kbuild"), kbuild), std::pair(input.name + "_src.c", input.text + lines),
        std::pair(std::string("tap_lines"), input.lines.empty() ? codegen::join_line_tables({}, {}) : input.lines)})
    if (auto written = write_file(directory + "/" + file, text); !written)
      return written.error();
  std::string printed;
  int status =
      run_command(fmt::format("make -C {} M={} modules", shell_quoted(build_dir), shell_quoted(directory)), printed);
  if (status != 0)
    return Error{fmt::format("the kernel's make ended with status {}; its last output:\n{}", status,
                             printed.substr(printed.size() > 3000 ? printed.size() - 3000 : 0)),
                 status == 127 ? "install make and the compiler that the kernel was built with" : ""};
  std::ifstream module(directory + "/" + input.name + ".ko", std::ios::binary);
  CompileOutput output;
  output.image.assign(std::istreambuf_iterator<char>(module), {});
  if (output.image.empty())
    return Error{fmt::format("the kernel's make left no {}.ko in {}", input.name, directory), ""};
  return output;
}

} // namespace tapjit

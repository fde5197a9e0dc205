// SPDX-License-Identifier: GPL-2.0-or-later
// --cfg: control flow graphs in Graphviz's language, laid out by Graphviz.
#include "tools/stap-ir-dump/dump.h"

#include "ir/cfg.h"
#include "tools/stap-ir-dump/block_text.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tapjit {

namespace {

// A label whose lines stand at the left.
std::string label(const std::vector<std::string> &lines) {
  std::string text;
  for (const std::string &line : lines) {
    for (char letter : line) {
      if (letter == '"' || letter == '\\')
        text += '\\';
      text += letter;
    }
    text += "\\l";
  }
  return text;
}

// The words on the edges of a block with two successors, as the terminator means them.
std::pair<const char *, const char *> edge_words(ir::Terminator terminator) {
  return terminator == ir::Terminator::OnFail ? std::pair{"", "fails"} : std::pair{"true", "false"};
}

void print_edges(std::string &out, size_t function, const ir::Function &body) {
  std::vector<size_t> order(body.blocks.size());
  std::vector<ir::BlockId> reachable = ir::reverse_postorder(body);
  for (size_t place = 0; place < reachable.size(); ++place)
    order[reachable[place].index] = place;
  for (size_t from = 0; from < body.blocks.size(); ++from) {
    auto targets = ir::successors(body.blocks[from]);
    for (size_t number = 0; number < targets.size(); ++number) {
      auto [first, second] = edge_words(body.blocks[from].terminator);
      const char *word = targets.size() < 2 ? "" : number ? second : first;
      bool back = order[targets[number].index] <= order[from];
      bool failure = body.blocks[targets[number].index].is_catch;
      out += fmt::format("    f{}b{} -> f{}b{} [label=\"{}\"{}{}];\n", function, from, function, targets[number].index,
                         word, back ? ", penwidth=2" : "", failure ? ", style=dashed" : "");
    }
  }
}

} // namespace

std::string graphviz(const ir::Module &module, const std::vector<ir::FunctionId> &functions, ir::PrintOptions options) {
  std::string out = "digraph ir {\n  node [shape=box, fontname=monospace, fontsize=10];\n"
                    "  edge [fontname=monospace, fontsize=9];\n";
  for (ir::FunctionId id : functions) {
    const ir::Function &function = module.functions[id.index];
    FunctionText text = function_text(module, function, options);
    out += fmt::format("  subgraph cluster_{} {{\n    label=\"{}\";\n    fontname=monospace;\n", id.index,
                       label({text.head}));
    if (function.blocks.empty())
      out += fmt::format("    f{}b0 [label=\"embedded C\"];\n", id.index);
    for (size_t block = 0; block < function.blocks.size(); ++block)
      out += fmt::format("    f{}b{} [label=\"{}\"];\n", id.index, block, label(text.blocks[block]));
    print_edges(out, id.index, function);
    out += "  }\n";
  }
  return out + "}\n";
}

Result<void> write_graph(const std::string &file, const std::string &text) {
  bool svg = file.ends_with(".svg");
  if (!svg && !file.ends_with(".dot"))
    return Error{fmt::format("--cfg writes .svg or .dot, not `{}`", file), ""};
  std::string graph = svg ? file + ".dot" : file;
  {
    std::ofstream out(graph, std::ios::binary);
    out << text;
    if (!out.flush())
      return Error{fmt::format("cannot write `{}`: {}", graph, strerror(errno)), ""};
  }
  if (!svg)
    return {};
  std::string output = "-o" + file;
  const char *words[] = {"dot", "-Tsvg", output.c_str(), graph.c_str(), nullptr};
  pid_t child = 0;
  int error = posix_spawnp(&child, words[0], nullptr, nullptr, const_cast<char **>(words), environ);
  int status = 0;
  if (error == 0 && waitpid(child, &status, 0) < 0)
    error = errno;
  unlink(graph.c_str());
  if (error != 0)
    return Error{fmt::format("cannot run Graphviz's `dot`: {}", strerror(error)),
                 "install the package graphviz, or write a .dot file"};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Error{fmt::format("`dot` did not write `{}`", file), "write a .dot file to see what it was given"};
  return {};
}

} // namespace tapjit

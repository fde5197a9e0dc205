// SPDX-License-Identifier: GPL-2.0-or-later
// Random scripts that are well typed and come to an end: loops are counted, recursion has a depth. One seed, one
// program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tapjit::differential {

// `head`, or `head { bodies[0] } middle { bodies[1] }`.
struct Statement {
  std::string head, middle;
  std::vector<std::vector<Statement>> bodies;
};

struct Block {
  std::string head; // "probe begin(3)", "function p3_f0:long(a:long)"
  std::string foot; // last line, "return 1"
  std::vector<Statement> statements;
};

// One of the programs that share a script and its globals; the names of its functions begin with "p<number>_".
struct Program {
  std::vector<std::string> globals; // "global g_by[5]"
  std::vector<Block> blocks;
  std::string text(bool with_globals = true) const;
};

struct GeneratorOptions {
  unsigned number = 0;
  uint64_t globals_seed = 0; // one for all programs of a script
  bool may_exit = false; // calls exit(), lets errors leave begin probes: for programs that have a script of their own
};
Program generate(uint64_t seed, const GeneratorOptions &options);

} // namespace tapjit::differential

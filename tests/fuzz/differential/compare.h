// SPDX-License-Identifier: GPL-2.0-or-later
// One script, run in all the ways there are: the interpreter as lowered, after passes, and compiled code in this
// process, in the same virtual time.
#pragma once

#include "codegen/cache/store.h"
#include "frontend/base/result.h"
#include "tools/stap/options.h"

#include <memory>
#include <string>
#include <vector>

namespace tapjit::differential {

struct CompareOptions {
  std::vector<std::string> words; // for stap: -DNAME=VALUE
  int64_t length_ns = 12'000'000; // of the session
  uint64_t seed = 0;              // which subsets of the passes are tried
  unsigned subsets = 2;           // how many
  int optimization = -1;          // of the C compiler; -1: all that stap does, the verifier of safety included
  bool each_pass = false;         // each pass alone, and the module after each pass of the pipeline
};

struct Verdict {
  enum class Kind {
    Agrees,
    Differs,
    Refused, // the front end did not take the script
    TooLong, // the interpreter gave up
  } kind = Kind::Agrees;
  std::string what;     // Differs: the ways that differ, with their outputs; Refused: the message
  bool used_up = false; // MAXACTION was met: the ways before charges were merged are not compared
};

class Comparer {
public:
  // An Error is the environment's: no runtime, no cache.
  static Result<std::unique_ptr<Comparer>> open();
  virtual ~Comparer() = default;
  virtual Verdict compare(const std::string &script, const CompareOptions &options) = 0;
};

} // namespace tapjit::differential

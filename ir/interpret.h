// SPDX-License-Identifier: GPL-2.0-or-later
// A small reference interpreter: what a module means, to hold passes and code generation against. It runs lowered and
// decided modules alike. It is stricter than a kernel: a string whose slot, global or element has been written since
// (IR.md "Strings") is an internal error where it is used, not old bytes. Not interpreted yet (an internal error):
// embedded C, histograms, memory of a kernel or of a program (every load fails as a bad address would).
#pragma once

#include "ir/ir.h"

#include <memory>
#include <optional>

namespace tapjit::ir {

struct HitContext {
  std::vector<int64_t> registers; // ctx.reg by DWARF number, 0 beyond the end
  std::vector<int64_t> entry_values, tracepoint_args;
  std::string probe_point, function;
};

struct Outcome {
  std::optional<std::string> failure; // message of a failure that left the handler
  std::string internal;               // not empty: the module broke a rule, or uses what is not interpreted
  int64_t actions = 0;                // taken by charges
  bool is_fine() const { return internal.empty(); }
};

class Machine {
public:
  explicit Machine(const Module &module);
  ~Machine();

  // One hit of the probe. Globals and output stay from hit to hit.
  Outcome hit(ProbeId probe, const HitContext &context = {});

  const std::string &output() const;   // of print
  const std::string &warnings() const; // of warn, a line each
  bool exit_asked() const;

private:
  struct State;
  std::unique_ptr<State> state_;
};

// SystemTap's printf with the directives %d %i %u %x %X %o %c %s %p %% (flags, width, precision).
struct FormatArgument {
  int64_t number = 0;
  std::string text;
};
std::string format_text(const std::string &format, const std::vector<FormatArgument> &args);

} // namespace tapjit::ir

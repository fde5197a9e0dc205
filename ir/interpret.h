// SPDX-License-Identifier: GPL-2.0-or-later
// The reference interpreter: what a module means, to hold passes and code generation against. It runs lowered and
// decided modules alike, a hit at a time or several at once, op by op, with real locks (interleave.h, session.h).
//
// It is stricter than a kernel: a string whose slot, global or element has been written since (IR.md "Strings") is an
// internal error where it is used, not old bytes; so is an iteration whose map has changed. Embedded C is the one thing
// that it cannot run: a call of it gives the value that the context names for that function, else it is an internal
// error that begins with `embedded C:`.
#pragma once

#include "ir/ir.h"

#include <memory>
#include <optional>

namespace tapjit::ir {

// Memory outside the module: address of each piece, its bytes. What lies in no piece cannot be read.
struct MemoryImage {
  std::map<uint64_t, std::string> pieces;
  // None when one of the bytes is not there.
  std::optional<std::string> read(uint64_t address, size_t bytes) const;
  // False, and nothing is written, when one of the bytes is not there.
  bool write(uint64_t address, const std::string &bytes);
};

// What a hit sees of the world. context_script.h reads one from text.
struct HitContext {
  std::vector<int64_t> registers;       // ctx.reg by DWARF number, 0 beyond the end
  std::vector<int64_t> entry_values;    // empty: those that the probe's own entry functions compute in this context
  std::vector<int64_t> tracepoint_args; // 0 beyond the end
  std::string probe_point, function;
  MemoryImage kernel = {}, user = {};
  std::map<std::string, std::variant<int64_t, std::string>> embedded = {}; // by function: what a call gives
  std::map<int64_t, std::string> entry_texts = {}; // of entry_values: those that are strings, by slot
  std::vector<int64_t> numbers = {};               // ctx.number, the site's
  std::string message = {};                        // ctx.message
  size_t most_reply = 0;                           // bytes that reply.set and reply.add may make; 0: MAXSTRINGLEN - 1
};

struct Outcome {
  std::optional<std::string> failure; // message of a failure that left the handler
  std::string internal;               // not empty: the module broke a rule, or uses what is not interpreted
  int64_t actions = 0;                // taken by charges
  std::string where = {};             // of the failure: "operator '/' at file:line:column", or empty
  bool skipped = false;               // its locks could not be had
  std::string reply = {};             // of reply.set and reply.add
  std::variant<std::monostate, int64_t, std::string> value = {}; // of a function
  bool is_fine() const { return internal.empty(); }
};

enum class HitId : uint32_t {};

class Machine {
public:
  explicit Machine(const Module &module); // which must verify, and outlive this
  ~Machine();

  // A hit that takes more ends with an internal error, "too many steps"; the usual limit is four million.
  void set_most_steps(int64_t steps);

  // One hit of the probe. Globals and output stay from hit to hit.
  Outcome hit(ProbeId probe, const HitContext &context = {});
  // One call of a function that is no probe; its arguments are i64 or str as the function wants them.
  Outcome call(FunctionId function, const std::vector<std::variant<int64_t, std::string>> &arguments,
               const HitContext &context = {}, ContextKind kind = ContextKind::Event);

  // The same in steps of one op or terminator each, so that hits interleave.
  HitId start(ProbeId probe, const HitContext &context = {});
  enum class Step {
    Ran,
    Waits, // for a lock that another hit holds; after MAXTRYLOCK such steps the hit ends as skipped
    Done,  // nothing is left to do
  };
  Step step(HitId hit);
  const Outcome &outcome(HitId hit) const; // of a hit that is done
  const Inst *next_inst(HitId hit) const;  // what the next step runs; null for a terminator, or when it is done

  // Puts into the context what a return probe saves when its function is entered.
  void save_entry_values(ProbeId probe, HitContext &context, Outcome &outcome);

  const std::string &output() const; // of print, histograms: a hit's together, when it ended
  const std::vector<std::string> &warnings() const;
  bool exit_asked() const;

private:
  struct State;
  std::unique_ptr<State> state_;
  friend struct OpRun;
};

// SystemTap's printf: directives b c d i o p s u x X m M %, flags, width, precision. A %m or %M takes the bytes in
// `text`.
struct FormatArgument {
  int64_t number = 0;
  std::string text;
};
std::string format_text(const std::string &format, const std::vector<FormatArgument> &args);

} // namespace tapjit::ir

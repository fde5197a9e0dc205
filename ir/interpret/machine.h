// SPDX-License-Identifier: GPL-2.0-or-later
// The interpreter's insides: values, globals, hits that are under way. Private to ir/interpret/.
#pragma once

#include "ir/interpret.h"
#include "ir/passes/effects.h"
#include "ir/regex/regex.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit::ir {

// Counts writes of a place that strings may be in.
using Version = std::shared_ptr<uint64_t>;

struct Value {
  int64_t number = 0;
  std::string text;
  std::vector<std::pair<Version, uint64_t>> seen; // a string: the places that it is in, and their versions then

  void watch(const Version &version) { seen.emplace_back(version, *version); }
  bool is_stale() const {
    return std::any_of(seen.begin(), seen.end(), [](auto &place) { return *place.first != place.second; });
  }
};

using Key = std::vector<std::variant<int64_t, std::string>>;

// A statistic, as it goes on: what it is of a series of values, in their order.
struct Statistic {
  int64_t count = 0, sum = 0, min = 0, max = 0;
  int64_t mean = 0, squares = 0; // Welford's, of values shifted left by the variance's shift
  std::vector<int64_t> buckets;
};
void add_sample(Statistic &statistic, const StatSpec &spec, int64_t value);
// None: an empty statistic has no such field.
std::optional<int64_t> field_of(const Statistic &statistic, const StatSpec &spec, StatField field);
// The same of a scalar, which a runtime keeps in parts: its variance is made from that of the parts (here there is
// one).
std::optional<int64_t> scalar_field_of(const Statistic &statistic, const StatSpec &spec, StatField field);
std::string histogram_text(const Statistic &statistic, const StatSpec &spec, int64_t width, int64_t elision);

struct Element {
  int64_t number = 0;
  std::string text;
  Statistic statistic;
};

struct GlobalState {
  std::map<Key, Element> elements;                       // a scalar has the empty key
  std::vector<Key> order;                                // of a map, as inserted, or as it was sorted last
  Version version = std::make_shared<uint64_t>(0);       // writes
  Version order_version = std::make_shared<uint64_t>(0); // changes of the order
  int64_t holders = 0;                                   // of its lock; -1: a writer
};

struct Iteration {
  std::vector<Key> keys;
  size_t next = 0;
  int64_t left = 0; // of the limit
  Version version = std::make_shared<uint64_t>(0);
  uint64_t order_version = 0;
};

// One function that is being executed.
struct Activation {
  Activation(const Function &f, std::vector<Value> arguments, bool counts)
      : function(f), args(std::move(arguments)), values(f.insts.size()), is_nested(counts) {
    for (uint32_t slot = 0; slot < f.string_slots; ++slot)
      slots.push_back(std::make_shared<uint64_t>(0));
  }
  const Function &function;
  std::vector<Value> args, values;
  std::map<int64_t, Value> locals;
  std::map<uint32_t, Iteration> iterations; // by ValueId of the iter.begin
  std::vector<Version> slots;
  bool is_nested; // counts for MAXNESTING
  BlockId block{0};
  size_t position = 0;
};

struct Hit {
  HitContext context;
  std::vector<std::unique_ptr<Activation>> stack;
  bool done = false;
  Outcome outcome;
  Value result; // of the outermost function

  bool aborted = false; // `failure` leaves everything, and is none
  std::optional<std::string> failure;
  std::string where, caught;
  Version failures = std::make_shared<uint64_t>(0);
  std::vector<std::string> groups; // of the kept match; empty: none is kept
  int64_t budget = 0, steps = 0, nesting = 0;
  std::string output; // until the hit ends, as are warnings
  std::vector<std::string> warnings;

  LockSetId held;   // the region it is in, or waits for
  size_t locks = 0; // how many locks of `held` it has
  int64_t lock_tries = 0;

  bool fails() const { return failure.has_value() || !outcome.internal.empty(); }
  void fail(std::string message, std::string place);
};

struct Machine::State {
  explicit State(const Module &m);

  void begin(Hit &hit, const Function &function, std::vector<Value> args, ContextKind kind);
  Step step(Hit &hit);
  void run_to_end(Hit &hit);

  // --- parts of a step (machine.cpp)
  void execute(Hit &hit, Activation &frame, ValueId value);
  void take_terminator(Hit &hit, Activation &frame);
  void enter(Hit &hit, Activation &frame, BlockId from, BlockId to);
  void define(Hit &hit, Activation &frame, ValueId id, Value value);
  void after_failure(Hit &hit);
  void finish(Hit &hit);
  Step take_locks(Hit &hit, LockSetId set);
  void release_locks(Hit &hit);

  size_t longest() const { return size_t(string_length - 1); }

  const Module &module;
  std::vector<bool> recursive; // by FunctionId
  int64_t string_length, key_length, map_entries, nesting_limit;
  std::vector<GlobalState> globals;
  std::vector<std::unique_ptr<Hit>> hits;
  std::map<std::pair<std::string, bool>, regex::Automaton> automata; // by pattern, and whether with groups
  std::string output;
  std::vector<std::string> warnings;
  bool exit_asked = false;
  int64_t most_steps = 4'000'000; // of one hit
};

// One instruction that is being executed; run_<Op>(OpRun &) is what each row of ops.def does.
struct OpRun {
  Machine::State &machine;
  Hit &hit;
  Activation &frame;
  const Inst &inst;
  ValueId id;
  std::vector<const Value *> operands;
  Value result = {};

  const Module &module() const { return machine.module; }
  int64_t number(size_t index) const { return operands[index]->number; }
  const std::string &text(size_t index) const { return operands[index]->text; }
  GlobalState &global() { return machine.globals[inst.aux]; }
  const Global &declared() const { return module().globals[inst.aux]; }
  Element &scalar() { return global().elements[{}]; }
  void fail(std::string message);
  void broken(std::string what) { hit.outcome.internal = std::move(what); }
  std::string cut(std::string text) const { return text.substr(0, machine.longest()); }
};

// The element that the first operands are the key of; null: there is none.
Element *find_element(OpRun &op);

#define OP(name, mnemonic, result, operands, aux, effects, cost) void run_##name(OpRun &op);
#include "ir/ops.def"
#undef OP

} // namespace tapjit::ir

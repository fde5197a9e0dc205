// SPDX-License-Identifier: GPL-2.0-or-later
// How hits go on: instruction by instruction, over edges, into and out of functions. What each op does is in ops_*.cpp.
#include "ir/interpret/machine.h"

#include "ir/signature.h"
#include "ir/where.h"

namespace tapjit::ir {

namespace {

constexpr size_t longest_message = 255;

using Runner = void (*)(OpRun &);
constexpr Runner runners[] = {
#define OP(name, mnemonic, result, operands, aux, effects, cost) run_##name,
#include "ir/ops.def"
#undef OP
};

} // namespace

void Hit::fail(std::string message, std::string place) {
  failure = message.substr(0, longest_message);
  where = std::move(place);
  ++*failures;
}

void OpRun::fail(std::string message) { hit.fail(std::move(message), place_text(module(), inst)); }

Machine::State::State(const Module &m)
    : module(m), string_length(limit(m, "MAXSTRINGLEN")), key_length(limit(m, "MAP_STRING_LENGTH")),
      map_entries(limit(m, "MAXMAPENTRIES")), nesting_limit(limit(m, "MAXNESTING")), globals(m.globals.size()) {
  ModuleEffects effects(m);
  recursive = effects.recursive();
  if (nesting_limit == 0)
    nesting_limit = default_nesting(m, effects);
  for (size_t index = 0; index < m.globals.size(); ++index) {
    if (!m.globals[index].keys.empty())
      continue;
    Element &scalar = globals[index].elements[{}];
    if (auto *number = std::get_if<int64_t>(&m.globals[index].init))
      scalar.number = *number;
    if (auto *text = std::get_if<std::string>(&m.globals[index].init))
      scalar.text = text->substr(0, longest());
  }
}

void Machine::State::begin(Hit &hit, const Function &function, std::vector<Value> args, ContextKind kind) {
  hit.budget = limit(module, is_interruptible(kind) ? "MAXACTION_INTERRUPTIBLE" : "MAXACTION");
  hit.stack.push_back(std::make_unique<Activation>(function, std::move(args), false));
}

// Where frame_layout has run, strings are in the slots that it chose; before that, each instruction has bytes of its
// own.
void Machine::State::define(Hit &, Activation &frame, ValueId id, Value value) {
  const Function &function = frame.function;
  if (id.index < function.storage.size() && function.storage[id.index] == Storage::StringSlot) {
    Version &slot = frame.slots[function.slot[id.index]];
    ++*slot;
    value.seen.clear();
    value.watch(slot);
  }
  frame.values[id.index] = std::move(value);
}

void Machine::State::execute(Hit &hit, Activation &frame, ValueId id) {
  const Function &function = frame.function;
  const Inst &inst = function.insts[id.index];
  OpRun run{*this, hit, frame, inst, id, {}};
  run.operands.reserve(inst.operands.size());
  for (ValueId operand : inst.operands) {
    const Value &value = frame.values[operand.index];
    if (function.insts[operand.index].type == Type::Str && value.is_stale())
      run.broken(fmt::format("&{} %{}: uses the string %{}, which has been overwritten", function.name, id.index,
                             operand.index));
    run.operands.push_back(&value);
  }
  if (!hit.outcome.internal.empty())
    return;
  if ((effects_of(inst) & WGlob) && global_of(inst).valid())
    ++*globals[inst.aux].version;
  size_t depth = hit.stack.size();
  runners[size_t(inst.op)](run);
  // A call's result comes when the callee returns.
  if (hit.fails() || hit.stack.size() != depth)
    return;
  if (inst.type != Type::Str)
    run.result.seen.clear();
  define(hit, frame, id, std::move(run.result));
}

// Phis take their operands all at once.
void Machine::State::enter(Hit &hit, Activation &frame, BlockId from, BlockId to) {
  const Function &function = frame.function;
  const Block &block = function.blocks[to.index];
  size_t edge = size_t(std::find(block.preds.begin(), block.preds.end(), from) - block.preds.begin());
  std::vector<std::pair<ValueId, Value>> phis;
  frame.position = 0;
  for (ValueId value : block.insts) {
    const Inst &inst = function.insts[value.index];
    if (inst.op != Op::Phi)
      break;
    ++frame.position;
    Value taken = frame.values[inst.operands[edge].index];
    if (inst.type == Type::Str && taken.is_stale())
      hit.outcome.internal =
          fmt::format("&{} %{}: a phi takes a string that has been overwritten", function.name, value.index);
    if (function.storage.empty())
      taken.seen.clear(); // a phi has bytes of its own; with slots it has its operand's
    phis.emplace_back(value, std::move(taken));
  }
  for (auto &[value, taken] : phis)
    frame.values[value.index] = std::move(taken);
  frame.block = to;
}

void Machine::State::take_terminator(Hit &hit, Activation &frame) {
  const Block &here = frame.function.blocks[frame.block.index];
  if (here.terminator != Terminator::Return) {
    bool second = here.terminator == Terminator::Branch && frame.values[here.terminator_operand.index].number == 0;
    enter(hit, frame, frame.block, here.successors[second ? 1 : 0]);
    return;
  }
  Value result;
  if (here.terminator_operand.valid())
    result = frame.values[here.terminator_operand.index];
  if (frame.function.result == Type::Str && result.is_stale())
    hit.outcome.internal = fmt::format("&{}: returns a string that is gone", frame.function.name);
  result.seen.clear(); // the caller copies it at once
  hit.nesting -= frame.is_nested;
  hit.stack.pop_back();
  if (hit.stack.empty()) {
    hit.result = std::move(result);
    return finish(hit);
  }
  Activation &caller = *hit.stack.back();
  ValueId call = caller.function.blocks[caller.block.index].insts[caller.position - 1];
  define(hit, caller, call, std::move(result));
}

// To the catch block behind the instruction that failed, or out of functions until a call has one.
void Machine::State::after_failure(Hit &hit) {
  while (!hit.stack.empty()) {
    Activation &frame = *hit.stack.back();
    const Block &here = frame.function.blocks[frame.block.index];
    if (!hit.aborted && here.terminator == Terminator::OnFail && frame.position == here.insts.size()) {
      hit.caught = *hit.failure;
      hit.failure.reset();
      return enter(hit, frame, frame.block, here.successors[1]);
    }
    hit.nesting -= frame.is_nested;
    hit.stack.pop_back();
  }
  finish(hit);
}

void Machine::State::finish(Hit &hit) {
  hit.done = true;
  if (hit.aborted)
    hit.failure.reset();
  hit.stack.clear();
  release_locks(hit);
  hit.outcome.failure = hit.failure;
  if (hit.failure)
    hit.outcome.where = hit.where;
  output += hit.output;
  warnings.insert(warnings.end(), hit.warnings.begin(), hit.warnings.end());
}

// As the runtime does: one after the other in the order of the globals; those it has stay while it waits for the next.
Machine::Step Machine::State::take_locks(Hit &hit, LockSetId set) {
  hit.held = set;
  const auto &wanted = module.lock_sets[set.index].globals;
  while (hit.locks < wanted.size()) {
    auto [global, written] = wanted[hit.locks];
    int64_t &holders = globals[global.index].holders;
    if (written ? holders != 0 : holders < 0) {
      if (++hit.lock_tries < limit(module, "MAXTRYLOCK"))
        return Step::Waits;
      hit.outcome.skipped = true;
      finish(hit);
      return Step::Done;
    }
    holders = written ? -1 : holders + 1;
    ++hit.locks;
  }
  hit.lock_tries = 0;
  return Step::Ran;
}

void Machine::State::release_locks(Hit &hit) {
  while (hit.locks > 0) {
    auto [global, written] = module.lock_sets[hit.held.index].globals[--hit.locks];
    int64_t &holders = globals[global.index].holders;
    holders = written ? 0 : holders - 1;
  }
  hit.held = LockSetId::none();
}

Machine::Step Machine::State::step(Hit &hit) {
  if (hit.done)
    return Step::Done;
  if (++hit.steps > most_steps)
    hit.outcome.internal = "too many steps";
  Activation &frame = *hit.stack.back();
  const std::vector<ValueId> &insts = frame.function.blocks[frame.block.index].insts;
  if (frame.position < insts.size()) {
    const Inst &inst = frame.function.insts[insts[frame.position].index];
    if (inst.op == Op::Lock)
      if (Step taken = take_locks(hit, LockSetId{inst.aux}); taken != Step::Ran)
        return taken;
    ++frame.position;
    execute(hit, frame, insts[frame.position - 1]);
  } else {
    take_terminator(hit, frame);
  }
  if (!hit.outcome.internal.empty())
    finish(hit);
  else if (hit.failure && !hit.done)
    after_failure(hit);
  return hit.done ? Step::Done : Step::Ran;
}

void Machine::State::run_to_end(Hit &hit) {
  while (step(hit) != Step::Done) {
  }
}

Machine::Machine(const Module &module) : state_(std::make_unique<State>(module)) {}
Machine::~Machine() = default;

void Machine::set_most_steps(int64_t steps) { state_->most_steps = steps; }

HitId Machine::start(ProbeId id, const HitContext &context) {
  const Probe &probe = state_->module.probes[id.index];
  auto hit = std::make_unique<Hit>();
  hit->context = context;
  if (context.entry_values.empty() && context.entry_texts.empty() && !probe.entry_values.empty())
    save_entry_values(id, hit->context, hit->outcome);
  state_->begin(*hit, state_->module.functions[probe.handler.index], {}, probe.context);
  if (!hit->outcome.internal.empty() || hit->outcome.failure)
    state_->finish(*hit);
  state_->hits.push_back(std::move(hit));
  return HitId(state_->hits.size() - 1);
}

Machine::Step Machine::step(HitId hit) { return state_->step(*state_->hits[size_t(hit)]); }
const Outcome &Machine::outcome(HitId hit) const { return state_->hits[size_t(hit)]->outcome; }

const Inst *Machine::next_inst(HitId id) const {
  const Hit &hit = *state_->hits[size_t(id)];
  if (hit.done)
    return nullptr;
  const Activation &frame = *hit.stack.back();
  const std::vector<ValueId> &insts = frame.function.blocks[frame.block.index].insts;
  return frame.position < insts.size() ? &frame.function.insts[insts[frame.position].index] : nullptr;
}

Outcome Machine::hit(ProbeId probe, const HitContext &context) {
  HitId id = start(probe, context);
  state_->run_to_end(*state_->hits[size_t(id)]);
  Outcome outcome = state_->hits[size_t(id)]->outcome;
  state_->hits.pop_back();
  return outcome;
}

Outcome Machine::call(FunctionId id, const std::vector<std::variant<int64_t, std::string>> &arguments,
                      const HitContext &context, ContextKind kind) {
  const Function &function = state_->module.functions[id.index];
  std::vector<Value> values(function.params.size());
  for (size_t index = 0; index < values.size() && index < arguments.size(); ++index) {
    if (auto *number = std::get_if<int64_t>(&arguments[index]))
      values[index].number = *number;
    else
      values[index].text = std::get<std::string>(arguments[index]).substr(0, state_->longest());
  }
  Hit hit;
  hit.context = context;
  state_->begin(hit, function, std::move(values), kind);
  state_->run_to_end(hit);
  if (function.result == Type::I64)
    hit.outcome.value = hit.result.number;
  if (function.result == Type::Str)
    hit.outcome.value = hit.result.text;
  return hit.outcome;
}

void Machine::save_entry_values(ProbeId id, HitContext &context, Outcome &outcome) {
  const HitContext at_entry = context;
  for (const EntryValue &entry : state_->module.probes[id.index].entry_values) {
    outcome = call(entry.function, {}, at_entry);
    if (outcome.failure || !outcome.is_fine())
      return;
    size_t slot = context.entry_values.size();
    const int64_t *number = std::get_if<int64_t>(&outcome.value);
    context.entry_values.push_back(number ? *number : 0);
    if (!number)
      context.entry_texts[int64_t(slot)] = std::get<std::string>(outcome.value);
  }
}

const std::string &Machine::output() const { return state_->output; }
const std::vector<std::string> &Machine::warnings() const { return state_->warnings; }
bool Machine::exit_asked() const { return state_->exit_asked; }

} // namespace tapjit::ir

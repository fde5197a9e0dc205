// SPDX-License-Identifier: GPL-2.0-or-later
#include "ir/interpret.h"

#include "ir/cfg.h"
#include "ir/fold.h"
#include "ir/passes/effects.h"
#include "ir/signature.h"
#include "ir/views.h"

#include <algorithm>
#include <fmt/format.h>

namespace tapjit::ir {

namespace {

constexpr int64_t most_steps = 1'000'000; // of one hit

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

struct Element {
  int64_t number = 0;
  std::string text;
  std::vector<int64_t> samples; // of a statistic
};

struct GlobalState {
  std::map<Key, Element> elements; // a scalar has the empty key
  std::vector<Key> order;          // of a map, as inserted
  Version version = std::make_shared<uint64_t>(0);
};

struct Iteration {
  std::vector<Key> keys;
  size_t next = 0;
  Version version = std::make_shared<uint64_t>(0);
};

struct Frame {
  explicit Frame(const Function &function) : values(function.insts.size()), iterations(function.insts.size()) {
    for (uint32_t slot = 0; slot < function.string_slots; ++slot)
      slots.push_back(std::make_shared<uint64_t>(0));
  }
  std::vector<Value> values;
  std::vector<Iteration> iterations;
  std::vector<Version> slots;
};

int64_t field_of(const std::vector<int64_t> &samples, StatField field) {
  uint64_t sum = 0;
  for (int64_t sample : samples)
    sum += uint64_t(sample);
  int64_t count = int64_t(samples.size());
  switch (field) {
  case StatField::Count:
    return count;
  case StatField::Sum:
    return int64_t(sum);
  case StatField::Min:
    return *std::min_element(samples.begin(), samples.end());
  case StatField::Max:
    return *std::max_element(samples.begin(), samples.end());
  case StatField::Avg:
    return int64_t(sum) / count;
  case StatField::Variance:
    break;
  }
  __int128 squares = 0, mean = int64_t(sum) / count;
  for (int64_t sample : samples)
    squares += (sample - mean) * (sample - mean);
  return count > 1 ? int64_t(squares / (count - 1)) : 0;
}

} // namespace

struct Machine::State {
  explicit State(const Module &m) : module(m), globals(m.globals.size()) {
    for (size_t index = 0; index < m.globals.size(); ++index) {
      Element &scalar = globals[index].elements[{}];
      if (auto *number = std::get_if<int64_t>(&m.globals[index].init))
        scalar.number = *number;
      if (auto *text = std::get_if<std::string>(&m.globals[index].init))
        scalar.text = *text;
      if (!m.globals[index].keys.empty())
        globals[index].elements.clear();
    }
  }

  // --- one function
  Value call(const Function &function, const std::vector<Value> &args);
  void execute(const Function &function, Frame &frame, const std::vector<Value> &args, ValueId value);
  void enter(const Function &function, Frame &frame, BlockId from, BlockId to);
  void define(const Function &function, Frame &frame, ValueId id, Value value);
  bool fails() const { return failure.has_value() || !internal.empty(); }
  void fail(std::string message) {
    failure = std::move(message);
    ++*failures;
  }

  // --- groups of ops: true if the op was one of the group
  bool integers_and_strings(const Inst &inst, const std::vector<Value> &operands, Value &result);
  bool context_ops(const Inst &inst, Value &result);
  bool scalars(const Inst &inst, const std::vector<Value> &operands, Value &result);
  bool maps(const Inst &inst, const std::vector<Value> &operands, Value &result);
  bool iterations(const Inst &inst, Frame &frame, ValueId id, const std::vector<Value> &operands, Value &result);
  bool output_and_control(const Inst &inst, const std::vector<Value> &operands, Value &result);

  Element *insert(const Inst &inst, const Key &key);
  void get_field(const std::vector<int64_t> &samples, const Inst &inst, Value &result);
  std::vector<Key> sorted_keys(const Inst &inst, int64_t limit) const;
  std::string formatted(const Inst &inst, const std::vector<Value> &operands) const;
  size_t longest() const { return size_t(limit(module, "MAXSTRINGLEN") - 1); }

  const Module &module;
  std::vector<GlobalState> globals;
  std::string output, warnings;
  bool exit_asked = false;

  // --- one hit
  const HitContext *context = nullptr;
  std::optional<std::string> failure;
  std::string caught, internal;
  Version failures = std::make_shared<uint64_t>(0);
  int64_t budget = 0, actions = 0, steps = 0, depth = 0;
};

namespace {

Key key_of(const Module &module, const Inst &inst, const std::vector<Value> &operands) {
  Key key;
  const std::vector<Type> &types = module.globals[inst.aux].keys;
  for (size_t index = 0; index < types.size(); ++index)
    if (types[index] == Type::Str)
      key.emplace_back(operands[index].text);
    else
      key.emplace_back(operands[index].number);
  return key;
}

bool is_none(const Element *element) { return element == nullptr; }

} // namespace

bool Machine::State::integers_and_strings(const Inst &inst, const std::vector<Value> &operands, Value &result) {
  switch (inst.op) {
  case Op::ConstI64:
    result.number = inst.imm;
    return true;
  case Op::ConstStr:
    result.text = module.strings[inst.aux];
    return true;
  case Op::StrConcat:
    result.text = (operands[0].text + operands[1].text).substr(0, longest());
    return true;
  case Op::StrCopy:
    result.text = operands[0].text;
    return true;
  default:
    break;
  }
  if (operands.empty() || operands.size() > 2)
    return false;
  if (inst.op >= Op::StrEq && inst.op <= Op::StrGe) {
    result.number = *fold_strings(inst.op, operands[0].text, operands[1].text);
    return true;
  }
  auto folded = fold_integers(inst.op, operands[0].number, operands.back().number, inst.imm);
  if (!folded && (inst.op == Op::Div || inst.op == Op::Mod)) {
    fail("division by 0");
    return true;
  }
  result.number = folded.value_or(0);
  return folded.has_value();
}

bool Machine::State::context_ops(const Inst &inst, Value &result) {
  auto at = [&](const std::vector<int64_t> &values) {
    result.number = inst.imm >= 0 && size_t(inst.imm) < values.size() ? values[size_t(inst.imm)] : 0;
    return true;
  };
  switch (inst.op) {
  case Op::CtxReg:
    return at(context->registers);
  case Op::CtxEntry:
    return at(context->entry_values);
  case Op::CtxTpArg:
    return at(context->tracepoint_args);
  case Op::CtxPp:
    result.text = context->probe_point;
    return true;
  case Op::CtxFunc:
    result.text = context->function;
    return true;
  case Op::CatchMessage:
    result.text = caught;
    result.watch(failures);
    return true;
  case Op::LoadK:
    fail("kernel read fault");
    return true;
  case Op::LoadU:
    fail("user read fault");
    return true;
  default:
    return false;
  }
}

void Machine::State::get_field(const std::vector<int64_t> &samples, const Inst &inst, Value &result) {
  StatField field = StatField(inst.imm);
  if (samples.empty() && field != StatField::Count && field != StatField::Sum)
    fail("empty aggregate");
  else
    result.number = field_of(samples, field);
}

bool Machine::State::scalars(const Inst &inst, const std::vector<Value> &operands, Value &result) {
  if (op_info(inst.op).aux != Aux::Global)
    return false;
  GlobalState &global = globals[inst.aux];
  if (inst.op == Op::GClear) {
    global.elements.clear();
    global.order.clear();
    if (module.globals[inst.aux].keys.empty())
      global.elements[{}] = {};
    return true;
  }
  if (!module.globals[inst.aux].keys.empty())
    return false;
  Element &scalar = global.elements[{}];
  switch (inst.op) {
  case Op::GLoad:
    result.number = scalar.number;
    result.text = scalar.text;
    result.watch(global.version);
    return true;
  case Op::GStore:
    scalar.number = operands[0].number;
    scalar.text = operands[0].text;
    return true;
  case Op::GAdd:
    scalar.number = int64_t(uint64_t(scalar.number) + uint64_t(operands[0].number));
    return true;
  case Op::StatAdd:
    scalar.samples.push_back(operands[0].number);
    return true;
  case Op::StatGet:
    get_field(scalar.samples, inst, result);
    return true;
  default:
    return false;
  }
}

Element *Machine::State::insert(const Inst &inst, const Key &key) {
  GlobalState &global = globals[inst.aux];
  auto found = global.elements.find(key);
  if (found != global.elements.end())
    return &found->second;
  int64_t most = module.globals[inst.aux].max_entries;
  if (most == 0)
    most = limit(module, "MAXMAPENTRIES");
  if (int64_t(global.order.size()) >= most) {
    if (!module.globals[inst.aux].wrap) {
      fail(module.globals[inst.aux].max_entries ? "Array overflow, check size limit (" + std::to_string(most) + ")"
                                                : "Array overflow, check MAXMAPENTRIES");
      return nullptr;
    }
    global.elements.erase(global.order.front());
    global.order.erase(global.order.begin());
  }
  global.order.push_back(key);
  return &global.elements[key];
}

bool Machine::State::maps(const Inst &inst, const std::vector<Value> &operands, Value &result) {
  if (op_info(inst.op).aux != Aux::Global || op_info(inst.op).operands[0] != 'K')
    return false;
  GlobalState &global = globals[inst.aux];
  Key key = key_of(module, inst, operands);
  auto found = global.elements.find(key);
  Element *element = found == global.elements.end() ? nullptr : &found->second;
  switch (inst.op) {
  case Op::MapGet:
    if (!is_none(element)) {
      result.number = element->number;
      result.text = element->text;
    }
    result.watch(global.version);
    return true;
  case Op::MapHas:
    result.number = !is_none(element);
    return true;
  case Op::MapSet:
    if ((element = insert(inst, key))) {
      element->number = operands.back().number;
      element->text = operands.back().text;
    }
    return true;
  case Op::MapAdd:
    if ((element = insert(inst, key)))
      result.number = element->number = int64_t(uint64_t(element->number) + uint64_t(operands.back().number));
    return true;
  case Op::MapDel:
    if (!is_none(element)) {
      global.elements.erase(key);
      std::erase(global.order, key);
    }
    return true;
  case Op::MapStatAdd:
    if ((element = insert(inst, key)))
      element->samples.push_back(operands.back().number);
    return true;
  case Op::MapStatGet:
    get_field(is_none(element) ? std::vector<int64_t>{} : element->samples, inst, result);
    return true;
  default:
    return false;
  }
}

std::vector<Key> Machine::State::sorted_keys(const Inst &inst, int64_t most) const {
  const GlobalState &global = globals[inst.aux];
  const Sort &sort = module.sorts[size_t(inst.imm)];
  std::vector<Key> keys = global.order;
  auto before = [&](const Key &left, const Key &right) {
    if (sort.by == Sort::By::Key)
      return left[sort.key] < right[sort.key];
    const Element &a = global.elements.at(left), &b = global.elements.at(right);
    if (sort.by == Sort::By::Stat)
      return field_of(a.samples, sort.field) < field_of(b.samples, sort.field);
    return std::pair(a.number, a.text) < std::pair(b.number, b.text);
  };
  // A plain insertion keeps equal elements in order, in both directions.
  if (sort.by != Sort::By::None)
    for (size_t index = 1; index < keys.size(); ++index)
      for (size_t at = index;
           at > 0 && (sort.descending ? before(keys[at - 1], keys[at]) : before(keys[at], keys[at - 1])); --at)
        std::swap(keys[at - 1], keys[at]);
  if (most >= 0)
    keys.resize(std::min(keys.size(), size_t(most)));
  return keys;
}

bool Machine::State::iterations(const Inst &inst, Frame &frame, ValueId id, const std::vector<Value> &operands,
                                Value &result) {
  if (inst.op == Op::IterBegin) {
    frame.iterations[id.index] = {};
    frame.iterations[id.index].keys = sorted_keys(inst, operands[0].number);
    return true;
  }
  if (inst.op < Op::IterNext || inst.op > Op::IterStat)
    return false;
  Iteration &iteration = frame.iterations[inst.operands[0].index];
  if (inst.op == Op::IterNext) {
    result.number = iteration.next < iteration.keys.size();
    iteration.next += size_t(result.number);
    ++*iteration.version;
    return true;
  }
  const Key &key = iteration.keys.at(iteration.next - 1);
  const Element &element = globals[inst.aux].elements[key];
  result.watch(iteration.version);
  result.watch(globals[inst.aux].version);
  if (inst.op == Op::IterStat) {
    get_field(element.samples, inst, result);
  } else if (inst.op == Op::IterValue) {
    result.number = element.number;
    result.text = element.text;
  } else if (auto *number = std::get_if<int64_t>(&key[size_t(inst.imm)])) {
    result.number = *number;
  } else {
    result.text = std::get<std::string>(key[size_t(inst.imm)]);
  }
  return true;
}

std::string Machine::State::formatted(const Inst &inst, const std::vector<Value> &operands) const {
  std::vector<FormatArgument> args;
  for (const Value &operand : operands)
    args.push_back({operand.number, operand.text});
  return format_text(module.formats[inst.aux].text, args);
}

bool Machine::State::output_and_control(const Inst &inst, const std::vector<Value> &operands, Value &result) {
  switch (inst.op) {
  case Op::Print:
    output += formatted(inst, operands);
    return true;
  case Op::Sprint:
    result.text = formatted(inst, operands).substr(0, longest());
    return true;
  case Op::Call:
    if (module.functions[inst.aux].kind == FunctionKind::Embedded)
      return false;
    result = call(module.functions[inst.aux], operands);
    if (!fails() && result.is_stale())
      internal = "a function returns a string that is gone";
    result.seen.clear(); // the caller copies it at once
    return true;
  case Op::Error:
    fail(operands[0].text);
    return true;
  case Op::Warn:
    warnings += operands[0].text + "\n";
    return true;
  case Op::Exit:
    exit_asked = true;
    return true;
  case Op::Charge:
    actions += inst.imm;
    if (actions > budget)
      fail("MAXACTION exceeded");
    return true;
  case Op::Lock:
  case Op::Unlock:
    return true;
  default:
    return false;
  }
}

// Where frame_layout has run, strings are in the slots that it chose; before that, each instruction has bytes of its
// own.
void Machine::State::define(const Function &function, Frame &frame, ValueId id, Value value) {
  if (id.index < function.storage.size() && function.storage[id.index] == Storage::StringSlot) {
    Version &slot = frame.slots[function.slot[id.index]];
    ++*slot;
    value.seen.clear();
    value.watch(slot);
  }
  frame.values[id.index] = std::move(value);
}

void Machine::State::execute(const Function &function, Frame &frame, const std::vector<Value> &args, ValueId id) {
  const Inst &inst = function.insts[id.index];
  if (++steps > most_steps) {
    internal = "too many steps";
    return;
  }
  std::vector<Value> operands;
  for (ValueId operand : inst.operands) {
    const Value &value = frame.values[operand.index];
    if (function.insts[operand.index].type == Type::Str && value.is_stale())
      internal = fmt::format("&{} %{}: uses the string %{}, which has been overwritten", function.name, id.index,
                             operand.index);
    operands.push_back(value);
  }
  if (!internal.empty())
    return;
  if ((effects_of(inst) & WGlob) && inst.op != Op::Call)
    ++*globals[inst.aux].version;
  Value result;
  if (inst.op == Op::Param)
    result = args[size_t(inst.imm)];
  else if (!integers_and_strings(inst, operands, result) && !context_ops(inst, result) &&
           !scalars(inst, operands, result) && !maps(inst, operands, result) &&
           !iterations(inst, frame, id, operands, result) && !output_and_control(inst, operands, result))
    internal = fmt::format("`{}` is not interpreted", op_info(inst.op).mnemonic);
  if (inst.type != Type::Str)
    result.seen.clear();
  if (!fails())
    define(function, frame, id, std::move(result));
}

// Phis take their operands all at once.
void Machine::State::enter(const Function &function, Frame &frame, BlockId from, BlockId to) {
  const Block &block = function.blocks[to.index];
  size_t edge = size_t(std::find(block.preds.begin(), block.preds.end(), from) - block.preds.begin());
  std::vector<std::pair<ValueId, Value>> phis;
  for (ValueId value : block.insts) {
    const Inst &inst = function.insts[value.index];
    if (inst.op != Op::Phi)
      break;
    Value taken = frame.values[inst.operands[edge].index];
    if (inst.type == Type::Str && taken.is_stale())
      internal = fmt::format("&{} %{}: a phi takes a string that has been overwritten", function.name, value.index);
    if (function.storage.empty())
      taken.seen.clear(); // a phi has bytes of its own; with slots it has its operand's
    phis.emplace_back(value, std::move(taken));
  }
  for (auto &[value, taken] : phis)
    frame.values[value.index] = std::move(taken);
}

Value Machine::State::call(const Function &function, const std::vector<Value> &args) {
  if (++depth > 1000)
    fail("MAXNESTING exceeded");
  Frame frame(function);
  BlockId block{0};
  while (!fails()) {
    const Block &here = function.blocks[block.index];
    ValueId last;
    for (ValueId value : here.insts) {
      last = value;
      if (function.insts[value.index].op != Op::Phi)
        execute(function, frame, args, value);
      if (fails())
        break;
    }
    if (!internal.empty())
      break;
    BlockId next;
    if (failure) {
      if (here.terminator != Terminator::OnFail || last != here.insts.back())
        break;
      caught = *failure;
      failure.reset();
      next = here.successors[1];
    } else if (here.terminator == Terminator::Return) {
      --depth;
      return here.terminator_operand.valid() ? frame.values[here.terminator_operand.index] : Value{};
    } else {
      bool second = here.terminator == Terminator::Branch && frame.values[here.terminator_operand.index].number == 0;
      next = here.successors[second ? 1 : 0];
    }
    enter(function, frame, block, next);
    block = next;
  }
  --depth;
  return {};
}

Machine::Machine(const Module &module) : state_(std::make_unique<State>(module)) {}
Machine::~Machine() = default;

Outcome Machine::hit(ProbeId id, const HitContext &context) {
  const Probe &probe = state_->module.probes[id.index];
  bool is_session = probe.context == ContextKind::Session;
  state_->budget = limit(state_->module, is_session ? "MAXACTION_INTERRUPTIBLE" : "MAXACTION");
  state_->context = &context;
  state_->actions = state_->steps = state_->depth = 0;
  state_->failure.reset();
  state_->internal.clear();
  state_->call(state_->module.functions[probe.handler.index], {});
  return {state_->failure, state_->internal, state_->actions};
}

const std::string &Machine::output() const { return state_->output; }
const std::string &Machine::warnings() const { return state_->warnings; }
bool Machine::exit_asked() const { return state_->exit_asked; }

} // namespace tapjit::ir

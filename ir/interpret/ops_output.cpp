// SPDX-License-Identifier: GPL-2.0-or-later
// Output, calls, failure, charges, locks.
#include "ir/interpret/machine.h"

#include "ir/interpret/format.h"
#include "ir/signature.h"

namespace tapjit::ir {

namespace {

std::vector<FormatArgument> arguments_of(OpRun &op) {
  std::vector<FormatArgument> args;
  for (const Value *operand : op.operands)
    args.push_back({operand->number, operand->text});
  return args;
}

void print_histogram(OpRun &op, const Statistic *statistic) {
  if (!statistic || !statistic->count)
    return op.fail("empty aggregate");
  if (op.declared().stat.hist == StatSpec::Hist::None)
    return op.broken("a statistic without a histogram is printed as one");
  op.hit.output += histogram_text(*statistic, op.declared().stat, limit(op.module(), "HIST_WIDTH"),
                                  limit(op.module(), "HIST_ELISION"));
}

} // namespace

// A %m or %M takes its bytes now; those of a bad address are zeroes, in a record that is printed all the same.
void run_Print(OpRun &op) {
  const std::string &format = op.module().formats[op.inst.aux].text;
  std::vector<FormatArgument> args = arguments_of(op);
  for (const MemoryArgument &memory : memory_arguments(format, args)) {
    const HitContext &context = op.hit.context;
    uint64_t address = uint64_t(args[memory.index].number);
    auto bytes = (memory.user ? context.user : context.kernel).read(address, memory.bytes);
    if (!bytes && !op.hit.failure)
      op.fail(fmt::format("read fault [man error::fault] at 0x{:016x}", address));
    args[memory.index].text = bytes.value_or(std::string(memory.bytes, '\0'));
  }
  op.hit.output += format_text(format, args);
}
void run_Sprint(OpRun &op) {
  const std::string &format = op.module().formats[op.inst.aux].text;
  std::vector<FormatArgument> args = arguments_of(op);
  if (!memory_arguments(format, args).empty())
    return op.fail("%m and %M are for printf");
  std::string text = op.cut(format_text(format, args));
  op.result.text = text.substr(0, text.find('\0'));
}
void run_PrintHist(OpRun &op) { print_histogram(op, &op.scalar().statistic); }
void run_MapPrintHist(OpRun &op) {
  Key key;
  for (size_t index = 0; index < op.operands.size(); ++index)
    if (op.declared().keys[index] == Type::Str)
      key.emplace_back(op.text(index).substr(0, size_t(op.machine.key_length - 1)));
    else
      key.emplace_back(op.number(index));
  auto found = op.global().elements.find(key);
  print_histogram(op, found == op.global().elements.end() ? nullptr : &found->second.statistic);
}

void run_Call(OpRun &op) {
  const Function &callee = op.module().functions[op.inst.aux];
  if (callee.kind == FunctionKind::Embedded) {
    auto given = op.hit.context.embedded.find(callee.name);
    if (given == op.hit.context.embedded.end())
      return op.broken(fmt::format("embedded C: &{} is called, which cannot be interpreted", callee.name));
    if (auto *number = std::get_if<int64_t>(&given->second))
      op.result.number = *number;
    else
      op.result.text = op.cut(std::get<std::string>(given->second));
    return;
  }
  bool counts = op.machine.recursive[op.inst.aux];
  if (counts && op.hit.nesting >= op.machine.nesting_limit)
    return op.fail("MAXNESTING exceeded");
  op.hit.nesting += counts;
  std::vector<Value> args;
  for (const Value *operand : op.operands)
    args.push_back(*operand);
  op.hit.stack.push_back(std::make_unique<Activation>(callee, std::move(args), counts));
}
void run_Error(OpRun &op) { op.fail(op.text(0)); }
void run_Warn(OpRun &op) { op.hit.warnings.push_back(op.text(0)); }
void run_Exit(OpRun &op) { op.machine.exit_asked = true; }
void run_Arm(OpRun &) {} // each handler looks at its condition itself
void run_Abort(OpRun &op) {
  op.machine.exit_asked = true;
  op.hit.aborted = true;
  op.fail("abort");
}
void run_Charge(OpRun &op) {
  op.hit.outcome.actions += op.inst.imm;
  if (op.hit.outcome.actions > op.hit.budget)
    op.fail("MAXACTION exceeded");
}
void run_Lock(OpRun &) {} // State::take_locks has them
void run_Unlock(OpRun &op) { op.machine.release_locks(op.hit); }

} // namespace tapjit::ir

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

// Empty: the hit has failed, or the module is broken.
std::string histogram_of(OpRun &op, const Element *element) {
  if (op.declared().stat.hist == StatSpec::Hist::None)
    op.broken("a statistic without a histogram is printed as one");
  else if (!element || !element->statistic.count)
    op.fail("empty aggregate");
  else
    return histogram_text(element->statistic, op.declared().stat, limit(op.module(), "HIST_WIDTH"),
                          limit(op.module(), "HIST_ELISION"));
  return "";
}

} // namespace

// The text of a print or sprint. A %m or %M takes its bytes now; those of a bad address are zeroes, in a record that is
// printed all the same.
static std::string formatted(OpRun &op) {
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
  return format_text(format, args);
}

void run_Print(OpRun &op) { op.hit.output += formatted(op); }
void run_Sprint(OpRun &op) {
  std::string text = op.cut(formatted(op));
  op.result.text = text.substr(0, text.find('\0'));
}
void run_PrintHist(OpRun &op) { op.hit.output += histogram_of(op, &op.scalar()); }
void run_MapPrintHist(OpRun &op) { op.hit.output += histogram_of(op, find_element(op)); }
void run_SprintHist(OpRun &op) { op.result.text = op.cut(histogram_of(op, &op.scalar())); }
void run_MapSprintHist(OpRun &op) { op.result.text = op.cut(histogram_of(op, find_element(op))); }

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

// SPDX-License-Identifier: GPL-2.0-or-later
// Constants, integers, strings, the context, memory.
#include "ir/fold.h"
#include "ir/interpret/machine.h"

namespace tapjit::ir {

std::optional<std::string> MemoryImage::read(uint64_t address, size_t bytes) const {
  auto next = pieces.upper_bound(address);
  if (next == pieces.begin())
    return std::nullopt;
  const auto &[start, content] = *std::prev(next);
  if (address - start > content.size() || bytes > content.size() - size_t(address - start))
    return std::nullopt;
  return content.substr(size_t(address - start), bytes);
}

bool MemoryImage::write(uint64_t address, const std::string &bytes) {
  if (!read(address, bytes.size()))
    return false;
  auto piece = std::prev(pieces.upper_bound(address));
  piece->second.replace(size_t(address - piece->first), bytes.size(), bytes);
  return true;
}

namespace {

void fold(OpRun &op) {
  int64_t right = op.operands.size() > 1 ? op.number(1) : 0;
  auto folded = fold_integers(op.inst.op, op.number(0), right, op.inst.imm);
  if (folded)
    op.result.number = *folded;
  else
    op.fail("division by 0"); // the only integer operation that can fail
}

void compare(OpRun &op) { op.result.number = *fold_strings(op.inst.op, op.text(0), op.text(1)); }

void take(OpRun &op, const std::vector<int64_t> &values) {
  if (op.inst.imm >= 0 && size_t(op.inst.imm) < values.size())
    op.result.number = values[size_t(op.inst.imm)];
}

void load(OpRun &op, const MemoryImage &memory) {
  size_t bytes = size_t(op.inst.imm < 0 ? -op.inst.imm : op.inst.imm);
  auto content = memory.read(uint64_t(op.number(0)), bytes);
  if (!content)
    return op.fail(fmt::format("read fault [man error::fault] at 0x{:016x}", uint64_t(op.number(0))));
  uint64_t value = 0;
  for (size_t index = 0; index < bytes; ++index)
    value |= uint64_t(uint8_t((*content)[index])) << (8 * index);
  unsigned unused = unsigned(64 - 8 * bytes);
  op.result.number = op.inst.imm < 0 ? int64_t(value << unused) >> unused : int64_t(value);
}

// What does not fit is refused as a whole.
void reply(OpRun &op, std::string before) {
  size_t most = op.hit.context.most_reply ? op.hit.context.most_reply : op.machine.longest();
  before += op.text(0);
  if (before.size() > most)
    return op.fail(fmt::format("buffer size exceeded, consider .maxsize({})", before.size() + 1));
  op.hit.outcome.reply = std::move(before);
}

void store(OpRun &op, MemoryImage &memory) {
  uint64_t address = uint64_t(op.number(0));
  std::string bytes;
  for (int64_t index = 0; index < op.inst.imm; ++index)
    bytes += char(uint64_t(op.number(1)) >> (8 * index));
  if (!memory.write(address, bytes))
    op.fail(fmt::format("write fault [man error::fault] at 0x{:016x}", address));
}

} // namespace

void run_ConstI64(OpRun &op) { op.result.number = op.inst.imm; }
void run_ConstStr(OpRun &op) { op.result.text = op.module().strings[op.inst.aux]; }
void run_Param(OpRun &op) { op.result = op.frame.args[size_t(op.inst.imm)]; }
void run_Phi(OpRun &) {} // State::enter takes phis
void run_LocalGet(OpRun &op) { op.result = op.frame.locals[op.inst.imm]; }
void run_LocalSet(OpRun &op) { op.frame.locals[op.inst.imm] = *op.operands[0]; }

void run_Add(OpRun &op) { fold(op); }
void run_Sub(OpRun &op) { fold(op); }
void run_Mul(OpRun &op) { fold(op); }
void run_Div(OpRun &op) { fold(op); }
void run_Mod(OpRun &op) { fold(op); }
void run_And(OpRun &op) { fold(op); }
void run_Or(OpRun &op) { fold(op); }
void run_Xor(OpRun &op) { fold(op); }
void run_Shl(OpRun &op) { fold(op); }
void run_Shr(OpRun &op) { fold(op); }
void run_Neg(OpRun &op) { fold(op); }
void run_Not(OpRun &op) { fold(op); }
void run_Eq(OpRun &op) { fold(op); }
void run_Ne(OpRun &op) { fold(op); }
void run_Lt(OpRun &op) { fold(op); }
void run_Le(OpRun &op) { fold(op); }
void run_Gt(OpRun &op) { fold(op); }
void run_Ge(OpRun &op) { fold(op); }
void run_Trunc(OpRun &op) { fold(op); }

void run_StrEq(OpRun &op) { compare(op); }
void run_StrNe(OpRun &op) { compare(op); }
void run_StrLt(OpRun &op) { compare(op); }
void run_StrLe(OpRun &op) { compare(op); }
void run_StrGt(OpRun &op) { compare(op); }
void run_StrGe(OpRun &op) { compare(op); }
void run_StrLen(OpRun &op) { op.result.number = int64_t(op.text(0).size()); }
void run_StrConcat(OpRun &op) { op.result.text = op.cut(op.text(0) + op.text(1)); }
void run_StrCopy(OpRun &op) { op.result.text = op.cut(op.text(0)); }

void run_CtxReg(OpRun &op) { take(op, op.hit.context.registers); }
void run_CtxEntry(OpRun &op) { take(op, op.hit.context.entry_values); }
void run_CtxEntryStr(OpRun &op) {
  const auto &texts = op.hit.context.entry_texts;
  if (auto found = texts.find(op.inst.imm); found != texts.end())
    op.result.text = op.cut(found->second);
}
void run_CtxTpArg(OpRun &op) { take(op, op.hit.context.tracepoint_args); }
void run_CtxCaller(OpRun &op) { op.result.number = 0; } // there are no callers
void run_CtxPp(OpRun &op) { op.result.text = op.cut(op.hit.context.probe_point); }
void run_CtxFunc(OpRun &op) { op.result.text = op.cut(op.hit.context.function); }
void run_CtxNumber(OpRun &op) { take(op, op.hit.context.numbers); }
void run_CtxMessage(OpRun &op) { op.result.text = op.cut(op.hit.context.message); }
void run_ReplySet(OpRun &op) { reply(op, ""); }
void run_ReplyAdd(OpRun &op) { reply(op, op.hit.outcome.reply); }
void run_CtxNext(OpRun &op) { op.result.number = 0; } // embedded C does not run here
void run_CatchMessage(OpRun &op) {
  op.result.text = op.cut(op.hit.caught);
  op.result.watch(op.hit.failures);
}
void run_CtxRegSet(OpRun &op) {
  std::vector<int64_t> &registers = op.hit.context.registers;
  if (op.inst.imm < 0 || op.inst.imm > 16)
    return;
  registers.resize(std::max(registers.size(), size_t(op.inst.imm) + 1));
  registers[size_t(op.inst.imm)] = op.number(0);
}
void run_KernelAddress(OpRun &op) { op.result.number = op.inst.imm; } // not moved
void run_ModuleSlide(OpRun &op) { op.result.number = 0; }             // not moved
void run_CpuAddress(OpRun &op) { op.result.number = op.inst.imm; }
void run_StoreK(OpRun &op) { store(op, op.hit.context.kernel); }
void run_LoadK(OpRun &op) { load(op, op.hit.context.kernel); }
void run_LoadU(OpRun &op) { load(op, op.hit.context.user); }

} // namespace tapjit::ir

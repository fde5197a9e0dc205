// SPDX-License-Identifier: GPL-2.0-or-later
// Property `calls`. A call goes to a function of the module (which is looked at itself), to a runtime function whose
// summary says that it is safe in a handler, to a function of allowed_calls.def, to an intrinsic or inline assembly of
// its tables; anything else is refused.
#include "codegen/safety/extract.h"

#include <fmt/format.h>
#include <llvm/IR/InlineAsm.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

namespace tapjit::codegen {

namespace {

using namespace llvm;

constexpr AllowedCall allowed_calls[] = {
#define ALLOWED_CALL(name, where, reason) {name, AllowedWhere::where, reason},
#define ALLOWED_ASM(text, reason)
#define ALLOWED_INTRINSIC(id, reason)
#define ALLOWED_DATA(name, reason)
#include "codegen/safety/allowed_calls.def"
#undef ALLOWED_CALL
#undef ALLOWED_ASM
#undef ALLOWED_INTRINSIC
#undef ALLOWED_DATA
};

constexpr StringLiteral allowed_data[] = {
#define ALLOWED_CALL(name, where, reason)
#define ALLOWED_ASM(text, reason)
#define ALLOWED_INTRINSIC(id, reason)
#define ALLOWED_DATA(name, reason) name,
#include "codegen/safety/allowed_calls.def"
#undef ALLOWED_CALL
#undef ALLOWED_ASM
#undef ALLOWED_INTRINSIC
#undef ALLOWED_DATA
};

struct AllowedAsm {
  const char *text;
  const char *reason;
};
constexpr AllowedAsm allowed_asm[] = {
#define ALLOWED_CALL(name, where, reason)
#define ALLOWED_ASM(text, reason) {text, reason},
#define ALLOWED_INTRINSIC(id, reason)
#include "codegen/safety/allowed_asm.def"
#undef ALLOWED_CALL
#undef ALLOWED_ASM
#undef ALLOWED_INTRINSIC
};

bool allowed_intrinsic(Intrinsic::ID id) {
  switch (id) {
#define ALLOWED_CALL(name, where, reason)
#define ALLOWED_ASM(text, reason)
#define ALLOWED_INTRINSIC(id, reason) case Intrinsic::id:
#define ALLOWED_DATA(name, reason)
#include "codegen/safety/allowed_calls.def"
#undef ALLOWED_CALL
#undef ALLOWED_ASM
#undef ALLOWED_INTRINSIC
#undef ALLOWED_DATA
    return true;
  default:
    return false;
  }
}

// White space folded, and without the record of a lock prefix's place (.smp_locks).
std::string folded(StringRef text) {
  constexpr std::string_view lock_record = ".pushsection .smp_locks,\"a\" .balign 4 .long 671f - . .popsection 671: ";
  std::string result;
  for (char c : text) {
    bool space = c == ' ' || c == '\t' || c == '\n';
    if (!space)
      result += c;
    else if (!result.empty() && result.back() != ' ')
      result += ' ';
  }
  while (!result.empty() && result.back() == ' ')
    result.pop_back();
  if (result.starts_with(lock_record))
    result.erase(0, lock_record.size());
  return result;
}

void check_asm(SafetyRun &run, const Function &function, const CallBase &call) {
  auto *assembly = cast<InlineAsm>(call.getCalledOperand());
  if (find_allowed_asm(assembly->getAsmString()))
    return;
  std::string text = folded(assembly->getAsmString());
  run.finding(Property::Calls, function, &call,
              fmt::format("inline assembly that is not in the table: `{}`", text.substr(0, 200)));
}

void check_declared(SafetyRun &run, const Function &function, const CallBase &call, const Function &callee) {
  std::string name = callee.getName().str();
  const AllowedCall *row = find_allowed_call(name);
  if (handler_may_call(row))
    return run.proof(Property::Calls, function, &call, fmt::format("`{}`: {}", name, row->reason));
  if (auto summary = run.runtime.find(name); summary != run.runtime.end()) {
    if (!summary->second.handler_safe)
      run.finding(Property::Calls, function, &call,
                  fmt::format("a call of the runtime's `{}`, which is not safe in a handler: {}", name,
                              summary->second.reason));
    else
      run.proof(Property::Calls, function, &call, fmt::format("`{}` of the runtime is proven itself", name));
    return;
  }
  if (row)
    run.finding(Property::Calls, function, &call,
                fmt::format("a call of `{}`, which may only be called outside handlers", name));
  else
    run.finding(Property::Calls, function, &call,
                fmt::format("a call of `{}`, which is not on the list of calls allowed in a handler", name));
}

// A call of the user runtime's host (runtime/user/host.h): through a member of the struct that the variable `tap_host`
// points to. Its functions are this process's own.
bool is_host_callback(const CallBase &call) {
  if (call.getModule()->getFunction("init_module"))
    return false; // a kernel module has no host, whatever its variables are called
  auto *member = dyn_cast<LoadInst>(call.getCalledOperand());
  if (!member)
    return false;
  auto *table = dyn_cast<LoadInst>(member->getPointerOperand()->stripInBoundsConstantOffsets());
  auto *variable = table ? dyn_cast<GlobalVariable>(table->getPointerOperand()) : nullptr;
  return variable && variable->getName() == "tap_host";
}

void check_call(SafetyRun &run, const Function &function, const CallBase &call) {
  if (call.isInlineAsm())
    return check_asm(run, function, call);
  const Function *callee = called_function(call);
  if (!callee && is_host_callback(call))
    return run.proof(Property::Calls, function, &call, "a function of the user runtime's host");
  if (!callee)
    return run.finding(Property::Calls, function, &call, "a call through a pointer");
  if (callee->isIntrinsic()) {
    if (!allowed_intrinsic(callee->getIntrinsicID()))
      run.finding(Property::Calls, function, &call,
                  fmt::format("the compiler's `{}`, which is not in the table", callee->getName().str()));
    return;
  }
  if (callee->isDeclaration())
    return check_declared(run, function, call, *callee);
}

} // namespace

const AllowedCall *find_allowed_call(StringRef name) {
  for (const AllowedCall &row : allowed_calls)
    if (name == row.name)
      return &row;
  return nullptr;
}

const char *find_allowed_asm(StringRef text) {
  std::string one_line = folded(text);
  for (const AllowedAsm &row : allowed_asm)
    if (one_line == row.text)
      return row.reason;
  return nullptr;
}

void check_calls(SafetyRun &run) {
  // Only top-level embedded C has it; what it defines is called under a name that may be on the list.
  if (std::string text = folded(run.module.getModuleInlineAsm()); !text.empty() && !run.functions.empty())
    run.report.findings.push_back({Property::Calls,
                                   "embedded C",
                                   "",
                                   0,
                                   fmt::format("assembly outside functions: `{}`", text.substr(0, 200)),
                                   {"embedded C"}});
  for (const Function *function : run.functions)
    for (const Instruction &instruction : instructions(*function)) {
      if (auto *call = dyn_cast<CallBase>(&instruction))
        check_call(run, *function, *call);
      else if (isa<IndirectBrInst>(instruction))
        run.finding(Property::Calls, *function, &instruction, "a jump through a pointer");
    }
}

std::vector<Finding> verify_imports(const std::vector<std::string> &symbols) {
  std::vector<Finding> findings;
  for (const std::string &name : symbols)
    if (!find_allowed_call(name) && !is_contained(allowed_data, StringRef(name)))
      findings.push_back({Property::Calls,
                          "",
                          "",
                          0,
                          fmt::format("the object needs `{}`, which is not on the list of allowed calls", name),
                          {}});
  return findings;
}

} // namespace tapjit::codegen

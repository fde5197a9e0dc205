// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/var_access.h"

namespace tapjit::target {

void append_addition(std::vector<AccessStep> &steps, int64_t value) {
  size_t count = steps.size();
  if (value == 0)
    return;
  if (count >= 2 && steps[count - 1].kind == StepKind::Add && steps[count - 2].kind == StepKind::PushConstant) {
    steps[count - 2].value += value;
    if (steps[count - 2].value == 0)
      steps.resize(count - 2);
    return;
  }
  steps.push_back({StepKind::PushConstant, value});
  steps.push_back({StepKind::Add});
}

std::vector<PrettyPiece> pretty_number(const ValueType &type) {
  switch (type.kind) {
  case TypeKind::Integer:
  case TypeKind::Enum:
  case TypeKind::Bool:
    return {{"", type.is_signed ? "%i" : "%u", false, {}}};
  case TypeKind::Char:
    return {{"'", "%#c", false, {}}, {"'", "", false, {}}};
  case TypeKind::Pointer:
    return {{"", "%p", false, {}}};
  default:
    return {{"?", "", false, {}}};
  }
}

std::string register_name(int64_t number) {
  static constexpr const char *names[] = {"rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
  return number >= 0 && number < 16 ? names[number] : std::to_string(number);
}

static std::string describe(const AccessStep &step) {
  std::string width = (step.is_signed ? "s" : "u") + std::to_string(step.bits);
  switch (step.kind) {
  case StepKind::PushRegister:
    return "reg:" + register_name(step.value);
  case StepKind::PushConstant:
    return "const:" + std::to_string(step.value);
  case StepKind::PushAddress:
    return "address:" + std::to_string(static_cast<uint64_t>(step.value));
  case StepKind::PushModuleAddress:
    return "module-address:" + std::to_string(step.value);
  case StepKind::PushPerCpu:
    return "percpu:" + std::to_string(step.value);
  case StepKind::PushIndex:
    return "index:" + std::to_string(step.value);
  case StepKind::PushMessage:
    return "message";
  case StepKind::PushArgument:
    return "arg:" + std::to_string(step.value);
  case StepKind::Add:
    return "add";
  case StepKind::Subtract:
    return "sub";
  case StepKind::Multiply:
    return "mul";
  case StepKind::And:
    return "and";
  case StepKind::Or:
    return "or";
  case StepKind::Xor:
    return "xor";
  case StepKind::ShiftLeft:
    return "shl";
  case StepKind::ShiftRight:
    return "shr";
  case StepKind::ShiftRightSigned:
    return "sar";
  case StepKind::Negate:
    return "neg";
  case StepKind::Not:
    return "not";
  case StepKind::Load:
    return "load:" + width;
  case StepKind::LoadUser:
    return "load-user:" + width;
  case StepKind::Extend:
    return "ext:" + width;
  }
  return "?";
}

std::string describe(const VarAccess &access) {
  std::string text = access.at_entry ? "entry:" : "";
  for (const AccessStep &step : access.steps)
    text += (text.empty() || text.back() == ':' ? "" : " ") + describe(step);
  return text;
}

} // namespace tapjit::target

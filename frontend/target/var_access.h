// SPDX-License-Identifier: GPL-2.0-or-later
// How to compute a target variable at a probe site: a small stack program that lowering turns into IR ops, one op or
// two per step. It is made from a DWARF location expression plus the path that the script wrote behind the variable
// (->member, [index]); no DWARF is needed to carry it out.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace tapjit::target {

// Each step pops what it needs from a stack of 64-bit values and pushes one; the last step leaves exactly one value.
enum class StepKind : uint8_t {
  PushRegister, // value: DWARF register number (x86-64: 0 rax, 1 rdx, 2 rcx, 3 rbx, 4 rsi, 5 rdi, 6 rbp, 7 rsp, 8-15
                // r8-r15, 16 rip) of the probe's pt_regs
  PushConstant, // value
  PushAddress,  // value: link address in the traced kernel; at run time plus its slide
  PushModuleAddress, // value: as linked in the file of a module; at run time where that is (fails while it is away)
  PushPerCpu,        // value: offset in the per-CPU area; at run time where that is in this CPU's
  PushIndex,         // value: which script expression of the path's [..] (0 is the first dynamic one)
  PushArgument,      // value: number of a tracepoint's C argument, widened to 64 bits as its C type says
  PushMessage,       // the text that was written to the file of the probe; alone
  Add,
  Subtract, // second from top minus top
  Multiply,
  And,
  Or,
  Xor,
  ShiftLeft,
  ShiftRight,       // logical
  ShiftRightSigned, // arithmetic
  Negate,
  Not,
  Load, // pops an address; reads `bits`/8 bytes of kernel memory there, checked (may fail); widens as is_signed says
  LoadUser, // the same of the current process's memory
  Extend,   // keeps the low `bits`, widens as is_signed says
};

struct AccessStep {
  StepKind kind;
  int64_t value = 0;
  uint8_t bits = 64;
  bool is_signed = false;
  friend bool operator==(const AccessStep &, const AccessStep &) = default;
};

enum class TypeKind : uint8_t {
  Void,
  Integer,
  Bool,
  Char,
  Enum,
  Pointer,
  Array,
  Struct,
  Union,
  Float,
  Function,
  Unknown
};

// A C type as far as scripts see it.
struct ValueType {
  TypeKind kind = TypeKind::Unknown;
  uint64_t size = 0; // bytes
  bool is_signed = false;
  std::string name;    // as C writes it: "struct file *", "unsigned int"
  uint64_t die = 0;    // offset in .debug_info, or of BTF the type's number; 0 when unknown
  unsigned source = 0; // of which file: 0 the kernel's, else a number of the Target's own
};
// The names and values of an enum.
using Enumerators = std::vector<std::pair<std::string, int64_t>>;

// Where a value can be written.
struct WriteAccess {
  enum class Kind : uint8_t {
    None,
    Memory,
    Register,
    Reply /* what a reader of the probe's file gets */
  } kind = Kind::None;
  std::vector<AccessStep> address; // Memory: leaves the address
  int64_t register_number = 0;     // Register: as PushRegister
  uint8_t bits = 64;               // of the storage
  uint8_t field_bits = 0;          // not 0: a bit-field in it, so wide, from `first_bit`
  uint8_t first_bit = 0;
};

struct VarAccess {
  std::vector<AccessStep> steps;
  ValueType type;
  WriteAccess write;
  bool at_entry = false;        // in a return probe: computed when the function is entered, and kept until it returns
  bool is_address = false;      // the value is the address of an array (or of what & was applied to)
  bool is_text = false;         // the value is a string
  unsigned dynamic_indexes = 0; // script expressions that PushIndex refers to
  // With PushAddress: a function whose name one symbol of the kernel has, and its link address. With PushModuleAddress:
  // "module:symbol", a symbol of the section that holds the address, which is the module's only one of this name.
  std::string anchor_symbol;
  uint64_t anchor = 0;
  std::string build_id; // of that module's file, lower-case hex; empty: not known
};

// One step of the path that the script wrote behind a variable.
struct PathStep {
  enum class Kind : uint8_t { Member, Index, DynamicIndex } kind = Kind::Member;
  std::string member;
  int64_t index = 0;
};

// A part of the text that `$x$` gives: `text`, then, unless `format` is empty, the value behind `path` from $x.
struct PrettyPiece {
  std::string text;
  std::string format;     // "%i" "%u" "%p" "%#c", "%s"
  bool is_string = false; // the value is the address of the string to show
  std::vector<PathStep> path;
};
// Of a value that is no aggregate, by its kind alone.
std::vector<PrettyPiece> pretty_number(const ValueType &type);

// Of a DWARF register number: "rdi".
std::string register_name(int64_t number);
// Adds a constant to the value on top; merged with an addition that stands there already.
void append_addition(std::vector<AccessStep> &steps, int64_t value);

// Text of the steps for dumps and tests: "reg:rdi ext:s32", "reg:rsi load:u64 const:8 add load:u32".
std::string describe(const VarAccess &access);

} // namespace tapjit::target

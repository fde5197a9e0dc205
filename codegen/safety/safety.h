// SPDX-License-Identifier: GPL-2.0-or-later
// The safety verifier: looks at optimised LLVM IR, embedded C included, and says what it could not prove. What it does
// not understand is a finding. Its verdict informs; it never authorises loading.
//
// Steps: extract.cpp finds the functions that can run in a handler and their obligations, check_<property>.cpp decides
// each, report.cpp words it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace llvm {
class Module;
}

namespace tapjit::codegen {

enum class Property : uint8_t {
#define PROPERTY(name, word, meaning) name,
#include "codegen/safety/obligations.def"
#undef PROPERTY
};
std::string_view property_word(Property property);

// One thing that was not proven. The position follows #line where the unit was compiled with line tables, else `line`
// is 0.
struct Finding {
  Property property;
  std::string function;
  std::string file;
  unsigned line = 0;
  std::string observed;
  // The C functions that the code was inlined from, innermost first, ending in `function`; only `function` without line
  // tables.
  std::vector<std::string> scopes;
};

// One thing that was proven, for `stap-ir-dump --safety`.
struct Proof {
  Property property;
  std::string function;
  std::string file;
  unsigned line = 0;
  std::string reason; // "at most 16 turns of 12 instructions", "charged", "copy_from_kernel_nofault: mm/maccess.c ..."
};

struct SafetyReport {
  std::vector<Finding> findings;
  std::vector<Proof> proofs;
  std::vector<std::string> functions; // that were looked at
  bool ok() const { return findings.empty(); }
};

// What a runtime function does, learnt when the runtime was built and used where a unit calls it.
struct FunctionSummary {
  bool handler_safe = false;
  std::string reason;               // why not
  std::vector<std::string> callees; // outside its own object
};
using Summaries = std::map<std::string, FunctionSummary, std::less<>>;

// Facts of the runtime's C types that the checks recognise (runtime/core/ctx.h), in bytes.
struct ContextLayout {
  std::vector<int64_t> budget_offsets; // volatile int64_t budgets in struct tap_ctx that a charge decrements
  int64_t nesting_offset = -1;         // uint32_t open recursive calls
};
// The layout of this build's runtime.
ContextLayout context_layout();

// Version of the rules, part of the cache key of summaries.
std::string safety_version();

// Verifies the emitted unit: every function of it but those that only its load and unload reach.
SafetyReport verify_unit(llvm::Module &module, const ContextLayout &layout, const Summaries &runtime);

// Looks at each function of a runtime object by itself.
Summaries summarize_runtime(llvm::Module &module, const ContextLayout &layout);
// Puts the summaries of all runtime objects together: a function that calls an unsafe one of another object is unsafe.
void close_summaries(Summaries &summaries);
std::string summaries_to_text(const Summaries &summaries);
Summaries summaries_from_text(std::string_view text); // unknown lines are dropped: their functions count as unsafe

// Holds the symbols that the unit's object needs of the kernel (those that code generation added as well) against the
// list.
std::vector<Finding> verify_imports(const std::vector<std::string> &symbols);

std::string report_text(const SafetyReport &report);
std::string report_json(const SafetyReport &report);

} // namespace tapjit::codegen

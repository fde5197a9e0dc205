// SPDX-License-Identifier: GPL-2.0-or-later
// Runs object code of the user runtime in this process, through ORC's linker.
#pragma once

#include "frontend/base/result.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::codegen {

// A function or variable of this process that the code may use. Nothing else of the process can be linked to.
struct JitImport {
  std::string_view name;
  void *address;
};

// The loaded program; its memory is freed when this is destroyed. No thread may be running in it then.
class JitProgram {
public:
  JitProgram(JitProgram &&) noexcept;
  JitProgram &operator=(JitProgram &&) noexcept;
  ~JitProgram();
  // Address of a global function or variable. Error: not defined.
  Result<void *> address(std::string_view name) const;

private:
  friend Result<JitProgram> jit_load(const std::vector<std::string_view> &, const std::vector<JitImport> &,
                                     const std::vector<std::string_view> &);
  struct State;
  explicit JitProgram(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Links `objects` (ELF, x86-64; from CompiledUnit::emit_object and Platform::objects) with `imports`. `entries` are the
// names that address() will be asked for. Error: a symbol that neither defines, by name.
Result<JitProgram> jit_load(const std::vector<std::string_view> &objects, const std::vector<JitImport> &imports,
                            const std::vector<std::string_view> &entries);

} // namespace tapjit::codegen

// SPDX-License-Identifier: GPL-2.0-or-later
// What a platform of the runtime needs before the first unit can be compiled: flags, the precompiled header
// runtime/<platform>/pch.h, and one object for each runtime/<platform>/*.c (and runtime/core/*.c). Built once, with two
// threads, and kept in the cache.
#pragma once

#include "codegen/clang/driver.h"
#include "codegen/clang/profile.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::codegen {

struct RuntimeObject {
  std::string name;         // "kernel/ring" for runtime/kernel/ring.c; "generated/this_module" is finish_module's
  std::string_view object;  // ELF relocatable
  std::string_view bitcode; // of the optimised module
  std::string_view summary; // what the verifier below returned for it
};

// Looks at each runtime unit's optimised module when it is built; what it returns is kept beside the object. An Error
// refuses the unit. Called from two threads, with different modules.
using RuntimeVerifier = std::function<Result<std::string>(std::string_view name, llvm::Module &module)>;

struct PlatformTimes {
  double profile = 0; // ms; all near 0 when everything came from the cache
  double pch = 0;
  double objects = 0;
};

// Move-only; the views in `objects` and `versions` point into the mapped entries.
struct Platform {
  std::vector<std::string> arguments;    // for CompileRequest::arguments
  std::vector<std::string> include_dirs; // the directory above runtime/
  std::string pch;                       // for CompileRequest::pch
  std::vector<RuntimeObject> objects;
  CacheKey key; // of all of the above: part of a finished module's key
  PlatformTimes times;
  KernelProfile profile;   // kernel only
  SymbolVersions versions; // kernel only
  std::vector<CacheEntry> mapped;
};

// `runtime_dir` is the directory called runtime/. `verifier` may be empty; `verifier_key` names its version, for the
// cache.
struct PlatformRequest {
  std::string runtime_dir;
  std::string verifier_key;
  RuntimeVerifier verifier;
  std::function<void()> slow =
      {}; // called before each step that takes long: something is not in the cache; may be empty
};
// Errors: no headers, kbuild failed, the compiler's first messages when a header or runtime file does not compile.
Result<Platform> prepare_kernel(const Store &store, const std::string &build_dir, const PlatformRequest &request);
Result<Platform> prepare_user(const Store &store, const PlatformRequest &request);

} // namespace tapjit::codegen

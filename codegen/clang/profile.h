// SPDX-License-Identifier: GPL-2.0-or-later
// The profile of a kernel: all that compiling and finishing a module for it needs, asked once of the kernel's own
// kbuild
// (`make -n` on a one-line module; nothing is compiled) and kept as JSON in the cache.
#pragma once

#include "codegen/cache/store.h"
#include "frontend/base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::codegen {

// From the kernel's .config; a name that changed between releases is one feature here.
struct KernelFeatures {
  bool modules = false;
  bool modversions = false;   // CONFIG_MODVERSIONS: a module carries the CRC of each symbol that it imports
  bool module_unload = false; // struct module has `exit`
  bool retpoline = false;     // CONFIG_RETPOLINE, since 6.9 CONFIG_MITIGATION_RETPOLINE
  bool rethunk = false;       // CONFIG_RETHUNK, since 6.9 CONFIG_MITIGATION_RETHUNK
  bool ibt = false;           // CONFIG_X86_KERNEL_IBT
  bool jump_label_hack =
      false; // CONFIG_HAVE_JUMP_LABEL_HACK: objtool would rewrite static branches; undefined for our units
  bool module_sig_force = false;
};

struct KernelProfile {
  std::string build_dir;                 // resolved path
  std::string release;                   // as uname -r says it; the first word of vermagic
  std::string vermagic;                  // as <linux/vermagic.h> spells it with this kernel's configuration
  std::vector<std::string> kbuild_flags; // as kbuild gave them, for the report
  std::vector<std::string>
      flags; // for Clang's driver: gcc's own mapped or dropped, paths absolute, no -DKBUILD_*, no warnings
  std::vector<std::string> arguments; // the same as cc1 arguments: what the in-process compiler takes
  std::string prelude; // text before the first header of a unit or PCH: what no objtool run means for the headers
  KernelFeatures features;
  CacheKey key; // of the kernel and compiler; part of the key of all that is built for this kernel
};

// One row of Module.symvers.
struct ExportedSymbol {
  uint32_t crc;
  bool gpl_only;
  std::string_view module;           // "vmlinux", or the module's path below the source tree
  std::string_view symbol_namespace; // empty: none
};

// Module.symvers as a hash table that is used where it is mapped: a look-up touches two cache lines.
class SymbolVersions {
public:
  // Makes the table's bytes of the text of a Module.symvers (tab separated: crc, name, module, kind, namespace).
  static std::string build(std::string_view text);
  // `bytes` (made by build) must outlive the object; fails when they are not such a table.
  static Result<SymbolVersions> map(std::string_view bytes);
  std::optional<ExportedSymbol> find(std::string_view name) const;
  size_t size() const { return count_; }

private:
  std::string_view bytes_;
  uint32_t count_ = 0;
  uint32_t buckets_ = 0;
};

// Where a release's headers are: "" = the running kernel, a release, or a build directory. Fails with advice when they
// are missing.
Result<std::string> kernel_build_dir(std::string_view release_or_dir);

// The profile of the kernel whose build directory this is, from the cache or (0.5 s, after a call of `slow`) from
// kbuild.
Result<KernelProfile> kernel_profile(const Store &store, const std::string &build_dir,
                                     const std::function<void()> &slow = {});

// C text of `struct module __this_module`, which names init_module and cleanup_module. Not for --kbuild, where modpost
// writes it. prepare_kernel compiles it once, with this in place of the name: the layout of struct module costs each
// unit 4 ms.
std::string this_module_text(const KernelFeatures &features, std::string_view module_name);
inline constexpr std::string_view module_name_placeholder = "tap_the_name_of_the_module_is_put_here_by_finish";

// The steps of it, apart for tests.
CacheKey kernel_key(const std::string &build_dir);
Result<std::vector<std::string>> ask_kbuild(const std::string &build_dir);
std::vector<std::string> clang_flags(const std::vector<std::string> &kbuild_flags, const std::string &build_dir);
std::string profile_to_json(const KernelProfile &profile);
Result<KernelProfile> profile_from_json(std::string_view json);

} // namespace tapjit::codegen

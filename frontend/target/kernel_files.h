// SPDX-License-Identifier: GPL-2.0-or-later
// Where a kernel's files are installed, and its configuration.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/target.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

struct SearchPlaces {
  std::string root;           // prefix of every absolute path below, for tests; normally empty
  std::string debuginfo_path; // SYSTEMTAP_DEBUGINFO_PATH: colon separated folders or files, each may begin with + or -;
                              // empty: the usual places
};

// `release_or_dir`: a release ("6.1.0-56-cloud-amd64") or an absolute path of a kernel build tree; empty: the running
// kernel. Files that are not installed stay empty; only a build tree that does not exist or has no release is an error.
Result<KernelFiles> find_kernel_files(std::string_view release_or_dir, const SearchPlaces &places);

// The release of the kernel that a build tree is of; empty: it is not prepared.
std::string release_of_build_dir(const std::string &dir);

bool is_running_kernel(const std::string &release);

// The folders of SearchPlaces::debuginfo_path.
std::vector<std::string> debuginfo_roots(const SearchPlaces &places);

// What to install to get a kernel's debuginfo.
std::string debuginfo_advice(const std::string &release);

// The same of a program, and where it was looked for.
std::string program_advice(const SearchPlaces &places);

// CONFIG_x lines of a kernel configuration file (format: Documentation/kbuild/kconfig.rst).
class Kconfig {
public:
  explicit Kconfig(std::string text) : text_(std::move(text)) {}
  std::optional<std::string> value(std::string_view name) const;

private:
  std::string text_;
};

// Whole file as text; nullopt when it cannot be read.
std::optional<std::string> read_text_file(const std::string &path);

} // namespace tapjit::target

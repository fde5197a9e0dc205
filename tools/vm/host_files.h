// SPDX-License-Identifier: GPL-2.0-or-later
// Where the files of a guest come from on this machine: kernel image, kernel modules, our own binaries, the cache.
#pragma once

#include <string>
#include <vector>

#include "frontend/base/result.h"

namespace tapjit::vm {

Result<std::string> read_whole_file(const std::string &path);
Result<std::string> read_file_start(const std::string &path, size_t limit); // at most `limit` bytes

// The bootable image of a release: /boot/vmlinuz-RELEASE or /lib/modules/RELEASE/vmlinuz. The error names the releases
// that are installed.
Result<std::string> kernel_image(const std::string &release);

// The newest installed release that has an image; empty when there is none.
std::string newest_installed_release();

// Paths of the files that hold `names` and all they depend on, in an order in which each finds what it needs
// (modules.dep(5)). A name that is not there is taken to be built in.
Result<std::vector<std::string>> module_load_order(const std::string &release, const std::vector<std::string> &names);

// `name` (staprun, stapio, tap-guest-init) beside this program, in its ../libexec/tapjit, or in `folder` when given.
Result<std::string> support_file(const std::string &name, const std::string &folder);

// $SYSTEMTAP_DIR, or $XDG_CACHE_HOME/tapjit, or $HOME/.cache/tapjit; made when it is not there; empty when it cannot
// be.
std::string cache_folder();

} // namespace tapjit::vm

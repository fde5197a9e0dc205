// SPDX-License-Identifier: GPL-2.0-or-later
// What a bootable kernel, /boot/vmlinuz-REL, has inside: an ELF file without symbols, but with the kernel's BTF and its
// kallsyms tables (Documentation/arch/x86/boot.rst).
#pragma once

#include "frontend/base/result.h"

#include <string>

namespace tapjit::target {

// The bytes of the ELF file. Fails when `path` cannot be read, is no x86 kernel image, or is packed by something else
// than gzip, xz, lzma, LZ4 or zstd.
Result<std::string> unpack_kernel_image(const std::string &path);

// Differs for any two kernel builds, and costs no unpacking: it is made from the image's header with its version text,
// its length and its last bytes. Lower-case hex and dashes; empty when the file cannot be read.
std::string kernel_image_stamp(const std::string &path);

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// Where the DWARF of a stripped file is: the files that a distribution or `objcopy --only-keep-debug` puts elsewhere.
// The same places in the same order as libdwfl's, which SystemTap asks.
#pragma once

#include "frontend/base/result.h"
#include "frontend/target/kernel_files.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tapjit::target {

// An entry of SYSTEMTAP_DEBUGINFO_PATH.
struct DebuginfoPlace {
  // Absolute: a folder laid out like /, or a file. Else a folder beside the stripped file; empty: that one's own.
  std::string path;
  bool checks_crc = true; // `-` before it: a file is taken although its CRC is not the one in .gnu_debuglink
};

// Those of `places`, or the usual ones: +:.debug:/usr/lib/debug:build. Absolute ones begin with `places.root`.
std::vector<DebuginfoPlace> debuginfo_places(const SearchPlaces &places);

// What tells where a file's DWARF is.
struct ElfFacts {
  std::string build_id; // lower-case hex; empty: it has none
  bool has_dwarf = false, has_symbols = false;
  std::string debuglink; // .gnu_debuglink: name of the other file; empty: there is none
  uint32_t debuglink_crc = 0;
  uint64_t dwarf_bytes = 0; // of .debug_info: files of one build-id may still differ (dwz)
};

Result<ElfFacts> read_elf_facts(const std::string &path);

// The file with the DWARF of `path` (empty: it is not installed; then only the build-id tells), by build-id in the
// folders .build-id, else by name. A file found by name must have the build-id of `path`, or, where that has none, the
// CRC. Empty: there is none here.
std::string find_separate_debuginfo(const std::string &path, const ElfFacts &facts, const SearchPlaces &places);

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// An ELF file opened for reading, with what the room asks of one.
#pragma once

#include "frontend/base/result.h"

#include <cstdint>
#include <libelf.h>
#include <memory>
#include <string>
#include <vector>

namespace tapjit::target {

struct ElfSection {
  std::string name;
  uint64_t address = 0, size = 0;
  bool is_code = false;
};

class ElfFile {
public:
  static Result<std::unique_ptr<ElfFile>> open(const std::string &path);
  ~ElfFile();
  ElfFile(const ElfFile &) = delete;
  ElfFile &operator=(const ElfFile &) = delete;

  Elf *elf() const { return elf_; }
  const std::string &path() const { return path_; }
  // Lower-case hex of NT_GNU_BUILD_ID; empty when the file has none.
  std::string build_id() const;
  // Sections that are loaded (SHF_ALLOC with an address), in file order.
  std::vector<ElfSection> sections() const;
  // Copies `size` bytes that are loaded at a link address; false when no section holds them all.
  bool read(uint64_t address, void *to, size_t size) const;

private:
  ElfFile(std::string path, int fd, Elf *elf) : path_(std::move(path)), fd_(fd), elf_(elf) {}
  std::string path_;
  int fd_;
  Elf *elf_;
};

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// An ELF file opened for reading, with what the room asks of one.
#pragma once

#include "frontend/base/result.h"

#include <cstdint>
#include <elfutils/libdwfl.h>
#include <libelf.h>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

// Lower-case hex of the note NT_GNU_BUILD_ID among `notes`, a section's or /sys/kernel/notes; empty: there is none.
std::string build_id_in_notes(std::span<const char> notes);

struct ElfSection {
  std::string name;
  uint64_t address = 0, size = 0;
  bool is_code = false;
};

// Modules (ET_REL) are opened through libdwfl: sections of a module get addresses one after the other, always the same,
// and its DWARF is relocated to them. A packed file (.ko.xz, .ko.zst, .gz) is unpacked into memory.
class ElfFile {
public:
  static Result<std::unique_ptr<ElfFile>> open(const std::string &path);
  // The same, but a module's sections get no addresses and no relocations: costs less, for notes and names.
  static Result<std::unique_ptr<ElfFile>> open_unrelocated(const std::string &path);
  // Of a file that is in memory; `path` is for messages.
  static Result<std::unique_ptr<ElfFile>> open_bytes(std::string path, std::string bytes);
  ~ElfFile();
  ElfFile(const ElfFile &) = delete;
  ElfFile &operator=(const ElfFile &) = delete;

  Elf *elf() const { return elf_; }
  // The file's DWARF, valid as long as this; null when it has none.
  Dwarf *dwarf();
  // How to find the caller's frame, from .debug_frame, else from .eh_frame (programs have no other); null: neither is
  // there.
  Dwarf_CFI *frames();
  // Symbol values are counted from their section's start.
  bool is_relocatable() const;
  const std::string &path() const { return path_; }
  // As build_id_in_notes.
  std::string build_id() const;
  // Sections that are loaded (SHF_ALLOC with an address), in file order.
  std::vector<ElfSection> sections() const;
  // Whether the file has bytes of a section with this name.
  bool has_section(std::string_view name) const;
  // The section's size in the file, 0 when there is none.
  uint64_t section_size(std::string_view name) const;
  // The bytes of the section with this name, decompressed, valid as long as this; empty when there is none.
  std::span<const char> section_bytes(std::string_view name) const;
  // Copies `size` bytes that are loaded at a link address; false when no section holds them all.
  bool read(uint64_t address, void *to, size_t size) const;

private:
  Elf_Scn *find_section(std::string_view name) const;
  static Result<std::unique_ptr<ElfFile>> open(const std::string &path, bool relocated);
  static Result<std::unique_ptr<ElfFile>> open_through_dwfl(const std::string &path, int fd);
  ElfFile(std::string path, int fd, Elf *elf) : path_(std::move(path)), fd_(fd), elf_(elf) {}
  std::string path_;
  std::string bytes_; // of a file in memory
  int fd_;            // -1: it is in memory
  Elf *elf_;
  Dwfl *dwfl_ = nullptr; // owns elf_ and dwarf_
  Dwfl_Module *module_ = nullptr;
  Dwarf *dwarf_ = nullptr;
  Dwarf_CFI *eh_frames_ = nullptr;
};

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// ELF relocatable objects for x86-64, read and written. Reading trusts nothing: an offset outside of the file is an
// error.
#pragma once

#include "frontend/base/result.h"

#include <cstdint>
#include <elf.h>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::codegen::elf {

struct Section {
  std::string_view name;
  Elf64_Shdr header;
  std::string_view data;               // empty for SHT_NOBITS
  std::vector<Elf64_Rela> relocations; // that apply to this section
};

struct Symbol {
  std::string_view name;
  Elf64_Sym entry;
  unsigned char type() const { return ELF64_ST_TYPE(entry.st_info); }
  unsigned char bind() const { return ELF64_ST_BIND(entry.st_info); }
  bool undefined() const { return entry.st_shndx == SHN_UNDEF; }
};

// Views into the bytes given to read_object.
struct Object {
  std::vector<Section> sections; // index = section header index
  std::vector<Symbol> symbols;   // index = symbol table index
};

// `name` is for messages.
Result<Object> read_object(const std::string &name, std::string_view bytes);

struct NewSection {
  std::string name;
  uint32_t type = SHT_PROGBITS;
  uint64_t flags = 0;
  uint64_t alignment = 1;
  std::string data;
  uint64_t size = 0;                   // of a SHT_NOBITS section; otherwise data.size() counts
  std::vector<Elf64_Rela> relocations; // symbol numbers as in NewObject::symbols
};

struct NewSymbol {
  std::string name;
  Elf64_Sym
      entry; // st_name is set on writing; st_shndx is an index into NewObject::sections plus 1, or SHN_UNDEF, SHN_ABS
};

// Section and symbol 0 (the null ones) are added on writing, so symbol i here is number i + 1 there. Local symbols come
// first.
struct NewObject {
  std::vector<NewSection> sections;
  std::vector<NewSymbol> symbols;
};

std::string write_object(const NewObject &object);

} // namespace tapjit::codegen::elf

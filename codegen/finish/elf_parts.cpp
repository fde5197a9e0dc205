// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/finish/elf_parts.h"

#include <cstring>

namespace tapjit::codegen::elf {
namespace {

template <typename T> bool read_at(std::string_view bytes, uint64_t offset, T &value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
    return false;
  memcpy(&value, bytes.data() + offset, sizeof(T));
  return true;
}

bool slice(std::string_view bytes, uint64_t offset, uint64_t size, std::string_view &out) {
  if (offset > bytes.size() || bytes.size() - offset < size)
    return false;
  out = bytes.substr(offset, size);
  return true;
}

bool text_at(std::string_view table, uint64_t offset, std::string_view &out) {
  if (offset >= table.size())
    return false;
  size_t end = table.find('\0', offset);
  if (end == std::string_view::npos)
    return false;
  out = table.substr(offset, end - offset);
  return true;
}

// Beyond these a header is damaged: alignment is at most a large page's, and zeroed data of a module comes out of 1 GB
// of address space.
bool plausible(const Elf64_Shdr &header) {
  uint64_t alignment = header.sh_addralign;
  return (alignment & (alignment - 1)) == 0 && alignment <= (1u << 21) && header.sh_size <= (1u << 26);
}

bool read_sections(std::string_view bytes, const Elf64_Ehdr &header, Object &object) {
  for (unsigned i = 0; i < header.e_shnum; i++) {
    Section section{};
    if (!read_at(bytes, header.e_shoff + uint64_t{i} * sizeof(Elf64_Shdr), section.header) ||
        !plausible(section.header))
      return false;
    if (section.header.sh_type != SHT_NOBITS && section.header.sh_type != SHT_NULL &&
        !slice(bytes, section.header.sh_offset, section.header.sh_size, section.data))
      return false;
    object.sections.push_back(std::move(section));
  }
  if (header.e_shstrndx >= object.sections.size())
    return false;
  for (Section &section : object.sections)
    if (!text_at(object.sections[header.e_shstrndx].data, section.header.sh_name, section.name))
      return false;
  return true;
}

bool read_symbols(Object &object) {
  for (const Section &section : object.sections) {
    if (section.header.sh_type != SHT_SYMTAB)
      continue;
    if (section.header.sh_link >= object.sections.size())
      return false;
    std::string_view names = object.sections[section.header.sh_link].data;
    for (uint64_t at = 0; at + sizeof(Elf64_Sym) <= section.data.size(); at += sizeof(Elf64_Sym)) {
      Symbol symbol{};
      if (!read_at(section.data, at, symbol.entry) || !text_at(names, symbol.entry.st_name, symbol.name))
        return false;
      if (symbol.entry.st_shndx < SHN_LORESERVE && symbol.entry.st_shndx >= object.sections.size())
        return false;
      object.symbols.push_back(symbol);
    }
    return true;
  }
  return true;
}

bool read_relocations(Object &object) {
  for (const Section &section : object.sections) {
    if (section.header.sh_type == SHT_REL)
      return false; // x86-64 uses RELA only
    if (section.header.sh_type != SHT_RELA)
      continue;
    if (section.header.sh_info >= object.sections.size())
      return false;
    Section &target = object.sections[section.header.sh_info];
    for (uint64_t at = 0; at + sizeof(Elf64_Rela) <= section.data.size(); at += sizeof(Elf64_Rela)) {
      Elf64_Rela relocation;
      if (!read_at(section.data, at, relocation) || ELF64_R_SYM(relocation.r_info) >= object.symbols.size() ||
          relocation.r_offset >= target.header.sh_size)
        return false;
      target.relocations.push_back(relocation);
    }
  }
  return true;
}

void align(std::string &bytes, uint64_t alignment) {
  if (alignment > 1)
    bytes.append((alignment - bytes.size() % alignment) % alignment, '\0');
}

uint32_t add_text(std::string &table, const std::string &text) {
  if (text.empty())
    return 0;
  auto offset = static_cast<uint32_t>(table.size());
  table.append(text).push_back('\0');
  return offset;
}

// Builds the file front to back: content of each section as it is added, the section header table last.
class Writer {
public:
  Writer() : bytes_(sizeof(Elf64_Ehdr), '\0'), names_(1, '\0'), headers_(1) {}

  void add(const std::string &name, Elf64_Shdr header, std::string_view data, uint64_t alignment) {
    header.sh_name = add_text(names_, name);
    header.sh_addralign = alignment;
    if (header.sh_type != SHT_NOBITS) {
      align(bytes_, alignment);
      header.sh_size = data.size();
    }
    header.sh_offset = bytes_.size();
    bytes_.append(data);
    headers_.push_back(header);
  }

  std::string finish() {
    Elf64_Shdr strings{};
    strings.sh_type = SHT_STRTAB;
    // Its own name must be in it before its size is known.
    strings.sh_name = add_text(names_, ".shstrtab");
    strings.sh_size = names_.size();
    strings.sh_offset = bytes_.size();
    strings.sh_addralign = 1;
    bytes_.append(names_);
    headers_.push_back(strings);
    align(bytes_, 8);
    Elf64_Ehdr header{};
    memcpy(header.e_ident, ELFMAG, SELFMAG);
    header.e_ident[EI_CLASS] = ELFCLASS64;
    header.e_ident[EI_DATA] = ELFDATA2LSB;
    header.e_ident[EI_VERSION] = EV_CURRENT;
    header.e_type = ET_REL;
    header.e_machine = EM_X86_64;
    header.e_version = EV_CURRENT;
    header.e_shoff = bytes_.size();
    header.e_ehsize = sizeof(Elf64_Ehdr);
    header.e_shentsize = sizeof(Elf64_Shdr);
    header.e_shnum = static_cast<uint16_t>(headers_.size());
    header.e_shstrndx = static_cast<uint16_t>(headers_.size() - 1);
    bytes_.append(reinterpret_cast<const char *>(headers_.data()), headers_.size() * sizeof(Elf64_Shdr));
    memcpy(bytes_.data(), &header, sizeof(header));
    return std::move(bytes_);
  }

private:
  std::string bytes_;
  std::string names_;
  std::vector<Elf64_Shdr> headers_;
};

} // namespace

Result<Object> read_object(const std::string &name, std::string_view bytes) {
  Elf64_Ehdr header;
  Error bad{"`" + name + "` is not an ELF object for x86-64, or is damaged", {}};
  if (!read_at(bytes, 0, header) || memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
      header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_type != ET_REL || header.e_machine != EM_X86_64 ||
      header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shnum == 0)
    return bad;
  Object object;
  if (!read_sections(bytes, header, object) || !read_symbols(object) || !read_relocations(object))
    return bad;
  return object;
}

std::string write_object(const NewObject &object) {
  Writer writer;
  uint32_t relocation_sections = 0;
  for (const NewSection &section : object.sections) {
    Elf64_Shdr header{};
    header.sh_type = section.type;
    header.sh_flags = section.flags;
    header.sh_size = section.size;
    writer.add(section.name, header, section.data, section.alignment);
    relocation_sections += !section.relocations.empty();
  }
  auto count = static_cast<uint32_t>(object.sections.size());
  uint32_t symbol_table = 1 + count + relocation_sections;
  for (uint32_t i = 0; i < count; i++) {
    const NewSection &section = object.sections[i];
    if (section.relocations.empty())
      continue;
    std::vector<Elf64_Rela> relocations = section.relocations;
    for (Elf64_Rela &relocation : relocations) // past the null symbol
      relocation.r_info = ELF64_R_INFO(ELF64_R_SYM(relocation.r_info) + 1, ELF64_R_TYPE(relocation.r_info));
    Elf64_Shdr header{};
    header.sh_type = SHT_RELA;
    header.sh_flags = SHF_INFO_LINK;
    header.sh_link = symbol_table;
    header.sh_info = i + 1;
    header.sh_entsize = sizeof(Elf64_Rela);
    writer.add(".rela" + section.name, header,
               {reinterpret_cast<const char *>(relocations.data()), relocations.size() * sizeof(Elf64_Rela)}, 8);
  }
  std::string names(1, '\0');
  std::vector<Elf64_Sym> symbols(1);
  uint32_t locals = 1;
  for (const NewSymbol &symbol : object.symbols) {
    symbols.push_back(symbol.entry);
    symbols.back().st_name = add_text(names, symbol.name);
    locals += ELF64_ST_BIND(symbol.entry.st_info) == STB_LOCAL;
  }
  Elf64_Shdr table{};
  table.sh_type = SHT_SYMTAB;
  table.sh_link = symbol_table + 1;
  table.sh_info = locals;
  table.sh_entsize = sizeof(Elf64_Sym);
  writer.add(".symtab", table, {reinterpret_cast<const char *>(symbols.data()), symbols.size() * sizeof(Elf64_Sym)}, 8);
  Elf64_Shdr strings{};
  strings.sh_type = SHT_STRTAB;
  writer.add(".strtab", strings, names, 1);
  return writer.finish();
}

} // namespace tapjit::codegen::elf

// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/finish/elf_parts.h"
#include "codegen/finish/module.h"

#include <map>
#include <set>

namespace tapjit::codegen {
namespace {

constexpr std::string_view endbr64 = "\xf3\x0f\x1e\xfa";

// Tables of the kernel whose entries point at instructions to patch or resume, not at functions to call.
bool points_at_instructions(std::string_view section) {
  for (std::string_view name : {"__jump_table", "__ex_table", ".altinstructions", "__bug_table", ".return_sites",
                                ".retpoline_sites", ".call_sites", ".static_call_sites", "__mcount_loc", ".orc_unwind",
                                ".smp_locks", ".parainstructions", ".debug", ".discard", "__patchable"})
    if (section.starts_with(name))
      return true;
  return false;
}

// call rel32, jmp rel32, jcc rel32: the target's address is not taken.
bool is_direct_branch(std::string_view code, uint64_t offset) {
  auto byte = [&](uint64_t back) { return static_cast<unsigned char>(code[offset - back]); };
  if (offset < 1)
    return false;
  return byte(1) == 0xe8 || byte(1) == 0xe9 || (offset >= 2 && byte(2) == 0x0f && (byte(1) & 0xf0) == 0x80);
}

bool is_pc_relative(uint32_t type) { return type == R_X86_64_PC32 || type == R_X86_64_PLT32; }

} // namespace

Result<std::vector<std::string>> functions_without_endbr(std::string_view bytes) {
  auto read = elf::read_object("module", bytes);
  if (!read)
    return read.error();
  const elf::Object &object = *read;
  std::map<std::pair<uint32_t, uint64_t>, std::string_view> functions; // (section, offset) -> name
  for (const elf::Symbol &symbol : object.symbols)
    if (symbol.type() == STT_FUNC && symbol.entry.st_shndx != SHN_UNDEF && symbol.entry.st_shndx < SHN_LORESERVE)
      functions.try_emplace({symbol.entry.st_shndx, symbol.entry.st_value}, symbol.name);
  std::set<std::string> offenders;
  for (const elf::Section &section : object.sections) {
    if (points_at_instructions(section.name))
      continue;
    bool is_code = section.header.sh_flags & SHF_EXECINSTR;
    for (const Elf64_Rela &relocation : section.relocations) {
      const elf::Symbol &symbol = object.symbols[ELF64_R_SYM(relocation.r_info)];
      if (symbol.undefined() || symbol.entry.st_shndx >= SHN_LORESERVE)
        continue;
      auto target = static_cast<int64_t>(symbol.entry.st_value) + relocation.r_addend;
      bool relative = is_pc_relative(ELF64_R_TYPE(relocation.r_info));
      if (is_code && relative) {
        if (is_direct_branch(section.data, relocation.r_offset))
          continue;
        target += 4; // relative to the next instruction
      }
      auto function = functions.find({symbol.entry.st_shndx, static_cast<uint64_t>(target)});
      if (function == functions.end())
        continue;
      std::string_view code = object.sections[symbol.entry.st_shndx].data;
      if (code.substr(std::min<uint64_t>(static_cast<uint64_t>(target), code.size()), 4) != endbr64)
        offenders.emplace(function->second);
    }
  }
  return std::vector<std::string>(offenders.begin(), offenders.end());
}

} // namespace tapjit::codegen

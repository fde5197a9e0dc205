// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/finish/link.h"

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

namespace tapjit::codegen {
namespace {

constexpr uint32_t none = UINT32_MAX;

struct Input {
  const LinkInput *source;
  elf::Object object;
  bool taken = false;
  std::vector<uint32_t> section_of; // input section -> output section, or none
  std::vector<uint64_t> base_of;    // where the input section starts in it
  std::vector<uint32_t> symbol_of;  // input symbol -> output symbol, or none
};

// `.text.foo` of -ffunction-sections belongs to `.text`; `.data..percpu` (two dots) is a section of its own.
std::string output_name(std::string_view name) {
  for (std::string_view stem : {".text", ".rodata", ".data", ".bss"})
    if (name.size() > stem.size() + 1 && name.starts_with(stem) && name[stem.size()] == '.' &&
        name[stem.size() + 1] != '.')
      return std::string(stem);
  return std::string(name);
}

bool wanted(const elf::Section &section, bool keep_debug_info) {
  switch (section.header.sh_type) {
  case SHT_PROGBITS:
  case SHT_NOBITS:
  case SHT_NOTE:
  case SHT_INIT_ARRAY:
  case SHT_FINI_ARRAY:
    break;
  default:
    return false;
  }
  // .smp_locks: the LOCK prefixes that the kernel may take away while it has one CPU; they stay.
  for (std::string_view prefix : {".discard", ".smp_locks", ".comment", ".note.GNU-stack", ".note.gnu.property",
                                  ".eh_frame", ".export_symbol", ".llvm", ".deplibs"})
    if (section.name.starts_with(prefix))
      return false;
  if (section.name.starts_with(".debug"))
    return keep_debug_info;
  return section.header.sh_size > 0 || section.header.sh_flags & SHF_ALLOC;
}

class Linker {
public:
  Linker(std::vector<Input> inputs, const std::vector<std::string_view> &wanted, bool keep_debug_info)
      : inputs_(std::move(inputs)), wanted_(wanted), keep_debug_info_(keep_debug_info) {}

  Result<LinkedObject> run() {
    if (auto done = choose(); !done)
      return done.error();
    for (Input &input : inputs_)
      if (input.taken)
        place_sections(input);
    drop_empty_sections();
    add_section_symbols();
    for (Input &input : inputs_)
      if (input.taken)
        add_local_symbols(input);
    add_global_symbols();
    for (Input &input : inputs_)
      if (input.taken)
        if (auto done = copy_relocations(input); !done)
          return done.error();
    return std::move(out_);
  }

private:
  struct Definition {
    Input *input;
    uint32_t symbol;
  };

  // Takes inputs until nothing that is missing can be found in one that is left.
  Result<void> choose() {
    std::unordered_map<std::string_view, Input *> offers;
    for (Input &input : inputs_)
      if (!input.source->always)
        for (const elf::Symbol &symbol : input.object.symbols)
          if (symbol.bind() != STB_LOCAL && !symbol.undefined())
            offers.try_emplace(symbol.name, &input);
    std::vector<std::string_view> missing = wanted_;
    for (Input &input : inputs_)
      if (input.source->always)
        if (auto done = take(input, missing); !done)
          return done;
    while (!missing.empty()) {
      std::string_view name = missing.back();
      missing.pop_back();
      auto offer = offers.find(name);
      if (definitions_.contains(name) || offer == offers.end() || offer->second->taken)
        continue;
      if (auto done = take(*offer->second, missing); !done)
        return done;
    }
    return {};
  }

  Result<void> take(Input &input, std::vector<std::string_view> &missing) {
    input.taken = true;
    out_.linked.push_back(input.source->name);
    for (uint32_t i = 0; i < input.object.symbols.size(); i++) {
      const elf::Symbol &symbol = input.object.symbols[i];
      if (symbol.bind() == STB_LOCAL)
        continue;
      if (symbol.undefined()) {
        // In order of name: the output must not depend on anything else.
        bool &strong = references_[symbol.name];
        strong |= symbol.bind() != STB_WEAK;
        missing.push_back(symbol.name);
        continue;
      }
      if (symbol.entry.st_shndx == SHN_COMMON)
        return Error{"`" + input.source->name + "`: `" + std::string(symbol.name) + "` is a common symbol",
                     "compile with -fno-common"};
      auto [at, added] = definitions_.try_emplace(symbol.name, Definition{&input, i});
      if (added)
        continue;
      const elf::Symbol &other = at->second.input->object.symbols[at->second.symbol];
      if (other.bind() == STB_WEAK)
        at->second = {&input, i};
      else if (symbol.bind() != STB_WEAK)
        return Error{"`" + std::string(symbol.name) + "` is defined twice: in `" + at->second.input->source->name +
                         "` and in `" + input.source->name + "`",
                     {}};
    }
    return {};
  }

  void place_sections(Input &input) {
    input.section_of.assign(input.object.sections.size(), none);
    input.base_of.assign(input.object.sections.size(), 0);
    for (uint32_t i = 0; i < input.object.sections.size(); i++) {
      const elf::Section &section = input.object.sections[i];
      if (!wanted(section, keep_debug_info_))
        continue;
      std::string name = output_name(section.name);
      auto [at, added] = section_by_name_.try_emplace(name, static_cast<uint32_t>(out_.object.sections.size()));
      if (added) {
        elf::NewSection fresh;
        fresh.name = name;
        fresh.type = section.header.sh_type;
        out_.object.sections.push_back(std::move(fresh));
      }
      elf::NewSection &joined = out_.object.sections[at->second];
      uint64_t alignment = std::max<uint64_t>(section.header.sh_addralign, 1);
      joined.alignment = std::max(joined.alignment, alignment);
      // What the merge and group flags promise no longer holds for the joined section.
      joined.flags |= section.header.sh_flags & (SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR);
      uint64_t start = (joined.size + alignment - 1) / alignment * alignment;
      joined.size = start + section.header.sh_size;
      if (section.header.sh_type != SHT_NOBITS && joined.type == SHT_NOBITS)
        joined.type = section.header.sh_type;
      if (section.header.sh_type != SHT_NOBITS) {
        joined.data.resize(start, '\0');
        joined.data.append(section.data);
      }
      input.section_of[i] = at->second;
      input.base_of[i] = start;
    }
    for (elf::NewSection &section : out_.object.sections)
      if (section.type != SHT_NOBITS)
        section.data.resize(section.size, '\0');
  }

  // An empty .text of a unit that has none would only cost headers.
  void drop_empty_sections() {
    std::vector<uint32_t> renumbered(out_.object.sections.size(), none);
    std::vector<elf::NewSection> kept;
    for (uint32_t i = 0; i < out_.object.sections.size(); i++) {
      if (out_.object.sections[i].size == 0)
        continue;
      renumbered[i] = static_cast<uint32_t>(kept.size());
      kept.push_back(std::move(out_.object.sections[i]));
    }
    out_.object.sections = std::move(kept);
    for (Input &input : inputs_)
      for (uint32_t &section : input.section_of)
        if (section != none)
          section = renumbered[section];
  }

  void add_section_symbols() {
    for (uint32_t i = 0; i < out_.object.sections.size(); i++) {
      elf::NewSymbol symbol{};
      symbol.entry.st_info = ELF64_ST_INFO(STB_LOCAL, STT_SECTION);
      symbol.entry.st_shndx = static_cast<uint16_t>(i + 1);
      out_.object.symbols.push_back(symbol);
    }
  }

  elf::NewSymbol moved(const Input &input, const elf::Symbol &symbol) const {
    elf::NewSymbol result{std::string(symbol.name), symbol.entry};
    if (symbol.entry.st_shndx < SHN_LORESERVE) {
      result.entry.st_shndx = static_cast<uint16_t>(input.section_of[symbol.entry.st_shndx] + 1);
      result.entry.st_value += input.base_of[symbol.entry.st_shndx];
    }
    return result;
  }

  bool placed(const Input &input, const elf::Symbol &symbol) const {
    return symbol.entry.st_shndx >= SHN_LORESERVE || input.section_of[symbol.entry.st_shndx] != none;
  }

  void add_local_symbols(Input &input) {
    input.symbol_of.assign(input.object.symbols.size(), none);
    std::vector<bool> used(input.object.symbols.size());
    for (uint32_t i = 0; i < input.object.sections.size(); i++)
      if (input.section_of[i] != none)
        for (const Elf64_Rela &relocation : input.object.sections[i].relocations)
          used[ELF64_R_SYM(relocation.r_info)] = true;
    for (uint32_t i = 1; i < input.object.symbols.size(); i++) {
      const elf::Symbol &symbol = input.object.symbols[i];
      if (symbol.bind() != STB_LOCAL || symbol.undefined() || !placed(input, symbol))
        continue;
      if (symbol.type() == STT_SECTION) {
        input.symbol_of[i] = input.section_of[symbol.entry.st_shndx];
        continue;
      }
      // Functions stay by name: for backtraces and perf.
      if (symbol.type() == STT_FILE || (!used[i] && symbol.type() != STT_FUNC))
        continue;
      input.symbol_of[i] = static_cast<uint32_t>(out_.object.symbols.size());
      out_.object.symbols.push_back(moved(input, symbol));
    }
  }

  void add_global_symbols() {
    for (const auto &[name, definition] : definitions_) {
      const elf::Symbol &symbol = definition.input->object.symbols[definition.symbol];
      if (!placed(*definition.input, symbol))
        continue;
      global_by_name_[name] = static_cast<uint32_t>(out_.object.symbols.size());
      out_.object.symbols.push_back(moved(*definition.input, symbol));
    }
    for (const auto &[name, strong] : references_) {
      if (definitions_.contains(name))
        continue;
      (strong ? out_.undefined : out_.weak).emplace_back(name);
      elf::NewSymbol symbol{std::string(name), {}};
      symbol.entry.st_info = ELF64_ST_INFO(strong ? STB_GLOBAL : STB_WEAK, STT_NOTYPE);
      global_by_name_[name] = static_cast<uint32_t>(out_.object.symbols.size());
      out_.object.symbols.push_back(symbol);
    }
  }

  Result<void> copy_relocations(Input &input) {
    for (uint32_t i = 0; i < input.object.sections.size(); i++) {
      if (input.section_of[i] == none)
        continue;
      elf::NewSection &target = out_.object.sections[input.section_of[i]];
      for (Elf64_Rela relocation : input.object.sections[i].relocations) {
        uint32_t number = ELF64_R_SYM(relocation.r_info);
        const elf::Symbol &symbol = input.object.symbols[number];
        uint32_t output = none;
        if (symbol.bind() == STB_LOCAL) {
          output = input.symbol_of[number];
          if (symbol.type() == STT_SECTION && output != none)
            relocation.r_addend += static_cast<int64_t>(input.base_of[symbol.entry.st_shndx]);
        } else if (auto found = global_by_name_.find(symbol.name); found != global_by_name_.end()) {
          output = found->second;
        }
        if (output == none)
          return Error{"`" + input.source->name + "`: `" + target.name + "` refers to `" + std::string(symbol.name) +
                           "` in a section that is left out",
                       {}};
        relocation.r_offset += input.base_of[i];
        relocation.r_info = ELF64_R_INFO(uint64_t{output}, ELF64_R_TYPE(relocation.r_info));
        target.relocations.push_back(relocation);
      }
    }
    return {};
  }

  std::vector<Input> inputs_;
  const std::vector<std::string_view> &wanted_;
  bool keep_debug_info_;
  std::map<std::string_view, Definition> definitions_;
  std::map<std::string_view, bool> references_; // name -> is there a strong one
  std::unordered_map<std::string, uint32_t> section_by_name_;
  std::unordered_map<std::string_view, uint32_t> global_by_name_;
  LinkedObject out_;
};

} // namespace

Result<LinkedObject> link_relocatable(const std::vector<LinkInput> &sources,
                                      const std::vector<std::string_view> &wanted, bool keep_debug_info) {
  std::vector<Input> inputs;
  for (const LinkInput &source : sources) {
    auto object = elf::read_object(source.name, source.object);
    if (!object)
      return object.error();
    Input input{};
    input.source = &source;
    input.object = std::move(*object);
    inputs.push_back(std::move(input));
  }
  return Linker(std::move(inputs), wanted, keep_debug_info).run();
}

} // namespace tapjit::codegen

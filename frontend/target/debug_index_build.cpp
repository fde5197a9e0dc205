// SPDX-License-Identifier: GPL-2.0-or-later
// libdw visits the top-level DIEs of each compilation unit: it skips from sibling to sibling, so the 160 MB of a
// kernel's .debug_info take about a quarter of a second on one core. Inlined copies stand deep within functions;
// inlined_scan.h finds them. libdw handles are not safe to share between
// threads; each thread opens its own.
#include "frontend/target/debug_index_build.h"

#include "frontend/target/debug_index_writer.h"
#include "frontend/target/dwarf_types.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/inlined_scan.h"
#include "frontend/target/kallsyms.h"
#include "frontend/target/kernel_files.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <gelf.h>
#include <thread>
#include <unordered_set>

namespace tapjit::target {

namespace {

// A row before its strings are interned; the texts live in the mapped file as long as the scanner's handle does.
struct ScannedRow {
  RowKind kind;
  const char *name;
  const char *file;
  uint64_t die, address;
  uint32_t line;
};

struct Scanner {
  std::unique_ptr<ElfFile> file;
  Dwarf *dwarf = nullptr;
  std::vector<ScannedRow> rows;
  DebugSections sections;
  std::vector<InlinedCopy> copies;
  // Each unit that includes a header repeats its types; the linker merges .debug_str, so equal names are equal pointers
  // and one row per name and kind and thread is enough.
  std::unordered_set<const void *> seen_types[static_cast<size_t>(RowKind::Variable)];
};

bool has_flag(Dwarf_Die *die, unsigned attribute) {
  Dwarf_Attribute found;
  bool value = false;
  return dwarf_attr(die, attribute, &found) && dwarf_formflag(&found, &value) == 0 && value;
}

void scan_function(Scanner &scanner, Dwarf_Die *die, const char *unit_name) {
  // Name, file and line may stand in the DIE that abstract_origin or specification names; whether there is code is a
  // matter of this DIE alone.
  bool has_code = dwarf_hasattr(die, DW_AT_low_pc) || dwarf_hasattr(die, DW_AT_ranges);
  auto entry = has_code ? entry_of(die) : std::nullopt;
  bool is_abstract = !has_code && dwarf_hasattr(die, DW_AT_inline);
  const char *name = dwarf_diename(die);
  if ((!entry && !is_abstract) || !name)
    return;
  const char *file = dwarf_decl_file(die);
  int line = 0;
  dwarf_decl_line(die, &line);
  scanner.rows.push_back({entry ? RowKind::Function : RowKind::Inlined, name, file ? file : unit_name,
                          dwarf_dieoffset(die), entry.value_or(0), static_cast<uint32_t>(line)});
}

void scan_type(Scanner &scanner, Dwarf_Die *die, RowKind kind, const char *unit_name) {
  const char *name = dwarf_diename(die);
  if (!name || !scanner.seen_types[static_cast<size_t>(kind)].insert(name).second)
    return;
  if (has_flag(die, DW_AT_declaration)) {
    scanner.seen_types[static_cast<size_t>(kind)].erase(name);
    return;
  }
  scanner.rows.push_back({kind, name, unit_name, dwarf_dieoffset(die), 0, 0});
}

void scan_variable(Scanner &scanner, Dwarf_Die *die, const char *unit_name) {
  Dwarf_Attribute location;
  Dwarf_Op *ops;
  size_t count;
  if (!dwarf_attr(die, DW_AT_location, &location) || dwarf_getlocation(&location, &ops, &count) != 0 || count != 1 ||
      ops[0].atom != DW_OP_addr)
    return;
  if (const char *name = dwarf_diename(die))
    scanner.rows.push_back({RowKind::Variable, name, unit_name, dwarf_dieoffset(die), ops[0].number, 0});
}

void scan_unit(Scanner &scanner, Dwarf_Off unit_die) {
  Dwarf_Die unit, die;
  if (!dwarf_offdie(scanner.dwarf, unit_die, &unit) || dwarf_tag(&unit) != DW_TAG_compile_unit ||
      dwarf_child(&unit, &die) != 0)
    return;
  const char *unit_name = dwarf_diename(&unit);
  do {
    switch (dwarf_tag(&die)) {
    case DW_TAG_subprogram:
      scan_function(scanner, &die, unit_name);
      break;
    case DW_TAG_structure_type:
      scan_type(scanner, &die, RowKind::Struct, unit_name);
      break;
    case DW_TAG_union_type:
      scan_type(scanner, &die, RowKind::Union, unit_name);
      break;
    case DW_TAG_enumeration_type:
      scan_type(scanner, &die, RowKind::Enum, unit_name);
      break;
    case DW_TAG_typedef:
      scan_type(scanner, &die, RowKind::Typedef, unit_name);
      break;
    case DW_TAG_variable:
      scan_variable(scanner, &die, unit_name);
      break;
    default:
      break;
    }
  } while (dwarf_siblingof(&die, &die) == 0);
}

// A copy in several ranges without an entry address: libdw reads the ranges.
void scan_copies(Scanner &scanner, uint64_t unit) {
  size_t first = scanner.copies.size(), kept = first;
  scan_inlined(scanner.sections, unit, scanner.copies);
  for (size_t i = first; i < scanner.copies.size(); ++i) {
    InlinedCopy copy = scanner.copies[i];
    Dwarf_Die die;
    if (!copy.address && dwarf_offdie(scanner.dwarf, copy.die, &die))
      copy.address = entry_of(&die).value_or(0);
    if (copy.address && copy.die <= UINT32_MAX)
      scanner.copies[kept++] = copy;
  }
  scanner.copies.resize(kept);
}

// A unit's header and its DIE.
using UnitOffsets = std::pair<Dwarf_Off, Dwarf_Off>;

std::vector<UnitOffsets> find_units(Dwarf *dwarf) {
  std::vector<UnitOffsets> offsets;
  Dwarf_Off offset = 0, next;
  size_t header_size;
  while (dwarf_nextcu(dwarf, offset, &next, &header_size, nullptr, nullptr, nullptr) == 0) {
    offsets.emplace_back(offset, offset + header_size);
    offset = next;
  }
  return offsets;
}

Result<std::unique_ptr<Scanner>> open_scanner(const std::string &path) {
  auto file = ElfFile::open(path);
  if (!file)
    return file.error();
  auto scanner = std::make_unique<Scanner>();
  scanner->file = std::move(*file);
  scanner->dwarf = scanner->file->dwarf();
  scanner->sections = {scanner->file->section_bytes(".debug_info"), scanner->file->section_bytes(".debug_abbrev")};
  return scanner;
}

Result<void> scan_dwarf(const std::string &path, unsigned threads, DebugIndexWriter &writer) {
  std::vector<std::unique_ptr<Scanner>> scanners;
  for (unsigned i = 0; i < threads; ++i) {
    auto scanner = open_scanner(path);
    if (!scanner)
      return scanner.error();
    if (!(*scanner)->dwarf)
      return {}; // symbols only
    scanners.push_back(std::move(*scanner));
  }
  const std::vector<UnitOffsets> units = find_units(scanners[0]->dwarf);
  // Large chunks: which thread sees a type's definition first must not change the index, and chunks keep the sorting
  // below cheap.
  std::atomic<size_t> next{0};
  auto work = [&](Scanner &scanner) {
    constexpr size_t chunk = 32;
    for (size_t first; (first = next.fetch_add(chunk)) < units.size();)
      for (size_t i = first; i < std::min(first + chunk, units.size()); ++i) {
        scan_unit(scanner, units[i].second);
        scan_copies(scanner, units[i].first);
      }
  };
  std::vector<std::thread> running;
  for (unsigned i = 1; i < threads; ++i)
    running.emplace_back(work, std::ref(*scanners[i]));
  work(*scanners[0]);
  for (std::thread &thread : running)
    thread.join();
  for (const auto &scanner : scanners)
    for (const InlinedCopy &copy : scanner->copies)
      writer.add(IndexCopy{static_cast<uint32_t>(copy.function), static_cast<uint32_t>(copy.die),
                           static_cast<uint32_t>(copy.outer), 0, copy.address});
  for (const auto &scanner : scanners)
    for (const ScannedRow &row : scanner->rows)
      writer.add(IndexRow{static_cast<uint32_t>(row.kind), writer.intern(row.name),
                          writer.intern(row.file ? row.file : ""), row.line, row.die, row.address});
  return {};
}

void add_symbols(const ElfFile &file, DebugIndexWriter &writer) {
  struct Section {
    bool is_loaded = false, is_code = false;
    uint64_t base = 0; // of its symbols' values
  };
  std::vector<Section> sections; // by number
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(file.elf(), section));) {
    GElf_Shdr header;
    sections.resize(elf_ndxscn(section) + 1);
    if (gelf_getshdr(section, &header))
      sections.back() = {(header.sh_flags & SHF_ALLOC) != 0, (header.sh_flags & SHF_EXECINSTR) != 0,
                         file.is_relocatable() ? header.sh_addr : 0};
  }
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(file.elf(), section));) {
    GElf_Shdr header;
    Elf_Data *data;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_SYMTAB || !(data = elf_getdata(section, nullptr)))
      continue;
    for (size_t i = 1; i < header.sh_size / header.sh_entsize; ++i) {
      GElf_Sym symbol;
      if (!gelf_getsym(data, static_cast<int>(i), &symbol) || symbol.st_shndx >= sections.size() ||
          !sections[symbol.st_shndx].is_loaded)
        continue;
      unsigned type = GELF_ST_TYPE(symbol.st_info);
      const char *name = elf_strptr(file.elf(), header.sh_link, symbol.st_name);
      if (!name || !*name || type == STT_SECTION || type == STT_FILE)
        continue;
      const Section &section = sections[symbol.st_shndx];
      writer.add(IndexSymbol{writer.intern(name), section.is_code, section.base + symbol.st_value, symbol.st_size});
    }
  }
}

// The kernel refuses kprobes in .kprobes.text, .noinstr.text and .entry.text (merged into .text between pairs of
// symbols) and in functions listed in _kprobe_blacklist, an array of addresses (kernel/kprobes.c
// populate_kprobe_blacklist, arch/x86/kernel/kprobes/core.c arch_populate_kprobe_blacklist). .init.text is freed after
// boot.
class RefusalCollector {
public:
  RefusalCollector(const ElfFile &file, DebugIndexWriter &writer) : file_(file), writer_(writer) {
    for (const IndexSymbol &symbol : writer.symbols())
      if (symbol.is_code)
        size_at_[symbol.address] = std::max(size_at_[symbol.address], symbol.size);
  }

  void add_between(const char *begin, const char *end, const char *reason) {
    uint64_t from = address_of(begin), to = address_of(end);
    if (from < to)
      writer_.add(IndexRefusal{from, to, writer_.intern(reason), 0});
  }

  void add_blacklist() {
    uint64_t end = address_of("__stop_kprobe_blacklist"), function;
    uint32_t reason = writer_.intern("it is on the kernel's kprobe blacklist (NOKPROBE_SYMBOL)");
    for (uint64_t at = address_of("__start_kprobe_blacklist"); at && at < end; at += sizeof function)
      if (file_.read(at, &function, sizeof function))
        writer_.add(IndexRefusal{function, function + std::max<uint64_t>(1, size_at_[function]), reason, 0});
  }

private:
  uint64_t address_of(std::string_view name) {
    uint32_t id = writer_.intern(name);
    for (const IndexSymbol &symbol : writer_.symbols())
      if (symbol.name == id)
        return symbol.address;
    return 0;
  }
  const ElfFile &file_;
  DebugIndexWriter &writer_;
  std::unordered_map<uint64_t, uint64_t> size_at_;
};

// A module's sections are not merged. Its init code can be probed before it runs.
void add_module_refusals(const ElfFile &file, DebugIndexWriter &writer) {
  for (const ElfSection &section : file.sections())
    if (section.name == ".noinstr.text" || section.name == ".kprobes.text" || section.name == ".entry.text")
      writer.add(IndexRefusal{section.address, section.address + section.size,
                              writer.intern("it is in the module's " + section.name), 0});
}

void add_refusals(const ElfFile &file, DebugIndexWriter &writer) {
  if (file.is_relocatable())
    return add_module_refusals(file, writer);
  RefusalCollector collector(file, writer);
  collector.add_between("__noinstr_text_start", "__noinstr_text_end", "it is in the kernel's .noinstr.text");
  collector.add_between("__kprobes_text_start", "__kprobes_text_end", "it is in the kernel's .kprobes.text");
  collector.add_between("__entry_text_start", "__entry_text_end", "it is in the kernel's .entry.text");
  collector.add_blacklist();
  for (const ElfSection &section : file.sections())
    if (section.name == ".init.text" || section.name == ".exit.text")
      writer.add(
          IndexRefusal{section.address, section.address + section.size,
                       writer.intern("it is in " + section.name + ", which the kernel frees after it has booted"), 0});
}

} // namespace

Result<std::string> build_debug_index(const std::string &vmlinux, unsigned threads) {
  auto file = ElfFile::open(vmlinux);
  if (!file)
    return file.error();
  DebugIndexWriter writer;
  add_symbols(**file, writer);
  if (auto scanned = scan_dwarf(vmlinux, std::max(1u, threads), writer); !scanned)
    return scanned.error();
  if (writer.symbols().empty() && writer.row_count() == 0)
    return Error{"`" + vmlinux + "` has neither symbols nor debuginfo",
                 "install the file with debuginfo of this kernel"};
  for (const ElfSection &section : (*file)->sections())
    writer.add(IndexSection{section.address, section.size, writer.intern(section.name), section.is_code});
  add_refusals(**file, writer);
  return writer.finish();
}

// Symbols that modules may use are records of three words: offsets of the value, the name and the namespace from where
// they stand (struct kernel_symbol with CONFIG_HAVE_ARCH_PREL32_RELOCATIONS). They get the symbols that vmlinux has for
// the records, for kallsyms leaves those out.
static void add_exports(const ElfFile &image, DebugIndexWriter &writer) {
  constexpr uint64_t record_size = 12, longest_name = 512;
  std::span<const char> names = image.section_bytes("__ksymtab_strings");
  uint64_t names_address = 0;
  for (const ElfSection &section : image.sections())
    if (section.name == "__ksymtab_strings")
      names_address = section.address;
  for (const ElfSection &section : image.sections()) {
    if (section.name != "__ksymtab" && section.name != "__ksymtab_gpl")
      continue;
    std::span<const char> records = image.section_bytes(section.name);
    for (uint64_t at = 0; at + record_size <= records.size(); at += record_size) {
      int32_t offset;
      memcpy(&offset, records.data() + at + sizeof offset, sizeof offset);
      uint64_t name = section.address + at + sizeof offset + static_cast<uint64_t>(static_cast<int64_t>(offset));
      if (name < names_address || name - names_address >= names.size())
        continue;
      std::string_view rest(names.data() + (name - names_address), names.size() - (name - names_address));
      std::string_view text = rest.substr(0, std::min<uint64_t>(rest.find('\0'), longest_name));
      writer.add(IndexSymbol{writer.intern("__ksymtab_" + std::string(text)), 0, section.address + at, record_size});
    }
  }
}

Result<std::string> build_image_index(const ElfFile &image) {
  const std::vector<ElfSection> sections = image.sections();
  auto section_of = [&](uint64_t address) {
    return std::find_if(sections.begin(), sections.end(), [&](const ElfSection &section) {
      return address >= section.address && address - section.address < section.size;
    });
  };
  auto text =
      std::find_if(sections.begin(), sections.end(), [](const ElfSection &section) { return section.name == ".text"; });
  auto symbols = read_kallsyms(image.section_bytes(".rodata"), text == sections.end() ? 0 : text->address);
  if (!symbols)
    return Error{"`" + image.path() + "` has no symbols that can be read", ""};
  DebugIndexWriter writer;
  // A symbol ends where the next begins, or with its section.
  uint64_t next = 0;
  for (size_t i = symbols->size(); i-- > 0;) {
    const KernelSymbol &symbol = (*symbols)[i];
    if (i + 1 < symbols->size() && (*symbols)[i + 1].address != symbol.address)
      next = (*symbols)[i + 1].address;
    auto section = section_of(symbol.address);
    if (section == sections.end())
      continue;
    uint64_t end = section->address + section->size;
    if (next > symbol.address)
      end = std::min(end, next);
    writer.add(IndexSymbol{writer.intern(symbol.name), section->is_code, symbol.address, end - symbol.address});
  }
  add_exports(image, writer);
  for (const ElfSection &section : sections)
    writer.add(IndexSection{section.address, section.size, writer.intern(section.name), section.is_code});
  add_refusals(image, writer);
  return writer.finish();
}

Result<std::string> build_symbol_index(const std::string &system_map) {
  auto text = read_text_file(system_map);
  if (!text)
    return Error{"cannot read `" + system_map + "`", ""};
  DebugIndexWriter writer;
  const char *at = text->c_str();
  while (*at) {
    // "ffffffff81000000 T _stext"
    char *after;
    uint64_t address = strtoull(at, &after, 16);
    const char *end = strchr(at, '\n');
    end = end ? end : at + strlen(at);
    if (end - after > 3 && after[0] == ' ' && after[2] == ' ' && address != 0)
      writer.add(IndexSymbol{writer.intern({after + 3, static_cast<size_t>(end - after - 3)}),
                             static_cast<uint32_t>(strchr("TtWw", after[1]) != nullptr), address, 0});
    at = *end ? end + 1 : end;
  }
  if (writer.symbols().empty())
    return Error{"`" + system_map + "` lists no symbols", ""};
  return writer.finish();
}

} // namespace tapjit::target

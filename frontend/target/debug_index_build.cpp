// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debug_index_build.h"

#include "frontend/target/debug_index_writer.h"
#include "frontend/target/elf_file.h"
#include "frontend/target/kallsyms.h"
#include "frontend/target/kernel_files.h"
#include "frontend/target/unit_scan.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <gelf.h>
#include <thread>
#include <unordered_map>

namespace tapjit::target {

namespace {

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
    const size_t one = gelf_fsize(file.elf(), ELF_T_SYM, 1, EV_CURRENT); // what the header says of it may be wrong
    for (size_t i = 1; i < data->d_size / one; ++i) {
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

// What one thread works with. libdw handles are not safe to share.
struct Worker {
  std::unique_ptr<ElfFile> file;
  std::unique_ptr<UnitScanner> scanner;
};

// Neighbours among the units, which one thread scans.
struct Chunk {
  static constexpr size_t units = 32;
  UnitFacts facts;
  size_t worker = 0;
};

// None when the file has no DWARF. `sections` are those of the first one's file.
Result<std::vector<Worker>> open_workers(const std::string &path, unsigned count, DebugSections &sections) {
  std::vector<Worker> workers;
  for (unsigned i = 0; i < count; ++i) {
    auto file = ElfFile::open(path);
    if (!file)
      return file.error();
    Dwarf *dwarf = (*file)->dwarf(); // which relocates a module's sections
    if (!dwarf)
      return std::vector<Worker>();
    if (workers.empty())
      sections = {(*file)->section_bytes(".debug_info"), (*file)->section_bytes(".debug_abbrev"),
                  (*file)->section_bytes(".debug_str"), (*file)->section_bytes(".debug_line"),
                  (*file)->section_bytes(".debug_line_str")};
    workers.push_back({std::move(*file), std::make_unique<UnitScanner>(sections, dwarf)});
  }
  return workers;
}

void add_facts(const std::vector<Worker> &workers, const std::vector<Chunk> &chunks, DebugIndexWriter &writer) {
  constexpr uint32_t unknown = UINT32_MAX;
  std::vector<std::vector<uint32_t>> texts; // the writer's numbers by the workers'
  for (const Worker &worker : workers)
    texts.emplace_back(worker.scanner->texts().size(), unknown);
  for (const Chunk &chunk : chunks) {
    const std::vector<std::string_view> &names = workers[chunk.worker].scanner->texts();
    auto number = [&](uint32_t text) {
      uint32_t &known = texts[chunk.worker][text];
      return known != unknown ? known : (known = writer.intern(names[text]));
    };
    for (const ScannedRow &row : chunk.facts.rows)
      writer.add(IndexRow{static_cast<uint32_t>(row.kind), number(row.name), number(row.file), row.line, row.die,
                          row.address});
    for (const IndexCopy &copy : chunk.facts.copies)
      writer.add(copy);
  }
}

// The DWARF of a file, on several threads, while this one reads the symbols.
Result<void> add_symbols_and_dwarf(const ElfFile &file, unsigned threads, DebugIndexWriter &writer) {
  DebugSections sections;
  auto opened = open_workers(file.path(), threads, sections);
  if (!opened)
    return opened.error();
  std::vector<Worker> &workers = *opened;
  if (workers.empty()) {
    add_symbols(file, writer);
    return {};
  }
  const std::vector<uint64_t> units = unit_offsets(sections.info);
  std::vector<Chunk> chunks((units.size() + Chunk::units - 1) / Chunk::units);
  std::atomic<size_t> next{0};
  auto work = [&](size_t worker) {
    for (size_t number; (number = next.fetch_add(1)) < chunks.size();) {
      chunks[number].worker = worker;
      size_t first = number * Chunk::units;
      for (size_t i = first; i < std::min(first + Chunk::units, units.size()); ++i)
        workers[worker].scanner->scan(units[i], chunks[number].facts);
    }
  };
  std::vector<std::thread> running;
  for (size_t i = 1; i < workers.size(); ++i)
    running.emplace_back(work, i);
  add_symbols(file, writer);
  work(0);
  for (std::thread &thread : running)
    thread.join();
  add_facts(workers, chunks, writer);
  return {};
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
    for (uint64_t at = address_of("__start_kprobe_blacklist"); at && at < end; at += sizeof function) {
      if (!file_.read(at, &function, sizeof function))
        break; // damaged: the end may be anywhere
      writer_.add(IndexRefusal{function, function + std::max<uint64_t>(1, size_at_[function]), reason, 0});
    }
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
  if (auto scanned = add_symbols_and_dwarf(**file, std::max(1u, threads), writer); !scanned)
    return scanned.error();
  if (writer.symbols().empty() && writer.row_count() == 0)
    return Error{"`" + vmlinux + "` has neither symbols nor debuginfo",
                 "install the file with debuginfo of this kernel"};
  for (const ElfSection &section : (*file)->sections())
    writer.add(IndexSection{section.address, section.size, writer.intern(section.name), section.is_code});
  add_refusals(**file, writer);
  return writer.finish(threads > 1);
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

// Calls `take` for each line "ffffffff81000000 T _stext" of a list of symbols.
static void each_symbol(const std::string &list,
                        const std::function<void(uint64_t address, char type, std::string_view name)> &take) {
  const char *at = list.c_str();
  while (*at) {
    char *after;
    uint64_t address = strtoull(at, &after, 16);
    const char *end = strchr(at, '\n');
    end = end ? end : at + strlen(at);
    if (end - after > 3 && after[0] == ' ' && after[2] == ' ')
      take(address, after[1], {after + 3, static_cast<size_t>(end - after - 3)});
    at = *end ? end + 1 : end;
  }
}

static void add_symbol(DebugIndexWriter &writer, uint64_t address, char type, std::string_view name) {
  writer.add(IndexSymbol{writer.intern(name), static_cast<uint32_t>(strchr("TtWw", type) != nullptr), address, 0});
}

Result<std::string> build_symbol_index(const std::string &system_map) {
  auto text = read_text_file(system_map);
  if (!text)
    return Error{"cannot read `" + system_map + "`", ""};
  DebugIndexWriter writer;
  each_symbol(*text, [&](uint64_t address, char type, std::string_view name) {
    if (address != 0)
      add_symbol(writer, address, type, name);
  });
  if (writer.symbols().empty())
    return Error{"`" + system_map + "` lists no symbols", ""};
  return writer.finish();
}

Result<std::string> build_running_index(const std::string &kallsyms) {
  auto text = read_text_file(kallsyms);
  if (!text)
    return Error{"cannot read `" + kallsyms + "`", ""};
  constexpr uint64_t usual_text = 0xffffffff81000000; // where the kernel is linked to begin
  uint64_t own_text = 0;
  bool lists_any = false;
  each_symbol(*text, [&](uint64_t address, char, std::string_view name) {
    lists_any = true;
    if (name == "_text" || (own_text == 0 && name == "_stext"))
      own_text = address;
  });
  if (own_text == 0 && lists_any)
    return Error{"`" + kallsyms + "` hides all addresses from this user (sysctl kernel.kptr_restrict)",
                 "run stap as root, or install the kernel's symbols"};
  DebugIndexWriter writer;
  each_symbol(*text, [&](uint64_t address, char type, std::string_view name) {
    // "name\t[module]" is none of the kernel; what is below is an offset in the per-CPU area.
    if (name.find('\t') == std::string_view::npos && address >= own_text)
      add_symbol(writer, address - own_text + usual_text, type, name);
  });
  if (writer.symbols().empty())
    return Error{"`" + kallsyms + "` lists no symbols", ""};
  return writer.finish();
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/finish/module.h"

#include "codegen/finish/link.h"

#include <algorithm>
#include <cstring>

namespace tapjit::codegen {
namespace {

// struct modversion_info: MODULE_NAME_LEN is 64 - sizeof(unsigned long).
struct VersionRow {
  uint64_t crc;
  char name[56];
};

// A section of plain bytes that the loader reads.
elf::NewSection data_section(const char *name, std::string data, uint64_t alignment, uint32_t type = SHT_PROGBITS) {
  elf::NewSection section;
  section.name = name;
  section.type = type;
  section.flags = SHF_ALLOC;
  section.alignment = alignment;
  section.size = data.size();
  section.data = std::move(data);
  return section;
}

// Adds a section, or appends to the one of that name. Symbols count sections from 1, so no number changes.
void add_section(elf::NewObject &object, elf::NewSection section) {
  for (elf::NewSection &each : object.sections)
    if (each.name == section.name) {
      each.data += section.data;
      each.size = each.data.size();
      return;
    }
  object.sections.push_back(std::move(section));
}

// The name by which `depends=` and lsmod know a module: drivers/foo/bar-baz -> bar_baz.
std::string module_base_name(std::string_view path) {
  std::string name(path.substr(path.rfind('/') + 1)); // npos + 1 == 0
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

struct Imports {
  std::string versions;             // content of __versions
  std::vector<std::string> depends; // modules, sorted
};

Result<Imports> look_up_imports(const KernelProfile &profile, const SymbolVersions &versions,
                                const std::vector<std::string> &undefined) {
  Imports imports;
  std::string missing;
  auto add_row = [&](const std::string &name, uint32_t crc) {
    VersionRow row{crc, {}};
    memcpy(row.name, name.c_str(), std::min(name.size(), sizeof(row.name) - 1));
    imports.versions.append(reinterpret_cast<const char *>(&row), sizeof(row));
  };
  // The loader compares this one first: the layout of struct module and its like.
  if (auto layout = versions.find("module_layout"))
    add_row("module_layout", layout->crc);
  for (const std::string &name : undefined) {
    auto symbol = versions.find(name);
    if (!symbol) {
      missing += (missing.empty() ? "`" : ", `") + name + "`";
      continue;
    }
    // Longer names cannot be checked: modpost leaves them out too.
    if (name.size() < sizeof(VersionRow::name))
      add_row(name, symbol->crc);
    if (symbol->module != "vmlinux")
      imports.depends.push_back(module_base_name(symbol->module));
  }
  if (!missing.empty())
    return Error{"kernel " + profile.release + " exports no " + missing,
                 "embedded C may only call what the kernel exports to modules"};
  std::sort(imports.depends.begin(), imports.depends.end());
  imports.depends.erase(std::unique(imports.depends.begin(), imports.depends.end()), imports.depends.end());
  return imports;
}

std::string module_information(const KernelProfile &profile, const ModuleRequest &request, const Imports &imports) {
  std::string text;
  auto add = [&text](std::string_view name, std::string_view value) {
    text.append(name).append("=").append(value).push_back('\0');
  };
  add("license", "GPL");
  for (const auto &[name, value] : request.information)
    add(name, value);
  std::string depends;
  for (const std::string &module : imports.depends)
    depends += (depends.empty() ? "" : ",") + module;
  add("depends", depends);
  if (profile.features.retpoline)
    add("retpoline", "Y");
  add("name", request.name);
  add("vermagic", profile.vermagic);
  return text;
}

// One s32 per return: the distance from the entry to the `jmp __x86_return_thunk`. objtool makes this on a kbuild; from
// it the kernel patches the returns at load. Since 6.10 (4461438a8405, "x86/retpoline: Ensure default return thunk
// isn't used at runtime") an unpatched one warns.
Result<void> add_return_sites(elf::NewObject &object) {
  constexpr unsigned char jmp_rel32 = 0xe9;
  elf::NewSection sites = data_section(".return_sites", {}, 4);
  for (uint32_t i = 0; i < object.sections.size(); i++) {
    const elf::NewSection &section = object.sections[i];
    if (!(section.flags & SHF_EXECINSTR))
      continue;
    for (const Elf64_Rela &relocation : section.relocations) {
      if (object.symbols[ELF64_R_SYM(relocation.r_info)].name != "__x86_return_thunk")
        continue;
      if (relocation.r_offset == 0 || static_cast<unsigned char>(section.data[relocation.r_offset - 1]) != jmp_rel32)
        return Error{"`" + section.name + "` has a return that is no plain jump to `__x86_return_thunk`", {}};
      // Symbol i is the one of section i.
      sites.relocations.push_back(
          {sites.data.size(), ELF64_R_INFO(uint64_t{i}, R_X86_64_PC32), static_cast<int64_t>(relocation.r_offset) - 1});
      sites.data.append(4, '\0');
    }
  }
  sites.size = sites.data.size();
  if (!sites.data.empty())
    object.sections.push_back(std::move(sites));
  return {};
}

// perf and crash tell modules apart by it; equal input gives an equal one.
void add_build_id(elf::NewObject &object) {
  KeyBuilder key;
  for (const elf::NewSection &section : object.sections)
    key.add(section.name).add(section.data).add(section.size);
  CacheKey id = key.finish();
  Elf64_Nhdr header{4, sizeof(id.high) + sizeof(id.low), NT_GNU_BUILD_ID};
  std::string note(reinterpret_cast<const char *>(&header), sizeof(header));
  note.append("GNU\0", 4);
  note.append(reinterpret_cast<const char *>(&id.high), sizeof(id.high));
  note.append(reinterpret_cast<const char *>(&id.low), sizeof(id.low));
  add_section(object, data_section(".note.gnu.build-id", note, 4, SHT_NOTE));
}

void put_name(elf::NewObject &object, const std::string &name) {
  for (elf::NewSection &section : object.sections) {
    size_t at =
        section.name == ".gnu.linkonce.this_module" ? section.data.find(module_name_placeholder) : std::string::npos;
    if (at == std::string::npos)
      continue;
    section.data.replace(at, module_name_placeholder.size(), module_name_placeholder.size(), '\0');
    section.data.replace(at, name.size(), name);
  }
}

bool defines(const elf::NewObject &object, std::string_view name) {
  return std::any_of(object.symbols.begin(), object.symbols.end(), [name](const elf::NewSymbol &symbol) {
    return symbol.name == name && symbol.entry.st_shndx != SHN_UNDEF;
  });
}

} // namespace

Result<FinishedModule> finish_module(const KernelProfile &profile, const SymbolVersions &versions,
                                     const ModuleRequest &request) {
  if (request.name.empty() || request.name.size() >= sizeof(VersionRow::name))
    return Error{"`" + request.name + "` cannot be a module's name: 1 to 55 letters", "-m NAME"};
  auto linked = link_relocatable(request.inputs, {"__this_module"}, request.keep_debug_info);
  if (!linked)
    return linked.error();
  if (!defines(linked->object, "__this_module"))
    return Error{"no `__this_module` in what makes up module `" + request.name + "`", "pass the runtime's objects"};
  put_name(linked->object, request.name);
  auto imports = look_up_imports(profile, versions, linked->undefined);
  if (!imports)
    return imports.error();
  if (profile.features.rethunk)
    if (auto done = add_return_sites(linked->object); !done)
      return done.error();
  add_section(linked->object, data_section(".modinfo", module_information(profile, request, *imports), 1));
  if (profile.features.modversions)
    add_section(linked->object, data_section("__versions", imports->versions, 8));
  add_build_id(linked->object);
  FinishedModule module;
  module.image = elf::write_object(linked->object);
  module.imports = linked->undefined;
  module.imports.insert(module.imports.end(), linked->weak.begin(), linked->weak.end());
  std::sort(module.imports.begin(), module.imports.end());
  module.linked = linked->linked;
  return module;
}

} // namespace tapjit::codegen

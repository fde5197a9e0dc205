// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/staprun/module_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapjit::staprun {
namespace {

const size_t size_limit = 256u << 20;
const size_t name_limit = 55; // MODULE_NAME_LEN - 1 of a 64-bit kernel

struct Piece {
  size_t offset = 0, size = 0;
};

template <typename T> bool read_at(std::string_view bytes, uint64_t offset, T &value) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T))
    return false;
  memcpy(&value, bytes.data() + offset, sizeof(T));
  return true;
}

// Where a section's bytes are; size 0 when there is none, or when it does not lie inside the file.
Piece find_section(std::string_view bytes, const Elf64_Ehdr &header, std::string_view wanted) {
  Elf64_Shdr names, section;
  if (!read_at(bytes, header.e_shoff + uint64_t{header.e_shstrndx} * sizeof(Elf64_Shdr), names))
    return {};
  for (uint64_t i = 0; i < header.e_shnum; i++) {
    if (!read_at(bytes, header.e_shoff + i * sizeof(Elf64_Shdr), section))
      return {};
    uint64_t at = names.sh_offset + section.sh_name;
    if (at < names.sh_offset || at >= bytes.size())
      continue;
    std::string_view rest = bytes.substr(at, wanted.size() + 1);
    if (rest.size() != wanted.size() + 1 || rest.substr(0, wanted.size()) != wanted || rest.back() != '\0')
      continue;
    if (section.sh_type == SHT_NOBITS || section.sh_offset > bytes.size() ||
        section.sh_size > bytes.size() - section.sh_offset)
      return {};
    return {section.sh_offset, section.sh_size};
  }
  return {};
}

// `key=value` strings, each ended by a NUL: the values of one key.
std::vector<std::string> modinfo_values(std::string_view modinfo, std::string_view key) {
  std::vector<std::string> values;
  while (!modinfo.empty()) {
    size_t end = std::min(modinfo.find('\0'), modinfo.size());
    std::string_view entry = modinfo.substr(0, end);
    if (entry.size() > key.size() && entry.starts_with(key) && entry[key.size()] == '=')
      values.emplace_back(entry.substr(key.size() + 1));
    modinfo.remove_prefix(std::min(end + 1, modinfo.size()));
  }
  return values;
}

std::string modinfo_value(std::string_view modinfo, std::string_view key) {
  std::vector<std::string> values = modinfo_values(modinfo, key);
  return values.empty() ? std::string() : values[0];
}

// Where `name` stands in the file's struct module, 0 if it does not. The place differs between kernels.
size_t find_own_name(std::string_view bytes, const Elf64_Ehdr &header, const std::string &name) {
  Piece section = find_section(bytes, header, ".gnu.linkonce.this_module");
  std::string_view view = bytes.substr(section.offset, section.size);
  size_t at = view.find('\0' + name + '\0');
  return at == std::string_view::npos || view.size() - at < name_limit + 2 ? 0 : section.offset + at + 1;
}

bool read_header(std::string_view bytes, Elf64_Ehdr &header) {
  return read_at(bytes, 0, header) && memcmp(header.e_ident, ELFMAG, SELFMAG) == 0 &&
         header.e_ident[EI_CLASS] == ELFCLASS64 && header.e_ident[EI_DATA] == ELFDATA2LSB &&
         header.e_shentsize == sizeof(Elf64_Shdr) && header.e_shoff < bytes.size();
}

} // namespace

Result<ModuleFile> check_module(std::string bytes, const std::string &path) {
  Elf64_Ehdr header;
  if (!read_header(bytes, header))
    return Error{"'" + path + "' is not a kernel module: it is not a 64-bit ELF file", ""};
  if (header.e_type != ET_REL || header.e_machine != EM_X86_64)
    return Error{"'" + path + "' is not a kernel module for x86-64: it is not a relocatable object of that machine",
                 ""};
  Piece modinfo = find_section(bytes, header, ".modinfo");
  ModuleFile module;
  std::string_view text = std::string_view(bytes).substr(modinfo.offset, modinfo.size);
  module.name = modinfo_value(text, "name");
  module.build_id = modinfo_value(text, "tapjit_kernel");
  for (const std::string &probed : modinfo_values(text, "tapjit_module"))
    if (size_t blank = probed.find(' '); blank != std::string::npos)
      module.probed.emplace(probed.substr(0, blank), probed.substr(blank + 1));
  std::string vermagic = modinfo_value(text, "vermagic");
  module.release = vermagic.substr(0, vermagic.find(' '));
  if (module.name.empty() || module.release.empty() || module.name.size() > name_limit ||
      module.name.find_first_of("/ \n") != std::string::npos)
    return Error{"'" + path + "' is not a kernel module: its .modinfo holds no name and vermagic", ""};
  // It is unloaded by that name, and the kernel knows it by the one in its struct module.
  if (find_own_name(bytes, header, module.name) == 0)
    return Error{"'" + path + "' is not a kernel module of stap: it is called '" + module.name + "' in .modinfo only",
                 ""};
  for (const std::string &parameter : modinfo_values(text, "parmtype"))
    module.parameters.insert(parameter.substr(0, parameter.find(':')));
  module.bytes = std::move(bytes);
  return module;
}

Result<ModuleFile> open_module(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0)
    return Error{"cannot open '" + path + "': " + strerror(errno), ""};
  struct stat facts;
  std::string bytes;
  bool readable = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size > 0 &&
                  static_cast<size_t>(facts.st_size) <= size_limit;
  if (readable) {
    bytes.resize(static_cast<size_t>(facts.st_size));
    readable = pread(fd, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size());
  }
  close(fd);
  if (!readable)
    return Error{"'" + path + "' cannot be read as a kernel module: it is not a plain file", ""};
  return check_module(std::move(bytes), path);
}

Result<void> check_parameters(const ModuleFile &module, const std::vector<std::string> &parameters) {
  for (const std::string &parameter : parameters) {
    std::string name = parameter.substr(0, parameter.find('='));
    if (!module.parameters.contains(name))
      return Error{"module '" + module.name + "' has no parameter '" + name + "'", ""};
    // The kernel has no way to quote one, and after it the value would go on as parameters of its own.
    if (parameter.find('"') != std::string::npos)
      return Error{"the value of parameter '" + name + "' holds a double quote, which the kernel cannot take", ""};
  }
  return {};
}

Result<void> rename_module(ModuleFile &module, const std::string &name) {
  Elf64_Ehdr header;
  if (name.size() > name_limit || !read_header(module.bytes, header))
    return Error{"'" + name + "' is too long for a module's name", ""};
  size_t at = find_own_name(module.bytes, header, module.name);
  if (at == 0)
    return Error{"the name of module '" + module.name + "' is not where it should be; it cannot be changed", ""};
  std::string padded = name;
  padded.resize(name_limit + 1, '\0');
  module.bytes.replace(at, padded.size(), padded);
  module.name = name;
  return {};
}

} // namespace tapjit::staprun

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/elf_closure.h"

#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <gelf.h>
#include <glob.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "tools/vm/host_files.h"

namespace tapjit::vm {
namespace {

const char *const usual_folders[] = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"};
const char guest_library_folder[] = "/usr/lib/x86_64-linux-gnu";

std::string folder_of(const std::string &path) {
  size_t slash = path.rfind('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

std::vector<std::string> split(const std::string &text, char separator) {
  std::vector<std::string> parts;
  size_t start = 0;
  while (start <= text.size()) {
    size_t end = text.find(separator, start);
    if (end == std::string::npos)
      end = text.size();
    if (end > start)
      parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return parts;
}

std::vector<std::string> expand_run_path(const std::string &run_path, const std::string &origin) {
  std::vector<std::string> folders = split(run_path, ':');
  for (std::string &folder : folders)
    for (const char *name : {"${ORIGIN}", "$ORIGIN"})
      if (size_t at = folder.find(name); at != std::string::npos)
        folder.replace(at, strlen(name), origin);
  return folders;
}

// The folders of /etc/ld.so.conf and of the files it includes.
void read_linker_folders(const std::string &path, std::vector<std::string> &folders, int depth) {
  Result<std::string> text = read_whole_file(path);
  if (!text || depth > 8)
    return;
  for (std::string line : split(*text, '\n')) {
    line.resize(std::min(line.size(), line.find('#')));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\t'))
      line.pop_back();
    if (line.starts_with("include ")) {
      std::string pattern = line.substr(8);
      if (!pattern.starts_with('/'))
        pattern = folder_of(path) + "/" + pattern;
      glob_t matches = {};
      if (glob(pattern.c_str(), 0, nullptr, &matches) == 0)
        for (size_t i = 0; i < matches.gl_pathc; i++)
          read_linker_folders(matches.gl_pathv[i], folders, depth + 1);
      globfree(&matches);
    } else if (line.starts_with('/')) {
      folders.push_back(line);
    }
  }
}

// A file open for libelf; closes both.
class ElfFile {
public:
  explicit ElfFile(const std::string &path) : fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    elf_version(EV_CURRENT);
    if (fd_ >= 0)
      elf_ = elf_begin(fd_, ELF_C_READ, nullptr);
  }
  ElfFile(const ElfFile &) = delete;
  ElfFile &operator=(const ElfFile &) = delete;
  ~ElfFile() {
    if (elf_)
      elf_end(elf_);
    if (fd_ >= 0)
      close(fd_);
  }
  bool opened() const { return fd_ >= 0; }
  Elf *get() const { return elf_; }

  std::string bytes_at(uint64_t offset, uint64_t size) const {
    Elf_Data *data = elf_getdata_rawchunk(elf_, static_cast<int64_t>(offset), size, ELF_T_BYTE);
    return data ? std::string(static_cast<const char *>(data->d_buf), data->d_size) : std::string();
  }

  // Dynamic entries hold addresses; the file is read at offsets.
  bool offset_of(uint64_t address, uint64_t &offset) const {
    size_t count = 0;
    elf_getphdrnum(elf_, &count);
    for (size_t i = 0; i < count; i++) {
      GElf_Phdr segment;
      if (!gelf_getphdr(elf_, static_cast<int>(i), &segment) || segment.p_type != PT_LOAD)
        continue;
      if (address >= segment.p_vaddr && address < segment.p_vaddr + segment.p_filesz) {
        offset = segment.p_offset + (address - segment.p_vaddr);
        return true;
      }
    }
    return false;
  }

private:
  int fd_;
  Elf *elf_ = nullptr;
};

void read_dynamic(const ElfFile &file, const GElf_Phdr &segment, const std::string &origin, ElfNeeds &needs) {
  std::string table = file.bytes_at(segment.p_offset, segment.p_filesz);
  std::vector<Elf64_Dyn> entries(table.size() / sizeof(Elf64_Dyn));
  memcpy(entries.data(), table.data(), entries.size() * sizeof(Elf64_Dyn));
  uint64_t strings_address = 0, strings_size = 0, strings_offset = 0;
  for (const Elf64_Dyn &entry : entries) {
    if (entry.d_tag == DT_STRTAB)
      strings_address = entry.d_un.d_ptr;
    if (entry.d_tag == DT_STRSZ)
      strings_size = entry.d_un.d_val;
  }
  if (!file.offset_of(strings_address, strings_offset))
    return;
  std::string strings = file.bytes_at(strings_offset, strings_size);
  auto text = [&strings](uint64_t at) {
    return at < strings.size() ? std::string(strings.c_str() + at) : std::string();
  };
  for (const Elf64_Dyn &entry : entries) {
    if (entry.d_tag == DT_NULL)
      break;
    if (entry.d_tag == DT_NEEDED)
      needs.needed.push_back(text(entry.d_un.d_val));
    if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH)
      needs.run_path = expand_run_path(text(entry.d_un.d_val), origin);
  }
}

std::string real_folder(const std::string &path) {
  char *resolved = realpath(path.c_str(), nullptr);
  std::string folder = folder_of(resolved ? resolved : path);
  free(resolved);
  return folder;
}

// Collects files breadth first; each path once.
class Closure {
public:
  Result<void> add_program(const std::string &path, int depth) {
    Result<std::string> start = read_file_start(path, 256);
    if (!start)
      return start.error();
    files_.push_back({path, path});
    if (start->starts_with("#!")) {
      std::string line = start->substr(2, start->find('\n') - 2);
      std::vector<std::string> words = split(line, ' ');
      if (words.empty() || depth > 4)
        return Error{"`" + path + "` names no interpreter that can be found", ""};
      return add_interpreter(words, depth);
    }
    return add_needs_of(path);
  }

  std::vector<ProgramFile> take() { return std::move(files_); }

private:
  Result<void> add_interpreter(const std::vector<std::string> &words, int depth) {
    if (Result<void> added = add_program(words[0], depth + 1); !added)
      return added;
    // `#!/usr/bin/env NAME` hides the program that really runs.
    if (words.size() > 1 && words[0].ends_with("/env"))
      if (std::string named = find_in_path(words[1]); !named.empty())
        return add_program(named, depth + 1);
    return {};
  }

  Result<void> add_needs_of(const std::string &path) {
    Result<ElfNeeds> needs = read_elf_needs(path);
    if (!needs)
      return needs.error();
    if (!needs->interpreter.empty() && seen_.insert(needs->interpreter).second)
      files_.push_back({needs->interpreter, needs->interpreter});
    for (const std::string &name : needs->needed)
      if (Result<void> added = add_library(name, *needs, path); !added)
        return added;
    return {};
  }

  Result<void> add_library(const std::string &name, const ElfNeeds &needs, const std::string &user) {
    if (!seen_.insert(name).second)
      return {};
    ProgramFile found = find_library(name, needs);
    if (found.host_path.empty())
      return Error{"`" + user + "` needs the library `" + name + "`, which is not in the linker's folders", ""};
    files_.push_back(found);
    return add_needs_of(found.host_path);
  }

  ProgramFile find_library(const std::string &name, const ElfNeeds &needs) {
    if (name.find('/') != std::string::npos)
      return {name, name};
    for (const std::string &folder : needs.run_path)
      if (std::string path = folder + "/" + name; access(path.c_str(), R_OK) == 0)
        return {path, path};
    for (const char *folder : usual_folders)
      if (std::string path = std::string(folder) + "/" + name; access(path.c_str(), R_OK) == 0)
        return {path, path};
    if (!linker_folders_read_)
      read_linker_folders("/etc/ld.so.conf", linker_folders_, 0);
    linker_folders_read_ = true;
    // The guest has no ld.so.cache: its linker knows the usual folders alone.
    for (const std::string &folder : linker_folders_)
      if (std::string path = folder + "/" + name; access(path.c_str(), R_OK) == 0)
        return {path, std::string(guest_library_folder) + "/" + name};
    return {};
  }

  std::vector<ProgramFile> files_;
  std::set<std::string> seen_;
  std::vector<std::string> linker_folders_;
  bool linker_folders_read_ = false;
};

} // namespace

Result<ElfNeeds> read_elf_needs(const std::string &path) {
  ElfFile file(path);
  if (!file.opened())
    return Error{"cannot open `" + path + "`: " + strerror(errno), ""};
  GElf_Ehdr header;
  if (!file.get() || elf_kind(file.get()) != ELF_K_ELF || !gelf_getehdr(file.get(), &header))
    return Error{"`" + path + "` is not an ELF file", ""};
  if (header.e_machine != EM_X86_64)
    return Error{"`" + path + "` is not a program for x86-64", ""};
  ElfNeeds needs;
  size_t count = 0;
  elf_getphdrnum(file.get(), &count);
  for (size_t i = 0; i < count; i++) {
    GElf_Phdr segment;
    if (!gelf_getphdr(file.get(), static_cast<int>(i), &segment))
      continue;
    if (segment.p_type == PT_INTERP)
      needs.interpreter = file.bytes_at(segment.p_offset, segment.p_filesz).c_str();
    if (segment.p_type == PT_DYNAMIC)
      read_dynamic(file, segment, real_folder(path), needs);
  }
  return needs;
}

std::string find_in_path(const std::string &word) {
  if (word.empty())
    return {};
  if (word.find('/') != std::string::npos)
    return access(word.c_str(), X_OK) == 0 ? word : std::string();
  const char *path = getenv("PATH");
  for (const std::string &folder : split(path ? path : "/usr/bin:/bin", ':')) {
    std::string candidate = folder + "/" + word;
    struct stat facts;
    if (stat(candidate.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && access(candidate.c_str(), X_OK) == 0)
      return candidate;
  }
  return {};
}

Result<std::vector<ProgramFile>> program_closure(const std::string &program_path) {
  std::string path = program_path;
  if (!path.starts_with('/')) {
    char *here = getcwd(nullptr, 0);
    path = std::string(here ? here : "") + "/" + path;
    free(here);
  }
  Closure closure;
  if (Result<void> added = closure.add_program(path, 0); !added)
    return added.error();
  return closure.take();
}

} // namespace tapjit::vm

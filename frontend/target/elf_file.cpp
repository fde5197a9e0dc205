// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/elf_file.h"

#include "frontend/target/kernel_files.h"
#include "frontend/target/unpack.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <gelf.h>
#include <mutex>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapjit::target {

namespace {

// The last file that was unpacked: one file is opened several times in a row.
struct Unpacked {
  std::mutex lock;
  struct stat packed = {};
  int fd = -1;
} last;

bool is_same(const struct stat &a, const struct stat &b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mtim.tv_sec == b.st_mtim.tv_sec && a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

} // namespace

// Debian's libdw knows gzip and xz, and no zstd, which Ubuntu's and Arch's modules are packed with: all go the same
// way.
static Result<int> unpacked(const std::string &path, int fd) {
  char magic[9]; // the longest
  if (pread(fd, magic, sizeof magic, 0) != sizeof magic || packing_of({magic, sizeof magic}) == Packing::None)
    return fd;
  struct stat facts = {};
  const bool is_known = fstat(fd, &facts) == 0;
  close(fd);
  std::lock_guard held(last.lock);
  if (is_known && last.fd >= 0 && is_same(facts, last.packed))
    if (int again = fcntl(last.fd, F_DUPFD_CLOEXEC, 0); again >= 0)
      return again;
  auto packed = read_text_file(path);
  auto bytes = packed ? unpack(*packed, 0, ELFMAG) : std::nullopt;
  if (!bytes)
    return Error{"`" + path + "` is damaged, or no ELF file is packed in it", ""};
  int memory = memfd_create("unpacked", MFD_CLOEXEC);
  for (size_t done = 0; memory >= 0 && done < bytes->size();) {
    ssize_t count = write(memory, bytes->data() + done, bytes->size() - done);
    if (count <= 0) {
      close(memory);
      memory = -1;
    }
    done += static_cast<size_t>(count);
  }
  if (memory < 0)
    return Error{"cannot unpack `" + path + "`: " + strerror(errno), ""};
  if (last.fd >= 0)
    close(last.fd);
  last.fd = is_known ? fcntl(memory, F_DUPFD_CLOEXEC, 0) : -1;
  last.packed = facts;
  return memory;
}

Result<std::unique_ptr<ElfFile>> ElfFile::open(const std::string &path) { return open(path, true); }

Result<std::unique_ptr<ElfFile>> ElfFile::open_unrelocated(const std::string &path) { return open(path, false); }

Result<std::unique_ptr<ElfFile>> ElfFile::open(const std::string &path, bool relocated) {
  elf_version(EV_CURRENT);
  int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK); // a FIFO is no reason to wait
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) {
    Error error{"cannot open `" + path + "`: " + strerror(errno), ""};
    if (file >= 0)
      close(file);
    return error;
  }
  if (!S_ISREG(status.st_mode)) {
    close(file);
    return Error{"`" + path + "` is not a regular file", ""};
  }
  auto plain = unpacked(path, file);
  if (!plain)
    return plain.error();
  int fd = *plain;
  Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, nullptr);
  GElf_Ehdr header;
  if (elf && elf_kind(elf) == ELF_K_ELF && gelf_getehdr(elf, &header) && (header.e_type != ET_REL || !relocated))
    return std::unique_ptr<ElfFile>(new ElfFile(path, fd, elf));
  elf_end(elf);
  return open_through_dwfl(path, fd);
}

Result<std::unique_ptr<ElfFile>> ElfFile::open_through_dwfl(const std::string &path, int fd) {
  static const Dwfl_Callbacks callbacks = {
      nullptr,
      [](Dwfl_Module *, void **, const char *, Dwarf_Addr, const char *, const char *, GElf_Word, char **) {
        return -1; // this file alone is asked for
      },
      dwfl_offline_section_address,
      nullptr,
  };
  std::unique_ptr<ElfFile> file(new ElfFile(path, -1, nullptr));
  file->dwfl_ = dwfl_begin(&callbacks);
  if (file->dwfl_)
    file->module_ = dwfl_report_offline(file->dwfl_, "", path.c_str(), fd); // takes fd if it succeeds
  if (!file->module_)
    close(fd);
  GElf_Addr bias;
  if (file->module_ && dwfl_report_end(file->dwfl_, nullptr, nullptr) == 0)
    file->elf_ = dwfl_module_getelf(file->module_, &bias);
  if (!file->elf_)
    return Error{"`" + path + "` is not an ELF file", ""};
  return file;
}

Dwarf_CFI *ElfFile::frames() {
  if (Dwarf_CFI *frames = dwarf() ? dwarf_getcfi(dwarf_) : nullptr)
    return frames;
  Dwarf_Addr bias;
  if (module_) // the module owns these
    return dwfl_module_eh_cfi(module_, &bias);
  if (!eh_frames_)
    eh_frames_ = dwarf_getcfi_elf(elf_);
  return eh_frames_;
}

Dwarf *ElfFile::dwarf() {
  Dwarf_Addr bias;
  if (!dwarf_)
    dwarf_ = module_ ? dwfl_module_getdwarf(module_, &bias) : dwarf_begin_elf(elf_, DWARF_C_READ, nullptr);
  return dwarf_;
}

bool ElfFile::is_relocatable() const {
  GElf_Ehdr header;
  return gelf_getehdr(elf_, &header) && header.e_type == ET_REL;
}

Result<std::unique_ptr<ElfFile>> ElfFile::open_bytes(std::string path, std::string bytes) {
  elf_version(EV_CURRENT);
  std::unique_ptr<ElfFile> file(new ElfFile(std::move(path), -1, nullptr));
  file->bytes_ = std::move(bytes);
  file->elf_ = elf_memory(file->bytes_.data(), file->bytes_.size());
  if (!file->elf_ || elf_kind(file->elf_) != ELF_K_ELF)
    return Error{"`" + file->path_ + "` is not an ELF file", ""};
  return file;
}

ElfFile::~ElfFile() {
  if (eh_frames_)
    dwarf_cfi_end(eh_frames_);
  if (dwfl_) {
    dwfl_end(dwfl_);
    return;
  }
  dwarf_end(dwarf_);
  elf_end(elf_);
  if (fd_ >= 0)
    close(fd_);
}

std::string build_id_in_notes(std::span<const char> notes) {
  auto padded = [](size_t size) { return (size + 3) / 4 * 4; };
  Elf64_Nhdr header;
  while (notes.size() >= sizeof header) {
    memcpy(&header, notes.data(), sizeof header);
    notes = notes.subspan(sizeof header);
    const size_t name_size = padded(header.n_namesz), size = padded(header.n_descsz);
    if (name_size > notes.size() || header.n_descsz > notes.size() - name_size)
      break;
    if (header.n_type == NT_GNU_BUILD_ID &&
        std::string_view(notes.data(), header.n_namesz) == std::string_view("GNU\0", 4)) {
      std::string hex;
      for (char c : notes.subspan(name_size, header.n_descsz)) {
        hex += "0123456789abcdef"[static_cast<unsigned char>(c) >> 4];
        hex += "0123456789abcdef"[c & 15];
      }
      return hex;
    }
    notes = notes.subspan(std::min(notes.size(), name_size + size));
  }
  return {};
}

std::string ElfFile::build_id() const {
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf_, section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
      continue;
    if (Elf_Data *data = elf_getdata(section, nullptr); data && data->d_buf)
      if (std::string id = build_id_in_notes({static_cast<const char *>(data->d_buf), data->d_size}); !id.empty())
        return id;
  }
  return {};
}

std::vector<ElfSection> ElfFile::sections() const {
  std::vector<ElfSection> sections;
  size_t names;
  if (elf_getshdrstrndx(elf_, &names))
    return sections;
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf_, section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) || header.sh_addr == 0)
      continue;
    const char *name = elf_strptr(elf_, names, header.sh_name);
    sections.push_back({name ? name : "", header.sh_addr, header.sh_size, (header.sh_flags & SHF_EXECINSTR) != 0});
  }
  return sections;
}

Elf_Scn *ElfFile::find_section(std::string_view wanted) const {
  size_t names;
  if (elf_getshdrstrndx(elf_, &names))
    return nullptr;
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf_, section));) {
    GElf_Shdr header;
    const char *name = gelf_getshdr(section, &header) ? elf_strptr(elf_, names, header.sh_name) : nullptr;
    if (name && name == wanted && header.sh_type != SHT_NOBITS && header.sh_size != 0)
      return section;
  }
  return nullptr;
}

bool ElfFile::has_section(std::string_view name) const { return find_section(name) != nullptr; }

uint64_t ElfFile::section_size(std::string_view name) const {
  Elf_Scn *section = find_section(name);
  GElf_Shdr header;
  return section && gelf_getshdr(section, &header) ? header.sh_size : 0;
}

std::span<const char> ElfFile::section_bytes(std::string_view name) const {
  Elf_Scn *section = find_section(name);
  GElf_Shdr header;
  if (!section || !gelf_getshdr(section, &header))
    return {};
  if (header.sh_flags & SHF_COMPRESSED)
    elf_compress(section, 0, 0);
  Elf_Data *data = elf_getdata(section, nullptr);
  return data && data->d_buf ? std::span(static_cast<const char *>(data->d_buf), data->d_size)
                             : std::span<const char>();
}

bool ElfFile::read(uint64_t address, void *to, size_t size) const {
  for (Elf_Scn *section = nullptr; (section = elf_nextscn(elf_, section));) {
    GElf_Shdr header;
    if (!gelf_getshdr(section, &header) || !(header.sh_flags & SHF_ALLOC) || header.sh_type == SHT_NOBITS)
      continue;
    if (address < header.sh_addr || address - header.sh_addr > header.sh_size ||
        size > header.sh_size - (address - header.sh_addr))
      continue;
    Elf_Data *data = elf_rawdata(section, nullptr);
    if (!data || !data->d_buf)
      return false;
    memcpy(to, static_cast<const char *>(data->d_buf) + (address - header.sh_addr), size);
    return true;
  }
  return false;
}

} // namespace tapjit::target

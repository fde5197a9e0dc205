// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/vm/cpio.h"

#include <cstdio>
#include <sys/stat.h>
#include <utility>

namespace tapjit::vm {
namespace {

// Archive names have no slash in front.
std::string archive_name(std::string_view path) {
  while (!path.empty() && path.front() == '/')
    path.remove_prefix(1);
  while (!path.empty() && path.back() == '/')
    path.remove_suffix(1);
  return std::string(path);
}

void pad_to_four(std::string &bytes) {
  while (bytes.size() % 4)
    bytes += '\0';
}

} // namespace

bool CpioWriter::has(std::string_view path) const { return names_.contains(archive_name(path)); }

void CpioWriter::write_entry(const std::string &name, const Entry &entry, std::string_view content) {
  char header[111];
  // magic, inode, mode, uid, gid, links, mtime, size, device of the file system (2), device itself (2), name's size
  // with its NUL, checksum (unused)
  snprintf(header, sizeof(header), "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", next_inode_++,
           entry.mode, 0, 0, 1, static_cast<uint32_t>(entry.mtime), static_cast<uint32_t>(content.size()), 0, 0,
           entry.device_major, entry.device_minor, static_cast<uint32_t>(name.size() + 1), 0);
  archive_ += header;
  archive_ += name;
  archive_ += '\0';
  pad_to_four(archive_);
  archive_ += content;
  pad_to_four(archive_);
}

void CpioWriter::add_parents(const std::string &name) {
  for (size_t slash = name.find('/'); slash != std::string::npos; slash = name.find('/', slash + 1)) {
    std::string parent = name.substr(0, slash);
    if (names_.insert(parent).second)
      write_entry(parent, {S_IFDIR | 0755, 0, 0, 0}, {});
  }
}

void CpioWriter::add_folder(std::string_view path, uint32_t mode) {
  std::string name = archive_name(path);
  add_parents(name);
  if (names_.insert(name).second)
    write_entry(name, {S_IFDIR | mode, 0, 0, 0}, {});
}

void CpioWriter::add_file(std::string_view path, std::string_view content, uint32_t mode, int64_t mtime) {
  std::string name = archive_name(path);
  add_parents(name);
  if (names_.insert(name).second)
    write_entry(name, {S_IFREG | mode, mtime, 0, 0}, content);
}

void CpioWriter::add_symlink(std::string_view path, std::string_view target) {
  std::string name = archive_name(path);
  add_parents(name);
  if (names_.insert(name).second)
    write_entry(name, {S_IFLNK | 0777, 0, 0, 0}, target);
}

void CpioWriter::add_device(std::string_view path, char kind, uint32_t major, uint32_t minor, uint32_t mode) {
  std::string name = archive_name(path);
  add_parents(name);
  if (names_.insert(name).second)
    write_entry(name, {(kind == 'b' ? uint32_t{S_IFBLK} : uint32_t{S_IFCHR}) | mode, 0, major, minor}, {});
}

std::string CpioWriter::finish() {
  write_entry("TRAILER!!!", {}, {});
  names_.clear();
  next_inode_ = 1;
  return std::exchange(archive_, {});
}

} // namespace tapjit::vm

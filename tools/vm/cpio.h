// SPDX-License-Identifier: GPL-2.0-or-later
// Writes the archive that a kernel unpacks as its first root: cpio in the "newc" form
// (Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source).
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace tapjit::vm {

class CpioWriter {
public:
  // Paths are absolute or relative to the root; missing parent folders are added with mode 0755. A name that was
  // already added is left as it is.
  void add_folder(std::string_view path, uint32_t mode = 0755);
  void add_file(std::string_view path, std::string_view content, uint32_t mode, int64_t mtime = 0);
  void add_symlink(std::string_view path, std::string_view target);
  void add_device(std::string_view path, char kind, uint32_t major, uint32_t minor, uint32_t mode); // kind: 'c' or 'b'

  bool has(std::string_view path) const;

  // Ends the archive and hands it over; the writer is empty after that.
  std::string finish();

private:
  struct Entry {
    uint32_t mode = 0;
    int64_t mtime = 0;
    uint32_t device_major = 0;
    uint32_t device_minor = 0;
  };
  void add_parents(const std::string &name);
  void write_entry(const std::string &name, const Entry &entry, std::string_view content);

  std::string archive_;
  std::set<std::string, std::less<>> names_;
  uint32_t next_inode_ = 1;
};

} // namespace tapjit::vm

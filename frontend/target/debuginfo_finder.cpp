// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend/target/debuginfo_finder.h"

#include "frontend/target/elf_file.h"

#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

namespace tapjit::target {

namespace {

struct Candidate {
  std::string path;
  bool checks_crc;
};

std::string folder_of(const std::string &path) { return path.substr(0, path.rfind('/')); }

// "loop.ko.xz" is called loop.ko in the folders of debuginfo.
std::string plain_name(const std::string &path) {
  std::string name = path.substr(path.rfind('/') + 1);
  size_t end = name.rfind(".ko.");
  return end == std::string::npos ? name : name.substr(0, end + 3);
}

std::vector<Candidate> by_build_id(const std::string &id, const SearchPlaces &places) {
  std::vector<Candidate> found;
  constexpr size_t folder_digits = 2;
  if (id.size() > folder_digits)
    for (const DebuginfoPlace &place : debuginfo_places(places))
      if (place.path.starts_with('/'))
        found.push_back(
            {place.path + "/.build-id/" + id.substr(0, folder_digits) + "/" + id.substr(folder_digits) + ".debug",
             false});
  return found;
}

// In an absolute place, below all of the file's own folders, then below fewer of them from the left.
void add_below(const DebuginfoPlace &place, std::string folders, const std::string &name,
               std::vector<Candidate> &candidates) {
  for (;;) {
    candidates.push_back({place.path + folders + "/" + name, place.checks_crc});
    if (folders.empty())
      return;
    size_t next = folders.find('/', 1);
    folders = next == std::string::npos ? "" : folders.substr(next);
  }
}

std::vector<Candidate> by_name(const std::string &path, const ElfFacts &facts, const SearchPlaces &places) {
  std::vector<Candidate> candidates;
  const std::string folder = folder_of(path), name = plain_name(path);
  const std::string below_root = folder.starts_with(places.root) ? folder.substr(places.root.size()) : folder;
  std::vector<std::string> names{facts.debuglink};
  if (facts.debuglink.empty())
    names = {name + ".debug", name};
  for (const DebuginfoPlace &place : debuginfo_places(places))
    for (const std::string &wanted : names)
      if (place.path.starts_with('/'))
        add_below(place, below_root, wanted, candidates);
      else
        candidates.push_back({folder + (place.path.empty() ? "" : "/") + place.path + "/" + wanted, place.checks_crc});
  return candidates;
}

bool has_crc(const std::string &path, uint32_t wanted) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  std::string buffer(1u << 20, '\0');
  uLong crc = 0;
  ssize_t count;
  while ((count = read(fd, buffer.data(), buffer.size())) > 0)
    crc = crc32(crc, reinterpret_cast<const Bytef *>(buffer.data()), static_cast<uInt>(count));
  close(fd);
  return count == 0 && crc == wanted;
}

bool is_wanted(const Candidate &candidate, const std::string &path, const ElfFacts &wanted) {
  struct stat one, other;
  if (stat(candidate.path.c_str(), &one) != 0 || !S_ISREG(one.st_mode))
    return false;
  if (!path.empty() && stat(path.c_str(), &other) == 0 && one.st_dev == other.st_dev && one.st_ino == other.st_ino)
    return false;
  auto facts = read_elf_facts(candidate.path);
  if (!facts || !facts->has_dwarf)
    return false;
  if (!wanted.build_id.empty())
    return facts->build_id == wanted.build_id;
  return !candidate.checks_crc || wanted.debuglink.empty() || has_crc(candidate.path, wanted.debuglink_crc);
}

} // namespace

std::vector<DebuginfoPlace> debuginfo_places(const SearchPlaces &places) {
  std::string_view rest = places.debuginfo_path;
  if (rest.empty())
    rest = "+:.debug:/usr/lib/debug:build";
  std::vector<DebuginfoPlace> found;
  // A sign before the whole path is the entries' that have none.
  bool usual = !rest.starts_with('-');
  if (rest.starts_with('+') || rest.starts_with('-'))
    rest.remove_prefix(1);
  for (;;) {
    size_t colon = rest.find(':');
    std::string_view entry = rest.substr(0, colon);
    DebuginfoPlace place{"", usual};
    if (entry.starts_with('+') || entry.starts_with('-')) {
      place.checks_crc = entry[0] == '+';
      entry.remove_prefix(1);
    }
    place.path = (entry.starts_with('/') ? places.root : "") + std::string(entry);
    while (place.path.size() > 1 && place.path.ends_with('/'))
      place.path.pop_back();
    found.push_back(std::move(place));
    if (colon == std::string_view::npos)
      return found;
    rest.remove_prefix(colon + 1);
  }
}

Result<ElfFacts> read_elf_facts(const std::string &path) {
  auto file = ElfFile::open_unrelocated(path);
  if (!file)
    return file.error();
  ElfFacts facts;
  facts.build_id = (*file)->build_id();
  facts.has_dwarf = (*file)->has_section(".debug_info");
  facts.dwarf_bytes = (*file)->section_size(".debug_info");
  facts.has_symbols = (*file)->has_section(".symtab");
  // A name, filled with NULs to a multiple of 4, then the CRC-32 of the file.
  std::span<const char> link = (*file)->section_bytes(".gnu_debuglink");
  if (link.size() > sizeof facts.debuglink_crc) {
    std::string_view name(link.data(), link.size() - sizeof facts.debuglink_crc);
    facts.debuglink = name.substr(0, name.find('\0'));
    memcpy(&facts.debuglink_crc, link.data() + link.size() - sizeof facts.debuglink_crc, sizeof facts.debuglink_crc);
  }
  return facts;
}

std::string find_separate_debuginfo(const std::string &path, const ElfFacts &facts, const SearchPlaces &places) {
  std::vector<Candidate> candidates = by_build_id(facts.build_id, places);
  if (!path.empty())
    for (Candidate &candidate : by_name(path, facts, places))
      candidates.push_back(std::move(candidate));
  for (const Candidate &candidate : candidates)
    if (is_wanted(candidate, path, facts))
      return candidate.path;
  return {};
}

} // namespace tapjit::target

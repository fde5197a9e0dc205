// SPDX-License-Identifier: GPL-2.0-or-later
// Layout: <directory>/<kind>/<key> is content followed by a Trailer; <key>.seen beside it remembers that the checksum
// was found right for a file of that inode, size and ctime (a write changes the ctime), and its mtime is the time of
// last use. Names with ".tmp" are being written; those older than an hour were left by a crash and are removed when the
// store is trimmed.
#include "codegen/cache/store.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace tapjit::codegen {
namespace {

struct Trailer {
  char magic[8];
  uint64_t size;
  uint64_t checksum;
  uint64_t key_low;
};
constexpr char trailer_magic[8] = {'t', 'a', 'p', 'j', 'i', 't', '0', '1'};

struct Seen {
  uint64_t inode, size, seconds, nanoseconds;
  bool operator==(const Seen &) const = default;
};

Seen seen_of(const struct stat &status) {
  return {status.st_ino, static_cast<uint64_t>(status.st_size), static_cast<uint64_t>(status.st_ctim.tv_sec),
          static_cast<uint64_t>(status.st_ctim.tv_nsec)};
}

// Detects damage, not malice. 8 bytes a step in four independent lanes: 10 GB/s.
uint64_t checksum(const char *data, size_t size) {
  constexpr uint64_t factor = 0x9e3779b97f4a7c15;
  uint64_t lanes[4] = {size, 1, 2, 3};
  size_t i = 0;
  for (; i + 32 <= size; i += 32)
    for (int lane = 0; lane < 4; lane++) {
      uint64_t word;
      memcpy(&word, data + i + 8 * lane, 8);
      lanes[lane] = (lanes[lane] ^ word) * factor;
      lanes[lane] ^= lanes[lane] >> 29;
    }
  uint64_t sum = 0;
  for (; i < size; i++)
    sum = (sum ^ static_cast<uint8_t>(data[i])) * factor;
  for (uint64_t lane : lanes)
    sum = ((sum ^ lane) * factor) ^ (sum >> 31);
  return sum;
}

std::string error_text() { return strerror(errno); }

bool make_directories(const std::string &path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    if (mkdir(path.substr(0, slash).c_str(), 0700) != 0 && errno != EEXIST)
      return false;
    if (slash == std::string::npos)
      return true;
  }
}

std::string environment(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

std::string default_directory() {
  if (std::string dir = environment("SYSTEMTAP_DIR"); !dir.empty())
    return dir + "/cache";
  if (std::string dir = environment("XDG_CACHE_HOME"); !dir.empty())
    return dir + "/tapjit";
  if (std::string dir = environment("HOME"); !dir.empty())
    return dir + "/.cache/tapjit";
  return {};
}

bool trusted(const struct stat &status) {
  return status.st_uid == geteuid() && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool write_all(int fd, const void *data, size_t size) {
  const char *bytes = static_cast<const char *>(data);
  while (size > 0) {
    ssize_t wrote = write(fd, bytes, size);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      return false;
    bytes += wrote;
    size -= static_cast<size_t>(wrote);
  }
  return true;
}

int remove_one(const char *path, const struct stat *, int, struct FTW *) { return ::remove(path); }

void remove_tree(const std::string &path) { nftw(path.c_str(), remove_one, 16, FTW_DEPTH | FTW_PHYS); }

bool already_seen(const std::string &path, const Seen &now) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return false;
  struct stat status;
  Seen before;
  bool same = fstat(fd, &status) == 0 && trusted(status) && read(fd, &before, sizeof(before)) == sizeof(before) &&
              before == now;
  if (same && time(nullptr) - status.st_mtim.tv_sec > 60)
    futimens(fd, nullptr); // last use, to the minute
  close(fd);
  return same;
}

void remember_seen(const std::string &path, const Seen &now) {
  std::string temporary = path + ".tmp" + std::to_string(getpid());
  int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return;
  bool wrote = write_all(fd, &now, sizeof(now));
  close(fd);
  if (!wrote || rename(temporary.c_str(), path.c_str()) != 0)
    unlink(temporary.c_str());
}

struct OldEntry {
  time_t used;
  uint64_t size;
  std::string path;
};

// Entries of one kind; stale temporaries go at once.
void list_entries(const std::string &directory, std::vector<OldEntry> &entries) {
  DIR *stream = opendir(directory.c_str());
  if (!stream)
    return;
  time_t now = time(nullptr);
  while (dirent *found = readdir(stream)) {
    std::string name = found->d_name;
    std::string path = directory + "/" + name;
    struct stat status;
    if (name.ends_with(".seen") || lstat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
      continue;
    if (name.find(".tmp") != std::string::npos) {
      if (now - status.st_mtim.tv_sec > 3600)
        unlink(path.c_str());
      continue;
    }
    time_t used = status.st_mtim.tv_sec;
    struct stat seen;
    if (lstat((path + ".seen").c_str(), &seen) == 0)
      used = std::max(used, seen.st_mtim.tv_sec);
    entries.push_back({used, static_cast<uint64_t>(status.st_size), path});
  }
  closedir(stream);
}

} // namespace

CacheEntry::CacheEntry(CacheEntry &&other) noexcept { *this = std::move(other); }

CacheEntry &CacheEntry::operator=(CacheEntry &&other) noexcept {
  std::swap(path_, other.path_);
  std::swap(mapping_, other.mapping_);
  std::swap(size_, other.size_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

CacheEntry::~CacheEntry() {
  if (mapping_)
    munmap(mapping_, mapped_);
}

Result<Store> Store::open(const StoreOptions &options) {
  Store store;
  store.limit_ = options.limit_bytes;
  if (options.disabled) {
    std::string base = environment("TMPDIR");
    std::string name = (base.empty() ? "/tmp" : base) + "/tapjit-XXXXXX";
    if (!mkdtemp(name.data()))
      return Error{"cannot make a directory `" + name + "`: " + error_text(), "set TMPDIR"};
    store.directory_ = name;
    store.temporary_ = true;
    return store;
  }
  store.directory_ = options.directory.empty() ? default_directory() : options.directory;
  if (store.directory_.empty())
    return Error{"no place for the cache: neither HOME nor XDG_CACHE_HOME is set", "set SYSTEMTAP_DIR"};
  struct stat status;
  if (!make_directories(store.directory_))
    return Error{"cannot make the cache directory `" + store.directory_ + "`: " + error_text(),
                 "set SYSTEMTAP_DIR, or use --disable-cache"};
  if (stat(store.directory_.c_str(), &status) != 0 || !trusted(status))
    return Error{"the cache directory `" + store.directory_ + "` is not yours alone",
                 "it must be owned by you and writable by nobody else; or use --disable-cache"};
  return store;
}

Store::Store(Store &&other) noexcept
    : directory_(std::move(other.directory_)), limit_(other.limit_), temporary_(other.temporary_) {
  other.temporary_ = false;
}

Store::~Store() {
  if (temporary_)
    remove_tree(directory_);
}

std::string Store::entry_path(std::string_view kind, const CacheKey &key) const {
  return directory_ + "/" + std::string(kind) + "/" + key.text();
}

std::optional<CacheEntry> Store::get(std::string_view kind, const CacheKey &key) const {
  CacheEntry entry;
  entry.path_ = entry_path(kind, key);
  int fd = ::open(entry.path_.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return std::nullopt;
  struct stat status;
  bool good = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && trusted(status) &&
              status.st_size >= static_cast<off_t>(sizeof(Trailer));
  if (good) {
    entry.mapped_ = static_cast<size_t>(status.st_size);
    entry.mapping_ = mmap(nullptr, entry.mapped_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (entry.mapping_ == MAP_FAILED)
      entry.mapping_ = nullptr;
    good = entry.mapping_ != nullptr;
  }
  close(fd);
  if (good) {
    entry.size_ = entry.mapped_ - sizeof(Trailer);
    Trailer trailer;
    memcpy(&trailer, entry.bytes().data() + entry.size_, sizeof(trailer));
    good = memcmp(trailer.magic, trailer_magic, 8) == 0 && trailer.size == entry.size_ && trailer.key_low == key.low;
    Seen now = seen_of(status);
    if (good && !already_seen(entry.path_ + ".seen", now)) {
      good = checksum(entry.bytes().data(), entry.size_) == trailer.checksum;
      if (good)
        remember_seen(entry.path_ + ".seen", now);
    }
  }
  if (!good) {
    remove(kind, key);
    return std::nullopt;
  }
  return entry;
}

Result<std::string> Store::temporary_path(std::string_view kind) const {
  static int serial = 0;
  std::string directory = directory_ + "/" + std::string(kind);
  if (!make_directories(directory))
    return Error{"cannot make `" + directory + "`: " + error_text(), {}};
  return directory + "/new.tmp" + std::to_string(getpid()) + "." + std::to_string(__atomic_fetch_add(&serial, 1, 0));
}

Result<CacheEntry> Store::put(std::string_view kind, const CacheKey &key, std::string_view content) const {
  auto temporary = temporary_path(kind);
  if (!temporary)
    return temporary.error();
  int fd = ::open(temporary->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  bool wrote = fd >= 0 && write_all(fd, content.data(), content.size());
  std::string why = error_text();
  if (fd >= 0)
    close(fd);
  if (!wrote) {
    unlink(temporary->c_str());
    return Error{"cannot write `" + *temporary + "`: " + why, "is the disk full?"};
  }
  return adopt(kind, key, *temporary);
}

Result<CacheEntry> Store::adopt(std::string_view kind, const CacheKey &key, const std::string &temporary) const {
  std::string path = entry_path(kind, key);
  int fd = ::open(temporary.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0)
    return Error{"cannot open `" + temporary + "`: " + error_text(), {}};
  size_t size = static_cast<size_t>(status.st_size);
  void *mapping = size ? mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0) : nullptr;
  Trailer trailer{{}, size, mapping == MAP_FAILED ? 0 : checksum(static_cast<const char *>(mapping), size), key.low};
  memcpy(trailer.magic, trailer_magic, 8);
  if (size && mapping != MAP_FAILED)
    munmap(mapping, size);
  bool done = mapping != MAP_FAILED && fchmod(fd, 0600) == 0 && lseek(fd, 0, SEEK_END) >= 0 &&
              write_all(fd, &trailer, sizeof(trailer)) && rename(temporary.c_str(), path.c_str()) == 0;
  std::string why = error_text();
  close(fd);
  if (!done) {
    unlink(temporary.c_str());
    return Error{"cannot keep `" + path + "`: " + why, "is the disk full?"};
  }
  if (trim_is_due(size))
    trim(path);
  auto entry = get(kind, key);
  if (!entry)
    return Error{"`" + path + "` disappeared while it was written", {}};
  return std::move(*entry);
}

void Store::remove(std::string_view kind, const CacheKey &key) const {
  std::string path = entry_path(kind, key);
  unlink(path.c_str());
  unlink((path + ".seen").c_str());
}

Result<void> Store::clear() const {
  DIR *stream = opendir(directory_.c_str());
  if (!stream)
    return Error{"cannot read `" + directory_ + "`: " + error_text(), {}};
  while (dirent *kind = readdir(stream))
    if (kind->d_name[0] != '.')
      remove_tree(directory_ + "/" + kind->d_name);
  closedir(stream);
  return {};
}

// Trimming looks at every entry, so it is done once for each sixteenth of the limit that was put. <directory>/put has
// the sizes since the last time, 8 bytes each; what two processes do to it at once costs a trim too many, or one later.
bool Store::trim_is_due(uint64_t size) const {
  std::string path = directory_ + "/put";
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return true;
  uint64_t sizes[512], total = 0;
  ssize_t bytes = write_all(fd, &size, sizeof(size)) ? pread(fd, sizes, sizeof(sizes), 0) : -1;
  close(fd);
  for (ssize_t i = 0; i < bytes / ssize_t(sizeof(size)); i++)
    total += sizes[i];
  bool due = bytes <= 0 || bytes == sizeof(sizes) || total > limit_ / 16;
  if (due)
    unlink(path.c_str());
  return due;
}

void Store::trim(const std::string &keep) const {
  std::vector<OldEntry> entries;
  if (DIR *stream = opendir(directory_.c_str())) {
    while (dirent *kind = readdir(stream))
      if (kind->d_name[0] != '.')
        list_entries(directory_ + "/" + kind->d_name, entries);
    closedir(stream);
  }
  uint64_t total = 0;
  for (const OldEntry &entry : entries)
    total += entry.size;
  std::sort(entries.begin(), entries.end(), [](const OldEntry &a, const OldEntry &b) { return a.used < b.used; });
  for (const OldEntry &entry : entries) {
    if (total <= limit_)
      break;
    if (entry.path == keep)
      continue;
    unlink(entry.path.c_str());
    unlink((entry.path + ".seen").c_str());
    total -= entry.size;
  }
}

} // namespace tapjit::codegen

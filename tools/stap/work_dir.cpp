// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/work_dir.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

namespace tapjit {

std::string work_parent(const std::string &tmpdir) {
  const char *environment = getenv("TMPDIR");
  return !tmpdir.empty() ? tmpdir : environment && *environment ? environment : "/tmp";
}

WorkDirectory::~WorkDirectory() {
  std::error_code ignored;
  if (!path_.empty() && !kept_)
    std::filesystem::remove_all(path_, ignored);
}

const std::string &WorkDirectory::path() {
  if (!path_.empty())
    return path_;
  std::string pattern = work_parent(parent_) + "/stapXXXXXX";
  char *made = mkdtemp(pattern.data());
  path_ = made ? made : pattern;
  return path_;
}

Result<void> write_file(const std::string &path, std::string_view content) {
  std::string temporary = path + ".XXXXXX";
  int fd = mkostemp(temporary.data(), O_CLOEXEC);
  if (fd < 0)
    return Error{fmt::format("cannot write `{}`: {}", path, strerror(errno)), ""};
  fchmod(fd, 0644);
  while (!content.empty()) {
    ssize_t n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      break;
    content.remove_prefix(size_t(n));
  }
  int error = content.empty() ? 0 : errno;
  if (close(fd) != 0 && !error)
    error = errno;
  if (!error && rename(temporary.c_str(), path.c_str()) != 0)
    error = errno;
  if (!error)
    return {};
  unlink(temporary.c_str());
  return Error{fmt::format("cannot write `{}`: {}", path, strerror(error)), ""};
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// The working directory of a run: made when its path is first asked for, removed with the object unless kept.
#pragma once

#include "frontend/base/result.h"

#include <string>
#include <string_view>

namespace tapjit {

// Where working directories are made: `tmpdir` (of --tmpdir), else $TMPDIR, else /tmp.
std::string work_parent(const std::string &tmpdir);

class WorkDirectory {
public:
  // `parent`: as work_parent() takes it.
  explicit WorkDirectory(std::string parent) : parent_(std::move(parent)) {}
  WorkDirectory(const WorkDirectory &) = delete;
  ~WorkDirectory();
  // "/tmp/stapXXXXXX"; a path that cannot be written when it could not be made, so that the first write says why.
  const std::string &path();
  void keep() { kept_ = true; }
  bool is_kept() const { return kept_; }

private:
  std::string parent_;
  std::string path_;
  bool kept_ = false;
};

// Writes a whole file (temporary name, then rename).
Result<void> write_file(const std::string &path, std::string_view content);

} // namespace tapjit

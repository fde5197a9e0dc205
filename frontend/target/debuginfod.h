// SPDX-License-Identifier: GPL-2.0-or-later
// Debuginfo from the servers of DEBUGINFOD_URLS, through elfutils' libdebuginfod, which keeps what it got in a cache of
// its own and obeys its own variables (DEBUGINFOD_TIMEOUT, DEBUGINFOD_CACHE_PATH, ...).
#pragma once

#include "frontend/base/result.h"

#include <functional>
#include <memory>
#include <string>

namespace tapjit::target {

// How far a query is, about once a second.
struct DebuginfodProgress {
  std::string url;        // that answers; empty: none does yet
  long have = 0, all = 0; // bytes; `all` is 0 as long as it is not known
};

class Debuginfod {
public:
  // `goes_on` is called while a query lasts; false ends it.
  Debuginfod(std::string urls, std::function<bool(const DebuginfodProgress &)> goes_on);
  ~Debuginfod();
  Debuginfod(const Debuginfod &) = delete;
  Debuginfod &operator=(const Debuginfod &) = delete;

  // The path of a file with DWARF and this build-id (lower-case hex). The error says what was asked, of whom, and what
  // the answer was. Servers that gave no answer are not asked again.
  Result<std::string> find(const std::string &build_id);

private:
  struct Client;
  std::string urls_;
  std::function<bool(const DebuginfodProgress &)> goes_on_;
  std::unique_ptr<Client> client_;
  std::string given_up_; // not empty: there was no answer, and this was said
};

} // namespace tapjit::target

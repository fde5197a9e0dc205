// SPDX-License-Identifier: GPL-2.0-or-later
// Debuginfo from the servers of DEBUGINFOD_URLS, through elfutils' libdebuginfod, which keeps what it got in a cache of
// its own and obeys its own variables (DEBUGINFOD_TIMEOUT, DEBUGINFOD_CACHE_PATH, ...).
#pragma once

#include "frontend/base/result.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tapjit::target {

// How far a query is, about once a second.
struct DebuginfodProgress {
  std::string url;        // that answers; empty: none does yet
  long have = 0, all = 0; // bytes; `all` is 0 as long as it is not known
};

// What one server said to a query, from the library's account of it.
struct ServerAnswer {
  std::string url;     // as in DEBUGINFOD_URLS
  std::string problem; // empty: none was told
  enum class Kind { Unknown, Absent, HttpError, NoAnswer } kind = Kind::Unknown;
  bool is_failure() const { return kind == Kind::HttpError || kind == Kind::NoAnswer; }
};

// Those in the text that debuginfod_set_verbose_fd() asks for. Empty: nobody was asked, or the text is of another form.
std::vector<ServerAnswer> server_answers(std::string_view account);

class Debuginfod {
public:
  // `urls`: the servers, parted by blanks. `goes_on` is called while a query lasts; false ends it. `seconds`: a query
  // that lasts longer is ended, and is the last one; 0: the library's own limits alone.
  Debuginfod(std::string urls, std::function<bool(const DebuginfodProgress &)> goes_on, int64_t seconds = 0);
  ~Debuginfod();
  Debuginfod(const Debuginfod &) = delete;
  Debuginfod &operator=(const Debuginfod &) = delete;

  // The path of a file with DWARF and this build-id (lower-case hex). The error says what was asked, of whom, and what
  // each answer was. A server that gave no answer, or two errors that are not about this file, is not asked again.
  Result<std::string> find(const std::string &build_id);

private:
  struct Client;
  struct Server {
    ServerAnswer last; // of the last query
    unsigned errors = 0;
    bool is_dropped = false;
  };
  void account_for(const std::vector<ServerAnswer> &answers);
  void drop(Server &server);
  std::string answers(int error) const;

  std::string urls_;
  std::vector<Server> servers_;
  int64_t seconds_;
  std::function<bool(const DebuginfodProgress &)> goes_on_;
  std::unique_ptr<Client> client_;
  std::string given_up_; // not empty: there was no answer, and this was said
};

} // namespace tapjit::target

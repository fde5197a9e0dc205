// SPDX-License-Identifier: GPL-2.0-or-later
// The library is loaded when it is needed, as libdw does it: with curl and TLS it would make each start of stap several
// times as long.
#include "frontend/target/debuginfod.h"

#include "frontend/target/debuginfo_finder.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <optional>
#include <sys/mman.h>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace tapjit::target {

using Clock = std::chrono::steady_clock;
using GoesOn = std::function<bool(const DebuginfodProgress &)>;

namespace {

// What of the library is used; the same for all clients.
struct Functions {
  decltype(&debuginfod_begin) begin;
  decltype(&debuginfod_end) end;
  decltype(&debuginfod_find_debuginfo) find_debuginfo;
  decltype(&debuginfod_set_progressfn) set_progress;
  decltype(&debuginfod_set_user_data) set_user_data;
  decltype(&debuginfod_get_user_data) get_user_data;
  decltype(&debuginfod_get_url) get_url;
  decltype(&debuginfod_set_verbose_fd) set_verbose_fd;
  std::string problem; // not empty: it is not there
};

const Functions &functions() {
  static const Functions loaded = [] {
    Functions found = {};
    void *library = dlopen(DEBUGINFOD_SONAME, RTLD_LAZY);
    auto get = [&](auto &function, const char *name) {
      if (found.problem.empty())
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(library, name));
      if (!function && found.problem.empty())
        found.problem = dlerror();
    };
    if (!library)
      found.problem = dlerror();
    get(found.begin, "debuginfod_begin");
    get(found.end, "debuginfod_end");
    get(found.find_debuginfo, "debuginfod_find_debuginfo");
    get(found.set_progress, "debuginfod_set_progressfn");
    get(found.set_user_data, "debuginfod_set_user_data");
    get(found.get_user_data, "debuginfod_get_user_data");
    get(found.get_url, "debuginfod_get_url");
    get(found.set_verbose_fd, "debuginfod_set_verbose_fd");
    return found;
  }();
  return loaded;
}

std::string url_of(debuginfod_client *client) {
  const char *url = functions().get_url(client);
  return url ? url : "";
}

// Its data while it lasts.
struct Query {
  const GoesOn &goes_on;
  std::optional<Clock::time_point> end;
  bool stopped = false, took_too_long = false;
};

int report_progress(debuginfod_client *client, long have, long all) {
  auto *query = static_cast<Query *>(functions().get_user_data(client));
  DebuginfodProgress progress{url_of(client), 0, 0};
  if (all > 0) // before, `have` counts something else
    progress = {progress.url, have, all};
  query->stopped |= !query->goes_on(progress);
  query->took_too_long |= query->end && Clock::now() >= *query->end;
  return query->stopped || query->took_too_long ? 1 : 0;
}

// elfutils 0.188 takes a transfer that was stopped for the answer that there is no such file, which an empty file in
// its cache says for the next ten minutes.
void forget_missing(const std::string &build_id) {
  auto variable = [](const char *name) {
    const char *value = getenv(name);
    return std::string(value ? value : "");
  };
  const std::string own = variable("DEBUGINFOD_CACHE_PATH"), caches = variable("XDG_CACHE_HOME"),
                    home = variable("HOME");
  std::vector<std::string> folders{own};
  if (own.empty())
    folders = {(caches.empty() ? home + "/.cache" : caches) + "/debuginfod_client", home + "/.debuginfod_client_cache"};
  for (const std::string &folder : folders) {
    const std::string path = folder + "/" + build_id + "/debuginfo";
    struct stat facts;
    if (lstat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode) && facts.st_size == 0)
      unlink(path.c_str());
  }
}

std::string answer_of(int error) {
  return error == ENOENT ? "no such debuginfo" : std::string("no answer: ") + strerror(error);
}

// The number at the start of `text`, which loses it and the blank behind it.
std::optional<size_t> take_number(std::string_view &text) {
  size_t number = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end == text.data() + text.size() || *end != ' ')
    return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end + 1 - text.data()));
  return number;
}

// curl's words for an answer that is not 200.
void set_problem(ServerAnswer &answer, std::string_view message) {
  constexpr std::string_view http = "The requested URL returned error: ";
  using Kind = ServerAnswer::Kind;
  if (!message.starts_with(http)) {
    answer.kind = Kind::NoAnswer;
    answer.problem = "no answer: " + std::string(message);
    return;
  }
  message.remove_prefix(http.size());
  const bool is_absent = message.starts_with("404") || message.starts_with("410");
  answer.kind = is_absent ? Kind::Absent : Kind::HttpError;
  answer.problem = is_absent ? "no such debuginfo" : "HTTP error " + std::string(message);
}

// A file in memory that the library writes its account to.
class Account {
public:
  Account() : fd_(memfd_create("debuginfod", MFD_CLOEXEC)) {}
  ~Account() {
    if (fd_ >= 0)
      close(fd_);
  }
  Account(const Account &) = delete;
  Account &operator=(const Account &) = delete;
  int fd() const { return fd_; }
  std::string text() const {
    struct stat facts;
    if (fd_ < 0 || fstat(fd_, &facts) != 0)
      return {};
    std::string text(static_cast<size_t>(facts.st_size), '\0');
    ssize_t count = pread(fd_, text.data(), text.size(), 0);
    text.resize(count > 0 ? static_cast<size_t>(count) : 0);
    return text;
  }

private:
  int fd_;
};

} // namespace

// "init server N URL/buildid" names one, "url N MESSAGE" says how it failed, after "url N URL/buildid/ID/debuginfo". A
// failed query is made again: the last message counts.
std::vector<ServerAnswer> server_answers(std::string_view account) {
  constexpr std::string_view init = "init server ", url = "url ", tail = "/buildid";
  std::vector<ServerAnswer> answers;
  while (!account.empty()) {
    size_t end = std::min(account.find('\n'), account.size());
    std::string_view line = account.substr(0, end);
    account.remove_prefix(std::min(end + 1, account.size()));
    const bool is_init = line.starts_with(init);
    if (!is_init && !line.starts_with(url))
      continue;
    line.remove_prefix(is_init ? init.size() : url.size());
    auto number = take_number(line);
    if (is_init && number == answers.size()) {
      line = line.substr(0, line.find(' '));
      if (line.ends_with(tail))
        line.remove_suffix(tail.size());
      answers.push_back({std::string(line), "", ServerAnswer::Kind::Unknown});
    } else if (!is_init && number && *number < answers.size() && !line.starts_with(answers[*number].url)) {
      set_problem(answers[*number], line);
    }
  }
  return answers;
}

struct Debuginfod::Client {
  debuginfod_client *handle = functions().problem.empty() ? functions().begin() : nullptr;
  ~Client() {
    if (handle)
      functions().end(handle);
  }
};

Debuginfod::Debuginfod(std::string urls, GoesOn goes_on, int64_t seconds)
    : urls_(std::move(urls)), seconds_(seconds), goes_on_(std::move(goes_on)) {
  for (size_t at = 0; (at = urls_.find_first_not_of(' ', at)) != std::string::npos;) {
    size_t end = std::min(urls_.find(' ', at), urls_.size());
    servers_.push_back({{urls_.substr(at, end - at), "", ServerAnswer::Kind::Unknown}, 0, false});
    at = end;
  }
}
Debuginfod::~Debuginfod() = default;

// The library reads the variable at each query.
void Debuginfod::drop(Server &server) {
  server.is_dropped = true;
  std::string left;
  for (const Server &other : servers_)
    if (!other.is_dropped)
      left += (left.empty() ? "" : " ") + other.last.url;
  setenv("DEBUGINFOD_URLS", left.c_str(), 1);
}

void Debuginfod::account_for(const std::vector<ServerAnswer> &answers) {
  constexpr unsigned most_errors = 2; // one may be about this file
  auto plain = [](std::string_view url) { return url.substr(0, url.find_last_not_of('/') + 1); };
  for (Server &server : servers_) {
    if (server.is_dropped)
      continue;
    auto answer = std::find_if(answers.begin(), answers.end(),
                               [&](const ServerAnswer &a) { return plain(a.url) == plain(server.last.url); });
    server.last.kind = answer == answers.end() ? ServerAnswer::Kind::Unknown : answer->kind;
    server.last.problem = answer == answers.end() ? "" : answer->problem;
    if (server.last.kind == ServerAnswer::Kind::NoAnswer ||
        (server.last.kind == ServerAnswer::Kind::HttpError && ++server.errors == most_errors))
      drop(server);
  }
}

// Of each server, or of the one that there is. `error`: the library's own word, for those that it told nothing of.
std::string Debuginfod::answers(int error) const {
  auto is_told = [](const Server &server) { return !server.last.problem.empty(); };
  if (std::none_of(servers_.begin(), servers_.end(), is_told))
    return answer_of(error);
  std::string text;
  for (const Server &server : servers_) {
    if (servers_.size() > 1)
      text += (text.empty() ? "" : "; ") + server.last.url + ": ";
    text += is_told(server) ? server.last.problem : answer_of(error);
  }
  return text;
}

Result<std::string> Debuginfod::find(const std::string &build_id) {
  if (!given_up_.empty())
    return Error{given_up_, ""};
  const std::string asked = "debuginfod (" + urls_ + ") was asked for build-id " + build_id + ": ";
  if (!client_)
    client_ = std::make_unique<Client>();
  if (!client_->handle)
    return Error{"debuginfod (" + urls_ + ") cannot be asked: " +
                     (functions().problem.empty() ? strerror(errno)
                                                  : functions().problem + " (Debian: apt install libdebuginfod1)"),
                 ""};
  Query query{goes_on_, std::nullopt};
  if (seconds_ > 0)
    query.end = Clock::now() + std::chrono::seconds(seconds_);
  Account account;
  functions().set_user_data(client_->handle, &query);
  functions().set_progress(client_->handle, report_progress);
  functions().set_verbose_fd(client_->handle, account.fd());
  char *path = nullptr;
  int fd =
      functions().find_debuginfo(client_->handle, reinterpret_cast<const unsigned char *>(build_id.c_str()), 0, &path);
  functions().set_verbose_fd(client_->handle, -1);
  std::string found = fd >= 0 && path ? path : "";
  free(path);
  if (fd < 0 && (query.stopped || query.took_too_long)) {
    forget_missing(build_id);
    if (query.stopped)
      return Error{asked + "it was interrupted", ""};
    given_up_ = asked + "the answer took more than " + std::to_string(seconds_) + " seconds";
    return Error{given_up_, ""};
  }
  account_for(server_answers(account.text()));
  if (fd < 0) {
    const std::string problem = asked + answers(-fd);
    const bool is_any_failed =
        std::any_of(servers_.begin(), servers_.end(), [](const Server &server) { return server.last.is_failure(); });
    // Else an error of one server would be kept as the answer that none has it.
    if (is_any_failed)
      forget_missing(build_id);
    if (std::all_of(servers_.begin(), servers_.end(), [](const Server &server) { return server.is_dropped; }) ||
        (!is_any_failed && fd != -ENOENT && fd != -EFBIG)) // which are of this file
      given_up_ = problem;
    return Error{problem, ""};
  }
  close(fd);
  auto facts = read_elf_facts(found);
  if (!facts || facts->build_id != build_id || !facts->has_dwarf)
    return Error{asked + "the answer, `" + found + "`, " +
                     (!facts                        ? "is not an ELF file"
                      : facts->build_id != build_id ? "has another build-id"
                                                    : "has no DWARF"),
                 ""};
  return found;
}

} // namespace tapjit::target

// SPDX-License-Identifier: GPL-2.0-or-later
// The library is loaded when it is needed, as libdw does it: with curl and TLS it would make each start of stap several
// times as long.
#include "frontend/target/debuginfod.h"

#include "frontend/target/debuginfo_finder.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <elfutils/debuginfod.h>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>
#include <vector>

namespace tapjit::target {

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
  bool stopped = false;
};

int report_progress(debuginfod_client *client, long have, long all) {
  auto *query = static_cast<Query *>(functions().get_user_data(client));
  DebuginfodProgress progress{url_of(client), 0, 0};
  if (all > 0) // before, `have` counts something else
    progress = {progress.url, have, all};
  query->stopped |= !query->goes_on(progress);
  return query->stopped ? 1 : 0;
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

} // namespace

struct Debuginfod::Client {
  debuginfod_client *handle = functions().problem.empty() ? functions().begin() : nullptr;
  ~Client() {
    if (handle)
      functions().end(handle);
  }
};

Debuginfod::Debuginfod(std::string urls, GoesOn goes_on) : urls_(std::move(urls)), goes_on_(std::move(goes_on)) {}
Debuginfod::~Debuginfod() = default;

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
  Query query{goes_on_};
  functions().set_user_data(client_->handle, &query);
  functions().set_progress(client_->handle, report_progress);
  char *path = nullptr;
  int fd =
      functions().find_debuginfo(client_->handle, reinterpret_cast<const unsigned char *>(build_id.c_str()), 0, &path);
  std::string found = fd >= 0 && path ? path : "";
  free(path);
  if (fd < 0 && query.stopped) {
    forget_missing(build_id);
    return Error{asked + "it was interrupted", ""};
  }
  if (fd < 0) {
    if (fd != -ENOENT && fd != -EFBIG) // which are of this file
      given_up_ = asked + answer_of(-fd);
    return Error{asked + answer_of(-fd), ""};
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

// SPDX-License-Identifier: GPL-2.0-or-later
#include "codegen/clang/runtime_objects.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <dirent.h>
#include <fstream>
#include <iterator>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace tapjit::codegen {
namespace {

// Raised when what is kept changes its form or meaning.
constexpr uint64_t platform_format = 2;

double now_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Several byte strings as one entry: count, then per string a u64 size; then the strings.
std::string pack(const std::vector<std::string> &parts) {
  uint64_t count = parts.size();
  std::string bytes(reinterpret_cast<const char *>(&count), sizeof(count));
  for (const std::string &part : parts) {
    uint64_t size = part.size();
    bytes.append(reinterpret_cast<const char *>(&size), sizeof(size));
  }
  for (const std::string &part : parts) {
    bytes.append((8 - bytes.size() % 8) % 8, '\0'); // ELF readers like alignment
    bytes += part;
  }
  return bytes;
}

std::vector<std::string_view> unpack(std::string_view bytes) {
  std::vector<std::string_view> parts;
  uint64_t count = 0;
  if (bytes.size() < sizeof(count))
    return parts;
  memcpy(&count, bytes.data(), sizeof(count));
  size_t at = sizeof(count) + count * sizeof(uint64_t);
  for (uint64_t i = 0; i < count && at <= bytes.size(); i++) {
    uint64_t size;
    memcpy(&size, bytes.data() + sizeof(count) + i * sizeof(size), sizeof(size));
    at += (8 - at % 8) % 8;
    if (at + size > bytes.size())
      return {};
    parts.push_back(bytes.substr(at, size));
    at += size;
  }
  return parts;
}

std::string read_file(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// "core/x" and "kernel/y" for each .c file of the two directories, sorted.
std::vector<std::string> unit_names(const std::string &runtime_dir, const std::string &platform) {
  std::vector<std::string> names;
  for (const std::string &part : {std::string("core"), platform}) {
    DIR *stream = opendir((runtime_dir + "/" + part).c_str());
    while (dirent *entry = stream ? readdir(stream) : nullptr) {
      std::string name = entry->d_name;
      if (name.ends_with(".c") && !name.starts_with("."))
        names.push_back(part + "/" + name.substr(0, name.size() - 2));
    }
    if (stream)
      closedir(stream);
  }
  std::sort(names.begin(), names.end());
  return names;
}

Error first_error(const std::string &what, const std::vector<CompilerMessage> &messages) {
  std::string text = "`" + what + "` does not compile";
  int shown = 0;
  for (const CompilerMessage &message : messages) {
    if (message.severity != CompilerMessage::Severity::Error || shown++ >= 3)
      continue;
    text += "\n  " + message.file + ":" + std::to_string(message.line) + ": " + message.text;
  }
  return Error{text, "this is a mistake in tapjit or an untried kernel"};
}

struct BuiltUnit {
  std::string object, bitcode, summary;
  std::optional<Error> error;
};

constexpr const char *this_module = "generated/this_module";

BuiltUnit build_unit(const Platform &platform, const PlatformRequest &request, const std::string &name) {
  BuiltUnit built;
  std::string path = request.runtime_dir + "/" + name + ".c";
  bool generated = name == this_module;
  std::string text = generated ? this_module_text(platform.profile.features, module_name_placeholder) : read_file(path);
  CompileRequest compile;
  compile.text = text;
  compile.name = path;
  compile.arguments = platform.arguments;
  compile.include_dirs = platform.include_dirs;
  compile.include_dirs.push_back(
      path.substr(0, path.rfind('/'))); // for #include "x.h": the text has no directory of its own
  compile.pch = platform.pch;
  auto unit = compile_unit(compile);
  if (!unit) {
    built.error = unit.error();
    return built;
  }
  if (!unit->ok()) {
    built.error = first_error(path, unit->messages());
    return built;
  }
  if (request.verifier && !generated) {
    auto summary = request.verifier(name, unit->module());
    if (!summary) {
      built.error = summary.error();
      return built;
    }
    built.summary = *summary;
  }
  built.bitcode = unit->bitcode();
  auto object = unit->emit_object();
  if (object)
    built.object = std::move(*object);
  else
    built.error = object.error();
  return built;
}

// Entry: names, objects, bitcodes and summaries, in turn.
Result<std::string> build_units(const Platform &platform, const PlatformRequest &request,
                                const std::vector<std::string> &names) {
  std::vector<BuiltUnit> built(names.size());
  std::atomic<size_t> next = 0;
  auto work = [&] {
    for (size_t i; (i = next++) < names.size();)
      built[i] = build_unit(platform, request, names[i]);
  };
  std::thread helper(work);
  work();
  helper.join();
  std::vector<std::string> parts;
  for (size_t i = 0; i < names.size(); i++) {
    if (built[i].error)
      return *built[i].error;
    parts.insert(parts.end(), {names[i], built[i].object, built[i].bitcode, built[i].summary});
  }
  return pack(parts);
}

void say_slow(const PlatformRequest &request) {
  if (request.slow)
    request.slow();
}

Result<void> prepare_pch(const Store &store, const PlatformRequest &request, const std::string &name,
                         Platform &platform) {
  auto entry = store.get("pch", platform.key);
  if (!entry) {
    say_slow(request);
    auto temporary = store.temporary_path("pch");
    if (!temporary)
      return temporary.error();
    PchRequest build{request.runtime_dir + "/" + name + "/pch.h", platform.arguments, platform.include_dirs,
                     platform.profile.prelude, *temporary};
    auto result = build_pch(build);
    if (!result || !result->ok) {
      unlink(temporary->c_str());
      return result ? first_error(build.header, result->messages) : result.error();
    }
    auto adopted = store.adopt("pch", platform.key, *temporary);
    if (!adopted)
      return adopted.error();
    entry = std::move(*adopted);
  }
  platform.pch = entry->path();
  platform.mapped.push_back(std::move(*entry));
  return {};
}

Result<void> prepare_objects(const Store &store, const PlatformRequest &request, const std::string &name,
                             Platform &platform) {
  auto entry = store.get("runtime", platform.key);
  if (!entry) {
    say_slow(request);
    std::vector<std::string> names = unit_names(request.runtime_dir, name);
    if (!platform.profile.build_dir.empty())
      names.push_back(this_module);
    auto bytes = build_units(platform, request, names);
    if (!bytes)
      return bytes.error();
    auto kept = store.put("runtime", platform.key, *bytes);
    if (!kept)
      return kept.error();
    entry = std::move(*kept);
  }
  std::vector<std::string_view> parts = unpack(entry->bytes());
  for (size_t i = 0; i + 3 < parts.size(); i += 4)
    platform.objects.push_back({std::string(parts[i]), parts[i + 1], parts[i + 2], parts[i + 3]});
  platform.mapped.push_back(std::move(*entry));
  return {};
}

Result<void> prepare_versions(const Store &store, const std::string &build_dir, Platform &platform) {
  auto entry = store.get("symvers", platform.profile.key);
  if (!entry) {
    std::string text = read_file(build_dir + "/Module.symvers");
    if (text.empty())
      return Error{"no Module.symvers in `" + build_dir + "`", "install the complete headers of that kernel"};
    auto kept = store.put("symvers", platform.profile.key, SymbolVersions::build(text));
    if (!kept)
      return kept.error();
    entry = std::move(*kept);
  }
  auto versions = SymbolVersions::map(entry->bytes());
  if (!versions)
    return versions.error();
  platform.versions = *versions;
  platform.mapped.push_back(std::move(*entry));
  return {};
}

// What both platforms do once their arguments are known.
Result<Platform> finish_platform(const Store &store, const PlatformRequest &request, const std::string &name,
                                 Platform platform, const CacheKey &base) {
  platform.include_dirs = {request.runtime_dir + "/.."};
  KeyBuilder key;
  key.add(platform_format).add(name).add(compiler_version()).add(base.text()).add(request.verifier_key);
  for (const std::string &argument : platform.arguments)
    key.add(argument);
  platform.key = key.add(request.runtime_dir).add_tree_stamp(request.runtime_dir).finish();
  double start = now_ms();
  if (auto done = prepare_pch(store, request, name, platform); !done)
    return done.error();
  platform.times.pch = now_ms() - start;
  start = now_ms();
  if (auto done = prepare_objects(store, request, name, platform); !done)
    return done.error();
  platform.times.objects = now_ms() - start;
  return platform;
}

} // namespace

Result<Platform> prepare_kernel(const Store &store, const std::string &build_dir, const PlatformRequest &request) {
  Platform platform;
  double start = now_ms();
  auto profile = kernel_profile(store, build_dir, request.slow);
  if (!profile)
    return profile.error();
  platform.profile = std::move(*profile);
  platform.arguments = platform.profile.arguments;
  if (auto done = prepare_versions(store, build_dir, platform); !done)
    return done.error();
  platform.times.profile = now_ms() - start;
  CacheKey base = platform.profile.key;
  return finish_platform(store, request, "kernel", std::move(platform), base);
}

Result<Platform> prepare_user(const Store &store, const PlatformRequest &request) {
  Platform platform;
  double start = now_ms();
  KeyBuilder builder;
  builder.add(platform_format).add(compiler_version());
  for (const std::string &flag : user_flags())
    builder.add(flag);
  CacheKey base = builder.finish();
  auto entry = store.get("arguments", base);
  if (!entry) {
    auto arguments = compiler_arguments(user_flags());
    if (!arguments)
      return arguments.error();
    auto kept = store.put("arguments", base, pack(*arguments));
    if (!kept)
      return kept.error();
    entry = std::move(*kept);
  }
  for (std::string_view argument : unpack(entry->bytes()))
    platform.arguments.emplace_back(argument);
  platform.times.profile = now_ms() - start;
  return finish_platform(store, request, "user", std::move(platform), base);
}

} // namespace tapjit::codegen

// SPDX-License-Identifier: GPL-2.0-or-later
// procfs: files below /proc/systemtap/MODULE. Who reads one gets the text that the handler puts into `$value`; who
// writes one runs the handler with what was written in `$value`.
#include "tapset/family.h"

#include <algorithm>

namespace tapjit::tapset {

extern const FamilyHooks procfs_family;

namespace {

constexpr const char *forms[] = {
    "procfs(string).read",
    "procfs(string).read.maxsize(number)",
    "procfs(string).umask(number).read",
    "procfs(string).umask(number).read.maxsize(number)",
    "procfs(string).write",
    "procfs(string).umask(number).write",
    "procfs.read",
    "procfs.read.maxsize(number)",
    "procfs.umask(number).read",
    "procfs.umask(number).read.maxsize(number)",
    "procfs.write",
    "procfs.umask(number).write",
};

constexpr std::string_view default_path = "command";
constexpr int64_t default_umask = 0077;
constexpr int64_t most_bytes = 1 << 30;
constexpr size_t longest_name = 254, longest_path = 1024; // of a component: fs/proc/generic.c takes less than 256 bytes

const ProbeComponent *component_of(Components components, std::string_view name) {
  auto found = std::find_if(components.begin(), components.end(),
                            [&](const ProbeComponent &component) { return component.name == name; });
  return found == components.end() ? nullptr : &*found;
}

// Why it is no path of a file below a directory; empty: it is one.
std::string path_problem(std::string_view path) {
  if (path.empty() || path.size() > longest_path)
    return path.empty() ? "an empty path" : "a path of " + std::to_string(path.size()) + " bytes";
  if (path.front() == '/' || path.back() == '/')
    return "a path that " + std::string(path.front() == '/' ? "begins" : "ends") + " with `/`";
  while (true) {
    size_t end = std::min(path.find('/'), path.size());
    std::string_view name = path.substr(0, end);
    if (name.empty() || name == "." || name == "..")
      return "a path with " + (name.empty() ? "`//`" : "the component `" + std::string(name) + "`");
    if (name.size() > longest_name)
      return "a name of " + std::to_string(name.size()) + " bytes";
    if (end == path.size())
      return {};
    path.remove_prefix(end + 1);
  }
}

ProbeMatch match_procfs(FamilyState &state, Components components, size_t) {
  if (auto absent = state.target.absent())
    return refuse(absent->observed, absent->advice, 0);
  bool is_named = components[0].arg == ast::PointComponent::Arg::string;
  std::string path(is_named ? std::string_view(components[0].text) : default_path);
  if (std::string problem = path_problem(path); !problem.empty())
    return refuse(problem, "name a file below /proc/systemtap/MODULE, as `status` or `disk/reads`", 0);
  const ProbeComponent *umask = component_of(components, "umask"), *maxsize = component_of(components, "maxsize");
  if (maxsize && (maxsize->number < 1 || maxsize->number > most_bytes))
    return refuse("a buffer of " + std::to_string(maxsize->number) + " bytes", "sizes go from 1 to 1073741824",
                  components.size() - 1);
  bool is_read = component_of(components, "read");
  if (is_read && !state.listing && !state.read_files.insert(path).second)
    return refuse("another probe reads the file `" + path + "`", "only one probe can say what a reader gets", 0);
  ResolvedSite site;
  site.context_kind = ir::ContextKind::Process;
  site.site.family = "procfs";
  site.site.pp = point_text(components);
  site.site.constants.emplace_back("path", path);
  site.site.constants.emplace_back("is_read", int64_t{is_read});
  site.site.constants.emplace_back("mode", (is_read ? 0444 : 0222) & ~(umask ? umask->number : default_umask));
  site.site.constants.emplace_back("maxsize", maxsize ? maxsize->number : int64_t{0});
  site.targets = state.add({&procfs_family, FileContext{is_read}});
  return single_site(std::move(site));
}

TargetAnswer procfs_variable(FamilyState &, const SiteContext &context, const TargetQuery &query) {
  bool is_read = std::get<FileContext>(context.facts).is_read;
  TargetAnswer answer;
  if (query.name != "$value") {
    answer.reason = "the only variable of a procfs probe is `$value`";
    answer.hint = "did you mean `$value`?";
    return answer;
  }
  if (query.address_of || (query.steps && !query.steps->empty())) {
    answer.reason = query.address_of ? "it is a string and has no address" : "it is a string and has no members";
    return answer;
  }
  if (is_read && !query.for_write) {
    answer.reason = "it is what the reader will get, and can only be written";
    answer.hint = "use `=` or `.=`";
    return answer;
  }
  answer.found = true;
  answer.access.is_text = true;
  answer.writable = is_read;
  if (is_read) {
    answer.access.write.kind = target::WriteAccess::Kind::Reply;
  } else {
    answer.access.steps = {{target::StepKind::PushMessage}};
    answer.reason = "it is what was written to the file";
  }
  return answer;
}

} // namespace

const FamilyHooks procfs_family = {"procfs", forms, match_procfs, procfs_variable};

} // namespace tapjit::tapset

// SPDX-License-Identifier: GPL-2.0-or-later
// Conditionals are not evaluated: an event of a switched-off option is found here, and refused when the module looks it
// up in the running kernel. Macros that a header defines for itself to declare many events (DEFINE_RPC_CLNT_EVENT) are
// expanded, with # ## and nesting.
#include "frontend/target/tracepoint_headers.h"

#include "frontend/target/c_types.h"
#include "frontend/target/kernel_files.h"
#include "frontend/target/names.h"

#include <algorithm>
#include <cctype>
#include <dirent.h>
#include <map>
#include <unordered_set>

namespace tapjit::target {

namespace {

bool is_word(char c) { return isalnum(static_cast<unsigned char>(c)) || c == '_'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && isspace(static_cast<unsigned char>(text.front())))
    text.remove_prefix(1);
  while (!text.empty() && isspace(static_cast<unsigned char>(text.back())))
    text.remove_suffix(1);
  return text;
}

std::string one_line(std::string_view text) {
  std::string out;
  for (char c : trim(text)) {
    bool space = isspace(static_cast<unsigned char>(c));
    if (!space || out.back() != ' ')
      out += space ? ' ' : c;
  }
  return out;
}

// Comments and continued lines become spaces; strings stay, so that a `(` in one does not count later.
std::string without_comments(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "/*") {
      size_t end = text.find("*/", i + 2);
      i = end == std::string_view::npos ? text.size() : end + 1;
      out += ' ';
    } else if (text.substr(i, 2) == "//") {
      i = std::min(text.find('\n', i), text.size()) - 1;
    } else if (text.substr(i, 2) == "\\\n") {
      ++i;
      out += ' ';
    } else if (text[i] == '"' || text[i] == '\'') {
      size_t end = i + 1;
      while (end < text.size() && text[end] != text[i] && text[end] != '\n')
        end += text[end] == '\\' ? 2 : 1;
      end = std::min(end, text.size() - 1);
      out += text.substr(i, end - i + 1);
      i = end;
    } else {
      out += text[i];
    }
  }
  return out;
}

// `at` is just behind a `(`: its arguments, split at top-level commas; `at` moves behind the `)`.
std::vector<std::string_view> take_arguments(std::string_view text, size_t &at) {
  std::vector<std::string_view> arguments;
  size_t start = at;
  int depth = 0;
  for (; at < text.size(); ++at) {
    char c = text[at];
    if (c == '"' || c == '\'') {
      for (++at; at < text.size() && text[at] != c; ++at)
        at += text[at] == '\\';
    } else if (c == '(' || c == '[' || c == '{') {
      ++depth;
    } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
      --depth;
    } else if (depth == 0 && (c == ',' || c == ')')) {
      arguments.push_back(trim(text.substr(start, at - start)));
      start = at + 1;
      if (c == ')')
        break;
    }
  }
  at = std::min(at + 1, text.size());
  if (arguments.size() == 1 && arguments[0].empty())
    arguments.clear();
  return arguments;
}

struct LocalMacro {
  std::vector<std::string> parameters;
  std::string body;
};

class HeaderParser {
public:
  explicit HeaderParser(std::string_view header) : header_(header) {}

  std::vector<Tracepoint> parse(std::string_view text) {
    std::string clean = without_comments(text);
    std::string code; // without directives
    size_t at = 0;
    while (at < clean.size()) {
      size_t end = std::min(clean.find('\n', at), clean.size());
      std::string_view line = std::string_view(clean).substr(at, end - at);
      if (trim(line).starts_with('#'))
        directive(trim(line).substr(1));
      else
        code.append(line).push_back('\n');
      at = end + 1;
    }
    scan(code, 0);
    return std::move(found_);
  }

private:
  void directive(std::string_view line) {
    line = trim(line);
    if (!line.starts_with("define"))
      return;
    line = trim(line.substr(6));
    size_t end = 0;
    while (end < line.size() && is_word(line[end]))
      ++end;
    std::string name(line.substr(0, end));
    if (name == "TRACE_SYSTEM") {
      system_ = trim(line.substr(end));
    } else if (end < line.size() && line[end] == '(') {
      LocalMacro macro;
      for (std::string_view parameter : take_arguments(line, ++end))
        macro.parameters.emplace_back(parameter);
      macro.body = trim(line.substr(end));
      // A header may define one name twice, under #ifdef: the one that declares something counts.
      if (macro.body.find("TP_PROTO") != std::string::npos || !macros_.count(name))
        macros_[name] = std::move(macro);
    }
  }

  void scan(std::string_view text, int depth) {
    constexpr int deepest = 8;
    for (size_t at = 0; at < text.size();) {
      if (text[at] == '"') {
        for (++at; at < text.size() && text[at] != '"'; ++at)
          at += text[at] == '\\';
        ++at;
        continue;
      }
      if (!is_word(text[at])) {
        ++at;
        continue;
      }
      size_t end = at;
      while (end < text.size() && is_word(text[end]))
        ++end;
      std::string name(text.substr(at, end - at));
      while (end < text.size() && isspace(static_cast<unsigned char>(text[end])))
        ++end;
      at = end;
      if (end >= text.size() || text[end] != '(')
        continue;
      if (is_event_macro(name)) {
        event(name, take_arguments(text, ++at));
      } else if (auto macro = macros_.find(name); macro != macros_.end() && depth < deepest) {
        scan(expand(macro->second, take_arguments(text, ++at)), depth + 1);
      }
    }
  }

  static bool is_event_macro(std::string_view name) {
    return name.starts_with("TRACE_EVENT") || name.starts_with("DEFINE_EVENT") || name.starts_with("DECLARE_TRACE");
  }

  void event(std::string_view macro, const std::vector<std::string_view> &arguments) {
    size_t name_at = macro.starts_with("DEFINE_EVENT") ? 1 : 0;
    if (arguments.size() <= name_at + 1 || !arguments[name_at + 1].starts_with("TP_PROTO"))
      return;
    std::string_view prototype = arguments[name_at + 1];
    size_t open = prototype.find('('), close = prototype.rfind(')');
    if (open == std::string_view::npos || close == std::string_view::npos || close <= open)
      return;
    Tracepoint point;
    point.name = arguments[name_at];
    if (point.name.empty() || !std::all_of(point.name.begin(), point.name.end(), is_word))
      return; // inside a macro definition that was not recognised
    point.system = system_;
    point.header = header_;
    point.prototype = one_line(prototype.substr(open + 1, close - open - 1));
    if (point.prototype == "void")
      point.prototype.clear();
    size_t at = open + 1;
    for (std::string_view parameter : take_arguments(prototype, at))
      if (parameter != "void")
        point.arguments.push_back(split_parameter(parameter));
    found_.push_back(std::move(point));
  }

  // "struct task_struct *prev" -> {"struct task_struct *", "prev"}; "u8 id[16]" decays to a pointer; "void
  // (*work)(int)" is a pointer too.
  static TracepointArgument split_parameter(std::string_view parameter) {
    std::string text = one_line(parameter);
    if (size_t inner = text.find("(*"); inner != std::string::npos) {
      size_t end = inner + 2;
      while (end < text.size() && is_word(text[end]))
        ++end;
      return {"void *", text.substr(inner + 2, end - inner - 2)};
    }
    bool is_array = text.find('[') != std::string::npos;
    if (is_array)
      text = trim(std::string_view(text).substr(0, text.find('[')));
    size_t start = text.size();
    while (start > 0 && is_word(text[start - 1]))
      --start;
    std::string name = text.substr(start);
    std::string type(trim(std::string_view(text).substr(0, start)));
    return {is_array ? type + " *" : type, name};
  }

  // Text replacement with ## joined and # quoted.
  std::string expand(const LocalMacro &macro, const std::vector<std::string_view> &arguments) {
    std::string out;
    std::string_view body = macro.body;
    for (size_t at = 0; at < body.size();) {
      if (body.substr(at, 2) == "##") {
        while (!out.empty() && isspace(static_cast<unsigned char>(out.back())))
          out.pop_back();
        at += 2;
        while (at < body.size() && isspace(static_cast<unsigned char>(body[at])))
          ++at;
        continue;
      }
      if (!is_word(body[at])) {
        out += body[at++];
        continue;
      }
      size_t end = at;
      while (end < body.size() && is_word(body[end]))
        ++end;
      std::string_view word = body.substr(at, end - at);
      auto parameter = std::find(macro.parameters.begin(), macro.parameters.end(), word);
      size_t number = static_cast<size_t>(parameter - macro.parameters.begin());
      out += number < arguments.size() ? arguments[number] : word;
      at = end;
    }
    return out;
  }

  std::string header_, system_;
  std::map<std::string, LocalMacro> macros_;
  std::vector<Tracepoint> found_;
};

struct HeaderFolder {
  std::string path;           // "/usr/src/.../include/trace/events"
  std::string include_prefix; // "trace/events/"
};

// Distributions split a build tree: its Makefile includes that of the shared source part.
std::string source_of(const std::string &build_dir) {
  auto makefile = read_text_file(build_dir + "/Makefile");
  if (!makefile)
    return build_dir;
  std::string_view text = *makefile;
  size_t at = text.starts_with("include ") ? 8 : text.find("\ninclude ");
  if (at == std::string_view::npos)
    return build_dir;
  std::string_view line = text.substr(text.starts_with("include ") ? 8 : at + 9);
  line = trim(line.substr(0, line.find('\n')));
  if (!line.starts_with('/') || !line.ends_with("/Makefile"))
    return build_dir;
  return std::string(line.substr(0, line.size() - 9));
}

std::vector<HeaderFolder> header_folders(const std::string &build_dir) {
  std::vector<HeaderFolder> folders;
  std::string source = source_of(build_dir);
  for (const std::string &tree : source == build_dir ? std::vector{build_dir} : std::vector{source, build_dir}) {
    folders.push_back({tree + "/include/trace/events", "trace/events/"});
    folders.push_back({tree + "/arch/x86/include/asm/trace", "asm/trace/"});
  }
  return folders;
}

std::vector<std::string> headers_in(const std::string &folder) {
  std::vector<std::string> names;
  if (DIR *dir = opendir(folder.c_str())) {
    while (const dirent *entry = readdir(dir))
      if (std::string_view(entry->d_name).ends_with(".h"))
        names.emplace_back(entry->d_name);
    closedir(dir);
  }
  std::sort(names.begin(), names.end());
  return names;
}

} // namespace

std::vector<Tracepoint> parse_trace_header(std::string_view text, std::string_view header) {
  return HeaderParser(header).parse(text);
}

// In the order of the headers; those that do not contain a text are left out.
std::vector<Tracepoint> TracepointHeaders::read(std::string_view must_contain) const {
  std::vector<Tracepoint> all;
  for (const HeaderFolder &folder : header_folders(build_dir_))
    for (const std::string &name : headers_in(folder.path)) {
      auto text = read_text_file(folder.path + "/" + name);
      if (!text || text->find(must_contain) == std::string::npos)
        continue;
      for (Tracepoint &point : parse_trace_header(*text, folder.include_prefix + name))
        all.push_back(std::move(point));
    }
  return all;
}

const std::vector<Tracepoint> &TracepointHeaders::all() {
  if (!all_)
    all_ = read("");
  return *all_;
}

Result<TracepointMatches> TracepointHeaders::find(std::string_view pattern) {
  auto [known, is_new] = found_.try_emplace(std::string(pattern));
  if (!is_new)
    return known->second;
  size_t colon = pattern.find(':');
  std::string system(colon == std::string_view::npos ? "*" : pattern.substr(0, colon));
  std::string event(colon == std::string_view::npos ? pattern : pattern.substr(colon + 1));
  const bool is_wild = has_wildcard(event);
  auto select = [&](const std::vector<Tracepoint> &points) {
    TracepointMatches matches;
    std::unordered_set<std::string_view> taken;
    for (const Tracepoint &point : points)
      if ((is_wild ? matches_wildcard(event, point.name) : event == point.name) &&
          matches_wildcard(system, point.system) && taken.insert(point.name).second)
        matches.tracepoints.push_back(point);
    return matches;
  };
  // Most events are spelled out in one header: for a few of them the others need not be parsed.
  constexpr size_t few = 4;
  if (!is_wild && !all_ && found_.size() <= few)
    known->second = select(read(event));
  if (known->second.tracepoints.empty())
    known->second = select(all());
  if (all_ && all_->empty())
    return Error{"no tracepoint headers in `" + build_dir_ + "`", "install the headers of this kernel"};
  if (known->second.tracepoints.empty()) {
    NameGuesser guesser(event);
    for (const Tracepoint &point : all())
      guesser.consider(point.name);
    known->second.suggestions = guesser.best();
  }
  return known->second;
}

std::optional<VarAccess> simple_argument(std::string_view type, unsigned number) {
  VarAccess access;
  access.steps = {{StepKind::PushArgument, number}};
  if (auto builtin = builtin_type(type)) {
    access.type = *builtin;
    return access;
  }
  if (!type.ends_with('*'))
    return std::nullopt;
  access.type.kind = TypeKind::Pointer;
  access.type.size = 8;
  access.type.name = type;
  return access;
}

} // namespace tapjit::target

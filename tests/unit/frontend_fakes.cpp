// SPDX-License-Identifier: GPL-2.0-or-later
#include "frontend_support.h"

#include "frontend/preprocess.h"

namespace tapjit::testing {

namespace {

using Arg = ast::PointComponent::Arg;

std::string text_of(std::span<const ProbeComponent> components) {
  std::string text;
  for (const ProbeComponent &component : components) {
    text += (text.empty() ? "" : ".") + std::string(component.name);
    if (component.arg == Arg::number)
      text += "(" + std::to_string(component.number) + ")";
    else if (component.arg == Arg::string)
      text += "(\"" + std::string(component.text) + "\")";
  }
  return text;
}

constexpr size_t reader = 4, writer = 6; // contexts of files; those of functions are below

constexpr std::string_view functions_script[] = {"vfs_read", "vfs_write"};

ProbeMatch fake_match(std::span<const ProbeComponent> components) {
  ProbeMatch match;
  ResolvedSite site;
  site.site.pp = text_of(components);
  std::string_view first = components[0].name;
  bool session = first == "begin" || first == "end" || first == "error" || first == "never";
  if (session && components.size() == 1) {
    match.known = true;
    site.site.family = first;
    site.context_kind = ir::ContextKind::Session;
    match.sites.push_back(site);
  } else if (first == "file" && components.size() == 2) { // its readers or writers run the handler
    match.known = true;
    site.site.family = "file";
    site.context_kind = ir::ContextKind::Process;
    site.targets = TargetContextId(components[1].name == "read" ? reader : writer);
    match.sites.push_back(site);
  } else if (first == "timer" && components.size() == 2 && components[1].arg == Arg::number) {
    match.known = true;
    site.site.family = "timer";
    site.site.constants.emplace_back("period", components[1].number);
    match.sites.push_back(site);
  } else if (first == "kernel" && components.size() >= 2 && components[1].name == "function" &&
             components[1].arg == Arg::string) {
    match.known = true;
    site.is_return = components.size() == 3 && components[2].name == "return";
    for (std::string_view function : functions_script) {
      if (!glob_match(components[1].text, function))
        continue;
      site.site.family = site.is_return ? "kretprobe" : "kprobe";
      site.site.function = function;
      site.site.constants = {{"symbol", std::string(function)}};
      site.site.pp = "kernel.function(\"" + std::string(function) + "\")" + (site.is_return ? ".return" : "");
      site.targets = TargetContextId(size_t(function == "vfs_write") * 2 + site.is_return);
      match.sites.push_back(site);
    }
    if (glob_match(components[1].text, "do_int3") && !match.sites.empty())
      match.warnings.push_back("`do_int3` is left out: it is in the kernel's .noinstr.text");
    match.reason = "the kernel has no function `" + std::string(components[1].text) + "`";
    match.hint = "did you mean `vfs_read`?";
    match.component = 1;
  }
  return match;
}

TargetAnswer file_target(bool is_reader, const TargetQuery &query) {
  TargetAnswer answer;
  answer.reason = is_reader ? "it can only be written" : "it is what was written";
  answer.found = query.name == "$value" && (!is_reader || query.for_write);
  answer.writable = is_reader;
  answer.access.is_text = true;
  if (is_reader)
    answer.access.write.kind = target::WriteAccess::Kind::Reply;
  else
    answer.access.steps = {{target::StepKind::PushMessage}};
  return answer;
}

TargetAnswer fake_target(TargetContextId context, const TargetQuery &query) {
  if (query.root == ast::Target::Root::dollar && context.valid() && context.index() >= reader)
    return file_target(context.index() == reader, query);
  TargetAnswer answer;
  answer.found = true;
  answer.access.type.kind = target::TypeKind::Integer;
  answer.access.type.is_signed = true;
  if (query.root == ast::Target::Root::cast)
    answer.found = query.type.substr(0, 7) == "struct ";
  if (query.root == ast::Target::Root::dollar || query.root == ast::Target::Root::variable)
    answer.access.steps.push_back({target::StepKind::PushRegister, 0});
  int64_t dynamic = 0;
  if (query.steps)
    for (const target::PathStep &path : *query.steps) {
      bool is_dynamic = path.kind == target::PathStep::Kind::DynamicIndex;
      answer.access.steps.push_back(is_dynamic ? target::AccessStep{target::StepKind::PushIndex, dynamic++}
                                               : target::AccessStep{target::StepKind::PushConstant, 8});
      answer.access.steps.push_back({target::StepKind::Add});
      answer.access.steps.push_back({target::StepKind::Load});
    }
  answer.access.dynamic_indexes = static_cast<unsigned>(dynamic);
  bool at_return = context.valid() && context.index() % 2 == 1;
  if (query.root == ast::Target::Root::dollar) {
    answer.access.at_entry = at_return && query.name != "$return";
    if (query.name == "$file")
      answer.access.type.kind = target::TypeKind::Pointer;
    else if (query.name == "$color")
      answer.access.type.name = "enum color";
    else if (query.name == "$tiny")
      answer.access.type.kind = target::TypeKind::Char;
    else if (query.name == "$whole")
      answer.access.type = {target::TypeKind::Struct, 8, false, "struct whole", 0};
    else if (query.name == "$$name") {
      answer.is_string = true;
      answer.text = "event";
    } else if (query.name != "$count" && query.name != "$flag" && !(query.name == "$return" && at_return))
      answer.found = false;
    answer.writable = query.name == "$count";
  }
  if (query.steps && !query.steps->empty() && query.steps->front().member == "missing")
    answer.found = false;
  if (!answer.found) {
    answer.reason = "no variable of that name";
    answer.hint = "did you mean `$count`?";
  }
  return answer;
}

EnumAnswer fake_enumerators(TargetContextId, const EnumQuery &query) {
  const bool is_color = query.base && query.base->name == "enum color";
  if (query.base && !is_color)
    return {{}, "`long` is no enum"};
  if (!is_color && query.type != "enum color")
    return {{}, "no type `" + std::string(query.type) + "` in the kernel's debuginfo"};
  return {{{"BLUE", 4}, {"RED", -1}, {"GREEN", 1}, {"AZURE", 4}}, ""};
}

std::vector<std::string> fake_names(TargetContextId, std::string_view group) {
  if (group == "$$return")
    return {"$return"};
  return {"$file", "$count", "$gone"};
}

} // namespace

ProbeFamilies fake_families() {
  ProbeFamilies families;
  families.patterns = {{{{"begin"}}},
                       {{{"end"}}},
                       {{{"error"}}},
                       {{{"never"}}},
                       {{{"timer"}, {"ms", Arg::number}}},
                       {{{"timer"}, {"s", Arg::number}}},
                       {{{"kernel"}, {"function", Arg::string}}},
                       {{{"kernel"}, {"function", Arg::string}, {"call"}}},
                       {{{"kernel"}, {"function", Arg::string}, {"return"}}}};
  families.match = fake_match;
  families.target = fake_target;
  families.names = fake_names;
  families.enumerators = fake_enumerators;
  return families;
}

namespace {

constexpr std::string_view small_tapset = R"(
function pid:long() %{ /* pure */ STAP_RETVALUE = tap_pid(); %}
function execname:string() %{ /* pure */ tap_execname(STAP_RETVALUE, MAXSTRINGLEN); %}
function exit() %{ tap_exit(); %}
function error(msg:string) %{ STAP_ERROR(msg); %}
function describe:string(value:long) { return sprintf("%d", value) }
function describe:string(value:long, base:long) { return sprintf("%d/%d", value, base) }
function hits_of(id) { __hits[id]++; return __hits[id] }
private global __hits
global shared_total
function file_of:long() { return $file->f_inode }
probe vfs.read = kernel.function("vfs_read") { name = "read"; bytes = $count; lost = $no_such_variable }
probe vfs.read.return = kernel.function("vfs_read").return { name = "read"; result = $return }
probe vfs.write = kernel.function("vfs_write") { name = "write"; bytes = $count }
probe vfs.both = vfs.read, vfs.write { outer = name . "!" }
probe oneshot = begin { }, { exit() }
probe only.optional = kernel.function("no_such_one")? { }
probe chosen = kernel.function("no_such_one")!, kernel.function("vfs_write")!, kernel.function("vfs_read") { }
probe circle = circle.one { }
probe circle.one = circle { }
)";
constexpr std::string_view small_macros = "@define answer %( 42 %)\n@define max2(a, b) %( (@a > @b ? @a : @b) %)\n";

} // namespace

void add_small_tapset(Library &library) {
  library.add_text("small.stp", std::string(small_tapset));
  library.add_text("small.stpm", std::string(small_macros));
}

ParseOptions test_options() {
  ParseOptions options;
  options.kernel_release = "6.1.0-56-cloud-amd64";
  options.arguments = {"3", "hello", "x y"};
  options.config = [](std::string_view name) {
    return std::string(name == "CONFIG_SMP" ? "y" : name == "CONFIG_HZ" ? "250" : "");
  };
  return options;
}

std::unique_ptr<Elaborated> elaborate_text(std::string text, ElaborateOptions options, ParseOptions parse) {
  auto result = std::make_unique<Elaborated>();
  result->library = std::make_unique<Library>(result->sources, parse);
  add_small_tapset(*result->library);
  parse.library_macros = &result->library->macros(result->diagnostics);
  SourceId id = result->sources.add("script.stp", std::move(text), SourceKind::script);
  result->file = parse_script(result->sources, id, parse, result->diagnostics);
  if (!result->diagnostics.has_errors())
    result->program = elaborate(*result->file, *result->library, fake_families(), options, result->diagnostics);
  return result;
}

} // namespace tapjit::testing

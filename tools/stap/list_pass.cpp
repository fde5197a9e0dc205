// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/list_pass.h"

#include "frontend/listing.h"

namespace tapjit {

std::vector<ScriptText> listed_script(const Options &options) {
  std::vector<ScriptText> texts;
  if (options.list == Options::List::Points || options.list == Options::List::Variables)
    texts.push_back({"<input>", "probe " + options.list_points + " {}"});
  for (const std::string &text : options.extra_texts)
    texts.push_back({"<input -E>", text});
  return texts;
}

std::vector<std::string> list_pass(const Options &options, Scripts &scripts) {
  make_families(options, scripts);
  switch (options.list) {
  case Options::List::ProbeTypes:
    return list_probe_types(scripts.families);
  case Options::List::Aliases:
    return list_aliases(*scripts.library, scripts.diagnostics);
  case Options::List::Functions:
    return list_functions(*scripts.library, scripts.families, elaborate_options(options), scripts.diagnostics);
  case Options::List::None:
  case Options::List::Points:
  case Options::List::Variables:
    break;
  }
  std::vector<const ast::File *> files;
  for (const auto &file : scripts.files)
    files.push_back(file.get());
  return list_points(files, *scripts.library, scripts.families, options.list == Options::List::Variables,
                     elaborate_options(options), scripts.diagnostics);
}

} // namespace tapjit

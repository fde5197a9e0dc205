// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/stap/complaints.h"

#include <functional>

namespace tapjit {

namespace {

// A line and column as Clang counts; column 0: the line's first word.
Loc find_place(const SourceTable &sources, const Complaint &complaint) {
  if (!complaint.line)
    return {};
  for (size_t index = 0; index < sources.size(); ++index) {
    SourceId source(index);
    if (sources.name(source) != complaint.file)
      continue;
    std::string_view line = sources.line_text(source, complaint.line);
    std::string_view text = sources.text(source);
    if (line.data() < text.data() || line.data() > text.data() + text.size())
      return {};
    size_t word = line.find_first_not_of(" \t");
    size_t column = complaint.column ? complaint.column - 1 : word == std::string_view::npos ? 0 : word;
    return sources.loc(source, size_t(line.data() - text.data()) + std::min(column, line.size()));
  }
  return {};
}

// The function of embedded C that holds a place; null where none does.
const FunctionInfo *function_at(const Scripts &scripts, Loc place) {
  Position at = scripts.sources.position(place);
  const char *byte = scripts.sources.text(at.source).data() + at.offset;
  for (const FunctionInfo &function : scripts.program->functions)
    if (!function.body && std::less_equal<>()(function.code.data(), byte) &&
        std::less_equal<>()(byte, function.code.data() + function.code.size()))
      return &function;
  return nullptr;
}

} // namespace

bool note_complaint(const Complaint &complaint, bool is_error, Scripts &scripts) {
  Loc place = find_place(scripts.sources, complaint);
  if (!place)
    return false;
  Diagnostic &diagnostic = complaint.kind == Complaint::Kind::Unsafe
                               ? scripts.diagnostics.report(is_error ? DiagId::not_safe : DiagId::not_safe_guru, place,
                                                            {complaint.property, complaint.text})
                               : scripts.diagnostics.report(DiagId::embedded_code, place, {complaint.text});
  if (const FunctionInfo *function = function_at(scripts, place))
    diagnostic.note(function->loc, "in this function of embedded C");
  if (complaint.text.find("STAP_GLOBAL_GET_") != std::string::npos)
    diagnostic.hint("name the global in the function: `/* pragma:read:NAME */`");
  else if (complaint.text.find("STAP_GLOBAL_SET_") != std::string::npos)
    diagnostic.hint("name the global in the function: `/* pragma:write:NAME */`");
  else if (complaint.text.find("'THIS'") != std::string::npos)
    diagnostic.hint("write `STAP_ARG_name` and `STAP_RETVALUE`, or mark the function `/* unmangled */`");
  return true;
}

} // namespace tapjit

// SPDX-License-Identifier: GPL-2.0-or-later
// The tapset index: made from tokens, written to bytes, read from bytes.
#pragma once

#include "frontend/lexer.h"
#include "frontend/library.h"

#include <string>
#include <string_view>
#include <vector>

namespace tapjit {

// Adds the names that the tokens define at top level to `file`; private ones are left out.
void scan_definitions(const std::vector<Token> &tokens, LibraryFile &file);

std::string write_index(const std::vector<LibraryFile> &files);
// False when the bytes are no whole index; `files` is then of no use.
bool read_index(std::string_view bytes, std::vector<LibraryFile> &files);

// Whether an alias name ("syscall.read") may be what a point's components, or the first of them, name. `*` in a
// component matches within one component, `**` any number of them.
bool alias_may_match(std::string_view alias, std::span<const ast::PointComponent> point);

} // namespace tapjit

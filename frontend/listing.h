// SPDX-License-Identifier: GPL-2.0-or-later
// What there is to probe, in SystemTap's layout: stap -l and -L, --dump-probe-types, --dump-probe-aliases,
// --dump-functions. Each gives its lines, sorted and each once.
#pragma once

#include "frontend/elaborate.h"

#include <string>
#include <vector>

namespace tapjit {

// The points that the probes of the scripts come to: a point of an alias by the alias's name, any other as pp() shows
// it. With `variables`, each line goes on with what the handler can read: the alias's variables as `name:type`, then
// target variables as `$name:type`. A point that comes to nothing gives no line, and is reported.
std::vector<std::string> list_points(const std::vector<const ast::File *> &files, Library &library,
                                     const ProbeFamilies &families, bool variables, ElaborateOptions options,
                                     Diagnostics &diagnostics);

// The forms of base probe points: `timer.ms(number).randomize(number)`.
std::vector<std::string> list_probe_types(const ProbeFamilies &families);

// The library's aliases but for those whose name begins with `_`: `tcp.ipv6.receive = kernel.function("tcp_v6_rcv")!`.
std::vector<std::string> list_aliases(Library &library, Diagnostics &diagnostics);

// The library's functions but for those whose name begins with `_`, with the types that they turn out to have:
// `task_tid:long (task:long)`.
std::vector<std::string> list_functions(Library &library, const ProbeFamilies &families, ElaborateOptions options,
                                        Diagnostics &diagnostics);

} // namespace tapjit

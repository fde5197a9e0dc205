// SPDX-License-Identifier: GPL-2.0-or-later
// What the interpreter's hits see, as text: one thing a line, in the lexis of the IR's text (`;` begins a comment,
// strings as there; numbers also as 0x...).
//
//   register N VALUE          what ctx.reg N gives
//   entry N VALUE             ctx.entry N, instead of what the probe's entry functions compute
//   argument N VALUE          ctx.tparg N
//   point "TEXT"              ctx.pp, where no site says it
//   function "TEXT"           ctx.func
//   message "TEXT"            ctx.message
//   kernel ADDRESS BYTES...   memory for load.k and %m: strings, and numbers of a byte each
//   user ADDRESS BYTES...     memory for load.u and %#m
//   value NAME VALUE          what a call of the embedded function NAME gives: a number or a string
//   time NANOSECONDS          the session's clock at its start; it seeds random intervals
//   hit N [N...]              hits of these probes, with all that was said so far
#pragma once

#include "frontend/base/result.h"
#include "ir/interpret/session.h"

namespace tapjit::ir {

// The error's `observed` begins with "line:column: ". `hit` names probes of `module`.
Result<SessionOptions> read_context_script(std::string_view text, const Module &module);

} // namespace tapjit::ir

// SPDX-License-Identifier: GPL-2.0-or-later
// How a value of a C type is shown (Target::pretty).
#pragma once

#include "frontend/target/type_source.h"

namespace tapjit::target {

std::vector<PrettyPiece> pretty_pieces(const TypeSource &types, const ValueType &type, bool deep);

} // namespace tapjit::target

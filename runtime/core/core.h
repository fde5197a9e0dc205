/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All of core that an emitted unit uses. A platform's pch.h includes this and then its own. */
#ifndef TAP_CORE_CORE_H
#define TAP_CORE_CORE_H

#include "arith.h"
#include "embedded.h"
#include "map.h"
#include "map_sort.h"
#include "map_stat.h"
#include "program.h"
#include "regex.h"
#include "sites.h"
#include "sprint.h"
#include "stat.h"
#include "stat_scalar.h"
#include "wire.h"

#endif

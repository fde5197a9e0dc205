/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an emitted unit sees before its first line, on the user platform. */
#ifndef TAP_USER_PCH_H
#define TAP_USER_PCH_H

#include "runtime/core/core.h"
#include "runtime/user/c_library.h"
#include "runtime/user/context.h"
#include "runtime/user/family.h"
#include "runtime/user/module.h"
#include "runtime/user/probe_timer.h"

#endif

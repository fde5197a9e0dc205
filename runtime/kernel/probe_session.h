/* SPDX-License-Identifier: GPL-2.0-or-later */
/* begin, end, error and never: their sites are core/sites.h's; session.c calls the handlers. */
#ifndef TAP_KERNEL_PROBE_SESSION_H
#define TAP_KERNEL_PROBE_SESSION_H

#include "runtime/core/sites.h"

#endif

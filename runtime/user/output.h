/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unit of the handler run: a buffer that is printed when the handler ends, or when it is full. */
#ifndef TAP_USER_OUTPUT_H
#define TAP_USER_OUTPUT_H

#include "runtime/core/ctx.h"

/* 0, or -12 when there is no memory. */
int tap_output_init(struct tap_ctx *c);
void tap_output_exit(struct tap_ctx *c);
/* The end of a handler run. */
void tap_output_commit(struct tap_ctx *c);

#endif

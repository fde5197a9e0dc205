/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The last line of an emitted unit: its entry. */
#ifndef TAP_USER_MODULE_H
#define TAP_USER_MODULE_H

#include "runtime/user/host.h"

/* Runs the whole session. 0, or 1 when it ended with an error. */
int tap_user_session(struct tap_program *program, const struct tap_host *host);

#define TAP_MODULE(program)                                                                                  \
	int tap_user_main(const struct tap_host *host);                                                      \
	int tap_user_main(const struct tap_host *host)                                                       \
	{                                                                                                    \
		return tap_user_session(&(program), host);                                                   \
	}

#endif

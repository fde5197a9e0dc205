/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TAPJIT_VM_GUEST_AGENT_H
#define TAPJIT_VM_GUEST_AGENT_H

/* Serves the frames of ../frame.h on `port` (a virtio-serial port, opened non-blocking) until the host asks
 * for power off or goes away. Returns 0, or 1 when the stream is broken. */
int agent_serve(int port);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames spoken between the host and the agent inside the guest (over a virtio-serial port), and between
 * a client and `tap-vm serve` (over a Unix socket). A frame is this header and `length` bytes; numbers are
 * little-endian (both ends are x86-64). `id` names one run or one transfer; the asker picks it and every
 * answer repeats it, so that one channel carries several at once. C, because the agent is C.
 */
#ifndef TAPJIT_VM_FRAME_H
#define TAPJIT_VM_FRAME_H

#include <stdint.h>

#define VM_PROTOCOL_VERSION 1u
#define VM_FRAME_LIMIT (1u << 20) /* longest payload; longer is a broken stream */
#define VM_DATA_CHUNK (32u << 10) /* file and output bytes travel in pieces of at most this */
#define VM_PORT_NAME "tapjit.agent"

struct vm_frame {
  uint32_t id;
  uint16_t type;     /* enum vm_frame_type */
  uint16_t reserved; /* 0 */
  uint32_t length;   /* of the payload that follows */
};

enum vm_frame_type {
  /* to the guest */
  VM_PUT_BEGIN = 1, /* struct vm_file, path */
  VM_PUT_DATA,      /* bytes of the file */
  VM_PUT_END,       /* none; answered by VM_REPLY */
  VM_STAT,          /* path; answered by VM_REPLY with size and mtime */
  VM_RUN,           /* struct vm_run, then NUL-ended strings: cwd, arguments, environment; ends in VM_EXIT */
  VM_STDIN,         /* bytes; an empty one is end of file */
  VM_SIGNAL,        /* uint32_t signal number, for the process of run `id`; with VM_SIGNAL_GROUP for all it
                       started */
  VM_DMESG,         /* uint64_t first sequence number; answered by VM_DMESG_DATA ... VM_DMESG_END */
  VM_POWER_OFF,     /* none */
  VM_CONSOLE,       /* none; only to `tap-vm serve`; answered by VM_CONSOLE_TEXT */

  /* from the guest */
  VM_READY = 64,   /* uint32_t protocol version, then the kernel's release */
  VM_STDOUT,       /* bytes */
  VM_STDERR,       /* bytes */
  VM_EXIT,         /* struct vm_exit: after all output */
  VM_REPLY,        /* struct vm_reply */
  VM_DMESG_DATA,   /* whole records as /dev/kmsg gives them */
  VM_DMESG_END,    /* uint64_t sequence number that follows the last record */
  VM_CONSOLE_TEXT, /* text; only from `tap-vm serve` */
  VM_LOST          /* text; only from `tap-vm serve`: the guest died, and its console's tail */
};

#define VM_SIGNAL_GROUP 0x10000u

struct vm_file {
  uint32_t mode; /* permission bits */
  uint32_t reserved;
  int64_t mtime; /* seconds; kept, so that VM_STAT can tell an unchanged file */
};

enum {
  VM_RUN_STDIN = 1,   /* VM_STDIN frames follow; else standard input is /dev/null */
  VM_RUN_END_ALL = 2, /* what it started and did not wait for is killed when it ends */
};

struct vm_run {
  uint32_t flags;
  uint32_t argument_count;
  uint32_t environment_count;
  uint32_t reserved;
};

struct vm_exit {
  int32_t start_errno; /* 0, or why the program could not be started */
  int32_t wait_status; /* as wait(2) gives it */
};

struct vm_reply {
  int32_t error_number; /* 0 or errno */
  uint32_t reserved;
  uint64_t size;
  int64_t mtime;
};

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
// Makes known numbers of system calls: 400 getppid, 200 getuid, 100 getpgrp; or, with an argument N, N
// getppid in one thread's loop and N getuid in another's at the same time.
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static void repeat(long call, int times)
{
	for (int i = 0; i < times; i++)
		syscall(call);
}

static void *other_thread(void *times)
{
	repeat(SYS_getuid, (int)(long)times);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;

	if (argc > 1) {
		long times = atol(argv[1]);

		if (pthread_create(&thread, NULL, other_thread, (void *)times))
			return 1;
		repeat(SYS_getppid, (int)times);
		return pthread_join(thread, NULL) != 0;
	}
	repeat(SYS_getppid, 400);
	repeat(SYS_getuid, 200);
	repeat(SYS_getpgrp, 100);
	return 0;
}

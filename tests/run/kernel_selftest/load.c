/* SPDX-License-Identifier: GPL-2.0-or-later */
/* load N [THREADS]: N calls of getppid(2) from each thread. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static long count;

static void *calls(void *unused)
{
	for (long i = 0; i < count; i++)
		syscall(SYS_getppid);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int n = argc > 2 ? atoi(argv[2]) : 1;

	count = atol(argv[1]);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, calls, NULL);
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// Counts the signals that a script raises in it, and says how many by getpgid(-1 - count): SIGUSR1 during
// 1,000 calls of getppid; signal 40 while it sleeps and wakes until 1,000 have come; then 200 children are
// born and end.
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile int count;

static void take(int signal)
{
	(void)signal;
	count++;
}

static void tell(void)
{
	syscall(SYS_getpgid, -1 - count);
	count = 0;
}

int main(void)
{
	const struct sigaction action = {.sa_handler = take};
	const struct timespec moment = {.tv_nsec = 1000};

	sigaction(SIGUSR1, &action, NULL);
	sigaction(40, &action, NULL);
	for (int i = 0; i < 1000; i++)
		syscall(SYS_getppid);
	tell();
	for (int i = 0; i < 20000 && count < 1000; i++)
		nanosleep(&moment, NULL);
	for (int i = 0; i < 10; i++) /* none is to come now */
		nanosleep(&moment, NULL);
	tell();
	for (int i = 0; i < 200; i++) {
		pid_t child = fork();

		if (!child)
			_exit(0);
		waitpid(child, NULL, 0);
	}
	tell();
	return 0;
}

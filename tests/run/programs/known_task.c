// SPDX-License-Identifier: GPL-2.0-or-later
// A process of which everything is known: starts itself again with known arguments and environment, takes
// known ids, limits, a priority, a folder and files, and calls getpgrp(2) once; then getppid(2) with known
// memory: its arguments are (bytes, words of 2, words of 4), see `strings`.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static struct {
	int64_t numbers[2];
	char text[32];
	uint16_t utf16[8];
	uint32_t utf32[8];
} memory = {{-2, 0x1122334455667788},
	    "a \"quoted\"\n\001 text",
	    {'g', 0xfc, 0x20ac, 0xd83d, 0xde00, 0},
	    {'g', 0xfc, 0x20ac, 0x1f600, 0}};

int main(int argc, char **argv)
{
	char *words[] = {argv[0], "two words", "", "last", NULL};
	char *variables[] = {"COLOR=blue", "EMPTY=", "COLORS=many", NULL};
	struct rlimit files = {123, 200}, core = {4096, 8192}, lowest = {15, 20};
	volatile int turns;
	sigset_t blocked;

	(void)argc;
	if (strcmp(argv[1], "two words") != 0) {
		execve("/proc/self/exe", words, variables);
		return 1;
	}
	setpgid(0, 0);
	nice(5);
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_NICE, &lowest);
	for (turns = 0; turns < 20000000; turns++) /* some ticks of the clock */
		;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR1);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	close_range(3, 1000, 0);
	open("/proc/self/status", O_RDONLY);
	prctl(PR_SET_NAME, "known");
	chdir("/proc");
	setresgid(11, 12, 13);
	setresuid(21, 22, 23);
	syscall(SYS_getpgrp);
	syscall(SYS_getppid, &memory, memory.text, memory.utf16, memory.utf32, 5, 6);
	return 0;
}

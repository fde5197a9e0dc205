// SPDX-License-Identifier: GPL-2.0-or-later
// arming_watch: what the kernel's list of kprobes says of those on getppid (under any of its names) while
// getpgrp, which a script probes, switches it off and on again: its states in turn, then whether the median
// change took at most 100 ms.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { CHANGES = 6 };

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

/* 1: armed, 0: disabled, 2: one of several is, -1: not there. */
static int state(void)
{
	FILE *list = fopen("/sys/kernel/debug/kprobes/list", "r");
	char line[256];
	int armed = 0, disabled = 0;

	while (list && fgets(line, sizeof(line), list))
		if (strstr(line, "_sys_getppid+"))
			*(strstr(line, "[DISABLED]") ? &disabled : &armed) += 1;
	if (list)
		fclose(list);
	return armed && disabled ? 2 : armed ? 1 : disabled ? 0 : -1;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	int64_t took[CHANGES];

	mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	printf("at first %d\n", state());
	for (int change = 0; change < CHANGES; change++) {
		int before = state();
		int64_t start = now_us();

		syscall(SYS_getpgrp);
		while ((state() == before || state() == 2) && now_us() - start < 1000000)
			usleep(1000);
		took[change] = now_us() - start;
		printf("then %d\n", state());
		for (int i = 0; i < 10; i++)
			syscall(SYS_getppid);
	}
	qsort(took, CHANGES, sizeof(*took), compare);
	printf("%s\n", took[CHANGES / 2] <= 100000 ? "within 100 ms" : "later than 100 ms");
	return 0;
}

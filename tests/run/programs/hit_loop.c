// SPDX-License-Identifier: GPL-2.0-or-later
// hit_loop BATCHES CALLS: getppid CALLS times in a loop, BATCHES times over; prints the median batch's ticks
// of the time stamp counter for one call, with a tenth. In a guest started with `tap-vm --count-instructions`
// a tick is an instruction.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <x86intrin.h>

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	long batches = argc > 1 ? atol(argv[1]) : 21, calls = argc > 2 ? atol(argv[2]) : 1000;
	uint64_t *ticks;

	if (batches < 1 || batches > 100000 || calls < 1 || !(ticks = calloc(batches, sizeof(*ticks))))
		return 1;
	for (long batch = 0; batch < batches; batch++) {
		uint64_t start = __rdtsc();

		for (long call = 0; call < calls; call++)
			syscall(SYS_getppid);
		ticks[batch] = __rdtsc() - start;
	}
	qsort(ticks, batches, sizeof(*ticks), compare);
	printf("hit_loop: %.1f\n", (double)ticks[batches / 2] / (double)calls);
	free(ticks);
	return 0;
}

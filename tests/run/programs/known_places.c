// SPDX-License-Identifier: GPL-2.0-or-later
// Makes each of these calls once, in this order: getrusage() of the children, pipe2() with O_NONBLOCK,
// msgctl() that removes queue 12345 (which is not there), reads of all of /proc/self/mounts, /proc/self/maps
// and /proc/modules; then it asks the vDSO for the time. The exit status tells which one went wrong.
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static int read_all(const char *path)
{
	static char data[1 << 16];
	int file = open(path, O_RDONLY);
	long count;

	if (file < 0)
		return 0;
	do
		count = read(file, data, sizeof(data));
	while (count > 0);
	close(file);
	return count == 0;
}

int main(void)
{
	struct rusage usage;
	struct timespec now;
	int ends[2];

	if (getrusage(RUSAGE_CHILDREN, &usage))
		return 1;
	if (pipe2(ends, O_NONBLOCK))
		return 2;
	if (msgctl(12345, IPC_RMID, NULL) != -1)
		return 3;
	if (!read_all("/proc/self/mounts"))
		return 4;
	if (!read_all("/proc/self/maps"))
		return 5;
	if (!read_all("/proc/modules"))
		return 6;
	return clock_gettime(CLOCK_REALTIME, &now) ? 7 : 0;
}

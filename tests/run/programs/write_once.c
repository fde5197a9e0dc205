// SPDX-License-Identifier: GPL-2.0-or-later
// write_once N: one write of N zero bytes to /dev/null.
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int bytes = argc > 1 ? atoi(argv[1]) : 1;
	int fd = open("/dev/null", O_WRONLY);
	char *data = calloc(1, bytes ? bytes : 1);

	return data && write(fd, data, bytes) == bytes ? 0 : 1;
}

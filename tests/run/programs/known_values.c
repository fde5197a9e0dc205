// SPDX-License-Identifier: GPL-2.0-or-later
// Makes each of these calls once, with values that a script can expect: mmap() of 5 pages at 0x50000000,
// setsockopt() SO_REUSEADDR and then SO_RCVBUF on a TCP socket with the option's value at 0x50000100, and
// write() of 512 bytes to a file in /tmp.
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	char *place = mmap((void *)0x50000000, 5 * 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	int connection = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1, size = 20480;
	int file = open("/tmp/known_values", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (place == MAP_FAILED || connection < 0 || file < 0)
		return 1;
	memcpy(place + 0x100, &one, sizeof one);
	if (setsockopt(connection, SOL_SOCKET, SO_REUSEADDR, place + 0x100, sizeof one))
		return 2;
	memcpy(place + 0x100, &size, sizeof size);
	if (setsockopt(connection, SOL_SOCKET, SO_RCVBUF, place + 0x100, sizeof size))
		return 3;
	return write(file, place, 512) == 512 ? 0 : 4;
}

// SPDX-License-Identifier: GPL-2.0-or-later
// System calls with arguments that scripts know: reads, writes and sets limits. The exit status says what
// came of them: 0 when all was as asked for; bit 0: the read gave another number of bytes; bit 1: the limit
// became another.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
	static char data[4096];
	struct rlimit limit = {.rlim_cur = 100, .rlim_max = 200}, now = {0, 0};
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(4660)};
	int fd = open("/tmp/known_writes", O_CREAT | O_RDWR | O_TRUNC, 0640), status = 0, udp;

	memset(data, 'x', sizeof(data));
	if (fd < 0 || pwrite(fd, data, sizeof(data), 8192) != sizeof(data))
		return 128;
	if (pread(fd, data, 123, 8200) != 123)
		status |= 1;
	if (setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &now))
		return 129;
	if (now.rlim_cur != limit.rlim_cur)
		status |= 2;
	udp = socket(AF_INET, SOCK_DGRAM, 0);
	inet_pton(AF_INET, "127.1.2.3", &address.sin_addr);
	connect(udp, (struct sockaddr *)&address, sizeof(address));
	unlink("/tmp/known_writes");
	return status;
}

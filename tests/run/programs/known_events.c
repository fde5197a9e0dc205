// SPDX-License-Identifier: GPL-2.0-or-later
// Makes known events, of the kind that its argument names: net (TCP and UDP over the loopback device, which
// it brings up), file, memory, signal, process, block.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/blkpg.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static int expect(int fine)
{
	if (!fine)
		_exit(1);
	return fine;
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(s, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	expect(ioctl(s, SIOCSIFFLAGS, &request) == 0);
	close(s);
}

static void tcp(int family)
{
	struct sockaddr_in6 six = {
	    .sin6_family = AF_INET6, .sin6_port = htons(5577), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
	struct sockaddr_in four = {
	    .sin_family = AF_INET, .sin_port = htons(5577), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four : (struct sockaddr *)&six;
	socklen_t bytes = family == AF_INET ? sizeof(four) : sizeof(six);
	int listener = socket(family, SOCK_STREAM, 0), client = socket(family, SOCK_STREAM, 0), server,
	    one = 1;
	char buffer[64];

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	expect(bind(listener, address, bytes) == 0 && listen(listener, 1) == 0);
	expect(connect(client, address, bytes) == 0);
	server = accept(listener, NULL, NULL);
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	expect(send(client, "eleven byte", 11, 0) == 11);
	expect(recv(server, buffer, sizeof(buffer), 0) == 11);
	expect(write(server, "seven b", 7) == 7);
	expect(read(client, buffer, sizeof(buffer)) == 7);
	close(client);
	close(server);
	close(listener);
}

static void udp(void)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_port = htons(5588), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr nobody = {.sa_family = AF_UNSPEC};
	int server = socket(AF_INET, SOCK_DGRAM, 0), client = socket(AF_INET, SOCK_DGRAM, 0);
	char buffer[64];

	expect(bind(server, (struct sockaddr *)&address, sizeof(address)) == 0);
	expect(connect(client, (struct sockaddr *)&address, sizeof(address)) == 0);
	expect(send(client, "five!", 5, 0) == 5);
	expect(recv(server, buffer, sizeof(buffer), 0) == 5);
	connect(client, &nobody, sizeof(nobody));
	close(client);
	close(server);
}

static void file(void)
{
	int f = open("/tmp/known_file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	struct iovec parts[2] = {{"abc", 3}, {"defgh", 5}};
	char buffer[100];

	expect(write(f, "twelve bytes", 12) == 12);
	expect(writev(f, parts, 2) == 8);
	lseek(f, 5, SEEK_SET);
	expect(read(f, buffer, 40) == 15);
	lseek(f, 0, SEEK_SET);
	parts[0] = (struct iovec){buffer, 4};
	parts[1] = (struct iovec){buffer + 4, 6};
	expect(readv(f, parts, 2) == 10);
	close(f);
	unlink("/tmp/known_file");
}

static void memory(void)
{
	char *pages = mmap((void *)0x500000000, 3 * 4096, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);

	pages[4096] = pages[0]; // a fault for reading, of the page of zeroes; and one for writing
	pages[0] = 1;		// which now is copied
	munmap(pages, 3 * 4096);
	brk((char *)sbrk(0) + 0x5000);
}

static void on_signal(int number)
{
	(void)number;
}

static void signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
	sigset_t set;

	sigemptyset(&action.sa_mask);
	sigaddset(&action.sa_mask, SIGINT);
	sigaction(SIGUSR1, &action, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR1);
	syscall(SYS_tkill, gettid(), SIGUSR1);
	syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1);
	sigqueue(getpid(), SIGUSR2, (union sigval){.sival_int = 3});
	sigpending(&set);
}

static void process(char *self)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execl(self, self, "exit", (char *)NULL);
		_exit(9);
	}
	waitpid(child, &status, 0);
}

/* 8192 bytes are read from the second device of null_blk, as many written to a partition that it gets for
 * that. */
static void block(void)
{
	static char bytes[8192] __attribute__((aligned(4096)));
	struct blkpg_partition partition = {.start = 1 << 20, .length = 1 << 20, .pno = 2};
	struct blkpg_ioctl_arg request = {
	    .op = BLKPG_ADD_PARTITION, .datalen = sizeof(partition), .data = &partition};
	int disk = open("/dev/nullb1", O_RDWR | O_DIRECT), part;

	expect(disk >= 0 && ioctl(disk, BLKPG, &request) == 0);
	expect(pread(disk, bytes, sizeof(bytes), 0) == sizeof(bytes));
	part = open("/dev/nullb1p2", O_RDWR | O_DIRECT);
	expect(part >= 0 && pwrite(part, bytes, sizeof(bytes), 4096) == sizeof(bytes));
	close(part);
	request.op = BLKPG_DEL_PARTITION;
	expect(ioctl(disk, BLKPG, &request) == 0);
}

int main(int argc, char **argv)
{
	(void)argc;
	if (!strcmp(argv[1], "net")) {
		loopback_up();
		tcp(AF_INET);
		tcp(AF_INET6);
		udp();
	} else if (!strcmp(argv[1], "file")) {
		file();
	} else if (!strcmp(argv[1], "memory")) {
		memory();
	} else if (!strcmp(argv[1], "signal")) {
		signals();
	} else if (!strcmp(argv[1], "process")) {
		process(argv[0]);
	} else if (!strcmp(argv[1], "block")) {
		block();
	} else if (!strcmp(argv[1], "exit")) {
		return 7;
	}
	return 0;
}

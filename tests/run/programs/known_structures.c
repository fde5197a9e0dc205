// SPDX-License-Identifier: GPL-2.0-or-later
// Makes system calls whose arguments are structures, and calls of i386 that stand for others (by int 0x80, so
// that their addresses must have 32 bits). Most fail.
#define _GNU_SOURCE
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utime.h>

static struct low {
	uint32_t words[16];
	struct sockaddr_in internet;
	char text[16];
} *low;

// The sixth argument is what is in rbp. Some kernels clear r8 to r11.
static long call32(int number, long a, long b, long c, long d, long e)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static long socketcall(int which, uint32_t a, uint32_t b, uint32_t c, uint32_t d, uint32_t e, uint32_t f)
{
	uint32_t words[6] = {a, b, c, d, e, f};

	memcpy(low->words, words, sizeof(words));
	return call32(102, which, (long)low->words, 0, 0, 0);
}

static void calls_of_i386(void)
{
	low = mmap((void *)0x10000000, sizeof(*low), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	low->internet = (struct sockaddr_in){AF_INET, htons(25), {htonl(INADDR_LOOPBACK)}, {0}};
	strcpy(low->text, "some bytes");
	socketcall(1, AF_INET, SOCK_STREAM, 0, 0, 0, 0);
	socketcall(3, -1, (long)&low->internet, sizeof(low->internet), 0, 0, 0);
	socketcall(5, -1, 0, 0, 0, 0, 0);
	socketcall(9, -1, (long)low->text, 10, MSG_DONTWAIT, 0, 0);
	socketcall(11, -1, (long)low->text, 4, 0, (long)&low->internet, sizeof(low->internet));
	socketcall(13, -1, SHUT_WR, 0, 0, 0, 0);
	call32(102, 77, (long)low->words, 0, 0, 0); // no such call
	call32(117, 2, 5, 1, 0, 0);		    // semget
	low->words[8] = 9;
	call32(117, 3, -1, 2, 16 /* SETVAL */, (long)&low->words[8]); // semctl
	low->words[8] = 0x1000;
	low->words[9] = 6;
	call32(117, 12, -1, 8, IPC_NOWAIT, (long)&low->words[8]); // msgrcv
	call32(117, 22, 0, 0, 0, 0x3000);			  // shmdt
	low->words[0] = 0x2000, low->words[1] = 1 << (SIGUSR1 - 1), low->words[2] = SA_RESTART,
	low->words[3] = 0;
	call32(67, SIGUSR2, (long)low->words, 0, 0, 0); // sigaction
}

int main(void)
{
	struct sockaddr_in6 six = {AF_INET6, htons(80), htonl(7), IN6ADDR_LOOPBACK_INIT, 5};
	struct sockaddr_un local = {AF_UNIX, "/nonexistent"};
	struct utimbuf times = {11, 12};
	int ends[2], status;
	pid_t child;

	bind(-1, (struct sockaddr *)&six, sizeof(six));
	connect(-1, (struct sockaddr *)&local, sizeof(local));
	syscall(SYS_utime, "/nonexistent", &times);
	syscall(SYS_pipe, ends);
	syscall(SYS_accept4, -1, NULL, NULL, SOCK_NONBLOCK);
	child = fork();
	if (!child)
		_exit(3);
	waitpid(child, &status, 0);
	child = fork();
	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(5);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACEEXIT);
	ptrace(PTRACE_CONT, child, 0, 0);
	waitpid(child, &status, 0);
	ptrace(PTRACE_GETEVENTMSG, child, 0, &status);
	ptrace(PTRACE_CONT, child, 0, 0);
	waitpid(child, &status, 0);
	calls_of_i386();
	return 0;
}

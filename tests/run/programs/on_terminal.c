// SPDX-License-Identifier: GPL-2.0-or-later
// on_terminal KEYS PROGRAM ARGUMENT...: runs the program on a terminal of its own, shows its output, and
// types each key when the terminal gives them at once (as the program has asked for). Says when it does, and
// whether it is as before in the end. The key & is not typed: as a shell would, the terminal's first process
// takes it for itself and interrupts the program, which is in the background then; says if that is stopped.
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static int gives_lines(int terminal)
{
	struct termios now;

	return tcgetattr(terminal, &now) == 0 && (now.c_lflag & ICANON);
}

// What has come within 50 ms.
static void show(int terminal)
{
	struct pollfd wait = {terminal, POLLIN, 0};
	char bytes[1000];
	ssize_t n;

	while (poll(&wait, 1, 50) > 0 && (n = read(terminal, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] != '\r')
				putchar(bytes[i]);
}

static pid_t program;

static void take_terminal(int number __attribute__((unused)))
{
	tcsetpgrp(0, getpgrp());
	kill(-program, SIGINT);
}

// The first process on the terminal. Ends as its program does.
static int be_shell(char **words)
{
	struct sigaction action = {.sa_handler = take_terminal, .sa_flags = SA_RESTART};
	sigset_t set;
	int status;

	signal(SIGTTOU, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &action, NULL);
	program = fork();
	if (program == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpgrp());
		signal(SIGTTOU, SIG_DFL);
		sigprocmask(SIG_UNBLOCK, &set, NULL);
		execv(words[0], words);
		_exit(127);
	}
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	while (waitpid(program, &status, WUNTRACED) == program && WIFSTOPPED(status)) {
		dprintf(1, "[stopped]\n");
		tcsetpgrp(0, program);
		kill(-program, SIGCONT);
	}
	return WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	int terminal = posix_openpt(O_RDWR | O_NOCTTY), program_side, status = 1;
	struct termios plain;
	pid_t child;

	if (argc < 3 || terminal < 0 || grantpt(terminal) || unlockpt(terminal))
		return 1;
	program_side = open(ptsname(terminal), O_RDWR | O_NOCTTY);
	tcgetattr(program_side, &plain);
	plain.c_lflag &= ~ECHO;
	tcsetattr(program_side, TCSANOW, &plain);
	child = fork();
	if (child == 0) {
		setsid();
		ioctl(program_side, TIOCSCTTY, 0);
		for (int fd = 0; fd < 3; fd++)
			dup2(program_side, fd);
		_exit(be_shell(argv + 2));
	}
	while (gives_lines(program_side) && waitpid(child, &status, WNOHANG) == 0)
		show(terminal);
	if (!gives_lines(program_side))
		printf("[keys]\n");
	for (char *key = argv[1]; *key; key++) {
		if (*key == '&')
			kill(child, SIGUSR1);
		else if (write(terminal, key, 1) != 1)
			return 1;
		show(terminal);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		show(terminal);
	show(terminal);
	printf("[%s, status %d]\n", gives_lines(program_side) ? "lines" : "keys", WEXITSTATUS(status));
	return 0;
}

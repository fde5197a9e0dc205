// SPDX-License-Identifier: GPL-2.0-or-later
// known_waiters N: N children wait in msgrcv() at the same time, for a message of type 7 that never comes;
// when all of them wait, the queue is removed. The exit status is the number of children that did not get
// EIDRM.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/wait.h>
#include <unistd.h>

static int sleeps(pid_t child)
{
	char path[64], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", child);
	file = fopen(path, "r");
	if (!file)
		return 0;
	if (fscanf(file, "%*d %*s %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'S';
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 1, queue = msgget(IPC_PRIVATE, 0600), wrong = 0, status;
	pid_t children[64];

	if (queue < 0 || count < 1 || count > 64)
		return 128;
	for (int i = 0; i < count; i++) {
		children[i] = fork();
		if (!children[i]) {
			struct {
				long type;
				char text[16];
			} message;
			_exit(msgrcv(queue, &message, sizeof(message.text), 7, 0) != -1 || errno != EIDRM);
		}
	}
	for (int i = 0; i < count; i++)
		while (!sleeps(children[i]))
			sched_yield();
	msgctl(queue, IPC_RMID, NULL);
	while (wait(&status) > 0)
		wrong += status != 0;
	return wrong;
}

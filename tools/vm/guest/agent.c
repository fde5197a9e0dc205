// SPDX-License-Identifier: GPL-2.0-or-later
// The agent: one poll loop over the port, the children's pipes and SIGCHLD. It never blocks on the port:
// commands (a signal, say) are read even while output waits for a slow reader on the host. Children's pipes
// are only read while little output waits, so that a slow reader slows the child and nothing is dropped.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/vm/frame.h"
#include "tools/vm/guest/agent.h"

enum { RUN_LIMIT = 32, PUT_LIMIT = 16, OUTPUT_WATERMARK = 256 << 10 };

struct buffer {
	char *bytes;
	size_t start, end, capacity;
};

struct run {
	int used;
	uint32_t id;
	pid_t pid;
	int input, output, error; // our ends; -1 when closed
	struct buffer pending_input;
	int input_ended; // the host sent end of file
	uint32_t flags;
};

struct put {
	int used;
	uint32_t id;
	int file;
	int error_number;
	int64_t mtime;
	char path[4096], temporary[4160];
};

static int port;
static struct buffer incoming, outgoing;
static struct run runs[RUN_LIMIT];
static struct put puts_open[PUT_LIMIT];
static int children; // signalfd of SIGCHLD
static int power_off_asked;

static void buffer_reserve(struct buffer *buffer, size_t more)
{
	if (buffer->end + more <= buffer->capacity)
		return;
	if (buffer->start) {
		memmove(buffer->bytes, buffer->bytes + buffer->start, buffer->end - buffer->start);
		buffer->end -= buffer->start;
		buffer->start = 0;
	}
	if (buffer->end + more > buffer->capacity) {
		buffer->capacity = (buffer->end + more) * 2;
		buffer->bytes = realloc(buffer->bytes, buffer->capacity);
		if (!buffer->bytes)
			_exit(1);
	}
}

static void buffer_append(struct buffer *buffer, const void *bytes, size_t length)
{
	if (!length)
		return;
	buffer_reserve(buffer, length);
	memcpy(buffer->bytes + buffer->end, bytes, length);
	buffer->end += length;
}

static size_t buffer_length(const struct buffer *buffer)
{
	return buffer->end - buffer->start;
}

static void send_frame(uint32_t id, uint16_t type, const void *first, size_t first_length, const void *second,
		       size_t second_length)
{
	struct vm_frame frame = {id, type, 0, (uint32_t)(first_length + second_length)};

	buffer_append(&outgoing, &frame, sizeof(frame));
	buffer_append(&outgoing, first, first_length);
	buffer_append(&outgoing, second, second_length);
}

static void send_reply(uint32_t id, int error_number, uint64_t size, int64_t mtime)
{
	struct vm_reply reply = {error_number, 0, size, mtime};

	send_frame(id, VM_REPLY, &reply, sizeof(reply), NULL, 0);
}

static void send_exit(uint32_t id, int start_errno, int wait_status)
{
	struct vm_exit ended = {start_errno, wait_status};

	send_frame(id, VM_EXIT, &ended, sizeof(ended), NULL, 0);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

// --- files
// -----------------------------------------------------------------------------------------------------------

static void make_parents(const char *path)
{
	char parent[4096];

	snprintf(parent, sizeof(parent), "%s", path);
	for (char *slash = strchr(parent + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(parent, 0755);
		*slash = '/';
	}
}

static struct put *find_put(uint32_t id)
{
	for (int i = 0; i < PUT_LIMIT; i++)
		if (puts_open[i].used && puts_open[i].id == id)
			return &puts_open[i];
	return NULL;
}

static void put_begin(uint32_t id, const char *payload, size_t length)
{
	struct vm_file file;
	struct put *put = NULL;

	for (int i = 0; i < PUT_LIMIT && !put; i++)
		if (!puts_open[i].used)
			put = &puts_open[i];
	if (!put || length <= sizeof(file) || length - sizeof(file) >= sizeof(put->path))
		return; // VM_PUT_END will answer EBADF
	memcpy(&file, payload, sizeof(file));
	memset(put, 0, sizeof(*put));
	put->used = 1;
	put->id = id;
	put->mtime = file.mtime;
	memcpy(put->path, payload + sizeof(file), length - sizeof(file));
	make_parents(put->path);
	// Written beside and renamed: a program or library in use must not change under its users.
	snprintf(put->temporary, sizeof(put->temporary), "%s.tap-%u", put->path, id);
	put->file = open(put->temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, file.mode & 07777);
	if (put->file < 0)
		put->error_number = errno;
	else
		fchmod(put->file, file.mode & 07777);
}

static void put_data(uint32_t id, const char *payload, size_t length)
{
	struct put *put = find_put(id);

	while (put && length && !put->error_number) {
		ssize_t written = write(put->file, payload, length);

		if (written < 0) {
			put->error_number = errno;
			return;
		}
		payload += written;
		length -= (size_t)written;
	}
}

static void put_end(uint32_t id)
{
	struct put *put = find_put(id);
	struct timespec times[2];

	if (!put) {
		send_reply(id, EBADF, 0, 0);
		return;
	}
	times[0].tv_sec = times[1].tv_sec = put->mtime;
	times[0].tv_nsec = times[1].tv_nsec = 0;
	if (put->file >= 0) {
		futimens(put->file, times);
		close(put->file);
	}
	if (!put->error_number && rename(put->temporary, put->path) != 0)
		put->error_number = errno;
	if (put->error_number)
		unlink(put->temporary);
	send_reply(id, put->error_number, 0, 0);
	put->used = 0;
}

static void stat_path(uint32_t id, const char *payload, size_t length)
{
	char path[4096];
	struct stat facts;

	if (length >= sizeof(path)) {
		send_reply(id, ENAMETOOLONG, 0, 0);
		return;
	}
	memcpy(path, payload, length);
	path[length] = '\0';
	if (stat(path, &facts) != 0)
		send_reply(id, errno, 0, 0);
	else
		send_reply(id, 0, (uint64_t)facts.st_size, facts.st_mtime);
}

// --- runs
// ------------------------------------------------------------------------------------------------------------

static struct run *find_run(uint32_t id)
{
	for (int i = 0; i < RUN_LIMIT; i++)
		if (runs[i].used && runs[i].id == id)
			return &runs[i];
	return NULL;
}

static void run_child(char **strings, const struct vm_run *header, int input, int output, int error,
		      int report)
{
	char **arguments = strings + 1;
	char **environment = strings + 1 + header->argument_count;
	sigset_t none;
	int failure;

	setsid();
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	dup2(input, 0);
	dup2(output, 1);
	dup2(error, 2);
	for (uint32_t i = 0; i < header->environment_count; i++)
		putenv(environment[i]);
	// The two arrays share one block of pointers: the arguments must end in NULL.
	char *list[header->argument_count + 1];
	memcpy(list, arguments, header->argument_count * sizeof(*list));
	list[header->argument_count] = NULL;
	if (strings[0][0] && chdir(strings[0]) != 0) {
		make_parents(strings[0]);
		mkdir(strings[0], 0755);
		if (chdir(strings[0]) != 0)
			chdir("/");
	}
	execvp(list[0], list);
	failure = errno;
	if (write(report, &failure, sizeof(failure)) < 0)
		_exit(126);
	_exit(127);
}

// Splits the payload of VM_RUN into its strings; NULL when it does not hold what it says.
static char **split_strings(char *text, size_t length, uint32_t count)
{
	char **strings;
	char *end = text + length;

	if (!length || text[length - 1] != '\0' || count > length)
		return NULL;
	strings = calloc(count + 1, sizeof(*strings));
	for (uint32_t i = 0; strings && i < count; i++) {
		if (text >= end) {
			free(strings);
			return NULL;
		}
		strings[i] = text;
		text += strlen(text) + 1;
	}
	return strings;
}

static int start_run(struct run *run, const struct vm_run *header, char **strings)
{
	int in[2] = {-1, -1}, out[2] = {-1, -1}, err[2] = {-1, -1}, report[2] = {-1, -1};
	int failure = 0;

	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(report, O_CLOEXEC)) {
		failure = errno;
	} else if (header->flags & VM_RUN_STDIN) {
		if (pipe2(in, O_CLOEXEC))
			failure = errno;
	} else {
		in[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (!failure) {
		run->pid = fork();
		if (run->pid == 0)
			run_child(strings, header, in[0], out[1], err[1], report[1]);
		if (run->pid < 0)
			failure = errno;
	}
	close_end(&in[0]);
	close_end(&out[1]);
	close_end(&err[1]);
	close_end(&report[1]);
	// The pipe closes at exec; a number in it is why exec failed.
	if (!failure && read(report[0], &failure, sizeof(failure)) == sizeof(failure))
		waitpid(run->pid, NULL, 0);
	close_end(&report[0]);
	run->input = in[1];
	run->output = out[0];
	run->error = err[0];
	if (failure) {
		close_end(&run->input);
		close_end(&run->output);
		close_end(&run->error);
		return failure;
	}
	if (run->input >= 0)
		fcntl(run->input, F_SETFL, O_NONBLOCK);
	fcntl(run->output, F_SETFL, O_NONBLOCK);
	fcntl(run->error, F_SETFL, O_NONBLOCK);
	return 0;
}

static void run_begin(uint32_t id, char *payload, size_t length)
{
	struct vm_run header;
	struct run *run = NULL;
	char **strings = NULL;
	int failure = EINVAL;

	for (int i = 0; i < RUN_LIMIT && !run; i++)
		if (!runs[i].used)
			run = &runs[i];
	if (!run) {
		send_exit(id, EAGAIN, 0);
		return;
	}
	if (length > sizeof(header)) {
		memcpy(&header, payload, sizeof(header));
		if (header.argument_count && header.argument_count < VM_FRAME_LIMIT &&
		    header.environment_count < VM_FRAME_LIMIT)
			strings = split_strings(payload + sizeof(header), length - sizeof(header),
						1 + header.argument_count + header.environment_count);
	}
	if (strings) {
		memset(run, 0, sizeof(*run));
		run->id = id;
		run->flags = header.flags;
		failure = start_run(run, &header, strings);
		run->used = !failure;
	}
	free(strings);
	if (failure)
		send_exit(id, failure, 0);
}

// Passes on at most one piece; returns 1 when there was one.
static int forward_output(struct run *run, int *fd, uint16_t type)
{
	static char piece[VM_DATA_CHUNK];
	ssize_t got;

	if (*fd < 0)
		return 0;
	got = read(*fd, piece, sizeof(piece));
	if (got > 0) {
		send_frame(run->id, type, piece, (size_t)got, NULL, 0);
		return 1;
	}
	if (got == 0 || (errno != EAGAIN && errno != EINTR))
		close_end(fd);
	return 0;
}

static void forward_input(struct run *run)
{
	struct buffer *pending = &run->pending_input;

	while (run->input >= 0 && buffer_length(pending)) {
		ssize_t written = write(run->input, pending->bytes + pending->start, buffer_length(pending));

		if (written > 0) {
			pending->start += (size_t)written;
			continue;
		}
		if (errno == EAGAIN || errno == EINTR)
			return;
		close_end(&run->input); // the program does not read any more
	}
	if (run->input_ended)
		close_end(&run->input);
}

// All that the ended process itself wrote is in the pipes already. A process that it left behind may keep
// them open; it is not waited for.
static void run_ended(struct run *run, int wait_status)
{
	if (run->flags & VM_RUN_END_ALL)
		kill(-run->pid, SIGKILL);
	while (forward_output(run, &run->output, VM_STDOUT))
		;
	while (forward_output(run, &run->error, VM_STDERR))
		;
	send_exit(run->id, 0, wait_status);
	close_end(&run->input);
	close_end(&run->output);
	close_end(&run->error);
	free(run->pending_input.bytes);
	memset(run, 0, sizeof(*run));
}

static void reap_children(void)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	while (read(children, &info, sizeof(info)) > 0)
		;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < RUN_LIMIT; i++)
			if (runs[i].used && runs[i].pid == pid)
				run_ended(&runs[i], status);
}

// --- kernel messages
// -------------------------------------------------------------------------------------------------

static void send_dmesg(uint32_t id, uint64_t first)
{
	char record[8192];
	uint64_t next = first;
	int file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	while (file >= 0) {
		ssize_t got = read(file, record, sizeof(record) - 1);
		unsigned long long sequence;

		if (got < 0 && (errno == EPIPE || errno == EINTR))
			continue; // overwritten while we read: go on with the oldest one left
		if (got <= 0)
			break;
		record[got] = '\0';
		if (sscanf(record, "%*u,%llu,", &sequence) != 1 || sequence < first)
			continue;
		next = sequence + 1;
		send_frame(id, VM_DMESG_DATA, record, (size_t)got, NULL, 0);
	}
	close_end(&file);
	send_frame(id, VM_DMESG_END, &next, sizeof(next), NULL, 0);
}

// --- the loop
// --------------------------------------------------------------------------------------------------------

static void handle_frame(const struct vm_frame *frame, char *payload)
{
	struct run *run;
	uint32_t signal_number;
	uint64_t first;

	switch (frame->type) {
	case VM_PUT_BEGIN:
		put_begin(frame->id, payload, frame->length);
		break;
	case VM_PUT_DATA:
		put_data(frame->id, payload, frame->length);
		break;
	case VM_PUT_END:
		put_end(frame->id);
		break;
	case VM_STAT:
		stat_path(frame->id, payload, frame->length);
		break;
	case VM_RUN:
		run_begin(frame->id, payload, frame->length);
		break;
	case VM_STDIN:
		run = find_run(frame->id);
		if (!run)
			break;
		buffer_append(&run->pending_input, payload, frame->length);
		run->input_ended |= frame->length == 0;
		forward_input(run);
		break;
	case VM_SIGNAL:
		run = find_run(frame->id);
		if (run && frame->length == sizeof(signal_number)) {
			memcpy(&signal_number, payload, sizeof(signal_number));
			kill(signal_number & VM_SIGNAL_GROUP ? -run->pid : run->pid,
			     (int)(signal_number & (VM_SIGNAL_GROUP - 1)));
		}
		break;
	case VM_DMESG:
		memcpy(&first, payload, frame->length == sizeof(first) ? sizeof(first) : 0);
		send_dmesg(frame->id, frame->length == sizeof(first) ? first : 0);
		break;
	case VM_POWER_OFF:
		power_off_asked = 1;
		break;
	}
}

// Returns -1 when the stream is broken.
static int handle_incoming(void)
{
	while (buffer_length(&incoming) >= sizeof(struct vm_frame)) {
		struct vm_frame frame;

		memcpy(&frame, incoming.bytes + incoming.start, sizeof(frame));
		if (frame.length > VM_FRAME_LIMIT)
			return -1;
		if (buffer_length(&incoming) < sizeof(frame) + frame.length)
			break;
		handle_frame(&frame, incoming.bytes + incoming.start + sizeof(frame));
		incoming.start += sizeof(frame) + frame.length;
	}
	if (incoming.start == incoming.end)
		incoming.start = incoming.end = 0;
	return 0;
}

// Returns -1 when the host is gone or the stream is broken.
static int read_port(void)
{
	ssize_t got;

	buffer_reserve(&incoming, 64 << 10);
	got = read(port, incoming.bytes + incoming.end, 64 << 10);
	if (got == 0)
		return -1;
	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	incoming.end += (size_t)got;
	return handle_incoming();
}

static int write_port(void)
{
	while (buffer_length(&outgoing)) {
		ssize_t written = write(port, outgoing.bytes + outgoing.start, buffer_length(&outgoing));

		if (written <= 0)
			return written == 0 || errno == EAGAIN || errno == EINTR ? 0 : -1;
		outgoing.start += (size_t)written;
	}
	outgoing.start = outgoing.end = 0;
	return 0;
}

static nfds_t add_poll(struct pollfd *polls, nfds_t count, int fd, short events)
{
	if (fd < 0)
		return count;
	polls[count].fd = fd;
	polls[count].events = events;
	polls[count].revents = 0;
	return count + 1;
}

static nfds_t fill_polls(struct pollfd *polls)
{
	int room = buffer_length(&outgoing) < OUTPUT_WATERMARK;
	nfds_t count = 0;

	count = add_poll(polls, count, port, (short)(POLLIN | (buffer_length(&outgoing) ? POLLOUT : 0)));
	if (room)
		count = add_poll(polls, count, children, POLLIN);
	for (int i = 0; i < RUN_LIMIT; i++) {
		if (!runs[i].used)
			continue;
		if (room) {
			count = add_poll(polls, count, runs[i].output, POLLIN);
			count = add_poll(polls, count, runs[i].error, POLLIN);
		}
		if (buffer_length(&runs[i].pending_input))
			count = add_poll(polls, count, runs[i].input, POLLOUT);
	}
	return count;
}

static void send_ready(void)
{
	struct utsname names;
	uint32_t version = VM_PROTOCOL_VERSION;

	uname(&names);
	send_frame(0, VM_READY, &version, sizeof(version), names.release, strlen(names.release));
}

int agent_serve(int agent_port)
{
	struct pollfd polls[2 + 3 * RUN_LIMIT];
	sigset_t child_signal;

	port = agent_port;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&child_signal);
	sigaddset(&child_signal, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child_signal, NULL);
	children = signalfd(-1, &child_signal, SFD_CLOEXEC | SFD_NONBLOCK);
	send_ready();
	while (!power_off_asked) {
		nfds_t count = fill_polls(polls);

		if (poll(polls, count, -1) < 0 && errno != EINTR)
			return 1;
		if (polls[0].revents & (POLLIN | POLLHUP) && read_port() != 0)
			return 1;
		if (buffer_length(&outgoing) < OUTPUT_WATERMARK) {
			for (int i = 0; i < RUN_LIMIT; i++) {
				if (!runs[i].used)
					continue;
				forward_output(&runs[i], &runs[i].output, VM_STDOUT);
				forward_output(&runs[i], &runs[i].error, VM_STDERR);
				forward_input(&runs[i]);
			}
			reap_children();
		}
		if (write_port() != 0)
			return 1;
	}
	return 0;
}

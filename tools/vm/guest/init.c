// SPDX-License-Identifier: GPL-2.0-or-later
// Process 1 of the throw-away guest: mounts what a tracing tool expects, loads the modules that the channel
// to the host needs, starts the agent, reaps orphans, and powers the machine off when the agent ends.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/vm/frame.h"
#include "tools/vm/guest/agent.h"

// MODULE_INIT_COMPRESSED_FILE of linux/module.h: the kernel unpacks (since 5.17, commit b1ae6dc41eaa).
enum { COMPRESSED_MODULE = 4 };

static void say(const char *what, const char *name)
{
	dprintf(STDERR_FILENO, "tapjit guest: %s %s: %s\n", what, name, strerror(errno));
}

static void mount_at(const char *type, const char *where, const char *options)
{
	mkdir(where, 0755);
	if (mount(type, where, type, 0, options) != 0)
		say("cannot mount", where);
}

static void load_module(const char *path)
{
	size_t length = strlen(path);
	int compressed = length > 3 && strcmp(path + length - 3, ".ko") != 0;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0) {
		say("cannot open", path);
		return;
	}
	if (syscall(SYS_finit_module, file, "", compressed ? COMPRESSED_MODULE : 0) != 0 && errno != EEXIST)
		say("cannot load", path);
	close(file);
}

// One path per line, in an order in which each finds what it needs.
static void load_modules(const char *list)
{
	char line[512];
	FILE *file = fopen(list, "re");

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0])
			load_module(line);
	}
	fclose(file);
}

static void loopback_up(void)
{
	struct ifreq request = {0};
	int socket_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (socket_fd < 0)
		return;
	strcpy(request.ifr_name, "lo");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(socket_fd, SIOCSIFFLAGS, &request) != 0)
		say("cannot bring up", "lo");
	close(socket_fd);
}

static int port_is_ours(const char *entry)
{
	char path[320], name[64];
	ssize_t got;
	int file;

	snprintf(path, sizeof(path), "/sys/class/virtio-ports/%s/name", entry);
	file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return 0;
	got = read(file, name, sizeof(name) - 1);
	close(file);
	if (got <= 0)
		return 0;
	name[got] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return strcmp(name, VM_PORT_NAME) == 0;
}

// The port's name arrives by a message after the driver has bound, so a few looks are needed.
static int open_port(void)
{
	char path[320];

	for (int look = 0; look < 1000; look++) {
		DIR *ports = opendir("/sys/class/virtio-ports");
		struct dirent *entry;

		while (ports && (entry = readdir(ports))) {
			int port;

			if (entry->d_name[0] == '.' || !port_is_ours(entry->d_name))
				continue;
			snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
			port = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
			if (port >= 0) {
				closedir(ports);
				return port;
			}
		}
		if (ports)
			closedir(ports);
		usleep(5000);
	}
	return -1;
}

static void mount_all(void)
{
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("devtmpfs", "/dev", "mode=0755");
	mkdir("/dev/pts", 0755);
	mount_at("devpts", "/dev/pts", "mode=0620");
	mount_at("tmpfs", "/dev/shm", "mode=1777");
	mount_at("tmpfs", "/run", "mode=0755");
	mount_at("tmpfs", "/tmp", "mode=1777");
	mount_at("debugfs", "/sys/kernel/debug", NULL);
	mount_at("tracefs", "/sys/kernel/tracing", NULL);
}

static int run_agent(void)
{
	int port = open_port();

	if (port < 0) {
		errno = ENODEV;
		say("no port named", VM_PORT_NAME);
		return 1;
	}
	return agent_serve(port);
}

int main(void)
{
	struct rlimit no_core = {0, 0};
	int status;
	pid_t agent, ended;

	umask(022);
	mount_all();
	setrlimit(RLIMIT_CORE, &no_core);
	sethostname("tapjit", 6);
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	loopback_up();
	load_modules("/etc/tapjit/modules");
	agent = fork();
	if (agent == 0)
		_exit(run_agent());
	do {
		ended = wait(&status);
	} while (ended != agent && !(ended < 0 && errno == ECHILD));
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}

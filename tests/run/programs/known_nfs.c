// SPDX-License-Identifier: GPL-2.0-or-later
// A server and a client of NFS on one machine, by version 3 and then by 4.2, without a daemon of either: the
// modules nfsd, nfsv3 and nfsv4 must be there. What mountd and exportfs would tell the kernel is written to
// its caches, and a stand-in for rpcbind says yes to all.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/nfs_mount.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static void must(int fine, const char *what)
{
	if (!fine) {
		perror(what);
		exit(1);
	}
}

static void tell(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	must(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text), path);
	close(file);
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	ioctl(s, SIOCGIFFLAGS, &request);
	request.ifr_flags |= IFF_UP | IFF_RUNNING;
	must(ioctl(s, SIOCSIFFLAGS, &request) == 0, "lo");
	close(s);
}

// Answers each call of one connection with success and the number 1 (RFC 5531, and 1833 for the numbers).
static void answer_calls(int connection)
{
	uint32_t words[512], size;

	while (recv(connection, words, 4, MSG_WAITALL) == 4) {
		size = ntohl(words[0]) & 0x7fffffff;
		if (size < 4 || size > sizeof(words) ||
		    recv(connection, words, size, MSG_WAITALL) != (ssize_t)size)
			return;
		uint32_t reply[] = {htonl(0x80000000 | 28), words[0], htonl(1), 0, 0, 0, 0, htonl(1)};
		if (write(connection, reply, sizeof(reply)) != sizeof(reply))
			return;
	}
}

static pid_t stand_in_for_rpcbind(void)
{
	struct sockaddr_un address = {AF_UNIX, "/var/run/rpcbind.sock"};
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	pid_t child;

	mkdir("/var", 0755);
	mkdir("/var/run", 0755);
	unlink(address.sun_path);
	must(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 5) == 0,
	     address.sun_path);
	child = fork();
	if (child)
		return child;
	for (;;) {
		int connection = accept(listener, NULL, NULL);

		if (!fork()) {
			answer_calls(connection);
			_exit(0);
		}
		close(connection);
	}
}

static void serve(void)
{
	mkdir("/export", 0755);
	must(mount("export", "/export", "tmpfs", 0, NULL) == 0, "/export");
	mount("nfsd", "/proc/fs/nfsd", "nfsd", 0, NULL);
	mkdir("/var/lib", 0755);
	mkdir("/var/lib/nfs", 0755);
	mkdir("/var/lib/nfs/v4recovery", 0755);
	tell("/proc/net/rpc/auth.unix.ip/channel", "nfsd 127.0.0.1 2147483647 known\n");
	// Writable by root from any port, no checks of folders above, known by a number: 0, the root of
	// version 4.
	tell("/proc/net/rpc/nfsd.export/channel", "known /export 2147483647 9218 65534 65534 0\n");
	tell("/proc/net/rpc/nfsd.fh/channel", "known 1 \\x00000000 2147483647 /export\n");
	tell("/proc/fs/nfsd/threads", "1\n");
	// Else opening waits for clients of before.
	tell("/proc/fs/nfsd/v4_end_grace", "Y\n");
	tell("/proc/fs/lockd/nlm_end_grace", "Y\n");
}

// The handle of the exported folder, as mountd would give it.
static void ask_handle(struct nfs3_fh *handle)
{
	char text[300] = "known /export 64\n";
	int file = open("/proc/fs/nfsd/filehandle", O_RDWR), n;

	must(file >= 0 && write(file, text, strlen(text)) > 0, "filehandle");
	n = read(file, text, sizeof(text) - 1);
	must(n > 2 && !strncmp(text, "\\x", 2), "handle");
	for (n = 2; sscanf(text + n, "%2hhx", handle->data + handle->size) == 1; n += 2)
		handle->size++;
	close(file);
}

static void attach(void)
{
	struct nfs_mount_data data = {.version = NFS_MOUNT_VERSION,
				      .fd = -1,
				      .flags = NFS_MOUNT_VER3 | NFS_MOUNT_TCP | NFS_MOUNT_NONLM};

	data.addr = (struct sockaddr_in){AF_INET, htons(2049), {htonl(INADDR_LOOPBACK)}, {0}};
	strcpy(data.hostname, "here");
	data.pseudoflavor = 1;
	ask_handle(&data.root);
	mkdir("/client", 0755);
	must(mount("here:/export", "/client", "nfs", 0, &data) == 0, "/client");
}

static void use_files(void)
{
	char buffer[64];
	int file = open("/client/made", O_RDWR | O_CREAT, 0640);
	void *mapped;

	must(file >= 0 && write(file, "twelve bytes", 12) == 12 && fsync(file) == 0, "made");
	lseek(file, 5, SEEK_SET);
	flock(file, 2);
	posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
	must(pread(file, buffer, sizeof(buffer), 0) == 12, "read");
	mapped = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file, 0);
	munmap(mapped, 4096);
	close(file);
	must(rename("/client/made", "/client/renamed") == 0, "rename");
	must(unlink("/client/renamed") == 0, "unlink");
	must(mkdir("/client/folder", 0700) == 0 && rmdir("/client/folder") == 0, "folder");
	access("/client/nowhere", F_OK);
}

int main(void)
{
	pid_t child;

	loopback_up();
	child = stand_in_for_rpcbind();
	serve();
	attach();
	use_files();
	umount("/client");
	must(mount("here:/", "/client", "nfs4", 0, "vers=4.2,addr=127.0.0.1,clientaddr=127.0.0.1") == 0,
	     "version 4");
	use_files();
	umount("/client");
	tell("/proc/fs/nfsd/threads", "0\n");
	umount("/export");
	kill(child, SIGKILL);
	return 0;
}

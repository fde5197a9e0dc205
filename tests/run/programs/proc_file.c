// SPDX-License-Identifier: GPL-2.0-or-later
// proc_file PATTERN STEP...: opens the one file that the shell pattern names, as often as asked, and reports
// what the calls give. Steps:
//   r N, p N AT   read(N), pread(N, AT)     w TEXT    write(TEXT)        n N   write of N times 'x'
//   o MODE        open with r, w or b (both): the steps after it are about that one
//   u N           on to the open file number N, from 0
//   s             the file's mode and owner
//   race N M      N processes at once, each of which opens, reads all and closes M times; all must read the
//   same
//                 number of lines, each line whole
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char buffer[1 << 20];
static const char *path;

static void report(const char *step, long n)
{
	if (n < 0)
		printf("%s: %s\n", step, strerror(errno));
	else if (*step == 'r' || *step == 'p')
		printf("%s: %ld `%.*s`\n", step, n, (int)n, buffer);
	else
		printf("%s: %ld\n", step, n);
}

// Reads all: 0 when each line is "key value" and ends.
static int read_all(void)
{
	int fd = open(path, O_RDONLY);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return 1;
	while ((n = read(fd, buffer + length, 7)) > 0)
		length += n;
	close(fd);
	return n < 0 || !length || buffer[length - 1] != '\n';
}

static int race(int processes, int turns)
{
	int failed = 0, status;

	for (int i = 0; i < processes; i++)
		if (fork() == 0) {
			for (int turn = 0; turn < turns; turn++)
				failed += read_all();
			_exit(failed > 100 ? 100 : failed);
		}
	while (wait(&status) > 0)
		failed += status;
	return failed;
}

int main(int argc, char **argv)
{
	glob_t found;
	int files[16], count = 0, now = -1;

	if (argc < 2 || glob(argv[1], 0, NULL, &found) || found.gl_pathc != 1) {
		printf("%s names no file, or several\n", argc < 2 ? "" : argv[1]);
		return 1;
	}
	path = found.gl_pathv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (char **at = argv + 2; *at; at++) {
		const char *step = *at;

		if (!strcmp(step, "r")) {
			report(step, read(now, buffer, atoi(*++at)));
		} else if (!strcmp(step, "p")) {
			int bytes = atoi(*++at);

			report(step, pread(now, buffer, bytes, atoi(*++at)));
		} else if (!strcmp(step, "w")) {
			++at;
			report(step, write(now, *at, strlen(*at)));
		} else if (!strcmp(step, "n")) {
			int bytes = atoi(*++at);

			memset(buffer, 'x', bytes);
			report(step, write(now, buffer, bytes));
		} else if (!strcmp(step, "o")) {
			const char *mode = *++at;

			now = files[count] = open(path, *mode == 'r'   ? O_RDONLY
							: *mode == 'w' ? O_WRONLY
								       : O_RDWR);
			count++;
			if (now < 0)
				report(step, now);
		} else if (!strcmp(step, "u")) {
			now = files[atoi(*++at)];
		} else if (!strcmp(step, "s")) {
			struct stat facts;

			stat(path, &facts);
			printf("s: %o %d:%d\n", facts.st_mode, facts.st_uid, facts.st_gid);
		} else if (!strcmp(step, "race")) {
			int processes = atoi(*++at);

			printf("race: %d\n", race(processes, atoi(*++at)));
		} else {
			printf("%s?\n", step);
			return 1;
		}
	}
	return 0;
}

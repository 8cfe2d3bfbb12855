/*
 * Start one role as its keeper would, for tests: run-role SETTINGS PROGRAM NAME. The
 * caller has put the keeper's channel on descriptor 3, and its work on 5 where it has some.
 * As root it becomes nobody.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/conf/conf.h"

int main(int argc, char **argv)
{
	struct str mistakes = STR(65536);
	struct conf c;
	struct err e;
	int fd;

	if (argc != 4) {
		fprintf(stderr, "usage: run-role SETTINGS PROGRAM NAME\n");
		return EX_USAGE;
	}
	if (!conf_read(argv[1], &c, &mistakes, &e) || !conf_to_fd(&c, &fd, &e)) {
		fprintf(stderr, "run-role: %s\n%s", e.text, mistakes.p);
		return EX_CONFIG;
	}
	if (dup2(fd, 4) < 0 || fcntl(3, F_SETFD, 0) < 0 || fcntl(4, F_SETFD, 0) < 0)
		return EX_OSERR;
	execl(argv[2], argv[3], geteuid() == 0 ? "65534:65534" : "-", (char *)NULL);
	perror(argv[2]);
	return EX_OSERR;
}

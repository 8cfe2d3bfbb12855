/*
 * NAME
 *	lastuse - when and from where each app password was used last
 * DESCRIPTION
 *	A file of lines, all LASTUSE_LINE bytes long, "address name time daemon ip" and blanks to the end,
 *	so that one can be written anew in place. Whoever writes holds a lock on the file that dies with it. It is
 *	knowledge for people: a line that is lost costs nothing but that.
 */
#ifndef COMMON_AUTH_LASTUSE_H
#define COMMON_AUTH_LASTUSE_H

#include <time.h>

#include "common/base/err.h"
#include "common/base/span.h"

enum {
	LASTUSE_LINE = 512,
	LASTUSE_FRESH_S = 60
}; /* not written again so soon from the same place */

struct lastuse {
	time_t	when;			/* 0: never */
	char	daemon[16], ip[48];
};

void lastuse_note(int fd, struct span address, struct span name, const struct lastuse *use);
void lastuse_find(int fd, struct span address, struct span name, struct lastuse *use);

#endif

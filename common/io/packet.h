/*
 * NAME
 *	packet - what our own processes say to each other
 * DESCRIPTION
 *	One SOCK_SEQPACKET packet: a verb byte, then fields, each a 4-byte length (host
 *	order, same machine) and its bytes, up to PACKET_MAX in all, with up to four
 *	descriptors. Reading checks every length; a field that is not there reads as
 *	empty and sets bad, so a reader takes all fields and looks at bad once. The
 *	reader treats the other process as a stranger.
 */
#ifndef COMMON_IO_PACKET_H
#define COMMON_IO_PACKET_H

#include <stdint.h>

#include "common/base/err.h"
#include "common/base/span.h"
#include "common/os/clock.h"
#include "common/os/fd.h"

enum { PACKET_MAX = 65536 };

struct packet {
	char		verb;
	bool		bad;			/* too long when written, too short when read */
	size_t		n, at;			/* bytes in buf; next to be read */
	int		fds[FD_PASS_MAX];	/* -1 where none */
	char		buf[PACKET_MAX];
};

void packet_begin(struct packet *p, char verb);
void packet_put(struct packet *p, struct span field);
void packet_put_text(struct packet *p, const char *text);
void packet_put_u64(struct packet *p, uint64_t v);
void packet_put_fd(struct packet *p, int fd);		/* stays the caller's */
void packet_put_err(struct packet *p, const struct err *e);

struct span packet_take(struct packet *p);		/* points into p */
bool packet_take_copy(struct packet *p, char *buf, size_t size); /* NUL-terminated; else bad */
uint64_t packet_take_u64(struct packet *p);
int packet_take_fd(struct packet *p); /* the caller's from now on; -1 and bad when none */
void packet_take_err(struct packet *p, struct err *e);
void packet_drop_fds(struct packet *p);			/* closes what was not taken */

bool packet_send(int sock, const struct packet *p, struct err *e);	/* blocks */
enum packet_got { PACKET_OK, PACKET_END, PACKET_LATE, PACKET_TROUBLE };
/* Wait for one packet. A malformed one is PACKET_TROUBLE. */
enum packet_got packet_recv(int sock, struct packet *p, ms_t until);
/* Ask and wait for the answer: sends p, then overwrites it with the answer. */
bool packet_ask(int sock, struct packet *p, ms_t until, struct err *e);

#endif

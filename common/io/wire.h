/*
 * NAME
 *	wire - the one channel between a front and a session
 * DESCRIPTION
 *	A SOCK_SEQPACKET pair. The first byte of each packet says what it is:
 *
 *	front to session			session to front
 *	 P text    a client: peer and local	 D bytes   for the client
 *	           address, "tls" or "plain"	 C counts bytes
 *	 D bytes   from the client		           the same, and something to count
 *	 L over bytes				 T bytes   for the client, and start TLS after this
 *	           the same, and it is over	 Q         close, politely
 *	           limits just now		 R         ready for the next client
 *	 T text    TLS is up: "TLSv1.3 ..."
 *	 E         the client hung up
 *
 *	P text: "PEERIP PEERPORT LOCALIP LOCALPORT SERVICE [tls PROTOCOL CIPHER BITS [sni=NAME] [seal=WORD]]",
 *	SERVICE being the listener's name ("smtp", "submission", "submissions", "imap", ...).
 *	T text: "PROTOCOL CIPHER BITS [sni=NAME] [seal=WORD]"; an empty T says that the handshake failed.
 *	The seal (net/channel.h) is nothing to a session but a word to hand on.
 *	Whatever arrives as D before the front's T came in the clear. So a session that
 *	has sent T throws away every D until T comes back (its "go ahead" rides on the T, or a
 *	quick client's first TLS record could get in between, and be lost): a command smuggled in behind
 *	STARTTLS is gone (RFC 3207 4.2). Packets carry at most WIRE_MAX bytes with the kind.
 *	Only the front counts, and only for the address that it gave the session itself: counts is
 *	one byte of enum wire_mark bits and one for each of enum wire_over up to WIRE_COUNTS, of how many
 *	more there are; over is one byte of 1 << enum wire_over, and D says that there is none.
 *	The session's end passes on with SCM_RIGHTS; the front never knows.
 *	A wire serves clients one after the other: P ... Q or E, R, P ...
 *	After E the session may still send D (a half-closed client reads on) and must send Q.
 *	A session that exits closes its client.
 */
#ifndef COMMON_IO_WIRE_H
#define COMMON_IO_WIRE_H

#include "common/base/str.h"
#include "common/io/stream.h"

/* What a session counts, and what its client's address may be over. */
enum wire_over {
	WIRE_MESSAGES, WIRE_RCPTS, WIRE_REFUSALS, WIRE_ERRORS,
	WIRE_COUNTS,
	WIRE_DATA = WIRE_COUNTS,	/* messages coming in at once: marked, not counted */
};

enum wire_mark {
	WIRE_KNOWN	= 1 << 0,	/* somebody has logged in */
	WIRE_IN_DATA	= 1 << 1,	/* a message is coming in now */
};

#define WIRE_SEAL	" seal="

enum { WIRE_MAX = 65536, WIRE_HEAD_MAX = 2 + WIRE_COUNTS, WIRE_SEAL_MAX = 640 };

struct wire_peer {
	char		ip[48];		/* "192.0.2.1" or "2001:db8::1" */
	char		local_ip[48];
	unsigned	port, local_port;
	char		service[24];	/* name of the listener */
	bool		tls;
	char		tls_text[160];	/* "TLSv1.3 TLS_AES_256_GCM_SHA384 256"; "" without TLS */
	char seal[WIRE_SEAL_MAX]; /* what the front knows of the client's TLS; "" nothing */
};

struct wire {
	struct stream		stream;		/* first: a wire is a stream */
	int			fd;
	struct wire_peer	peer;
	bool			ended;		/* the client or the front is gone */
	bool			hold;		/* wire_hold(): what is written waits for the T */
	struct str		held;
	unsigned		over;		/* what the client is over: 1 << enum wire_over */
	uint8_t			marks, told;	/* enum wire_mark, and those the front knows of */
	uint8_t			counts[WIRE_COUNTS];	/* of what it does not know of yet */
	char			*buf;		/* rest of a packet not yet read */
	size_t			at, n, used;	/* used: nothing was ever written behind it */
};

void wire_init(struct wire *w, int fd);
/* Wait for the next client and fill w->peer. False: the front is gone, so should we be. */
bool wire_accept(struct wire *w, ms_t until, struct err *e);
/*
 * Say T, drop clear text until TLS is up. Before it: wire_hold(), then write and flush the
 * reply, which goes out with the T. After it: line_forget().
 */
void wire_hold(struct wire *w);
bool wire_start_tls(struct wire *w, ms_t until, struct err *e);
/* One more of what; the front hears of it with the next bytes for the client, or at the end. */
void wire_count(struct wire *w, enum wire_over what);
void wire_mark(struct wire *w, enum wire_mark mark, bool yes);	/* likewise */
void wire_known(struct wire *w);	/* KNOWN, and say so now: somebody else takes over */
void wire_close(struct wire *w);	/* Q: what was written is sent, then the client is closed */
void wire_ready(struct wire *w);	/* R: another client may come */
void wire_reset(struct wire *w);	/* frees the buffer; fd stays the caller's */
/* "192.0.2.1 40000 127.0.0.1 25 smtp tls TLSv1.3 X 256" into peer; for wire_accept and login hand-over
   (which needs no seal any more, so it is not printed). */
bool wire_peer_parse(struct span text, struct wire_peer *peer);
void wire_peer_print(const struct wire_peer *peer, struct str *out);

#endif

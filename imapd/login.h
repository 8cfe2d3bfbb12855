/*
 * NAME
 *	login - IMAP until somebody is let in: RFC 3501's not-authenticated state
 * DESCRIPTION
 *	Greeting, CAPABILITY, ID, NOOP, STARTTLS, LOGIN, AUTHENTICATE with SASL-IR (RFC 4959)
 *	and the mechanisms that are offered. Passwords are taken only under TLS, unless clear_ok. What is
 *	done outside of the conversation stands in the hooks, so that transcripts can play
 *	all of it. Whoever serves the client after login replies to the command that did it.
 */
#ifndef IMAPD_LOGIN_H
#define IMAPD_LOGIN_H

#include "common/auth/sasl.h"
#include "common/io/stream.h"
#include "imapd/read.h"
#include "imapd/reply.h"

enum {
	LOGIN_ARENA_MAX	= 256 << 10,
	LOGIN_TRIES_MAX	= 5,		/* wrong passwords in one connection */
};

struct login {
	struct stream	*stream;
	const char	*host_name;
	ms_t		 until;		/* of it all, greeting to login */
	int		 patience_s;	/* within a command */
	unsigned	 errors_max;
	bool		 tls;		/* the stream is private */
	bool		 offer_tls;	/* it can be made so */
	bool		 clear_ok;	/* passwords without TLS */
	void		*self;
	struct sasl_judge judge;
	const struct sasl_offer *offer;	/* start_tls may change it */
	/* reply goes out just before TLS begins (wire_hold) */
	bool		(*start_tls)(void *self, struct out *reply, struct err *e);
	/* After true somebody else speaks to the client: begin with the reply to tag. */
	bool		(*hand_over)(void *self, struct span tag, struct span input, struct err *e);
	/* login's own */
	struct reader	 reader;
	struct out	*out;
	unsigned	 errors, tries;
	bool		 over;		/* the reply made now is the last */
	bool		 known;		/* let in */
};

/* Until the client is handed over (true), or gone or to be closed (false). */
bool login_serve(struct login *l);

struct reply login_do_login(struct login *l, struct command *c);
struct reply login_do_authenticate(struct login *l, struct command *c);

#endif

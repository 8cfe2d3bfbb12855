/*
 * NAME
 *	login - POP3 until somebody is let in: RFC 1939 authorization state
 * DESCRIPTION
 *	Greeting, CAPA, STLS (RFC 2595), USER and PASS, AUTH (RFC 5034) with the
 *	mechanisms that are offered.
 *	Passwords are taken only under TLS, unless clear_ok. What is done outside of the
 *	conversation stands in the hooks, so that transcripts can play all of it.
 */
#ifndef POP3D_LOGIN_H
#define POP3D_LOGIN_H

#include "common/auth/sasl.h"
#include "common/io/line.h"
#include "common/io/out.h"

enum { LOGINS_MAX = 5 };		/* failed ones in one session */

struct login {
	struct line	*line;
	struct out	*out;
	ms_t		 until;		/* of it all, greeting to login */
	unsigned	 errors_max;
	bool		 tls;		/* the stream is private */
	bool		 stls;		/* it can be made so */
	bool		 clear_ok;	/* passwords without TLS */
	void		*self;
	struct sasl_judge judge;
	const struct sasl_offer *offer;	/* start_tls may change it */
	/* Flushes the "+OK", which goes out with the beginning of TLS (wire_hold). */
	bool		(*start_tls)(void *self, struct err *e);
	/* After true somebody else speaks to the client: begin with its "+OK". */
	bool		(*hand_over)(void *self, struct span input, struct err *e);
	/* login's own */
	char		 user[321];	/* after USER */
	unsigned	 errors, failed;
	bool		 over;
};

/* Until the client is handed over (true), or gone or to be closed (false). */
bool login_serve(struct login *l);

#endif

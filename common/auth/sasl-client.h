/*
 * NAME
 *	sasl-client - who we are, told to another server
 * SYNOPSIS
 *	ok = sasl_client_begin(&s, SPAN("PLAIN SCRAM-SHA-256"), user, password, nonce, &e);
 *	... says s.mechanism and sasl_client_initial(&s) ...
 *	ok = sasl_client_answer(&s, challenge, &words, &e)	for each challenge
 *	ok = sasl_client_end(&s, said_yes, &e);			always
 * DESCRIPTION
 *	SCRAM-SHA-256 (RFC 7677) or SCRAM-SHA-1 (RFC 5802) where they are offered, because a server that
 *	hears them does not hear the password, and must show that it knew it; else PLAIN (RFC 4616), else
 *	LOGIN. Words are those inside of the base64. Whoever uses it sees to it that the other side is
 *	the right one: PLAIN and LOGIN tell it the password.
 * DIAGNOSTICS
 *	TEMP 4.7.0: nothing that we know is offered, its words make no sense, or it says yes
 *	without having shown that it knows the password.
 */
#ifndef COMMON_AUTH_SASL_CLIENT_H
#define COMMON_AUTH_SASL_CLIENT_H

#include "common/auth/digest.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum { SASL_CLIENT_SECRET = 1024, SASL_CLIENT_ITERATIONS_MAX = 1000000 };

struct sasl_client {
	const char	*mechanism;		/* the one that was chosen */
	bool		 shows;			/* SCRAM */
	enum digest	 digest;
	unsigned	 step;
	char		 user[SASL_CLIENT_SECRET], password[SASL_CLIENT_SECRET];
	struct str	 first;			/* what we say first; "" in LOGIN */
	unsigned char	 signature[DIGEST_MAX];	/* what it has to show */
	bool		 shown;
};

/* offered: AUTH's words. nonce: fresh and random, printable, without a comma; for SCRAM. */
bool sasl_client_begin(struct sasl_client *s, struct span offered, const char *user,
    const char *password, struct span nonce, struct err *e);
struct span sasl_client_initial(const struct sasl_client *s);	/* p NULL: it speaks first */
bool sasl_client_answer(struct sasl_client *s, struct span challenge, struct str *words, struct err *e);
/* Wipes all. said_yes: the other side is content; is it the one that knows us? */
bool sasl_client_end(struct sasl_client *s, bool said_yes, struct err *e);

#endif

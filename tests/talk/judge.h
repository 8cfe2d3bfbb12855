/*
 * NAME
 *	judge - who lets clients of a transcript in
 * DESCRIPTION
 *	ann's password is "a secret" (or what the talk says); bob's can not be checked now; any other name
 *	with ann's password is let in too. SCRAM plays RFC 7677 3 and RFC 5802 5: user, pencil, with
 *	their nonces and salts, and a channel whose tls-exporter is 32 times "x". A bearer's token is
 *	never good, and it hears so as RFC 7628 3.2.2 has it.
 */
#ifndef TESTS_TALK_JUDGE_H
#define TESTS_TALK_JUDGE_H

#include "common/auth/sasl.h"

struct judge {
	const char		*password;
	char			 user[64];	/* let in, or tried to be */
	struct sasl_offer	 offer;
	/* an exchange */
	char			 said[1024], challenge[1024];
	unsigned		 step;
};

/* all: every mechanism, and as if the front knew the channel; else PLAIN and LOGIN. */
void judge_init(struct judge *j, const char *password, bool all);
struct sasl_judge judge_of(struct judge *j);

#endif

/*
 * NAME
 *	sasl - the server's half of a login (RFC 4422)
 * SYNOPSIS
 *	sasl_offer(words, count, seal, &offer);		which mechanisms there are, on this connection
 *	if (!sasl_begin(&s, &judge, &offer, SPAN("PLAIN")))	... no such mechanism
 *	next = sasl_step(&s, said, &challenge, &e);
 *	while (next == SASL_ASK)	... send challenge, read a line, sasl_step() again
 *	if (next == SASL_DONE)		... logged in: the judge knows as whom
 *	sasl_wipe(&s);
 * DESCRIPTION
 *	Words of the client come as base64, as they stand in SMTP, POP3 and IMAP; "=" is an empty one
 *	and "*" gives up. A mechanism is a row. PLAIN and LOGIN are understood here and give a name and a
 *	password; of the others only the auth helper understands the messages, and they are
 *	handed on. Whoever logs in acts as himself: another authorization identity is refused.
 * DIAGNOSTICS
 *	5.5.2 not well-formed, 5.7.0 the client gave up, 5.7.8 wrong, or for somebody else; the judge's own.
 */
#ifndef COMMON_AUTH_SASL_H
#define COMMON_AUTH_SASL_H

#include "common/auth/record.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum { SASL_WORD_MAX = 12288, SASL_OFFER_MAX = 160 };	/* longest line of a client, RFC 4954 4 */

enum sasl_next { SASL_ASK, SASL_DONE, SASL_FAILED };

/* Who decides. */
struct sasl_judge {
	void		*self;
	/* PERM: wrong; TEMP: cannot be told now */
	bool (*password)(void *self, const char *mechanism, struct span user, struct span password,
	    struct err *e);
	/* One message, decoded, of an exchange; first: it begins. ASK: challenge, not yet encoded, goes out. */
	enum sasl_next (*exchange)(void *self, const char *mechanism, bool first,
	    struct span message, struct str *challenge, struct err *e);
};

struct sasl_offer {
	unsigned	set;				/* a bit for each row */
	bool		passwords;			/* PLAIN or LOGIN is among them */
	char text[SASL_OFFER_MAX]; /* "SCRAM-SHA-256 PLAIN LOGIN", as greetings list them */
};

/*
 * Of those that the settings name, the ones that this connection can have: -PLUS beside each SCRAM where the
 * front knows a channel binding, EXTERNAL where the client showed a certificate with a name. seal: wire.h.
 */
void sasl_offer(const char *const *words, size_t count, struct span seal, struct sasl_offer *o);
/* Is it one of those a setting may name? */
bool sasl_known(struct span word);

struct sasl {
	const struct sasl_mechanism *mechanism;
	struct sasl_judge judge;
	unsigned	step;
	bool		for_another;	/* why it failed */
	char		user[AUTH_NAME_MAX], password[AUTH_PASSWORD_MAX];
};

bool sasl_begin(struct sasl *s, struct sasl_judge judge, const struct sasl_offer *offer, struct span mechanism);
/* said is NULL where the client sent nothing with its command. challenge becomes base64. */
enum sasl_next sasl_step(struct sasl *s, const struct span *said, struct str *challenge, struct err *e);
void sasl_wipe(struct sasl *s);

#endif

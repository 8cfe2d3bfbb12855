/*
 * NAME
 *	sasl - the server's half of a login (RFC 4422)
 * SYNOPSIS
 *	if (!sasl_begin(&s, SPAN("PLAIN")))	... no such mechanism
 *	next = sasl_step(&s, said, &challenge, &e);
 *	while (next == SASL_ASK)	... send challenge, read a line, sasl_step() again
 *	if (next == SASL_DONE)		... role_login(s.mechanism->name, s.user, s.password)
 *	sasl_wipe(&s);
 * DESCRIPTION
 *	Words of the client come as base64, as they stand in SMTP, POP3 and IMAP; "=" is an empty one
 *	and "*" gives up. A mechanism is a row; one that needs more than two questions (SCRAM-SHA-256)
 *	will have more steps, and hand its words on to the auth helper. Whoever logs in acts as
 *	himself: another authorization identity is refused.
 * DIAGNOSTICS
 *	5.5.2 not well-formed, 5.7.0 the client gave up, 5.7.8 for somebody else.
 */
#ifndef COMMON_AUTH_SASL_H
#define COMMON_AUTH_SASL_H

#include "common/auth/record.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define SASL_MECHANISMS	"PLAIN LOGIN"		/* as greetings list them */

enum { SASL_WORD_MAX = 12288 };			/* longest line of a client, RFC 4954 4 */

enum sasl_next { SASL_ASK, SASL_DONE, SASL_FAILED };

struct sasl {
	const struct sasl_mechanism *mechanism;
	unsigned	step;
	char		user[AUTH_NAME_MAX], password[AUTH_PASSWORD_MAX];
};

bool sasl_begin(struct sasl *s, struct span mechanism);		/* false: no such mechanism */
const char *sasl_name(const struct sasl *s);			/* "PLAIN" */
/* said is NULL where the client sent nothing with its command. challenge becomes base64. */
enum sasl_next sasl_step(struct sasl *s, const struct span *said, struct str *challenge, struct err *e);
void sasl_wipe(struct sasl *s);

#endif

/*
 * NAME
 *	path - the <local@domain> of MAIL and RCPT
 * DESCRIPTION
 *	RFC 5321 4.1.2, with RFC 6531 3.3 where utf8 says so. Source routes are read
 *	and ignored (RFC 5321 C). Control characters never pass, quoted or not. The
 *	parts point into the command line as they were written; path_print() makes the
 *	one form that the rest of the suite sees: no quotes where none are needed,
 *	the fewest backslashes, the domain in lower case (ASCII letters only).
 */
#ifndef COMMON_SMTP_PATH_H
#define COMMON_SMTP_PATH_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum {
	PATH_LOCAL_MAX	= 255,	/* RFC 5321 4.5.3.1.1 asks for 64; list senders (VERP) use more */
	PATH_DOMAIN_MAX	= 255,	/* RFC 5321 4.5.3.1.2 */
	PATH_TEXT_MAX	= PATH_LOCAL_MAX + 1 + PATH_DOMAIN_MAX,
};

enum path_kind {
	PATH_REVERSE,		/* MAIL FROM: <> is the null path */
	PATH_FORWARD,		/* RCPT TO: <postmaster> needs no domain */
};

struct path {
	struct span	local;		/* as written, quotes included; empty = null path */
	struct span	domain;		/* as written, brackets included; empty = none */
	bool		quoted;		/* local is a quoted string */
	bool literal; /* domain is an address literal: [192.0.2.1], [IPv6:2001:db8::1] */
	bool		utf8;		/* either has a character beyond ASCII */
};

/*
 * Eat one path from the front of a MAIL or RCPT tail. utf8: characters beyond ASCII are
 * welcome (well-formed UTF-8 only), else PERM 5.6.7. PERM 5.5.2 without <, 5.1.3 otherwise.
 */
bool path_parse(struct span *in, enum path_kind kind, bool utf8, struct path *out, struct err *e);
/* The canonical text; nothing at all for the null path. At most PATH_TEXT_MAX bytes. */
void path_print(const struct path *p, struct str *out);
const char *path_text(const struct path *p, struct arena *a);
/* The reverse: is text (local@domain, no brackets) an address that path_parse would take? */
bool path_is_address(struct span text, bool utf8);

#endif

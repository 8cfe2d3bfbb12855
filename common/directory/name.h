/*
 * NAME
 *	name - an address or a user's name, as tables know it
 * DESCRIPTION
 *	The key of a table: the local part unquoted, all in lower case (ASCII). So
 *	"Ann"@Example.ORG and ann@example.org are one. Without an @ it is a name alone.
 *	Pure.
 */
#ifndef COMMON_DIRECTORY_NAME_H
#define COMMON_DIRECTORY_NAME_H

#include "common/base/err.h"
#include "common/base/span.h"

enum { NAME_SIZE = 512 };

struct name {
	char	text[NAME_SIZE];	/* "local@domain" or "local"; NUL-terminated */
	size_t	local_n;		/* bytes before the @ */
	size_t	n;
};

/* PERM 5.1.3 when it can be no address: empty, control characters, too long, no domain after @. */
bool name_read(struct span address, struct name *out, struct err *e);
bool name_make(struct span local, struct span domain, struct name *out); /* domain may be empty */

static inline struct span name_span(const struct name *n)
{
	return (struct span){ n->text, n->n };
}

static inline struct span name_local(const struct name *n)
{
	return (struct span){ n->text, n->local_n };
}

/* Empty for a name alone. */
static inline struct span name_domain(const struct name *n)
{
	return n->local_n < n->n ? span_from(name_span(n), n->local_n + 1) : (struct span){ "", 0 };
}

/* May this become a directory's name? Lower case, no '/', no '.' in front, printable, at most 64. */
bool name_is_safe(struct span part);
/* May this be the name of an account of this system? */
bool name_is_account(struct span s);
bool name_is_domain(struct span s);
bool name_is_destination(struct span s);	/* a domain, or something in brackets */

#endif

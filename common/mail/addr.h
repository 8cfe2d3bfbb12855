/*
 * NAME
 *	addr - the addresses of a header field (RFC 5322 3.4, 4.4, RFC 6532)
 * DESCRIPTION
 *	Reads From, To, Cc and the like: groups, quoted strings, comments, routes, UTF-8.
 *	Never fails: what can not be read is left out or left empty, and reading goes on at
 *	the next comma. A group is a start mark, its mailboxes, an end mark, as IMAP's
 *	ENVELOPE wants it. Linear; after ADDR_TOKENS_MAX tokens the rest is left out.
 */
#ifndef COMMON_MAIL_ADDR_H
#define COMMON_MAIL_ADDR_H

#include "common/base/arena.h"
#include "common/base/str.h"

enum { ADDR_TOKENS_MAX = 100000 };

enum addr_kind { ADDR_MAILBOX, ADDR_GROUP, ADDR_GROUP_END };

struct addr {
	enum addr_kind	kind;
	struct span		name;	/* display name unquoted (encoded words still encoded), a
					   comment's text without one, or the group's name; .p NULL: none */
	struct span		route;	/* "@a,@b" before the colon, or empty */
	struct span		local;	/* unquoted */
	struct span
	    domain; /* without comments and blanks; a literal with its brackets; empty: none */
};

struct addrs {
	struct addr	*list;
	size_t		 count;
	bool		 cut;		/* past the limit */
};

/* value: folded or unfolded. Memory from a. */
void addr_parse(struct span value, struct arena *a, struct addrs *out);
/* local@domain with the local part quoted where it needs that. */
void addr_print(struct span local, struct span domain, struct str *out);
/* Cut "local@domain" (as envelopes have it) at its last @. False without both parts. */
bool addr_split(struct span address, struct span *local, struct span *domain);

#endif

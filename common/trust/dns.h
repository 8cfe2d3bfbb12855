/*
 * NAME
 *	dns - the DNS, as SPF, DKIM and DMARC see it
 * DESCRIPTION
 *	The checks ask by a function that their caller supplies: the resolver process for
 *	mail, a table (net/zone.h) for tests. A resolver out of reach is an answer like
 *	another: DNS_FAILED.
 */
#ifndef COMMON_TRUST_DNS_H
#define COMMON_TRUST_DNS_H

#include "common/base/str.h"
#include "common/net/zone.h"
#include "common/os/clock.h"

struct trust_dns {
	/* CNAMEs are followed. Memory from a; why is never NULL. */
	void (*ask)(void *arg, const char *name, enum dns_type type, struct arena *a,
	    struct dns_answer *out);
	void	*arg;
};

/* resolver: a channel from role_connect("resolver"); must outlive what is returned. */
struct trust_dns trust_dns_channel(const int *resolver);
/* What the table does not know does not exist. */
struct trust_dns trust_dns_zone(const struct zone *zone);

/*
 * Asks next each question once, and after until only what it knows already: what must be known
 * whatever a stranger's slow servers do is asked first. All memory from arena.
 */
enum { DNS_MEMO_MAX = 64 };

struct dns_memo {
	struct trust_dns	 next;
	struct arena		*arena;
	ms_t			 until;
	size_t			 count;
	struct { const char *name; enum dns_type type; struct dns_answer answer; } seen[DNS_MEMO_MAX];
};

struct trust_dns trust_dns_memo(struct dns_memo *m);

/*
 * The text of a TXT record: its strings one behind the other, without anything between
 * (RFC 7208 3.3, RFC 6376 3.6.2.2). False: the rdata is no TXT, or longer than out may be.
 */
bool trust_dns_text(struct span rdata, struct str *out);
/*
 * The text of the one TXT record that begins with these very bytes. False: there is none, or more than
 * one, which is as bad (RFC 8461 3.1, RFC 8460 3). out is emptied first.
 */
bool trust_dns_only(const struct dns_answer *answer, const char *begins, struct str *out);

#endif

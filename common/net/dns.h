/*
 * NAME
 *	dns - ask the DNS, validated and cached (libunbound)
 * DESCRIPTION
 *	Questions are answered by a call out of dns_process(), to be called
 *	when dns_fd() is readable. libunbound works in a thread of its own, which starts
 *	at the first question: so jail first, then ask.
 */
#ifndef COMMON_NET_DNS_H
#define COMMON_NET_DNS_H

#include "common/net/resolve.h"

struct dns;

struct dns_settings {
	const char *const	*forward;	/* "192.0.2.1" or "192.0.2.1@5353" */
	size_t forward_count; /* 0: as /etc/resolv.conf says, else from the root */
	const char		*trust_anchor;	/* file; "" = no validation */
};

/* One question under way; the caller's memory, up to the answer or dns_cancel(). */
struct dns_pending {
	/* What the answer points into is gone after the call. */
	void	(*answered)(struct dns_pending *q, const struct dns_answer *answer);
	int	id;
};

/* PERM with a sentence when a setting can not be used. */
struct dns *dns_new(const struct dns_settings *settings, struct err *e);
int dns_fd(struct dns *u);
void dns_process(struct dns *u);
/* False: could not even ask, and answered will not be called. */
bool dns_ask(struct dns *u, struct dns_pending *q, const char *name, unsigned type, struct err *e);
void dns_cancel(struct dns *u, struct dns_pending *q);

#endif

/*
 * NAME
 *	gate-dns - what the DNS says about a client and a sender
 * SYNOPSIS
 *	gate_dns_connect(d, resolver, ip);	questions go out, nobody waits
 *	gate_dns_hello(d, name);
 *	gate_dns_sender(d, domain);
 *	gate_dns_tend(d);			whenever there is time: take what has come
 *	gate_dns_wait(d, until);		now the answers are needed
 *	gate_dns_facts(d, facts);
 * DESCRIPTION
 *	All questions about a client are under way at once, from the moment it connects; by the first
 *	RCPT most answers have come. A PTR record's names are followed (three of them), as a listed
 *	client's TXT record is. What has not come by then, or failed, is no fact. Facts that
 *	weigh nothing are not asked about, so a policy without weights and lists asks nothing.
 */
#ifndef COMMON_TRUST_GATE_DNS_H
#define COMMON_TRUST_GATE_DNS_H

#include "common/net/batch.h"
#include "common/trust/gate-list.h"
#include "common/trust/gate.h"

enum { GATE_HITS_MAX = GATE_LISTED_MAX / 2 };

struct gate_lists { const struct gate_list *rows; size_t count; };

/* One of our questions: several look-ups that together say yes, no, or nothing. */
struct gate_inquiry {
	bool		asked, yes, no_name, failed;
	unsigned	open;
};

struct gate_hits { struct gate_listed at[GATE_HITS_MAX]; size_t count; };

struct gate_dns {
	const struct gate_policy	*policy;
	struct gate_lists		 lists, sender_lists;
	struct batch			 batch;
	struct address			 peer;
	char				 sender[DNS_NAME];
	struct gate_inquiry name, forward, hello, mx, host; /* host: the sender's, without MX */
	bool				 null_mx;
	struct gate_hits		 listed, sender_listed;
};

void gate_dns_init(struct gate_dns *d, const struct gate_policy *policy, struct gate_lists lists,
    struct gate_lists sender_lists);
void gate_dns_free(struct gate_dns *d);
/* A new client. resolver -1: nothing can be found out. */
void gate_dns_connect(struct gate_dns *d, int resolver, const char *ip);
void gate_dns_hello(struct gate_dns *d, const char *name);
void gate_dns_sender(struct gate_dns *d, struct span domain);	/* "" or an address literal: nothing to ask */
void gate_dns_tend(struct gate_dns *d);
void gate_dns_wait(struct gate_dns *d, ms_t until);
void gate_dns_facts(const struct gate_dns *d, struct facts *f);	/* adds to them */
void gate_dns_end(struct gate_dns *d);

#endif

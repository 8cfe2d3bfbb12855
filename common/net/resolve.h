/*
 * NAME
 *	resolve - questions to the resolver process
 * DESCRIPTION
 *	Over a channel from role_connect("resolver"): packet 'Q' serial name type -> 'A' serial
 *	found secure ttl why alias-of count records... (raw rdata; found is an enum dns_found). Several
 *	questions may be under way, RESOLVE_AT_ONCE on one channel; answers come in any order with
 *	the serial. A name may be UTF-8 (the resolver turns it into A-labels, RFC 5890); CNAMEs are
 *	followed. Local data from the setting dns local-data answers first, without any network.
 */
#ifndef COMMON_NET_RESOLVE_H
#define COMMON_NET_RESOLVE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/os/clock.h"

enum { RESOLVE_AT_ONCE = 64, RESOLVE_HOSTS_MAX = 100 };
enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };
enum dns_found { DNS_YES, DNS_NO_DATA, DNS_NO_NAME, DNS_FAILED };	/* FAILED: time-out, SERVFAIL, bogus */

struct dns_answer {
	enum dns_found	 found;
	bool		 secure;	/* validated by DNSSEC */
	const char	*why;		/* of DNS_FAILED, one sentence */
	const char
	    *alias_of; /* where the CNAMEs led that were followed; NULL or "": there were none */
	uint32_t	 ttl;
	struct span	*records;	/* raw rdata */
	size_t		 count;
};

/* Ask one and wait (the resolver's own deadline is dns timeout). False: resolver out of reach, TEMP. */
bool resolve(int resolver, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, struct err *e);

/* One host to try: RFC 5321 5.1. Sorted by preference, same preference shuffled by dice. */
struct mx_host {
	unsigned	 preference;
	const char	*name;
	bool		 secure;	/* DNSSEC vouches for it, or nothing was looked up */
};
enum mx_found { MX_HOSTS, MX_NULL, MX_NO_DOMAIN, MX_FAILED };	/* MX_NULL: RFC 7505 */
/*
 * MX of the domain, or its own name when it has none but an address (implicit MX). An address
 * literal "[192.0.2.1]" is one host, the address as text. All but MX_HOSTS fill e: MX_NULL is
 * PERM 5.1.10, MX_NO_DOMAIN PERM 5.1.2, MX_FAILED TEMP 4.4.3.
 */
enum mx_found resolve_mx(int resolver, const char *domain, uint32_t dice, struct arena *a,
    struct mx_host **hosts, size_t *count, struct err *e);
/* Pure, the order of trial: preference first, dice among equals. */
void mx_sort(struct mx_host *hosts, size_t count, uint32_t dice);
/*
 * Addresses of a host, IPv6 and IPv4 in turn; text form. An address or literal is its own.
 * False: PERM 5.4.4 when it has none, TEMP 4.4.3 when that could not be found out.
 */
bool resolve_host(int resolver, const char *host, struct arena *a, const char ***ips, size_t *count,
    struct err *e);
/* The same, and what DNSSEC knows about it. */
struct host_addresses {
	const char	**ips;
	size_t		  count;
	bool secure; /* it vouches for each of them; not for an address that is its own */
	const char	 *alias_of;	/* as in the answer; "" for none */
};
bool resolve_addresses(int resolver, const char *host, struct arena *a, struct host_addresses *out, struct err *e);

/* --- the wire form, for both ends --- */

struct packet;
struct dns_question { uint64_t serial; char name[1024]; unsigned type; };
bool dns_question_take(struct packet *p, struct dns_question *q);
void dns_question_put(struct packet *p, uint64_t serial, const char *name, enum dns_type type);
uint64_t resolve_serial(void);		/* the next of this process */
void dns_answer_put(struct packet *p, uint64_t serial, const struct dns_answer *answer);
/* After the serial was taken. Memory from a. */
bool dns_answer_take(struct packet *p, struct arena *a, struct dns_answer *out);

#endif

/*
 * NAME
 *	resolve - questions to the resolver process
 * DESCRIPTION
 *	Over a channel from role_connect("resolver"): packet 'Q' serial name type ->
 *	'A' serial rcode secure bogus ttl count records (presentation not needed: raw rdata). Several
 *	questions may be under way; answers come in any order with the serial.
 *	Local data from the setting dns-local-data answers first, without any network.
 */
#ifndef COMMON_NET_RESOLVE_H
#define COMMON_NET_RESOLVE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/os/clock.h"

enum dns_type { DNS_A = 1, DNS_CNAME = 5, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };
enum dns_found { DNS_YES, DNS_NO_DATA, DNS_NO_NAME, DNS_FAILED };	/* FAILED: time-out, SERVFAIL, bogus */

struct dns_answer {
	enum dns_found	 found;
	bool		 secure;	/* validated by DNSSEC */
	const char	*why;		/* of DNS_FAILED, one sentence */
	uint32_t	 ttl;
	struct span	*records;	/* raw rdata */
	size_t		 count;
};

/* Ask one and wait (the resolver's own deadline is dns-timeout). False: resolver out of reach, TEMP. */
bool resolve(int resolver, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out, struct err *e);

/* One host to try: RFC 5321 5.1. Sorted by preference, same preference shuffled by dice. */
struct mx_host { unsigned preference; const char *name; };
enum mx_found { MX_HOSTS, MX_NULL, MX_NO_DOMAIN, MX_FAILED };	/* MX_NULL: RFC 7505 */
/* MX of the domain, or its own name when it has none but an address (implicit MX). An address
   literal "[192.0.2.1]" is one host. */
enum mx_found resolve_mx(int resolver, const char *domain, uint32_t dice, struct arena *a,
    struct mx_host **hosts, size_t *count, struct err *e);
/* Addresses of a host, IPv6 and IPv4 mixed in order of trial; text form. False with found=... in e. */
bool resolve_host(int resolver, const char *host, struct arena *a, const char ***ips, size_t *count, struct err *e);

#endif

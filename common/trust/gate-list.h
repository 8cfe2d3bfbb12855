/*
 * NAME
 *	gate-list - DNS block and allow lists (RFC 5782)
 * DESCRIPTION
 *	A word of the settings is ZONE:WEIGHT or ZONE=CODES:WEIGHT. CODES are four numbers with
 *	dots, each of which may be a range: 127.0.0.2-11, 127.0.0-255.1-3. A weight below
 *	0 makes it an allow list. One zone may come in several words, each with codes and weight
 *	of its own; it is asked once. Without codes any answer in 127.0.0.0/8 counts but 127.0.0.1,
 *	which no list should give (RFC 5782 5), and 127.255.255.0/24, with which lists say
 *	that they do not answer us. Pure.
 */
#ifndef COMMON_TRUST_GATE_LIST_H
#define COMMON_TRUST_GATE_LIST_H

#include "common/net/address.h"
#include "common/net/dns-name.h"

struct gate_codes { uint8_t low, high; };

struct gate_list {
	char			zone[DNS_NAME];	/* clean */
	bool			any;		/* no codes were given */
	struct gate_codes	codes[4];
	int			weight;
};

bool gate_list_parse(struct span word, struct gate_list *out);
/* Does this answer (the rdata of an A record) count? */
bool gate_list_has(const struct gate_list *l, struct span rdata);

/*
 * What to ask a list: "2.0.0.127.zen.example", the nibbles of an IPv6 address (RFC 5782 2.4), or
 * "domain.example.list.example" (RFC 5782 3). False: too long for DNS.
 */
bool gate_list_address(const struct address *a, const char *zone, char name[DNS_NAME]);
bool gate_list_domain(struct span domain, const char *zone, char name[DNS_NAME]);

#endif

/*
 * NAME
 *	zone - records that we know ourselves
 * DESCRIPTION
 *	Lines as in a zone file, NAME [TTL] [IN] TYPE DATA, a line each; names are whole,
 *	with or without the dot at the end. Types: A AAAA MX TXT CNAME PTR TLSA and SOA.
 *	"mx.alpha.test. 300 IN A 127.0.0.1", "alpha.test MX 10 mx.alpha.test.",
 *	"alpha.test TXT \"v=spf1 mx -all\"". A name with records, but not of the type
 *	asked for, has no data; so has one that only has names below it. A SOA line
 *	("alpha.test SOA", its data does not matter) makes the zone ours: a name below
 *	that has no line does not exist. Any other name is not ours to know. CNAMEs are followed.
 */
#ifndef COMMON_NET_ZONE_H
#define COMMON_NET_ZONE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/net/dns-name.h"
#include "common/net/resolve.h"

enum {
	DNS_SOA		= 6,
	ZONE_RDATA	= 1536,		/* the DKIM record of the longest key, 8192 bits, has 1440 */
	ZONE_CHAIN	= 8,
	ZONE_TTL	= 300,
};

struct zone_record {
	char		 name[DNS_NAME];	/* clean */
	enum dns_type	 type;			/* DNS_SOA marks a zone */
	uint32_t	 ttl;
	size_t		 n;
	char		 rdata[ZONE_RDATA];
};

/* PERM with a sentence for a line that is no record. */
bool zone_line_parse(struct span line, struct zone_record *out, struct err *e);

struct zone;			/* a table of records */
/* Memory from a. lines that are blank or begin with # are passed over. */
struct zone *zone_new(const char *const *lines, size_t count, struct arena *a, struct err *e);

/*
 * Ask for name (clean) and type. False: not ours to know; then ask is the name to ask
 * elsewhere, which is another one where a CNAME of ours led out.
 */
bool zone_find(const struct zone *z, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, char ask[DNS_NAME]);

#endif

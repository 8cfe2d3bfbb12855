/*
 * NAME
 *	lookup - what a send process asks the DNS
 * DESCRIPTION
 *	net/resolve.h over the carrier's channel. A resolver that has gone away since the last
 *	question has been started anew by its keeper, and is asked again, once.
 */
#ifndef MTA_LOOKUP_H
#define MTA_LOOKUP_H

#include "common/net/resolve.h"
#include "mta/carry.h"

bool lookup_record(struct carrier *c, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, struct err *e);
bool lookup_addresses(struct carrier *c, const char *host, struct arena *a,
    struct host_addresses *out, struct err *e);
enum mx_found lookup_mx(struct carrier *c, const char *domain, struct arena *a,
    struct mx_host **hosts, size_t *count, struct err *e);

#endif

/*
 * NAME
 *	way - how to go to a destination
 * DESCRIPTION
 *	What an administrator wants for one destination, or for all. Pure. Texts are never NULL and
 *	live as long as what the way was made of.
 */
#ifndef COMMON_QUEUE_WAY_H
#define COMMON_QUEUE_WAY_H

#include "common/base/span.h"

/* How much TLS must be: each is more than the one before. */
enum way_tls {
	WAY_NONE,		/* not even when it is offered */
	WAY_MAY,		/* when it is offered, whoever they say they are: RFC 7435 */
	WAY_ENCRYPT,		/* or the mail waits */
};

struct way {
	enum way_tls	 tls;
	const char	*via;	/* HOST[:PORT] that takes it in place of the servers of its domain, or "" */
};

const char *way_tls_name(enum way_tls tls);			/* as in the setting mta tls */
bool way_tls_parse(struct span word, enum way_tls *tls);

#endif

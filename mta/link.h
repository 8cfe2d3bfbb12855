/*
 * NAME
 *	link - one connection to another server: opened, secured, kept, left
 * DESCRIPTION
 *	Says EHLO, and starts TLS as the way wants it (RFC 7435) or the message does (RFC 8689:
 *	REQUIRETLS is more than the way, TLS-Required: No is less).
 */
#ifndef MTA_LINK_H
#define MTA_LINK_H

#include "common/net/resolve.h"
#include "mta/carry.h"

struct target { const struct mx_host *host; const char *ip; unsigned port; };

/* False: this server will not have the message, or can not be trusted with it; the link is closed. */
bool link_open(struct carrier *c, const struct job *j, const struct target *t, struct err *e);
/* Is the connection that another message has left still there, and good enough for this one? */
bool link_fits(struct carrier *c, const struct job *j);
void link_hang_up(struct carrier *c);		/* QUIT, when there is a connection */
void link_drop(struct carrier *c);		/* without a word */

#endif

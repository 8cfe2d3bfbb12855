/*
 * NAME
 *	link - one connection to another server: opened, secured, kept, left
 * DESCRIPTION
 *	Says EHLO, and starts TLS as the policy for this server wants it (policy.h).
 */
#ifndef MTA_LINK_H
#define MTA_LINK_H

#include "mta/policy.h"

struct target { const struct server *server; const struct tls_policy *policy; const char *ip; };

/* Over fd, which is ours from now on. False: this server will not have the message, or can not be trusted with it; the link is closed. */
bool link_open(struct carrier *c, const struct job *j, const struct target *t, int fd, struct err *e);
/* Is the connection that a message to the same destination has left still there, and good enough for this one? */
bool link_fits(struct carrier *c, const struct job *j);
/* The same of one that a message to another destination has left, at a server that it shares with this one. */
bool link_serves(struct carrier *c, const struct job *j, const struct target *t);
void link_hang_up(struct carrier *c);		/* QUIT, when there is a connection */
void link_drop(struct carrier *c);		/* without a word */

#endif

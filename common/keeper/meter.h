/*
 * NAME
 *	meter - what a session of SMTP does about limits
 * DESCRIPTION
 *	Counts go to the front over the wire, and what the client's address is over comes from
 *	there with the client's bytes, so a session can neither see nor change what is
 *	counted of others. Who pipelines may go over a limit by what fits in one packet.
 *	Called by hooks of smtp/server.h; the replies stand in limits.c.
 */
#ifndef COMMON_KEEPER_METER_H
#define COMMON_KEEPER_METER_H

#include "common/io/wire.h"
#include "common/smtp/server.h"

/* Before each command. False: 421, and goodbye. */
bool meter_go_on(const struct wire *w, struct err *e);
/* A message begins, a recipient comes, the text comes: false says later, else it is counted. */
bool meter_mail(struct wire *w, struct err *e);
bool meter_rcpt(struct wire *w, struct err *e);
bool meter_data(struct wire *w, struct err *e);
/* The transaction is over; may come twice. */
void meter_reset(struct wire *w);
/* A command was answered so. */
void meter_refused(struct wire *w, struct span line, const struct reply *r);

#endif

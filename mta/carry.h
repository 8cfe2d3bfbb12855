/*
 * NAME
 *	carry - one job, to whichever server will have it
 * DESCRIPTION
 *	Finds a server of the destination that will talk (search.h) unless the link to one is still
 *	open (link.h), hands over the message, and keeps the link for the next message to the same
 *	destination. Always fills the result, one line for each recipient.
 */
#ifndef MTA_CARRY_H
#define MTA_CARRY_H

#include "common/keeper/role.h"
#include "common/net/tls.h"
#include "common/queue/route.h"
#include "common/smtp/client.h"
#include "mta/job.h"
#include "mta/myself.h"

struct carrier {
	struct role_self	*self;
	struct tls_client	*tls;
	struct myself		 myself;
	int			 resolver, hints;	/* -1: not connected */
	struct sts_found	*sts;			/* of the job's destination (sts.h); NULL: not asked for yet */
	/* the link */
	bool			 open;
	bool			 assured;		/* fit for REQUIRETLS: RFC 8689 4.2.1 */
	char			 destination[ROUTE_NAME], host[ROUTE_NAME], ip[48];
	char			 way[WAY_TEXT];		/* how it was to be: link.c */
	struct tls_stream	 stream;
	struct smtp_client	 client;
	ms_t			 used;			/* last time */
	unsigned		 carried;		/* messages over it */
};

void carry(struct carrier *c, const struct job *j, struct arena *a, struct job_result *r);

#endif

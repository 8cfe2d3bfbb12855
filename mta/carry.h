/*
 * NAME
 *	carry - one job, to whichever server will have it
 * DESCRIPTION
 *	Finds a server of the destination that will talk (search.h) unless the link to one is still
 *	open (link.h), hands over the message, and keeps the link for the next message to the same
 *	destination, or to another with the same server. Always fills the result, one line for each
 *	recipient.
 */
#ifndef MTA_CARRY_H
#define MTA_CARRY_H

#include "common/keeper/role.h"
#include "common/net/address.h"
#include "common/net/tls.h"
#include "common/queue/route.h"
#include "common/smtp/client.h"
#include "mta/job.h"
#include "mta/myself.h"

enum { CARRIER_SOURCES = 8, CARRIER_HOSTS = 16 };

struct source_known { char ip[ADDRESS_TEXT]; ms_t until; bool fine; };

struct carrier {
	struct role_self	*self;
	struct tls_client	*tls;
	struct myself		 myself;
	int			 resolver, hints;	/* -1: not connected */
	struct sts_found *sts; /* of the job's destination (sts.h); NULL: not asked for yet */
	int			 secrets;		/* relay-secrets, or -1: */
	struct err		 no_secrets;		/* why not */
	bool ends; /* when this job is done: what it holds is stale */
	struct source_known	 sources[CARRIER_SOURCES];	/* source.c */
	/* servers that offer CHUNKING, and can not do it: a ring */
	char			 no_bdat[CARRIER_HOSTS][ROUTE_NAME];
	unsigned		 no_bdat_next;
	/* a rehearsal: trace.h */
	bool			 watched;
	char			 about[ROUTE_NAME];
	ms_t			 told;
	/* the link */
	bool			 open;
	bool			 assured;		/* fit for REQUIRETLS: RFC 8689 4.2.1 */
	char			 destination[ROUTE_NAME], host[ROUTE_NAME], ip[WAY_HOST];
	unsigned		 port;
	char			 way[WAY_TEXT];		/* how it was to be: link.c */
	unsigned		 policy;		/* likewise, and who said so */
	char			 helo[WAY_HOST];
	struct tls_stream	 stream;
	struct smtp_client	 client;
	ms_t			 used;			/* last time */
	unsigned		 carried;		/* messages over it */
};

void carry(struct carrier *c, const struct job *j, struct arena *a, struct job_result *r);

#endif

/*
 * NAME
 *	crowd - servers of many domains that will not have all of our conversations at once
 * DESCRIPTION
 *	A destination has its pace (pace.h), and a server of a thousand domains knows nothing of
 *	destinations: it refuses the sixth connection from us, for whichever of them. For a while
 *	after that, work for it goes to those who have a connection there and rest, and a new one
 *	is tried once a second: so it gets as many as it takes. Pure.
 */
#ifndef MTA_CROWD_H
#define MTA_CROWD_H

#include "common/os/clock.h"
#include "common/queue/route.h"

enum {
	CROWD_HOSTS	= 64,		/* the oldest is forgotten for the next */
	CROWD_FOR_MS	= 600 * 1000,	/* after the last refusal it is a server like any other */
	CROWD_TRY_MS	= 1000,
};

struct crowd_host {
	char	 name[ROUTE_NAME];
	unsigned resting;	/* connections there without work; whoever counts keeps it */
	ms_t	 until, next;	/* it counts; another connection may be tried */
};

struct crowd { struct crowd_host hosts[CROWD_HOSTS]; size_t count, oldest; };

/* It refused a conversation. */
void crowd_refused(struct crowd *c, const char *host, ms_t now);
bool crowd_has_room(struct crowd *c, const char *host, ms_t now);
/* A new connection to it is begun. */
void crowd_tried(struct crowd *c, const char *host, ms_t now);

#endif

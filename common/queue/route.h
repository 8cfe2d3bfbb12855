/*
 * NAME
 *	route - where a recipient goes from here
 * DESCRIPTION
 *	Pure: what the clerk said and the settings are arguments.
 */
#ifndef COMMON_QUEUE_ROUTE_H
#define COMMON_QUEUE_ROUTE_H

#include "common/base/span.h"
#include "common/directory/directory.h"

enum { ROUTE_NAME = 256 };	/* RFC 1035 2.3.4, with its NUL */

enum route { ROUTE_LOCAL, ROUTE_OUT };

/* Mail for somebody unknown in a domain of ours is local: there it is found out and bounced. So is a report that is to go back. */
enum route route_of(enum dir_class is);

/* The domain in lower case. False: an address without one, or one too long. */
bool route_destination(struct span address, char out[ROUTE_NAME]);

#endif

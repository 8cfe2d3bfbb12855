/*
 * NAME
 *	where - where a milter is, as a setting says it
 * DESCRIPTION
 *	NAME=unix:/path, NAME=inet:ADDRESS:PORT, NAME=inet:[IPV6]:PORT; with :open behind it
 *	mail is taken without a milter that is not there. Pure.
 */
#ifndef COMMON_MILTER_WHERE_H
#define COMMON_MILTER_WHERE_H

#include "common/net/address.h"

enum { MILTER_NAME_MAX = 23, MILTER_PATH_MAX = 107, MILTERS_MAX = 16 };

struct milter_where {
	char		name[MILTER_NAME_MAX + 1];
	char		path[MILTER_PATH_MAX + 1];	/* "" for inet */
	struct address	address;
	unsigned	port;
	bool		open;
};

bool where_parse(struct span word, struct milter_where *w);

#endif

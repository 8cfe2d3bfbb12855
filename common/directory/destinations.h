/*
 * NAME
 *	destinations - one line of posthorn-destinations(5)
 * DESCRIPTION
 *	"NAME key=value ...": for whom, and the way there (way.h). The name is a domain, .domain for what is
 *	below it, an address literal, * for all, or behind "from:" a sender's domain, .domain or address.
 *	Spans point into the line. Pure.
 */
#ifndef COMMON_DIRECTORY_DESTINATIONS_H
#define COMMON_DIRECTORY_DESTINATIONS_H

#include "common/directory/way.h"

struct destinations_row {
	struct span	name;		/* with its "from:" */
	struct span	words;
};

bool destinations_line_parse(struct span line, struct destinations_row *row, struct err *e);

#endif

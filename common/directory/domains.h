/*
 * NAME
 *	domains - one line of posthorn-domains(5)
 * DESCRIPTION
 *	"example.org" has virtual users; "relay: example.org" is somebody else's, and we carry
 *	mail for it; "relay: example.org listed" only for recipients that stand in relay-recipients. Spans point into the line. Pure.
 */
#ifndef COMMON_DIRECTORY_DOMAINS_H
#define COMMON_DIRECTORY_DOMAINS_H

#include "common/base/err.h"
#include "common/base/span.h"

struct domains_row {
	struct span	domain;
	bool		relay, listed;
};

bool domains_line_parse(struct span line, struct domains_row *row, struct err *e);
/* One line of relay-recipients: an address, and nothing else. */
bool recipients_line_parse(struct span line, struct span *address, struct err *e);

#endif

/*
 * NAME
 *	dmarc-read - a DMARC aggregate report that somebody sent us
 * DESCRIPTION
 *	Reads the XML of RFC 9990 and of RFC 7489 appendix C (expat): in order or not, with or without
 *	a name space, unknown elements passed over. What a stranger wrote is bounded: DEPTH levels,
 *	ROWS rows, texts cut; no entity of a document's own is followed.
 */
#ifndef COMMON_TRUST_DMARC_READ_H
#define COMMON_TRUST_DMARC_READ_H

#include "common/base/err.h"
#include "common/trust/dmarc-report.h"

enum { DMARC_READ_ROWS = 100000, DMARC_READ_TEXT = 256, DMARC_READ_DEPTH = 16, DMARC_READ_MAX = 64 << 20 };

struct dmarc_read_row { struct dmarc_row row; uint64_t count; };

/* Texts are never NULL. */
struct dmarc_read {
	const char		*organization, *email, *id;
	uint64_t		 begin, end;
	const char		*policy_domain, *policy, *sub;	/* domain, p, sp */
	struct dmarc_read_row	*rows;
	size_t			 count;
	bool			 cut;		/* there were more rows */
};

/* Memory from a. PERM when it is no report. */
bool dmarc_read(struct span xml, struct arena *a, struct dmarc_read *out, struct err *e);

#endif

/*
 * NAME
 *	dmarc-record - what a domain wants done with mail that is not from it
 * DESCRIPTION
 *	The text at _dmarc.DOMAIN: RFC 9989 4.7. Tags that it does not know (also those of
 *	RFC 7489 that are gone: pct, rf, ri) are passed over; a known tag with a value that
 *	makes no sense counts as not there. Pure.
 */
#ifndef COMMON_TRUST_DMARC_RECORD_H
#define COMMON_TRUST_DMARC_RECORD_H

#include "common/base/err.h"
#include "common/base/span.h"

enum dmarc_policy { DMARC_NO_POLICY, DMARC_ACCEPT, DMARC_QUARANTINE, DMARC_REJECT };	/* ACCEPT: "none" */
enum dmarc_psd { DMARC_PSD_UNSAID, DMARC_PSD_YES, DMARC_PSD_NO };

struct dmarc_record {
	enum dmarc_policy	policy, sub, nowhere;	/* p=, sp=, np= */
	bool			strict_dkim, strict_spf;	/* adkim=s, aspf=s */
	bool			testing;		/* t=y */
	enum dmarc_psd		psd;
	struct span		rua;			/* URIs, parted by commas; empty: none */
};

/* "v=DMARC1" alone or before a semicolon, as it must begin. */
bool dmarc_is_record(struct span text);
/* PERM when it can not be read, or has no policy and nobody to report to (RFC 9989 4.7, p=). */
bool dmarc_record_parse(struct span text, struct dmarc_record *out, struct err *e);
const char *dmarc_policy_name(enum dmarc_policy p);	/* "none" "quarantine" "reject", "" */
/* Eat one address of rua: "mailto:a@b.test!10m" gives a@b.test; other URIs are passed over. */
bool dmarc_eat_mailto(struct span *list, struct span *address);

#endif

/*
 * NAME
 *	srs - senders that lead back: the Sender Rewriting Scheme
 * DESCRIPTION
 *	Who forwards mail of ann@a.test to another domain is no server that SPF knows of a.test. So the
 *	forward goes out from an address of ours that names her, and reports about it find back through us.
 *	There is no RFC; the form is that of Mail::SRS and its kin, so that others know it when they see it:
 *
 *		ann@a.test			SRS0=HASH=TT=a.test=ann@ours
 *		SRS0=HASH=TT=a.test=ann@b.test	SRS1=HASH=b.test==HASH=TT=a.test=ann@ours
 *		SRS1=HASH=b.test==...@c.test	SRS1=HASH=b.test==...@ours
 *
 *	TT is the day, modulo 1024, in two letters of base 32. HASH is the first thirty bits of
 *	SipHash-2-4 over what follows it, without regard to case (some servers fold the part before the
 *	@), so that nobody but us makes such an address. SRS1 names the first that forwarded, who knows
 *	the sender and the day: however many forward after it, the way back has two hops.
 *	Pure.
 * BUGS
 *	The part before the @ often has more than the 64 bytes of RFC 5321 4.5.3.1.1. So has everybody's.
 */
#ifndef COMMON_MAIL_SRS_H
#define COMMON_MAIL_SRS_H

#include <time.h>

#include "common/base/err.h"
#include "common/base/str.h"

enum { SRS_KEYS = 4, SRS_LOCAL_MAX = 255, SRS_ADDRESS_MAX = 1024 };

/* The first makes addresses; all of them are good to come back to. */
struct srs_keys { uint64_t keys[SRS_KEYS][2]; size_t count; };

/* Is it of this form, whoever made it? Of "SRS0=...@domain" or its local part alone. */
bool srs_is(struct span address);

/* sender as envelopes have it, not null. False: it would be too long, or is no address; out is as it was. */
bool srs_forward(const struct srs_keys *keys, struct span sender, struct span domain, time_t now,
    struct str *out);

/*
 * The sender behind an address of ours, or the address that the first who forwarded made. PERM 5.1.1: no
 * address that we made, or one that is older than valid seconds.
 */
bool srs_back(const struct srs_keys *keys, struct span address, time_t now, time_t valid,
    struct str *out, struct err *e);

#endif

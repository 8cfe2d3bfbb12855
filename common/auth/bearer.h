/*
 * NAME
 *	bearer - what a client says with a token: OAUTHBEARER (RFC 7628) and XOAUTH2
 * DESCRIPTION
 *	XOAUTH2 is what Google and Microsoft had before the RFC: "user=" NAME ^A "auth=Bearer " TOKEN ^A ^A.
 *	Pure.
 */
#ifndef COMMON_AUTH_BEARER_H
#define COMMON_AUTH_BEARER_H

#include "common/auth/record.h"
#include "common/base/err.h"
#include "common/base/span.h"

struct bearer {
	char		user[AUTH_NAME_MAX];	/* as whom; "" where it does not say */
	struct span	token;			/* points into what was said */
};

/* PERM 5.5.2 when it is not well-formed. */
bool bearer_parse(struct span mechanism, struct span said, struct bearer *b, struct err *e);

#endif

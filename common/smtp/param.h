/*
 * NAME
 *	param - what may follow the path in MAIL and RCPT
 * DESCRIPTION
 *	One row per parameter (param.c), each tied to its extension: not offered means
 *	not understood (555 5.5.4), given twice or malformed is 501 5.5.4. xtext (RFC
 *	3461 4) is decoded on the way in and encoded on the way out, so everything in
 *	between, the envelope too, holds plain text. What decodes to control characters
 *	is refused.
 */
#ifndef COMMON_SMTP_PARAM_H
#define COMMON_SMTP_PARAM_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum {
	PARAM_ENVID_MAX	= 100,		/* RFC 3461 4.4 */
	PARAM_ORCPT_MAX	= 500,		/* RFC 3461 4.2 */
};

/* NOTIFY, the same bits as enum notify of queue/envelope.h. 0 = not given. */
enum param_notify { PARAM_NEVER = 1, PARAM_SUCCESS = 2, PARAM_FAILURE = 4, PARAM_DELAY = 8 };

struct mail_params {
	uint64_t	 size;		/* 0 = not said */
	bool		 body8bit;	/* BODY=8BITMIME */
	bool		 smtputf8;
	const char	*ret;		/* "full" "hdrs" or "" */
	const char	*envid;		/* decoded, or "" */
	const char	*auth;		/* RFC 4954 5, decoded; "<>" or "" */
};

struct rcpt_params {
	unsigned	 notify;	/* enum param_notify */
	const char	*original;	/* ORCPT decoded: "rfc822;ann@example.org", or "" */
};

/* rest: what follows the path. offered: enum smtp_ext bits. Memory from a. */
bool param_mail(struct span rest, unsigned offered, struct arena *a, struct mail_params *out, struct err *e);
bool param_rcpt(struct span rest, unsigned offered, bool utf8, struct arena *a, struct rcpt_params *out, struct err *e);

/* xtext: RFC 3461 4. Decoding fails on anything that is not xtext or decodes to a control. */
bool xtext_decode(struct span in, struct str *out);
void xtext_encode(struct span in, struct str *out);
/* "ORCPT=rfc822;..." and "NOTIFY=..." as RCPT wants them, with a blank in front; nothing when not given. */
void param_print_rcpt(const struct rcpt_params *p, struct str *out);

#endif

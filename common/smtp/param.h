/*
 * NAME
 *	param - what may follow the path in MAIL and RCPT
 * DESCRIPTION
 *	One row per parameter (param.c), each tied to its extension: not offered means
 *	not understood (5.5.4, reply 555); given twice, with another that it excludes, or
 *	malformed is 5.5.2 (reply 501).
 *	ENVID, ORCPT and AUTH are xtext (RFC 3461 4): looked through here, and carried on
 *	as they came, in the envelope too; reports decode them. What decodes to control
 *	characters is refused.
 */
#ifndef COMMON_SMTP_PARAM_H
#define COMMON_SMTP_PARAM_H

#include <time.h>

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

enum {
	PARAM_ENVID_MAX	= 100,		/* RFC 3461 4.4 */
	PARAM_ORCPT_MAX	= 500,		/* RFC 3461 4.2 */
	PARAM_SECONDS_MAX = 999999999,	/* RFC 4865 4, RFC 2852 4: nine digits */
	PARAM_PRIORITY_MAX = 9,		/* RFC 6710 4: -9 to 9 */
};

/* NOTIFY, the same bits as enum notify of queue/envelope.h. 0 = not given. */
enum param_notify { PARAM_NEVER = 1, PARAM_SUCCESS = 2, PARAM_FAILURE = 4, PARAM_DELAY = 8 };

/* BY, RFC 2852 4: seconds from now on (BY_NOTIFY: may be over already), and what then. */
enum by_mode { BY_NONE, BY_RETURN, BY_NOTIFY };
struct deliver_by { enum by_mode mode; bool trace; int64_t seconds; };

struct mail_params {
	uint64_t	 size;		/* 0 = not said */
	bool		 body8bit;	/* BODY=8BITMIME */
	bool		 smtputf8;
	const char	*ret;		/* "full" "hdrs" or "" */
	const char	*envid;		/* xtext, or "" */
	const char	*auth;		/* RFC 4954 5: xtext, "<>" or "" */
	bool		 require_tls;	/* RFC 8689 */
	uint64_t	 hold_for;	/* RFC 4865: seconds, 0 = not said */
	time_t		 hold_until;	/* the other way to say it, 0 = not said */
	struct deliver_by by;
	int		 priority;	/* RFC 6710; 0 is what nobody asked for, too */
};

struct rcpt_params {
	unsigned	 notify;	/* enum param_notify */
	const char	*original;	/* ORCPT: "rfc822;" and xtext, or "" */
};

/* rest: what follows the path. offered: enum smtp_ext bits. Memory from a. */
bool param_mail(struct span rest, unsigned offered, struct arena *a, struct mail_params *out, struct err *e);
bool param_rcpt(struct span rest, unsigned offered, bool utf8, struct arena *a,
    struct rcpt_params *out, struct err *e);

/*
 * As the other server wants them, each with a blank in front; nothing when not given or
 * not in ext. AUTH is not passed on (RFC 4954 5: only to servers we trust), nor is a hold:
 * who held the message does not ask others to.
 */
void param_print_mail(const struct mail_params *p, unsigned ext, struct str *out);
void param_print_rcpt(const struct rcpt_params *p, unsigned ext, struct str *out);

/* RFC 3461 4. Decoding fails on what is not xtext or decodes to a control; out is as it was then. */
bool xtext_decode(struct span in, struct str *out);
void xtext_encode(struct span in, struct str *out);

#endif

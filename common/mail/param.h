/*
 * NAME
 *	param - "value; name=value; ..." of MIME fields (RFC 2045 5.1, RFC 2231)
 * DESCRIPTION
 *	Reads Content-Type and Content-Disposition values: comments skipped, quoted
 *	strings unquoted, RFC 2231 continuations (name*0, name*1*) joined in their order.
 *	Never fails; what can not be read is left out. Linear; PARAM_MAX parameters.
 */
#ifndef COMMON_MAIL_PARAM_H
#define COMMON_MAIL_PARAM_H

#include "common/base/arena.h"
#include "common/base/str.h"

enum { PARAM_MAX = 100, PARAM_PIECES_MAX = 200 };

struct param {
	struct span	name;		/* without any "*" */
	struct span value; /* joined; in RFC 2231 form "charset'lang'%41" when extended */
	bool		extended;	/* IMAP shows it as "name*" (RFC 2231 6) */
};

struct params {
	struct param	*list;
	size_t		 count;
};

/* first: what stands before the first ";" ("text/plain", "attachment"), comments removed. */
void param_parse(struct span value, struct arena *a, struct span *first, struct params *out);
const struct param *param_find(const struct params *p, const char *name);
/* The value as UTF-8 text; also undoes RFC 2047 words, which many put there against the rules. */
struct span param_utf8(const struct param *p, struct arena *a);

#endif

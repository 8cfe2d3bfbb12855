/*
 * NAME
 *	tags - "name=value; name=value", as DKIM and DMARC write it
 * DESCRIPTION
 *	RFC 6376 3.2. Names keep their case and stand once; values are without outer blanks,
 *	and may be folded inside. An empty place between two semicolons is passed over, because
 *	records in the wild have them. Everything points into the text. Pure.
 */
#ifndef COMMON_TRUST_TAGS_H
#define COMMON_TRUST_TAGS_H

#include "common/base/err.h"
#include "common/base/str.h"

enum { TAGS_MAX = 50 };

struct tag {
	struct span	name, value;
	struct span raw; /* all between "=" and ";", which is what b= is signed without */
};

struct tags {
	struct tag	list[TAGS_MAX];
	size_t		count;
};

/* False: no tag list, or a name twice, which spoils the whole (RFC 6376 3.2). PERM 5.7.7. */
bool tags_parse(struct span text, struct tags *out, struct err *e);
const struct tag *tags_find(const struct tags *t, const char *name);	/* NULL: not there */
struct span tags_value(const struct tags *t, const char *name);		/* .p NULL: not there */

/* Eat one word of a list "a:b:c", without blanks around it. False: no more. */
bool tag_word(struct span *list, struct span *word);
bool tag_has_word(struct span list, const char *word);	/* ignores case */
bool tag_base64(struct span value, struct str *out);	/* folded base64, the padding may lack; may be empty */
void tag_squeeze(struct span value, struct str *out);	/* without any blanks and line ends */

#endif

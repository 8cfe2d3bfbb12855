/* SASLprep by libidn. See prep.h. */
#include "common/auth/prep.h"

#include <stdlib.h>
#include <stringprep.h>

enum { PREP_MAX = 1024 };

static bool is_plain(struct span in)
{
	struct span rest = in;

	span_while(&rest, is_print);
	return in.n && !rest.n;
}

bool prep(struct span in, bool stored, char *buf, size_t size)
{
	char text[PREP_MAX], *made = NULL;
	bool ok;

	buf[0] = '\0';
	if (is_plain(in))
		return span_copy(in, buf, size);
	if (!in.n || !span_copy(in, text, sizeof text))
		return false;
	ok = stringprep_profile(text, &made, "SASLprep", stored ? STRINGPREP_NO_UNASSIGNED : 0) == STRINGPREP_OK &&
	    *made && span_copy(span_of(made), buf, size);
	explicit_bzero(text, sizeof text);
	if (made)
		explicit_bzero(made, strlen(made));
	free(made);
	return ok;
}

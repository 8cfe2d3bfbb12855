/* How to go there. See way.h. */
#include "common/queue/way.h"

static const char *const names[] = { [WAY_NONE] = "none", [WAY_MAY] = "may", [WAY_ENCRYPT] = "encrypt" };

const char *way_tls_name(enum way_tls tls)
{
	return names[tls];
}

bool way_tls_parse(struct span word, enum way_tls *tls)
{
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (!span_is(word, names[i]))
			continue;
		*tls = (enum way_tls)i;
		return true;
	}
	return false;
}

/* Where milters are. See where.h. */
#include "common/milter/where.h"

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && s.p[i] != '-' && s.p[i] != '_')
			return false;
	}
	return s.n > 0;
}

static bool take_inet(struct span s, struct milter_where *w)
{
	char host[HOST_MAX + 1];

	w->port = 0;
	return host_port_parse(s, host, &w->port) && w->port &&
	    address_parse(span_of(host), &w->address);
}

bool where_parse(struct span word, struct milter_where *w)
{
	struct span name;

	*w = (struct milter_where){ .open = span_ends(word, ":open") };
	if (w->open)
		word = span_to(word, word.n - 5);
	if (!span_cut(&word, '=', &name) || !is_name(name) ||
	    !span_copy(name, w->name, sizeof w->name))
		return false;
	if (span_eat(&word, "unix:"))
		return span_starts(word, "/") && span_copy(word, w->path, sizeof w->path);
	return span_eat(&word, "inet:") && take_inet(word, w);
}

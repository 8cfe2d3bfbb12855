/* Decisions about where to. See route.h. */
#include "common/queue/route.h"

enum route route_of(enum dir_class is)
{
	return is == DIR_LOCAL || is == DIR_UNKNOWN || is == DIR_RETURN ? ROUTE_LOCAL : ROUTE_OUT;
}

bool route_destination(struct span address, const char *relay_host, char out[ROUTE_NAME])
{
	ptrdiff_t at = span_rfind(address, '@');

	if (*relay_host)
		return span_copy(span_of(relay_host), out, ROUTE_NAME);
	if (at < 0 || (size_t)at + 1 == address.n ||
	    !span_copy(span_from(address, (size_t)at + 1), out, ROUTE_NAME))
		return false;
	for (char *p = out; *p; p++)
		*p = to_lower(*p);
	return true;
}

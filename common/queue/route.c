/* Decisions about where to. See route.h. */
#include "common/queue/route.h"

enum route route_of(enum dir_class is)
{
	return is == DIR_LOCAL || is == DIR_UNKNOWN || is == DIR_RETURN ? ROUTE_LOCAL : ROUTE_OUT;
}

bool route_destination(struct span address, char out[ROUTE_NAME])
{
	ptrdiff_t at = span_rfind(address, '@');

	return at >= 0 && (size_t)at + 1 < address.n &&
	    span_copy_lower(span_from(address, (size_t)at + 1), out, ROUTE_NAME);
}

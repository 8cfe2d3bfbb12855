/* Each step, told. See trace.h. */
#include "mta/trace.h"

#include <stdarg.h>

#include "common/os/clock.h"

enum { TEXT_MAX = 1000 };

void trace_about(struct carrier *c, const char *host)
{
	snprintf(c->about, sizeof c->about, "%s", host);
	c->told = clock_ms();
}

void trace(struct carrier *c, enum trace_mark mark, const char *step, const char *fmt, ...)
{
	struct job_step s = { .mark = (char)mark, .step = step, .host = c->about };
	struct packet p;
	char text[TEXT_MAX];
	va_list args;

	if (!c->watched)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	s.text = text;
	s.ms = (uint64_t)(clock_ms() - c->told);
	c->told = clock_ms();
	job_put_step(&s, &p);
	packet_send(c->self->work, &p, NULL);	/* who no longer listens has gone, and will be noticed */
}

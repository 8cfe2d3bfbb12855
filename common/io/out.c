/* Output held back. See out.h. */
#include "common/io/out.h"

#include <stdarg.h>

#include "common/base/mem.h"
#include "common/base/str.h"

struct out {
	struct stream	*to;
	struct str	 held;
	int		 patience_s;
	bool		 failed;
	struct err	 why;
};

struct out *out_new(struct stream *to)
{
	struct out *o = mem_get(sizeof *o);

	o->to = to;
	o->held = STR(2 * OUT_HELD);
	o->patience_s = 300;
	return o;
}

void out_free(struct out *o)
{
	if (!o)
		return;
	str_free(&o->held);
	free(o);
}

void out_patience(struct out *o, int seconds)
{
	o->patience_s = seconds;
}

bool out_failed(const struct out *o)
{
	return o->failed;
}

static void send_held(struct out *o, ms_t until)
{
	if (o->held.n && !o->failed && !o->to->write(o->to, str_span(&o->held), until, &o->why))
		o->failed = true;
	str_reset(&o->held);
}

void out_add(struct out *o, struct span bytes)
{
	while (bytes.n && !o->failed) {
		str_add(&o->held, span_take(&bytes, OUT_HELD - o->held.n));
		if (o->held.n >= OUT_HELD)
			send_held(o, clock_in(o->patience_s));
	}
}

void out_text(struct out *o, const char *text)
{
	out_add(o, span_of(text));
}

void out_addf(struct out *o, const char *fmt, ...)
{
	char small[512], *big;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(small, sizeof small, fmt, args);
	va_end(args);
	if (n < (int)sizeof small) {
		out_add(o, (struct span){ small, (size_t)n });
		return;
	}
	big = mem_get((size_t)n + 1);
	va_start(args, fmt);
	vsnprintf(big, (size_t)n + 1, fmt, args);
	va_end(args);
	out_add(o, (struct span){ big, (size_t)n });
	free(big);
}

void out_add_crlf(struct out *o, struct span lf_text)
{
	struct span line;

	while (span_cut(&lf_text, '\n', &line)) {
		out_add(o, line);
		out_add(o, SPAN("\r\n"));
	}
	out_add(o, lf_text);
}

bool out_flush(struct out *o, ms_t until, struct err *e)
{
	send_held(o, until);
	if (o->failed && e)
		*e = o->why;
	return !o->failed;
}

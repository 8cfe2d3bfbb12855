/* Replies. See reply.h. */
#include "imapd/reply.h"

#include <stdarg.h>

struct reply say(enum reply_kind kind, const char *fmt, ...)
{
	struct reply r = { .kind = kind };
	va_list args;

	va_start(args, fmt);
	vsnprintf(r.text, sizeof r.text, fmt, args);
	va_end(args);
	return r;
}

void reply_print(struct out *o, struct span tag, const struct reply *r)
{
	static const char *const words[] = { "OK", "NO", "BAD", "BYE" };

	out_add(o, r->kind == REPLY_BYE ? SPAN("*") : tag);
	out_addf(o, " %s ", words[r->kind]);
	if (r->code) {
		out_text(o, r->code);
		out_text(o, " ");
	}
	out_addf(o, "%s\r\n", r->text);
}

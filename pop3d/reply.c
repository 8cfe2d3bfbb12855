/* Words of POP3 that both sides of the login need. See pop3.h. */
#include "pop3d/pop3.h"

#include <stdarg.h>
#include <stdio.h>

/* A name from outside may stand in a reply; a line end may not. */
static void say(struct out *o, const char *start, const char *code, const char *fmt, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof text, fmt, args);
	for (char *c = text; *c; c++) {
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			*c = '?';
	}
	out_addf(o, "%s%s%s\r\n", start, code, text);
}

bool pop3_ok(struct out *o, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(o, "+OK ", "", fmt, args);
	va_end(args);
	return true;
}

bool pop3_no(struct out *o, const char *code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	say(o, "-ERR ", code, fmt, args);
	va_end(args);
	return false;
}

const char *pop3_code(const struct err *e)
{
	return e->kind == ERR_PERM ? "[SYS/PERM] " : "[SYS/TEMP] ";
}

void pop3_split(struct span line, struct span *verb, struct span *arg)
{
	*verb = line;
	*arg = span_from(line, line.n);
	if (span_cut(&line, ' ', verb))
		*arg = line;
}

void pop3_capa(struct out *o, bool stls, const struct sasl_offer *offer)
{
	pop3_ok(o, "what we can do");
	out_text(o, "TOP\r\nUIDL\r\nRESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\n");
	if (stls)
		out_text(o, "STLS\r\n");
	if (offer && offer->passwords)
		out_text(o, "USER\r\n");
	if (offer)
		out_addf(o, "SASL %s\r\n", offer->text);
	out_text(o, "IMPLEMENTATION Posthorn\r\n.\r\n");
}

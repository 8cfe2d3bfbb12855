/*
 * XCLIENT: a proxy in front of us says who its client is. The protocol is Postfix's,
 * XCLIENT_README. The conversation begins anew, with a greeting, as for that client.
 */
#include "common/smtp/verb.h"

#include "common/net/address.h"
#include "common/smtp/param.h"

enum { VALUE_MAX = 255 };

/* What the proxy could not find out is "unknown", never the proxy's own. */
static bool take_ip(struct span value, struct smtp *s, const char **out)
{
	char text[ADDRESS_TEXT];
	struct address a;

	*out = "unknown";
	if (span_is(value, "[UNAVAILABLE]") || span_is(value, "[TEMPUNAVAIL]"))
		return true;
	span_eat(&value, "IPV6:");
	if (!address_parse(value, &a))
		return false;
	address_print(&a, text);
	*out = arena_text(s->command, span_of(text));
	return true;
}

static bool take_port(struct span value, unsigned *out)
{
	uint64_t n = 0;

	if (!span_is(value, "[UNAVAILABLE]") && !span_u64(value, 65535, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

static bool take_address(struct span value, struct smtp *s, struct smtp_proxied *c)
{
	return take_ip(value, s, &c->ip);
}

static bool take_client_port(struct span value, struct smtp *s, struct smtp_proxied *c)
{
	(void)s;
	return take_port(value, &c->port);
}

static bool take_destination(struct span value, struct smtp *s, struct smtp_proxied *c)
{
	return take_ip(value, s, &c->local_ip);
}

static bool take_destination_port(struct span value, struct smtp *s, struct smtp_proxied *c)
{
	(void)s;
	return take_port(value, &c->local_port);
}

/* We ask the DNS ourselves, and the client's EHLO comes through the proxy again. */
static bool take_and_forget(struct span value, struct smtp *s, struct smtp_proxied *c)
{
	(void)s;
	(void)c;
	return value.n > 0;
}

/* LOGIN is not among them: who is logged in here has said a password here. */
static const struct {
	const char	*name;
	bool		(*take)(struct span value, struct smtp *s, struct smtp_proxied *c);
} attributes[] = {
	{ "NAME",	take_and_forget },
	{ "ADDR",	take_address },
	{ "PORT",	take_client_port },
	{ "PROTO",	take_and_forget },
	{ "HELO",	take_and_forget },
	{ "DESTADDR",	take_destination },
	{ "DESTPORT",	take_destination_port },
};
enum { ATTRIBUTES = sizeof attributes / sizeof *attributes };

static bool take_value(size_t i, struct span coded, struct smtp *s, struct smtp_proxied *c)
{
	struct str value = STR(VALUE_MAX);
	bool ok = coded.n <= VALUE_MAX && xtext_decode(coded, &value) &&
	    attributes[i].take(str_span(&value), s, c);

	str_free(&value);
	return ok;
}

static bool take_attribute(struct span word, struct smtp *s, struct smtp_proxied *c)
{
	struct span name;
	size_t i = 0;

	if (!span_cut(&word, '=', &name))
		return false;
	while (i < ATTRIBUTES && !span_is(name, attributes[i].name))
		i++;
	return i < ATTRIBUTES && take_value(i, word, s, c);
}

struct reply smtp_do_xclient(struct smtp *s, struct span arg)
{
	struct smtp_proxied client = { .ip = NULL };
	struct span word;
	struct err e;

	if (s->known)			/* its next client would be who the one before was */
		return reply_say(503, "5.5.1", "somebody is logged in; connect anew for another client");
	if (!arg.n)
		return reply_say(501, "5.5.4", "say XCLIENT ADDR=address");
	while ((word = span_word(&arg)).n) {
		if (!take_attribute(word, s, &client))
			return reply_say(501, "5.5.4", "XCLIENT " SPAN_FMT " is not understood",
			    SPAN_ARG(span_to(word, 60)));
	}
	smtp_forget(s);
	if (!s->hooks->proxied(s, &client, &e))
		return reply_refuse(&e);
	s->hello[0] = '\0';
	s->extended = false;
	s->state = SMTP_FRESH;
	return smtp_greet(s);
}

/* The words of an SPF record. See spf-record.h. */
#include "common/trust/spf-record.h"

#include "common/trust/spf-macro.h"

enum { SHOWN = 60 };		/* of a term in a sentence */

#define SHOW(span)	SPAN_ARG(span_to(span, SHOWN))

static const struct mechanism {
	const char	*name;
	bool		 may_target, must_target, may_prefix;
} mechanisms[] = {
	[SPF_ALL]	= { "all",	false,	false,	false },
	[SPF_INCLUDE]	= { "include",	true,	true,	false },
	[SPF_A]		= { "a",	true,	false,	true },
	[SPF_MX]	= { "mx",	true,	false,	true },
	[SPF_PTR]	= { "ptr",	true,	false,	false },
	[SPF_IP4]	= { "ip4",	true,	true,	true },
	[SPF_IP6]	= { "ip6",	true,	true,	true },
	[SPF_EXISTS]	= { "exists",	true,	true,	false },
};

enum { MECHANISMS = sizeof mechanisms / sizeof *mechanisms };

bool spf_is_record(struct span text)
{
	return span_eat(&text, "v=spf1") && (!text.n || *text.p == ' ');
}

/* RFC 7208 4.6.1: name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." ) */
static bool is_name_char(char c)
{
	return is_alnum(c) || c == '-' || c == '_' || c == '.';
}

static bool eat_qualifier(struct span *in, enum trust_result *result)
{
	static const struct { char c; enum trust_result result; } qualifiers[] = {
		{ '+', TRUST_PASS }, { '-', TRUST_FAIL }, { '~', TRUST_SOFTFAIL }, { '?', TRUST_NEUTRAL },
	};

	*result = TRUST_PASS;
	for (size_t i = 0; i < sizeof qualifiers / sizeof *qualifiers; i++) {
		if (span_eat_char(in, qualifiers[i].c)) {
			*result = qualifiers[i].result;
			return true;
		}
	}
	return false;
}

/* The digits behind the last slash, when that is how it ends: no sign, no leading zero. */
static bool cut_prefix(struct span *in, unsigned most, unsigned *bits, struct err *e)
{
	ptrdiff_t slash = span_rfind(*in, '/');
	struct span digits;
	uint64_t n;

	if (slash < 0)
		return true;
	digits = span_from(*in, (size_t)slash + 1);
	for (size_t i = 0; i < digits.n; i++) {
		if (!is_digit(digits.p[i]))
			return true;		/* a slash of a macro, or a mistake that the target's check finds */
	}
	if (!span_u64(digits, most, &n) || (digits.n > 1 && *digits.p == '0'))
		return err_perm(e, "5.7.24", "/" SPAN_FMT " is no prefix length up to %u", SHOW(digits), most);
	*bits = (unsigned)n;
	*in = span_to(*in, (size_t)slash);
	return true;
}

/* RFC 7208 5.6: "/24", "//64", "/24//64" */
static bool cut_prefixes(struct span *in, struct spf_term *t, struct err *e)
{
	ptrdiff_t slash = span_rfind(*in, '/');

	if (t->mechanism == SPF_IP4 || t->mechanism == SPF_IP6)
		return cut_prefix(in, t->mechanism == SPF_IP4 ? 32 : 128,
		    t->mechanism == SPF_IP4 ? &t->bits4 : &t->bits6, e);
	if (slash > 0 && in->p[slash - 1] == '/') {
		if (!cut_prefix(in, 128, &t->bits6, e))
			return false;
		if ((size_t)slash == in->n)		/* it was one: the other slash goes too */
			*in = span_to(*in, (size_t)slash - 1);
	}
	return cut_prefix(in, 32, &t->bits4, e);
}

/* ip4:192.0.2.0/24. Bits behind the prefix may be anything (RFC 7208 5.6 compares only the prefix). */
static bool read_network(struct spf_term *t, struct err *e)
{
	unsigned family = t->mechanism == SPF_IP4 ? 4 : 6;

	/* ::ffff:192.0.2.1 is a way to write an IPv6 address, but no client has it: it would be IPv4 */
	if (address_parse(t->target, &t->ip) &&
	    (t->ip.family == family || (family == 6 && span_has(t->target, ':'))))
		return true;
	return err_perm(e, "5.7.24", SPAN_FMT " is no IPv%u address", SHOW(t->target), family);
}

static bool read_target(struct span rest, bool colon, const struct mechanism *m, struct spf_term *t, struct err *e)
{
	if (colon && (!m->may_target || !rest.n))
		return err_perm(e, "5.7.24", "\"%s\" %s", m->name,
		    rest.n ? "takes no domain" : "has nothing behind its colon");
	if (!colon && rest.n)
		return err_perm(e, "5.7.24", "there is something wrong behind \"%s\"", m->name);
	if (!colon && m->must_target)
		return err_perm(e, "5.7.24", "\"%s\" needs a colon and more", m->name);
	t->target = rest;
	if (t->mechanism == SPF_IP4 || t->mechanism == SPF_IP6)
		return read_network(t, e);
	return !colon || spf_macro_domain(rest, e);
}

static bool read_mechanism(struct span rest, const struct mechanism *m, struct spf_term *t, struct err *e)
{
	bool colon;

	t->bits4 = 32;
	t->bits6 = 128;
	colon = span_eat_char(&rest, ':');
	if (m->may_prefix && !cut_prefixes(&rest, t, e))
		return false;
	return read_target(rest, colon, m, t, e);
}

static bool read_directive(struct span text, struct spf_record *out, struct err *e)
{
	struct spf_term t = { .text = text };
	struct span rest = text, name;

	eat_qualifier(&rest, &t.result);
	name = span_while(&rest, is_name_char);
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (!span_is(name, mechanisms[i].name))
			continue;
		t.mechanism = (enum spf_mechanism)i;
		if (out->count == SPF_TERMS_MAX)
			return err_perm(e, "5.7.24", "more than %d mechanisms", SPF_TERMS_MAX);
		if (!read_mechanism(rest, &mechanisms[i], &t, e))
			return err_while(e, SPAN_FMT, SHOW(text));
		out->terms[out->count++] = t;
		return true;
	}
	return err_perm(e, "5.7.24", SPAN_FMT ": no such mechanism", SHOW(text));
}

static bool read_once(struct span value, struct span *where, struct err *e)
{
	if (where->n)
		return err_perm(e, "5.7.24", "stands there twice");	/* RFC 7208 6 */
	*where = value;
	return spf_macro_domain(value, e);
}

/* RFC 7208 6: name = value. Unknown ones are passed over, when they are well made. */
static bool read_modifier(struct span name, struct span value, struct spf_record *out, struct err *e)
{
	if (span_is(name, "redirect"))
		return read_once(value, &out->redirect, e);
	if (span_is(name, "exp"))
		return read_once(value, &out->explain, e);
	return spf_macro_valid(value, false, e);
}

static bool read_term(struct span text, struct spf_record *out, struct err *e)
{
	struct span rest = text, name = span_while(&rest, is_name_char);

	if (!name.n || !is_alpha(*name.p) || !span_eat_char(&rest, '='))
		return read_directive(text, out, e);
	return read_modifier(name, rest, out, e) || err_while(e, SPAN_FMT, SHOW(text));
}

bool spf_record_parse(struct span text, struct spf_record *out, struct err *e)
{
	struct span term;

	out->count = 0;
	out->redirect = out->explain = (struct span){ "", 0 };
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != ' ' && (text.p[i] < 0x21 || text.p[i] > 0x7e))
			return err_perm(e, "5.7.24", "a byte that is no visible ASCII character");
	}
	if (!spf_is_record(text))
		return err_perm(e, "5.7.24", "no SPF record");
	span_eat(&text, "v=spf1");
	while ((term = span_word(&text)).n) {
		if (!read_term(term, out, e))
			return false;
	}
	return true;
}

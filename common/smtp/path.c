/* Forward and reverse paths. See path.h. RFC 5321 4.1.2, RFC 6531 3.3. */
#include "common/smtp/path.h"

#include <arpa/inet.h>

#include "common/mail/charset.h"

enum { LABEL_MAX = 63 };		/* RFC 1035 2.3.4 */

static bool beyond_ascii(char c)
{
	return (unsigned char)c >= 0x80;
}

static bool is_atext(char c)
{
	return is_alnum(c) || beyond_ascii(c) || (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

static bool is_label(char c)
{
	return is_alnum(c) || beyond_ascii(c) || c == '-' || c == '_';
}

static bool is_literal(char c)
{
	return c > ' ' && c < 0x7f && !strchr("[\\]", c);
}

/* What was eaten between two positions of the same text. */
static struct span between(struct span was, struct span is)
{
	return span_to(was, was.n - is.n);
}

/* Dot-string: atoms with single dots between them. */
static bool eat_dot_string(struct span *in)
{
	struct span at = *in;

	do {
		if (!span_while(&at, is_atext).n)
			return false;
	} while (span_eat_char(&at, '.'));
	*in = at;
	return true;
}

/* Quoted-string with its quotes: qtextSMTP and quoted-pairSMTP, so no control characters. */
static bool eat_quoted(struct span *in)
{
	struct span at = *in;

	if (!span_eat_char(&at, '"'))
		return false;
	while (at.n && at.p[0] != '"') {
		if (at.p[0] == '\\')
			span_take(&at, 1);
		if (!at.n || (!is_print(at.p[0]) && !beyond_ascii(at.p[0])))
			return false;
		span_take(&at, 1);
	}
	if (!span_eat_char(&at, '"'))
		return false;
	*in = at;
	return true;
}

static bool eat_domain_name(struct span *in)
{
	struct span at = *in;

	do {
		struct span label = span_while(&at, is_label);

		if (!label.n || label.n > LABEL_MAX || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
	} while (span_eat_char(&at, '.'));
	*in = at;
	return true;
}

static bool is_address_literal(struct span text)
{
	bool six = span_eat(&text, "IPv6:");
	char ip[64], binary[16];

	return span_copy(text, ip, sizeof ip) &&
	    inet_pton(six ? AF_INET6 : AF_INET, ip, binary) == 1;
}

/* "[192.0.2.1]": RFC 5321 4.1.3, of which only addresses are of any use. */
static bool eat_address_literal(struct span *in)
{
	struct span at = *in;

	if (!span_eat_char(&at, '[') || !is_address_literal(span_while(&at, is_literal)) ||
	    !span_eat_char(&at, ']'))
		return false;
	*in = at;
	return true;
}

/* "@one,@two:" in front of the address, which nobody may obey any more. RFC 5321 C. */
static bool eat_source_route(struct span *in)
{
	struct span at = *in;

	do {
		if (!span_eat_char(&at, '@') ||
		    (!eat_domain_name(&at) && !eat_address_literal(&at)))
			return false;
	} while (span_eat_char(&at, ','));
	if (!span_eat_char(&at, ':'))
		return false;
	*in = at;
	return true;
}

static bool eat_local(struct span *in, struct path *out, struct err *e)
{
	struct span at = *in;

	out->quoted = at.n && at.p[0] == '"';
	if (out->quoted ? !eat_quoted(&at) : !eat_dot_string(&at))
		return err_perm(e, "5.1.3", "the part before @ is not well formed");
	out->local = between(*in, at);
	if (out->local.n > PATH_LOCAL_MAX)
		return err_perm(e, "5.1.3", "the part before @ is longer than %d bytes", PATH_LOCAL_MAX);
	*in = at;
	return true;
}

static bool eat_domain(struct span *in, struct path *out, struct err *e)
{
	struct span at = *in;

	if (!span_eat_char(&at, '@'))
		return err_perm(e, "5.1.3", "an address needs a name, then @, then a domain");
	*in = at;
	out->literal = at.n && at.p[0] == '[';
	if (out->literal ? !eat_address_literal(&at) : !eat_domain_name(&at))
		return err_perm(e, "5.1.3", "the part after @ is not a domain");
	out->domain = between(*in, at);
	if (out->domain.n > PATH_DOMAIN_MAX)
		return err_perm(e, "5.1.3", "the domain is longer than %d bytes", PATH_DOMAIN_MAX);
	*in = at;
	return true;
}

static bool check_characters(struct path *p, bool utf8, struct err *e)
{
	p->utf8 = !span_is_ascii(p->local) || !span_is_ascii(p->domain);
	if (p->utf8 && !utf8)
		return err_perm(e, "5.6.7", "an address with characters beyond ASCII needs SMTPUTF8");
	if (!utf8_ok(p->local) || !utf8_ok(p->domain))
		return err_perm(e, "5.1.3", "the address is not well-formed UTF-8");
	return true;
}

static bool eat_mailbox(struct span *in, struct path *out, struct err *e)
{
	struct span at = *in;

	if (!eat_local(&at, out, e) || !eat_domain(&at, out, e))
		return false;
	*in = at;
	return true;
}

/* What stands between < and >. */
static bool eat_inside(struct span *in, enum path_kind kind, struct path *out, struct err *e)
{
	struct span at = *in;

	if (kind == PATH_REVERSE && at.n && at.p[0] == '>')
		return true;		/* null path */
	if (kind == PATH_FORWARD && span_eat(&at, "postmaster") && at.n && at.p[0] == '>') {
		out->local = between(*in, at);
		*in = at;
		return true;
	}
	if (in->n && in->p[0] == '@' && !eat_source_route(in))
		return err_perm(e, "5.1.3", "an address needs a name before the @");
	return eat_mailbox(in, out, e);
}

bool path_parse(struct span *in, enum path_kind kind, bool utf8, struct path *out, struct err *e)
{
	struct span at = *in;
	struct path got = { .quoted = false };

	if (!span_eat_char(&at, '<'))
		return err_perm(e, "5.5.2", "an address stands between < and >");
	if (!eat_inside(&at, kind, &got, e))
		return false;
	if (!span_eat_char(&at, '>'))
		return err_perm(e, "5.1.3", "the address does not end in >");
	if (!check_characters(&got, utf8, e))
		return false;
	*in = at;
	*out = got;
	return true;
}

bool path_is_address(struct span text, bool utf8)
{
	struct path got = { .quoted = false };

	return eat_mailbox(&text, &got, NULL) && !text.n && check_characters(&got, utf8, NULL);
}

/* A quoted local part without its quotes and backslashes. */
static void unquote(struct span quoted, struct str *out)
{
	for (size_t i = 1; i + 1 < quoted.n; i++) {
		if (quoted.p[i] == '\\')
			i++;
		str_add_char(out, quoted.p[i]);
	}
}

static void print_quoted(struct span plain, struct str *out)
{
	str_add_char(out, '"');
	for (size_t i = 0; i < plain.n; i++) {
		if (plain.p[i] == '"' || plain.p[i] == '\\')
			str_add_char(out, '\\');
		str_add_char(out, plain.p[i]);
	}
	str_add_char(out, '"');
}

static void print_local(const struct path *p, struct str *out)
{
	struct str plain = STR(PATH_LOCAL_MAX);
	struct span rest;

	if (!p->quoted) {
		str_add(out, p->local);
		return;
	}
	unquote(p->local, &plain);
	rest = str_span(&plain);
	if (eat_dot_string(&rest) && !rest.n)
		str_add(out, str_span(&plain));
	else
		print_quoted(str_span(&plain), out);
	str_free(&plain);
}

void path_print(const struct path *p, struct str *out)
{
	print_local(p, out);
	if (!p->domain.n)
		return;
	str_add_char(out, '@');
	(p->literal ? str_add : str_add_lower)(out, p->domain);
}

const char *path_text(const struct path *p, struct arena *a)
{
	struct str text = STR(PATH_TEXT_MAX);
	const char *copy;

	path_print(p, &text);
	copy = arena_text(a, str_span(&text));
	str_free(&text);
	return copy;
}

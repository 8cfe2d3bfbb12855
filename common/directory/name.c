/* An address or a user's name, as tables know it. See name.h. */
#include "common/directory/name.h"

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

static bool add(struct name *out, char c)
{
	if (is_control(c) || out->n + 1 >= sizeof out->text)
		return false;
	out->text[out->n++] = to_lower(c);
	out->text[out->n] = '\0';
	return true;
}

static bool add_all(struct name *out, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!add(out, s.p[i]))
			return false;
	}
	return true;
}

/* RFC 5321 4.1.2: what is in quotes means the same as without, where it needs none. */
static bool add_quoted(struct name *out, struct span s)
{
	for (size_t i = 1; i + 1 < s.n; i++) {
		if (s.p[i] == '"' || (s.p[i] == '\\' && ++i + 1 >= s.n))
			return false;
		if (!add(out, s.p[i]))
			return false;
	}
	return true;
}

static bool add_local(struct name *out, struct span local)
{
	if (local.n && *local.p == '"')
		return local.n > 2 && local.p[local.n - 1] == '"' && add_quoted(out, local);
	return !span_has(local, '"') && add_all(out, local);
}

bool name_make(struct span local, struct span domain, struct name *out)
{
	out->n = 0;
	out->text[0] = '\0';
	if (!add_all(out, local))
		return false;
	out->local_n = out->n;
	return !domain.n || (add(out, '@') && add_all(out, domain));
}

static bool read_parts(struct span address, struct name *out)
{
	ptrdiff_t at = span_rfind(address, '@');
	struct span local = at < 0 ? address : span_to(address, (size_t)at);

	out->n = 0;
	out->text[0] = '\0';
	if (!local.n || !add_local(out, local))
		return false;
	out->local_n = out->n;
	if (at < 0)
		return true;
	address = span_from(address, (size_t)at);
	return address.n > 1 && !span_has(address, ' ') && add_all(out, address);
}

bool name_read(struct span address, struct name *out, struct err *e)
{
	if (read_parts(address, out))
		return true;
	return err_perm(e, "5.1.3", "\"" SPAN_FMT "\" is no address", SPAN_ARG(span_to(address, 100)));
}

bool name_is_safe(struct span part)
{
	if (!part.n || part.n > 64 || *part.p == '.')
		return false;
	for (size_t i = 0; i < part.n; i++) {
		if (is_control(part.p[i]) || part.p[i] == '/' || part.p[i] != to_lower(part.p[i]))
			return false;
	}
	return true;
}

bool name_is_account(struct span s)
{
	if (!s.n || s.n > 32 || !(is_alnum(*s.p) || *s.p == '_'))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && !(s.p[i] && strchr("._-", s.p[i])))
			return false;
	}
	return true;
}

static bool is_label_char(char c)
{
	return is_alnum(c) || c == '-' || c == '_' || (unsigned char)c >= 0x80;
}

bool name_is_domain(struct span s)
{
	if (!s.n || s.n > 253)
		return false;
	for (;;) {
		struct span label = span_while(&s, is_label_char);

		if (!label.n || *label.p == '-' || label.p[label.n - 1] == '-')
			return false;
		if (!s.n)
			return true;
		if (!span_eat_char(&s, '.'))
			return false;
	}
}

bool name_is_destination(struct span s)
{
	return name_is_domain(s) || (s.n > 2 && *s.p == '[' && s.p[s.n - 1] == ']');
}

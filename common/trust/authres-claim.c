/* Whose field is that? Apart from authres.c, because a session asks it, which links no crypto. See authres.h. */
#include "common/trust/authres.h"

/* Blanks, line ends and comments, which may hold comments. False: one is not closed. */
static bool skip_cfws(struct span *in)
{
	unsigned depth = 0;

	while (in->n) {
		char c = *in->p;

		if (c == '\\' && depth && in->n > 1)
			*in = span_from(*in, 1);
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (!depth && !is_blank(c) && c != '\r' && c != '\n')
			return true;
		*in = span_from(*in, 1);
	}
	return !depth;
}

/* RFC 2045 5.1: a token. What follows it, right or wrong, some readers let pass. */
static bool is_id_char(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && !strchr("()<>@,;:\\\"/[]?=", c);
}

static bool same_host(struct span id, const char *us)
{
	if (span_ends(id, "."))
		id = span_to(id, id.n - 1);
	return span_is(id, us);
}

static bool claims_quoted(struct span value, const char *us)
{
	struct str id = STR(DNS_NAME);
	bool is_ours = true;

	value = span_from(value, 1);
	while (value.n && *value.p != '"') {
		if (*value.p == '\\' && value.n > 1)
			value = span_from(value, 1);
		str_add_char(&id, *value.p);
		value = span_from(value, 1);
	}
	if (value.n && !id.over)
		is_ours = same_host(span_trim(str_span(&id)), us);
	str_free(&id);
	return is_ours;
}

bool authres_claims(struct span value, const char *us)
{
	if (!skip_cfws(&value) || !value.n)
		return true;
	if (*value.p == '"')
		return claims_quoted(value, us);
	return same_host(span_while(&value, is_id_char), us);
}

static bool is_forged(void *arg, struct span value)
{
	return authres_claims(value, arg);
}

void authres_remove(struct edit *d, const char *us)
{
	edit_remove(d, SPAN("Authentication-Results"), is_forged, (void *)us);
}

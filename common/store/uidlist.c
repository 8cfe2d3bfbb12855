/* The lines of dovecot-uidlist. See uidlist.h; uidfile.c does the disk. */
#include "common/store/uidlist.h"

#include <stdio.h>

static bool is_hex(char c)
{
	return hex_value(c) >= 0;
}

/* A number that a UID or UIDVALIDITY may be: RFC 3501 nz-number. */
static bool take_number(struct span in, uint32_t *out)
{
	uint64_t v;

	if (!span_u64(in, UINT32_MAX, &v) || v == 0)
		return false;
	*out = (uint32_t)v;
	return true;
}

static bool is_guid(struct span s)
{
	return s.n == 32 && span_while(&s, is_hex).n == 32;
}

/* One field of a version 3 header. What we do not know is kept, if there is room. */
static bool take_head_field(struct span field, struct uidlist *u)
{
	struct span value = span_from(field, 1);

	if (field.p[0] == 'V')
		return take_number(value, &u->uidvalidity);
	if (field.p[0] == 'N')
		return take_number(value, &u->uidnext);
	if (field.p[0] == 'G' && is_guid(value))
		return span_copy(value, u->guid, sizeof u->guid);
	if (strlen(u->more) + field.n + 2 < sizeof u->more) {
		size_t at = strlen(u->more);

		snprintf(u->more + at, sizeof u->more - at, " " SPAN_FMT, SPAN_ARG(field));
	}
	return true;
}

static bool take_head_3(struct span in, struct uidlist *u)
{
	for (struct span field = span_word(&in); field.n; field = span_word(&in)) {
		if (!take_head_field(field, u))
			return false;
	}
	return u->uidvalidity && u->uidnext;
}

static bool take_head_1(struct span in, struct uidlist *u)
{
	return take_number(span_word(&in), &u->uidvalidity) &&
	    take_number(span_word(&in), &u->uidnext);
}

bool uidlist_take_head(struct span *in, struct uidlist *u)
{
	struct uidlist got = { 0 };
	struct span rest = *in, head;
	bool ok;

	if (!span_cut(&rest, '\n', &head) || memchr(head.p, '\0', head.n))
		return false;
	if (span_eat(&head, "3 "))
		ok = got.whole = take_head_3(head, &got);
	else
		ok = span_eat(&head, "1 ") && take_head_1(head, &got);
	if (!ok)
		return false;
	*u = got;
	*in = rest;
	return true;
}

/* "uid [fields] :base", or, in version 1, "uid name". */
static bool parse_line(struct span in, struct uidlist_line *line)
{
	struct span uid = span_word(&in), name = span_trim(in);
	ptrdiff_t at = span_search(in, SPAN(" :"));

	if (!take_number(uid, &line->uid) || memchr(in.p, '\0', in.n) || memchr(in.p, '/', in.n))
		return false;
	line->fields = (struct span){ in.p, 0 };
	if (at >= 0) {
		line->fields = span_trim(span_to(in, (size_t)at));
		name = span_from(in, (size_t)at + 2);
	}
	line->base = name;
	span_cut(&name, ':', &line->base);	/* some have written the flags too */
	return line->base.n > 0 && line->base.n < 256;
}

bool uidlist_take_line(struct span *in, struct uidlist *u, struct uidlist_line *line)
{
	struct span raw;

	while (span_cut(in, '\n', &raw)) {
		if (!parse_line(raw, line) || line->uid <= u->last) {
			u->whole = false;
			continue;
		}
		u->last = line->uid;
		if (line->uid >= u->uidnext)
			u->uidnext = line->uid < UINT32_MAX ? line->uid + 1 : UINT32_MAX;
		u->lines++;
		return true;
	}
	return false;
}

void uidlist_print_head(const struct uidlist *u, struct str *out)
{
	str_addf(out, "3 V%u N%u G%s%s\n", u->uidvalidity, u->uidnext, u->guid, u->more);
}

void uidlist_print_line(const struct uidlist_line *line, struct str *out)
{
	str_addf(out, "%u " SPAN_FMT "%s:" SPAN_FMT "\n", line->uid, SPAN_ARG(line->fields),
	    line->fields.n ? " " : "", SPAN_ARG(line->base));
}

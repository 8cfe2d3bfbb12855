/* Names in a Maildir. See name.h. */
#include "common/store/name.h"

#include "common/store/maildir.h"

static const struct { char letter; unsigned flag; } flag_letters[] = {
	{ 'D', FLAG_DRAFT }, { 'F', FLAG_FLAGGED }, { 'R', FLAG_ANSWERED },
	{ 'S', FLAG_SEEN }, { 'T', FLAG_DELETED },
};

static unsigned flag_of(char letter)
{
	for (size_t i = 0; i < sizeof flag_letters / sizeof *flag_letters; i++) {
		if (flag_letters[i].letter == letter)
			return flag_letters[i].flag;
	}
	return 0;
}

static bool is_keyword(char c)
{
	return c >= 'a' && c <= 'z';
}

/* One ",X=number" of a base. What does not look like a size is somebody else's. */
static void take_field(struct span field, struct maildir_name *out)
{
	if (field.n < 2 || field.p[1] != '=')
		return;
	if (field.p[0] == 'S' && span_u64(span_from(field, 2), INT64_MAX, &out->size))
		out->has_size = true;
	if (field.p[0] == 'W' && span_u64(span_from(field, 2), INT64_MAX, &out->wire_size))
		out->has_wire_size = true;
}

static void take_fields(struct span rest, struct maildir_name *out)
{
	struct span field;

	while (span_cut(&rest, ',', &field))
		take_field(field, out);
	take_field(rest, out);
}

static void take_letters(struct maildir_name *out)
{
	for (size_t i = 0; i < out->letters.n && out->letters.p[i] != ','; i++) {
		char c = out->letters.p[i];

		if (is_keyword(c))
			out->keywords |= UINT32_C(1) << (c - 'a');
		else
			out->flags |= flag_of(c);
	}
}

void name_parse(struct span name, struct maildir_name *out)
{
	struct span rest = name, digits;
	uint64_t seconds;

	*out = (struct maildir_name){ .base = name, .letters = { name.p + name.n, 0 } };
	if (span_cut(&rest, ':', &out->base) && rest.n >= 2 && memcmp(rest.p, "2,", 2) == 0)
		out->letters = span_from(rest, 2);
	rest = out->base;
	out->unique = out->base;
	if (span_cut(&rest, ',', &out->unique))
		take_fields(rest, out);
	rest = out->unique;
	digits = span_while(&rest, is_digit);
	if (span_u64(digits, INT64_MAX, &seconds))
		out->date = (time_t)seconds;
	take_letters(out);
}

void name_print(struct span base, struct span kept, unsigned flags, uint32_t keywords, struct str *out)
{
	ptrdiff_t comma = span_find(kept, ',');
	struct span tail = comma < 0 ? span_from(kept, kept.n) : span_from(kept, (size_t)comma);
	struct span letters = span_to(kept, kept.n - tail.n);

	str_add(out, base);
	str_add_text(out, ":2,");
	for (char c = '!'; c <= '~'; c++) {
		bool on = flag_of(c) ? (flags & flag_of(c)) != 0
		    : is_keyword(c) ? (keywords >> (c - 'a') & 1) != 0
		    : c != '/' && span_has(letters, c);

		if (on)
			str_add_char(out, c);
	}
	str_add(out, tail);
}

/* "name=value; name=value". See tags.h. */
#include "common/trust/tags.h"

#include "common/mail/encoding.h"

static bool is_name_char(char c)
{
	return is_alnum(c) || c == '_';
}

/* Printable ASCII, folding, and what UTF-8 is made of (RFC 8616). */
static bool is_value_char(char c)
{
	return (unsigned char)c > ' ' ? c != 0x7f : is_space(c);
}

static bool all_value(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_value_char(s.p[i]))
			return false;
	}
	return true;
}

static bool add(struct tags *t, struct span part, struct err *e)
{
	struct tag *at = &t->list[t->count];
	struct span in = span_trim(part);

	if (!in.n)
		return true;
	if (t->count == TAGS_MAX)
		return err_perm(e, "5.7.7", "more than %d tags", TAGS_MAX);
	at->name = span_while(&in, is_name_char);
	span_while(&in, is_space);
	if (!at->name.n || !is_alpha(at->name.p[0]) || !span_eat_char(&in, '='))
		return err_perm(e, "5.7.7", "\"" SPAN_FMT "\" is no tag=value",
		    SPAN_ARG(span_to(span_trim(part), 40)));
	at->value = span_trim(in);
	at->raw = (struct span){ in.p, (size_t)(part.p + part.n - in.p) };
	for (size_t i = 0; i < t->count; i++) {
		if (span_same(t->list[i].name, at->name))
			return err_perm(e, "5.7.7", "the tag " SPAN_FMT " stands twice",
			    SPAN_ARG(span_to(at->name, 40)));
	}
	t->count++;
	return all_value(in) || err_perm(e, "5.7.7", "the tag " SPAN_FMT " holds a control character", SPAN_ARG(span_to(at->name, 40)));
}

bool tags_parse(struct span text, struct tags *out, struct err *e)
{
	struct span part;

	out->count = 0;
	while (span_cut(&text, ';', &part)) {
		if (!add(out, part, e))
			return false;
	}
	return add(out, text, e);
}

const struct tag *tags_find(const struct tags *t, const char *name)
{
	struct span want = span_of(name);

	for (size_t i = 0; i < t->count; i++) {
		if (span_same(t->list[i].name, want))
			return &t->list[i];
	}
	return NULL;
}

struct span tags_value(const struct tags *t, const char *name)
{
	const struct tag *tag = tags_find(t, name);

	return tag ? tag->value : (struct span){ 0 };
}

bool tag_word(struct span *list, struct span *word)
{
	if (!list->n)
		return false;
	if (!span_cut(list, ':', word))
		*word = span_take(list, list->n);
	*word = span_trim(*word);
	return true;
}

bool tag_has_word(struct span list, const char *word)
{
	struct span one;

	while (tag_word(&list, &one)) {
		if (span_is(one, word))
			return true;
	}
	return false;
}

void tag_squeeze(struct span value, struct str *out)
{
	while (value.n) {
		size_t n = 0;

		while (n < value.n && !is_space(value.p[n]))
			n++;
		str_add(out, span_take(&value, n));
		span_while(&value, is_space);
	}
}

bool tag_base64(struct span value, struct str *out)
{
	struct str flat = STR(value.n + 2);
	bool ok;

	tag_squeeze(value, &flat);
	while (flat.n % 4 > 1)
		str_add_char(&flat, '=');	/* keys are published without their padding, too */
	ok = base64_decode(str_span(&flat), out) && !out->over;
	str_free(&flat);
	return ok;
}

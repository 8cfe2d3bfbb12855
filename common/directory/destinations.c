/* One line of posthorn-destinations(5). See destinations.h. */
#include "common/directory/destinations.h"

#include "common/directory/name.h"
#include "common/net/address.h"

enum { LINE_MEMORY = 1 << 20 };

static bool is_below_or_domain(struct span s)
{
	span_eat_char(&s, '.');
	return name_is_domain(s);
}

static bool is_sender(struct span s)
{
	struct name name;

	return is_below_or_domain(s) || (span_has(s, '@') && !span_has(s, '*') && name_read(s, &name, NULL) &&
	    name_is_domain(name_domain(&name)));
}

static bool read_name(struct span s, struct err *e)
{
	struct span sender = s;
	struct address a;

	if (span_eat(&sender, "from:"))
		return is_sender(sender) || err_perm(e, "5.3.5", "expected a domain, .domain or an address behind from:, "
		    "not \"" SPAN_FMT "\"", SPAN_ARG(span_to(sender, 60)));
	return span_is(s, "*") || is_below_or_domain(s) || address_literal_parse(s, &a) ||
	    err_perm(e, "5.3.5", "expected a domain, .domain, * or from:SENDER, not \"" SPAN_FMT "\"",
	    SPAN_ARG(span_to(s, 60)));
}

static bool makes_sense(const struct way *w, struct err *e)
{
	if (*w->login && !*w->via)
		return err_perm(e, "5.3.5", "login without via: say in the same line where");
	if (w->after && !*w->via)
		return err_perm(e, "5.3.5", "after without via: say in the same line where to then");
	return true;
}

static bool check_words(struct span words, struct err *e)
{
	struct way w = way_plain;
	struct arena *a = arena_new(LINE_MEMORY, NULL, NULL);
	bool ok = way_read(words, a, &w, e) && makes_sense(&w, e);

	arena_free(a);
	return ok;
}

bool destinations_line_parse(struct span line, struct destinations_row *row, struct err *e)
{
	struct destinations_row got = { .words = line };

	got.name = span_word(&got.words);
	got.words = span_trim(got.words);
	if (!read_name(got.name, e))
		return false;
	if (!got.words.n)
		return err_perm(e, "5.3.5", "expected key=value behind \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(got.name, 60)));
	if (got.words.n > WAY_TEXT)
		return err_perm(e, "5.3.5", "longer than %d bytes", WAY_TEXT);
	if (!check_words(got.words, e))
		return false;
	*row = got;
	return true;
}

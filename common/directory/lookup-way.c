/* The way to a domain, from the lines of destinations that fit. See lookup.h. */
#include "common/directory/destinations.h"
#include "common/directory/find.h"

struct gathering {
	const struct query	*q;
	uint32_t		 have;		/* groups */
	struct str		 words, by_sender, key;
};

static void add_word(struct str *words, struct span key, struct span value)
{
	str_addf(words, "%s" SPAN_FMT "=" SPAN_FMT, words->n ? " " : "", SPAN_ARG(key), SPAN_ARG(value));
}

/* Of one line what no line before it had. */
static void take_words(struct gathering *g, struct span name, struct span words, unsigned line)
{
	uint32_t here = 0;
	struct span word;

	while ((word = span_word(&words)).n) {
		struct span key = word;
		int group = span_cut(&word, '=', &key) ? way_group(key) : -1;

		if (group < 0 || (g->have & 1u << group))
			continue;
		here |= 1u << group;
		add_word(&g->words, key, word);
		if (span_starts(name, "from:"))
			add_word(&g->by_sender, key, word);
		find_because(g->q, SPAN_FMT "=" SPAN_FMT ": of " SPAN_FMT ", %s:%u", SPAN_ARG(key),
		    SPAN_ARG(word), SPAN_ARG(name), g->q->l->files[TABLE_DESTINATIONS], line);
	}
	g->have |= here;
}

static bool take_line(struct gathering *g, const char *what, struct span name)
{
	struct span row;
	unsigned line;

	str_reset(&g->key);
	str_addf(&g->key, "%s" SPAN_FMT, what, SPAN_ARG(name));
	if (g->key.over)
		return true;
	if (!find_row(g->q, TABLE_DESTINATIONS, str_span(&g->key), &row, &line))
		return false;
	if (row.p)
		take_words(g, str_span(&g->key), row, line);
	return true;
}

/* The domain, and what is above it: .b.test and .test for a.b.test. */
static bool take_domain(struct gathering *g, const char *what, struct span domain)
{
	struct str folded = STR(2 * NAME_SIZE);
	struct span rest;
	ptrdiff_t dot;
	bool ok;

	compile_fold(TABLE_DOMAINS, domain, &folded);
	rest = str_span(&folded);
	ok = take_line(g, what, rest);
	while (ok && *rest.p != '[' && (dot = span_find(span_from(rest, 1), '.')) >= 0) {
		rest = span_from(rest, (size_t)dot + 1);
		ok = take_line(g, what, rest);
	}
	str_free(&folded);
	return ok;
}

static bool take_sender(struct gathering *g, struct span sender)
{
	struct name name;

	if (!sender.n || !name_read(sender, &name, NULL))
		return true;
	return take_line(g, "from:", name_span(&name)) &&
	    (!name_domain(&name).n || take_domain(g, "from:", name_domain(&name)));
}

bool lookup_way(const struct lookup *l, struct span sender, struct span domain, struct arena *a,
    const char **words, const char **by_sender, struct err *e)
{
	struct err why = { .kind = ERR_NONE };
	struct query q = { .l = l, .a = a, .e = &why };
	struct gathering g = { .q = &q, .words = STR(WAY_TEXT), .by_sender = STR(WAY_TEXT), .key = STR(NAME_SIZE) };
	bool ok = (!domain.n || take_domain(&g, "", domain)) && take_sender(&g, sender) &&
	    take_line(&g, "", SPAN("*"));

	if (ok && g.words.over)
		ok = err_temp(&why, "4.3.5",
		    "the lines for " SPAN_FMT " in %s say more than %d bytes",
		    SPAN_ARG(span_to(domain, 100)), l->files[TABLE_DESTINATIONS], WAY_TEXT);
	*words = arena_text(a, str_span(&g.words));
	if (by_sender)
		*by_sender = arena_text(a, str_span(&g.by_sender));
	str_free(&g.words);
	str_free(&g.by_sender);
	str_free(&g.key);
	if (!ok && e)
		*e = why;
	return ok;
}

/* Flags and keywords. See flags.h. */
#include "imapd/flags.h"

static bool take_flag(struct span word, struct flag_names *out)
{
	static const struct { const char *name; unsigned flag; } known[] = {
		{ "\\Seen", FLAG_SEEN }, { "\\Answered", FLAG_ANSWERED }, { "\\Flagged", FLAG_FLAGGED },
		{ "\\Deleted", FLAG_DELETED }, { "\\Draft", FLAG_DRAFT }, { "\\Recent", 0 },
	};

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (span_is(word, known[i].name)) {
			out->flags |= known[i].flag;
			return true;
		}
	}
	if (*word.p == '\\' || word.n > IMAP_KEYWORD_MAX || out->count == FLAGS_KEYWORDS_MAX)
		return false;
	out->keywords[out->count++] = word;
	return true;
}

static bool take_flags(struct span *in, struct flag_names *out)
{
	struct span word;

	do {
		if (!parse_flag(in, &word) || !take_flag(word, out))
			return false;
	} while (parse_space(in));
	return true;
}

bool flags_parse(struct span *in, bool bare, struct flag_names *out)
{
	struct span at = *in;
	bool list = span_eat_char(&at, '(');

	*out = (struct flag_names){ 0 };
	if (!list && !bare)
		return false;
	if (!(list && span_eat_char(&at, ')'))) {
		if (!take_flags(&at, out) || (list && !span_eat_char(&at, ')')))
			return false;
	}
	*in = at;
	return true;
}

bool flags_keywords(struct mailbox *box, const struct flag_names *f, uint32_t *bits, struct err *e)
{
	unsigned bit;

	*bits = 0;
	for (size_t i = 0; i < f->count; i++) {
		if (!mailbox_add_keyword(box, f->keywords[i], &bit, e))
			return false;
		*bits |= UINT32_C(1) << bit;
	}
	return true;
}

uint32_t flags_known_keywords(const struct mailbox *box, const struct flag_names *f)
{
	uint32_t bits = 0;

	for (unsigned bit = 0; bit < FLAGS_KEYWORDS_MAX; bit++) {
		const char *name = mailbox_keyword(box, bit);

		for (size_t i = 0; name && i < f->count; i++) {
			if (span_is(f->keywords[i], name))
				bits |= UINT32_C(1) << bit;
		}
	}
	return bits;
}

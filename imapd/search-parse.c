/* Parsing search keys. See search.h. */
#include "imapd/fold.h"
#include "imapd/search.h"

enum { WORD_MAX = 8192 };	/* a word to search for; folding keeps it about as long */

struct keys {
	struct arena	*arena;
	unsigned	 count, depth;
	const char	*why;
};

static bool parse_key(struct keys *k, struct span *in, struct key **out);

static bool fail(struct keys *k, const char *why)
{
	if (!k->why)
		k->why = why;
	return false;
}

/* What follows the name of a key. */
enum operand { NOTHING, A_WORD, A_FIELD, A_KEYWORD, A_DATE, A_SIZE, A_UID_SET, ONE_KEY, TWO_KEYS };

static const struct row {
	const char	*name;
	enum key_kind	 kind;
	enum operand	 operand;
	unsigned	 flag;
	const char	*field;		/* a HEADER search by a shorter name */
} rows[] = {
	{ "ALL", KEY_ALL, NOTHING, 0, NULL },
	{ "ANSWERED", KEY_FLAG, NOTHING, FLAG_ANSWERED, NULL },
	{ "BCC", KEY_HEADER, A_WORD, 0, "Bcc" },
	{ "BEFORE", KEY_BEFORE, A_DATE, 0, NULL },
	{ "BODY", KEY_BODY, A_WORD, 0, NULL },
	{ "CC", KEY_HEADER, A_WORD, 0, "Cc" },
	{ "DELETED", KEY_FLAG, NOTHING, FLAG_DELETED, NULL },
	{ "DRAFT", KEY_FLAG, NOTHING, FLAG_DRAFT, NULL },
	{ "FLAGGED", KEY_FLAG, NOTHING, FLAG_FLAGGED, NULL },
	{ "FROM", KEY_HEADER, A_WORD, 0, "From" },
	{ "HEADER", KEY_HEADER, A_FIELD, 0, NULL },
	{ "KEYWORD", KEY_KEYWORD, A_KEYWORD, 0, NULL },
	{ "LARGER", KEY_LARGER, A_SIZE, 0, NULL },
	{ "NEW", KEY_NEW, NOTHING, 0, NULL },
	{ "NOT", KEY_NOT, ONE_KEY, 0, NULL },
	{ "OLD", KEY_NO_FLAG, NOTHING, FLAG_RECENT, NULL },
	{ "ON", KEY_ON, A_DATE, 0, NULL },
	{ "OR", KEY_OR, TWO_KEYS, 0, NULL },
	{ "RECENT", KEY_FLAG, NOTHING, FLAG_RECENT, NULL },
	{ "SEEN", KEY_FLAG, NOTHING, FLAG_SEEN, NULL },
	{ "SENTBEFORE", KEY_SENT_BEFORE, A_DATE, 0, NULL },
	{ "SENTON", KEY_SENT_ON, A_DATE, 0, NULL },
	{ "SENTSINCE", KEY_SENT_SINCE, A_DATE, 0, NULL },
	{ "SINCE", KEY_SINCE, A_DATE, 0, NULL },
	{ "SMALLER", KEY_SMALLER, A_SIZE, 0, NULL },
	{ "SUBJECT", KEY_HEADER, A_WORD, 0, "Subject" },
	{ "TEXT", KEY_TEXT, A_WORD, 0, NULL },
	{ "TO", KEY_HEADER, A_WORD, 0, "To" },
	{ "UID", KEY_UIDS, A_UID_SET, 0, NULL },
	{ "UNANSWERED", KEY_NO_FLAG, NOTHING, FLAG_ANSWERED, NULL },
	{ "UNDELETED", KEY_NO_FLAG, NOTHING, FLAG_DELETED, NULL },
	{ "UNDRAFT", KEY_NO_FLAG, NOTHING, FLAG_DRAFT, NULL },
	{ "UNFLAGGED", KEY_NO_FLAG, NOTHING, FLAG_FLAGGED, NULL },
	{ "UNKEYWORD", KEY_NOT, A_KEYWORD, 0, NULL },
	{ "UNSEEN", KEY_NO_FLAG, NOTHING, FLAG_SEEN, NULL },
};

static struct key *new_key(struct keys *k, enum key_kind kind)
{
	struct key *key = arena_get(k->arena, sizeof *key);

	key->kind = kind;
	key->costly = kind >= KEY_SENT_BEFORE;
	return key;
}

static bool parse_word(struct keys *k, struct span *in, struct span *out)
{
	struct str folded = STR(2 * WORD_MAX);
	struct span word;

	if (!parse_space(in) || !parse_astring(in, k->arena, &word))
		return fail(k, "a string is missing");
	if (word.n > WORD_MAX)
		return fail(k, "that string is too long to search for");
	fold_text(word, &folded);
	*out = arena_copy(k->arena, str_span(&folded));
	str_free(&folded);
	return true;
}

static bool parse_field(struct keys *k, struct span *in, struct key *key)
{
	if (!parse_space(in) || !parse_astring(in, k->arena, &key->field))
		return fail(k, "HEADER needs a field name and a string");
	return parse_word(k, in, &key->word);
}

/* KEYWORD x, and UNKEYWORD x as NOT KEYWORD x. */
static bool parse_keyword(struct keys *k, struct span *in, struct key *key)
{
	struct span name;

	if (!parse_space(in) || !parse_atom(in, &name))
		return fail(k, "a keyword is missing");
	if (key->kind == KEY_NOT)
		key = key->first = new_key(k, KEY_KEYWORD);
	key->word = name;
	return true;
}

static bool parse_days(struct keys *k, struct span *in, struct key *key)
{
	struct date date;

	if (!parse_space(in) || !parse_date(in, &date))
		return fail(k, "a date looks like 1-Feb-1994");
	key->days = date_days(date.year, date.month, date.day);
	return true;
}

static bool parse_size(struct keys *k, struct span *in, struct key *key)
{
	if (!parse_space(in) || !span_eat_u64(in, UINT32_MAX, &key->size))
		return fail(k, "a number of octets is missing");
	return true;
}

static bool parse_uid_set(struct keys *k, struct span *in, struct key *key)
{
	if (!parse_space(in) || !set_parse(in, k->arena, &key->set))
		return fail(k, "UID needs a set");
	return true;
}

static bool parse_operands(struct keys *k, struct span *in, struct key *key, int n)
{
	struct key **at = &key->first;

	for (; n > 0; n--, at = &(*at)->next) {
		if (!parse_space(in) || !parse_key(k, in, at))
			return fail(k, "a search key is missing");
		key->costly |= (*at)->costly;
	}
	return true;
}

static bool parse_operand(struct keys *k, struct span *in, struct key *key, const struct row *row)
{
	key->flag = row->flag;
	switch (row->operand) {
	case NOTHING:	return true;
	case A_WORD:	key->field = row->field ? span_of(row->field) : SPAN("");
			return parse_word(k, in, &key->word);
	case A_FIELD:	return parse_field(k, in, key);
	case A_KEYWORD:	return parse_keyword(k, in, key);
	case A_DATE:	return parse_days(k, in, key);
	case A_SIZE:	return parse_size(k, in, key);
	case A_UID_SET:	return parse_uid_set(k, in, key);
	case ONE_KEY:	return parse_operands(k, in, key, 1);
	case TWO_KEYS:	return parse_operands(k, in, key, 2);
	}
	return false;
}

/* Cheap keys before costly ones, each in their order. */
static void link_key(struct key *all, struct key *one)
{
	struct key **at = &all->first;

	while (*at && (one->costly || !(*at)->costly))
		at = &(*at)->next;
	one->next = *at;
	*at = one;
	all->costly |= one->costly;
}

/* Keys that all must hold, up to what can not begin one. */
static bool parse_all(struct keys *k, struct span *in, struct key **out)
{
	struct key *all = new_key(k, KEY_AND), *one;

	do {
		if (!parse_key(k, in, &one))
			return false;
		link_key(all, one);
	} while (parse_space(in));
	*out = all;
	return true;
}

static bool parse_named(struct keys *k, struct span *in, struct key **out)
{
	struct span word;

	if (!parse_atom(in, &word))
		return fail(k, "a search key is missing");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (span_is(word, rows[i].name)) {
			*out = new_key(k, rows[i].kind);
			return parse_operand(k, in, *out, &rows[i]);
		}
	}
	return fail(k, "no such search key");
}

static bool parse_set_key(struct keys *k, struct span *in, struct key **out)
{
	struct set set;

	if (!set_parse(in, k->arena, &set))
		return false;
	*out = new_key(k, KEY_NUMBERS);
	(*out)->set = set;
	return true;
}

/* One key. Calls itself for NOT, OR and parentheses, at most SEARCH_DEPTH_MAX deep. */
static bool parse_key(struct keys *k, struct span *in, struct key **out)
{
	bool ok;

	if (++k->count > SEARCH_KEYS_MAX || k->depth >= SEARCH_DEPTH_MAX)
		return fail(k, "that is too long a search");
	k->depth++;
	if (span_eat_char(in, '('))
		ok = parse_all(k, in, out) &&
		    (span_eat_char(in, ')') || fail(k, "a parenthesis is missing"));
	else
		ok = parse_set_key(k, in, out) || parse_named(k, in, out);
	k->depth--;
	return ok;
}

static bool parse_charset(struct keys *k, struct span *in)
{
	struct span name;

	if (!span_eat(in, "CHARSET "))
		return true;
	if (!parse_astring(in, k->arena, &name) || !parse_space(in))
		return fail(k, "CHARSET needs a name");
	if (span_is(name, "UTF-8") || span_is(name, "US-ASCII"))
		return true;
	return fail(k, "BADCHARSET");
}

bool search_parse(struct span in, struct arena *a, struct key **out, const char **why)
{
	struct keys k = { .arena = a };
	bool ok = parse_charset(&k, &in) && parse_all(&k, &in, out);

	if (ok && !parse_end(in))
		ok = fail(&k, "something stands behind the last search key");
	*why = k.why ? k.why : "";
	return ok;
}

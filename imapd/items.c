/* Parsing what FETCH asks for. See items.h. */
#include "imapd/items.h"

#include "imapd/parse.h"

static bool parse_numbers(struct span *in, struct arena *a, struct section *out)
{
	unsigned numbers[SECTION_NUMBERS_MAX];
	struct span at = *in;
	uint64_t n;

	while (span_eat_u64(&at, UINT32_MAX, &n)) {
		if (n == 0 || out->number_count == SECTION_NUMBERS_MAX)
			return false;
		numbers[out->number_count++] = (unsigned)n;
		*in = at;
		if (!span_eat_char(&at, '.'))
			break;
	}
	out->numbers = arena_array(a, out->number_count + 1, sizeof *numbers);
	if (out->number_count)
		memcpy(out->numbers, numbers, out->number_count * sizeof *numbers);
	return true;
}

static bool parse_fields(struct span *in, struct arena *a, struct section *out)
{
	struct span names[SECTION_FIELDS_MAX];

	if (!parse_space(in) || !span_eat_char(in, '('))
		return false;
	do {
		if (out->field_count == SECTION_FIELDS_MAX ||
		    !parse_astring(in, a, &names[out->field_count]))
			return false;
		out->field_count++;
	} while (parse_space(in));
	out->fields = arena_array(a, out->field_count, sizeof *names);
	memcpy(out->fields, names, out->field_count * sizeof *names);
	return span_eat_char(in, ')');
}

/* Longest first, since one is the start of the other. */
static const struct { const char *word; enum section_what what; } section_words[] = {
	{ "HEADER.FIELDS.NOT", SECTION_FIELDS_NOT }, { "HEADER.FIELDS", SECTION_FIELDS },
	{ "HEADER", SECTION_HEADER }, { "TEXT", SECTION_TEXT }, { "MIME", SECTION_MIME },
};

static bool parse_what(struct span *in, struct arena *a, struct section *out)
{
	for (size_t i = 0; i < sizeof section_words / sizeof *section_words; i++) {
		if (!span_eat(in, section_words[i].word))
			continue;
		out->what = section_words[i].what;
		if (out->what == SECTION_FIELDS || out->what == SECTION_FIELDS_NOT)
			return parse_fields(in, a, out);
		return out->what != SECTION_MIME || out->number_count;
	}
	return false;
}

bool section_parse(struct span *in, struct arena *a, struct section *out)
{
	struct span at = *in;
	struct section got = { 0 };

	if (!span_eat_char(&at, '[') || !parse_numbers(&at, a, &got))
		return false;
	if (!span_eat_char(&at, ']')) {
		if (got.number_count && !span_eat_char(&at, '.'))
			return false;
		if (!parse_what(&at, a, &got) || !span_eat_char(&at, ']'))
			return false;
	}
	*out = got;
	*in = at;
	return true;
}

/* "<0.100>": octets 0 to 99. */
static bool parse_partial(struct span *in, struct item *out)
{
	uint64_t from, count;

	if (!span_eat_char(in, '<'))
		return true;
	if (!span_eat_u64(in, UINT32_MAX, &from) || !span_eat_char(in, '.') ||
	    !span_eat_u64(in, UINT32_MAX, &count) || !count || !span_eat_char(in, '>'))
		return false;
	out->partial = true;
	out->from = (uint32_t)from;
	out->count = (uint32_t)count;
	return true;
}

static bool parse_section_item(struct span *in, struct arena *a, struct item *out)
{
	struct span at = *in;

	if (!span_eat(&at, "BODY"))
		return false;
	out->peek = span_eat(&at, ".PEEK");
	if (!section_parse(&at, a, &out->section) || !parse_partial(&at, out))
		return false;
	out->kind = ITEM_SECTION;
	*in = at;
	return true;
}

static const struct { const char *word; enum item_kind kind; } item_words[] = {
	{ "FLAGS", ITEM_FLAGS }, { "UID", ITEM_UID }, { "INTERNALDATE", ITEM_DATE },
	{ "RFC822.SIZE", ITEM_SIZE }, { "ENVELOPE", ITEM_ENVELOPE }, { "BODYSTRUCTURE", ITEM_STRUCTURE },
	{ "BODY", ITEM_BODY }, { "RFC822.HEADER", ITEM_RFC822_HEADER }, { "RFC822.TEXT", ITEM_RFC822_TEXT },
	{ "RFC822", ITEM_RFC822 },
};

/* The old names are sections that we call by their old names. */
static struct item item_of(enum item_kind kind)
{
	struct item item = { .kind = kind };

	if (kind == ITEM_RFC822_HEADER) {
		item.section.what = SECTION_HEADER;
		item.peek = true;
	} else if (kind == ITEM_RFC822_TEXT) {
		item.section.what = SECTION_TEXT;
	}
	return item;
}

static bool parse_item(struct span *in, struct arena *a, struct item *out)
{
	struct span word;

	*out = (struct item){ 0 };
	if (parse_section_item(in, a, out))
		return true;
	if (!parse_atom(in, &word))
		return false;
	for (size_t i = 0; i < sizeof item_words / sizeof *item_words; i++) {
		if (span_is(word, item_words[i].word)) {
			*out = item_of(item_words[i].kind);
			return true;
		}
	}
	return false;
}

static bool parse_macro(struct span in, struct items *out)
{
	static const enum item_kind full[] = { ITEM_FLAGS, ITEM_DATE, ITEM_SIZE, ITEM_ENVELOPE,
		ITEM_BODY };
	size_t n = span_is(in, "FAST") ? 3 : span_is(in, "ALL") ? 4 : span_is(in, "FULL") ? 5 : 0;

	for (size_t i = 0; i < n; i++)
		out->list[out->count++] = item_of(full[i]);
	return n;
}

bool items_parse(struct span in, struct arena *a, struct items *out)
{
	bool list;

	out->count = 0;
	if (parse_macro(in, out))
		return true;
	list = span_eat_char(&in, '(');
	do {
		if (out->count == ITEMS_MAX || !parse_item(&in, a, &out->list[out->count]))
			return false;
		out->count++;
	} while (list && parse_space(&in));
	return (!list || span_eat_char(&in, ')')) && parse_end(in);
}

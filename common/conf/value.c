/* One setting's value: read, checked, printed. See value.h. */
#include "common/conf/value.h"

#include <inttypes.h>

#include "common/conf/form.h"

static void *field(struct conf *c, const struct setting *row)
{
	return (char *)c + row->at;
}

static const void *field_read(const struct conf *c, const struct setting *row)
{
	return (const char *)c + row->at;
}

static bool by_lines(const struct setting *row)
{
	return row->words && span_is(span_of(row->words), "lines");
}

static bool refuse(const struct setting *row, struct span text, struct err *e)
{
	struct str expected = STR(300);

	value_expected(row, &expected);
	err_perm(e, "5.3.5", "expected %s, not \"" SPAN_FMT "\"", expected.p,
	    SPAN_ARG(span_to(text, 60)));
	str_free(&expected);
	return false;
}

/* ---- numbers ---- */

static bool read_size(struct span s, uint64_t *out)
{
	static const char units[] = "kmgt";
	const char *unit;
	uint64_t n;

	if (!span_eat_u64(&s, UINT64_C(1) << 50, &n))
		return false;
	if (s.n) {
		unit = memchr(units, to_lower(*s.p), 4);
		if (!unit || n > UINT64_C(1) << 20)
			return false;
		n <<= 10 * (unit - units + 1);
		s = span_from(s, 1);
		if (s.n && !span_is(s, "b") && !span_is(s, "iB"))
			return false;
	}
	*out = n;
	return true;
}

static bool read_number(const struct setting *row, struct span s, uint64_t *out)
{
	switch (row->kind) {
	case SET_SIZE:	return read_size(s, out);
	case SET_TIME:	return form_time(s, out);
	default:	return span_u64(s, UINT64_C(1) << 50, out);
	}
}

static bool in_bounds(const struct setting *row, uint64_t v)
{
	struct span bounds, least, most;
	uint64_t min = 0, max = UINT64_MAX;

	if (!row->words)
		return true;
	bounds = span_of(row->words);
	least = span_word(&bounds);
	most = span_word(&bounds);
	return read_number(row, least, &min) && read_number(row, most, &max) && v >= min &&
	    v <= max;
}

static bool parse_number(struct conf *c, const struct setting *row, struct span text, struct err *e)
{
	uint64_t v;

	if (!read_number(row, text, &v) || !in_bounds(row, v))
		return refuse(row, text, e);
	*(uint64_t *)field(c, row) = v;
	return true;
}

static bool parse_flag(struct conf *c, const struct setting *row, struct span text, struct err *e)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };

	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (span_is(text, words[i])) {
			*(bool *)field(c, row) = i % 2;
			return true;
		}
	}
	return refuse(row, text, e);
}

/* ---- texts ---- */

static bool has_control(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	}
	return false;
}

static bool is_path(struct span s)
{
	return s.n && *s.p == '/' && s.n < 4096;
}

static bool fits_choice(const struct setting *row, struct span text, struct span *word)
{
	struct span words = span_of(row->words);

	for (*word = span_word(&words); word->n; *word = span_word(&words)) {
		if (span_alike(*word, text))
			return true;
		if (span_is(*word, "/") && is_path(text)) {
			*word = text;
			return true;
		}
	}
	return false;
}

static bool fits_text(const struct setting *row, struct span text)
{
	const struct form *form = form_find(row->words);

	if (row->kind == SET_PATH)
		return is_path(text) || (!text.n && row->words);
	if (!form)
		return true;
	return text.n ? form->fits(text) : form->may_be_empty;
}

static bool parse_text(struct conf *c, const struct setting *row, struct span text,
    struct arena *a, struct err *e)
{
	struct span word = text;

	if (has_control(text))
		return refuse(row, text, e);
	if (row->kind == SET_CHOICE ? !fits_choice(row, text, &word) : !fits_text(row, text))
		return refuse(row, text, e);
	*(const char **)field(c, row) = arena_text(a, word);
	return true;
}

/* ---- lists ---- */

static bool is_between(char c)
{
	return is_blank(c) || c == ',';
}

static bool not_between(char c)
{
	return !is_between(c);
}

/* Up to the next semicolon that does not stand between double quotes, as in a zone file. */
static struct span take_record(struct span *in)
{
	bool quoted = false;
	size_t n = 0;

	while (n < in->n && (quoted || in->p[n] != ';')) {
		if (in->p[n] == '\\' && n + 1 < in->n)
			n++;
		else if (in->p[n] == '"')
			quoted = !quoted;
		n++;
	}
	return span_take(in, n);
}

/* The next word; false at the end. */
static bool next_word(const struct setting *row, struct span *in, struct span *word)
{
	if (!by_lines(row)) {
		span_while(in, is_between);
		*word = span_while(in, not_between);
		return word->n > 0;
	}
	while (in->n) {
		*word = span_trim(take_record(in));
		span_eat_char(in, ';');
		if (word->n)
			return true;
	}
	return false;
}

static bool check_words(const struct setting *row, struct span text, size_t *count, struct err *e)
{
	const struct form *form = form_find(row->words);
	struct span word;

	*count = 0;
	while (next_word(row, &text, &word)) {
		if (has_control(word) || (form && !form->fits(word)))
			return refuse(row, word, e);
		if (++*count > VALUE_WORDS_MAX)
			return err_perm(e, "5.3.5", "more than %d words", VALUE_WORDS_MAX);
	}
	return true;
}

static bool parse_list(struct conf *c, const struct setting *row, struct span text, bool add,
    struct arena *a, struct err *e)
{
	struct conf_list *list = field(c, row);
	size_t kept = add ? list->count : 0, count;
	struct span word;
	const char **words;

	if (!check_words(row, text, &count, e))
		return false;
	if (kept + count > VALUE_WORDS_MAX)
		return err_perm(e, "5.3.5", "more than %d words", VALUE_WORDS_MAX);
	words = arena_array(a, kept + count + 1, sizeof *words);
	if (kept)
		memcpy(words, list->words, kept * sizeof *words);
	list->words = words;
	list->count = kept;
	while (next_word(row, &text, &word))
		words[list->count++] = arena_text(a, word);
	return true;
}

bool value_parse(struct conf *c, const struct setting *row, struct span text, bool add,
    struct arena *a, struct err *e)
{
	text = span_trim(text);
	switch (row->kind) {
	case SET_SIZE:
	case SET_TIME:
	case SET_COUNT:	return parse_number(c, row, text, e);
	case SET_FLAG:	return parse_flag(c, row, text, e);
	case SET_LIST:	return parse_list(c, row, text, add, a, e);
	default:	return parse_text(c, row, text, a, e);
	}
}

/* ---- printing ---- */

struct unit { char name; uint64_t each; };

/* The largest unit that divides v evenly. */
static void print_units(uint64_t v, const struct unit *units, struct str *out)
{
	for (; v && units->name; units++) {
		if (v % units->each == 0) {
			str_addf(out, "%" PRIu64 "%c", v / units->each, units->name);
			return;
		}
	}
	str_addf(out, "%" PRIu64, v);
}

static void print_list(const struct setting *row, const struct conf_list *list, struct str *out)
{
	for (size_t i = 0; i < list->count; i++) {
		if (i)
			str_add_text(out, by_lines(row) ? "; " : " ");
		str_add_text(out, list->words[i]);
	}
}

void value_print(const struct conf *c, const struct setting *row, struct str *out)
{
	static const struct unit sizes[] = {
		{ 'T', UINT64_C(1) << 40 }, { 'G', 1 << 30 }, { 'M', 1 << 20 }, { 'K', 1 << 10 }, { 0, 1 },
	};
	static const struct unit times[] = {
		{ 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 }, { 0, 1 },
	};
	const void *at = field_read(c, row);

	switch (row->kind) {
	case SET_SIZE:	print_units(*(const uint64_t *)at, sizes, out); break;
	case SET_TIME:	print_units(*(const uint64_t *)at, times, out); break;
	case SET_COUNT:	str_addf(out, "%" PRIu64, *(const uint64_t *)at); break;
	case SET_FLAG:	str_add_text(out, *(const bool *)at ? "yes" : "no"); break;
	case SET_LIST:	print_list(row, at, out); break;
	default:	str_add_text(out, *(const char *const *)at ? *(const char *const *)at : "");
	}
}

static void bounds_text(const struct setting *row, struct str *out)
{
	struct span bounds, least, most;

	if (!row->words)
		return;
	bounds = span_of(row->words);
	least = span_word(&bounds);
	most = span_word(&bounds);
	str_addf(out, " from " SPAN_FMT " to " SPAN_FMT, SPAN_ARG(least), SPAN_ARG(most));
}

static void choices_text(const struct setting *row, struct str *out)
{
	struct span words = span_of(row->words), word;
	const char *between = "one of ";

	for (word = span_word(&words); word.n; word = span_word(&words)) {
		str_add_text(out, between);
		if (span_is(word, "/"))
			str_add_text(out, "an absolute path");
		else
			str_add(out, word);
		between = ", ";
	}
}

void value_expected(const struct setting *row, struct str *out)
{
	const struct form *form = form_find(row->words);

	switch (row->kind) {
	case SET_SIZE:	str_add_text(out, "a size like 10K, 50M, 1G"); bounds_text(row, out); break;
	case SET_TIME:
		str_add_text(out, "a time like 30s, 5m, 4h, 5d");
		bounds_text(row, out);
		break;
	case SET_COUNT:	str_add_text(out, "a number"); bounds_text(row, out); break;
	case SET_FLAG:	str_add_text(out, "yes or no"); break;
	case SET_CHOICE: choices_text(row, out); break;
	case SET_PATH:
		str_add_text(out, row->words ? "an absolute path, or nothing" : "an absolute path");
		break;
	default:	str_add_text(out, form ? form->expected : "text"); break;
	}
}

/* Tokens, sets, items, search keys, names and folding, by table. */
#include "imapd/flags.h"
#include "imapd/fold.h"
#include "imapd/items.h"
#include "imapd/name.h"
#include "imapd/search.h"
#include "tests/unit/unit.h"

static struct arena *a;

static void set_up(void)
{
	a = arena_new(1 << 20, NULL, NULL);
}

static void tear_down(void)
{
	arena_free(a);
}

static const struct { const char *in, *out, *left; } astrings[] = {
	{ "INBOX rest", "INBOX", " rest" },
	{ "a]b", "a]b", "" },
	{ "\"a b\" c", "a b", " c" },
	{ "\"a\\\"b\\\\\"", "a\"b\\", "" },
	{ "\"\"", "", "" },
	{ "{3}\r\na\nb!", "a\nb", "!" },
	{ "{0+}\r\n", "", "" },
	{ "{3}\r\nab", NULL, NULL },			/* one short */
	{ "{18446744073709551615}\r\nab", NULL, NULL },
	{ "{18446744073709551616}\r\nab", NULL, NULL },
	{ "\"open", NULL, NULL },
	{ "\"open\\", NULL, NULL },
	{ "\"a\\x\"", NULL, NULL },
	{ "\"a\rb\"", NULL, NULL },
	{ "(", NULL, NULL },
	{ "", NULL, NULL },
};

START_TEST(astring_parses)
{
	struct span in = span_of(astrings[_i].in), was = in, out;
	bool ok = parse_astring(&in, a, &out);

	ck_assert_msg(ok == (astrings[_i].out != NULL), "%s", astrings[_i].in);
	if (ok) {
		ck_assert(span_same(out, span_of(astrings[_i].out)));
		ck_assert(span_same(in, span_of(astrings[_i].left)));
	} else {
		ck_assert_ptr_eq(in.p, was.p);
	}
}
END_TEST

static const struct { const char *in; bool ok; uint64_t size; bool waits; size_t before; } marks[] = {
	{ "a SELECT {5}", true, 5, true, 9 },
	{ "a SELECT {5+}", true, 5, false, 9 },
	{ "{0}", true, 0, true, 0 },
	{ "a {5} ", false, 0, false, 0 },
	{ "a {5-}", false, 0, false, 0 },
	{ "a {}", false, 0, false, 0 },
	{ "a {99999999999999999999}", false, 0, false, 0 },
	{ "a \"{5}\"", false, 0, false, 0 },
	{ "", false, 0, false, 0 },
};

START_TEST(literal_mark_parses)
{
	struct span before;
	uint64_t size;
	bool waits;

	ck_assert_int_eq(parse_literal_mark(span_of(marks[_i].in), &size, &waits, &before), marks[_i].ok);
	if (!marks[_i].ok)
		return;
	ck_assert_uint_eq(size, marks[_i].size);
	ck_assert_int_eq(waits, marks[_i].waits);
	ck_assert_uint_eq(before.n, marks[_i].before);
}
END_TEST

/* star is 10; has lists what is in it from 1 to 12, as it is written again. */
static const struct { const char *in, *out; } sets[] = {
	{ "1", "1" }, { "1,3:5", "1,3:5" }, { "5:3", "3:5" }, { "*", "10" }, { "8:*", "8:10" },
	{ "*:8", "8:10" }, { "12:*", "10:12" }, { "3,1,2", "1:3" }, { "1:3,2:6", "1:6" },
	{ "1:4294967295", "1:10" }, { "7,7,7", "7" },
	{ "0", NULL }, { "", NULL }, { "1,", NULL }, { ",1", NULL }, { "1:", NULL }, { "a", NULL },
	{ "4294967296", NULL }, { "1:0", NULL },
};

START_TEST(set_parses)
{
	struct set_text text = { .text = STR(1000) };
	struct span in = span_of(sets[_i].in);
	struct set set;
	bool ok = set_parse(&in, a, &set);

	ck_assert_msg(ok == (sets[_i].out != NULL), "%s", sets[_i].in);
	if (!ok)
		return;
	set_resolve(&set, 10);
	for (uint32_t n = 1; n <= 12; n++) {
		if (set_has(&set, n))
			set_text_add(&text, n);
	}
	set_text_end(&text);
	ck_assert_str_eq(text.text.p, sets[_i].out);
	str_free(&text.text);
}
END_TEST

START_TEST(set_knows_what_is_too_high)
{
	struct span in = SPAN("1,7:*"), high = SPAN("2:11");
	struct set set;

	ck_assert(set_parse(&in, a, &set));
	ck_assert(!set_exceeds(&set, 7));
	ck_assert(!set_exceeds(&set, 6));		/* "7:*" is the last, even of six */
	ck_assert(set_exceeds(&set, 0));
	ck_assert(set_parse(&high, a, &set));
	ck_assert(set_exceeds(&set, 10));
}
END_TEST

static const struct { const char *in; size_t count; } item_lists[] = {
	{ "FLAGS", 1 }, { "(FLAGS)", 1 }, { "(FLAGS UID)", 2 }, { "ALL", 4 }, { "fast", 3 }, { "FULL", 5 },
	{ "(BODY.PEEK[HEADER.FIELDS (From \"To\")] RFC822.SIZE)", 2 },
	{ "BODY[1.2.3.MIME]<0.10>", 1 }, { "BODY[HEADER]", 1 }, { "BODY[]", 1 }, { "BODY", 1 },
	{ "BODYSTRUCTURE", 1 }, { "RFC822", 1 }, { "RFC822.TEXT", 1 }, { "BODY[1.TEXT]", 1 },
	{ "BODY[header.fields.not (x)]", 1 },
	{ "", 0 }, { "()", 0 }, { "(ALL)", 0 }, { "FLAGS UID", 0 }, { "(FLAGS", 0 }, { "(FLAGS))", 0 },
	{ "BODY[MIME]", 0 }, { "BODY[0]", 0 }, { "BODY[1.]", 0 }, { "BODY[1", 0 }, { "BODY[HEADER.FIELDS]", 0 },
	{ "BODY[HEADER.FIELDS ()]", 0 }, { "BODY[]<1>", 0 }, { "BODY[]<1.0>", 0 }, { "BODY[]<1.4294967296>", 0 },
	{ "RFC822.PEEK", 0 }, { "BODY.PEEK", 0 }, { "X", 0 }, { "BODY[4294967296]", 0 },
};

START_TEST(items_parse_or_not)
{
	struct items *items = arena_get(a, sizeof *items);
	bool ok = items_parse(span_of(item_lists[_i].in), a, items);

	ck_assert_msg(ok == (item_lists[_i].count > 0), "%s", item_lists[_i].in);
	if (ok)
		ck_assert_uint_eq(items->count, item_lists[_i].count);
}
END_TEST

static const struct { const char *in, *why; } searches[] = {
	{ "ALL", NULL }, { "UNSEEN SINCE 1-Feb-1994", NULL }, { "OR SEEN (FROM x TO \"y z\")", NULL },
	{ "NOT NOT NOT SEEN", NULL }, { "1:5,7 UID 3:*", NULL }, { "HEADER \"X-A\" {2}\r\nhi", NULL },
	{ "CHARSET UTF-8 TEXT x", NULL }, { "SENTON \"1-Feb-1994\"", NULL },
	{ "CHARSET X ALL", "BADCHARSET" },
	{ "", "a search key is missing" }, { "FROGS", "no such search key" }, { "(SEEN", "a parenthesis is missing" },
	{ "SEEN)", "something stands behind the last search key" }, { "OR SEEN", "a search key is missing" },
	{ "SUBJECT", "a string is missing" }, { "LARGER x", "a number of octets is missing" },
	{ "SINCE 31-Apr-2020", "a date looks like 1-Feb-1994" }, { "UID x", "UID needs a set" },
	{ "HEADER x", "a string is missing" },
};

START_TEST(search_parses)
{
	const char *why = NULL;
	struct key *key;
	bool ok = search_parse(span_of(searches[_i].in), a, &key, &why);

	ck_assert_msg(ok == !searches[_i].why, "%s: %s", searches[_i].in, why);
	if (!ok)
		ck_assert_str_eq(why, searches[_i].why);
}
END_TEST

START_TEST(cheap_keys_come_first)
{
	const char *why;
	struct key *key;

	ck_assert(search_parse(SPAN("TEXT x SEEN BODY y UID 1"), a, &key, &why));
	ck_assert_int_eq(key->first->kind, KEY_FLAG);
	ck_assert_int_eq(key->first->next->kind, KEY_UIDS);
	ck_assert_int_eq(key->first->next->next->kind, KEY_TEXT);
	ck_assert_int_eq(key->first->next->next->next->kind, KEY_BODY);
}
END_TEST

static const struct { const char *pattern, *name; bool fits; } patterns[] = {
	{ "*", "A.B", true }, { "%", "A", true }, { "%", "A.B", false }, { "A.%", "A.B", true },
	{ "A.%", "A.B.C", false }, { "A.*", "A.B.C", true }, { "A*C", "A.B.C", true }, { "*.C", "A.B.C", true },
	{ "%.C", "A.B.C", false }, { "*%", "A.B", true }, { "%*", "A.B", true }, { "A", "a", false },
	{ "", "", true }, { "", "A", false }, { "A%", "A", true }, { "%%", "A", true }, { "*.%C", "A.B.XC", true },
	{ "%.%", "A.B", true }, { "A.B%D.E", "A.BCD.E", true }, { "A.B%D.E", "A.B.D.E", false },
};

START_TEST(pattern_matches)
{
	ck_assert_msg(name_matches(span_of(patterns[_i].pattern), span_of(patterns[_i].name)) == patterns[_i].fits,
	    "%s %s", patterns[_i].pattern, patterns[_i].name);
}
END_TEST

static const struct { const char *in; bool bare, ok; unsigned flags; size_t keywords; } flag_lists[] = {
	{ "(\\Seen \\Deleted)", false, true, FLAG_SEEN | FLAG_DELETED, 0 }, { "()", false, true, 0, 0 },
	{ "\\SEEN work", true, true, FLAG_SEEN, 1 }, { "(\\Recent a b)", false, true, 0, 2 },
	{ "\\Seen", false, false, 0, 0 }, { "(\\Seen", false, false, 0, 0 }, { "(\\*)", false, false, 0, 0 },
	{ "(\\Foo)", false, false, 0, 0 }, { "", true, false, 0, 0 }, { "( )", true, false, 0, 0 },
};

START_TEST(flags_parse_or_not)
{
	struct span in = span_of(flag_lists[_i].in);
	struct flag_names f;
	bool ok = flags_parse(&in, flag_lists[_i].bare, &f);

	ck_assert_msg(ok == flag_lists[_i].ok, "%s", flag_lists[_i].in);
	if (!ok)
		return;
	ck_assert_uint_eq(f.flags, flag_lists[_i].flags);
	ck_assert_uint_eq(f.count, flag_lists[_i].keywords);
}
END_TEST

static const struct { const char *text, *word; bool found; } words[] = {
	{ "Hello World", "world", true }, { "GRÜSSE AUS WIEN", "grüsse", true }, { "Σίσυφος", "σίσυφοσ", true },
	{ "ПРИВЕТ", "привет", true }, { "Ÿ", "ÿ", true }, { "abc", "abd", false }, { "", "", true }, { "a", "", true },
	{ "\xc3", "x", false }, { "\xff\xfe OK", "ok", true }, { "ＡＢＣ", "ａｂｃ", true },
};

START_TEST(words_are_found_in_any_case)
{
	struct str folded = STR(100);

	fold_text(span_of(words[_i].word), &folded);
	ck_assert_msg(fold_contains(span_of(words[_i].text), str_span(&folded)) == words[_i].found,
	    "%s in %s", words[_i].word, words[_i].text);
	str_free(&folded);
}
END_TEST

/* Fed byte by byte, so that characters and the word are cut everywhere. */
START_TEST(words_are_found_across_cuts)
{
	const char *text = "und Grüße an ΣΊΣΥΦΟΣ heute";
	struct str folded = STR(100);
	struct finder f;

	fold_text(SPAN("σίσυφος heute"), &folded);
	finder_begin(&f, str_span(&folded));
	for (const char *p = text; *p; p++)
		finder_feed(&f, (struct span){ p, 1 });
	ck_assert(f.found);
	finder_end(&f);
	str_free(&folded);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("imap-parse");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, astring_parses, 0, COUNT(astrings));
	tcase_add_loop_test(tc, literal_mark_parses, 0, COUNT(marks));
	tcase_add_loop_test(tc, set_parses, 0, COUNT(sets));
	tcase_add_test(tc, set_knows_what_is_too_high);
	tcase_add_loop_test(tc, items_parse_or_not, 0, COUNT(item_lists));
	tcase_add_loop_test(tc, search_parses, 0, COUNT(searches));
	tcase_add_test(tc, cheap_keys_come_first);
	tcase_add_loop_test(tc, pattern_matches, 0, COUNT(patterns));
	tcase_add_loop_test(tc, flags_parse_or_not, 0, COUNT(flag_lists));
	tcase_add_loop_test(tc, words_are_found_in_any_case, 0, COUNT(words));
	tcase_add_test(tc, words_are_found_across_cuts);
	return unit_end();
}

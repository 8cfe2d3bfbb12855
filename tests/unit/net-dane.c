/* TLSA records: which can be used, and what an answer asks of a server. */
#include "common/net/dane.h"

#include "tests/unit/unit.h"

#define D32 "0123456789abcdef0123456789abcdef"
#define RECORD(usage, selector, matching, data) SPAN(usage selector matching data)

static const struct { struct span rdata; bool parses, usable; } records[] = {
	{ RECORD("\3", "\1", "\1", D32),	true,	true },
	{ RECORD("\2", "\0", "\1", D32),	true,	true },
	{ RECORD("\3", "\1", "\2", D32 D32),	true,	true },
	{ RECORD("\3", "\0", "\0", "der"),	true,	true },
	{ RECORD("\0", "\1", "\1", D32),	true,	false },	/* PKIX-TA */
	{ RECORD("\1", "\1", "\1", D32),	true,	false },	/* PKIX-EE */
	{ RECORD("\4", "\1", "\1", D32),	true,	false },
	{ RECORD("\377", "\1", "\1", D32),	true,	false },
	{ RECORD("\3", "\2", "\1", D32),	true,	false },
	{ RECORD("\3", "\1", "\3", D32),	true,	false },
	{ RECORD("\3", "\1", "\1", D32 "0"),	true,	false },
	{ RECORD("\3", "\1", "\1", "short"),	true,	false },
	{ RECORD("\3", "\1", "\2", D32),	true,	false },
	{ RECORD("\3", "\1", "\1", ""),		false,	false },
	{ SPAN("\3\1"),				false,	false },
	{ SPAN(""),				false,	false },
};

START_TEST(a_record_is_read)
{
	struct tlsa t;

	ck_assert_int_eq(tlsa_parse(records[_i].rdata, &t), records[_i].parses);
	if (records[_i].parses)
		ck_assert_int_eq(tlsa_usable(&t), records[_i].usable);
}
END_TEST

static struct span good = SPAN("\3\1\1" D32), pkix = SPAN("\1\1\1" D32), broken = SPAN("\3");

static const struct { enum dns_found found; bool secure; struct span *records[2]; enum dane is; size_t count; } answers[] = {
	{ DNS_YES,	true,	{ &good },		DANE_USABLE,	1 },
	{ DNS_YES,	true,	{ &good, &good },	DANE_USABLE,	2 },
	{ DNS_YES,	true,	{ &pkix, &good },	DANE_USABLE,	1 },
	{ DNS_YES,	true,	{ &broken, &good },	DANE_USABLE,	1 },
	{ DNS_YES,	true,	{ &pkix },		DANE_UNUSABLE,	0 },
	{ DNS_YES,	true,	{ &broken, &pkix },	DANE_UNUSABLE,	0 },
	{ DNS_YES,	false,	{ &good },		DANE_ABSENT,	0 },
	{ DNS_NO_DATA,	true,	{ NULL },		DANE_ABSENT,	0 },
	{ DNS_NO_NAME,	true,	{ NULL },		DANE_ABSENT,	0 },
	{ DNS_NO_NAME,	false,	{ NULL },		DANE_ABSENT,	0 },
	{ DNS_FAILED,	false,	{ NULL },		DANE_FAILED,	0 },
	{ DNS_FAILED,	true,	{ &good },		DANE_FAILED,	0 },
};

START_TEST(an_answer_decides)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct span list[2];
	struct dns_answer answer = { .found = answers[_i].found, .secure = answers[_i].secure, .why = "", .records = list };
	struct tlsa *usable;
	size_t count;

	for (int i = 0; i < 2 && answers[_i].records[i]; i++)
		list[answer.count++] = *answers[_i].records[i];
	ck_assert_int_eq(dane_read(&answer, a, &usable, &count), answers[_i].is);
	ck_assert_uint_eq(count, answers[_i].count);
	arena_free(a);
}
END_TEST

START_TEST(no_answer_is_too_long)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct span list[DANE_RECORDS_MAX + 5];
	struct dns_answer answer = { .found = DNS_YES, .secure = true, .why = "", .records = list, .count = COUNT(list) };
	struct tlsa *usable;
	size_t count;

	for (size_t i = 0; i < COUNT(list); i++)
		list[i] = good;
	ck_assert_int_eq(dane_read(&answer, a, &usable, &count), DANE_USABLE);
	ck_assert_uint_eq(count, DANE_RECORDS_MAX);
	arena_free(a);
}
END_TEST

START_TEST(records_have_their_name_and_their_words)
{
	struct tlsa t = { 3, 1, 1, SPAN("\x01\xab\xff") };
	struct str text = STR(100);
	char name[DNS_NAME], much[DNS_NAME];

	tlsa_print(&t, &text);
	ck_assert_str_eq(text.p, "3 1 1 01abff");
	str_free(&text);
	ck_assert(dane_name("MX.example.org.", 25, name));
	ck_assert_str_eq(name, "_25._tcp.mx.example.org");
	memset(much, 'a', sizeof much - 1);
	for (int i = 60; i < 250; i += 60)
		much[i] = '.';
	much[250] = '\0';
	ck_assert(!dane_name(much, 25, name));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-dane");

	tcase_add_loop_test(tc, a_record_is_read, 0, COUNT(records));
	tcase_add_loop_test(tc, an_answer_decides, 0, COUNT(answers));
	tcase_add_test(tc, no_answer_is_too_long);
	tcase_add_test(tc, records_have_their_name_and_their_words);
	return unit_end();
}

/* Address lists: RFC 5322 appendix A and what strangers make of it. */
#include "common/mail/addr.h"

#include "tests/unit/unit.h"

/* Printed as "name|route|local|domain", "[name" and "]" around groups, one blank between. */
static const struct { const char *in, *out; } lists[] = {
	/* RFC 5322 A.1.1 to A.1.3 */
	{ "John Doe <jdoe@machine.example>",	"John Doe||jdoe|machine.example" },
	{ "\"Joe Q. Public\" <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com" },
	{ "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>",
		"Mary Smith||mary|x.test -||jdoe|example.org Who?||one|y.test" },
	{ "<boss@nil.test>, \"Giant; \\\"Big\\\" Box\" <sysservices@example.net>",
		"-||boss|nil.test Giant; \"Big\" Box||sysservices|example.net" },
	{ "A Group:Ed Jones <joe@where.test>,joe@where.test,John <jdoe@one.test>;",
		"[A Group Ed Jones||joe|where.test -||joe|where.test John||jdoe|one.test ]" },
	{ "Undisclosed recipients:;",		"[Undisclosed recipients ]" },
	/* A.5: white space, comments and other oddities */
	{ "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete||pete|silly.test" },
	{ "A Group(Some people)\n     :Chris Jones <c@(Chris's host.)public.example>,\n         joe@example.org,\n  John <jdoe@one.test> (my dear friend); (the end of the group)",
		"[A Group Chris Jones||c|public.example -||joe|example.org John||jdoe|one.test ]" },
	{ "(Empty list)(start)Hidden recipients  :(nobody(that I know))  ;", "[Hidden recipients ]" },
	/* A.6: obsolete forms */
	{ "Joe Q. Public <john.q.public@example.com>", "Joe Q. Public||john.q.public|example.com" },
	{ "Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
		"Mary Smith|@node.test|mary|example.net -||jdoe|test.example" },
	{ "<@a.test,@b.test:c@d.test>",		"-|@a.test,@b.test|c|d.test" },
	{ "John Doe <jdoe@machine(comment).  example>", "John Doe||jdoe|machine.example" },
	/* names in comments, literals, quotes, UTF-8 */
	{ "jdoe@example.org (John Doe)",	"John Doe||jdoe|example.org" },
	{ "a@[192.0.2.1]",			"-||a|[192.0.2.1]" },
	{ "\"a b\"@example.org",		"-||a b|example.org" },
	{ "\u03b1\u03b2 <\u03b3@\u03b4.test>",	"\u03b1\u03b2||\u03b3|\u03b4.test" },
	{ "=?utf-8?q?=CE=B1?= <a@b.test>",	"=?utf-8?q?=CE=B1?=||a|b.test" },
	/* broken */
	{ "",					"" },
	{ ",,;",				"" },
	{ "root",				"-||root|-" },
	{ "<>",					"" },
	{ "Name <>",				"Name||-|-" },
	{ "Name <root>",			"Name||root|-" },
	{ "a@b.test c@d.test",			"-||a|b.test" },
	{ "ann@x.test <ann@x.test>",		"ann@x.test||ann|x.test" },
	{ "a@b@c.test",				"-||a@b|c.test" },
	{ "Foo <a@b.test> Bar <c@d.test>",	"Foo||a|b.test -||c|d.test" },
	{ "a@b.test>, c@d.test",		"-||a|b.test -||c|d.test" },
	{ "Group: a@b.test",			"[Group -||a|b.test ]" },
	{ "(open comment a@b.test",		"" },
	{ "\"open quote a@b.test",		"-||open quote a@b.test|-" },
	{ "John ann@x.test",			"-||ann|x.test" },
};

static void print(const struct addr *one, struct str *s)
{
	const struct span parts[] = { one->name, one->route, one->local, one->domain };

	if (s->n)
		str_add_char(s, ' ');
	if (one->kind == ADDR_GROUP_END)
		str_add_char(s, ']');
	else if (one->kind == ADDR_GROUP)
		str_addf(s, "[" SPAN_FMT, SPAN_ARG(one->name));
	for (int i = 0; one->kind == ADDR_MAILBOX && i < 4; i++) {
		str_add_text(s, i ? "|" : "");
		str_add(s, parts[i].n || i == 1 ? parts[i] : SPAN("-"));
	}
}

START_TEST(list_parses)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct str s = STR(2000);
	struct addrs got;

	addr_parse(span_of(lists[_i].in), a, &got);
	for (size_t i = 0; i < got.count; i++)
		print(&got.list[i], &s);
	ck_assert_str_eq(s.p, lists[_i].out);
	str_free(&s);
	arena_free(a);
}
END_TEST

/* An attack on the reader: time must grow as the input does. The test's deadline is the judge. */
static const char *const bombs[] = { "a,", "a@", "<", "(", "\"\\", ":", "a:;", "@", "a@b,", " ",
	"[", "a " };

START_TEST(bombs_are_survived)
{
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	struct str s = STR(1 << 20);
	struct addrs got;

	while (s.n + 8 < s.max)
		str_add_text(&s, bombs[_i]);
	addr_parse(str_span(&s), a, &got);
	ck_assert_uint_le(got.count, ADDR_TOKENS_MAX + 1);
	ck_assert_uint_lt(arena_used(a), 40 << 20);
	str_free(&s);
	arena_free(a);
}
END_TEST

static const struct { const char *local, *domain, *out; } printed[] = {
	{ "ann",	"example.org",	"ann@example.org" },
	{ "ann.b",	"example.org",	"ann.b@example.org" },
	{ ".ann",	"example.org",	"\".ann\"@example.org" },
	{ "a b",	"example.org",	"\"a b\"@example.org" },
	{ "a\"\\",	"example.org",	"\"a\\\"\\\\\"@example.org" },
	{ "",		"example.org",	"\"\"@example.org" },
	{ "root",	"",		"root" },
};

START_TEST(address_prints)
{
	struct str s = STR(100);

	addr_print(span_of(printed[_i].local), span_of(printed[_i].domain), &s);
	ck_assert_str_eq(s.p, printed[_i].out);
	str_free(&s);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-addr");

	tcase_add_loop_test(tc, list_parses, 0, COUNT(lists));
	tcase_add_loop_test(tc, bombs_are_survived, 0, COUNT(bombs));
	tcase_add_loop_test(tc, address_prints, 0, COUNT(printed));
	return unit_end();
}

/* Lines of users(5), domains(5), aliases(5), the text they stand in, and names. */
#include "common/directory/aliases.h"
#include "common/directory/domains.h"
#include "common/directory/name.h"
#include "common/directory/text.h"
#include "common/directory/users.h"
#include "tests/unit/unit.h"

static const struct {
	const char *in, *out;			/* out NULL: refused */
	size_t local_n;
} names[] = {
	{ "ann@example.org", "ann@example.org", 3 },
	{ "Ann@Example.ORG", "ann@example.org", 3 },
	{ "\"Ann\"@example.org", "ann@example.org", 3 },
	{ "\"a b\"@example.org", "a b@example.org", 3 },
	{ "\"a\\\"b\"@example.org", "a\"b@example.org", 3 },
	{ "\"a@b\"@example.org", "a@b@example.org", 3 },
	{ "ann", "ann", 3 },
	{ "ann@[192.0.2.1]", "ann@[192.0.2.1]", 3 },
	{ "\xc3\xa4nn@example.org", "\xc3\xa4nn@example.org", 4 },
	{ "", NULL, 0 },
	{ "@example.org", NULL, 0 },
	{ "ann@", NULL, 0 },
	{ "an\nn@example.org", NULL, 0 },
	{ "ann@exam ple.org", NULL, 0 },
	{ "\"ann@example.org", NULL, 0 },
	{ "\"ann\\\"@example.org", NULL, 0 },
	{ "\"\"@example.org", NULL, 0 },
	{ "a\"nn@example.org", NULL, 0 },
};

START_TEST(name_folds)
{
	struct name n;
	struct err e;
	bool ok = name_read(span_of(names[_i].in), &n, &e);

	ck_assert_msg(ok == !!names[_i].out, "%s", names[_i].in);
	if (!ok) {
		ck_assert_str_eq(e.status, "5.1.3");
		return;
	}
	ck_assert_str_eq(n.text, names[_i].out);
	ck_assert_uint_eq(n.local_n, names[_i].local_n);
	ck_assert_uint_eq(n.n, strlen(n.text));
}
END_TEST

START_TEST(name_too_long_is_refused)
{
	char long_name[NAME_SIZE + 8];
	struct name n;

	memset(long_name, 'a', sizeof long_name);
	ck_assert(name_read((struct span){ long_name, NAME_SIZE - 1 }, &n, NULL));
	ck_assert(!name_read((struct span){ long_name, NAME_SIZE }, &n, NULL));
	ck_assert(!name_read((struct span){ "a\0b", 3 }, &n, NULL));
	ck_assert(!name_is_account((struct span){ "a\0b", 3 }));
}
END_TEST

static const struct {
	const char *in, *local, *hash, *home;	/* local NULL: refused, and hash says why */
	uint32_t uid, gid;
	uint64_t quota;
} users[] = {
	{ "ann@example.org", "ann", "", "", 0, 0, 0 },
	{ "ann@example.org:$y$j9T$abc/.$def:::/srv/ann:500M", "ann", "$y$j9T$abc/.$def", "/srv/ann", 0, 0, 500 << 20 },
	{ "Ann@Example.org::1001:1002::", "Ann", "", "", 1001, 1002, 0 },
	{ "  ann@example.org:!x  ", "ann", "!x", "", 0, 0, 0 },
	{ "ann@example.org:::::1234", "ann", "", "", 0, 0, 1234 },
	{ "\xc3\xa4nn@example.org", "\xc3\xa4nn", "", "", 0, 0, 0 },
	{ "ann", NULL, "expected an address", NULL, 0, 0, 0 },
	{ "@example.org", NULL, "expected an address", NULL, 0, 0, 0 },
	{ "ann@exa/mple", NULL, "expected an address", NULL, 0, 0, 0 },
	{ "a/b@example.org", NULL, "can be a directory", NULL, 0, 0, 0 },
	{ "../b@example.org", NULL, "can be a directory", NULL, 0, 0, 0 },
	{ ".ann@example.org", NULL, "can be a directory", NULL, 0, 0, 0 },
	{ "\"a b\"@example.org", NULL, "can be a directory", NULL, 0, 0, 0 },
	{ "1234567890123456789012345678901234567890123456789012345678901234x@example.org", NULL,
	  "can be a directory", NULL, 0, 0, 0 },
	{ "ann@example.org:pass word", NULL, "no hash", NULL, 0, 0, 0 },
	{ "ann@example.org::0", NULL, "expected a uid", NULL, 0, 0, 0 },
	{ "ann@example.org::4294967295", NULL, "expected a uid", NULL, 0, 0, 0 },
	{ "ann@example.org::-1", NULL, "expected a uid", NULL, 0, 0, 0 },
	{ "ann@example.org:::ann", NULL, "expected a gid", NULL, 0, 0, 0 },
	{ "ann@example.org::::home", NULL, "absolute", NULL, 0, 0, 0 },
	{ "ann@example.org::::/a/../b", NULL, ". and ..", NULL, 0, 0, 0 },
	{ "ann@example.org::::/", NULL, "absolute", NULL, 0, 0, 0 },
	{ "ann@example.org:::::lots", NULL, "expected a quota", NULL, 0, 0, 0 },
	{ "ann@example.org:::::5MB", NULL, "expected a quota", NULL, 0, 0, 0 },
	{ "ann@example.org::::::x", NULL, "more than six", NULL, 0, 0, 0 },
	{ "ann@example.org::\t5", NULL, "control character", NULL, 0, 0, 0 },
};

START_TEST(users_line_parses)
{
	struct users_row row = { 0 };
	struct err e;
	bool ok = users_line_parse(span_of(users[_i].in), &row, &e);

	ck_assert_msg(ok == !!users[_i].local, "%s", users[_i].in);
	if (!ok) {
		ck_assert_msg(strstr(e.text, users[_i].hash) != NULL, "%s: %s", users[_i].in, e.text);
		ck_assert_ptr_null(row.address.p);
		return;
	}
	ck_assert(span_same(row.local, span_of(users[_i].local)));
	ck_assert(span_is(row.domain, "example.org"));
	ck_assert(span_same(row.hash, span_of(users[_i].hash)));
	ck_assert(span_same(row.home, span_of(users[_i].home)));
	ck_assert_uint_eq(row.uid, users[_i].uid);
	ck_assert_uint_eq(row.gid, users[_i].gid);
	ck_assert(row.has_uid == (users[_i].uid > 0));
	ck_assert_uint_eq(row.quota, users[_i].quota);
}
END_TEST

static const struct { const char *in, *domain; bool relay, listed; } domains[] = {
	{ "example.org", "example.org", false },
	{ " example.org ", "example.org", false },
	{ "relay: example.org", "example.org", true },
	{ "Relay:example.org", "example.org", true },
	{ "virtual: example.org", "example.org", false },
	{ "relay: example.org listed", "example.org", true, true },
	{ "relay:example.org  Listed ", "example.org", true, true },
	{ "relay: example.org lsited", NULL, false },
	{ "relay: example.org listed twice", NULL, false },
	{ "example.org listed", NULL, false },
	{ "example.org, example.net", NULL, false },
	{ "local: example.org", NULL, false },
	{ "-example.org", NULL, false },
	{ "example..org", NULL, false },
	{ "relay:", NULL, false },
	{ "../etc", NULL, false },
};

START_TEST(domains_line_parses)
{
	struct domains_row row;
	struct err e;
	bool ok = domains_line_parse(span_of(domains[_i].in), &row, &e);

	ck_assert_msg(ok == !!domains[_i].domain, "%s", domains[_i].in);
	if (!ok) {
		ck_assert(strstr(e.text, "expected") != NULL);
		return;
	}
	ck_assert(span_same(row.domain, span_of(domains[_i].domain)));
	ck_assert(row.relay == domains[_i].relay && row.listed == domains[_i].listed);
}
END_TEST

static const struct {
	const char *in, *name;			/* name NULL: refused, targets[0] says why */
	const char *targets[4];
} aliases[] = {
	{ "root: ann", "root", { "ann" } },
	{ "sales@example.org: ann@example.org, bob@example.org ,carl", "sales@example.org",
	  { "ann@example.org", "bob@example.org", "carl" } },
	{ "@example.org:ann@example.org", "@example.org", { "ann@example.org" } },
	{ "\"a: b\"@example.org : \"c, d\"@example.org", "\"a: b\"@example.org", { "\"c, d\"@example.org" } },
	{ "bob: bob,,ann,", "bob", { "bob", "ann" } },
	{ "info@*: ann", "info@*", { "ann" } },
	{ "ann-*@example.org: ann", "ann-*@example.org", { "ann" } },
	{ "*@*: app (send-only)", "*@*", { "app (send-only)" } },
	{ "group staff : ann, bob", "staff", { "ann", "bob" } },
	{ "Group\tstaff:ann", "staff", { "ann" } },
	{ "group: ann", "group", { "ann" } },
	{ "sales: group staff, bob(receive-only), Group x (Send-Only)", "sales",
	  { "group staff", "bob(receive-only)", "Group x (Send-Only)" } },
	{ "\"group staff\": \"a (b)\"@example.org", "\"group staff\"", { "\"a (b)\"@example.org" } },
	{ "ann-*: ann", NULL, { "a pattern needs a domain" } },
	{ "ann@*.org: ann", NULL, { "before the colon" } },
	{ "@*: ann", NULL, { "before the colon" } },
	{ "group a b: ann", NULL, { "the name of a group" } },
	{ "group a@b: ann", NULL, { "the name of a group" } },
	{ "sales: group", "sales", { "group" } },
	{ "sales: group a@b", NULL, { "is no name of a group" } },
	{ "sales: ann (sometimes)", NULL, { "expected (send-only)" } },
	{ "sales: (send-only)", NULL, { "expected an address" } },
	{ "sales: ann@* ", NULL, { "expected an address" } },
	{ "root", NULL, { "expected \"name: target" } },
	{ "root:", NULL, { "has no target" } },
	{ "root: , ,", NULL, { "has no target" } },
	{ ": ann", NULL, { "before the colon" } },
	{ "a b: ann", NULL, { "before the colon" } },
	{ "@: ann", NULL, { "before the colon" } },
	{ "ann@-x: bob", NULL, { "before the colon" } },
	{ "prog: |/bin/cat", NULL, { "cannot run a program" } },
	{ "prog: \"|/bin/cat x\"", NULL, { "cannot run a program" } },
	{ "file: /var/mail/x", NULL, { "cannot name a file" } },
	{ "list: :include:/etc/list", NULL, { "no :include:" } },
	{ "list: Ann <ann@example.org>", NULL, { "expected an address" } },
	{ "list: @example.org", NULL, { "expected an address" } },
	{ "list: ann@", NULL, { "expected an address" } },
};

START_TEST(aliases_line_parses)
{
	struct aliases_row row;
	struct span target;
	struct err e;
	size_t n = 0;
	bool ok = aliases_line_parse(span_of(aliases[_i].in), &row, &e);

	ck_assert_msg(ok == !!aliases[_i].name, "%s", aliases[_i].in);
	if (!ok) {
		ck_assert_msg(strstr(e.text, aliases[_i].targets[0]) != NULL, "%s", e.text);
		return;
	}
	ck_assert(span_same(row.name, span_of(aliases[_i].name)));
	while (aliases_target(&row.targets, &target)) {
		ck_assert_ptr_nonnull(aliases[_i].targets[n]);
		ck_assert(span_same(target, span_of(aliases[_i].targets[n++])));
	}
	ck_assert_ptr_null(aliases[_i].targets[n]);
	ck_assert_uint_eq(n, row.count);
}
END_TEST

static const struct { const char *target, *name; bool group; unsigned may; } parts[] = {
	{ "ann@example.org", "ann@example.org", false, 3 },
	{ " ann (SEND-only) ", "ann", false, ALIASES_SENDS },
	{ "ann@example.org(receive-only)", "ann@example.org", false, ALIASES_RECEIVES },
	{ "group  staff (receive-only)", "staff", true, ALIASES_RECEIVES },
	{ "group", "group", false, 3 },
	{ "groupies", "groupies", false, 3 },
	{ "ann ()", "ann", false, 0 },
	{ "\"a (b)\"", "\"a (b)\"", false, 3 },
};

START_TEST(targets_have_parts)
{
	struct aliases_part part = aliases_part(span_of(parts[_i].target));

	ck_assert_msg(span_same(part.name, span_of(parts[_i].name)), SPAN_FMT, SPAN_ARG(part.name));
	ck_assert(part.is_group == parts[_i].group);
	ck_assert_uint_eq(part.may, parts[_i].may);
}
END_TEST

static const struct { const char *pattern, *local; bool fits; } patterns[] = {
	{ "*", "", true }, { "*", "ann", true }, { "ann-*", "ann-", true }, { "ann-*", "ann-x-y", true },
	{ "ann-*", "ann", false }, { "*-owner", "list-owner", true }, { "*-owner", "list-owner-x", false },
	{ "*-owner", "a-owner-owner", true }, { "a*b*c", "abc", true }, { "a*b*c", "a-b-b-c", true },
	{ "a*b*c", "acb", false }, { "**", "x", true }, { "", "", true }, { "", "x", false },
	{ "a*a", "a", false }, { "*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

START_TEST(pattern_fits)
{
	ck_assert_msg(aliases_fits(span_of(patterns[_i].pattern), span_of(patterns[_i].local)) == patterns[_i].fits,
	    "%s %s", patterns[_i].pattern, patterns[_i].local);
}
END_TEST

START_TEST(text_joins_and_counts)
{
	struct text t;
	struct span line;
	const char *in = "# top\n\na: b\n  c # more\n#x\n\t,d\n#e\n\nf\n g#h: i #\r\nlast";

	text_begin(&t, span_of(in), true);
	ck_assert(text_next(&t, &line) && span_is(line, "a: b c  ,d"));
	ck_assert_uint_eq(t.line, 3);
	ck_assert(span_same(t.raw, SPAN("a: b\n  c # more\n#x\n\t,d\n")));
	ck_assert(text_next(&t, &line) && span_is(line, "f g#h: i"));
	ck_assert_uint_eq(t.line, 9);
	ck_assert(text_next(&t, &line) && span_is(line, "last"));
	ck_assert_uint_eq(t.line, 11);
	ck_assert(span_same(t.raw, SPAN("last")));
	ck_assert(!text_next(&t, &line));
	text_end(&t);
	text_begin(&t, SPAN("a\n b\n"), false);
	ck_assert(text_next(&t, &line) && span_is(line, "a"));
	ck_assert(text_next(&t, &line) && span_is(line, "b"));
	ck_assert(!text_next(&t, &line));
	text_end(&t);
}
END_TEST

START_TEST(text_line_has_a_ceiling)
{
	struct str in = STR(1 << 20);
	struct text t;
	struct span line;

	for (int i = 0; i < 20000; i++)
		str_add_text(&in, i ? " more\n" : "a: b\n");
	str_add_text(&in, "c: d\n");
	text_begin(&t, str_span(&in), true);
	ck_assert(text_next(&t, &line) && t.too_long);
	ck_assert(text_next(&t, &line) && span_is(line, "c: d") && !t.too_long);
	ck_assert_uint_eq(t.line, 20001);
	text_end(&t);
	str_free(&in);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-lines");

	tcase_add_loop_test(tc, name_folds, 0, COUNT(names));
	tcase_add_test(tc, name_too_long_is_refused);
	tcase_add_loop_test(tc, users_line_parses, 0, COUNT(users));
	tcase_add_loop_test(tc, domains_line_parses, 0, COUNT(domains));
	tcase_add_loop_test(tc, aliases_line_parses, 0, COUNT(aliases));
	tcase_add_loop_test(tc, targets_have_parts, 0, COUNT(parts));
	tcase_add_loop_test(tc, pattern_fits, 0, COUNT(patterns));
	tcase_add_test(tc, text_joins_and_counts);
	tcase_add_test(tc, text_line_has_a_ceiling);
	return unit_end();
}

/* Who is behind an address: tables made from text, questions, and the clerk's answers. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/directory/answer.h"
#include "common/directory/shelf.h"
#include "tests/unit/unit.h"

static const char *const texts[TABLE_COUNT] = {
	[TABLE_USERS] =
	    "ann@alpha.test:$y$x:::/srv/ann:1G\n"
	    "bob@alpha.test\n"
	    "b+c@alpha.test\n"
	    "low@alpha.test::5:5\n"
	    "eve@beta.test\n"
	    "app@beta.test\n"
	    "boss@gamma.test\n"
	    "pat@gamma.test\n"
	    "ro@gamma.test\n"
	    "jürgen@müller.test\n",
	[TABLE_DOMAINS] = "alpha.test\nBeta.test\ngamma.test\nrelay: partner.test\nmüller.test\n"
	    "relay: XN--BCHER-KVA.test\nrelay: map.test listed\n",
	[TABLE_RECIPIENTS] = "mia@map.test\n",
	[TABLE_DESTINATIONS] = "",
	[TABLE_ALIASES] =
	    "sales@alpha.test: ann@alpha.test,\n bob@alpha.test, out@far.test\n"
	    "bob@alpha.test: bob@alpha.test, ann@alpha.test\n"
	    "twice@alpha.test: ann@alpha.test, sales@alpha.test, Ann@Alpha.test\n"
	    "loop1@alpha.test: loop2@alpha.test\n"
	    "loop2@alpha.test: ann@alpha.test, loop1@alpha.test\n"
	    "self@alpha.test: self@alpha.test\n"
	    "lost@alpha.test: nobody@alpha.test\n"
	    "@beta.test: eve@beta.test\n"
	    "root: ann@alpha.test\n"
	    "web@sys.test: bob@alpha.test\n"
	    "web: ann@alpha.test\n"
	    "low2@alpha.test: low@alpha.test\n"
	    "\"od d\"@alpha.test: \"strange, one\"@far.test\n"
	    "group staff: pat@gamma.test, group chiefs (receive-only)\n"
	    "group chiefs: boss@gamma.test\n"
	    "group round: group round2\n"
	    "group round2: group round, pat@gamma.test\n"
	    "round@gamma.test: group round\n"
	    "shop@gamma.test: group staff, eve@beta.test (send-only)\n"
	    "boss@gamma.test: pat@gamma.test (send-only)\n"
	    "noreply@gamma.test: pat@gamma.test (send-only)\n"
	    "mute@gamma.test: shop2@gamma.test\n"
	    "shop2@gamma.test: group senders\n"
	    "group senders: pat@gamma.test (send-only)\n"
	    "ro@gamma.test: ro@gamma.test (receive-only), boss@gamma.test\n"
	    "key@gamma.test: ro@gamma.test (send-only)\n"
	    "info@*: boss@gamma.test\n"
	    "pat-*@gamma.test: pat@gamma.test\n"
	    "pat-x*@gamma.test: boss@gamma.test\n"
	    "*-list@*: eve@beta.test\n"
	    "*@gamma.test: app@beta.test (send-only)\n"
	    "boss@far.test: boss@gamma.test (send-only), eve@beta.test\n"
	    "info@xn--mller-kva.test: jürgen@xn--mller-kva.test\n"
	    "büro-*@müller.test: jürgen@müller.test\n",
};

static const char *system_domains[] = { "sys.test", "localhost" };

static const struct dir_rules rules = {
	.host_name = "sys.test", .postmaster = "postmaster@sys.test", .separator = "+",
	.mail_directory = "/mail", .system_mail = "Maildir", .system_domains = system_domains,
	.system_domain_count = 2, .system_users = false, .has_vmail = true,
	.uid = 900, .gid = 901, .uid_min = 1000,
};

static struct lookup look;
static struct arena *arena;

static void begin(void)
{
	struct err e;

	arena = arena_new(64 << 20, NULL, NULL);
	look = (struct lookup){ .rules = &rules };
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++) {
		look.files[kind] = compile_kind_name(kind);
		look.tables[kind] = table_new(&e);
		ck_assert_msg(look.tables[kind] != NULL, "%s", e.text);
		ck_assert_msg(compile_text(kind, span_of(texts[kind]), compile_kind_name(kind),
		    look.tables[kind], NULL, &e), "%s", e.text);
	}
}

static void end(void)
{
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++)
		table_close(look.tables[kind], NULL);
	arena_free(arena);
}

/* What comes out of an address: targets one after the other, or the status of the error. */
static const struct { const char *address, *is, *targets; } cases[] = {
	{ "ann@alpha.test", "local", "ann@alpha.test:/srv/ann:900" },
	{ "ANN@ALPHA.TEST", "local", "ann@alpha.test:/srv/ann:900" },
	{ "ann+lists@alpha.test", "local", "ann@alpha.test:/srv/ann:900+lists" },
	{ "ann+a+b@alpha.test", "local", "ann@alpha.test:/srv/ann:900+a+b" },
	{ "b+c@alpha.test", "local", "b+c@alpha.test:/mail/alpha.test/b+c:900" },
	{ "b+d@alpha.test", "unknown", "5.1.1" },
	/* a domain has two spellings, and is one */
	{ "jürgen@müller.test", "local", "jürgen@müller.test:/mail/müller.test/jürgen:900" },
	{ "jürgen@XN--mller-kva.test", "local", "jürgen@müller.test:/mail/müller.test/jürgen:900" },
	{ "jürgen@MÜLLER.test", "local", "jürgen@müller.test:/mail/müller.test/jürgen:900" },
	{ "info@müller.test", "local", "jürgen@müller.test:/mail/müller.test/jürgen:900" },
	{ "büro-x@xn--mller-kva.test", "local", "jürgen@müller.test:/mail/müller.test/jürgen:900" },
	{ "jürgen@muller.test", "elsewhere", "jürgen@muller.test" },
	{ "jürgen@mu\u0308ller.test", "local", "jürgen@müller.test:/mail/müller.test/jürgen:900" },
	{ "x@bücher.test", "relay", "x@bücher.test" },
	{ "x@\u0430lpha.test", "elsewhere", "x@\u0430lpha.test" },		/* a Cyrillic a */
	{ "+ann@alpha.test", "unknown", "5.1.1" },
	{ "zed@alpha.test", "unknown", "5.1.1" },
	{ "zed@far.test", "elsewhere", "zed@far.test" },
	{ "zed@partner.test", "relay", "zed@partner.test" },
	{ "Mia@map.test", "relay", "Mia@map.test" },
	{ "mia+x@map.test", "relay", "mia+x@map.test" },
	{ "postmaster@map.test", "relay", "postmaster@map.test" },
	{ "zed@map.test", "unknown", "5.1.1" },
	{ "sales@alpha.test", "local",
	  "ann@alpha.test:/srv/ann:900 bob@alpha.test:/mail/alpha.test/bob:900 out@far.test" },
	{ "sales+x@alpha.test", "local",
	  "ann@alpha.test:/srv/ann:900+x bob@alpha.test:/mail/alpha.test/bob:900+x out@far.test" },
	{ "bob@alpha.test", "local", "bob@alpha.test:/mail/alpha.test/bob:900 ann@alpha.test:/srv/ann:900" },
	{ "twice@alpha.test", "local",
	  "ann@alpha.test:/srv/ann:900 bob@alpha.test:/mail/alpha.test/bob:900 out@far.test" },
	{ "loop1@alpha.test", "local", "5.4.6" },
	{ "self@alpha.test", "local", "5.4.6" },
	{ "lost@alpha.test", "local", "nobody@alpha.test" },
	{ "anything@beta.test", "local", "eve@beta.test:/mail/beta.test/eve:900" },
	{ "eve@beta.test", "local", "eve@beta.test:/mail/beta.test/eve:900" },
	{ "root@localhost", "local", "ann@alpha.test:/srv/ann:900" },
	{ "root", "local", "ann@alpha.test:/srv/ann:900" },
	{ "web@sys.test", "local", "bob@alpha.test:/mail/alpha.test/bob:900 ann@alpha.test:/srv/ann:900" },
	{ "web@localhost", "local", "ann@alpha.test:/srv/ann:900" },
	{ "root@alpha.test", "unknown", "5.1.1" },
	{ "ann@sys.test", "unknown", "5.1.1" },
	{ "postmaster@alpha.test", "local", "postmaster:/mail/postmaster:900" },
	{ "Abuse@alpha.test", "local", "postmaster:/mail/postmaster:900" },
	{ "postmaster", "local", "postmaster:/mail/postmaster:900" },
	{ "postmaster@beta.test", "local", "eve@beta.test:/mail/beta.test/eve:900" },
	{ "postmaster@far.test", "elsewhere", "postmaster@far.test" },
	{ "\"od d\"@alpha.test", "local", "\"strange, one\"@far.test" },
	{ "\"Ann\"@alpha.test", "local", "ann@alpha.test:/srv/ann:900" },
	{ "shop@gamma.test", "local",
	  "pat@gamma.test:/mail/gamma.test/pat:900 boss@gamma.test:/mail/gamma.test/boss:900" },
	{ "boss@gamma.test", "local", "boss@gamma.test:/mail/gamma.test/boss:900" },
	{ "noreply@gamma.test", "unknown", "5.1.1" },
	{ "noreply@beta.test", "local", "eve@beta.test:/mail/beta.test/eve:900" },
	{ "mute@gamma.test", "local", "5.1.1" },
	{ "round@gamma.test", "local", "5.4.6" },
	{ "info@gamma.test", "local", "boss@gamma.test:/mail/gamma.test/boss:900" },
	{ "info@alpha.test", "local", "boss@gamma.test:/mail/gamma.test/boss:900" },
	{ "info+x@alpha.test", "local", "boss@gamma.test:/mail/gamma.test/boss:900+x" },
	{ "info@sys.test", "local", "boss@gamma.test:/mail/gamma.test/boss:900" },
	{ "info@far.test", "elsewhere", "info@far.test" },
	{ "Pat-X@gamma.test", "local", "pat@gamma.test:/mail/gamma.test/pat:900" },
	{ "ro@gamma.test", "local",
	  "ro@gamma.test:/mail/gamma.test/ro:900 boss@gamma.test:/mail/gamma.test/boss:900" },
	{ "cats-list@alpha.test", "local", "eve@beta.test:/mail/beta.test/eve:900" },
	{ "cats-list@gamma.test", "local", "eve@beta.test:/mail/beta.test/eve:900" },
	{ "pat-list@gamma.test", "local", "pat@gamma.test:/mail/gamma.test/pat:900" },
	{ "cats-list@far.test", "elsewhere", "cats-list@far.test" },
	{ "boss@far.test", "elsewhere", "boss@far.test" },
	{ "low@alpha.test", "4.3.5", "4.3.5" },
	{ "low2@alpha.test", "local", "4.3.5" },
	{ "a\nb@alpha.test", "5.1.3", "5.1.3" },
	{ "ann@", "5.1.3", "5.1.3" },
	{ "", "5.1.3", "5.1.3" },
};

static void print_targets(const struct dir_target *t, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++, t++) {
		str_add_text(out, i ? " " : "");
		if (t->kind == DIR_ADDRESS)
			str_add_text(out, t->address);
		else
			str_addf(out, "%s:%s:%u%s%s", t->login, t->home, t->uid,
			    *t->detail ? "+" : "", t->detail);
	}
}

static const char *const classes[] = {
	[DIR_ELSEWHERE] = "elsewhere",
	[DIR_LOCAL] = "local",
	[DIR_UNKNOWN] = "unknown",
	[DIR_RELAY] = "relay",
};

START_TEST(address_leads_to)
{
	struct str out = STR(4000);
	struct lookup_answer answer;
	struct dir_target *targets;
	struct span address = span_of(cases[_i].address);
	struct err e = { 0 };
	size_t count;
	bool ok;

	begin();
	ok = lookup_resolve(&look, address, arena, &answer, &e);
	ck_assert_msg(strcmp(ok ? classes[answer.is] : e.status, cases[_i].is) == 0,
	    "%s is %s, not %s: %s", cases[_i].address, ok ? classes[answer.is] : e.status,
	    cases[_i].is, e.text);
	ok = lookup_expand(&look, address, arena, &targets, &count, &e);
	if (ok)
		print_targets(targets, count, &out);
	ck_assert_str_eq(ok ? out.p : e.status, cases[_i].targets);
	str_free(&out);
	end();
}
END_TEST

static const struct { const char *login, *address; bool may; } senders[] = {
	{ "ann@alpha.test", "ann@alpha.test", true },
	{ "Ann@Alpha.test", "ann+x@alpha.test", true },
	{ "ann@alpha.test", "sales@alpha.test", true },
	{ "ann@alpha.test", "twice@alpha.test", true },
	{ "ann@alpha.test", "root@localhost", true },
	{ "ann@alpha.test", "root", true },
	{ "ann@alpha.test", "", true },
	{ "eve@beta.test", "whoever@beta.test", true },
	{ "eve@beta.test", "ann@alpha.test", false },
	{ "bob@alpha.test", "ann@alpha.test", false },
	{ "ann@alpha.test", "bob@alpha.test", true },
	{ "ann@alpha.test", "ann@far.test", false },
	{ "ann@alpha.test", "zed@alpha.test", false },
	{ "ann@alpha.test", "loop1@alpha.test", true },
	{ "pat@gamma.test", "shop@gamma.test", true },
	{ "pat@gamma.test", "shop+x@gamma.test", true },
	{ "eve@beta.test", "shop@gamma.test", true },
	{ "boss@gamma.test", "shop@gamma.test", false },
	{ "pat@gamma.test", "boss@gamma.test", true },
	{ "pat@gamma.test", "boss+x@gamma.test", true },
	{ "boss@gamma.test", "boss@gamma.test", true },
	{ "pat@gamma.test", "info@beta.test", false },
	{ "app@beta.test", "info@beta.test", false },
	{ "pat@gamma.test", "noreply@gamma.test", true },
	{ "boss@gamma.test", "noreply@gamma.test", false },
	{ "pat@gamma.test", "mute@gamma.test", true },
	{ "boss@gamma.test", "mute@gamma.test", false },
	{ "ro@gamma.test", "key@gamma.test", true },
	{ "boss@gamma.test", "key@gamma.test", false },
	{ "pat@gamma.test", "round@gamma.test", true },
	{ "ro@gamma.test", "ro@gamma.test", false },
	{ "ro@gamma.test", "ro+x@gamma.test", false },
	{ "boss@gamma.test", "ro@gamma.test", true },
	{ "boss@gamma.test", "info@beta.test", true },
	{ "boss@gamma.test", "info@far.test", false },
	{ "eve@beta.test", "x-list@alpha.test", true },
	{ "eve@beta.test", "pat-list@gamma.test", false },
	{ "app@beta.test", "boss@gamma.test", true },
	{ "app@beta.test", "whoever@gamma.test", true },
	{ "app@beta.test", "ann@alpha.test", false },
	{ "boss@gamma.test", "boss@far.test", true },
	{ "eve@beta.test", "boss@far.test", false },
	{ "nobody", "nobody@sys.test", true },
	{ "nobody", "nobody+tag@localhost", true },
	{ "nobody", "nobody", true },
	{ "nobody", "nobody@alpha.test", false },
	{ "nobody", "ann@alpha.test", false },
	{ "", "ann@alpha.test", false },
};

START_TEST(no_answer_without_a_reason)
{
	struct err e = { .kind = ERR_NONE };
	char name[508];
	const char *line;

	begin();
	memset(name, 'x', sizeof name);
	ck_assert(!lookup_may_send(&look, SPAN("nobody"), (struct span){ name, sizeof name }, arena, &line, &e));
	ck_assert(e.kind == ERR_PERM && *e.text);
	end();
}
END_TEST

START_TEST(login_may_send)
{
	struct err e = { 0 };
	const char *line;
	bool may;

	begin();
	may = lookup_may_send(&look, span_of(senders[_i].login), span_of(senders[_i].address), arena, &line, &e);
	ck_assert_msg(may == senders[_i].may, "%s as %s: %s", senders[_i].login, senders[_i].address, e.text);
	ck_assert(may || e.kind == ERR_PERM);
	end();
}
END_TEST

/* All who may send as an address, each with the line that says so. */
static const struct { const char *address, *senders; } decided[] = {
	{ "ann@alpha.test", "ann@alpha.test, users:1: the user ann@alpha.test" },
	{ "ann+x@alpha.test", "ann@alpha.test, users:1: the user ann@alpha.test" },
	{ "pat-y@gamma.test",
	  "pat@gamma.test, aliases:29: pat-*@gamma.test: pat@gamma.test; "
	  "app@beta.test, aliases:32: *@gamma.test: app@beta.test (send-only)" },
	{ "shop@gamma.test",
	  "pat@gamma.test, aliases:20: shop@gamma.test: group staff, eve@beta.test (send-only); "
	  "app@beta.test, aliases:32: *@gamma.test: app@beta.test (send-only); "
	  "eve@beta.test, aliases:20: shop@gamma.test: group staff, eve@beta.test (send-only)" },
	{ "boss@far.test",
	  "boss@gamma.test, aliases:33: boss@far.test: boss@gamma.test (send-only), eve@beta.test" },
	{ "info@beta.test", "boss@gamma.test, aliases:28: info@*: boss@gamma.test" },
	{ "zed@far.test", "" },
	{ "zed@alpha.test", "" },
};

START_TEST(line_decides)
{
	struct str out = STR(4000);
	struct sender *s;
	struct err e;
	size_t count;

	begin();
	ck_assert_msg(lookup_senders(&look, span_of(decided[_i].address), arena, &s, &count, &e),
	    "%s", e.text);
	for (size_t i = 0; i < count; i++)
		str_addf(&out, "%s%s, %s", i ? "; " : "", s[i].login, s[i].line);
	ck_assert_str_eq(out.n ? out.p : "", decided[_i].senders);
	str_free(&out);
	end();
}
END_TEST

START_TEST(missing_group_is_a_mistake)
{
	struct table *t = table_new(NULL);
	struct err e;

	ck_assert(!compile_text(TABLE_ALIASES, SPAN("a: b\nsales: group staff\n"), "aliases", t, NULL, &e));
	ck_assert_str_eq(e.text, "aliases:2: there is no group staff in this file");
	table_close(t, NULL);
	t = table_new(NULL);
	ck_assert(!compile_text(TABLE_ALIASES, SPAN("group x: a\nGroup X: b\n"), "aliases", t, NULL, &e));
	ck_assert_str_eq(e.text, "aliases:2: group \"x\" stands here twice, first in line 1");
	table_close(t, NULL);
}
END_TEST

START_TEST(domain_has_a_class)
{
	static const struct { const char *domain; enum dir_class is; } rows[] = {
		{ "alpha.test", DIR_LOCAL }, { "BETA.test", DIR_LOCAL }, { "sys.test", DIR_LOCAL },
		{ "partner.test", DIR_RELAY }, { "far.test", DIR_ELSEWHERE }, { "", DIR_ELSEWHERE },
		{ "a\nb", DIR_ELSEWHERE },
	};
	enum dir_class is;
	struct err e;

	begin();
	for (int i = 0; i < COUNT(rows); i++) {
		ck_assert(lookup_domain(&look, span_of(rows[i].domain), &is, &e));
		ck_assert_msg(is == rows[i].is, "%s", rows[i].domain);
	}
	end();
}
END_TEST

START_TEST(missing_table_is_temporary)
{
	struct lookup_answer found;
	struct dir_target *targets;
	const char *line;
	struct err e;
	size_t count;

	begin();
	table_close(look.tables[TABLE_ALIASES], NULL);
	look.tables[TABLE_ALIASES] = NULL;
	ck_assert(!lookup_resolve(&look, SPAN("ann@alpha.test"), arena, &found, &e) &&
	    e.kind == ERR_TEMP);
	ck_assert(!lookup_expand(&look, SPAN("ann@alpha.test"), arena, &targets, &count, &e) &&
	    e.kind == ERR_TEMP);
	ck_assert(!lookup_may_send(&look, SPAN("bob@alpha.test"), SPAN("ann@alpha.test"), arena, &line, &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	end();
}
END_TEST

/* ---- many targets, through packets ---- */

START_TEST(expansion_is_paged)
{
	struct str text = STR(60000);
	struct packet *p = malloc(sizeof *p);
	uint64_t seen = 0, total;
	struct err e;

	begin();
	str_add_text(&text, "all@alpha.test: x0@far.test");
	for (int i = 1; i < 999; i++)
		str_addf(&text, ", somebody-with-quite-a-long-name-%d@far.test", i);
	str_cut(&text, text.n);
	ck_assert_msg(compile_text(TABLE_ALIASES, str_span(&text), "aliases", look.tables[TABLE_ALIASES], NULL, &e),
	    "%s", e.text);
	do {
		uint64_t before = seen;

		packet_begin(p, 'X');
		packet_put_text(p, "all@alpha.test");
		packet_put_u64(p, seen);
		p->verb = 'X';
		ck_assert(answer(&look, arena, p));
		ck_assert_int_eq(p->verb, '+');
		p->at = 1;
		total = packet_take_u64(p);
		ck_assert_uint_eq(total, 999);
		while (p->at < p->n) {
			for (int field = 0; field < 9; field++)
				packet_take(p);
			seen++;
		}
		ck_assert(!p->bad && seen > before);
	} while (seen < total);
	str_free(&text);
	free(p);
	end();
}
END_TEST

START_TEST(nonsense_is_not_answered)
{
	static const char *const packets[] = { "Q", "X", "R\xff\xff\xff\xff", "M\0\0\0\0",
		"R\5\0\0\0abc" };
	static const size_t sizes[] = { 1, 1, 5, 5, 8 };
	struct packet *p = calloc(1, sizeof *p);

	begin();
	for (int i = 0; i < COUNT(packets); i++) {
		packet_begin(p, packets[i][0]);
		memcpy(p->buf, packets[i], sizes[i]);
		p->n = sizes[i];
		ck_assert_msg(!answer(&look, arena, p), "%d", i);
	}
	free(p);
	end();
}
END_TEST

/* ---- texts with mistakes, and tables on disk ---- */

START_TEST(mistakes_have_lines)
{
	struct table *t = table_new(NULL);
	struct str mistakes = STR(2000);
	struct err e;

	ck_assert(!compile_text(TABLE_USERS,
	    SPAN("# users\nann@a.test\n\nann\nANN@A.test:x\nbob@a.test::x\n"), "users", t,
	    &mistakes, &e));
	ck_assert_str_eq(mistakes.p,
	    "users:4: expected an address like ann@example.org first, not \"ann\"\n"
	    "users:5: \"ann@a.test\" stands here twice, first in line 2\n"
	    "users:6: expected a uid from 1 up, not \"x\"\n");
	ck_assert(e.kind == ERR_PERM && strstr(e.text, "3 mistakes, the first: users:4:"));
	str_free(&mistakes);
	table_close(t, NULL);
}
END_TEST

static void put(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

static const char *who(struct shelf *s, const char *address)
{
	static struct arena *a;
	static struct err e;
	struct lookup_answer found;

	if (!a)
		a = arena_new(1 << 20, NULL, NULL);
	arena_reset(a);
	return lookup_resolve(&s->lookup, span_of(address), a, &found, &e) ? classes[found.is] : e.status;
}

/* ---- a shelf in a directory of its own, with a DB_CONFIG that must not count (CVE-2017-10140) ---- */

static const char *const shelf_files[] = { "users", "domains", "aliases", "relay-recipients",
	"destinations" };
static char shelf_dir[32], shelf_tables[64];
static struct str news = { .p = (char *)"", .max = 4000 };

static void shelf_setup(struct shelf *s)
{
	snprintf(shelf_dir, sizeof shelf_dir, "/tmp/shelf-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(shelf_dir));
	ck_assert_int_eq(chdir(shelf_dir), 0);
	snprintf(shelf_tables, sizeof shelf_tables, "%s/tables", shelf_dir);
	ck_assert_int_eq(mkdir(shelf_tables, 0700), 0);
	put("DB_CONFIG", "set_data_dir /nowhere\nnonsense\n");
	put("domains", "a.test\n");
	put("users", "ann@a.test\n");
	shelf_begin(s, shelf_files, shelf_tables, &rules);
	shelf_refresh(s, &news);
	ck_assert_str_eq(news.p, "");
}

static void shelf_teardown(struct shelf *s)
{
	char name[96];

	shelf_end(s);
	str_free(&news);
	for (int i = 0; i < COUNT(shelf_files); i++) {
		unlink(shelf_files[i]);
		snprintf(name, sizeof name, "tables/%s.db", shelf_files[i]);
		unlink(name);
	}
	unlink("DB_CONFIG");
	ck_assert_int_eq(rmdir("tables"), 0);		/* nothing temporary is left */
	ck_assert_int_eq(rmdir(shelf_dir), 0);
}

static void change(struct shelf *s, const char *users)
{
	put("users", users);
	str_reset(&news);
	shelf_refresh(s, &news);
}

START_TEST(shelf_follows_the_texts)
{
	struct shelf s;

	shelf_setup(&s);
	ck_assert_str_eq(who(&s, "ann@a.test"), "local");
	ck_assert_str_eq(who(&s, "bob@a.test"), "unknown");
	change(&s, "ann@a.test\nbob@a.test\n");
	ck_assert_str_eq(who(&s, "bob@a.test"), "local");
	unlink("users");
	shelf_refresh(&s, &news);
	ck_assert_str_eq(who(&s, "bob@a.test"), "unknown");
	put("tables/users.db", "not a database at all");
	change(&s, "dora@a.test\n");
	ck_assert_str_eq(who(&s, "dora@a.test"), "local");
	shelf_teardown(&s);
}
END_TEST

START_TEST(broken_text_changes_nothing)
{
	struct shelf s;

	shelf_setup(&s);
	change(&s, "ann@a.test\nbob\n");
	ck_assert_msg(strstr(news.p, "users:2: expected an address") == news.p, "%s", news.p);
	ck_assert_str_eq(who(&s, "ann@a.test"), "local");
	str_reset(&news);
	shelf_refresh(&s, &news);
	ck_assert_str_eq(news.p, "");			/* said once */
	shelf_end(&s);
	shelf_begin(&s, shelf_files, shelf_tables, &rules);	/* a start with a broken text */
	shelf_refresh(&s, &news);
	ck_assert_str_eq(who(&s, "ann@a.test"), "local");
	change(&s, "carl@a.test\n");
	ck_assert_str_eq(who(&s, "carl@a.test"), "local");
	ck_assert_str_eq(who(&s, "ann@a.test"), "unknown");
	shelf_teardown(&s);
}
END_TEST

START_TEST(clerks_share_tables)
{
	struct stat before, after;
	struct shelf s, other;

	shelf_setup(&s);
	ck_assert_int_eq(stat("tables/users.db", &before), 0);
	shelf_begin(&other, shelf_files, shelf_tables, &rules);
	shelf_refresh(&other, &news);
	ck_assert_int_eq(stat("tables/users.db", &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	ck_assert_str_eq(who(&other, "ann@a.test"), "local");
	shelf_end(&other);
	shelf_begin(&other, shelf_files, "/nonexistent", &rules);
	shelf_refresh(&other, &news);
	ck_assert(strstr(news.p, "kept in memory only") != NULL);
	ck_assert_str_eq(who(&other, "ann@a.test"), "local");
	shelf_end(&other);
	shelf_teardown(&s);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-lookup");

	tcase_add_loop_test(tc, address_leads_to, 0, COUNT(cases));
	tcase_add_test(tc, no_answer_without_a_reason);
	tcase_add_loop_test(tc, login_may_send, 0, COUNT(senders));
	tcase_add_loop_test(tc, line_decides, 0, COUNT(decided));
	tcase_add_test(tc, missing_group_is_a_mistake);
	tcase_add_test(tc, domain_has_a_class);
	tcase_add_test(tc, missing_table_is_temporary);
	tcase_add_test(tc, expansion_is_paged);
	tcase_add_test(tc, nonsense_is_not_answered);
	tcase_add_test(tc, mistakes_have_lines);
	tcase_add_test(tc, shelf_follows_the_texts);
	tcase_add_test(tc, broken_text_changes_nothing);
	tcase_add_test(tc, clerks_share_tables);
	return unit_end();
}

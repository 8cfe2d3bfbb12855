/* Which senders forwards go out from, and who is behind them. */
#include "common/directory/answer.h"

#include "tests/unit/unit.h"

static const char *const texts[TABLE_COUNT] = {
	[TABLE_USERS] = "ann@alpha.test\n",
	[TABLE_DOMAINS] = "alpha.test\nbeta.test\nrelay: partner.test\n",
	[TABLE_ALIASES] = "sales@alpha.test: out@far.test\n@beta.test: ann@alpha.test\nclub@alpha.test: out@far.test\n"
	    "Owner-Club@alpha.test: ann@alpha.test\nowner-root: ann@alpha.test\nroot: out@far.test\nowner-*@alpha.test: ann@alpha.test (send-only)\n",
	[TABLE_RECIPIENTS] = "",
};

static const char *const classes[] = {
	[DIR_ELSEWHERE] = "elsewhere",
	[DIR_LOCAL] = "local",
	[DIR_UNKNOWN] = "unknown",
	[DIR_RELAY] = "relay",
	[DIR_RETURN] = "return",
};

static const char *system_domains[] = { "sys.test", "localhost" };

static const struct dir_rules rules = {
	.host_name = "sys.test", .postmaster = "postmaster@sys.test", .separator = "+", .mail_directory = "/mail",
	.system_mail = "Maildir", .system_domains = system_domains, .system_domain_count = 2, .has_vmail = true,
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
		if (texts[kind])
			ck_assert(compile_text(kind, span_of(texts[kind]), "", look.tables[kind], NULL, &e));
	}
}

static void end(void)
{
	for (enum table_kind kind = 0; kind < TABLE_COUNT; kind++)
		table_close(look.tables[kind], NULL);
	arena_free(arena);
}

enum { TODAY = 1795660800, VALID = 10 * 86400 };

static const struct lookup_returns ours = { .keys = { { { 1, 2 } }, 1 }, .domain = "", .now = TODAY, .valid = VALID };

/* A forward of mail from sender to recipient goes out from something at domain, or as it was where that is NULL. */
static const struct { const char *sender, *recipient, *domain; } forwards[] = {
	{ "zed@far.test", "sales@alpha.test", "alpha.test" },
	{ "zed@far.test", "Sales@ALPHA.test", "ALPHA.test" },
	{ "zed@far.test", "webmaster", "sys.test" },
	{ "zed@far.test", "x@other.test", "sys.test" },
	{ "zed@partner.test", "sales@alpha.test", "alpha.test" },	/* its SPF need not name us */
	{ "zed@alpha.test", "sales@alpha.test", NULL },
	{ "zed@beta.TEST", "sales@alpha.test", NULL },
	{ "zed@localhost", "sales@alpha.test", NULL },
	{ "SRS0=x=GO=far.test=zed@beta.test", "sales@alpha.test", NULL },
	{ "SRS0=x=GO=far.test=zed@other.test", "sales@alpha.test", "alpha.test" },
	{ "", "sales@alpha.test", NULL },
};

START_TEST(forward_leads_back)
{
	const char *sender = forwards[_i].sender, *domain = forwards[_i].domain, *from, *at;
	struct lookup_answer found;
	struct dir_target *targets;
	struct err e;
	size_t count;
	bool owned;

	begin();
	ck_assert(lookup_forward(&look, span_of(sender), span_of(forwards[_i].recipient), arena, &from, &owned, &e));
	ck_assert_str_eq(from, sender);			/* without keys */
	look.returns = &ours;
	ck_assert(lookup_forward(&look, span_of(sender), span_of(forwards[_i].recipient), arena, &from, &owned, &e));
	if (!domain) {
		ck_assert_str_eq(from, sender);
	} else {
		at = strrchr(from, '@');
		ck_assert_msg(at && strcmp(at + 1, domain) == 0, "%s", from);
		ck_assert_msg(lookup_resolve(&look, span_of(from), arena, &found, &e), "%s", e.text);
		ck_assert_int_eq(found.is, DIR_RETURN);
		ck_assert_msg(lookup_expand(&look, span_of(from), arena, &targets, &count, &e), "%s", e.text);
		ck_assert(count == 1 && targets[0].kind == DIR_SENDER);
		ck_assert_str_eq(targets[0].address, sender);
	}
	end();
}
END_TEST

START_TEST(no_address_of_others_leads_back)
{
	static const struct { const char *address, *is; } rows[] = {
		{ "SRS0=AAAAAA=GO=far.test=zed@alpha.test", "return" },
		{ "srs1-x@localhost", "return" },
		{ "SRS0=AAAAAA=GO=far.test=zed@far.test", "elsewhere" },
		{ "SRS0=AAAAAA=GO=far.test=zed@partner.test", "relay" },
		{ "SRS0=AAAAAA=GO=far.test=zed@srs.test", "return" },
		{ "SRS2=x@beta.test", "local" },		/* everybody else at beta.test */
	};
	struct lookup_returns own = ours;
	struct lookup_answer found;
	struct dir_target *targets;
	struct err e;
	size_t count;

	begin();
	own.domain = "srs.test";
	look.returns = &own;
	for (int i = 0; i < COUNT(rows); i++) {
		ck_assert(lookup_resolve(&look, span_of(rows[i].address), arena, &found, &e));
		ck_assert_msg(strcmp(classes[found.is], rows[i].is) == 0, "%s is %s",
		    rows[i].address, classes[found.is]);
		if (found.is == DIR_RETURN)
			ck_assert(!lookup_expand(&look, span_of(rows[i].address), arena, &targets, &count, &e) &&
			    strcmp(e.status, "5.1.1") == 0);
	}
	look.returns = NULL;
	ck_assert(lookup_resolve(&look, span_of(rows[0].address), arena, &found, &e) &&
	    found.is == DIR_UNKNOWN);
	end();
}
END_TEST

/* Who looks after a list has a name of his own; a name for everybody is nobody's. */
START_TEST(owner_of_a_list)
{
	static const struct { const char *sender, *list, *owner; } rows[] = {
		{ "zed@far.test", "club@alpha.test", "owner-club@alpha.test" },
		{ "ann@alpha.test", "Club@ALPHA.test", "owner-club@alpha.test" },
		{ "zed@far.test", "root@localhost", "owner-root@localhost" },
		{ "zed@far.test", "sales@alpha.test", NULL },
		{ "zed@far.test", "any@beta.test", NULL },
		{ "", "club@alpha.test", NULL },
	};
	const char *from;
	struct err e;
	bool owned;

	begin();
	look.returns = &ours;
	for (int i = 0; i < COUNT(rows); i++) {
		ck_assert(lookup_forward(&look, span_of(rows[i].sender), span_of(rows[i].list),
		    arena, &from, &owned, &e));
		ck_assert_msg(owned == (rows[i].owner != NULL) && (!owned || strcmp(from, rows[i].owner) == 0), "%s: %s", rows[i].list, from);
	}
	end();
}
END_TEST

static char ask_forward(bool may_make)
{
	struct lookup_returns r = ours;
	static struct packet p;
	bool ok;

	r.may_make = may_make;
	look.returns = &r;
	packet_begin(&p, 'F');
	packet_put_text(&p, "zed@far.test");
	packet_put_text(&p, "sales@alpha.test");
	ok = answer(&look, arena, &p);
	return ok ? p.verb : '!';
}

/* Only mda's clerk: a session that was broken into could have itself made any address. */
START_TEST(few_may_make_them)
{
	begin();
	ck_assert_int_eq(ask_forward(true), '+');
	ck_assert_int_eq(ask_forward(false), '!');
	end();
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-forward");

	tcase_add_loop_test(tc, forward_leads_back, 0, COUNT(forwards));
	tcase_add_test(tc, no_address_of_others_leads_back);
	tcase_add_test(tc, owner_of_a_list);
	tcase_add_test(tc, few_may_make_them);
	return unit_end();
}

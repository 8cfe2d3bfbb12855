/* Which family of ours is left out, with the test in the place of the resolver. */
#include "tests/unit/unit.h"

#include "common/net/zone.h"
#include "mta/lookup.h"
#include "mta/source.h"

/* Our addresses (RFC 5737, 3849) and the names of their PTR records. */
static const struct { const char *ip, *name; } names[] = {
	{ "198.51.100.1", "four.test" },
	{ "198.51.100.3", "away.test" },	/* has another address */
	{ "198.51.100.4", "nowhere.test" },	/* has none */
	{ "198.51.100.5", "nowhere.test" }, { "198.51.100.5", "away.test" }, { "198.51.100.5", "five.test" },
	{ "198.51.100.6", "far.example" },	/* nobody knows, today */
	{ "198.51.100.7", "198.51.100.7" },	/* an address is no name */
	{ "198.51.100.8", "far.example" }, { "198.51.100.8", "away.test" },
	{ "2001:db8::1", "six.test" },
	{ "2001:db8::3", "away.test" },
	{ "2001:db8::4", "half.test" },		/* of which only the IPv4 address can be asked for, today */
};

static const char *const lines[] = {
	"arpa SOA x", "test SOA x", "7 SOA x",	/* there is no such end of a name as 7 */
	"four.test A 198.51.100.1", "five.test A 198.51.100.5", "six.test AAAA 2001:db8::1", "half.test A 198.51.100.1",
	"away.test A 198.51.100.99", "away.test AAAA 2001:db8::99",
	/* RFC 2317 */
	"9.100.51.198.in-addr.arpa CNAME 9.net.test", "9.net.test PTR nine.test", "nine.test A 198.51.100.9",
};

static struct arena *arena;
static struct zone *zone;
static unsigned asked;

bool lookup_record(struct carrier *c, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, struct err *e)
{
	char clean[DNS_NAME], ask[DNS_NAME];

	(void)c;
	(void)e;
	asked++;
	ck_assert(dns_name_clean(span_of(name), clean));
	if (span_starts(span_of(name), "5.0.0.0.0") ||
	    (strcmp(name, "half.test") == 0 && type == DNS_AAAA) ||
	    !zone_find(zone, clean, type, a, out, ask))
		*out = (struct dns_answer){ .found = DNS_FAILED, .why = "no answer" };
	return true;
}

static void set_up(void)
{
	const char *made[COUNT(lines) + COUNT(names)];
	struct address at;
	char reverse[80];
	struct err e;
	size_t n = 0;

	arena = arena_new(1 << 24, NULL, NULL);
	for (; n < sizeof lines / sizeof *lines; n++)
		made[n] = lines[n];
	for (int i = 0; i < COUNT(names); i++) {
		ck_assert(address_parse(span_of(names[i].ip), &at));
		address_reverse_name(&at, reverse);
		made[n++] = arena_printf(arena, "%s PTR %s", reverse, names[i].name);
	}
	zone = zone_new(made, n, arena, &e);
	ck_assert_msg(zone, "%s", e.text);
	asked = 0;
}

#define BOTH	"192.0.2.9,2001:db8:9::9"

static const struct { const char *ours, *theirs; unsigned without; bool asks; } cases[] = {
	{ "198.51.100.1,2001:db8::1", BOTH, 0, true },
	{ "198.51.100.1,2001:db8::2", BOTH, 6, true },		/* no PTR */
	{ "198.51.100.1,2001:db8::3", BOTH, 6, true },		/* to a name that is elsewhere */
	{ "198.51.100.2,2001:db8::1", BOTH, 4, true },
	{ "198.51.100.3,2001:db8::1", BOTH, 4, true },
	{ "198.51.100.4,2001:db8::1", BOTH, 4, true },
	{ "198.51.100.2,2001:db8::2", BOTH, 0, true },		/* one is as bad as the other */
	{ "198.51.100.5,2001:db8::1", BOTH, 0, true },		/* the third name */
	{ "198.51.100.9,2001:db8::1", BOTH, 0, true },		/* by way of an alias */
	{ "198.51.100.7,2001:db8::1", BOTH, 4, true },
	/* who can not be asked has not said no */
	{ "198.51.100.6,2001:db8::1", BOTH, 0, true },
	{ "198.51.100.8,2001:db8::1", BOTH, 0, true },
	{ "198.51.100.1,2001:db8::4", BOTH, 0, true },
	{ "198.51.100.1,2001:db8::5", BOTH, 0, true },
	{ "198.51.100.2,2001:db8::5", BOTH, 4, true },
	/* nobody judges an address that nobody sees */
	{ "10.0.0.1,fd00::1", BOTH, 0, false },
	{ "10.0.0.1,2001:db8::2", BOTH, 6, true },
	{ "198.51.100.2,fd00::1", BOTH, 4, true },
	{ "100.64.0.1,fe80::1", BOTH, 0, false },
	/* there is nothing to choose */
	{ "198.51.100.2,2001:db8::1", "192.0.2.9", 0, false },
	{ "198.51.100.1,2001:db8::2", "2001:db8:9::9,2001:db8:9::8", 0, false },
	{ "198.51.100.2,2001:db8::1", "", 0, false },
	/* ours is the kernel's choice: loopback to loopback */
	{ "2001:db8::2", "127.0.0.1,2001:db8:9::9", 6, true },
};

static enum source_out decide_for(struct carrier *c, const char *ours, const char *theirs, enum way_families families)
{
	struct job j = { .way = way_plain };
	struct span all = span_of(theirs), one;
	const char *ips[4];
	size_t n = 0;

	j.way.source = ours;
	j.way.families = families;
	while (all.n) {
		if (!span_cut(&all, ',', &one))
			one = span_take(&all, all.n);
		ips[n++] = arena_text(arena, one);
	}
	return source_without(c, &j, ips, n, arena);
}

static enum source_out decide(struct carrier *c, const char *ours, const char *theirs)
{
	return decide_for(c, ours, theirs, WAY_ANY);
}

static const struct { const char *ours, *theirs; enum way_families families; enum source_out out; } musts[] = {
	{ "198.51.100.1,2001:db8::1", BOTH, WAY_ANY, SOURCE_ALL_FINE },
	{ "198.51.100.1,2001:db8::2", BOTH, WAY_ANY, SOURCE_NOT_6 },
	{ "198.51.100.2,2001:db8::2", BOTH, WAY_ANY, SOURCE_NEITHER },
	{ "198.51.100.2,2001:db8::1", "192.0.2.9", WAY_ANY, SOURCE_NOT_4 },
	{ "198.51.100.6,2001:db8::5", BOTH, WAY_ANY, SOURCE_ALL_FINE },	/* not known, today */
	{ "10.0.0.1,fd00::1", BOTH, WAY_ANY, SOURCE_ALL_FINE },
	{ "198.51.100.1,2001:db8::2", BOTH, WAY_IPV4, SOURCE_NOT_6 },
	{ "198.51.100.2,2001:db8::1", BOTH, WAY_IPV4, SOURCE_NEITHER },
	{ "198.51.100.2,2001:db8::1", BOTH, WAY_IPV6_FIRST, SOURCE_NOT_4 },
};

static struct carrier carrier(struct role_self *self)
{
	*self = (struct role_self){ .conf = { .mta_check_source = "yes", .mta_source_address = "" } };
	return (struct carrier){ .self = self };
}

START_TEST(nameless_family_is_left_out)
{
	struct role_self self;
	struct carrier c = carrier(&self);

	set_up();
	ck_assert_msg(decide(&c, cases[_i].ours, cases[_i].theirs) == cases[_i].without && (asked > 0) == cases[_i].asks,
	    "%s to %s: %u questions", cases[_i].ours, cases[_i].theirs, asked);
	arena_free(arena);
}
END_TEST

START_TEST(or_mail_waits)
{
	struct role_self self;
	struct carrier c = carrier(&self);

	set_up();
	self.conf.mta_check_source = "must";
	ck_assert_int_eq(decide_for(&c, musts[_i].ours, musts[_i].theirs, musts[_i].families), musts[_i].out);
	arena_free(arena);
}
END_TEST

START_TEST(answers_are_remembered)
{
	struct role_self self;
	struct carrier c = carrier(&self);
	unsigned once;

	set_up();
	ck_assert_uint_eq(decide(&c, "198.51.100.1,2001:db8::2", BOTH), 6);
	once = asked;
	ck_assert_uint_eq(decide(&c, "198.51.100.1,2001:db8::2", BOTH), 6);
	ck_assert_uint_eq(decide(&c, "198.51.100.6,2001:db8::2", BOTH),
	    6); /* not known, and so not known to be bad */
	ck_assert_uint_gt(asked, once);
	once = asked;
	ck_assert_uint_eq(decide(&c, "198.51.100.6,2001:db8::2", BOTH), 6);
	ck_assert_uint_eq(asked, once);
	/* more addresses than there are places for */
	for (unsigned i = 10; i < 60; i++)
		ck_assert_uint_eq(decide(&c, arena_printf(arena, "198.51.100.%u,2001:db8::1", i), BOTH), 4);
	ck_assert_uint_eq(decide(&c, "198.51.100.1,2001:db8::2", BOTH), 6);
	arena_free(arena);
}
END_TEST

START_TEST(the_way_is_before_the_settings)
{
	struct role_self self;
	struct carrier c = carrier(&self);

	set_up();
	self.conf.mta_source_address = "198.51.100.2,2001:db8::1";
	ck_assert_uint_eq(decide(&c, "", BOTH), 4);
	ck_assert_uint_eq(decide(&c, "198.51.100.1,2001:db8::2", BOTH), 6);
	self.conf.mta_check_source = "no";
	asked = 0;
	ck_assert_uint_eq(decide(&c, "", BOTH), 0);
	ck_assert_uint_eq(asked, 0);
	arena_free(arena);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mta-source");

	tcase_add_loop_test(tc, nameless_family_is_left_out, 0, COUNT(cases));
	tcase_add_loop_test(tc, or_mail_waits, 0, COUNT(musts));
	tcase_add_test(tc, answers_are_remembered);
	tcase_add_test(tc, the_way_is_before_the_settings);
	return unit_end();
}

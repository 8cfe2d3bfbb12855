/* Lines of destinations(5): what they may say, and which of them decides. */
#include <stdio.h>

#include "common/directory/answer.h"
#include "common/directory/destinations.h"
#include "tests/unit/unit.h"

static struct arena *arena;

static void begin(void)
{
	arena = arena_new(16 << 20, NULL, NULL);
}

static void end(void)
{
	arena_free(arena);
}

#define PRINT "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COLONS "AB:CD:EF:01:AB:CD:EF:01:AB:CD:EF:01:AB:CD:EF:01:AB:CD:EF:01:AB:CD:EF:01:AB:CD:EF:01:AB:CD:EF:01"

/* --- words: printed as they were read; NULL: refused, and what the mistake has in it --- */

static const struct { const char *in, *out, *mistake; } words[] = {
	{ "tls=encrypt", "tls=encrypt", NULL },
	{ "TLS=None", "tls=none", NULL },
	{ "tls=may", "", NULL },
	{ "via=[smtp.isp.test]:587 login=isp after=3", "via=[smtp.isp.test]:587 login=isp after=3", NULL },
	{ "after=3 via=none", "after=3", NULL },
	{ "via=lmtp:/run/lists.sock,lmtp:[::1]:24", "via=lmtp:/run/lists.sock,lmtp:[::1]:24", NULL },
	{ "via=192.0.2.1", "via=192.0.2.1", NULL },
	{ "families=4", "families=4", NULL },
	{ "families=any", "", NULL },
	{ "source=192.0.2.7,2001:db8::7 helo=m.example.net", "source=192.0.2.7,2001:db8::7 helo=m.example.net", NULL },
	{ "helo=[192.0.2.7]", "helo=[192.0.2.7]", NULL },
	{ "port=2525 connections=2 carried=10", "port=2525 connections=2 carried=10", NULL },
	{ "retry=5m,1h30m,4h", "retry=5m,1h30m,4h", NULL },
	{ "retry=5m,", NULL, "retry: expected times" },
	{ "retry=0", NULL, "retry: expected times" },
	{ "tls=verify names=mx.isp.test,.isp.test", "tls=verify names=mx.isp.test,.isp.test", NULL },
	{ "tls=fingerprint prints=" PRINT, "tls=fingerprint prints=" PRINT, NULL },
	{ "prints=" PRINT "," COLONS, "prints=" PRINT "," COLONS, NULL },
	{ "tls=dane", "tls=dane", NULL },
	{ "", "", NULL },
	{ "prints=", NULL, "prints: expected" },
	{ "prints=" PRINT "0", NULL, "prints: expected" },
	{ "prints=" PRINT ",", NULL, "prints: expected" },
	{ "prints=a:" PRINT, NULL, "prints: expected" },
	{ "prints=xyz", NULL, "prints: expected" },
	{ "names=", NULL, "names: expected" },
	{ "names=a.test,", NULL, "names: expected" },
	{ "names=..a.test", NULL, "names: expected" },
	{ "tls", NULL, "expected key=value" },
	{ "tls=always", NULL, "tls: expected none, may" },
	{ "tsl=may", NULL, "did you mean \"tls\"?" },
	{ "conections=3", NULL, "did you mean \"connections\"?" },
	{ "colour=red", NULL, "lists all" },
	{ "via=", NULL, "via: expected" },
	{ "via=a b", NULL, "expected key=value" },
	{ "via=a.test,", NULL, "via: expected" },
	{ "via=,a.test", NULL, "via: expected" },
	{ "via=a.test:0", NULL, "via: expected" },
	{ "via=a.test:99999", NULL, "via: expected" },
	{ "via=/run/x", NULL, "via: expected" },
	{ "via=smtp://a.test", NULL, "via: expected" },
	{ "login=a/b", NULL, "login: expected" },
	{ "after=-1", NULL, "after: expected" },
	{ "families=5", NULL, "families: expected" },
	{ "source=192.0.2.7,192.0.2.8", NULL, "source: expected" },
	{ "source=here", NULL, "source: expected" },
	{ "helo=a_b c", NULL, "expected" },
	{ "port=65536", NULL, "port: expected" },
	{ "tls=may tls=none", NULL, "tls stands here twice" },
};

START_TEST(words_are_read)
{
	struct way w = way_plain;
	struct str out = STR(WAY_TEXT);
	struct err e;
	bool ok;

	begin();
	ok = way_read(span_of(words[_i].in), arena, &w, &e);
	ck_assert_msg(ok == !!words[_i].out, "%s", words[_i].in);
	if (ok) {
		way_print(&w, &way_plain, &out);
		ck_assert_str_eq(out.p, words[_i].out);
	} else {
		ck_assert_int_eq(e.kind, ERR_PERM);
		ck_assert_msg(strstr(e.text, words[_i].mistake) != NULL, "%s", e.text);
	}
	str_free(&out);
	end();
}
END_TEST

/* What is back at its usual value must be said too, when it is not the reader's. */
START_TEST(a_way_is_told_against_another)
{
	struct way usual = way_plain, w = way_plain, again;
	struct str out = STR(WAY_TEXT);

	begin();
	ck_assert(way_read(SPAN("tls=encrypt via=hub.test login=me connections=3"), arena, &usual, NULL));
	way_print(&w, &usual, &out);
	ck_assert_str_eq(out.p, "tls=may via=none login=none connections=0");
	again = usual;
	ck_assert(way_read(str_span(&out), arena, &again, NULL));
	str_reset(&out);
	way_print(&again, &w, &out);
	ck_assert_str_eq(out.p, "");
	str_free(&out);
	end();
}
END_TEST

static const struct { const char *via, *places; } vias[] = {
	{ "a.test", "a.test:0" },
	{ "a.test:26,[b.test]:587,[2001:db8::1],[2001:db8::1]:25", "a.test:26 b.test:587 2001:db8::1:0 2001:db8::1:25" },
	{ "lmtp:a.test,lmtp:[127.0.0.1]:26,lmtp:/run/s", "lmtp a.test:24 lmtp 127.0.0.1:26 lmtp /run/s:0" },
};

START_TEST(places_are_eaten_in_order)
{
	struct span via = span_of(vias[_i].via);
	struct str out = STR(500);
	struct way_place p;

	while (via.n) {
		ck_assert(way_place(&via, &p));
		str_addf(&out, "%s%s%s:%u", out.n ? " " : "", p.lmtp ? "lmtp " : "", p.host, p.port);
	}
	ck_assert_str_eq(out.p, vias[_i].places);
	str_free(&out);
}
END_TEST

/* --- lines --- */

static const struct { const char *line, *name, *mistake; } lines[] = {
	{ "example.org tls=encrypt", "example.org", NULL },
	{ ".example.net\ttls=none  families=4", ".example.net", NULL },
	{ "* via=hub.test", "*", NULL },
	{ "[192.0.2.1] tls=none", "[192.0.2.1]", NULL },
	{ "from:shop.test via=none", "from:shop.test", NULL },
	{ "from:.shop.test via=none", "from:.shop.test", NULL },
	{ "from:ann@shop.test via=none", "from:ann@shop.test", NULL },
	{ "m\xc3\xbcller.test via=none", "m\xc3\xbcller.test", NULL },
	{ "example.org", NULL, "expected key=value" },
	{ "ann@example.org tls=may", NULL, "expected a domain, .domain, * or from:SENDER" },
	{ "from: tls=may", NULL, "behind from:" },
	{ "from:*@a.test tls=may", NULL, "behind from:" },
	{ "from:ann@ tls=may", NULL, "behind from:" },
	{ "*.example.org tls=may", NULL, "expected a domain" },
	{ ". tls=may", NULL, "expected a domain" },
	{ "example.org login=me", NULL, "login without via" },
	{ "example.org after=3", NULL, "after without via" },
	{ "example.org via=none login=me", NULL, "login without via" },
};

START_TEST(lines_are_read)
{
	struct destinations_row row;
	struct err e;
	bool ok = destinations_line_parse(span_of(lines[_i].line), &row, &e);

	ck_assert_msg(ok == !!lines[_i].name, "%s", lines[_i].line);
	if (ok)
		ck_assert(span_same(row.name, span_of(lines[_i].name)) && row.words.n);
	else
		ck_assert_msg(strstr(e.text, lines[_i].mistake) != NULL, "%s", e.text);
}
END_TEST

/* --- which line decides --- */

static const char text[] =
	"example.org\ttls=encrypt\n"
	".example.org\ttls=none via=below.test\n"
	".deep.example.org\tconnections=1\n"
	"from:shop.test\tvia=bulk.test login=bulk helo=shop.test\n"
	"from:.shop.test\thelo=sub.shop.test\n"
	"from:Ann@shop.test\thelo=ann.shop.test\n"
	"direct.test\tvia=none\n"
	"M\xc3\xbcller.test\tport=26\n"
	"[192.0.2.1]\tport=27\n"
	"*\tvia=hub.test after=3 families=4\n";

static const struct { const char *sender, *domain, *words; } found[] = {
	{ "", "other.test", "via=hub.test after=3 families=4" },
	{ "", "example.org", "tls=encrypt via=hub.test after=3 families=4" },
	{ "", "EXAMPLE.org", "tls=encrypt via=hub.test after=3 families=4" },
	{ "", "a.example.org", "tls=none via=below.test families=4" },
	{ "", "a.b.example.org", "tls=none via=below.test families=4" },
	{ "", "a.deep.example.org", "connections=1 tls=none via=below.test families=4" },
	{ "", "anexample.org", "via=hub.test after=3 families=4" },
	{ "bob@shop.test", "other.test", "via=bulk.test login=bulk helo=shop.test families=4" },
	{ "ann@Shop.test", "other.test", "helo=ann.shop.test via=bulk.test login=bulk families=4" },
	{ "bob@x.shop.test", "other.test", "helo=sub.shop.test via=hub.test after=3 families=4" },
	{ "bob@shop.test", "a.example.org", "tls=none via=below.test helo=shop.test families=4" },
	{ "bob@shop.test", "direct.test", "via=none helo=shop.test families=4" },
	{ "", "xn--mller-kva.test", "port=26 via=hub.test after=3 families=4" },
	{ "", "[192.0.2.1]", "port=27 via=hub.test after=3 families=4" },
	{ "nonsense", "", "via=hub.test after=3 families=4" },
};

static struct lookup open_lookup(void)
{
	struct lookup l = { 0 };
	struct err e;

	l.files[TABLE_DESTINATIONS] = "destinations";
	l.tables[TABLE_DESTINATIONS] = table_new(&e);
	ck_assert_msg(compile_text(TABLE_DESTINATIONS, span_of(text), "destinations", l.tables[TABLE_DESTINATIONS], NULL, &e),
	    "%s", e.text);
	return l;
}

START_TEST(the_nearest_line_decides)
{
	struct lookup l = open_lookup();
	const char *got;
	struct err e;

	begin();
	ck_assert_msg(lookup_way(&l, span_of(found[_i].sender), span_of(found[_i].domain), arena, &got, NULL, &e), "%s", e.text);
	ck_assert_str_eq(got, found[_i].words);
	table_close(l.tables[TABLE_DESTINATIONS], NULL);
	end();
}
END_TEST

START_TEST(it_tells_which_line)
{
	struct lookup l = open_lookup();
	struct str why = STR(4000);
	const char *got, *by_sender;

	begin();
	l.why = &why;
	ck_assert(lookup_way(&l, SPAN("ann@shop.test"), SPAN("example.org"), arena, &got, &by_sender, NULL));
	ck_assert_str_eq(by_sender, "helo=ann.shop.test via=bulk.test login=bulk");
	ck_assert_str_eq(why.p,
	    "tls=encrypt: of example.org, destinations:1\n"
	    "helo=ann.shop.test: of from:ann@shop.test, destinations:6\n"
	    "via=bulk.test: of from:shop.test, destinations:4\n"
	    "login=bulk: of from:shop.test, destinations:4\n"
	    "families=4: of *, destinations:10\n");
	str_free(&why);
	table_close(l.tables[TABLE_DESTINATIONS], NULL);
	end();
}
END_TEST

START_TEST(many_are_asked_at_once)
{
	struct lookup l = open_lookup();
	static struct packet p;
	size_t n = 0;

	begin();
	packet_begin(&p, 'W');
	packet_put_text(&p, "bob@shop.test");
	for (int i = 0; i < 900; i++)
		packet_put_text(&p, i % 2 ? "direct.test" : "example.org");
	p.at = 1;
	ck_assert(answer(&l, arena, &p));
	ck_assert_int_eq(p.verb, '+');
	p.at = 1;
	while (p.at < p.n) {
		struct span got = packet_take(&p), by_sender = packet_take(&p);

		ck_assert(span_starts(by_sender, "via=bulk") == (n % 2 == 0));
		ck_assert(span_starts(got, n++ % 2 ? "via=none" : "tls=encrypt"));
	}
	ck_assert(!p.bad && n > 100);
	table_close(l.tables[TABLE_DESTINATIONS], NULL);
	end();
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-way");

	tcase_add_loop_test(tc, words_are_read, 0, COUNT(words));
	tcase_add_test(tc, a_way_is_told_against_another);
	tcase_add_loop_test(tc, places_are_eaten_in_order, 0, COUNT(vias));
	tcase_add_loop_test(tc, lines_are_read, 0, COUNT(lines));
	tcase_add_loop_test(tc, the_nearest_line_decides, 0, COUNT(found));
	tcase_add_test(tc, it_tells_which_line);
	tcase_add_test(tc, many_are_asked_at_once);
	return unit_end();
}

/* Names, uidlist lines, keywords, folder names: everything of the store that is only text. */
#include "common/store/folder.h"
#include "common/store/keywords.h"
#include "common/store/lock.h"
#include "common/store/maildir.h"
#include "common/store/name.h"
#include "common/store/uidlist.h"
#include "tests/unit/unit.h"

static const struct {
	const char *in, *base, *unique;
	unsigned flags;
	uint32_t keywords;
	uint64_t size, wire_size;
	time_t date;
	const char *again;		/* printed with the same flags */
} names[] = {
	{ "1700000000.M1P2.host,S=18,W=21:2,FS", "1700000000.M1P2.host,S=18,W=21",
	    "1700000000.M1P2.host", FLAG_FLAGGED | FLAG_SEEN, 0, 18, 21, 1700000000,
	    "1700000000.M1P2.host,S=18,W=21:2,FS" },
	{ "1.a", "1.a", "1.a", 0, 0, 0, 0, 1, "1.a:2," },
	{ "1.a:2,SDTRF", "1.a", "1.a", 31, 0, 0, 0, 1, "1.a:2,DFRST" },
	{ "1.a:2,PSab", "1.a", "1.a", FLAG_SEEN, 3, 0, 0, 1, "1.a:2,PSab" },
	{ "1.a:2,SX,rest:S", "1.a", "1.a", FLAG_SEEN, 0, 0, 0, 1, "1.a:2,SX,rest:S" },
	{ "1.a:1,S", "1.a", "1.a", 0, 0, 0, 0, 1, "1.a:2," },
	{ "1.a,U=5,S=7", "1.a,U=5,S=7", "1.a", 0, 0, 7, 0, 1, "1.a,U=5,S=7:2," },
	{ "1.a,S=99999999999999999999", "1.a,S=99999999999999999999", "1.a", 0, 0, 0, 0, 1, NULL },
	{ "1.a,S=,W=x", "1.a,S=,W=x", "1.a", 0, 0, 0, 0, 1, NULL },
	{ "note", "note", "note", 0, 0, 0, 0, 0, "note:2," },
	{ ":2,S", "", "", FLAG_SEEN, 0, 0, 0, 0, ":2,S" },
};

START_TEST(name_says)
{
	struct maildir_name got;
	struct str out = STR(400);

	name_parse(span_of(names[_i].in), &got);
	ck_assert(span_same(got.base, span_of(names[_i].base)));
	ck_assert(span_same(got.unique, span_of(names[_i].unique)));
	ck_assert_uint_eq(got.flags, names[_i].flags);
	ck_assert_uint_eq(got.keywords, names[_i].keywords);
	ck_assert_uint_eq(got.size, names[_i].size);
	ck_assert_uint_eq(got.wire_size, names[_i].wire_size);
	ck_assert_int_eq(got.date, names[_i].date);
	name_print(got.base, got.letters, got.flags, got.keywords, &out);
	if (names[_i].again)
		ck_assert_str_eq(out.p, names[_i].again);
	str_free(&out);
}
END_TEST

static const struct {
	const char *in;
	bool ok, whole;
	uint32_t validity, next;
	const char *lines;		/* as printed, without the header */
} lists[] = {
	{ "3 V1795493951 N3 G13af4e243f10056b0136000083ecc375\n1 :a,S=1\n2 S3 W4 P:x y :b:2,S\n", true, true,
	  1795493951, 3, "1 :a,S=1\n2 S3 W4 P:x y :b\n" },
	{ "3 V5 N1 G13af4e243f10056b0136000083ecc375\n7 :a\n", true, true, 5, 8, "7 :a\n" },
	{ "3 V5 N9 Pcyrus G13af4e243f10056b0136000083ecc375\n", true, true, 5, 9, "" },
	{ "1 5 9\n1 a\n3 b:2,S\n", true, false, 5, 9, "1 :a\n3 :b\n" },
	{ "3 V5 N9\n1 :a\n2 :b", true, true, 5, 9, "1 :a\n" },		/* torn */
	{ "3 V5 N9\n2 :a\n1 :b\n3 :c\n", true, false, 5, 9, "2 :a\n3 :c\n" },	/* does not rise */
	{ "3 V5 N9\nx\n\n1 :\n0 :z\n-1 :q\n2 :a/b\n4294967296 :c\n3 :c\n", true, false, 5, 9, "3 :c\n" },
	{ "3 V5 N4\n4294967295 :c\n", true, true, 5, UINT32_MAX, "4294967295 :c\n" },
	{ "", false, false, 0, 0, "" },
	{ "3 V5 N4", false, false, 0, 0, "" },
	{ "3 V0 N4\n", false, false, 0, 0, "" },
	{ "3 N4\n", false, false, 0, 0, "" },
	{ "2 V5 N4\n", false, false, 0, 0, "" },
	{ "1 5\n", false, false, 0, 0, "" },
	{ "3 V99999999999 N1\n", false, false, 0, 0, "" },
};

START_TEST(uidlist_reads)
{
	struct span in = span_of(lists[_i].in), was = in;
	struct str out = STR(1000);
	struct uidlist_line line;
	struct uidlist u = { 0 };

	ck_assert_int_eq(uidlist_take_head(&in, &u), lists[_i].ok);
	if (!lists[_i].ok) {
		ck_assert_ptr_eq(in.p, was.p);
		return;
	}
	while (uidlist_take_line(&in, &u, &line))
		uidlist_print_line(&line, &out);
	ck_assert_str_eq(out.p, lists[_i].lines);
	ck_assert_uint_eq(u.uidvalidity, lists[_i].validity);
	ck_assert_uint_eq(u.uidnext, lists[_i].next);
	ck_assert_int_eq(u.whole, lists[_i].whole);
	str_free(&out);
}
END_TEST

START_TEST(uidlist_head_stays)
{
	struct span in = SPAN("3 V5 N9 Pcyrus G13af4e243f10056b0136000083ecc375\n");
	struct uidlist u = { 0 };
	struct str out = STR(1000);

	ck_assert(uidlist_take_head(&in, &u));
	uidlist_print_head(&u, &out);
	ck_assert_str_eq(out.p, "3 V5 N9 G13af4e243f10056b0136000083ecc375 Pcyrus\n");
	str_free(&out);
}
END_TEST

START_TEST(keywords_read_and_written)
{
	struct keywords k;
	struct str out = STR(1000);

	keywords_parse(SPAN("0 $Forwarded\n2 Junk\nx\n26 No\n3 two words\n4 junk\n25 Z"), &k);
	ck_assert_int_eq(keywords_find(&k, SPAN("$forwarded")), 0);
	ck_assert_int_eq(keywords_find(&k, SPAN("JUNK")), 2);
	ck_assert_int_eq(keywords_find(&k, SPAN("No")), -1);
	ck_assert_int_eq(keywords_find(&k, SPAN("")), -1);
	keywords_print(&k, &out);
	ck_assert_str_eq(out.p, "0 $Forwarded\n2 Junk\n25 Z\n");
	str_free(&out);
}
END_TEST

static const struct { const char *name; bool ok; } folders[] = {
	{ "A", true }, { "A.B", true }, { "Gr&APwA3w-e", true }, { "a&-b", true }, { "with space", true },
	{ "&2D3cqQ-", true },			/* a pair beyond 16 bits */
	{ "", false }, { ".", false }, { "A.", false }, { ".A", false }, { "A..B", false }, { "~root", false },
	{ "A.~x", false }, { "a/b", false }, { "..", false }, { "a&b", false }, { "&APw", false },
	{ "&AGE-", false },			/* 'a' in disguise */
	{ "&AC8-", false },			/* '/' in disguise */
	{ "&2D0-", false },			/* half a pair */
	{ "&AAA-", false }, { "a\tb", false }, { "\xc3\xbc", false }, { "&APx-", false },
};

START_TEST(folder_name_checks)
{
	char path[FOLDER_ROOM];

	ck_assert_msg(folder_name_ok(span_of(folders[_i].name), NULL) == folders[_i].ok, "%s",
	    folders[_i].name);
	if (!folders[_i].ok)
		return;
	ck_assert(folder_path(folders[_i].name, path, NULL));
	ck_assert_int_eq(path[0], '.');
	ck_assert_str_eq(path + 1, folders[_i].name);
}
END_TEST

static const struct { long long made, now, booted; bool ours, stale; } locks[] = {
	{ 1000, 1001, 10, false, false },
	{ 1000, 1001, 10, true, true },
	{ 1000, 1120, 10, false, false },
	{ 1000, 1121, 10, false, true },
	{ 1000, 1001, 1050, false, true },		/* from before the power cut */
};

START_TEST(stale_locks)
{
	ck_assert_int_eq(store_lock_is_stale(locks[_i].made, locks[_i].now, locks[_i].booted, locks[_i].ours),
	    locks[_i].stale);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("store-lines");

	tcase_add_loop_test(tc, name_says, 0, COUNT(names));
	tcase_add_loop_test(tc, uidlist_reads, 0, COUNT(lists));
	tcase_add_test(tc, uidlist_head_stays);
	tcase_add_test(tc, keywords_read_and_written);
	tcase_add_loop_test(tc, folder_name_checks, 0, COUNT(folders));
	tcase_add_loop_test(tc, stale_locks, 0, COUNT(locks));
	return unit_end();
}

/* Dates of RFC 5322 and IMAP. */
#include "common/mail/date.h"

#include "tests/unit/unit.h"

static const struct { const char *in; long long when; int zone; } dates[] = {
	{ "Fri, 21 Nov 1997 09:55:06 -0600",	880127706,	-360 },
	{ "21 Nov 97 09:55:06 GMT",		880106106,	0 },
	{ "Tue, 1 Jul 2003 10:52:37 +0200",	1057049557,	120 },
	{ "Thu, 13 Feb 1969 23:32:54 -0330",	-27723426,	-210 },
	{ "Thu,\n      13\n        Feb\n          1969\n      23:32\n               -0330 (Newfoundland Time)", -27723480, -210 },
	{ "Fri, 21 Nov 1997 09(comment):   55  :  06 -0600", 880127706, -360 },
	{ "Fri, 21 Nov 1997 09:55:06 EDT",	880120506,	-240 },
	{ "Fri, 21 Nov 1997 09:55:06",		880106106,	0 },
	{ "Fri, 21 Nov 1997 09:55:06 X",	880106106,	0 },
	{ "Fri, 21 Nov 1997 09:55:06 -0000",	880106106,	0 },
	{ "Sat, 29 Feb 2020 00:00:00 +0000",	1582934400,	0 },
	{ "Sun, 6-Nov-94 08:49:37 GMT",		784111777,	0 },
	{ "1 Jan 02 00:00 +0000",		1009843200,	0 },
	{ "1 Jan 102 00:00 +0000",		1009843200,	0 },
	{ "31 Dec 1998 23:59:60 +0000",		915148800,	0 },
	{ "19 Jan 2038 03:14:08 +0000",		2147483648LL,	0 },
	{ "1 Jan 1970 00:00:00 +0000",		0,		0 },
	{ "1 Jan 9999 00:00:00 +0000",		253370764800LL,	0 },
};

START_TEST(date_parses)
{
	struct date d;

	ck_assert(date_parse(span_of(dates[_i].in), &d));
	ck_assert_int_eq(d.when, dates[_i].when);
	ck_assert_int_eq(d.zone, dates[_i].zone);
}
END_TEST

static const char *const no_dates[] = {
	"", "today", "30 Feb 2020 00:00 +0000", "29 Feb 2019 00:00 +0000", "0 Jan 2020 00:00 +0000",
	"1 Foo 2020 00:00 +0000", "1 Jan 20200 00:00 +0000", "1 Jan 2020 24:00 +0000", "1 Jan 2020 00:60 +0000",
	"1 Jan 2020", "1 Jan 2020 0", "1 Jan 2020 00", "Fri", "Fri,", "1", "99999999999999999999 Jan 2020 00:00", "(((",
};

START_TEST(no_date_is_refused)
{
	struct date d;

	ck_assert(!date_parse(span_of(no_dates[_i]), &d));
}
END_TEST

static const struct { long long when; int zone; const char *mail, *imap; } printed[] = {
	{ 880127706,	-360,	"Fri, 21 Nov 1997 09:55:06 -0600",	"21-Nov-1997 09:55:06 -0600" },
	{ 837596665,	-420,	"Wed, 17 Jul 1996 02:44:25 -0700",	"17-Jul-1996 02:44:25 -0700" },
	{ 0,		0,	"Thu, 1 Jan 1970 00:00:00 +0000",	" 1-Jan-1970 00:00:00 +0000" },
	{ -27723426,	-210,	"Thu, 13 Feb 1969 23:32:54 -0330",	"13-Feb-1969 23:32:54 -0330" },
};

START_TEST(date_prints_and_comes_back)
{
	struct str s = STR(100);
	struct date d;

	date_print((time_t)printed[_i].when, printed[_i].zone, &s);
	ck_assert_str_eq(s.p, printed[_i].mail);
	ck_assert(date_parse(str_span(&s), &d));
	ck_assert_int_eq(d.when, printed[_i].when);
	str_reset(&s);
	date_imap_print((time_t)printed[_i].when, printed[_i].zone, &s);
	ck_assert_str_eq(s.p, printed[_i].imap);
	ck_assert(date_imap_parse(str_span(&s), &d));
	ck_assert_int_eq(d.when, printed[_i].when);
	str_free(&s);
}
END_TEST

static const char *const no_imap[] = {
	"", "17-Jul-1996", "17-Jul-1996 02:44:25", "17-Jul-96 02:44:25 -0700", "17-Jul-1996 02:44:25 -0700 ",
	"31-Feb-1996 02:44:25 -0700", "17 Jul 1996 02:44:25 -0700", "17-Jul-1996 02:44:25 GMT",
};

START_TEST(no_imap_date_is_refused)
{
	struct date d;

	ck_assert(!date_imap_parse(span_of(no_imap[_i]), &d));
}
END_TEST

START_TEST(days_count)
{
	struct date d;

	ck_assert(date_imap_day(SPAN("1-Feb-1994"), &d));
	ck_assert_int_eq(date_days(d.year, d.month, d.day), 8797);
	ck_assert_int_eq(date_days(1970, 1, 1), 0);
	ck_assert_int_eq(date_days(1969, 12, 31), -1);
	ck_assert_int_eq(date_days(2000, 3, 1) - date_days(2000, 2, 28), 2);
	ck_assert_int_eq(date_days(1900, 3, 1) - date_days(1900, 2, 28), 1);
	ck_assert(!date_imap_day(SPAN("1-Feb-94"), &d));
	ck_assert(!date_imap_day(SPAN("1-Feb-1994 "), &d));
}
END_TEST

static const struct { const char *in; long long when; } iso[] = {
	{ "1997-11-21T15:55:06Z", 880127706 },
	{ "1997-11-21t15:55:06z", 880127706 },
	{ "1997-11-21T09:55:06.123-06:00", 880127706 },
	{ "1997-11-21T21:25:06+05:30", 880127706 },
	{ "1997-11-21T15:55:06", -1 },
	{ "1997-11-21 15:55:06Z", -1 },
	{ "1997-11-21T15:55:06Z ", -1 },
	{ "1997-11-21T15:55:06.Z", -1 },
	{ "1997-11-21T15:55Z", -1 },
	{ "1997-13-21T15:55:06Z", -1 },
	{ "1997-02-29T15:55:06Z", -1 },
	{ "1997-11-21T24:00:00Z", -1 },
	{ "1997-11-21T15:55:06+24:00", -1 },
	{ "97-11-21T15:55:06Z", -1 },
	{ "", -1 },
};

START_TEST(iso_dates_parse)
{
	time_t when = -1;

	ck_assert_msg(date_iso_parse(span_of(iso[_i].in), &when) == (iso[_i].when >= 0), "%s", iso[_i].in);
	ck_assert_int_eq(when, iso[_i].when);
}
END_TEST

START_TEST(absurd_times_print)
{
	struct str s = STR(100);

	date_print((time_t)INT64_MAX / 2, 0, &s);
	date_print((time_t)-99999999999999, 9999999, &s);
	date_iso_print(880127706, &s);
	ck_assert(span_ends(str_span(&s), "1997-11-21T15:55:06Z"));
	str_free(&s);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-date");

	tcase_add_loop_test(tc, date_parses, 0, COUNT(dates));
	tcase_add_loop_test(tc, no_date_is_refused, 0, COUNT(no_dates));
	tcase_add_loop_test(tc, date_prints_and_comes_back, 0, COUNT(printed));
	tcase_add_loop_test(tc, no_imap_date_is_refused, 0, COUNT(no_imap));
	tcase_add_loop_test(tc, iso_dates_parse, 0, COUNT(iso));
	tcase_add_test(tc, days_count);
	tcase_add_test(tc, absurd_times_print);
	return unit_end();
}

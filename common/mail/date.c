/* Dates as mail writes them. See date.h. */
#include "common/mail/date.h"

static const char *const months[] = {
	"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
};
static const char *const week[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };

/* RFC 5322 4.3. Military letters and unknown names count as UTC, as it says. */
static const struct { const char *name; int minutes; } zones[] = {
	{ "EST", -5 * 60 }, { "EDT", -4 * 60 }, { "CST", -6 * 60 }, { "CDT", -5 * 60 },
	{ "MST", -7 * 60 }, { "MDT", -6 * 60 }, { "PST", -8 * 60 }, { "PDT", -7 * 60 },
};

enum { YEAR_MAX = 9999, ZONE_MAX = 9959 };

/* Days since 1970-01-01 of a day of the Gregorian calendar, counted from March so that leap days come last. */
long date_days(int year, int month, int day)
{
	long y = month > 2 ? year : year - 1, m = month > 2 ? month - 3 : month + 9;
	long era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
	long of_year = (153 * m + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* --- eating pieces --- */

/* Blanks, folds and comments; comments nest. */
static void skip(struct span *in)
{
	size_t depth = 0;

	while (in->n && (depth || is_space(*in->p) || *in->p == '(')) {
		char c = *span_take(in, 1).p;

		if (c == '\\' && depth)
			span_take(in, 1);
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
	}
}

/* A number of digits in a row between least and most of them. */
static bool eat_number(struct span *in, size_t least, size_t most, int *out)
{
	struct span at = *in, digits = span_while(&at, is_digit);
	uint64_t v;

	if (digits.n < least || digits.n > most || !span_u64(digits, 99999, &v))
		return false;
	*out = (int)v;
	*in = at;
	return true;
}

static bool eat_month(struct span *in, int *month)
{
	struct span name = span_while(in, is_alpha);

	for (int i = 0; i < 12; i++) {
		if (span_starts(name, months[i])) {	/* "Sept", "June" are seen, too */
			*month = i + 1;
			return true;
		}
	}
	return false;
}

/* RFC 5322 4.3: two digits mean 1950 to 2049, three count from 1900. */
static int real_year(int year, size_t digits)
{
	if (digits == 2)
		return year < 50 ? year + 2000 : year + 1900;
	return digits == 3 ? year + 1900 : year;
}

static bool eat_year(struct span *in, int *year)
{
	size_t before = in->n;

	if (!eat_number(in, 2, 4, year))
		return false;
	*year = real_year(*year, before - in->n);
	return true;
}

/* hh:mm or hh:mm:ss; 60 is a leap second. */
static bool eat_time(struct span *in, long *seconds)
{
	int h, m, s = 0;

	if (!eat_number(in, 1, 2, &h))
		return false;
	skip(in);
	if (!span_eat_char(in, ':'))
		return false;
	skip(in);
	if (!eat_number(in, 2, 2, &m))
		return false;
	skip(in);
	if (span_eat_char(in, ':')) {
		skip(in);
		if (!eat_number(in, 2, 2, &s))
			return false;
	}
	*seconds = h * 3600L + m * 60L + s;
	return h < 24 && m < 60 && s <= 60;
}

static bool eat_offset(struct span *in, int *zone)
{
	struct span at = *in;
	bool west = span_eat_char(&at, '-');
	int v;

	if ((!west && !span_eat_char(&at, '+')) || !eat_number(&at, 4, 4, &v) || v > ZONE_MAX ||
	    v % 100 > 59)
		return false;
	v = v / 100 * 60 + v % 100;
	*zone = west ? -v : v;
	*in = at;
	return true;
}

/* A missing or odd zone is UTC. */
static void eat_zone(struct span *in, int *zone)
{
	struct span name;

	*zone = 0;
	if (eat_offset(in, zone))
		return;
	name = span_while(in, is_alpha);
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
		if (span_is(name, zones[i].name))
			*zone = zones[i].minutes;
	}
}

static bool day_is_real(const struct date *d)
{
	return d->year >= 0 && d->year <= YEAR_MAX && d->day >= 1 &&
	    d->day <= days_in(d->year, d->month);
}

static void set_when(struct date *d, long seconds)
{
	d->when = (time_t)date_days(d->year, d->month, d->day) * 86400 + seconds - d->zone * 60L;
}

/* --- RFC 5322 --- */

static void skip_day_of_week(struct span *in)
{
	skip(in);
	if (span_while(in, is_alpha).n) {
		skip(in);
		span_eat_char(in, ',');
	}
	skip(in);
}

bool date_parse(struct span value, struct date *out)
{
	struct date d = { 0 };
	long seconds;

	skip_day_of_week(&value);
	if (!eat_number(&value, 1, 2, &d.day))
		return false;
	skip(&value);
	span_eat_char(&value, '-');			/* "21-Nov-97": RFC 850 programs live on */
	if (!eat_month(&value, &d.month))
		return false;
	skip(&value);
	span_eat_char(&value, '-');
	if (!eat_year(&value, &d.year) || !day_is_real(&d))
		return false;
	skip(&value);
	if (!eat_time(&value, &seconds))
		return false;
	skip(&value);
	eat_zone(&value, &d.zone);
	set_when(&d, seconds);
	*out = d;
	return true;
}

/* The wall clock of a zone, and the zone as printed. Absurd times become the epoch. */
static void broken_down(time_t when, int *zone, struct tm *tm)
{
	time_t there = when + *zone * 60L;

	if (!gmtime_r(&there, tm) || tm->tm_year + 1900 > YEAR_MAX || tm->tm_year + 1900 < 0) {
		there = *zone = 0;
		gmtime_r(&there, tm);
	}
}

static void add_zone(int zone, struct str *out)
{
	int v = zone < 0 ? -zone : zone;

	str_addf(out, "%c%02d%02d", zone < 0 ? '-' : '+', v / 60 % 100, v % 60);
}

void date_print(time_t when, int zone, struct str *out)
{
	struct tm tm;

	broken_down(when, &zone, &tm);
	str_addf(out, "%s, %d %s %04d %02d:%02d:%02d ", week[tm.tm_wday], tm.tm_mday,
	    months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	add_zone(zone, out);
}

int date_local_zone(time_t when)
{
	struct tm tm;

	return localtime_r(&when, &tm) ? (int)(tm.tm_gmtoff / 60) : 0;
}

/* --- IMAP --- */

static bool eat_imap_day(struct span *in, struct date *d)
{
	return eat_number(in, 1, 2, &d->day) && span_eat_char(in, '-') &&
	    eat_month(in, &d->month) && span_eat_char(in, '-') && eat_number(in, 4, 4, &d->year) &&
	    day_is_real(d);
}

bool date_imap_day(struct span text, struct date *out)
{
	struct date d = { 0 };

	if (!eat_imap_day(&text, &d) || text.n)
		return false;
	set_when(&d, 0);
	*out = d;
	return true;
}

bool date_imap_parse(struct span text, struct date *out)
{
	struct date d = { 0 };
	long seconds;

	span_eat_char(&text, ' ');
	if (!eat_imap_day(&text, &d) || !span_eat_char(&text, ' ') || !eat_time(&text, &seconds) ||
	    !span_eat_char(&text, ' ') || !eat_offset(&text, &d.zone) || text.n)
		return false;
	set_when(&d, seconds);
	*out = d;
	return true;
}

void date_imap_print(time_t when, int zone, struct str *out)
{
	struct tm tm;

	broken_down(when, &zone, &tm);
	str_addf(out, "%2d-%s-%04d %02d:%02d:%02d ", tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	add_zone(zone, out);
}

void date_iso_print(time_t when, struct str *out)
{
	struct tm tm;
	int zone = 0;

	broken_down(when, &zone, &tm);
	str_addf(out, "%04d-%02d-%02dT%02d:%02d:%02dZ", tm.tm_year + 1900, tm.tm_mon + 1,
	    tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

/* "Z", "+01:00". */
static bool eat_iso_zone(struct span *in, int *zone)
{
	bool east = span_eat_char(in, '+');
	int hours, minutes;

	*zone = 0;
	if (!east && span_eat(in, "Z"))
		return true;
	if ((!east && !span_eat_char(in, '-')) || !eat_number(in, 2, 2, &hours) ||
	    !span_eat_char(in, ':') || !eat_number(in, 2, 2, &minutes) || hours > 23 ||
	    minutes > 59)
		return false;
	*zone = (east ? 1 : -1) * (hours * 60 + minutes);
	return true;
}

static bool eat_iso_day(struct span *in, struct date *d)
{
	return eat_number(in, 4, 4, &d->year) && span_eat_char(in, '-') &&
	    eat_number(in, 2, 2, &d->month) && span_eat_char(in, '-') &&
	    eat_number(in, 2, 2, &d->day) && d->month >= 1 && d->month <= 12 && day_is_real(d);
}

static bool eat_iso_time(struct span *in, long *seconds)
{
	int hour, minute, second;

	if (!eat_number(in, 2, 2, &hour) || !span_eat_char(in, ':') ||
	    !eat_number(in, 2, 2, &minute) || !span_eat_char(in, ':') ||
	    !eat_number(in, 2, 2, &second) || hour > 23 || minute > 59 || second > 60)
		return false;
	*seconds = hour * 3600L + minute * 60 + second;
	return !span_eat_char(in, '.') || span_while(in, is_digit).n;	/* fractions are dropped */
}

bool date_iso_parse(struct span text, time_t *when)
{
	struct date d = { 0 };
	long seconds;

	if (!eat_iso_day(&text, &d) || !span_eat(&text, "T") || !eat_iso_time(&text, &seconds) ||
	    !eat_iso_zone(&text, &d.zone) || text.n)
		return false;
	set_when(&d, seconds);
	*when = d.when;
	return true;
}

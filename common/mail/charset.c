/* Text in any character set, as UTF-8. See charset.h. */
#include "common/mail/charset.h"

#include <errno.h>
#include <iconv.h>

#include "common/mail/charset-table.h"

/* Names that mail uses, and what they are to us. Wider sets stand in for the narrower
   ones that programs claim (WHATWG Encoding does the same). */
static const struct { const char *name, *real; } aliases[] = {
	{ "us-ascii", "cp1252" },
	{ "ascii", "cp1252" },
	{ "ansi_x3.4-1968", "cp1252" },
	{ "iso-8859-1", "cp1252" },
	{ "latin1", "cp1252" },
	{ "iso-8859-9", "cp1254" },
	{ "iso-8859-11", "cp874" },
	{ "tis-620", "cp874" },
	{ "iso-8859-8-i", "iso-8859-8" },
	{ "iso-8859-8-e", "iso-8859-8" },
	{ "iso-8859-6-i", "iso-8859-6" },
	{ "iso-8859-6-e", "iso-8859-6" },
	{ "x-mac-roman", "macintosh" },
	{ "x-mac-cyrillic", "mac-cyrillic" },
	{ "cp-850", "cp850" },
	{ "ibm437", "cp437" },
	{ "ibm850", "cp850" },
	{ "ibm852", "cp852" },
	{ "ibm866", "cp866" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ksc5601", "CP949" },
	{ "euc-kr", "CP949" },
	{ "gb2312", "GB18030" },
	{ "gbk", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "cp936", "GB18030" },
	{ "big5", "BIG5-HKSCS" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "windows-31j", "CP932" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
	{ "utf8", "utf-8" },
	{ "unicode-1-1-utf-8", "utf-8" },
};

/* What charset_preload() opens: the sets without a table that one meets in years of mail. */
static const char *const usual[] = {
	"CP932", "EUC-JP", "ISO-2022-JP", "CP949", "ISO-2022-KR", "GB18030", "BIG5-HKSCS", "UTF-7",
};

enum { OPEN_MAX_CHARSETS = 16 };

/* Converters of this process, opened once: iconv_open() reads files, and a jail has none. */
static struct { char name[CHARSET_NAME_MAX]; iconv_t cd; } opened[OPEN_MAX_CHARSETS];
static size_t opened_count;
static bool no_more;		/* in a jail, loading code would end the process */

#define NO_CONVERTER ((iconv_t)-1)

static iconv_t converter(const char *name)
{
	iconv_t cd;

	for (size_t i = 0; i < opened_count; i++) {
		if (span_is(span_of(name), opened[i].name))
			return opened[i].cd;
	}
	if (no_more || opened_count == OPEN_MAX_CHARSETS)
		return NO_CONVERTER;
	cd = iconv_open("UTF-8", name);
	if (cd != NO_CONVERTER) {
		span_copy(span_of(name), opened[opened_count].name, CHARSET_NAME_MAX);
		opened[opened_count++].cd = cd;
	}
	return cd;
}

void charset_preload(void)
{
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		converter(usual[i]);
	no_more = true;
}

static bool is_name_char(char c)
{
	return is_alnum(c) || (c && strchr("-_.:+", c));
}

/* One name for each set; "" for what can be no name (iconv takes "//IGNORE" and paths). */
static void real_name(struct span name, char out[CHARSET_NAME_MAX])
{
	struct span in = name, number = name;

	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		if (span_is(name, aliases[i].name)) {
			span_copy(span_of(aliases[i].real), out, CHARSET_NAME_MAX);
			return;
		}
	}
	span_while(&in, is_name_char);
	if (in.n || !span_copy(name, out, CHARSET_NAME_MAX))
		*out = '\0';
	else if (span_eat(&number, "windows-"))
		snprintf(out, CHARSET_NAME_MAX, "cp" SPAN_FMT, SPAN_ARG(number));
}

static const struct charset_table *find_table(const char *name)
{
	for (const struct charset_table *t = charset_tables; *t->name; t++) {
		if (span_is(span_of(name), t->name))
			return t;
	}
	return NULL;
}

bool charset_known(struct span name)
{
	char real[CHARSET_NAME_MAX];

	real_name(name, real);
	return *real && (span_is(span_of(real), "utf-8") || find_table(real) || converter(real) != NO_CONVERTER);
}

/* Bytes of the UTF-8 sequence at the front of s, 0 when it is none. RFC 3629 4. */
static size_t utf8_length(struct span s)
{
	const unsigned char *u = (const unsigned char *)s.p;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;

	if (!n || n > s.n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
	    (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
		return 0;
	return n;
}

void utf8_add(uint32_t point, struct str *out)
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t n = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
	char bytes[4];

	for (size_t i = n - 1; i > 0; i--, point >>= 6)
		bytes[i] = (char)(0x80 | (point & 0x3f));
	bytes[0] = (char)(marks[n] | point);
	str_add(out, (struct span){ bytes, n });
}

bool utf8_ok(struct span s)
{
	while (s.n) {
		size_t n = utf8_length(s);

		if (!n)
			return false;
		s = span_from(s, n);
	}
	return true;
}

void utf8_mend(struct span s, struct str *out)
{
	while (s.n) {
		size_t n = utf8_length(s);

		str_add(out, n ? span_to(s, n) : SPAN("\xef\xbf\xbd"));
		s = span_from(s, n ? n : 1);
	}
}

/* One call of iconv; true while there is more to do. */
static bool convert_some(iconv_t cd, char **in, size_t *left, struct str *out)
{
	char buf[1024], *to = buf;
	size_t room = sizeof buf, got = iconv(cd, in, left, &to, &room);
	int why = errno;

	str_add(out, (struct span){ buf, sizeof buf - room });
	if (got != (size_t)-1)
		return false;
	if (why == E2BIG)
		return !out->over;
	str_add_text(out, "\xef\xbf\xbd"); /* EILSEQ, or EINVAL: cut off in the middle */
	if (why != EILSEQ || !*left)
		return false;
	(*in)++;
	(*left)--;
	return *left > 0 && !out->over;
}

static void by_iconv(iconv_t cd, struct span bytes, struct str *out)
{
	char *in = (char *)(uintptr_t)bytes.p;		/* iconv does not write there */
	size_t left = bytes.n;

	iconv(cd, NULL, NULL, NULL, NULL);
	while (left && convert_some(cd, &in, &left, out))
		;
}

static void by_table(const struct charset_table *t, struct span bytes, struct str *out)
{
	for (size_t i = 0; i < bytes.n; i++) {
		unsigned char b = (unsigned char)bytes.p[i];

		utf8_add(b < 0x80 ? b : t->upper[b - 0x80], out);
	}
}

void charset_to_utf8(struct span name, struct span bytes, struct str *out)
{
	char real[CHARSET_NAME_MAX];
	const struct charset_table *t;
	iconv_t cd;

	real_name(name, real);
	t = find_table(real);
	cd = t || !*real || span_is(span_of(real), "utf-8") ? NO_CONVERTER : converter(real);
	if (t)
		by_table(t, bytes, out);
	else if (cd != NO_CONVERTER)
		by_iconv(cd, bytes, out);
	else
		utf8_mend(bytes, out);
}

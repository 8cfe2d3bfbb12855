/* Text in any character set, as UTF-8. See charset.h. */
#include "common/mail/charset.h"

#include <errno.h>
#include <iconv.h>

/* Names that mail uses, and what to ask iconv for. Wider sets stand in for the narrower
   ones that programs claim (WHATWG Encoding does the same). */
static const struct { const char *name, *iconv; } aliases[] = {
	{ "ks_c_5601-1987", "CP949" },
	{ "euc-kr", "CP949" },
	{ "ksc5601", "CP949" },
	{ "gb2312", "GB18030" },
	{ "gbk", "GB18030" },
	{ "hz-gb-2312", "HZ" },
	{ "x-gbk", "GB18030" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "sjis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "windows-31j", "CP932" },
	{ "big5", "BIG5-HKSCS" },
	{ "iso-8859-1", "CP1252" },
	{ "latin1", "CP1252" },
	{ "us-ascii", "CP1252" },
	{ "ascii", "CP1252" },
	{ "ansi_x3.4-1968", "CP1252" },
	{ "iso-8859-8-i", "ISO-8859-8" },
	{ "iso-8859-8-e", "ISO-8859-8" },
	{ "iso-8859-9", "CP1254" },
	{ "iso-8859-11", "CP874" },
	{ "tis-620", "CP874" },
	{ "x-mac-roman", "MACINTOSH" },
	{ "x-mac-cyrillic", "MAC-CYRILLIC" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
	{ "cp-850", "CP850" },
	{ "utf8", "UTF-8" },
	{ "unicode-1-1-utf-8", "UTF-8" },
};

/* What charset_preload() opens: all that one meets in years of mail. */
static const char *const usual[] = {
	"UTF-8", "CP1252", "ISO-8859-2", "ISO-8859-3", "ISO-8859-4", "ISO-8859-5", "ISO-8859-6", "ISO-8859-7",
	"ISO-8859-8", "CP1254", "ISO-8859-10", "ISO-8859-13", "ISO-8859-14", "ISO-8859-15", "ISO-8859-16",
	"CP1250", "CP1251", "CP1253", "CP1255", "CP1256", "CP1257", "CP1258", "KOI8-R", "KOI8-U", "CP437",
	"CP850", "CP866", "CP874", "MACINTOSH", "MAC-CYRILLIC", "CP932", "EUC-JP", "ISO-2022-JP", "CP949",
	"ISO-2022-KR", "GB18030", "HZ", "BIG5-HKSCS", "VISCII", "UTF-7", "UTF-16", "UTF-16LE", "UTF-16BE",
};

enum { OPEN_MAX_CHARSETS = 64 };

/* Converters of this process, opened once: iconv_open() reads files, and a jail has none. */
static struct { char name[CHARSET_NAME_MAX]; iconv_t cd; } opened[OPEN_MAX_CHARSETS];
static size_t opened_count;

#define NO_CONVERTER ((iconv_t)-1)

static iconv_t converter(const char *name)
{
	iconv_t cd;

	for (size_t i = 0; i < opened_count; i++) {
		if (span_is(span_of(name), opened[i].name))
			return opened[i].cd;
	}
	if (opened_count == OPEN_MAX_CHARSETS)
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
}

static bool is_name_char(char c)
{
	return is_alnum(c) || (c && strchr("-_.:+", c));
}

/* The name as iconv knows it; false for what can be no name (iconv takes "//IGNORE" and paths). */
static bool iconv_name(struct span name, char out[CHARSET_NAME_MAX])
{
	struct span in = name;

	for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
		if (span_is(name, aliases[i].name))
			return span_copy(span_of(aliases[i].iconv), out, CHARSET_NAME_MAX);
	}
	span_while(&in, is_name_char);
	return name.n && !in.n && span_copy(name, out, CHARSET_NAME_MAX);
}

static iconv_t converter_for(struct span name)
{
	char real[CHARSET_NAME_MAX];

	return iconv_name(name, real) ? converter(real) : NO_CONVERTER;
}

bool charset_known(struct span name)
{
	return converter_for(name) != NO_CONVERTER;
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

bool utf8_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
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
	str_add_text(out, "\xef\xbf\xbd");		/* EILSEQ, or EINVAL: cut off in the middle */
	if (why != EILSEQ || !*left)
		return false;
	(*in)++;
	(*left)--;
	return *left > 0 && !out->over;
}

void charset_to_utf8(struct span name, struct span bytes, struct str *out)
{
	iconv_t cd = converter_for(name);
	char *in = (char *)(uintptr_t)bytes.p;		/* iconv does not write there */
	size_t left = bytes.n;

	if (cd == NO_CONVERTER || span_is(name, "utf-8")) {
		utf8_mend(bytes, out);
		return;
	}
	iconv(cd, NULL, NULL, NULL, NULL);
	while (left && convert_some(cd, &in, &left, out))
		;
}

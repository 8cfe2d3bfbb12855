/* Macro strings of SPF. See spf-macro.h. */
#include "common/trust/spf-macro.h"

#include <inttypes.h>

enum { NAME_MAX_TEXT = 253, LABELS_MAX = 128, VALUE_MAX = 1024 };

/* --- reading --- */

struct macro {
	char		letter;		/* as written: upper case asks for URL escapes */
	unsigned	labels;		/* how many of the right ones stay; 0: all */
	bool		reverse;
	struct span	delimiters;	/* empty: the dot */
};

static bool is_delimiter(char c)
{
	return c && strchr(".-+,/_=", c);
}

/* Eat "%{d2r.-}". False: nothing moved, and e tells what is wrong. */
static bool eat_macro(struct span *in, bool explain, struct macro *out, struct err *e)
{
	struct span at = *in;
	struct macro m = { 0 };
	uint64_t labels;

	if (!span_eat(&at, "%{") || !at.n)
		return err_perm(e, "5.7.24", "a %% that begins no macro");
	m.letter = *at.p;
	if (!m.letter || !strchr(explain ? "slodiphvcrt" : "slodiphv", to_lower(m.letter)))
		return err_perm(e, "5.7.24", "there is no macro %%{%c}%s", m.letter,
		    m.letter && strchr("crt", to_lower(m.letter)) ? " but in explanations" : "");
	at = span_from(at, 1);
	if (at.n && is_digit(*at.p)) {
		if (!span_eat_u64(&at, UINT32_MAX, &labels) || !labels)
			return err_perm(e, "5.7.24", "a macro must keep at least one label");
		m.labels = labels > LABELS_MAX ? LABELS_MAX : (unsigned)labels;
	}
	m.reverse = span_eat(&at, "r");
	m.delimiters = span_while(&at, is_delimiter);
	if (!span_eat_char(&at, '}'))
		return err_perm(e, "5.7.24", "a macro is not closed as it should be");
	*in = at;
	*out = m;
	return true;
}

static bool eat_escape(struct span *in, const char **means)
{
	static const struct { const char *text, *means; } escapes[] = {
		{ "%%", "%" }, { "%_", " " }, { "%-", "%20" },
	};

	for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
		if (span_eat(in, escapes[i].text)) {
			*means = escapes[i].means;
			return true;
		}
	}
	return false;
}

bool spf_macro_valid(struct span s, bool explain, struct err *e)
{
	const char *means;
	struct macro m;

	while (s.n) {
		if (*s.p != '%') {
			if (*s.p < (explain ? 0x20 : 0x21) || *s.p > 0x7e)
				return err_perm(e, "5.7.24", "a byte that is no visible ASCII character");
			s = span_from(s, 1);
		} else if (!eat_escape(&s, &means) && !eat_macro(&s, explain, &m, e)) {
			return false;
		}
	}
	return true;
}

/* RFC 7208 7.1: toplabel has a letter, or a hyphen inside. */
static bool is_top_label(struct span s)
{
	bool digits = true;

	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && s.p[i] != '-')
			return false;
		digits = digits && is_digit(s.p[i]);
	}
	return s.n && !digits && *s.p != '-' && s.p[s.n - 1] != '-';
}

/* Does s end in a macro, rather than in something that happens to end in a brace? */
static bool ends_in_macro(struct span s)
{
	const char *means;
	struct macro m;
	bool last = false;

	while (s.n) {
		if (*s.p != '%') {
			last = false;
			s = span_from(s, 1);
		} else {
			last = !eat_escape(&s, &means);
			if (last && !eat_macro(&s, false, &m, NULL))
				return false;
		}
	}
	return last;
}

bool spf_macro_domain(struct span s, struct err *e)
{
	ptrdiff_t dot;

	if (!spf_macro_valid(s, false, e))
		return false;
	if (ends_in_macro(s))
		return true;
	if (span_ends(s, "."))
		s = span_to(s, s.n - 1);
	dot = span_rfind(s, '.');
	if (dot >= 0 && is_top_label(span_from(s, (size_t)dot + 1)))
		return true;
	return err_perm(e, "5.7.24", "that is no domain name");
}

bool spf_macro_wants_local(struct span s)
{
	const char *means;
	struct macro m;

	while (s.n) {
		if (*s.p != '%') {
			s = span_from(s, 1);
		} else if (!eat_escape(&s, &means)) {
			if (!eat_macro(&s, true, &m, NULL))
				return false;
			if (to_lower(m.letter) == 's' || to_lower(m.letter) == 'l')
				return true;
		}
	}
	return false;
}

/* --- expanding --- */

/* %{i}: dotted, IPv6 as 32 nibbles. RFC 7208 7.3 */
static void add_dotted(const struct address *ip, struct str *out)
{
	for (int i = 0; ip->family == 4 && i < 4; i++)
		str_addf(out, "%s%u", i ? "." : "", ip->bytes[i]);
	for (int i = 0; ip->family == 6 && i < 16; i++)
		str_addf(out, "%s%x.%x", i ? "." : "", ip->bytes[i] >> 4, ip->bytes[i] & 15);
}

static void add_value(char letter, const struct spf_macro_facts *f, struct str *out)
{
	char ip[ADDRESS_TEXT];

	switch (to_lower(letter)) {
	case 's':
		str_add(out, f->local);
		str_add_char(out, '@');
		/* fallthrough */
	case 'o':
		str_add(out, f->sender_domain);
		break;
	case 'l':
		str_add(out, f->local);
		break;
	case 'd':
		str_add_text(out, f->domain);
		break;
	case 'i':
		add_dotted(&f->ip, out);
		break;
	case 'p':
		str_add_text(out, f->reverse(f->arg));
		break;
	case 'v':
		str_add_text(out, f->ip.family == 6 ? "ip6" : "in-addr");
		break;
	case 'h':
		str_add_text(out, f->helo);
		break;
	case 'c':
		address_print(&f->ip, ip);
		str_add_text(out, ip);
		break;
	case 'r':
		str_add_text(out, *f->receiver ? f->receiver : "unknown");
		break;
	case 't':
		str_addf(out, "%" PRId64, (int64_t)f->now);
		break;
	}
}

static size_t split(struct span value, struct span delimiters, struct span labels[LABELS_MAX])
{
	size_t count = 0, from = 0;

	if (!delimiters.n)
		delimiters = SPAN(".");
	for (size_t i = 0; i <= value.n && count < LABELS_MAX; i++) {
		if (i < value.n && !span_has(delimiters, value.p[i]))
			continue;
		labels[count++] = (struct span){ value.p + from, i - from };
		from = i + 1;
	}
	return count;
}

/* RFC 3986 2.3 names what stays as it is. */
static void add_escaped(struct span s, bool escape, struct str *out)
{
	for (size_t i = 0; i < s.n; i++) {
		if (escape && !is_alnum(s.p[i]) && (!s.p[i] || !strchr("-._~", s.p[i])))
			str_addf(out, "%%%02X", (unsigned char)s.p[i]);
		else
			str_add_char(out, s.p[i]);
	}
}

static void add_macro(const struct macro *m, const struct spf_macro_facts *f, struct str *out)
{
	struct span labels[LABELS_MAX];
	struct str value = STR(VALUE_MAX);
	size_t count, from = 0;

	add_value(m->letter, f, &value);
	count = split(str_span(&value), m->delimiters, labels);
	if (m->labels && m->labels < count)
		from = count - m->labels;
	for (size_t i = from; i < count; i++) {
		if (i > from)
			str_add_char(out, '.');
		/* reversed first, then the right ones stay: those are the first, from the end */
		add_escaped(labels[m->reverse ? count - 1 - i : i],
		    m->letter >= 'A' && m->letter <= 'Z', out);
	}
	str_free(&value);
}

void spf_macro_expand(struct span s, const struct spf_macro_facts *f, struct str *out)
{
	const char *means;
	struct macro m;

	while (s.n) {
		if (*s.p != '%') {
			str_add_char(out, *s.p);
			s = span_from(s, 1);
		} else if (eat_escape(&s, &means)) {
			str_add_text(out, means);
		} else if (eat_macro(&s, true, &m, NULL)) {
			add_macro(&m, f, out);
		} else {
			return;		/* not valid, whatever the caller thought */
		}
	}
}

void spf_macro_name(struct span s, const struct spf_macro_facts *f, struct str *out)
{
	struct str whole = STR(VALUE_MAX * 4);
	struct span name;
	ptrdiff_t dot;

	spf_macro_expand(s, f, &whole);
	name = str_span(&whole);
	if (name.n && name.p[name.n - 1] == '.')
		name = span_to(name, name.n - 1);
	while (name.n > NAME_MAX_TEXT && (dot = span_find(name, '.')) >= 0)
		name = span_from(name, (size_t)dot + 1);
	str_add(out, name);
	str_free(&whole);
}

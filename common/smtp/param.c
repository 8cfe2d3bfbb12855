/* Parameters of MAIL and RCPT. See param.h. */
#include "common/smtp/param.h"

#include "common/mail/charset.h"
#include "common/mail/date.h"
#include "common/smtp/extension.h"

/* What a row fills. */
struct intake {
	struct arena		*memory;
	bool			 utf8;
	struct mail_params	*mail;
	struct rcpt_params	*rcpt;
};

/* --- xtext --- */

static bool is_xchar(char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

static int hex(char c)
{
	if (is_digit(c))
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;	/* RFC 3461 4: upper case only */
}

/* Eat one character, plain or as "+41". */
static bool eat_xtext(struct span *in, char *c)
{
	int high, low;

	if (is_xchar(in->p[0])) {
		*c = span_take(in, 1).p[0];
		return true;
	}
	if (in->p[0] != '+' || in->n < 3)
		return false;
	high = hex(in->p[1]);
	low = hex(in->p[2]);
	if (high < 0 || low < 0)
		return false;
	*c = (char)(high * 16 + low);
	span_take(in, 3);
	return true;
}

/* Controls are refused: nothing good was ever hidden in one. */
bool xtext_decode(struct span in, struct str *out)
{
	size_t was = out->n;
	char c;

	while (in.n) {
		if (!eat_xtext(&in, &c) || (!is_print(c) && (unsigned char)c < 0x80)) {
			str_cut(out, was);
			return false;
		}
		str_add_char(out, c);
	}
	return true;
}

void xtext_encode(struct span in, struct str *out)
{
	for (size_t i = 0; i < in.n; i++) {
		if (is_xchar(in.p[i]))
			str_add_char(out, in.p[i]);
		else
			str_addf(out, "+%02X", (unsigned char)in.p[i]);
	}
}

static bool is_xtext(struct span text, size_t max)
{
	struct str plain = STR(max);
	bool ok = text.n && text.n <= max && xtext_decode(text, &plain);

	str_free(&plain);
	return ok;
}

/* --- one function per parameter: false is "malformed" --- */

static bool take_size(struct span value, struct intake *to)
{
	return span_u64(value, UINT64_MAX / 2, &to->mail->size);
}

static bool take_body(struct span value, struct intake *to)
{
	to->mail->body8bit = span_is(value, "8BITMIME");
	return to->mail->body8bit || span_is(value, "7BIT");
}

static bool take_smtputf8(struct span value, struct intake *to)
{
	(void)value;
	to->mail->smtputf8 = true;
	return true;
}

static bool take_ret(struct span value, struct intake *to)
{
	to->mail->ret = span_is(value, "FULL") ? "full" : "hdrs";
	return span_is(value, "FULL") || span_is(value, "HDRS");
}

static bool take_envid(struct span value, struct intake *to)
{
	to->mail->envid = arena_text(to->memory, value);
	return is_xtext(value, PARAM_ENVID_MAX);
}

static bool take_auth(struct span value, struct intake *to)
{
	to->mail->auth = arena_text(to->memory, value);
	return span_is(value, "<>") || is_xtext(value, PARAM_ORCPT_MAX);
}

static bool take_requiretls(struct span value, struct intake *to)
{
	(void)value;
	to->mail->require_tls = true;
	return true;
}

/* RFC 4865 4: one of the two, once. */
static bool take_holdfor(struct span value, struct intake *to)
{
	return !to->mail->hold_until && span_u64(value, PARAM_SECONDS_MAX, &to->mail->hold_for) &&
	    to->mail->hold_for;
}

static bool take_holduntil(struct span value, struct intake *to)
{
	return !to->mail->hold_for && date_iso_parse(value, &to->mail->hold_until) &&
	    to->mail->hold_until > 0;
}

/* "120;R", "-30;NT". RFC 2852 4: what is to come back must have some time to get there. */
static bool take_by(struct span value, struct intake *to)
{
	struct deliver_by *by = &to->mail->by;
	bool minus = span_eat_char(&value, '-');
	uint64_t seconds;

	if (!minus)
		span_eat_char(&value, '+');
	if (!span_eat_u64(&value, PARAM_SECONDS_MAX, &seconds) || !span_eat_char(&value, ';'))
		return false;
	by->seconds = minus ? -(int64_t)seconds : (int64_t)seconds;
	by->mode = span_eat(&value, "R") ? BY_RETURN : span_eat(&value, "N") ? BY_NOTIFY : BY_NONE;
	by->trace = span_eat(&value, "T");
	return by->mode && !value.n && (by->mode == BY_NOTIFY || by->seconds > 0);
}

static bool take_priority(struct span value, struct intake *to)
{
	bool minus = span_eat_char(&value, '-');
	uint64_t level;

	if (value.n != 1 || !span_u64(value, PARAM_PRIORITY_MAX, &level))
		return false;
	to->mail->priority = minus ? -(int)level : (int)level;
	return true;
}

static bool take_notify(struct span value, struct intake *to)
{
	static const struct { const char *word; unsigned bit; } words[] = {
		{ "NEVER", PARAM_NEVER }, { "SUCCESS", PARAM_SUCCESS },
		{ "FAILURE", PARAM_FAILURE }, { "DELAY", PARAM_DELAY },
	};
	unsigned *notify = &to->rcpt->notify;

	for (bool more = true; more; ) {
		struct span word = value;
		size_t i = 0;

		more = span_cut(&value, ',', &word);
		while (i < 4 && !span_is(word, words[i].word))
			i++;
		if (i == 4)
			return false;
		*notify |= words[i].bit;
	}
	return !(*notify & PARAM_NEVER) ||
	    *notify == PARAM_NEVER; /* NEVER stands alone: RFC 3461 4.1 */
}

static bool is_type(char c)
{
	return is_alnum(c) || c == '-' || c == '.';
}

static bool is_visible(char c)
{
	return c > ' ' ? c != 0x7f : (unsigned char)c >= 0x80;
}

/* "rfc822;ann@example.org" in xtext; "utf-8;..." may also hold plain UTF-8: RFC 6533 3. */
static bool take_orcpt(struct span value, struct intake *to)
{
	struct span rest = value, type = span_while(&rest, is_type);

	to->rcpt->original = arena_text(to->memory, value);
	if (!type.n || value.n > PARAM_ORCPT_MAX || !span_eat_char(&rest, ';') || !rest.n)
		return false;
	if (span_is(type, "utf-8") && to->utf8) {
		struct span left = rest;

		span_while(&left, is_visible);
		return !left.n && utf8_ok(rest);
	}
	return is_xtext(rest, PARAM_ORCPT_MAX);
}

/* --- the rows --- */

enum value { VALUE_NONE, VALUE_NEEDED };

struct row {
	const char	*keyword;
	unsigned	 ext;			/* offered with this extension */
	enum value	 value;
	bool		(*take)(struct span value, struct intake *to);
};

static const struct row mail_rows[] = {
	{ "SIZE",	EXT_SIZE,	VALUE_NEEDED,	take_size },
	{ "BODY",	EXT_8BITMIME,	VALUE_NEEDED,	take_body },
	{ "SMTPUTF8",	EXT_SMTPUTF8,	VALUE_NONE,	take_smtputf8 },
	{ "RET",	EXT_DSN,	VALUE_NEEDED,	take_ret },
	{ "ENVID",	EXT_DSN,	VALUE_NEEDED,	take_envid },
	{ "AUTH",	EXT_AUTH,	VALUE_NEEDED,	take_auth },
	{ "REQUIRETLS",	EXT_REQUIRETLS,	VALUE_NONE,	take_requiretls },
	{ "HOLDFOR",	EXT_FUTURERELEASE, VALUE_NEEDED, take_holdfor },
	{ "HOLDUNTIL",	EXT_FUTURERELEASE, VALUE_NEEDED, take_holduntil },
	{ "BY",		EXT_DELIVERBY,	VALUE_NEEDED,	take_by },
	{ "MT-PRIORITY", EXT_MT_PRIORITY, VALUE_NEEDED,	take_priority },
	{ .keyword = NULL }
};

static const struct row rcpt_rows[] = {
	{ "NOTIFY",	EXT_DSN,	VALUE_NEEDED,	take_notify },
	{ "ORCPT",	EXT_DSN,	VALUE_NEEDED,	take_orcpt },
	{ .keyword = NULL }
};

static const struct row *find_row(const struct row *rows, struct span keyword, unsigned offered)
{
	for (; rows->keyword; rows++) {
		if (span_is(keyword, rows->keyword) && rows->ext & offered)
			return rows;
	}
	return NULL;
}

/* One "KEYWORD" or "KEYWORD=value". seen: one bit per row. */
static bool take_word(struct span word, const struct row *rows, unsigned offered, unsigned *seen,
    struct intake *to, struct err *e)
{
	struct span value = word, keyword = word;
	bool has_value = span_cut(&value, '=', &keyword);
	const struct row *row = find_row(rows, keyword, offered);

	if (!row)
		return err_perm(e, "5.5.4", "there is no parameter " SPAN_FMT " here",
		    SPAN_ARG(span_to(keyword, 40)));
	if (*seen & 1U << (row - rows))
		return err_perm(e, "5.5.2", "%s stands there twice", row->keyword);
	*seen |= 1U << (row - rows);
	if (has_value != (row->value == VALUE_NEEDED) || !row->take(value, to))
		return err_perm(e, "5.5.2", "the value of %s is not well formed", row->keyword);
	return true;
}

static bool take_all(struct span rest, const struct row *rows, unsigned offered, struct intake *to, struct err *e)
{
	unsigned seen = 0;
	struct span word;

	if (rest.n && rest.p[0] != ' ')
		return err_perm(e, "5.5.2", "something stands right behind the >");
	while ((word = span_word(&rest)).n) {
		if (!take_word(word, rows, offered, &seen, to, e))
			return false;
	}
	return true;
}

bool param_mail(struct span rest, unsigned offered, struct arena *a, struct mail_params *out, struct err *e)
{
	struct intake to = { .memory = a, .mail = out };

	*out = (struct mail_params){ .ret = "", .envid = "", .auth = "" };
	return take_all(rest, mail_rows, offered, &to, e);
}

bool param_rcpt(struct span rest, unsigned offered, bool utf8, struct arena *a,
    struct rcpt_params *out, struct err *e)
{
	struct intake to = { .memory = a, .utf8 = utf8, .rcpt = out };

	*out = (struct rcpt_params){ .original = "" };
	return take_all(rest, rcpt_rows, offered, &to, e);
}

/* --- and out again --- */

void param_print_mail(const struct mail_params *p, unsigned ext, struct str *out)
{
	if (p->size && ext & EXT_SIZE)
		str_addf(out, " SIZE=%llu", (unsigned long long)p->size);
	if (p->body8bit && ext & EXT_8BITMIME)
		str_add_text(out, " BODY=8BITMIME");
	if (p->smtputf8 && ext & EXT_SMTPUTF8)
		str_add_text(out, " SMTPUTF8");
	if (p->ret && *p->ret && ext & EXT_DSN)
		str_addf(out, " RET=%s", span_is(span_of(p->ret), "full") ? "FULL" : "HDRS");
	if (p->envid && *p->envid && ext & EXT_DSN)
		str_addf(out, " ENVID=%s", p->envid);
	if (p->require_tls && ext & EXT_REQUIRETLS)
		str_add_text(out, " REQUIRETLS");
	if (p->by.mode && ext & EXT_DELIVERBY)
		str_addf(out, " BY=%lld;%c%s", (long long)p->by.seconds,
		    p->by.mode == BY_RETURN ? 'R' : 'N', p->by.trace ? "T" : "");
	if (p->priority && ext & EXT_MT_PRIORITY)
		str_addf(out, " MT-PRIORITY=%d", p->priority);
}

static void print_notify(unsigned notify, struct str *out)
{
	const char *before = " NOTIFY=";

	for (unsigned bit = PARAM_NEVER; bit <= PARAM_DELAY; bit *= 2) {
		if (!(notify & bit))
			continue;
		str_add_text(out, before);
		str_add_text(out, bit == PARAM_NEVER ? "NEVER" : bit == PARAM_SUCCESS ? "SUCCESS" :
		    bit == PARAM_FAILURE ? "FAILURE" : "DELAY");
		before = ",";
	}
}

void param_print_rcpt(const struct rcpt_params *p, unsigned ext, struct str *out)
{
	if (!(ext & EXT_DSN))
		return;
	print_notify(p->notify, out);
	if (p->original && *p->original)
		str_addf(out, " ORCPT=%s", p->original);
}

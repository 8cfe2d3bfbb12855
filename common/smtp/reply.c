/* Replies, made and read. See reply.h. */
#include "common/smtp/reply.h"

#include <stdarg.h>

#include "common/base/tame.h"
#include "common/mail/charset.h"

/* --- ours --- */

struct reply reply_say(unsigned code, const char *status, const char *fmt, ...)
{
	struct reply r = { .code = code };
	va_list args;

	snprintf(r.status, sizeof r.status, "%s", status);
	va_start(args, fmt);
	vsnprintf(r.text, sizeof r.text, fmt, args);
	va_end(args);
	return r;
}

/* RFC 3463 says why, RFC 5321 4.2 says it in three digits. First match counts. */
static const struct { const char *status; unsigned code; } codes[] = {
	{ "4.3.1", 452 }, { "4.5.3", 452 }, { "4.2.2", 452 }, { "4.2.", 450 }, { "4.1.", 450 },
	{ "4.7.0", 454 }, { "4.7.", 450 }, { "4.", 451 },
	{ "5.1.1", 550 }, { "5.1.3", 501 }, { "5.1.7", 501 }, { "5.1.", 550 },
	{ "5.2.2", 552 }, { "5.3.4", 552 }, { "5.5.1", 503 }, { "5.5.2", 501 }, { "5.5.4", 555 },
	{ "5.5.6", 500 }, { "5.6.7", 553 }, { "5.7.8", 535 }, { "5.7.9", 534 }, { "5.7.11", 538 },
	{ "5.7.", 550 }, { "5.", 554 },
};

static unsigned code_of(const struct err *e)
{
	size_t i = 0, count = sizeof codes / sizeof *codes;

	while (i < count && !span_starts(span_of(e->status), codes[i].status))
		i++;
	if (i < count && (codes[i].code >= 500) == (e->kind == ERR_PERM))
		return codes[i].code;
	return e->kind == ERR_PERM ? 554 : 451;
}

struct reply reply_refuse(const struct err *e)
{
	return reply_say(code_of(e), e->status, "%s", e->text);
}

/* Whatever a text was made of: one line stays one line. */
static void add_tame(struct span text, struct str *out)
{
	for (size_t i = 0; i < text.n; i++)
		str_add_char(out, (unsigned char)text.p[i] < ' ' || text.p[i] == 0x7f ? ' ' : text.p[i]);
}

void reply_print(const struct reply *r, struct str *out)
{
	struct span rest = span_of(r->text), line;
	bool more = r->code != 0;

	while (more) {
		line = rest;
		more = span_cut(&rest, '\n', &line);
		str_addf(out, "%03u%c%s%s", r->code, more ? '-' : ' ', r->status, *r->status ? " " : "");
		add_tame(line, out);
		str_add_text(out, "\r\n");
	}
}

void reply_send(const struct reply *r, struct out *out)
{
	struct str text = STR(4 * sizeof r->text);

	reply_print(r, &text);
	out_add(out, str_span(&text));
	str_free(&text);
}

/* --- theirs --- */

/* "5.1.1" and a blank, of the same class as the code: RFC 2034 4. */
static bool eat_status(struct span *in, unsigned code, char status[12])
{
	struct span at = *in;
	uint64_t class, subject, detail;
	bool whole = span_eat_u64(&at, 5, &class) && span_eat_char(&at, '.') &&
	    span_eat_u64(&at, 999, &subject) && span_eat_char(&at, '.') &&
	    span_eat_u64(&at, 999, &detail);

	if (!whole || class != code / 100 || (at.n && at.p[0] != ' '))
		return false;
	span_eat_char(&at, ' ');
	snprintf(status, 12, "%u.%u.%u", (unsigned)class, (unsigned)subject, (unsigned)detail);
	*in = at;
	return true;
}

/* Lines of one answer are joined by a blank, and cut where no more fits. */
static void add_text(struct answer *a, struct span text)
{
	struct str clean = STR(4 * REPLY_LINE_MAX), all = STR(sizeof a->text - 1);
	char was[sizeof a->text];

	add_tame(span_trim(text), &clean);
	str_cut(&clean, tame(clean.p, clean.n));	/* C1 too: it is shown to people */
	snprintf(was, sizeof was, "%s", a->text);
	str_add_text(&all, was);
	if (all.n && clean.n)
		str_add_char(&all, ' ');
	if (!all.over)
		str_add(&all, span_to(str_span(&clean), all.max - all.n));
	snprintf(a->text, sizeof a->text, "%s", all.p);
	str_free(&clean);
	str_free(&all);
}

static bool eat_code(struct span *in, unsigned *code, bool *more)
{
	struct span at = *in;
	uint64_t v;

	if (at.n < 3 || !span_u64(span_take(&at, 3), 599, &v) || v < 200)
		return false;
	*more = span_eat_char(&at, '-');
	if (!*more && at.n && !span_eat_char(&at, ' '))
		return false;
	*code = (unsigned)v;
	*in = at;
	return true;
}

bool answer_line(struct answer *a, struct span line, bool *more, struct err *e)
{
	unsigned code;

	if (!eat_code(&line, &code, more))
		return err_temp(e, "4.5.0", "the other server said no reply but \"" SPAN_FMT "\"",
		    SPAN_ARG(span_to(line, 80)));
	if (a->lines == 0) {
		*a = (struct answer){ .code = code };
		snprintf(a->status, sizeof a->status, "%u.0.0", code / 100 % 10);
	}
	if (code != a->code)
		return err_temp(e, "4.5.0",
		    "the other server changed its reply from %u to %u half way", a->code, code);
	if (++a->lines > REPLY_LINES_MAX)
		return err_temp(e, "4.5.0", "the other server's reply has more than %d lines", REPLY_LINES_MAX);
	eat_status(&line, code, a->status);
	add_text(a, line);
	return true;
}

enum err_kind answer_kind(const struct answer *a)
{
	if (a->code < 400)
		return ERR_NONE;
	return a->code < 500 ? ERR_TEMP : ERR_PERM;
}

bool answer_to_err(const struct answer *a, struct err *e)
{
	bool perm = answer_kind(a) == ERR_PERM;

	return perm ? err_perm(e, a->status, "%u %s %s", a->code, a->status, a->text) :
	    err_temp(e, a->code < 400 ? "4.5.0" : a->status, "%u %s %s", a->code, a->status, a->text);
}

/* The conversation with another server. See client.h. */
#include "common/smtp/client.h"

#include <stdarg.h>
#include <unistd.h>

enum {
	PIECE		= 65536,
	GROUP_MAX	= 50,		/* commands on the way at once: their replies fit any socket's buffer */
	COMMAND_MAX	= 2048,
};

const struct smtp_patience smtp_patience = { 300, 300, 300, 300, 120, 180, 600, 10 };

void smtp_client_switch(struct smtp_client *c, struct stream *s)
{
	line_free(c->in);
	out_free(c->out);
	c->stream = s;
	c->in = line_new(s, REPLY_LINE_MAX);
	c->out = out_new(s);
	out_patience(c->out, c->patience->block);
	c->ext = 0;
	c->size_max = 0;
	c->auth_words[0] = '\0';
	c->last = (struct answer){ .code = 0 };
	c->broken = false;
}

void smtp_client_open(struct smtp_client *c, struct stream *s, const char *hello_name, const struct smtp_patience *p)
{
	*c = (struct smtp_client){ .hello_name = hello_name, .patience = p ? p : &smtp_patience };
	smtp_client_switch(c, s);
}

void smtp_client_close(struct smtp_client *c)
{
	line_free(c->in);
	out_free(c->out);
	c->in = NULL;
	c->out = NULL;
}

/* --- one command, one answer --- */

static bool broke(struct smtp_client *c)
{
	c->broken = true;
	return false;
}

static bool read_line(struct smtp_client *c, ms_t until, struct span *line, struct err *e)
{
	switch (line_read(c->in, until, line)) {
	case LINE_OK:
		return true;
	case LINE_LATE:
		return err_temp(e, "4.4.2", "the other server did not answer in time");
	case LINE_END:
		return err_temp(e, "4.4.2", "the other server closed the connection");
	case LINE_LONG:
		return err_temp(e, "4.5.0", "the other server's reply has a line of more than %d bytes", REPLY_LINE_MAX);
	default:
		return err_temp(e, "4.5.0", "the other server's reply has a bare CR or LF or a NUL");
	}
}

/* The lines of a reply to EHLO behind the first, one by one; NULL for other replies. */
typedef void each_line(struct smtp_client *c, struct span line);

static bool read_answer(struct smtp_client *c, int seconds, each_line *each, struct err *e)
{
	ms_t until = clock_in(seconds);
	struct span line;
	bool more = true;

	c->last = (struct answer){ .code = 0 };
	while (more) {
		if (!read_line(c, until, &line, e) || !answer_line(&c->last, line, &more, e))
			return broke(c);
		if (each && c->last.code == 250 && c->last.lines > 1)
			each(c, span_from(line, 4));
	}
	if (c->last.code == 421)
		c->broken = true;	/* it is about to hang up: RFC 5321 3.8 */
	return true;
}

static bool flush(struct smtp_client *c, int seconds, struct err *e)
{
	return out_flush(c->out, clock_in(seconds), e) || broke(c);
}

/* Ask, and want an answer of that class (2 or 3). */
static bool ask(struct smtp_client *c, int seconds, unsigned class, each_line *each, struct err *e,
    const char *fmt, ...) __attribute__((format(printf, 6, 7)));
static bool ask(struct smtp_client *c, int seconds, unsigned class, each_line *each, struct err *e,
    const char *fmt, ...)
{
	struct str line = STR(COMMAND_MAX);
	char text[COMMAND_MAX];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	str_addf(&line, "%s\r\n", text);
	out_add(c->out, str_span(&line));
	str_free(&line);
	if (!flush(c, seconds, e) || !read_answer(c, seconds, each, e))
		return false;
	return c->last.code / 100 == class || answer_to_err(&c->last, e);
}

/* --- getting acquainted --- */

bool smtp_client_greet(struct smtp_client *c, struct err *e)
{
	if (!read_answer(c, c->patience->greeting, NULL, e))
		return err_while(e, "waiting for the greeting");
	if (c->last.code == 220)
		return true;
	c->broken = true;
	/* A server that greets with 5xx may only be in a bad mood today: the next MX decides. RFC 5321 3.1 */
	answer_to_err(&c->last, e);
	return false;
}

static void note_extension(struct smtp_client *c, struct span line)
{
	struct span word = span_word(&line);
	unsigned bit = smtp_ext_bit(word);

	c->ext |= bit;
	line = span_trim(line);
	if (bit == EXT_SIZE)
		span_u64(line, UINT64_MAX, &c->size_max);
	if (bit == EXT_AUTH)
		span_copy(line, c->auth_words, sizeof c->auth_words);
}

bool smtp_client_hello(struct smtp_client *c, struct err *e)
{
	c->ext = 0;
	c->size_max = 0;
	if (ask(c, c->patience->hello, 2, note_extension, e, "EHLO %s", c->hello_name))
		return true;
	if (c->broken || c->last.code < 500)
		return err_while(e, "EHLO");
	return ask(c, c->patience->hello, 2, NULL, e, "HELO %s", c->hello_name) || err_while(e, "HELO");
}

bool smtp_client_start_tls(struct smtp_client *c, struct err *e)
{
	if (!ask(c, c->patience->hello, 2, NULL, e, "STARTTLS"))
		return err_while(e, "STARTTLS");
	if (!line_waiting(c->in))
		return true;
	/* Somebody put words of his own into the reply: CVE-2011-0411's other side. */
	c->broken = true;
	return err_temp(e, "4.7.0", "the server says more behind its answer to STARTTLS");
}

bool smtp_client_reset(struct smtp_client *c, struct err *e)
{
	return ask(c, c->patience->hello, 2, NULL, e, "RSET") || err_while(e, "RSET");
}

void smtp_client_quit(struct smtp_client *c)
{
	struct err e;

	if (!c->broken)
		ask(c, c->patience->quit, 2, NULL, &e, "QUIT");
	c->broken = true;
}

/* --- results --- */

static void settle(struct parcel_rcpt *r, const struct answer *a)
{
	r->kind = answer_kind(a);
	r->code = a->code;
	snprintf(r->status, sizeof r->status, "%s", a->status);
	snprintf(r->answer, sizeof r->answer, "%s", a->text);
}

static void settle_err(struct parcel_rcpt *r, const struct err *e)
{
	r->kind = e->kind;
	r->code = 0;
	snprintf(r->status, sizeof r->status, "%s", e->status);
	snprintf(r->answer, sizeof r->answer, "%s", e->text);
}

/*
 * While a transaction runs, a recipient that is neither refused nor taken has the
 * kind TEMP and the code 0: what it shall be if we never hear more.
 */
static bool open_still(const struct parcel_rcpt *r)
{
	return r->kind == ERR_TEMP && !r->code;
}

static void settle_open(struct parcel *p, const struct answer *a)
{
	for (size_t i = 0; i < p->count; i++) {
		if (open_still(&p->rcpts[i]))
			settle(&p->rcpts[i], a);
	}
}

static void settle_open_err(struct parcel *p, const struct err *e)
{
	for (size_t i = 0; i < p->count; i++) {
		if (open_still(&p->rcpts[i]))
			settle_err(&p->rcpts[i], e);
	}
}

static size_t count_open(const struct parcel *p)
{
	size_t n = 0;

	for (size_t i = 0; i < p->count; i++)
		n += open_still(&p->rcpts[i]);
	return n;
}

/* --- MAIL, RCPT, DATA, in groups where the server can take them --- */

struct course {
	struct smtp_client	*c;
	struct parcel		*p;
	size_t			 said, heard;	/* commands: 0 MAIL, 1 to count RCPT, count + 1 DATA */
	bool			 mail_refused;
	bool			 data;		/* 354 */
};

static void say_command(struct course *k)
{
	struct parcel *p = k->p;
	struct str line = STR(4 * COMMAND_MAX);

	if (k->said == 0) {
		str_addf(&line, "MAIL FROM:<%s>", p->sender);
		param_print_mail(&p->params, k->c->ext, &line);
	} else if (k->said <= p->count) {
		str_addf(&line, "RCPT TO:<%s>", p->rcpts[k->said - 1].address);
		param_print_rcpt(&p->rcpts[k->said - 1].params, k->c->ext, &line);
	} else {
		str_add_text(&line, "DATA");
	}
	str_add_text(&line, "\r\n");
	out_add(k->c->out, str_span(&line));
	str_free(&line);
	k->said++;
}

static int patience_for(const struct course *k)
{
	const struct smtp_patience *p = k->c->patience;

	return k->heard == 0 ? p->mail : k->heard <= k->p->count ? p->rcpt : p->data;
}

/* What the next answer means. */
static void hear(struct course *k)
{
	const struct answer *a = &k->c->last;

	if (k->heard == 0) {
		k->mail_refused = a->code / 100 != 2;
		if (k->mail_refused)
			settle_open(k->p, a);
	} else if (k->heard <= k->p->count) {
		struct parcel_rcpt *r = &k->p->rcpts[k->heard - 1];

		if (a->code / 100 != 2 && open_still(r))
			settle(r, a);
	} else {
		k->data = a->code == 354;
		if (!k->data)
			settle_open(k->p, a);
	}
	k->heard++;
}

/* An answer that is neither the right yes nor a no (3xx to RCPT) must not pass for delivered. */
static void mend_answer(struct answer *a, bool right)
{
	if (a->code < 400 && !right) {
		a->code = 451;
		snprintf(a->status, sizeof a->status, "4.5.0");
	}
}

static bool hear_all(struct course *k, struct err *e)
{
	while (k->heard < k->said) {
		if (!read_answer(k->c, patience_for(k), NULL, e))
			return false;
		if (k->heard == k->p->count + 1)
			mend_answer(&k->c->last, k->c->last.code == 354);
		else
			mend_answer(&k->c->last, k->c->last.code / 100 == 2);
		hear(k);
	}
	return true;
}

/* Is DATA still worth while? In a pipeline it is said before that is known. */
static bool hopeless(const struct course *k)
{
	return k->said > 0 && k->heard == k->said && (k->mail_refused || !count_open(k->p));
}

static bool begin(struct course *k, struct err *e)
{
	size_t group = k->c->ext & EXT_PIPELINING ? GROUP_MAX : 1;

	while (k->said < k->p->count + 2 && !hopeless(k) && !k->c->broken) {
		say_command(k);
		if (k->said - k->heard < group && k->said < k->p->count + 2)
			continue;
		if (!flush(k->c, k->c->patience->mail, e) || !hear_all(k, e))
			return false;
	}
	return true;
}

/* --- the text: LF to CRLF, dots stuffed (RFC 5321 4.5.2) --- */

static void add_piece(struct out *out, struct span piece, bool *line_start)
{
	struct span line;

	while (piece.n) {
		if (*line_start && piece.p[0] == '.')
			out_add(out, SPAN("."));
		*line_start = span_cut(&piece, '\n', &line);
		if (!*line_start) {
			out_add(out, piece);
			return;
		}
		out_add(out, line);
		out_add(out, SPAN("\r\n"));
	}
}

static bool send_text(struct smtp_client *c, struct span top, int fd, struct err *e)
{
	char piece[PIECE];
	bool line_start = true;
	off_t at = 0;
	ssize_t n;

	add_piece(c->out, top, &line_start);
	while ((n = pread(fd, piece, sizeof piece, at)) > 0) {
		add_piece(c->out, (struct span){ piece, (size_t)n }, &line_start);
		at += n;
		if (out_failed(c->out))
			break;
	}
	if (n < 0) {
		c->broken = true;	/* the end must not look like the message's end */
		return err_sys(e, "cannot read the message's text");
	}
	if (!line_start)
		out_text(c->out, "\r\n");
	out_text(c->out, ".\r\n");
	return flush(c, c->patience->block, e);
}

/* 354 though nobody is left to send it to: an empty text, whatever becomes of it. */
static bool send_nothing(struct smtp_client *c, struct err *e)
{
	out_text(c->out, ".\r\n");
	return flush(c, c->patience->block, e) && read_answer(c, c->patience->end, NULL, e);
}

static bool finish(struct course *k, struct err *e)
{
	if (!count_open(k->p))
		return send_nothing(k->c, e);
	if (!send_text(k->c, k->p->top, k->p->text, e) || !read_answer(k->c, k->c->patience->end, NULL, e))
		return false;
	mend_answer(&k->c->last, k->c->last.code / 100 == 2);
	settle_open(k->p, &k->c->last);
	return true;
}

/* What this server can not take at all, without asking it. */
static bool fits(const struct smtp_client *c, const struct parcel *p, struct err *e)
{
	if (p->params.smtputf8 && !(c->ext & EXT_SMTPUTF8))
		return err_perm(e, "5.6.7", "the message needs SMTPUTF8, which the other server does not offer");
	if (p->params.require_tls && !(c->ext & EXT_REQUIRETLS))
		return err_perm(e, "5.7.30", "the message needs REQUIRETLS, which the other server does not offer");
	if (p->params.by.mode == BY_RETURN && !(c->ext & EXT_DELIVERBY))	/* RFC 2852 4.1.4.2 */
		return err_perm(e, "5.3.3", "it is to come back when it is late, and the other server "
		    "does not offer DELIVERBY");
	if (c->size_max && p->params.size > c->size_max)
		return err_perm(e, "5.3.4", "the message has %llu bytes, and the other server takes %llu",
		    (unsigned long long)p->params.size, (unsigned long long)c->size_max);
	return true;
}

static bool converse(struct course *k, struct err *e)
{
	if (!begin(k, e))
		return false;
	if (k->data)
		return finish(k, e);
	/* Nobody was accepted, or DATA was refused: the next MAIL needs a clean table. */
	return k->c->broken || k->heard == 0 || smtp_client_reset(k->c, e);
}

bool smtp_client_send(struct smtp_client *c, struct parcel *p, struct err *e)
{
	struct course k = { .c = c, .p = p };
	struct err why = { .kind = ERR_NONE };

	for (size_t i = 0; i < p->count; i++)
		settle_err(&p->rcpts[i], &(struct err){ .kind = ERR_TEMP, .status = "4.4.2" });
	if (!fits(c, p, &why)) {
		settle_open_err(p, &why);
		return true;
	}
	if (!converse(&k, &why)) {
		settle_open_err(p, &why);
		c->broken = true;
	} else if (c->broken) {
		answer_to_err(&c->last, &why);
		settle_open(p, &c->last);
	}
	if (c->broken && e)
		*e = why;
	return !c->broken;
}

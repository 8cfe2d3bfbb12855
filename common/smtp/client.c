/* The conversation with another server. See client.h. */
#include "common/smtp/client-own.h"

#include <stdarg.h>

#include "common/mail/encoding.h"
#include "common/mail/report.h"

enum { CHALLENGES_MAX = 10, WORDS_MAX = 12288, ECHO_MIN = 8 };	/* RFC 4954 4: a line of AUTH has at most 12288 bytes */

const struct smtp_patience smtp_patience = { 300, 300, 300, 300, 120, 180, 600, 10 };

static void forget_extensions(struct smtp_client *c)
{
	c->ext = 0;
	c->size_max = 0;
	c->auth_words[0] = '\0';
	c->rcpt_max = c->mail_max = c->domain_max = 0;
}

void smtp_client_switch(struct smtp_client *c, struct stream *s)
{
	line_free(c->in);
	out_free(c->out);
	c->stream = s;
	c->in = line_new(s, REPLY_LINE_MAX);
	c->out = out_new(s);
	out_patience(c->out, c->patience->block);
	forget_extensions(c);
	c->mails = 0;
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
		return err_temp(e, "4.5.0",
		    "the other server's reply has a line of more than %d bytes", REPLY_LINE_MAX);
	default:
		return err_temp(e, "4.5.0", "the other server's reply has a bare CR or LF or a NUL");
	}
}

bool client_read_answer(struct smtp_client *c, int seconds, client_each_line *each, struct err *e)
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
		if (c->last.code == 334)
			span_copy(span_from(line, 4), c->challenge, sizeof c->challenge);
	}
	if (c->last.code == 421)
		c->broken = true;	/* it is about to hang up: RFC 5321 3.8 */
	return true;
}

bool client_flush(struct smtp_client *c, int seconds, struct err *e)
{
	return out_flush(c->out, clock_in(seconds), e) || broke(c);
}

/* Ask, and want an answer of that class (2 or 3). */
static bool ask(struct smtp_client *c, int seconds, unsigned class, client_each_line *each,
    struct err *e, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
static bool ask(struct smtp_client *c, int seconds, unsigned class, client_each_line *each,
    struct err *e, const char *fmt, ...)
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
	if (!client_flush(c, seconds, e) || !client_read_answer(c, seconds, each, e))
		return false;
	return c->last.code / 100 == class || answer_to_err(&c->last, e);
}

/* --- getting acquainted --- */

bool smtp_client_greet(struct smtp_client *c, struct err *e)
{
	if (!client_read_answer(c, c->patience->greeting, NULL, e))
		return err_while(e, "waiting for the greeting");
	if (c->last.code == 220)
		return true;
	c->broken = true;
	/* A server that greets with 5xx may only be in a bad mood today: the next MX decides. RFC 5321 3.1 */
	answer_to_err(&c->last, e);
	return false;
}

/* RFC 9422 4: words of NAME=NUMBER, of which we know three; what is not so is passed over. */
static void note_limits(struct smtp_client *c, struct span words)
{
	struct span word, name;
	uint64_t n;

	while ((word = span_word(&words)).n) {
		if (!span_cut(&word, '=', &name) || !span_u64(word, 999999, &n) || !n)
			continue;
		if (span_is(name, "RCPTMAX"))
			c->rcpt_max = (size_t)n;
		else if (span_is(name, "MAILMAX"))
			c->mail_max = (size_t)n;
		else if (span_is(name, "RCPTDOMAINMAX"))
			c->domain_max = (size_t)n;
	}
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
	if (bit == EXT_LIMITS)
		note_limits(c, line);
}

/* An answer speaks for itself, and its code is looked for in front. */
static bool say_when(struct err *e, const char *command)
{
	return e && report_is_reply(e->text) ? false : err_while(e, "%s", command);
}

bool smtp_client_hello(struct smtp_client *c, struct err *e)
{
	forget_extensions(c);
	if (ask(c, c->patience->hello, 2, note_extension, e, c->lmtp ? "LHLO %s" : "EHLO %s", c->hello_name))
		return true;
	if (c->lmtp || c->broken || c->last.code < 500)
		return say_when(e, c->lmtp ? "LHLO" : "EHLO");
	return ask(c, c->patience->hello, 2, NULL, e, "HELO %s", c->hello_name) ||
	    say_when(e, "HELO");
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

/* --- who we are: RFC 4954 --- */

/*
 * A server that quotes the line which it did not like must not have our password in logs and reports: an
 * answer that has the beginning of it, or of what it was made of, is left out. So is nonsense in place of one.
 */
static bool is_echo(const char *text, struct span said, struct span words)
{
	ptrdiff_t nul = span_rfind(words, '\0');

	words = span_from(words, (size_t)(nul + 1));		/* of PLAIN what is last */
	return (said.n >= ECHO_MIN && span_search(span_of(text), span_to(said, ECHO_MIN)) >= 0) ||
	    (words.n >= ECHO_MIN / 2 && span_search(span_of(text), words) >= 0);
}

static void forget_echo(struct answer *a, struct err *e, bool answered, struct span said, struct span words)
{
	if (is_echo(a->text, said, words))
		snprintf(a->text, sizeof a->text, "(our own words)");
	if (!answered && e && is_echo(e->text, said, words))
		err_temp(e, "4.5.0", "the other server said no reply but our own words");
}

/* A line that holds a secret: it is not kept anywhere. */
static bool say_words(struct smtp_client *c, const char *before, struct span words, struct err *e)
{
	struct str line = STR(WORDS_MAX);
	bool ok;

	str_add_text(&line, before);
	base64_encode(words, &line);
	if (*before && !words.n)
		str_add_char(&line, '=');
	str_add_text(&line, "\r\n");
	out_add(c->out, str_span(&line));
	ok = !line.over ||
	    err_temp(e, "4.7.0", "the answer to its challenge is longer than AUTH allows");
	ok = ok && client_flush(c, c->patience->hello, e) &&
	    client_read_answer(c, c->patience->hello, NULL, e);
	forget_echo(&c->last, e, ok, span_trim(span_from(str_span(&line), strlen(before))), words);
	explicit_bzero(line.p, line.n);
	str_free(&line);
	return ok;
}

/* 334: words for us. An empty challenge is one too. */
static bool answer_challenge(struct smtp_client *c, const struct smtp_auth *how, struct err *e)
{
	struct str challenge = STR(WORDS_MAX), words = STR(WORDS_MAX);
	bool ok = base64_decode(span_trim(span_of(c->challenge)), &challenge) ||
	    err_temp(e, "4.7.0", "its challenge is no base64");

	ok = ok && how->answer(how->arg, str_span(&challenge), &words, e);
	if (ok) {
		ok = say_words(c, "", str_span(&words), e);
	} else {
		/* RFC 4954 4: "*" ends the exchange, and it answers 501. */
		out_text(c->out, "*\r\n");
		if (client_flush(c, c->patience->hello, NULL))
			client_read_answer(c, c->patience->hello, NULL, NULL);
	}
	explicit_bzero(words.p, words.n);
	str_free(&words);
	str_free(&challenge);
	return ok;
}

static bool say_auth(struct smtp_client *c, const struct smtp_auth *how, struct err *e)
{
	char before[64];

	if (!how->initial.p)
		return ask(c, c->patience->hello, 3, NULL, e, "AUTH %s", how->mechanism);
	snprintf(before, sizeof before, "AUTH %s ", how->mechanism);
	return say_words(c, before, how->initial, e);
}

bool smtp_client_auth(struct smtp_client *c, const struct smtp_auth *how, struct err *e)
{
	bool ok = say_auth(c, how, e);

	for (int i = 0; ok && c->last.code == 334 && i < CHALLENGES_MAX; i++)
		ok = answer_challenge(c, how, e);
	if (ok && c->last.code != 235)
		ok = answer_to_err(&c->last, e);
	return ok || err_while(e, "AUTH %s", how->mechanism);
}

bool smtp_client_try(struct smtp_client *c, const char *sender, const char *rcpt, struct err *e)
{
	struct answer got;
	bool ok = (ask(c, c->patience->mail, 2, NULL, e, "MAIL FROM:<%s>", sender) || err_while(e, "MAIL")) &&
	    (ask(c, c->patience->rcpt, 2, NULL, e, "RCPT TO:<%s>", rcpt) || err_while(e, "RCPT"));

	got = c->last;
	if (!c->broken)
		ask(c, c->patience->hello, 2, NULL, NULL, "RSET");
	c->last = got;		/* what it said about the recipient */
	return ok;
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

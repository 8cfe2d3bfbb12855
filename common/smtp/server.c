/* One client, one readable loop. See server.h. */
#include "common/smtp/server.h"

#include <errno.h>
#include <poll.h>

#include "common/smtp/verb.h"

enum { COMMAND_MEMORY = 1 << 20, EARLY_SIZE = 4096 };

void smtp_forget(struct smtp *s)
{
	s->hooks->reset(s);
	arena_reset(s->mail);
	s->rcpts = 0;
	s->smtputf8 = false;
	s->body_open = s->over = false;
	if (s->state & (SMTP_SENDER | SMTP_RCPTS | SMTP_CHUNKS))
		s->state = SMTP_READY;
}

ms_t smtp_until(const struct smtp *s)
{
	ms_t until = clock_in(s->terms->command_timeout_s);

	return s->known || until < s->greet_until ? until : s->greet_until;
}

/* What a line that is no line gets. */
static struct reply bad_line(enum line_kind kind)
{
	switch (kind) {
	case LINE_LONG:
		return reply_say(500, "5.5.2", "that line is too long");
	case LINE_BARE:
		return reply_say(500, "5.5.2", "a line ends in CRLF, and that one has a bare CR or LF");
	case LINE_NUL:
		return reply_say(500, "5.5.2", "that line has a NUL byte");
	case LINE_LATE:
		return reply_say(421, "4.4.2", "waited long enough");
	default:
		return (struct reply){ .code = 0 };	/* nobody is there any more */
	}
}

bool smtp_ask(struct smtp *s, struct reply *r, struct span *line)
{
	enum line_kind kind;

	reply_send(r, s->out);
	kind = out_flush(s->out, smtp_until(s), NULL) ? line_read(s->in, smtp_until(s), line) : LINE_END;
	if (kind == LINE_OK)
		return true;
	*r = bad_line(kind);
	if (kind == LINE_LONG)
		*r = reply_say(500, "5.5.6", "that line is too long");	/* RFC 4954 4 */
	if (!r->code)
		s->state = SMTP_DONE;
	return false;
}

/*
 * Whoever speaks before the greeting is no mail server: RFC 5321 3.1. Its words are in the
 * packet behind the one that made the connection, so a short wait finds it.
 */
static bool talks_early(struct smtp *s, struct stream *stream)
{
	ms_t wait = s->terms->early_ms ? s->terms->early_ms : SMTP_EARLY_MS;
	ms_t until = clock_ms() + (s->terms->early_talkers ? 0 : wait);
	char buf[EARLY_SIZE];
	ssize_t n = stream->read(stream, buf, sizeof buf, until);

	if (n > 0)
		line_push(s->in, (struct span){ buf, (size_t)n });
	return n > 0 && !s->terms->early_talkers;
}

struct reply smtp_expel(struct smtp *s, struct reply r)
{
	s->state = SMTP_DONE;
	s->expelled = true;
	return r;
}

/* RFC 5321 3.1: 554 instead of 220 means that there is no mail server here, for you. */
static struct reply not_welcome(struct smtp *s, struct reply r)
{
	s->state = SMTP_DONE;
	if (s->hooks->refused)
		s->hooks->refused(s, SPAN("connect"), &r);
	return r;
}

struct reply smtp_greet(struct smtp *s)
{
	struct reply r;
	struct err e;

	if (!s->hooks->greet || s->hooks->greet(s, &e))
		return reply_say(220, "", "%s ESMTP Posthorn", s->terms->host_name);
	r = reply_refuse(&e);
	r.code = e.kind == ERR_PERM ? 554 : 421;
	return not_welcome(s, r);
}

static struct reply greet(struct smtp *s, struct stream *stream)
{
	s->early = talks_early(s, stream);
	if (s->early && !s->terms->early_judged)
		return not_welcome(s, reply_say(554, "5.5.1", "wait for the greeting before you speak"));
	return smtp_greet(s);
}

/* Mistakes cost time, and in the end the conversation. */
static void count_mistake(struct smtp *s, struct reply *r)
{
	if (r->code < 500)
		return;
	s->errors++;
	if (s->errors >= s->terms->errors_max)
		*r = reply_say(421, "4.7.0", "too many mistakes");
	else if (s->errors > SMTP_ERRORS_SOFT && s->terms->error_delay_ms)
		poll(NULL, 0, s->terms->error_delay_ms);
}

static struct reply next(struct smtp *s)
{
	bool login = smtp_offered(s) & EXT_AUTH;
	struct span line;
	enum line_kind kind;
	struct reply r;
	struct err e;

	line_set_max(s->in, login ? SMTP_AUTH_MAX : SMTP_LINE_MAX);
	kind = line_read(s->in, smtp_until(s), &line);
	if (kind == LINE_OK && s->hooks->go_on && !s->hooks->go_on(s, &e))
		return reply_say(421, e.status, "%s", e.text);
	r = kind == LINE_OK ? smtp_command(s, line) : bad_line(kind);
	if (kind == LINE_END)
		s->state = SMTP_DONE;
	if (kind != LINE_OK && r.code >= 500 && s->hooks->refused)
		s->hooks->refused(s, SPAN("?"), &r);
	return r;
}

/* Answers to pipelined commands leave together: RFC 2920 3.2. */
static bool send_reply(struct smtp *s, const struct reply *r)
{
	reply_send(r, s->out);
	if (s->state != SMTP_DONE && span_has(line_rest(s->in), '\n'))
		return !out_failed(s->out);
	return out_flush(s->out, clock_in(s->terms->command_timeout_s), NULL);
}

/* RFC 5321 3.8: no server closes a connection without a word. */
static void say_farewell(struct smtp *s)
{
	struct reply r = reply_say(421, "4.7.0", "%s closes the connection", s->terms->host_name);

	if (s->expelled)
		send_reply(s, &r);
}

static void converse(struct smtp *s, struct stream *stream)
{
	struct reply r = greet(s, stream);

	while (send_reply(s, &r) && s->state != SMTP_DONE) {
		arena_reset(s->command);
		r = next(s);
		count_mistake(s, &r);
		if (r.code == 421) {
			s->state = SMTP_DONE;
			s->expelled = false;
		}
	}
	say_farewell(s);
}

void smtp_serve(struct stream *stream, const struct smtp_hooks *hooks,
    const struct smtp_terms *terms, bool tls, void *self)
{
	struct smtp s = { .hooks = hooks, .terms = terms, .self = self, .tls = tls, .state = SMTP_FRESH };

	s.greet_until = terms->greet_timeout_s ? clock_in(terms->greet_timeout_s) : MS_NEVER;
	s.in = line_new(stream, SMTP_LINE_MAX);
	s.out = out_new(stream);
	s.command = arena_new(COMMAND_MEMORY, NULL, NULL);
	s.mail = arena_new(SMTP_MEMORY, NULL, NULL);
	out_patience(s.out, terms->command_timeout_s);
	converse(&s, stream);
	smtp_forget(&s);
	arena_free(s.mail);
	arena_free(s.command);
	out_free(s.out);
	line_free(s.in);
}

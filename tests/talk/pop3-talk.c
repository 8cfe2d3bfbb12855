/*
 * NAME
 *	pop3-talk - play a transcript against POP3, before and after login
 * SYNOPSIS
 *	pop3-talk FILE.talk...
 * DESCRIPTION
 *	See play.h for the lines of a transcript. Words of "set": in (logged in already), tls
 *	(from the start), notls (none to be had), clear (passwords without TLS), all (every
 *	mechanism, see judge.h), idle=N, greet=N,
 *	errors=N. ann's password is "a secret"; bob's can not be checked now; cut's session can not be
 *	started. STLS succeeds without any TLS, so that a transcript can go on.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "pop3d/login.h"
#include "pop3d/pop3.h"
#include "tests/talk/judge.h"
#include "tests/talk/play.h"

enum { ALARM_S = 60 };

struct scene {
	bool			in, tls, notls, clear, all;
	int			greet_s;
	struct pop3_terms	terms;
	struct str		input;		/* what the login had read already */
	struct judge		judge;
};

static bool start_tls(void *arg, struct err *e)
{
	(void)arg, (void)e;
	return true;
}

static bool hand_over(void *arg, struct span input, struct err *e)
{
	struct scene *s = arg;

	if (strcmp(s->judge.user, "cut") == 0)
		return err_temp(e, "4.3.2", "enough sessions at once");
	str_add(&s->input, input);
	return true;
}

static bool let_in(struct scene *s, struct stream *stream)
{
	struct login l = {
		.line = line_new(stream, POP3_LINE_MAX), .out = out_new(stream), .until = clock_in(s->greet_s),
		.errors_max = s->terms.errors_max, .tls = s->tls, .stls = !s->notls, .clear_ok = s->clear,
		.self = s, .judge = judge_of(&s->judge), .offer = &s->judge.offer, .start_tls = start_tls, .hand_over = hand_over,
	};
	bool in;

	judge_init(&s->judge, "a secret", s->all);
	in = login_serve(&l);

	line_free(l.line);
	out_free(l.out);
	return in;
}

static void serve(struct play *p, struct stream *stream, int fd)
{
	struct scene *s = p->self;
	struct pop3 session = { .terms = &s->terms, .root = p->root, .login = "ann" };

	(void)fd;
	if (!s->in && !let_in(s, stream))
		return;
	session.line = line_new(stream, POP3_LINE_MAX);
	session.out = out_new(stream);
	line_push(session.line, str_span(&s->input));
	pop3_serve(&session);
	line_free(session.line);
	out_free(session.out);
}

static bool set(struct play *p, struct span word, uint64_t n)
{
	struct scene *s = p->self;

	if (span_is(word, "in"))
		s->in = true;
	else if (span_is(word, "tls"))
		s->tls = true;
	else if (span_is(word, "notls"))
		s->notls = true;
	else if (span_is(word, "all"))
		s->all = true;
	else if (span_is(word, "clear"))
		s->clear = true;
	else if (span_is(word, "idle"))
		s->terms.idle_timeout_s = (int)n;
	else if (span_is(word, "greet"))
		s->greet_s = (int)n;
	else if (span_is(word, "errors"))
		s->terms.errors_max = (unsigned)n;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	int failed = 0;

	umask(0077);
	for (int i = 1; i < argc; i++) {
		struct scene s = { .greet_s = 20, .terms = { 20, 50 }, .input = STR(1 << 20) };
		struct play p = { .self = &s, .serve = serve, .set = set };

		alarm(ALARM_S);
		failed += !play_file(&p, argv[i]);
	}
	return failed ? 1 : 0;
}

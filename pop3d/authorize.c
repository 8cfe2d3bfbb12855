/* The authorization state. See login.h. */
#include "pop3d/login.h"
#include "pop3d/pop3.h"

enum login_step { STEP_NEXT, STEP_WRONG, STEP_IN };	/* WRONG counts as a mistake */

static bool may_pass(const struct login *l)
{
	return l->tls || l->clear_ok;
}

/* Not without TLS; and the settings may have no mechanism for passwords. */
static bool may_say_password(const struct login *l)
{
	return may_pass(l) && l->offer->passwords;
}

static enum login_step step_of(bool ok)
{
	return ok ? STEP_NEXT : STEP_WRONG;
}

static enum login_step refuse_clear(struct login *l)
{
	if (may_pass(l))
		return step_of(pop3_no(l->out, "[AUTH] ", "only AUTH with %s is there", l->offer->text));
	return step_of(pop3_no(l->out, "[AUTH] ", "say STLS first: no passwords in the clear"));
}

/* --- a name and a password --- */

static enum login_step refused(struct login *l, const struct err *e)
{
	if (e->kind == ERR_PERM && strncmp(e->status, "5.7", 3) == 0)
		pop3_no(l->out, "[AUTH] ", "%s", e->text);
	else
		pop3_no(l->out, "[SYS/TEMP] ", "%s", e->text);
	if (++l->failed >= LOGINS_MAX)
		l->over = true;
	return STEP_NEXT;		/* counted apart: the keeper has made it wait already */
}

static enum login_step let_in(struct login *l)
{
	struct err e;

	if (l->hand_over(l->self, line_rest(l->line), &e))
		return STEP_IN;
	pop3_no(l->out, pop3_code(&e), "your session can not be started now");
	l->over = true;
	return STEP_NEXT;
}

static enum login_step try_login(struct login *l, struct span user, struct span password)
{
	struct err e;

	if (!user.n || user.n >= sizeof l->user || !password.n || span_has(user, '\0') ||
	    span_has(password, '\0'))
		return step_of(pop3_no(l->out, "[AUTH] ", "that can not be a name and a password"));
	if (!l->judge.password(l->judge.self, "PLAIN", user, password, &e))
		return refused(l, &e);
	return let_in(l);
}

static enum login_step do_user(struct login *l, struct span arg)
{
	if (!may_say_password(l))
		return refuse_clear(l);
	if (!arg.n || !span_copy(arg, l->user, sizeof l->user))
		return step_of(pop3_no(l->out, "", "that can not be a name"));
	return step_of(pop3_ok(l->out, "now your password"));
}

/* RFC 1939 7: blanks may be part of a password, at its ends too. */
static enum login_step do_pass(struct login *l, struct span arg)
{
	enum login_step step;

	if (!may_say_password(l))
		return refuse_clear(l);
	if (!l->user[0])
		return step_of(pop3_no(l->out, "", "say USER first"));
	step = try_login(l, span_of(l->user), arg);
	l->user[0] = '\0';
	return step;
}

/* --- AUTH --- */

/* Send a challenge and read the response. False: answered already, or the client is gone. */
static bool ask(struct login *l, const struct str *challenge, struct span *line)
{
	enum line_kind kind;

	out_addf(l->out, "+ %s\r\n", challenge->p);
	if (!out_flush(l->out, l->until, NULL)) {
		l->over = true;
		return false;
	}
	line_set_max(l->line, POP3_AUTH_MAX);
	kind = line_read(l->line, l->until, line);
	line_set_max(l->line, POP3_LINE_MAX);
	if (kind == LINE_LATE || kind == LINE_END) {
		l->over = true;
		return false;
	}
	return kind == LINE_OK || pop3_no(l->out, "", "that is no line of base64");
}

/* RFC 5034 4: what is wrong with the words, or with the proof. */
static enum login_step failed(struct login *l, const struct err *e)
{
	if (strcmp(e->status, "5.7.0") == 0)
		return step_of(pop3_no(l->out, "", "as you like"));
	if (strcmp(e->status, "5.5.2") == 0)
		return step_of(pop3_no(l->out, "", "%s", e->text));
	return refused(l, e);
}

static enum login_step exchange(struct login *l, struct sasl *sasl, const struct span *said, struct str *challenge)
{
	struct err e = { .kind = ERR_NONE };
	struct span line;
	enum sasl_next next;

	while ((next = sasl_step(sasl, said, challenge, &e)) == SASL_ASK) {
		if (!ask(l, challenge, &line))
			return STEP_WRONG;
		said = &line;
	}
	return next == SASL_DONE ? let_in(l) : failed(l, &e);
}

/* Old clients ask so what there is. */
static enum login_step list_mechanisms(struct login *l)
{
	struct span words = span_of(may_pass(l) ? l->offer->text : ""), word;

	pop3_ok(l->out, "mechanisms");
	while ((word = span_word(&words)).n)
		out_addf(l->out, SPAN_FMT "\r\n", SPAN_ARG(word));
	out_text(l->out, ".\r\n");
	return STEP_NEXT;
}

static enum login_step do_auth(struct login *l, struct span arg)
{
	struct str challenge = STR(POP3_AUTH_MAX);
	enum login_step step;
	struct sasl sasl;
	struct span name;

	if (!arg.n)
		return list_mechanisms(l);
	pop3_split(arg, &name, &arg);
	if (!may_pass(l))
		return refuse_clear(l);
	if (!sasl_begin(&sasl, l->judge, l->offer, name))
		return step_of(pop3_no(l->out, "", "we know %s", l->offer->text));
	step = exchange(l, &sasl, arg.n ? &arg : NULL, &challenge);
	sasl_wipe(&sasl);
	str_free(&challenge);
	return step;
}

/* --- the other verbs --- */

static enum login_step do_capa(struct login *l, struct span arg)
{
	(void)arg;
	pop3_capa(l->out, l->stls && !l->tls, may_pass(l) ? l->offer : NULL);
	return STEP_NEXT;
}

/* What was read in the clear does not count afterwards: RFC 2595 4. */
static enum login_step do_stls(struct login *l, struct span arg)
{
	struct err e;

	(void)arg;
	if (l->tls)
		return step_of(pop3_no(l->out, "", "TLS is there already"));
	if (!l->stls)
		return step_of(pop3_no(l->out, "", "there is no TLS here"));
	pop3_ok(l->out, "begin TLS");
	if (!l->start_tls(l->self, &e)) {
		l->over = true;
		return STEP_NEXT;
	}
	line_forget(l->line);
	l->user[0] = '\0';
	l->tls = true;
	return STEP_NEXT;
}

static enum login_step do_quit(struct login *l, struct span arg)
{
	(void)arg;
	l->over = true;
	return step_of(pop3_ok(l->out, "goodbye"));
}

static const struct verb {
	const char	*name;
	enum login_step	(*run)(struct login *l, struct span arg);
} verbs[] = {
	{ "CAPA", do_capa }, { "STLS", do_stls }, { "USER", do_user }, { "PASS", do_pass },
	{ "AUTH", do_auth }, { "QUIT", do_quit },
};

/* --- the loop --- */

static enum login_step command(struct login *l, struct span line)
{
	struct span verb, arg;

	pop3_split(line, &verb, &arg);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (span_is(verb, verbs[i].name))
			return verbs[i].run(l, arg);
	}
	return step_of(pop3_no(l->out, "", "there is no such command before login"));
}

static enum login_step read_command(struct login *l)
{
	struct span line;

	switch (line_read(l->line, l->until, &line)) {
	case LINE_OK:	return command(l, line);
	case LINE_LONG:	return step_of(pop3_no(l->out, "", "that line is too long"));
	case LINE_BARE:
	case LINE_NUL:	return step_of(pop3_no(l->out, "", "a line ends in CRLF and has no CR, LF or NUL in it"));
	case LINE_LATE:	pop3_no(l->out, "", "waited long enough"); break;
	case LINE_END:	break;
	}
	l->over = true;
	return STEP_NEXT;
}

bool login_serve(struct login *l)
{
	pop3_ok(l->out, "Posthorn POP3 is ready");
	while (!l->over) {
		if (!line_waiting(l->line) && !out_flush(l->out, l->until, NULL))
			return false;
		switch (read_command(l)) {
		case STEP_IN:	return true;
		case STEP_NEXT:	break;
		case STEP_WRONG:
			if (++l->errors > l->errors_max) {
				pop3_no(l->out, "", "too many mistakes");
				l->over = true;
			}
		}
	}
	out_flush(l->out, clock_in(10), NULL);
	return false;
}

/* The authorization state. See login.h. */
#include "common/mail/encoding.h"
#include "pop3d/login.h"
#include "pop3d/pop3.h"

enum login_step { STEP_NEXT, STEP_WRONG, STEP_IN };	/* WRONG counts as a mistake */

static bool may_pass(const struct login *l)
{
	return l->tls || l->clear_ok;
}

static enum login_step step_of(bool ok)
{
	return ok ? STEP_NEXT : STEP_WRONG;
}

static enum login_step refuse_clear(struct login *l)
{
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

static enum login_step try_login(struct login *l, const char *mechanism, struct span user, struct span password)
{
	struct err e;

	if (!user.n || user.n >= sizeof l->user || !password.n || span_has(user, '\0') || span_has(password, '\0'))
		return step_of(pop3_no(l->out, "[AUTH] ", "that can not be a name and a password"));
	if (!l->check(l->self, mechanism, user, password, &e))
		return refused(l, &e);
	if (l->hand_over(l->self, line_rest(l->line), &e))
		return STEP_IN;
	pop3_no(l->out, pop3_code(&e), "your session can not be started now");
	l->over = true;
	return STEP_NEXT;
}

static enum login_step do_user(struct login *l, struct span arg)
{
	if (!may_pass(l))
		return refuse_clear(l);
	if (!arg.n || !span_copy(arg, l->user, sizeof l->user))
		return step_of(pop3_no(l->out, "", "that can not be a name"));
	return step_of(pop3_ok(l->out, "now your password"));
}

/* RFC 1939 7: blanks may be part of a password, at its ends too. */
static enum login_step do_pass(struct login *l, struct span arg)
{
	enum login_step step;

	if (!may_pass(l))
		return refuse_clear(l);
	if (!l->user[0])
		return step_of(pop3_no(l->out, "", "say USER first"));
	step = try_login(l, "PLAIN", span_of(l->user), arg);
	l->user[0] = '\0';
	return step;
}

/* --- AUTH --- */

/* authorize-as NUL name NUL password. To act for somebody else is nobody's right here. */
static enum login_step auth_plain(struct login *l, struct span said)
{
	struct span as, name;

	if (!span_cut(&said, '\0', &as) || !span_cut(&said, '\0', &name) || (as.n && !span_same(as, name)))
		return step_of(pop3_no(l->out, "[AUTH] ", "that is not what PLAIN says (RFC 4616)"));
	return try_login(l, "PLAIN", name, said);
}

/* One line of the exchange, decoded into out. False: answered already, or the client is gone. */
static bool read_response(struct login *l, const char *challenge, struct str *out)
{
	struct str asked = STR(256);
	struct span line;
	enum line_kind kind;

	base64_encode(span_of(challenge), &asked);
	out_addf(l->out, "+ %s\r\n", asked.p);
	str_free(&asked);
	if (!out_flush(l->out, l->until, NULL)) {
		l->over = true;
		return false;
	}
	line_set_max(l->line, POP3_AUTH_MAX);
	kind = line_read(l->line, l->until, &line);
	line_set_max(l->line, POP3_LINE_MAX);
	if (kind == LINE_LATE || kind == LINE_END) {
		l->over = true;
		return false;
	}
	if (kind == LINE_OK && span_is(line, "*"))
		return pop3_no(l->out, "", "as you like");
	if (kind != LINE_OK || !base64_decode(line, out) || out->over)
		return pop3_no(l->out, "", "that is not base64");
	return true;
}

static void wipe(struct str *s)
{
	if (s->cap)
		explicit_bzero(s->p, s->cap);
	str_free(s);
}

static enum login_step auth_login(struct login *l, struct span name)
{
	struct str password = STR(POP3_AUTH_MAX);
	enum login_step step = STEP_WRONG;

	if (read_response(l, "Password:", &password))
		step = try_login(l, "LOGIN", name, str_span(&password));
	wipe(&password);
	return step;
}

static const struct mechanism {
	const char	*name, *first;	/* first challenge, where the client does not begin */
	enum login_step	(*run)(struct login *l, struct span said);
} mechanisms[] = {
	{ "PLAIN", "", auth_plain },
	{ "LOGIN", "Username:", auth_login },
};

static const struct mechanism *find_mechanism(struct span name)
{
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (span_is(name, mechanisms[i].name))
			return &mechanisms[i];
	}
	return NULL;
}

/* Old clients ask so what there is. */
static enum login_step list_mechanisms(struct login *l)
{
	pop3_ok(l->out, "mechanisms");
	out_text(l->out, may_pass(l) ? "PLAIN\r\nLOGIN\r\n.\r\n" : ".\r\n");
	return STEP_NEXT;
}

static enum login_step do_auth(struct login *l, struct span arg)
{
	struct str said = STR(POP3_AUTH_MAX);
	enum login_step step = STEP_WRONG;
	const struct mechanism *m;
	struct span name;
	bool first;

	if (!arg.n)
		return list_mechanisms(l);
	pop3_split(arg, &name, &arg);
	m = find_mechanism(name);
	if (!m)
		return step_of(pop3_no(l->out, "", "we know PLAIN and LOGIN"));
	if (!may_pass(l))
		return refuse_clear(l);
	first = arg.n > 0;
	if (first && !span_is(arg, "=") && (!base64_decode(arg, &said) || said.over))
		pop3_no(l->out, "", "that is not base64");
	else if (first || read_response(l, m->first, &said))
		step = m->run(l, str_span(&said));
	wipe(&said);
	return step;
}

/* --- the other verbs --- */

static enum login_step do_capa(struct login *l, struct span arg)
{
	(void)arg;
	pop3_capa(l->out, false, l->stls && !l->tls, may_pass(l));
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

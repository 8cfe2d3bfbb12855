/* The verbs of the SMTP server: a table, and a handler each. See server.h. RFC 5321 4.1. */
#include "common/smtp/verb.h"

#include "common/mail/date.h"

unsigned smtp_offered(const struct smtp *s)
{
	unsigned offer = s->terms->offer;

	offer &= ~(unsigned)(s->tls ? EXT_STARTTLS : EXT_REQUIRETLS);	/* RFC 8689 2 */
	if (s->known)
		offer &= ~(unsigned)EXT_STARTTLS;
	if (s->known || (!s->tls && !s->terms->auth_without_tls))
		offer &= ~(unsigned)EXT_AUTH;
	return offer;
}

/* --- greetings --- */

static bool is_visible(char c)
{
	return is_print(c) && c != ' ';
}

/*
 * RFC 5321 4.1.4: a name that is not true is no reason to refuse, so neither is one
 * that is not well formed; it only has to be a word that can be logged.
 */
static struct reply hello(struct smtp *s, struct span name, bool extended)
{
	struct span rest = name = span_trim(name);
	struct err e;

	span_while(&rest, is_visible);
	if (!name.n || rest.n || !span_copy(name, s->hello, sizeof s->hello))
		return reply_say(501, "5.5.4", "say who you are: %s your.host.name", extended ? "EHLO" : "HELO");
	smtp_forget(s);
	s->state = SMTP_FRESH;
	if (s->hooks->hello && !s->hooks->hello(s, name, extended, &e))
		return reply_refuse(&e);
	s->extended = extended;
	s->state = SMTP_READY;
	return reply_say(250, "", "%s", s->terms->host_name);
}

static struct reply do_helo(struct smtp *s, struct span arg)
{
	return hello(s, arg, false);
}

/* Both forms of one limit: RFC 4865 3. */
static void add_hold_max(const struct smtp *s, struct str *out)
{
	str_addf(out, " %llu ", (unsigned long long)s->terms->hold_max);
	date_iso_print(clock_wall() + (time_t)s->terms->hold_max, out);
}

static void add_extension(const struct smtp *s, unsigned bit, struct str *out)
{
	const struct smtp_terms *t = s->terms;

	str_addf(out, "\n%s", smtp_ext_word(bit));
	if (bit == EXT_SIZE)
		str_addf(out, " %llu", (unsigned long long)t->size_max);
	if (bit == EXT_AUTH)
		str_addf(out, " %s", t->auth_words);
	if (bit == EXT_LIMITS)
		str_addf(out, " RCPTMAX=%llu", (unsigned long long)t->rcpts_max);
	if (bit == EXT_LIMITS && t->mails_max)
		str_addf(out, " MAILMAX=%llu", (unsigned long long)t->mails_max);
	if (bit == EXT_FUTURERELEASE)
		add_hold_max(s, out);
	if (bit == EXT_XCLIENT)
		str_addf(out, " %s", SMTP_XCLIENT_WORDS);
}

static struct reply do_ehlo(struct smtp *s, struct span arg)
{
	struct reply r = hello(s, arg, true);
	struct str text = STR(sizeof r.text - 1);
	unsigned offer = smtp_offered(s);

	if (r.code != 250)
		return r;
	str_add_text(&text, r.text);
	for (unsigned bit = 1; bit <= offer; bit *= 2) {
		if (offer & bit)
			add_extension(s, bit, &text);
	}
	r = reply_say(250, "", "%s", text.p);
	str_free(&text);
	return r;
}

static struct reply do_starttls(struct smtp *s, struct span arg)
{
	struct reply ready = reply_say(220, "2.0.0", "go ahead");
	struct err e;

	if (arg.n)
		return reply_say(501, "5.5.4", "STARTTLS stands alone");
	if (s->tls)
		return reply_say(503, "5.5.1", "this is TLS already");
	if (s->known) /* RFC 3207 4.2: perhaps it was somebody else, who sits between */
		return reply_say(503, "5.5.1", "you are logged in; STARTTLS comes before that");
	if (!(smtp_offered(s) & EXT_STARTTLS))
		return reply_say(454, "4.7.0", "TLS is not set up here");
	smtp_forget(s);
	reply_send(&ready, s->out);
	s->state = SMTP_DONE;
	if (!s->hooks->start_tls(s, &e))
		return (struct reply){ .code = 0 };
	/* Nothing of what was said in the clear counts any more: RFC 3207 4.2. */
	line_forget(s->in);
	s->hello[0] = '\0';
	s->extended = false;
	s->tls = true;
	s->state = SMTP_FRESH;
	return (struct reply){ .code = 0 };
}

/* --- the transaction --- */

/* "FROM:" and blanks, which RFC 5321 3.3 forbids and some clients send. */
static bool eat_preposition(struct span *arg, const char *word)
{
	if (!span_eat(arg, word))
		return false;
	span_while(arg, is_blank);
	return true;
}

/* HOLDFOR, HOLDUNTIL and BY count from now: RFC 4865 4, RFC 2852 4. */
static void fix_times(struct smtp_mail *from)
{
	const struct mail_params *p = &from->params;
	time_t now = clock_wall();

	/* now has begun already: a second more, or both would come before the time that was asked */
	from->release = p->hold_for ? now + (time_t)p->hold_for + 1 : p->hold_until > now ? p->hold_until : 0;
	from->by = p->by.mode ? now + (time_t)p->by.seconds + 1 : 0;
}

/* Times that are well formed and yet not to be had; code 0 when they are. */
static struct reply check_times(const struct smtp *s, const struct smtp_mail *from)
{
	if (from->release > clock_wall() + (time_t)s->terms->hold_max + 1)
		return reply_say(501, "5.5.4", "a message is held for %llu seconds at most",
		    (unsigned long long)s->terms->hold_max);
	if (from->by && from->release > from->by)
		return reply_say(501, "5.5.4", "it is to be delivered before it may be sent");
	return (struct reply){ .code = 0 };
}

static bool check_mail(struct smtp *s, const struct smtp_mail *from, struct err *e)
{
	if (from->path.utf8 && !from->params.smtputf8)
		return err_perm(e, "5.6.7", "a sender beyond ASCII needs the parameter SMTPUTF8");
	if (from->params.size > s->terms->size_max)
		return err_perm(e, "5.3.4", "a message may have %llu bytes here",
		    (unsigned long long)s->terms->size_max);
	return s->hooks->mail(s, from, e);
}

static struct reply mail_accepted(struct smtp *s, bool lowered)
{
	s->mails++;
	s->state = SMTP_SENDER;
	if (!s->terms->auth_needed)
		s->greet_until = MS_NEVER;	/* it has come to the point */
	if (lowered)				/* RFC 6710 4.1 */
		return reply_say(250, "2.3.6", "sender noted, with the priority %d", s->terms->priority_max);
	return reply_say(250, "2.1.0", "sender noted");
}

/* Of what EHLO said, and more: AUTH= may come after the login that ends the offer of AUTH. */
static unsigned params_offered(const struct smtp *s)
{
	unsigned offer = s->terms->offer;

	if (!s->extended)
		return 0;
	return s->tls ? offer : offer & ~(unsigned)EXT_REQUIRETLS;
}

static struct reply do_mail(struct smtp *s, struct span arg)
{
	unsigned offer = params_offered(s);
	struct smtp_mail from;
	struct reply r;
	struct err e;
	bool lowered;

	if (s->terms->mails_max && s->mails >= s->terms->mails_max)
		return reply_say(421, "4.5.3", "that is enough mail for one connection; come again");
	if (!eat_preposition(&arg, "FROM:"))
		return reply_say(501, "5.5.2", "say MAIL FROM:<address>");
	if (!path_parse(&arg, PATH_REVERSE, offer & EXT_SMTPUTF8, &from.path, &e)) {
		if (span_is(span_of(e.status), "5.1.3"))
			snprintf(e.status, sizeof e.status, "5.1.7");	/* RFC 3463: the sender's syntax */
		return reply_refuse(&e);
	}
	from.address = path_text(&from.path, s->command);
	if (!param_mail(arg, offer, s->command, &from.params, &e))
		return reply_refuse(&e);
	fix_times(&from);
	r = check_times(s, &from);
	if (r.code)
		return r;
	lowered = from.params.priority > s->terms->priority_max;
	if (lowered)
		from.params.priority = s->terms->priority_max;
	if (!check_mail(s, &from, &e)) {
		s->over = true;
		return reply_refuse(&e);
	}
	s->smtputf8 = from.params.smtputf8;
	return mail_accepted(s, lowered);
}

static struct reply do_rcpt(struct smtp *s, struct span arg)
{
	unsigned offer = params_offered(s);
	struct smtp_rcpt to;
	struct err e;

	if (!eat_preposition(&arg, "TO:"))
		return reply_say(501, "5.5.2", "say RCPT TO:<address>");
	if (s->rcpts >= s->terms->rcpts_max)
		return reply_say(452, "4.5.3",
		    "that is enough recipients for one message; send it again to the others");
	if (!path_parse(&arg, PATH_FORWARD, s->smtputf8, &to.path, &e))
		return reply_refuse(&e);
	to.address = path_text(&to.path, s->command);
	if (!param_rcpt(arg, offer, s->smtputf8, s->command, &to.params, &e) ||
	    !s->hooks->rcpt(s, &to, &e))
		return reply_refuse(&e);
	s->rcpts++;
	s->state = SMTP_RCPTS;
	return reply_say(250, "2.1.5", "recipient noted");
}

static struct reply do_rset(struct smtp *s, struct span arg)
{
	(void)arg;
	smtp_forget(s);
	return reply_say(250, "2.0.0", "forgotten");
}

/* --- the rest --- */

static struct reply do_noop(struct smtp *s, struct span arg)
{
	(void)s;
	(void)arg;
	return reply_say(250, "2.0.0", "still here");
}

/* VRFY and EXPN would tell address harvesters who is here: RFC 5321 7.3 allows this answer, 3.5.3 the next. */
static struct reply do_vrfy(struct smtp *s, struct span arg)
{
	(void)s;
	if (!arg.n)
		return reply_say(501, "5.5.4", "say VRFY address");
	return reply_say(252, "2.5.0", "send it a message, and you will know");
}

static struct reply do_expn(struct smtp *s, struct span arg)
{
	(void)s;
	(void)arg;
	return reply_say(502, "5.5.1", "lists are not shown here");
}

static struct reply do_quit(struct smtp *s, struct span arg)
{
	(void)arg;
	s->state = SMTP_DONE;
	return reply_say(221, "2.0.0", "%s says goodbye", s->terms->host_name);
}

/* A browser was made to talk to us: not a word of it may come back (ALPACA). */
static struct reply do_web(struct smtp *s, struct span arg)
{
	(void)arg;
	s->state = SMTP_DONE;
	return reply_say(554, "5.5.1", "this is not a web server");
}

static struct reply do_help(struct smtp *s, struct span arg);

enum verb_kind {
	JUNK	= 1 << 0,	/* does nothing for a message: SMTP_JUNK_MAX of them */
	LOGIN	= 1 << 1,	/* only after login where that is needed */
	HIDDEN	= 1 << 2,	/* not in HELP */
	SECRET	= 1 << 3,	/* its argument is not for the log */
	LAST	= 1 << 4,	/* ends a group: what follows waits for its reply */
	GREETING = 1 << 5,	/* LAST, but forgiven where early talkers are */
	PROXY	= 1 << 6,	/* unknown to all but the proxies we know */
};

static const struct verb {
	const char	*name;
	unsigned	 when;		/* states in which it makes sense */
	unsigned	 kind;
	struct reply	(*run)(struct smtp *s, struct span arg);
} verbs[] = {
	{ "EHLO",	SMTP_ANY,		JUNK | GREETING, do_ehlo },
	{ "HELO",	SMTP_ANY,		JUNK | GREETING, do_helo },
	{ "STARTTLS",	SMTP_FRESH | SMTP_READY, 0,		do_starttls },
	{ "AUTH",	SMTP_READY,		SECRET | LAST,	smtp_do_auth },
	{ "MAIL",	SMTP_READY,		LOGIN,		do_mail },
	{ "RCPT",	SMTP_SENDER | SMTP_RCPTS, LOGIN,	do_rcpt },
	{ "DATA",	SMTP_RCPTS,		LOGIN | LAST,	smtp_do_data },
	{ "BDAT",	SMTP_ANY,		0,		smtp_do_bdat },	/* eats its chunk even when refused */
	{ "RSET",	SMTP_ANY,		JUNK,		do_rset },
	{ "NOOP",	SMTP_ANY,		JUNK,		do_noop },
	{ "VRFY",	SMTP_ANY,		JUNK | LOGIN,	do_vrfy },
	{ "EXPN",	SMTP_ANY,		JUNK | LOGIN,	do_expn },
	{ "HELP",	SMTP_ANY,		JUNK,		do_help },
	{ "QUIT",	SMTP_ANY,		0,		do_quit },
	{ "XCLIENT",	SMTP_FRESH | SMTP_READY, HIDDEN | LAST | PROXY, smtp_do_xclient },
	{ "GET",	SMTP_ANY,		HIDDEN,		do_web },
	{ "POST",	SMTP_ANY,		HIDDEN,		do_web },
	{ "PUT",	SMTP_ANY,		HIDDEN,		do_web },
	{ "HEAD",	SMTP_ANY,		HIDDEN,		do_web },
	{ "OPTIONS",	SMTP_ANY,		HIDDEN,		do_web },
	{ "CONNECT",	SMTP_ANY,		HIDDEN,		do_web },
	{ .name = NULL }
};

static struct reply do_help(struct smtp *s, struct span arg)
{
	struct str text = STR(400);
	struct reply r;

	(void)arg;
	str_add_text(&text, "this is Posthorn on ");
	str_add_text(&text, s->terms->host_name);
	str_add_text(&text, "; it knows\n");
	for (const struct verb *v = verbs; v->name; v++) {
		if (!(v->kind & HIDDEN))
			str_addf(&text, "%s ", v->name);
	}
	str_add_text(&text, "\nRFC 5321 tells the rest");
	r = reply_say(214, "2.0.0", "%s", text.p);
	str_free(&text);
	return r;
}

static const struct verb *find_verb(const struct smtp *s, struct span word)
{
	const struct verb *v = verbs;

	while (v->name && !span_is(word, v->name))
		v++;
	if (!v->name || (v->kind & PROXY && !(s->terms->offer & EXT_XCLIENT)))
		return NULL;
	return v;
}

/* Was more said already, though it had to wait for the reply to this? RFC 2920 3.1. */
static bool out_of_turn(const struct smtp *s, const struct verb *v)
{
	bool strict = !s->terms->early_talkers;
	unsigned last = strict ? LAST | GREETING : LAST;

	/* Who said HELO knows of no pipelining. */
	return !s->terms->batch && line_waiting(s->in) &&
	    (v->kind & last || (strict && s->state != SMTP_FRESH && !s->extended));
}

/* Why a verb that we know can not be run now; code 0 when it can. */
static struct reply objection(struct smtp *s, const struct verb *v, size_t line_bytes)
{
	if (line_bytes + 2 > SMTP_LINE_MAX && !(v->kind & SECRET))
		return reply_say(500, "5.5.2", "that line is too long");
	if (v->kind & JUNK && ++s->junk > SMTP_JUNK_MAX)
		return reply_say(421, "4.7.0", "too much talk about nothing");
	if (v->kind & LOGIN && s->terms->auth_needed && !s->known)
		return reply_say(530, "5.7.0", "log in first%s", s->tls ? "" : ", and STARTTLS before that");
	if (v->when & s->state)
		return (struct reply){ .code = 0 };
	if (s->state == SMTP_FRESH)
		return reply_say(503, "5.5.1", "say EHLO first");
	return reply_say(503, "5.5.1", "%s makes no sense here", v->name);
}

static struct reply run(struct smtp *s, const struct verb *v, struct span line, struct span arg)
{
	struct reply r = objection(s, v, line.n);

	if (r.code)
		return r;
	if (out_of_turn(s, v))
		return smtp_expel(s, reply_say(554, "5.5.0", "wait for the reply to %s before you say more", v->name));
	return v->run(s, arg);
}

struct reply smtp_command(struct smtp *s, struct span line)
{
	struct span word = line, arg = line, told = line;
	const struct verb *v;
	struct reply r;

	if (!span_cut(&arg, ' ', &word))
		arg = span_from(line, line.n);
	v = find_verb(s, word);
	r = v ? run(s, v, line, span_trim(arg)) : reply_say(500, "5.5.2", "no such command; try HELP");
	if (!v)
		told = SPAN("?");	/* perhaps a password that missed its AUTH */
	else if (v->kind & SECRET)
		told = span_of(v->name);
	if (r.code >= 400 && s->instead.code)
		r = s->instead;
	s->instead.code = 0;
	if (r.code >= 400 && s->hooks->refused)
		s->hooks->refused(s, told, &r);
	if (s->over)
		smtp_forget(s);
	return r;
}

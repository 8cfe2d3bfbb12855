/* The conversation before login. See login.h. */
#include "imapd/login.h"
#include "imapd/parse.h"

static void add_capabilities(struct login *l)
{
	bool open = l->tls || l->clear_ok;
	struct span words = span_of(open ? l->offer->text : ""), word;

	out_addf(l->out, "IMAP4rev1 LITERAL+ ID SASL-IR%s%s",
	    !l->tls && l->offer_tls ? " STARTTLS" : "",
	    open && l->offer->passwords ? "" : " LOGINDISABLED");
	while ((word = span_word(&words)).n)
		out_addf(l->out, " AUTH=" SPAN_FMT, SPAN_ARG(word));
}

static struct reply do_capability(struct login *l, struct command *c)
{
	(void)c;
	out_text(l->out, "* CAPABILITY ");
	add_capabilities(l);
	out_text(l->out, "\r\n");
	return say(REPLY_OK, "command done");
}

static struct reply do_noop(struct login *l, struct command *c)
{
	(void)l, (void)c;
	return say(REPLY_OK, "command done");
}

static struct reply do_id(struct login *l, struct command *c)
{
	if (!c->arg.n)
		return say(REPLY_BAD, "say ID NIL or ID (\"name\" \"value\" ...)");
	out_text(l->out, "* ID (\"name\" \"Posthorn\")\r\n");
	return say(REPLY_OK, "command done");
}

static struct reply do_logout(struct login *l, struct command *c)
{
	(void)c;
	out_text(l->out, "* BYE until next time\r\n");
	l->over = true;
	return say(REPLY_OK, "command done");
}

/* What was said in the clear is forgotten, RFC 3501 6.2.1 and STYLE habit 19. */
static struct reply do_starttls(struct login *l, struct command *c)
{
	struct reply r = say(REPLY_OK, "begin TLS now");
	struct err e;

	if (l->tls || !l->offer_tls)
		return say(REPLY_BAD, l->tls ? "TLS is up already" : "there is no TLS here");
	if (!out_flush(l->out, l->until, &e)) {
		l->over = true;
		return r;
	}
	reply_print(l->out, c->tag, &r);
	l->tls = l->start_tls(l->self, l->out, &e);
	l->over = !l->tls;
	line_forget(l->reader.line);
	return (struct reply){ .kind = REPLY_OK };		/* said already */
}

static const struct {
	const char	*name;
	bool		 no_arg;
	struct reply	(*run)(struct login *l, struct command *c);
} verbs[] = {
	{ "CAPABILITY",		true,	do_capability },
	{ "NOOP",		true,	do_noop },
	{ "LOGOUT",		true,	do_logout },
	{ "STARTTLS",		true,	do_starttls },
	{ "ID",			false,	do_id },
	{ "LOGIN",		false,	login_do_login },
	{ "AUTHENTICATE",	false,	login_do_authenticate },
};

/* A browser that was led here must not find its own words in the answer. */
static bool is_http(struct span tag)
{
	static const char *const methods[] = { "GET", "POST", "HEAD", "PUT", "OPTIONS", "CONNECT" };

	for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
		if (span_is(tag, methods[i]))
			return true;
	}
	return false;
}

static struct reply run(struct login *l, struct command *c)
{
	if (is_http(c->tag))
		return say(REPLY_BYE, "this is no web server");
	if (span_same(c->tag, SPAN("*")) || !c->name.n)
		return say(REPLY_BAD, "a command is a tag, a blank and a name");
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (!span_is(c->name, verbs[i].name))
			continue;
		if (verbs[i].no_arg && c->arg.n)
			return say(REPLY_BAD, "%s takes no argument", verbs[i].name);
		return verbs[i].run(l, c);
	}
	return say(REPLY_BAD, "no such command before login");
}

/* true: the client is somebody else's now. */
static bool answer(struct login *l, struct command *c)
{
	struct reply r = run(l, c);
	struct err e;

	if (l->known) {
		if (l->hand_over(l->self, c->tag, line_rest(l->reader.line), &e))
			return true;
		r = say(REPLY_NO, "[UNAVAILABLE] no session can be started now");
		l->over = true;
	}
	if (r.text[0])
		reply_print(l->out, c->tag, &r);
	if (r.kind == REPLY_BYE)
		l->over = true;
	if (r.kind == REPLY_BAD && ++l->errors > l->errors_max) {
		out_text(l->out, "* BYE too many mistakes\r\n");
		l->over = true;
	}
	return false;
}

static bool serve_one(struct login *l)
{
	const char *why = "too late";
	struct command c;
	struct reply r;

	switch (command_read(&l->reader, l->until, &c, &why)) {
	case READ_COMMAND:
		return answer(l, &c);
	case READ_REFUSED:
		r = say(REPLY_BAD, "%s", why);
		reply_print(l->out, c.tag, &r);
		l->over = ++l->errors > l->errors_max;
		return false;
	case READ_FATAL:
	case READ_LATE:
		out_addf(l->out, "* BYE %s\r\n", why);
		break;
	case READ_END:
		break;
	}
	l->over = true;
	return false;
}

/* From the greeting to the hand-over (true) or to goodbye. */
static bool serve(struct login *l)
{
	bool handed = false;

	out_text(l->out, "* OK [CAPABILITY ");
	add_capabilities(l);
	out_addf(l->out, "] %s at your service\r\n", l->host_name);
	while (!handed && !l->over) {
		if (!out_flush(l->out, l->until, NULL))
			return false;
		arena_reset(l->reader.arena);
		handed = serve_one(l);
	}
	out_flush(l->out, clock_in(10), NULL);
	return handed;
}

bool login_serve(struct login *l)
{
	bool handed;

	l->out = out_new(l->stream);
	l->reader = (struct reader){
		.line = line_new(l->stream, READ_LOGIN_LINE), .out = l->out,
		.arena = arena_new(LOGIN_ARENA_MAX, NULL, NULL), .literal_max = READ_LOGIN_LINE,
		.all_max = READ_LOGIN_ALL, .eat_max = READ_LOGIN_ALL, .patience_s = l->patience_s, .over = l->until,
	};
	handed = serve(l);
	line_free(l->reader.line);
	out_free(l->out);
	arena_free(l->reader.arena);
	return handed;
}

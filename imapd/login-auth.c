/* LOGIN and AUTHENTICATE. RFC 3501 6.2.2, 6.2.3; RFC 4959 (SASL-IR). */
#include "imapd/login.h"
#include "imapd/parse.h"

static bool allowed(const struct login *l)
{
	return l->tls || l->clear_ok;
}

static struct reply too_open(void)
{
	return say(REPLY_NO, "[PRIVACYREQUIRED] anybody could read your password: say STARTTLS first");
}

static struct reply failed(struct login *l, const struct err *e)
{
	if (++l->tries >= LOGIN_TRIES_MAX) {
		l->over = true;
		return say(REPLY_BYE, "too many failed logins");
	}
	return say(REPLY_NO, "[%s] %s",
	    e->status[0] == '4' ? "UNAVAILABLE" : "AUTHENTICATIONFAILED", e->text);
}

/* LOGIN. The session says OK when all is well. */
static struct reply check(struct login *l, struct span user, struct span password)
{
	struct err e;

	if (!user.n || user.n >= AUTH_NAME_MAX || password.n >= AUTH_PASSWORD_MAX ||
	    span_has(user, '\0') || span_has(password, '\0')) {
		err_perm(&e, "5.7.8", "wrong name or password");
		return failed(l, &e);
	}
	l->known = l->judge.password(l->judge.self, "LOGIN", user, password, &e);
	return l->known ? say(REPLY_OK, "logged in") : failed(l, &e);
}

struct reply login_do_login(struct login *l, struct command *c)
{
	struct span arg = c->arg, user, password;

	if (!allowed(l))
		return too_open();
	if (!l->offer->passwords)
		return say(REPLY_NO, "[CANNOT] only AUTHENTICATE with %s is there", l->offer->text);
	if (!parse_astring(&arg, l->reader.arena, &user) || !parse_space(&arg) ||
	    !parse_astring(&arg, l->reader.arena, &password) || !parse_end(arg))
		return say(REPLY_BAD, "say LOGIN name password");
	return check(l, user, password);
}

/* --- AUTHENTICATE --- */

/* Send a challenge and wait for the response. false: it did not come. */
static bool ask(struct login *l, struct str *challenge, struct span *response)
{
	bool sent;

	out_addf(l->out, "+ %s\r\n", challenge->p);
	str_reset(challenge);
	sent = out_flush(l->out, l->until, NULL);
	return sent && line_read(l->reader.line, l->until, response) == LINE_OK;
}

/* Challenge and response until it is decided. */
static struct reply exchange(struct login *l, struct sasl *sasl, const struct span *said)
{
	struct str challenge = STR(SASL_WORD_MAX);
	struct err e = { .kind = ERR_NONE };
	struct span response;
	enum sasl_next next;

	while ((next = sasl_step(sasl, said, &challenge, &e)) == SASL_ASK) {
		if (!ask(l, &challenge, &response)) {
			str_free(&challenge);
			return say(REPLY_BYE, "the response did not come");
		}
		said = &response;
	}
	str_free(&challenge);
	l->known = next == SASL_DONE;
	if (l->known)
		return say(REPLY_OK, "logged in");
	if (strcmp(e.status, "5.7.0") == 0 || strcmp(e.status, "5.5.2") == 0)
		return say(REPLY_BAD, "%s", e.text);	/* the client's own doing: RFC 3501 6.2.2 */
	if (sasl->for_another)
		return say(REPLY_NO, "[AUTHORIZATIONFAILED] %s", e.text);
	return failed(l, &e);
}

struct reply login_do_authenticate(struct login *l, struct command *c)
{
	struct span arg = c->arg, mechanism;
	struct sasl sasl = { 0 };
	struct reply r;
	bool has_first;

	if (!parse_atom(&arg, &mechanism))
		return say(REPLY_BAD, "say AUTHENTICATE and one of %s", l->offer->text);
	has_first = parse_space(&arg);
	if (has_first ? !arg.n : !parse_end(arg))
		return say(REPLY_BAD, "say AUTHENTICATE mechanism [response]");
	if (!allowed(l))
		return too_open();
	if (!sasl_begin(&sasl, l->judge, l->offer, mechanism))
		return say(REPLY_NO, "[CANNOT] only %s are there", l->offer->text);
	r = exchange(l, &sasl, has_first ? &arg : NULL);
	sasl_wipe(&sasl);
	return r;
}

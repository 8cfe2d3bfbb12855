/* AUTH PLAIN (RFC 4616) and AUTH LOGIN, which has no RFC and many clients. See session.h. */
#include "msa/session.h"

#include "common/mail/encoding.h"
#include "common/mail/maillog.h"

enum { RESPONSE_MAX = 3 * LOGIN_WORD_MAX };

static void wipe(struct str *s)
{
	if (s->cap)
		explicit_bzero(s->p, s->cap);
	str_free(s);
}

static enum smtp_auth more(const char *challenge, struct str *out)
{
	base64_encode(span_of(challenge), out);
	return SMTP_AUTH_MORE;
}

static enum smtp_auth wrong_form(struct err *e)
{
	err_perm(e, "5.5.2", "the response is not well formed");
	return SMTP_AUTH_FAILED;
}

/* Ask the keeper, whose helper knows passwords. */
static enum smtp_auth check(struct smtp *s, const char *mechanism, struct span user, struct span password, struct err *e)
{
	struct session *x = s->self;
	const struct wire_peer *peer = &x->wire.peer;

	if (!user.n || user.n > LOGIN_WORD_MAX || password.n > LOGIN_WORD_MAX || span_has(user, '\0'))
		return wrong_form(e);
	if (!role_login(&x->self, mechanism, peer->service, user, password, peer->ip, &x->who, e)) {
		maillog_login_failed(peer->service, peer->ip, user, mechanism, e->text);
		return SMTP_AUTH_FAILED;
	}
	maillog_login(peer->service, peer->ip, span_of(x->who.login), mechanism);
	return SMTP_AUTH_DONE;
}

/* authorize-as NUL name NUL password. To act for somebody else is nobody's right here. */
static enum smtp_auth plain(struct smtp *s, struct span response, struct str *challenge, struct err *e)
{
	struct span as, name;

	(void)challenge;
	if (!span_cut(&response, '\0', &as) || !span_cut(&response, '\0', &name) || span_has(response, '\0'))
		return wrong_form(e);
	if (as.n && !span_same(as, name))
		return wrong_form(e);
	return check(s, "PLAIN", name, response, e);
}

/* The name, and then the password. */
static enum smtp_auth login(struct smtp *s, struct span response, struct str *challenge, struct err *e)
{
	struct session *x = s->self;
	enum smtp_auth step;

	if (!x->login_name.n) {
		if (!response.n || response.n > LOGIN_WORD_MAX)
			return wrong_form(e);
		str_add(&x->login_name, response);
		return more("Password:", challenge);
	}
	step = check(s, "LOGIN", str_span(&x->login_name), response, e);
	str_reset(&x->login_name);
	return step;
}

static const struct mechanism {
	const char	*name, *first;		/* first challenge, where the client says nothing of its own */
	enum smtp_auth	(*step)(struct smtp *s, struct span response, struct str *challenge, struct err *e);
} mechanisms[] = {
	{ "PLAIN", "", plain },
	{ "LOGIN", "Username:", login },
	{ .name = NULL }
};

enum smtp_auth session_auth(struct smtp *s, struct span mechanism, const struct span *said, bool first,
    struct str *challenge, struct err *e)
{
	struct session *x = s->self;
	struct str response = STR(RESPONSE_MAX);
	const struct mechanism *m = mechanisms;
	enum smtp_auth step;

	while (m->name && !span_is(mechanism, m->name))
		m++;
	if (!m->name) {
		err_perm(e, "5.5.4", "there is no such mechanism; " LOGIN_MECHANISMS " are there");
		return SMTP_AUTH_FAILED;
	}
	if (first)
		str_reset(&x->login_name);
	if (!said)
		return more(m->first, challenge);
	if (!base64_decode(*said, &response) || response.over)
		step = wrong_form(e);
	else
		step = m->step(s, str_span(&response), challenge, e);
	wipe(&response);
	return step;
}

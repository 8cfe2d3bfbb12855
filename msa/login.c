/* AUTH: the client's words go through common/auth/sasl, the password to the keeper. See session.h. */
#include "msa/session.h"

#include "common/mail/maillog.h"

/* Ask the keeper, whose helper knows passwords. */
static enum smtp_auth check(struct session *x, struct err *e)
{
	const struct wire_peer *peer = &x->wire.peer;
	struct span user = span_of(x->sasl.user);
	const char *mechanism = sasl_name(&x->sasl);

	if (!role_login(&x->self, mechanism, peer->service, user, span_of(x->sasl.password), peer->ip, &x->who, e)) {
		maillog_login_failed(peer->service, peer->ip, user, mechanism, e->text);
		return SMTP_AUTH_FAILED;
	}
	maillog_login(peer->service, peer->ip, span_of(x->who.login), mechanism);
	wire_mark(&x->wire, WIRE_KNOWN, true);
	return SMTP_AUTH_DONE;
}

enum smtp_auth session_auth(struct smtp *s, struct span mechanism, const struct span *said, bool first,
    struct str *challenge, struct err *e)
{
	struct session *x = s->self;
	enum smtp_auth end = SMTP_AUTH_FAILED;

	if (first && !sasl_begin(&x->sasl, mechanism)) {
		err_perm(e, "5.5.4", "there is no such mechanism; " SASL_MECHANISMS " are there");
		return SMTP_AUTH_FAILED;
	}
	switch (sasl_step(&x->sasl, said, challenge, e)) {
	case SASL_ASK:
		return SMTP_AUTH_MORE;
	case SASL_DONE:
		end = check(x, e);
		break;
	case SASL_FAILED:
		break;
	}
	sasl_wipe(&x->sasl);
	return end;
}

/* Letting a client in. See entry.h. */
#include "common/keeper/entry.h"

#include "common/mail/maillog.h"

static void welcome(struct entry *x, const char *mechanism)
{
	const struct wire_peer *peer = &x->wire->peer;

	maillog_login(peer->service, peer->ip, span_of(x->who->login), mechanism);
	wire_known(x->wire);
}

static bool may_try(struct entry *x, struct err *e)
{
	return x->tries++ < ROLE_LOGINS_MAX || err_perm(e, "5.7.8", "too many logins tried");
}

static bool password(void *arg, const char *mechanism, struct span user, struct span secret, struct err *e)
{
	struct entry *x = arg;
	const struct wire_peer *peer = &x->wire->peer;

	if (!may_try(x, e))
		return false;
	if (!role_login(x->role, mechanism, peer->service, user, secret, peer->ip, x->who, e)) {
		maillog_login_failed(peer->service, peer->ip, user, mechanism, e->text);
		return false;
	}
	welcome(x, mechanism);
	return true;
}

/* Who it was that failed only the helper knows, and the keeper's line says. */
static enum sasl_next exchange(void *arg, const char *mechanism, bool first, struct span message,
    struct str *challenge, struct err *e)
{
	struct entry *x = arg;
	const struct wire_peer *peer = &x->wire->peer;
	enum role_step step;

	if (first && !may_try(x, e))
		return SASL_FAILED;
	step = first ?
	    role_exchange_begin(x->role, mechanism, peer, message, challenge, x->who, e) :
	    role_exchange_go_on(x->role, message, challenge, x->who, e);
	if (step == ROLE_STEP_NO)
		maillog_login_failed(peer->service, peer->ip, SPAN(""), mechanism, e->text);
	if (step == ROLE_STEP_YES)
		welcome(x, mechanism);
	return step == ROLE_STEP_ASK ? SASL_ASK : step == ROLE_STEP_YES ? SASL_DONE : SASL_FAILED;
}

void entry_open(struct entry *x, struct role_self *role, struct wire *wire, struct role_user *who)
{
	const struct conf_list *words = &role->conf.auth_mechanisms;

	*x = (struct entry){ .role = role, .wire = wire, .who = who, .tries = x->tries };
	sasl_offer(words->words, words->count, span_of(wire->peer.seal), &x->offer);
}

struct sasl_judge entry_judge(struct entry *x)
{
	return (struct sasl_judge){ x, password, exchange };
}

/* AUTH: the client's words go through common/auth/sasl to the keeper. See session.h. */
#include "msa/session.h"

enum smtp_auth session_auth(struct smtp *s, struct span mechanism, const struct span *said,
    bool first, struct str *challenge, struct err *e)
{
	struct session *x = s->self;
	enum sasl_next next;

	if (first && !sasl_begin(&x->sasl, entry_judge(&x->entry), &x->entry.offer, mechanism)) {
		err_perm(e, "5.5.4", "there is no such mechanism; %s are there", x->entry.offer.text);
		return SMTP_AUTH_FAILED;
	}
	if (first && span_copy(mechanism, x->mechanism, sizeof x->mechanism))
		x->intake.mechanism = x->mechanism;
	next = sasl_step(&x->sasl, said, challenge, e);
	if (next == SASL_ASK)
		return SMTP_AUTH_MORE;
	sasl_wipe(&x->sasl);
	return next == SASL_DONE ? SMTP_AUTH_DONE : SMTP_AUTH_FAILED;
}

/* How much a login sends in a day (settings messages-per-day and its neighbours). See session.h. */
#include "msa/session.h"

#include "common/os/log.h"

static bool is_unlimited(const struct session *x)
{
	const struct conf_list *l = &x->self.conf.msa_unlimited;

	for (size_t i = 0; i < l->count; i++) {
		if (span_is(span_of(x->who.login), l->words[i]))
			return true;
	}
	return false;
}

static const char **recipients(const struct session *x, struct smtp *s)
{
	const struct envelope *env = &x->intake.env;
	const char **list = arena_array(s->mail, env->rcpt_count + 1, sizeof *list);

	for (size_t i = 0; i < env->rcpt_count; i++)
		list[i] = env->rcpts[i].address;
	return list;
}

bool session_count(struct session *x, struct smtp *s, struct err *e)
{
	struct envelope *env = &x->intake.env;
	const char **list;

	x->verdict = (struct dir_verdict){ .over = "" };
	if (is_unlimited(x))
		return true;
	list = recipients(x, s);
	for (int tries = 0;; tries++) {
		if (!session_have_clerk(x, e))
			return false;
		if (directory_count(&x->clerk, span_of(x->who.login), list, env->rcpt_count, &x->verdict, e))
			break;
		if (tries || x->clerk >= 0)
			return false;
	}
	if (*x->verdict.over)
		env->hold = arena_printf(s->mail, "%s: %s", x->who.login, x->verdict.over);
	return true;
}

/* Who gets mail that is held stays new: a person has not looked at it yet. */
void session_counted(struct session *x, struct smtp *s)
{
	struct err e;

	if (*x->verdict.over) {
		if (x->verdict.tell)
			session_tell(x, s);
		return;
	}
	if (is_unlimited(x) || !session_have_clerk(x, &e))
		return;
	if (!directory_note(&x->clerk, span_of(x->who.login), recipients(x, s), x->intake.env.rcpt_count, &e))
		log_warn("the recipients of %s stay new: %s", x->intake.env.id, e.text);
}

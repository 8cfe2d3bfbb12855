/* A letter about mail that is held. See session.h. */
#include "msa/session.h"

#include "common/mail/date.h"
#include "common/mail/maillog.h"
#include "common/mail/msgid.h"
#include "common/os/log.h"

/* A name alone is one of this machine's. */
static const char *address_of(const struct session *x, const char *name, struct arena *a)
{
	const struct conf *c = &x->self.conf;

	return strchr(name, '@') ? name : arena_printf(a, "%s@%s", name,
	    c->system_domains.count ? c->system_domains.words[0] : c->host_name);
}

static void put_header(const struct session *x, const char *to, const char *postmaster, struct str *out)
{
	const struct conf *c = &x->self.conf;
	struct str id = STR(700);
	time_t now = clock_wall();

	msgid_new(span_of(c->host_name), &id);
	str_addf(out, "From: Mail Delivery System <MAILER-DAEMON@%s>\nTo: <%s>, <%s>\n",
	    c->host_name, to, postmaster);
	str_addf(out, "Subject: Mail from %s is on hold\nDate: ", x->who.login);
	date_print(now, date_local_zone(now), out);
	str_addf(out, "\nMessage-ID: %s\nAuto-Submitted: auto-generated\nMIME-Version: 1.0\n"
	    "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n", id.p);
	str_free(&id);
}

static void put_body(const struct session *x, struct str *out)
{
	const char *login = x->who.login;

	str_addf(out, "The login %s has sent more mail than a login may within 24 hours:\n%s.\n\n",
	    login, x->verdict.over);
	str_addf(out,
	    "Its message %s was taken and is on hold, and so is what follows above the limit,\n"
	    "until the postmaster has looked at it. Nothing is lost.\n\n",
	    x->intake.env.id);
	str_add_text(out,
	    "If you did not send this mail, somebody else knows your password: change it now,\n"
	    "and tell the postmaster.\n\n");
	str_addf(out, "For the postmaster. To see what is on hold, to let it go, or to throw it away:\n\n"
	    "    posthorn queue list hold\n    posthorn queue release --login %s\n"
	    "    posthorn queue delete --login %s\n\n", login, login);
	str_add_text(out,
	    "The limits are settings of msa, see posthorn.conf(5); who may send any number stands\n"
	    "in the setting unlimited. You are told once a day.\n");
}

static bool post(struct session *x, struct envelope *env, const struct str *text, struct err *e)
{
	struct queue_put *put;

	queue_new_id(env->id);
	put = queue_put_open(&x->station, env->id, e);
	if (!put)
		return false;
	queue_put_bytes(put, str_span(text));
	return queue_put_commit(put, env, e);
}

void session_tell(struct session *x, struct smtp *s)
{
	struct rcpt rcpts[2] = { { .number = 1 }, { .number = 2 } };
	struct envelope env = { .sender = "", .rcpts = rcpts, .rcpt_count = 2, .login = "", .peer = "",
		.protocol = "local", .is_bounce = true };
	struct str text = STR(16384);
	struct err e;

	rcpts[0].address = address_of(x, x->who.login, s->mail);
	rcpts[1].address = address_of(x, x->self.conf.postmaster, s->mail);
	put_header(x, rcpts[0].address, rcpts[1].address, &text);
	put_body(x, &text);
	if (post(x, &env, &text, &e))
		maillog_bounced(x->intake.env.id, span_of(x->who.login), env.id, "held");
	else
		log_warn("cannot tell %s that its mail is on hold: %s", x->who.login, e.text);
	str_free(&text);
}

/* Signatures for mail that goes out, from the sign process. See sched.h. */
#include "mta/sched.h"

#include <unistd.h>

#include "common/mail/maillog.h"
#include "common/net/address.h"
#include "common/os/log.h"
#include "common/trust/signing.h"

enum { NONE_AGAIN_S = 10, START_S = 10 };

bool sign_is_ours(const struct envelope *env, const struct conf_list *networks)
{
	struct span peer = span_of(env->peer), ip;
	struct address a;

	if (env->is_bounce || *env->login || span_is(peer, "local") || span_starts(peer, "local "))
		return true;
	return span_cut(&peer, ' ', &ip) && address_parse(ip, &a) &&
	    networks_have(networks->words, networks->count, &a);
}

static bool connect_sign(struct sched *s, struct err *e)
{
	if (s->sign >= 0)
		return true;
	packet_begin(&s->packet, 'Y');
	if (!role_ask(&s->self, &s->packet, START_S, e))
		return err_while(e, "no process to sign with");
	s->sign = packet_take_fd(&s->packet);
	return s->sign >= 0 || err_temp(e, "4.3.0", "the keeper gave no sign process");
}

static enum signing_got ask_once(struct sched *s, const struct envelope *env, int text,
    struct arena *a, struct signing *out, struct err *e)
{
	enum signing_got got = signing_ask(s->sign, env->sender, text, a, out, e);

	if (got == SIGNING_DIED || (got == SIGNING_OK && out->last))
		fd_close(&s->sign);
	return got;
}

/*
 * A process that rested has ended meanwhile; a fresh one that ends had to do with this message, which then goes without
 * signatures, as it does when its keys are damaged. What may pass (a disk, a mode) is waited for.
 */
static bool ask(struct sched *s, const struct envelope *env, int text, struct arena *a,
    struct signing *out, struct err *e)
{
	bool rested = s->sign >= 0;
	enum signing_got got = SIGNING_DIED;

	if (rested)
		got = ask_once(s, env, text, a, out, e);
	if (got == SIGNING_DIED) {
		if (!connect_sign(s, e))
			return false;
		got = ask_once(s, env, text, a, out, e);
	}
	if (got == SIGNING_OK)
		return true;
	if (got == SIGNING_REFUSED && e->kind == ERR_TEMP)
		return err_while(e, "signing");
	maillog_trouble(env->id, "signing, so it goes without", e);
	*out = (struct signing){ .count = 0 };
	return true;
}

static void note(struct sched *s, struct envelope *env, const struct signing *got)
{
	if (got->none)
		s->no_keys_until = clock_in(NONE_AGAIN_S);
	for (env->top_count = 0; env->top_count < got->count && env->top_count < ENVELOPE_TOPS; env->top_count++)
		env->top[env->top_count] = got->fields[env->top_count];
	if (got->count)
		maillog_signed(env->id, (unsigned)got->count);
}

bool sign_message(struct sched *s, const struct station *from, struct envelope *env,
    struct arena *a, struct err *e)
{
	struct signing got;
	int text;
	bool ok;

	env->top_count = 0;
	if (!sign_is_ours(env, &s->self.conf.mta_relay_networks) || clock_ms() < s->no_keys_until)
		return true;
	text = queue_open_text(from, env->id, e);
	if (text < 0)
		return false;
	ok = ask(s, env, text, a, &got, e);
	close(text);
	if (ok)
		note(s, env, &got);
	return ok;
}

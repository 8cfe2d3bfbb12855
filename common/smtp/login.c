/* AUTH. RFC 4954. The mechanisms are the hook's; the conversation is ours. */
#include "common/smtp/verb.h"

static struct reply failed(struct smtp *s, const struct err *e)
{
	struct reply r = reply_refuse(e);

	if (r.code == 555)
		r.code = 504;		/* no such mechanism: RFC 4954 4 */
	if (r.code == 535 && ++s->auths >= SMTP_AUTHS_MAX)
		return reply_say(421, "4.7.0", "too many failed logins");
	return r;
}

/* Challenge and response until it is decided. */
static struct reply exchange(struct smtp *s, struct span mechanism, const struct span *said, struct str *challenge)
{
	struct span line;
	struct reply r;
	struct err e = { .kind = ERR_NONE };
	enum smtp_auth step;
	bool first = true;

	while ((step = s->hooks->auth(s, mechanism, said, first, challenge, &e)) == SMTP_AUTH_MORE) {
		r = reply_say(334, "", "%s", challenge->p);
		str_reset(challenge);
		if (!smtp_ask(s, &r, &line))
			return r;
		if (span_is(line, "*"))
			return reply_say(501, "5.7.0", "cancelled, as you wish");
		said = &line;
		first = false;
	}
	if (step == SMTP_AUTH_FAILED)
		return failed(s, &e);
	s->known = true;
	return reply_say(235, "2.7.0", "welcome");
}

struct reply smtp_do_auth(struct smtp *s, struct span arg)
{
	struct str challenge = STR(SMTP_AUTH_MAX);
	struct span mechanism = span_word(&arg), first = span_trim(arg);
	struct reply r;

	if (!(s->terms->offer & EXT_AUTH) || !s->extended)
		return reply_say(502, "5.5.1", "nobody logs in here");
	if (s->known)
		return reply_say(503, "5.5.1", "you are logged in already");
	if (!(smtp_offered(s) & EXT_AUTH))
		return reply_say(538, "5.7.11", "a password would be read by everybody; STARTTLS first");
	if (!mechanism.n)
		return reply_say(501, "5.5.4", "say AUTH %s", s->terms->auth_words);
	mechanism = arena_copy(s->command, mechanism);	/* the line goes away with the next */
	if (span_is(first, "="))
		r = exchange(s, mechanism, &SPAN(""), &challenge);	/* an empty response: RFC 4954 4 */
	else
		r = exchange(s, mechanism, first.n ? &first : NULL, &challenge);
	if (challenge.cap)
		explicit_bzero(challenge.p, challenge.cap);
	str_free(&challenge);
	return r;
}

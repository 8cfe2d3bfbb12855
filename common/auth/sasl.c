/* Mechanisms of login. See sasl.h. */
#include "common/auth/sasl.h"

#include <stdio.h>

#include "common/mail/encoding.h"
#include "common/net/channel.h"

enum needs {
	NEEDS_NOTHING = 0,
	NEEDS_BINDING =
	    1 << 0, /* the front knows one; the setting names the mechanism without -PLUS */
	NEEDS_NAME = 1 << 1, /* the client's certificate has one */
};

struct sasl_mechanism {
	const char	*name;
	unsigned	 needs;
	const char *asks[2]; /* challenge of each step, where the client must be asked */
	enum sasl_next	(*steps[2])(struct sasl *s, struct span word, struct err *e);	/* none: an exchange */
};

static enum sasl_next malformed(struct err *e)
{
	err_perm(e, "5.5.2", "the response is not well formed");
	return SASL_FAILED;
}

/* A name with a NUL or a control character in it is nobody's; one that is cut would be somebody else's. */
static bool take_user(struct sasl *s, struct span word)
{
	for (size_t i = 0; i < word.n; i++) {
		if ((unsigned char)word.p[i] < 0x20 || word.p[i] == 0x7f)
			return false;
	}
	return word.n && span_copy(word, s->user, sizeof s->user);
}

static bool take_password(struct sasl *s, struct span word)
{
	return word.n && span_copy(word, s->password, sizeof s->password);
}

/* [authzid] NUL authcid NUL passwd, RFC 4616 2. */
static enum sasl_next plain(struct sasl *s, struct span word, struct err *e)
{
	struct span as, name;

	if (!span_cut(&word, '\0', &as) || !span_cut(&word, '\0', &name))
		return malformed(e);
	if (!take_user(s, name) || !take_password(s, word))
		return malformed(e);
	if (as.n && !span_same(as, name)) {
		s->for_another = true;
		err_perm(e, "5.7.8", "nobody acts for somebody else here");
		return SASL_FAILED;
	}
	return SASL_DONE;
}

/* LOGIN has no RFC and many clients: the name, then the password. */
static enum sasl_next login_name(struct sasl *s, struct span word, struct err *e)
{
	return take_user(s, word) ? SASL_ASK : malformed(e);
}

static enum sasl_next login_password(struct sasl *s, struct span word, struct err *e)
{
	return take_password(s, word) ? SASL_DONE : malformed(e);
}

/* The strongest first: clients that look no further take it. */
static const struct sasl_mechanism mechanisms[] = {
	{ "SCRAM-SHA-256-PLUS", NEEDS_BINDING, { "" }, { NULL } },
	{ "SCRAM-SHA-1-PLUS", NEEDS_BINDING, { "" }, { NULL } },
	{ "SCRAM-SHA-256", NEEDS_NOTHING, { "" }, { NULL } },
	{ "SCRAM-SHA-1", NEEDS_NOTHING, { "" }, { NULL } },
	{ "PLAIN", NEEDS_NOTHING, { "" }, { plain } },
	{ "LOGIN", NEEDS_NOTHING, { "Username:", "Password:" }, { login_name, login_password } },
	{ "OAUTHBEARER", NEEDS_NOTHING, { "" }, { NULL } },
	{ "XOAUTH2", NEEDS_NOTHING, { "" }, { NULL } },
	{ "EXTERNAL", NEEDS_NAME, { "" }, { NULL } },
};

enum { MECHANISMS = sizeof mechanisms / sizeof *mechanisms };

/* --- what there is --- */

static struct span base_name(const struct sasl_mechanism *m)
{
	struct span name = span_of(m->name);

	return m->needs & NEEDS_BINDING ? span_to(name, name.n - strlen("-PLUS")) : name;
}

bool sasl_known(struct span word)
{
	for (size_t i = 0; i < MECHANISMS; i++) {
		if (span_alike(word, base_name(&mechanisms[i])))
			return true;
	}
	return false;
}

static bool is_named(const struct sasl_mechanism *m, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (span_alike(span_of(words[i]), base_name(m)))
			return true;
	}
	return false;
}

void sasl_offer(const char *const *words, size_t count, struct span seal, struct sasl_offer *o)
{
	struct channel channel = { .exporter_n = 0 };
	unsigned have = 0;
	size_t n = 0;

	if (channel_read(seal, &channel))
		have = (channel.exporter_n || channel.end_point_n ? NEEDS_BINDING : 0u) |
		    (*channel.names ? NEEDS_NAME : 0u);
	*o = (struct sasl_offer){ .set = 0 };
	for (size_t i = 0; i < MECHANISMS; i++) {
		const struct sasl_mechanism *m = &mechanisms[i];

		if ((m->needs & ~have) || !is_named(m, words, count))
			continue;
		o->set |= 1u << i;
		o->passwords |= m->steps[0] != NULL;
		n += (size_t)snprintf(o->text + n, sizeof o->text - n, "%s%s", n ? " " : "", m->name);
	}
}

/* --- an exchange --- */

bool sasl_begin(struct sasl *s, struct sasl_judge judge, const struct sasl_offer *offer, struct span mechanism)
{
	*s = (struct sasl){ .judge = judge };
	for (size_t i = 0; i < MECHANISMS; i++) {
		if ((offer->set & 1u << i) && span_is(mechanism, mechanisms[i].name))
			s->mechanism = &mechanisms[i];
	}
	return s->mechanism != NULL;
}

static enum sasl_next ask(struct sasl *s, struct str *challenge)
{
	str_reset(challenge);
	base64_encode(span_of(s->mechanism->asks[s->step]), challenge);
	return SASL_ASK;
}

/* A name and a password: asked for, then judged. */
static enum sasl_next take_own(struct sasl *s, struct span word, struct str *challenge, struct err *e)
{
	enum sasl_next next = s->mechanism->steps[s->step](s, word, e);

	if (next == SASL_ASK) {
		s->step++;
		return ask(s, challenge);
	}
	if (next == SASL_DONE && !s->judge.password(s->judge.self, s->mechanism->name, span_of(s->user),
	    span_of(s->password), e))
		return SASL_FAILED;
	return next;
}

static enum sasl_next hand_on(struct sasl *s, struct span word, struct str *challenge, struct err *e)
{
	struct str raw = STR(AUTH_CHALLENGE_MAX);
	enum sasl_next next =
	    s->judge.exchange(s->judge.self, s->mechanism->name, s->step == 0, word, &raw, e);

	s->step = 1;
	str_reset(challenge);
	base64_encode(str_span(&raw), challenge);
	str_free(&raw);
	return next;
}

static enum sasl_next take(struct sasl *s, struct span said, struct str *word, struct str *challenge, struct err *e)
{
	if (span_same(said, SPAN("*"))) {
		err_perm(e, "5.7.0", "login given up");
		return SASL_FAILED;
	}
	if (!span_same(said, SPAN("=")) &&
	    (!base64_decode(said, word) || word->n > AUTH_MESSAGE_MAX))
		return malformed(e);
	return s->mechanism->steps[0] ? take_own(s, str_span(word), challenge, e) :
	    hand_on(s, str_span(word), challenge, e);
}

enum sasl_next sasl_step(struct sasl *s, const struct span *said, struct str *challenge, struct err *e)
{
	struct str word = STR(SASL_WORD_MAX);
	enum sasl_next next;

	if (!said)
		return ask(s, challenge);
	next = take(s, *said, &word, challenge, e);
	if (word.cap)
		explicit_bzero(word.p, word.cap);
	str_free(&word);
	return next;
}

void sasl_wipe(struct sasl *s)
{
	explicit_bzero(s, sizeof *s);
}

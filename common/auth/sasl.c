/* Mechanisms of login. See sasl.h. */
#include "common/auth/sasl.h"

#include "common/mail/encoding.h"

struct sasl_mechanism {
	const char	*name;
	const char	*asks[2];		/* challenge of each step, where the client must be asked */
	enum sasl_next	(*steps[2])(struct sasl *s, struct span word, struct err *e);
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

static const struct sasl_mechanism mechanisms[] = {
	{ "PLAIN", { "" }, { plain } },
	{ "LOGIN", { "Username:", "Password:" }, { login_name, login_password } },
};

bool sasl_begin(struct sasl *s, struct span mechanism)
{
	*s = (struct sasl){ 0 };
	for (size_t i = 0; i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (span_is(mechanism, mechanisms[i].name))
			s->mechanism = &mechanisms[i];
	}
	return s->mechanism != NULL;
}

const char *sasl_name(const struct sasl *s)
{
	return s->mechanism->name;
}

static enum sasl_next ask(struct sasl *s, struct str *challenge)
{
	str_reset(challenge);
	base64_encode(span_of(s->mechanism->asks[s->step]), challenge);
	return SASL_ASK;
}

static enum sasl_next take(struct sasl *s, struct span said, struct str *word, struct err *e)
{
	if (span_same(said, SPAN("*"))) {
		err_perm(e, "5.7.0", "login given up");
		return SASL_FAILED;
	}
	if (!span_same(said, SPAN("=")) && !base64_decode(said, word))
		return malformed(e);
	return s->mechanism->steps[s->step](s, str_span(word), e);
}

enum sasl_next sasl_step(struct sasl *s, const struct span *said, struct str *challenge, struct err *e)
{
	struct str word = STR(SASL_WORD_MAX);
	enum sasl_next next;

	if (!said)
		return ask(s, challenge);
	next = take(s, *said, &word, e);
	if (word.cap)
		explicit_bzero(word.p, word.cap);
	str_free(&word);
	if (next != SASL_ASK)
		return next;
	s->step++;
	return ask(s, challenge);
}

void sasl_wipe(struct sasl *s)
{
	explicit_bzero(s, sizeof *s);
}

/* Who lets clients of a transcript in. See judge.h. */
#include "tests/talk/judge.h"

#include "common/auth/scram.h"

static const char *const some[] = { "PLAIN", "LOGIN" };
static const char *const every[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-1",
	"OAUTHBEARER", "XOAUTH2", "EXTERNAL" };

static const struct { const char *nonce, *verifier; } played[DIGEST_COUNT] = {
	[DIGEST_SHA1] = { "3rfcNHYJY1ZVvWVs7j",
	    "{SCRAM-SHA-1}4096,QSXCR+Q6sek8bf92,6dlGYMOdZcOPutkcNY8U2g7vK9Y=,D+CSWLOshSulAsxiupA+qs2/fTE=" },
	[DIGEST_SHA256] = { "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0",
	    "{SCRAM-SHA-256}4096,W22ZaJ0SNY7soEsUEjb6gQ==,WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=,"
	    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=" },
};

static bool password(void *self, const char *mechanism, struct span user, struct span said, struct err *e)
{
	struct judge *j = self;

	(void)mechanism;
	if (span_same(user, SPAN("bob")))
		return err_temp(e, "4.7.0", "passwords can not be checked now");
	span_copy(user, j->user, sizeof j->user);
	return span_same(said, span_of(j->password)) ||
	    err_perm(e, "5.7.8", "wrong name or password");
}

static enum sasl_next refuse(struct err *e, const char *why)
{
	err_perm(e, "5.7.8", "%s", why);
	return SASL_FAILED;
}

static struct channel channel_played(void)
{
	struct channel c = { .exporter_n = CHANNEL_EXPORTER, .names = "ann@example.org" };

	memset(c.exporter, 'x', sizeof c.exporter);
	return c;
}

static enum sasl_next scram(struct judge *j, const char *mechanism, struct span said, struct str *challenge, struct err *e)
{
	struct channel channel = channel_played();
	struct scram_first first;
	struct verifier v;

	if (j->step == 2)
		return said.n ? refuse(e, "too many words") : SASL_DONE;
	if (j->step == 0)
		span_copy(said, j->said, sizeof j->said);
	if (!scram_begin(span_of(mechanism), span_of(j->said), &channel, &first, e))
		return SASL_FAILED;
	verifier_parse(span_of(played[first.digest].verifier), &v);
	span_copy(span_of(first.user), j->user, sizeof j->user);
	if (j->step++ == 0) {
		scram_challenge(&first, span_of(played[first.digest].nonce), &v, challenge);
		span_copy(str_span(challenge), j->challenge, sizeof j->challenge);
		return SASL_ASK;
	}
	return scram_finish(&first, span_of(j->challenge), said, &channel, &v, challenge, e) ?
	    SASL_ASK :
	    SASL_FAILED;
}

static enum sasl_next exchange(void *self, const char *mechanism, bool first, struct span message,
    struct str *challenge, struct err *e)
{
	struct judge *j = self;

	if (first)
		j->step = 0;
	if (strncmp(mechanism, "SCRAM-", 6) == 0)
		return scram(j, mechanism, message, challenge, e);
	if (j->step++)
		return refuse(e, "the token is no good");
	str_add_text(challenge, "{\"status\":\"invalid_token\"}");
	return SASL_ASK;
}

void judge_init(struct judge *j, const char *secret, bool all)
{
	static const uint64_t key[2] = { 1, 2 };
	struct channel channel = channel_played();
	struct str seal = STR(CHANNEL_TEXT);

	*j = (struct judge){ .password = secret };
	channel_seal(&channel, key, &seal);
	if (all)
		sasl_offer(every, sizeof every / sizeof *every, str_span(&seal), &j->offer);
	else
		sasl_offer(some, sizeof some / sizeof *some, SPAN(""), &j->offer);
	str_free(&seal);
}

struct sasl_judge judge_of(struct judge *j)
{
	return (struct sasl_judge){ j, password, exchange };
}

/* Who we are, told to a relay. See login.h. */
#include "mta/login.h"

#include <sys/random.h>

#include "common/auth/sasl-client.h"
#include "common/auth/secrets.h"
#include "common/net/address.h"
#include "common/os/log.h"

enum { NONCE_N = 24 };

/* By its address: that a name is here is what the DNS says, and a port above 1023 may be any user's. */
static bool is_here(const struct carrier *c)
{
	struct span host = span_of(c->host);
	struct address a;

	if (c->ip[0] == '/')
		return true;
	return (address_parse(host, &a) || span_is(host, "localhost")) &&
	    address_parse(span_of(c->ip), &a) && address_is_loopback(&a);
}

static bool answer(void *arg, struct span challenge, struct str *words, struct err *e)
{
	return sasl_client_answer(arg, challenge, words, e);
}

/* Letters and digits: RFC 5802 5.1 wants no comma. */
static void make_nonce(char nonce[NONCE_N + 1])
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	unsigned char dice[NONCE_N];

	if (getrandom(dice, sizeof dice, 0) != sizeof dice)
		memset(dice, 0, sizeof dice);	/* the server has one too */
	for (size_t i = 0; i < NONCE_N; i++)
		nonce[i] = letters[dice[i] % 64];
	nonce[NONCE_N] = '\0';
}

static bool exchange(struct carrier *c, const struct secret *secret, struct err *e)
{
	struct smtp_auth how = { .answer = answer };
	struct sasl_client s;
	char nonce[NONCE_N + 1];
	struct err end;
	bool yes;

	make_nonce(nonce);
	yes = sasl_client_begin(&s, span_of(c->client.auth_words), secret->user, secret->password, span_of(nonce), e);
	if (yes) {
		how.mechanism = s.mechanism;
		how.initial = sasl_client_initial(&s);
		how.arg = &s;
		yes = smtp_client_auth(&c->client, &how, e);
	}
	if (sasl_client_end(&s, yes, &end) || !yes)
		return yes;
	*e = end;
	return false;
}

/* A new process reads relay-secrets anew. */
static bool refused(struct carrier *c, const struct job *j, struct err *e)
{
	c->ends = c->client.last.code == 535;
	e->kind = ERR_TEMP;
	snprintf(e->status, sizeof e->status, "4.7.0");
	err_while(e, "%s does not let us in as \"%s\" of relay-secrets", c->host, j->way.login);
	log_error("%s login refused host=%s why=\"%s\"", j->id, c->host, e->text);
	return false;
}

bool login_to(struct carrier *c, const struct job *j, struct err *e)
{
	struct secret secret;
	bool ok;

	if (!*j->way.login)
		return true;
	if (!*j->way.via)	/* the DNS named it, and whoever can forge that has a certificate for a name of his own */
		return err_temp(e, "4.3.5",
		    "our password is not for %s: there is no via that names it", c->host);
	if (c->secrets < 0) {
		*e = c->no_secrets;
		return false;
	}
	if (!c->stream.verified && !is_here(c))
		return err_temp(e, "4.7.5",
		    "our password is not for %s, which has not shown who it is: %s", c->host,
		    *c->stream.why_not ? c->stream.why_not : "there is no TLS");
	if (!(c->client.ext & EXT_AUTH))
		return err_temp(e, "4.7.0", "%s offers no AUTH", c->host);
	if (!secrets_find(c->secrets, j->way.login, &secret, e))
		return false;
	ok = exchange(c, &secret, e);
	explicit_bzero(&secret, sizeof secret);
	return ok || refused(c, j, e);
}

/* Mechanisms that are more than a name and a password. See auth-own.h. */
#include <sys/random.h>

#include "common/auth/prep.h"
#include "common/auth/sasl.h"
#include "common/auth/scram.h"
#include "common/directory/users.h"
#include "common/keeper/auth-own.h"
#include "common/mail/encoding.h"

enum { NONCE_BYTES = 18 };

/* Who logs in acts as himself: an authorization identity must be another way to write the same name. */
bool auth_is_same_name(const struct attempt *a, const char *as)
{
	struct attempt other = { .exchange = true };

	return !*as ||
	    (auth_name(&other, as) && span_same(name_span(&other.name), name_span(&a->name)));
}

/* --- SCRAM --- */

/* The user's row and verifier; for who has none, one that nobody's password fits. */
static bool find_verifier(struct attempt *a, FILE *users, enum digest d, struct verifier *v,
    struct users_row *row, const char **why)
{
	struct span line = auth_users_find(a, users);

	*why = "no such user";
	if (line.p && users_line_parse(line, row, NULL)) {
		*why = row->barred ? "this user may not log in" : "this user has no verifier for that mechanism";
		if (!row->barred && verifier_find(row->words, d, v))
			return true;
	}
	verifier_fake(d, (unsigned)a->self.conf.auth_iterations,
	    (struct span){ a->salt_key, sizeof a->salt_key }, name_span(&a->name), v);
	return false;
}

static bool make_nonce(struct str *nonce)
{
	char dice[NONCE_BYTES];

	if (getrandom(dice, sizeof dice, 0) != sizeof dice)
		return false;
	base64_encode((struct span){ dice, sizeof dice }, nonce);
	return true;
}

static bool put(struct span bytes, char *room, size_t size, uint32_t *n)
{
	if (bytes.n > size)
		return false;
	memcpy(room, bytes.p, bytes.n);
	*n = (uint32_t)bytes.n;
	return true;
}

/* State: the client's first words, a newline, our challenge. */
static void scram_ask(struct attempt *a, const struct scram_first *first, const struct verifier *v)
{
	struct auth_record *r = &a->record;
	struct str nonce = STR(64), challenge = STR(AUTH_CHALLENGE_MAX), state = STR(AUTH_STATE_MAX);
	bool ok = make_nonce(&nonce);

	scram_challenge(first, str_span(&nonce), v, &challenge);
	str_add(&state, a->message);
	str_add_char(&state, '\n');
	str_add(&state, str_span(&challenge));
	ok = ok && !state.over && !challenge.over &&
	    put(str_span(&challenge), r->challenge, sizeof r->challenge, &r->challenge_n) &&
	    put(str_span(&state), r->state, sizeof r->state, &r->state_n);
	auth_decide(a, ok ? AUTH_ASK : AUTH_NO, ok ? "" : "the words of the client are too long");
	str_free(&nonce);
	str_free(&challenge);
	str_free(&state);
}

static void scram_end(struct attempt *a, const struct scram_first *first, struct span challenge,
    const struct verifier *v, const struct users_row *row, const char *why)
{
	struct str signature = STR(AUTH_CHALLENGE_MAX);
	struct dir_target place;
	struct err e;

	if (!scram_finish(first, challenge, a->message, &a->channel, v, &signature, &e))
		auth_decide(a, AUTH_NO, row ? e.text : why);
	else if (!row)
		auth_decide(a, AUTH_NO, why);
	else if (!place_of_user(&a->rules, row, a->arena, &place, &e))
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	else if (put(str_span(&signature), a->record.challenge, AUTH_CHALLENGE_MAX, &a->record.challenge_n))
		auth_let_in(a, &place);
	str_free(&signature);
}

static void scram_step(struct attempt *a, FILE *users, struct span said, struct span challenge)
{
	struct scram_first first;
	struct users_row row;
	struct verifier v;
	const char *why;
	struct err e;
	bool known;

	if (!scram_begin(span_of(a->mechanism), said, &a->channel, &first, &e)) {
		auth_decide(a, AUTH_NO, e.text);
		return;
	}
	span_copy(span_of(first.user), a->record.login, sizeof a->record.login);
	if (!auth_name(a, first.user) || !auth_is_same_name(a, first.as)) {
		auth_decide(a, AUTH_NO, *first.as ? "nobody acts for somebody else here" : "no name that a user could have");
		return;
	}
	known = find_verifier(a, users, first.digest, &v, &row, &why);
	if (challenge.p)
		scram_end(a, &first, challenge, &v, known ? &row : NULL, why);
	else
		scram_ask(a, &first, &v);
	explicit_bzero(&v, sizeof v);
}

static void scram(struct attempt *a)
{
	struct auth_users u;
	struct err e;

	auth_users_open(a, &u);
	if (!auth_be_nobody(a, &e)) {
		auth_decide(a, AUTH_CANNOT_TELL, e.text);
	} else if (!u.users && !u.missing) {
		auth_decide(a, AUTH_CANNOT_TELL, "cannot open the users file");
	} else if (!a->state.n) {
		scram_step(a, u.users, a->message, (struct span){ NULL, 0 });
	} else {
		struct span challenge = a->state, said;

		span_cut(&challenge, '\n', &said);
		scram_step(a, u.users, said, challenge);
	}
	auth_users_close(&u);
}

/* --- which --- */

static const struct { const char *name; void (*run)(struct attempt *a); } mechanisms[] = {
	{ "SCRAM-SHA-256-PLUS", scram }, { "SCRAM-SHA-1-PLUS", scram },
	{ "SCRAM-SHA-256", scram }, { "SCRAM-SHA-1", scram },
	{ "OAUTHBEARER", auth_bearer }, { "XOAUTH2", auth_bearer }, { "EXTERNAL", auth_external },
};

/* The session has said so to the client, but it is not the session that decides. */
static bool is_offered(const struct attempt *a)
{
	const struct conf_list *words = &a->self.conf.auth_mechanisms;
	struct sasl_offer offer;
	struct sasl s;

	sasl_offer(words->words, words->count, span_of(a->seal), &offer);
	return sasl_begin(&s, (struct sasl_judge){ NULL, NULL, NULL }, &offer, span_of(a->mechanism));
}

void auth_exchange(struct attempt *a)
{
	if (a->forged) {
		auth_decide(a, AUTH_NO, "what was said about the client's TLS is not the front's word");
		return;
	}
	for (size_t i = 0; is_offered(a) && i < sizeof mechanisms / sizeof *mechanisms; i++) {
		if (span_is(span_of(a->mechanism), mechanisms[i].name)) {
			mechanisms[i].run(a);
			return;
		}
	}
	auth_decide(a, AUTH_NO, "no such mechanism");
}

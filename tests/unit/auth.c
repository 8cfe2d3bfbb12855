/* What SASL words decode to, and which hashes match. */
#include "common/auth/password.h"
#include "common/auth/sasl.h"
#include "common/mail/encoding.h"
#include "tests/unit/unit.h"

#define RAW(lit)	{ "" lit, sizeof(lit) - 1 }

static const struct {
	struct span	mechanism, words[2];	/* decoded; .p NULL: not sent */
	enum sasl_next	wanted;
	const char	*user, *password, *status;
} cases[] = {
	{ RAW("PLAIN"), { RAW("\0ann@x.test\0secret") }, SASL_DONE, "ann@x.test", "secret", NULL },
	{ RAW("plain"), { RAW("ann\0ann\0s") }, SASL_DONE, "ann", "s", NULL },
	{ RAW("PLAIN"), { RAW("bob\0ann\0s") }, SASL_FAILED, "", "", "5.7.8" },
	{ RAW("PLAIN"), { RAW("") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("PLAIN"), { RAW("ann") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("PLAIN"), { RAW("\0ann") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("PLAIN"), { RAW("\0\0pw") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("PLAIN"), { RAW("\0ann\0") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("PLAIN"), { RAW("\0ann\0pw\0more") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("PLAIN"), { RAW("\0an\nn\0pw") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("LOGIN"), { RAW("ann"), RAW("pw") }, SASL_DONE, "ann", "pw", NULL },
	{ RAW("LOGIN"), { RAW("an\0n"), { NULL, 0 } }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("LOGIN"), { RAW(""), { NULL, 0 } }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("LOGIN"), { RAW("ann"), RAW("") }, SASL_FAILED, "", "", "5.5.2" },
	{ RAW("LOGIN"), { RAW("ann"), RAW("p\0w") }, SASL_FAILED, "", "", "5.5.2" },
};

/* Every name and password is let in; an exchange asks once and then says yes. */
static bool yes(void *self, const char *mechanism, struct span user, struct span password, struct err *e)
{
	(void)self, (void)mechanism, (void)e;
	return user.n && password.n;
}

static enum sasl_next ask_once(void *self, const char *mechanism, bool first, struct span message,
    struct str *challenge, struct err *e)
{
	(void)self, (void)mechanism, (void)e;
	if (!first)
		return SASL_DONE;
	str_add_text(challenge, "you said ");
	str_add(challenge, message);
	return SASL_ASK;
}

static const struct sasl_judge judge = { NULL, yes, ask_once };

/* All there can be. */
static const struct sasl_offer *all(void)
{
	static const char *const words[] = { "plain", "LOGIN", "SCRAM-SHA-256", "XOAUTH2",
		"EXTERNAL" };
	static struct sasl_offer offer;

	sasl_offer(words, 5, SPAN("0:00:00:ann@x.test"), &offer);
	return &offer;
}

static const struct { const char *words[3], *seal, *offer; bool passwords; } offers[] = {
	{ { "PLAIN", "LOGIN" }, "", "PLAIN LOGIN", true },
	{ { "LOGIN", "PLAIN", "SCRAM-SHA-256" }, "", "SCRAM-SHA-256 PLAIN LOGIN", true },
	{ { "SCRAM-SHA-1", "SCRAM-SHA-256" }, "0:aa::", "SCRAM-SHA-256-PLUS SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-1", false },
	{ { "SCRAM-SHA-256" }, "0::aa:", "SCRAM-SHA-256-PLUS SCRAM-SHA-256", false },
	{ { "SCRAM-SHA-256" }, "0:::", "SCRAM-SHA-256", false },
	{ { "SCRAM-SHA-256" }, "nonsense", "SCRAM-SHA-256", false },
	{ { "EXTERNAL", "PLAIN" }, "0:::", "PLAIN", true },
	{ { "EXTERNAL", "PLAIN" }, "0:::a@b", "PLAIN EXTERNAL", true },
	{ { "OAUTHBEARER", "XOAUTH2" }, "", "OAUTHBEARER XOAUTH2", false },
	{ { "NOSUCH" }, "", "", false },
};

START_TEST(offer_is_what_the_connection_can_have)
{
	struct sasl_offer o;
	size_t n = 0;

	while (n < 3 && offers[_i].words[n])
		n++;
	sasl_offer(offers[_i].words, n, span_of(offers[_i].seal), &o);
	ck_assert_str_eq(o.text, offers[_i].offer);
	ck_assert_int_eq(o.passwords, offers[_i].passwords);
}
END_TEST

START_TEST(exchange_is_handed_on)
{
	struct str challenge = STR(100);
	struct span first = SPAN("aGVsbG8="), empty = SPAN(""), bad = SPAN("a");
	struct sasl s;
	struct err e;

	ck_assert(sasl_begin(&s, judge, all(), SPAN("scram-sha-256-plus")));
	ck_assert_int_eq(sasl_step(&s, NULL, &challenge, &e), SASL_ASK);	/* the client speaks first */
	ck_assert_str_eq(challenge.p, "");
	ck_assert_int_eq(sasl_step(&s, &bad, &challenge, &e), SASL_FAILED);
	ck_assert_str_eq(e.status, "5.5.2");
	ck_assert(sasl_begin(&s, judge, all(), SPAN("SCRAM-SHA-256-PLUS")));
	ck_assert_int_eq(sasl_step(&s, &first, &challenge, &e), SASL_ASK);
	ck_assert_str_eq(challenge.p, "eW91IHNhaWQgaGVsbG8=");
	ck_assert_int_eq(sasl_step(&s, &empty, &challenge, &e), SASL_DONE);
	sasl_wipe(&s);
	str_free(&challenge);
}
END_TEST

START_TEST(words_decode)
{
	struct str sent = STR(4096), challenge = STR(4096);
	enum sasl_next next = SASL_ASK;
	struct sasl s;
	struct err e = { 0 };

	ck_assert(sasl_begin(&s, judge, all(), cases[_i].mechanism));
	for (int i = 0; i < 2 && cases[_i].words[i].p && next == SASL_ASK; i++) {
		struct span said;

		str_reset(&sent);
		base64_encode(cases[_i].words[i], &sent);
		said = str_span(&sent);
		next = sasl_step(&s, &said, &challenge, &e);
	}
	ck_assert_int_eq(next, cases[_i].wanted);
	if (next == SASL_DONE) {
		ck_assert_str_eq(s.user, cases[_i].user);
		ck_assert_str_eq(s.password, cases[_i].password);
	} else {
		ck_assert_str_eq(e.status, cases[_i].status);
	}
	sasl_wipe(&s);
	str_free(&sent);
	str_free(&challenge);
}
END_TEST

START_TEST(login_asks_twice)
{
	struct str challenge = STR(100);
	struct span name = SPAN("YW5u"), nothing = SPAN("="), stop = SPAN("*"), bad = SPAN("YW5u!");
	struct sasl s;
	struct err e;

	ck_assert(!sasl_begin(&s, judge, all(), SPAN("CRAM-MD5")));
	ck_assert(sasl_begin(&s, judge, all(), SPAN("LOGIN")));
	ck_assert_int_eq(sasl_step(&s, NULL, &challenge, &e), SASL_ASK);
	ck_assert_str_eq(challenge.p, "VXNlcm5hbWU6");
	ck_assert_int_eq(sasl_step(&s, &name, &challenge, &e), SASL_ASK);
	ck_assert_str_eq(challenge.p, "UGFzc3dvcmQ6");
	ck_assert_int_eq(sasl_step(&s, &stop, &challenge, &e), SASL_FAILED);
	ck_assert_str_eq(e.status, "5.7.0");
	ck_assert(sasl_begin(&s, judge, all(), SPAN("PLAIN")));
	ck_assert_int_eq(sasl_step(&s, &nothing, &challenge, &e), SASL_FAILED);
	ck_assert(sasl_begin(&s, judge, all(), SPAN("PLAIN")));
	ck_assert_int_eq(sasl_step(&s, &bad, &challenge, &e), SASL_FAILED);
	str_free(&challenge);
}
END_TEST

START_TEST(long_words_fail)
{
	static const size_t sizes[] = { AUTH_NAME_MAX - 1, AUTH_NAME_MAX, 5000, SASL_WORD_MAX,
		100000 };
	struct str name = STR(1 << 20), sent = STR(1 << 20), challenge = STR(100);
	struct sasl s;
	struct err e;

	for (size_t i = 0; i < sizes[_i]; i++)
		str_add_char(&name, 'a');
	base64_encode(str_span(&name), &sent);
	struct span said = str_span(&sent);

	ck_assert(sasl_begin(&s, judge, all(), SPAN("LOGIN")));
	ck_assert_int_eq(sasl_step(&s, &said, &challenge, &e), _i == 0 ? SASL_ASK : SASL_FAILED);
	str_free(&name);
	str_free(&sent);
	str_free(&challenge);
}
END_TEST

static const struct { const char *hash, *password; bool matches; } hashes[] = {
	{ "$y$j9T$BSpiqNh1wYXxrDEUGuRIh0$CKKyP2qtGKa8wNsSruBAH9lyu6k4fwjea.5bVvn01P1", "nobody has this", true },
	{ "{CRYPT}$y$j9T$BSpiqNh1wYXxrDEUGuRIh0$CKKyP2qtGKa8wNsSruBAH9lyu6k4fwjea.5bVvn01P1", "nobody has this", true },
	{ "$y$j9T$BSpiqNh1wYXxrDEUGuRIh0$CKKyP2qtGKa8wNsSruBAH9lyu6k4fwjea.5bVvn01P1", "nobody has thi", false },
	{ "$y$j9T$BSpiqNh1wYXxrDEUGuRIh0$CKKyP2qtGKa8wNsSruBAH9lyu6k4fwjea.5bVvn01P1", "", false },
	{ "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!", true },
	/* as argon2(1) made them; the last two ask for more than we would give */
	{ "$argon2id$v=19$m=4096,t=2,p=2$c29tZXNhbHQxNmJ5dGVzIQ$178nDAB7jpVJSyfTUMafRrfHEdulJpYKT12DHMOSM2I", "secret words", true },
	{ "{ARGON2ID}$argon2id$v=19$m=4096,t=2,p=2$c29tZXNhbHQxNmJ5dGVzIQ$178nDAB7jpVJSyfTUMafRrfHEdulJpYKT12DHMOSM2I", "secret words", true },
	{ "$argon2id$v=19$m=4096,t=2,p=2$c29tZXNhbHQxNmJ5dGVzIQ$178nDAB7jpVJSyfTUMafRrfHEdulJpYKT12DHMOSM2I", "secret word", false },
	{ "$argon2id$v=19$m=524288,t=1,p=1$c29tZXNhbHQxNmJ5dGVzIQ$0r5GulwOz9BQMX8zv9cCYrGJMeEnvMcwNMwcLZmS5Kw", "secret words", false },
	{ "$argon2id$v=19$m=4096,t=2000,p=2$c29tZXNhbHQxNmJ5dGVzIQ$178nDAB7jpVJSyfTUMafRrfHEdulJpYKT12DHMOSM2I", "secret words", false },
	{ "$argon2id$v=19$m=4096,t=2,p=2$c29t$", "secret words", false },
	{ "", "", false },
	{ "!", "!", false },
	{ "*", "", false },
	{ "plain", "plain", false },
	{ "{PLAIN}secret", "secret", false },
	{ "$nonsense$", "", false },
	{ "ab.dBkoY3KtGs", "x", false },
};

START_TEST(hashes_match)
{
	ck_assert_int_eq(password_matches(span_of(hashes[_i].hash), hashes[_i].password), hashes[_i].matches);
}
END_TEST

static const struct {
	const char *kind, *begins;
} kinds[] = { { "yescrypt", "$y$" }, { "argon2id", "$argon2id$v=19$m=19456,t=2,p=1$" } };

START_TEST(fresh_hash_matches)
{
	char hash[PASSWORD_HASH_MAX];
	struct err e;

	ck_assert(password_hash(kinds[_i].kind, "secret words", hash, &e));
	ck_assert(strncmp(hash, kinds[_i].begins, strlen(kinds[_i].begins)) == 0);
	ck_assert(password_matches(span_of(hash), "secret words"));
	ck_assert(!password_matches(span_of(hash), "secret word"));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("auth");

	tcase_add_loop_test(tc, words_decode, 0, COUNT(cases));
	tcase_add_test(tc, login_asks_twice);
	tcase_add_loop_test(tc, long_words_fail, 0, 5);
	tcase_add_loop_test(tc, hashes_match, 0, COUNT(hashes));
	tcase_add_loop_test(tc, fresh_hash_matches, 0, COUNT(kinds));
	tcase_add_loop_test(tc, offer_is_what_the_connection_can_have, 0, COUNT(offers));
	tcase_add_test(tc, exchange_is_handed_on);
	return unit_end();
}

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

START_TEST(words_decode)
{
	struct str sent = STR(4096), challenge = STR(4096);
	enum sasl_next next = SASL_ASK;
	struct sasl s;
	struct err e = { 0 };

	ck_assert(sasl_begin(&s, cases[_i].mechanism));
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

	ck_assert(!sasl_begin(&s, SPAN("CRAM-MD5")));
	ck_assert(sasl_begin(&s, SPAN("LOGIN")));
	ck_assert_int_eq(sasl_step(&s, NULL, &challenge, &e), SASL_ASK);
	ck_assert_str_eq(challenge.p, "VXNlcm5hbWU6");
	ck_assert_int_eq(sasl_step(&s, &name, &challenge, &e), SASL_ASK);
	ck_assert_str_eq(challenge.p, "UGFzc3dvcmQ6");
	ck_assert_int_eq(sasl_step(&s, &stop, &challenge, &e), SASL_FAILED);
	ck_assert_str_eq(e.status, "5.7.0");
	ck_assert(sasl_begin(&s, SPAN("PLAIN")));
	ck_assert_int_eq(sasl_step(&s, &nothing, &challenge, &e), SASL_FAILED);
	ck_assert(sasl_begin(&s, SPAN("PLAIN")));
	ck_assert_int_eq(sasl_step(&s, &bad, &challenge, &e), SASL_FAILED);
	str_free(&challenge);
}
END_TEST

START_TEST(long_words_fail)
{
	static const size_t sizes[] = { AUTH_NAME_MAX - 1, AUTH_NAME_MAX, 5000, SASL_WORD_MAX, 100000 };
	struct str name = STR(1 << 20), sent = STR(1 << 20), challenge = STR(100);
	struct sasl s;
	struct err e;

	for (size_t i = 0; i < sizes[_i]; i++)
		str_add_char(&name, 'a');
	base64_encode(str_span(&name), &sent);
	struct span said = str_span(&sent);

	ck_assert(sasl_begin(&s, SPAN("LOGIN")));
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

START_TEST(fresh_hash_matches)
{
	char hash[PASSWORD_HASH_MAX];
	struct err e;

	ck_assert(password_hash("secret words", hash, &e));
	ck_assert(strncmp(hash, "$y$", 3) == 0);
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
	tcase_add_test(tc, fresh_hash_matches);
	return unit_end();
}

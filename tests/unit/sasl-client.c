/* Who we are, told to a server: by the RFCs' examples, to our own server's half, and to liars. And the file of secrets. */
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/auth/sasl-client.h"
#include "common/auth/scram.h"
#include "common/auth/secrets.h"
#include "tests/unit/unit.h"

/* --- the whole conversation, as the RFCs print it --- */

static const struct { const char *offered, *mechanism, *nonce, *first, *challenges[2], *answers[2]; } examples[] = {
	/* RFC 5802 5 */
	{ "PLAIN SCRAM-SHA-1", "SCRAM-SHA-1", "fyko+d2lbbFgONRv9qkxdawL", "n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
	  { "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096", "v=rmF9pqV8S7suAoZWja4dJRkFsKQ=" },
	  { "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=", "" } },
	/* RFC 7677 3 */
	{ "LOGIN SCRAM-SHA-1 SCRAM-SHA-256 SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "rOprNGfwEbeRWgbNEkqO", "n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
	  { "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
	    "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=" },
	  { "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=", "" } },
	{ "login", "LOGIN", "x", "", { "Username:", "Password:" }, { "user", "pencil" } },
};

START_TEST(example_is_played)
{
	struct sasl_client s;
	struct err e;

	ck_assert(sasl_client_begin(&s, span_of(examples[_i].offered), "user", "pencil", span_of(examples[_i].nonce), &e));
	ck_assert_str_eq(s.mechanism, examples[_i].mechanism);
	ck_assert_str_eq(s.first.p, examples[_i].first);
	for (int i = 0; i < 2; i++) {
		struct str words = STR(1000);

		ck_assert_msg(sasl_client_answer(&s, span_of(examples[_i].challenges[i]), &words, &e), "%s", e.text);
		ck_assert_str_eq(words.p, examples[_i].answers[i]);
		str_free(&words);
	}
	ck_assert(sasl_client_end(&s, true, &e));
	ck_assert(!s.password[0] && !s.user[0]);
}
END_TEST

START_TEST(plain_says_all_at_once)
{
	struct str words = STR(100);
	struct sasl_client s;
	struct err e;

	ck_assert(sasl_client_begin(&s, SPAN("GSSAPI PLAIN LOGIN"), "a,b", "p=w", SPAN("x"), &e));
	ck_assert(span_same(sasl_client_initial(&s), SPAN("\0a,b\0p=w")));
	ck_assert(!sasl_client_answer(&s, SPAN("more"), &words, &e) && e.kind == ERR_TEMP);
	ck_assert(sasl_client_end(&s, true, &e));
	ck_assert(!sasl_client_begin(&s, SPAN("GSSAPI XPLAIN"), "a", "b", SPAN("x"), &e) &&
	    e.kind == ERR_TEMP);
	ck_assert(!sasl_client_end(&s, false, &e));
	str_free(&words);
}
END_TEST

/* Commas and signs in names, and a password with a soft hyphen, which SASLprep takes out. */
START_TEST(our_own_server_understands)
{
	struct verifier v = { .digest = DIGEST_SHA256, .iterations = 4096, .salt = "salt", .salt_n = 4 };
	struct str challenge = STR(1000), words = STR(1000), signature = STR(1000), last = STR(1000);
	static const struct channel nothing;
	struct scram_first first;
	struct sasl_client s;
	struct err e;

	verifier_of("pencil", &v);
	ck_assert(sasl_client_begin(&s, SPAN("SCRAM-SHA-256"), "a,=b",
	    "pen\xc2\xad"
	    "cil",
	    SPAN("NONCE"), &e));
	ck_assert(scram_begin(SPAN("SCRAM-SHA-256"), sasl_client_initial(&s), &nothing, &first, &e));
	ck_assert_str_eq(first.user, "a,=b");
	scram_challenge(&first, SPAN("OURS"), &v, &challenge);
	ck_assert(sasl_client_answer(&s, str_span(&challenge), &words, &e));
	ck_assert(scram_finish(&first, str_span(&challenge), str_span(&words), &nothing, &v, &signature, &e));
	ck_assert(sasl_client_answer(&s, str_span(&signature), &last, &e));
	ck_assert(sasl_client_end(&s, true, &e));
	str_free(&challenge);
	str_free(&words);
	str_free(&signature);
	str_free(&last);
}
END_TEST

static const char *const lies[] = {
	"", "r=", "r=NONCE", "r=OTHERx,s=c2FsdA==,i=4096", "r=NONCE,s=c2FsdA==,i=4096", "r=NONCEx,s=,i=4096", "r=NONCEx,s=?,i=4096",
	"r=NONCEx,s=c2FsdA==,i=0", "r=NONCEx,s=c2FsdA==,i=1000001", "r=NONCEx,s=c2FsdA==,i=4096x", "m=1,r=NONCEx,s=c2FsdA==,i=4096",
};

START_TEST(liars_get_no_proof)
{
	struct str words = STR(1000);
	struct sasl_client s;
	struct err e;

	ck_assert(sasl_client_begin(&s, SPAN("SCRAM-SHA-1"), "user", "pencil", SPAN("NONCE"), &e));
	ck_assert(!sasl_client_answer(&s, span_of(lies[_i]), &words, &e));
	ck_assert(e.kind == ERR_TEMP && !strstr(words.p, ",p="));
	ck_assert(!sasl_client_end(&s, true, &e) && e.kind == ERR_TEMP);
	str_free(&words);
}
END_TEST

START_TEST(a_server_must_know_the_password_too)
{
	struct str words = STR(1000);
	struct sasl_client s;
	struct err e;

	ck_assert(sasl_client_begin(&s, SPAN("SCRAM-SHA-1"), "user", "pencil", SPAN("NONCE"), &e));
	ck_assert(sasl_client_answer(&s, SPAN("r=NONCEx,s=c2FsdA==,i=4096,x=y"), &words, &e));
	ck_assert(!sasl_client_answer(&s, SPAN("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="), &words, &e));
	ck_assert(!sasl_client_end(&s, true, &e) && strstr(e.text, "without having shown"));
	str_free(&words);
}
END_TEST

/* --- secrets --- */

static const char text[] =
	"# isp no no\n"
	"isp\tme@isp.test \tcorrect horse # battery \n"
	"\n"
	"  other me pw";

START_TEST(secrets_are_found)
{
	char name[] = "/tmp/secretsXXXXXX";
	int fd = mkstemp(name);
	struct secret s;
	struct err e;

	ck_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	fd = secrets_open(name, &e);
	ck_assert_msg(fd >= 0, "%s", e.text);
	ck_assert(secrets_find(fd, "isp", &s, &e));
	ck_assert_str_eq(s.user, "me@isp.test");
	ck_assert_str_eq(s.password, "correct horse # battery");
	ck_assert(secrets_find(fd, "other", &s, &e));
	ck_assert_str_eq(s.password, "pw");
	ck_assert(!secrets_find(fd, "ISP", &s, &e) && e.kind == ERR_TEMP);
	ck_assert_str_eq(e.text, "there is no entry \"ISP\" in relay-secrets");
	close(fd);
	chmod(name, 0640);
	ck_assert(secrets_open(name, &e) < 0 && strstr(e.text, "chmod 600"));
	unlink(name);
	ck_assert(secrets_open(name, &e) < 0 && e.kind == ERR_TEMP && strstr(e.text, "No such file"));
}
END_TEST

START_TEST(mistakes_have_lines_and_no_passwords)
{
	struct str mistakes = STR(1000);

	ck_assert(secrets_check(SPAN("# x\na b c\n"), "f", &mistakes));
	ck_assert(!secrets_check(SPAN("a b c\nhunter2\n\na secret\n"), "f", &mistakes));
	ck_assert_str_eq(mistakes.p, "f:2: expected NAME USER PASSWORD\nf:4: expected NAME USER PASSWORD\n");
	str_free(&mistakes);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("sasl-client");

	tcase_add_loop_test(tc, example_is_played, 0, COUNT(examples));
	tcase_add_test(tc, plain_says_all_at_once);
	tcase_add_test(tc, our_own_server_understands);
	tcase_add_loop_test(tc, liars_get_no_proof, 0, COUNT(lies));
	tcase_add_test(tc, a_server_must_know_the_password_too);
	tcase_add_test(tc, secrets_are_found);
	tcase_add_test(tc, mistakes_have_lines_and_no_passwords);
	return unit_end();
}

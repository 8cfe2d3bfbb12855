/* Parameters of MAIL and RCPT, and xtext. */
#include "tests/unit/unit.h"

#include "common/smtp/extension.h"
#include "common/smtp/param.h"

enum {
	ALL	= EXT_SIZE | EXT_8BITMIME | EXT_SMTPUTF8 | EXT_DSN | EXT_AUTH,
	MORE	= EXT_REQUIRETLS | EXT_FUTURERELEASE | EXT_DELIVERBY | EXT_MT_PRIORITY,
};

/* What goes out again says what was read. */
static const struct { const char *in; unsigned offer; const char *out, *status; } mails[] = {
	{ "", ALL, "", NULL },
	{ " ", ALL, "", NULL },
	{ " SIZE=1000", ALL, " SIZE=1000", NULL },
	{ " size=1000 body=8bitmime", ALL, " SIZE=1000 BODY=8BITMIME", NULL },
	{ " BODY=7BIT", ALL, "", NULL },
	{ " SMTPUTF8 RET=FULL ENVID=QQ+2B1", ALL, " SMTPUTF8 RET=FULL ENVID=QQ+2B1", NULL },
	{ " RET=hdrs", ALL, " RET=HDRS", NULL },
	{ " AUTH=ann+40x.org", ALL, "", NULL },
	{ " AUTH=<>", ALL, "", NULL },
	{ " SIZE=18446744073709551615", ALL, NULL, "5.5.2" },
	{ " SIZE=9223372036854775807", ALL, " SIZE=9223372036854775807", NULL },
	{ " SIZE=-1", ALL, NULL, "5.5.2" },
	{ " SIZE=", ALL, NULL, "5.5.2" },
	{ " SIZE", ALL, NULL, "5.5.2" },
	{ " SIZE=1 SIZE=1", ALL, NULL, "5.5.2" },
	{ " SIZE=1", 0, NULL, "5.5.4" },
	{ " BODY=BINARYMIME", ALL, NULL, "5.5.2" },
	{ " SMTPUTF8=", ALL, NULL, "5.5.2" },
	{ " RET=ALL", ALL, NULL, "5.5.2" },
	{ " ENVID=", ALL, NULL, "5.5.2" },
	{ " ENVID=a=b", ALL, NULL, "5.5.2" },
	{ " ENVID=a+0Ab", ALL, NULL, "5.5.2" },
	{ " ENVID=a+4", ALL, NULL, "5.5.2" },
	{ " ENVID=a+4x", ALL, NULL, "5.5.2" },
	{ " ENVID=a+4a", ALL, NULL, "5.5.2" },
	{ " =", ALL, NULL, "5.5.4" },
	{ " =1", ALL, NULL, "5.5.4" },
	{ " XFOO=1", ALL, NULL, "5.5.4" },
	{ " REQUIRETLS", ALL, NULL, "5.5.4" },
	{ " REQUIRETLS BY=120;R MT-PRIORITY=-3", MORE, " REQUIRETLS BY=120;R MT-PRIORITY=-3", NULL },
	{ " by=+0;nt mt-priority=0 holdfor=999999999", MORE, " BY=0;NT", NULL },
	{ " BY=-999999999;N HOLDUNTIL=2026-11-25T22:19:28.5+01:00", MORE, " BY=-999999999;N", NULL },
	{ " HOLDUNTIL=2026-11-25T22:19:28", MORE, NULL, "5.5.2" },
	{ " HOLDUNTIL=2026-02-30T22:19:28Z", MORE, NULL, "5.5.2" },
	{ " HOLDUNTIL=1960-01-01T00:00:00Z", MORE, NULL, "5.5.2" },
	{ " HOLDFOR=1 HOLDUNTIL=2026-11-25T22:19:28Z", MORE, NULL, "5.5.2" },
	{ " HOLDUNTIL=2026-11-25T22:19:28Z HOLDFOR=1", MORE, NULL, "5.5.2" },
	{ " HOLDFOR=+1", MORE, NULL, "5.5.2" },
	{ " BY=--1;N", MORE, NULL, "5.5.2" },
	{ " BY=+-1;N", MORE, NULL, "5.5.2" },
	{ " BY=1;", MORE, NULL, "5.5.2" },
	{ " BY=;N", MORE, NULL, "5.5.2" },
	{ " BY=1;NN", MORE, NULL, "5.5.2" },
	{ " MT-PRIORITY=--1", MORE, NULL, "5.5.2" },
	{ " MT-PRIORITY=01", MORE, NULL, "5.5.2" },
	{ " MT-PRIORITY=-", MORE, NULL, "5.5.2" },
	{ "SIZE=1", ALL, NULL, "5.5.2" },
	{ "\tSIZE=1", ALL, NULL, "5.5.2" },
};

START_TEST(mail_params)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct str out = STR(2000);
	struct mail_params got;
	struct err e;
	bool ok = param_mail(span_of(mails[_i].in), mails[_i].offer, a, &got, &e);

	ck_assert_msg(ok == !mails[_i].status, "%s", mails[_i].in);
	if (ok) {
		param_print_mail(&got, ALL | MORE, &out);
		ck_assert_str_eq(out.p, mails[_i].out);
		str_reset(&out);
		param_print_mail(&got, 0, &out);
		ck_assert_str_eq(out.p, "");
	} else {
		ck_assert_str_eq(e.status, mails[_i].status);
	}
	str_free(&out);
	arena_free(a);
}
END_TEST

static const struct { const char *in; bool utf8; const char *out, *status; } rcpts[] = {
	{ "", false, "", NULL },
	{ " NOTIFY=NEVER", false, " NOTIFY=NEVER", NULL },
	{ " NOTIFY=delay,SUCCESS", false, " NOTIFY=SUCCESS,DELAY", NULL },
	{ " NOTIFY=FAILURE ORCPT=rfc822;a+2Bb@x.org", false, " NOTIFY=FAILURE ORCPT=rfc822;a+2Bb@x.org", NULL },
	{ " ORCPT=utf-8;jürgen@x.org", true, " ORCPT=utf-8;jürgen@x.org", NULL },
	{ " ORCPT=utf-8;jürgen@x.org", false, NULL, "5.5.2" },
	{ " ORCPT=utf-8;j\\x{FC}rgen@x.org", false, " ORCPT=utf-8;j\\x{FC}rgen@x.org", NULL },
	{ " ORCPT=rfc822;", false, NULL, "5.5.2" },
	{ " ORCPT=;a@x.org", false, NULL, "5.5.2" },
	{ " ORCPT=a@x.org", false, NULL, "5.5.2" },
	{ " ORCPT=rfc822;a+0D+0Ab", false, NULL, "5.5.2" },
	{ " NOTIFY=", false, NULL, "5.5.2" },
	{ " NOTIFY=NEVER,SUCCESS", false, NULL, "5.5.2" },
	{ " NOTIFY=SUCCESS,", false, NULL, "5.5.2" },
	{ " NOTIFY=ALWAYS", false, NULL, "5.5.2" },
	{ " NOTIFY", false, NULL, "5.5.2" },
	{ " SIZE=1", false, NULL, "5.5.4" },
};

START_TEST(rcpt_params)
{
	struct arena *a = arena_new(1 << 16, NULL, NULL);
	struct str out = STR(2000);
	struct rcpt_params got;
	struct err e;
	bool ok = param_rcpt(span_of(rcpts[_i].in), ALL, rcpts[_i].utf8, a, &got, &e);

	ck_assert_msg(ok == !rcpts[_i].status, "%s", rcpts[_i].in);
	if (ok) {
		param_print_rcpt(&got, EXT_DSN, &out);
		ck_assert_str_eq(out.p, rcpts[_i].out);
	} else {
		ck_assert_str_eq(e.status, rcpts[_i].status);
	}
	str_free(&out);
	arena_free(a);
}
END_TEST

START_TEST(xtext_there_and_back)
{
	struct str coded = STR(100), plain = STR(100);

	xtext_encode(SPAN("a+b=c d\"e\xc3\xbc"), &coded);
	ck_assert_str_eq(coded.p, "a+2Bb+3Dc+20d\"e+C3+BC");
	ck_assert(xtext_decode(str_span(&coded), &plain));
	ck_assert_str_eq(plain.p, "a+b=c d\"e\xc3\xbc");
	ck_assert(!xtext_decode(SPAN("x y"), &plain));
	ck_assert_str_eq(plain.p, "a+b=c d\"e\xc3\xbc");
	str_free(&coded);
	str_free(&plain);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("smtp-param");

	tcase_add_loop_test(tc, mail_params, 0, COUNT(mails));
	tcase_add_loop_test(tc, rcpt_params, 0, COUNT(rcpts));
	tcase_add_test(tc, xtext_there_and_back);
	return unit_end();
}

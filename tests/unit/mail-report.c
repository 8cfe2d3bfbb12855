/* Bounces and delay warnings: RFC 3464, 6522, 6533. */
#include "common/mail/date.h"
#include "common/mail/header.h"
#include "common/mail/mime.h"
#include "common/mail/report.h"

#include "tests/unit/unit.h"

#define GREEK	"From: \u03b1@\u03b2.test\nMessage-ID: <o@\u03b2.test>\nSubject: s\n\nbody\n"
#define TEXT	"Received: x\nMessage-ID: <orig@a.test>\nReferences: <r@a.test>\nSubject: s\n\nbody\n"

static const struct report_rcpt gone = {
	.kind = REPORT_FAILED, .original = "rfc822;bob+2Bx@b.test", .address = "bob+x@b.test", .status = "5.1.1",
	.diagnostic = "550 5.1.1 no such\nuser \xff", .from_remote = true, .remote = "mx.b.test", .last_try = 880127706,
};
static const struct report_rcpt late = {
	.kind = REPORT_DELAYED, .original = "", .address = "eve@c.test", .status = "4.4.1",
	.diagnostic = "cannot reach mx.c.test", .remote = "",
};
static const struct report_rcpt greek = {
	.kind = REPORT_FAILED, .original = "", .address = "\u03b1@\u03b2.test", .status = "", .diagnostic = "", .remote = "",
};

static const struct report_rcpt behind = {
	.kind = REPORT_FAILED, .original = "rfc822;team+2Bx@b.test", .address = "eve@c.test", .status = "5.7.1",
	.diagnostic = "554 go away", .from_remote = true, .remote = "mx.c.test",
};
static const struct report_rcpt secret = {
	.kind = REPORT_FAILED, .original = "", .address = "eve@c.test", .status = "5.7.30", .diagnostic = "it needs REQUIRETLS", .remote = "",
};
static const struct report_rcpt ours = {
	.kind = REPORT_FAILED, .original = "", .address = "eve@c.test", .status = "5.7.1", .diagnostic = "we do not", .remote = "",
};
static const struct report_rcpt unsafe = {
	.kind = REPORT_FAILED, .original = "", .address = "eve@c.test", .status = "4.7.4", .diagnostic = "no STARTTLS", .remote = "",
};
static const struct report_rcpt unproven = {
	.kind = REPORT_FAILED, .original = "", .address = "eve@c.test", .status = "4.7.5", .diagnostic = "its name is wrong", .remote = "",
};
static const struct report_rcpt embedded = {
	.kind = REPORT_DELIVERED, .original = "utf-8;\\x{3B1}\\x{2B}\\x{1F600}@\u03b2.test", .address = "alpha@b.test", .status = "2.0.0", .diagnostic = "", .remote = "",
};
static const struct report_rcpt odd = {
	.kind = REPORT_DELIVERED, .original = "utf-8;\xff\\x{D800}@b.test", .address = "alpha@b.test", .status = "2.0.0", .diagnostic = "", .remote = "",
};

/* The rows below say only what differs. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define REPORT(...) { .our_name = "mx.a.test", .to = "ann@a.test", .id = "q1", .message_id = "<rep@mx.a.test>", \
	.envid = "", .from_mta = "", .arrived = 880120506, .now = 880127706, .original = SPAN(TEXT), .dice = 5, __VA_ARGS__ }

/* What must be found in the text; the parts' types in their order; what must not be there. */
static const struct { struct report r; const char *has[12], *types[3], *lacks; } cases[] = {
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &gone, .rcpt_count = 1, .envid = "QQ+3D1"),
	  { "To: <ann@a.test>\nSubject: Your message could not be delivered\n", "\nIn-Reply-To: <orig@a.test>\n",
	    "\nReferences: <r@a.test>\n <orig@a.test>\n", "\nAuto-Submitted: auto-replied\n", "<bob+x@b.test>\n    There is no such address. Please check how it is spelled.\n    mx.b.test said: 550 5.1.1 no suchuser \xef\xbf\xbd\n",
	    "\nOriginal-Envelope-Id: QQ=1\n", "\nReporting-MTA: dns; mx.a.test\n",
	    "\nOriginal-Recipient: rfc822;bob+x@b.test\nFinal-Recipient: rfc822; bob+x@b.test\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; mx.b.test\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 no suchuser ???\nLast-Attempt-Date: Fri, 21 Nov 1997 15:55:06 +0000\nFinal-Log-ID: q1\n",
	    "\nArrival-Date: Fri, 21 Nov 1997 13:55:06 +0000\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "\nbody\n" },
	{ REPORT(.kind = REPORT_DELAYED, .rcpts = &late, .rcpt_count = 1, .full = true, .give_up = 880127706 + 86400),
	  { "Subject: Your message is late\n", "We go on trying until Sat, 22 Nov 1997 15:55:06 +0000.",
	    "Final-Recipient: rfc822; eve@c.test\nAction: delayed\nStatus: 4.4.1\nDiagnostic-Code: x-posthorn; cannot reach mx.c.test\n"
	    "Final-Log-ID: q1\nWill-Retry-Until: Sat, 22 Nov 1997 15:55:06 +0000\n", "\n" TEXT, "Content-Transfer-Encoding: 7bit\n" },
	  { "plain", "delivery-status", "rfc822" }, "Original-Recipient" },
	/* RFC 6533: UTF-8 for whoever has such an address himself, else nothing that a server could not take */
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &greek, .rcpt_count = 1, .to = "\u03b1@a.test", .smtputf8 = true, .original = SPAN(GREEK)),
	  { "Final-Recipient: utf-8; \u03b1@\u03b2.test\n", "Status: 5.0.0\n", "Content-Transfer-Encoding: 8bit\n",
	    "\nIn-Reply-To: <o@\u03b2.test>\n", "\nFrom: \u03b1@\u03b2.test\n" },
	  { "plain", "global-delivery-status", "global-headers" }, "Diagnostic" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &greek, .rcpt_count = 1, .smtputf8 = true, .full = true, .original = SPAN(GREEK)),
	  { "Final-Recipient: utf-8; \\x{3B1}@\\x{3B2}.test\n", "  <\u03b1@\u03b2.test>\n", "Content-Type: message/global\nContent-Transfer-Encoding: base64\n\nRnJvbTog" },
	  { "plain", "delivery-status", "global" }, "In-Reply-To" },
	{ REPORT(.kind = REPORT_DELIVERED, .rcpts = &embedded, .rcpt_count = 1), { "Original-Recipient: utf-8;\\x{3B1}\\x{2B}\\x{1F600}@\\x{3B2}.test\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "no such address" },
	{ REPORT(.kind = REPORT_DELIVERED, .rcpts = &embedded, .rcpt_count = 1, .to = "\u03b1@a.test"), { "Original-Recipient: utf-8;\u03b1+\U0001f600@\u03b2.test\n" },
	  { "plain", "global-delivery-status", "rfc822-headers" }, "no such address" },
	{ REPORT(.kind = REPORT_DELIVERED, .rcpts = &odd, .rcpt_count = 1), { "Original-Recipient: utf-8;???\\x{D800}@b.test\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "no such address" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &behind, .rcpt_count = 1, .from_mta = "mail.d.test"),
	  { "  <eve@c.test>, to which <team+x@b.test> leads\n    The server there refuses it by a rule of its own.\n    mx.c.test said: 554 go away\n",
	    "\nReporting-MTA: dns; mx.a.test\nReceived-From-MTA: dns; mail.d.test\n", "\nOriginal-Recipient: rfc822;team+x@b.test\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "no such address" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &secret, .rcpt_count = 1),
	  { "  <eve@c.test>\n    It needs TLS all the way, which the server there does not promise.\n    it needs REQUIRETLS\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "rule" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &unsafe, .rcpt_count = 1),
	  { "  <eve@c.test>\n    The way to the server there cannot be made as safe as it has to be.\n    no STARTTLS\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "rule" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &unproven, .rcpt_count = 1),
	  { "  <eve@c.test>\n    The server there does not prove that it is the right one.\n    its name is wrong\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "rule" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &ours, .rcpt_count = 1),
	  { "  <eve@c.test>\n    A rule of our mail server does not let it through.\n    we do not\n" },
	  { "plain", "delivery-status", "rfc822-headers" }, "of its own" },
	{ REPORT(.kind = REPORT_FAILED, .rcpts = &gone, .rcpt_count = 1, .to = "postmaster@a.test", .unsent = true),
	  { "Subject: A message without sender could not be delivered\n", "There is nobody else to tell" },
	  { "plain", "delivery-status", "rfc822-headers" }, "that you sent" },
	{ REPORT(.kind = REPORT_FAILED, .original = SPAN("no header, no line end"), .rcpts = &late, .rcpt_count = 1, .full = true),
	  { "<eve@c.test> has not been reached yet\n", "no header, no line end\n" },
	  { "plain", "delivery-status", "rfc822" }, "In-Reply-To" },
	{ REPORT(.kind = REPORT_FAILED, .original = SPAN(""), .rcpts = &gone, .rcpt_count = 1),
	  { "Action: failed" }, { "plain", "delivery-status", "rfc822-headers" }, "In-Reply-To" },
};

static void gather(void *arg, struct span s)
{
	str_add(arg, s);
}

static void ck_shape(struct span text, const char *const types[3])
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	const struct param *kind;
	struct mime m;

	mime_parse(text, a, &m);
	kind = param_find(&m.parts[0].params, "report-type");
	ck_assert(span_is(m.parts[0].subtype, "report") && kind &&
	    span_is(kind->value, "delivery-status"));
	for (unsigned i = 1; i <= 3; i++)
		ck_assert(span_is(mime_find(&m, &i, 1)->subtype, types[i - 1]));
	ck_assert_ptr_null(mime_find(&m, (unsigned[]){ 4 }, 1));
	arena_free(a);
}

START_TEST(report_says_it)
{
	struct str s = STR(1 << 20);

	report_write(&cases[_i].r, (struct sink){ gather, &s });
	for (int i = 0; cases[_i].has[i]; i++)
		ck_assert_msg(strstr(s.p, cases[_i].has[i]) != NULL, "wanted %s in %s",
		    cases[_i].has[i], s.p);
	ck_assert_msg(!strstr(s.p, cases[_i].lacks), "%s", s.p);
	ck_assert_ptr_null(strchr(s.p, '\r'));
	ck_shape(str_span(&s), cases[_i].types);
	str_free(&s);
}
END_TEST

START_TEST(replies_are_told_from_words_of_ours)
{
	ck_assert(report_is_reply("550 5.1.1 no such user") && report_is_reply("421 "));
	ck_assert(!report_is_reply("") && !report_is_reply("55") && !report_is_reply("550"));
	ck_assert(!report_is_reply("163.com has no address") && !report_is_reply("cannot connect"));
}
END_TEST

START_TEST(many_recipients_fit)
{
	static struct report_rcpt all[2000];
	struct report r = REPORT(.kind = REPORT_FAILED, .rcpts = all, .rcpt_count = 2000);
	struct str s = STR(16 << 20);

	for (int i = 0; i < 2000; i++)
		all[i] = gone;
	report_write(&r, (struct sink){ gather, &s });
	ck_assert(!s.over && span_ends(str_span(&s), "--=_report_0000000000000005--\n"));
	ck_shape(str_span(&s), cases[0].types);
	str_free(&s);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-report");

	tcase_add_loop_test(tc, report_says_it, 0, COUNT(cases));
	tcase_add_test(tc, replies_are_told_from_words_of_ours);
	tcase_add_test(tc, many_recipients_fit);
	return unit_end();
}

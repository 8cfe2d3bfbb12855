/* Received lines, message ids, what a submission server adds, the mail log. */
#include "common/mail/fix.h"
#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/mail/msgid.h"
#include "common/mail/trace.h"

#include <unistd.h>

#include "common/os/log.h"
#include "tests/unit/unit.h"

#define WHEN	880127706
#define DATE	"Fri, 21 Nov 1997 15:55:06 +0000"

/* The rows below say only what differs. */
#pragma GCC diagnostic ignored "-Woverride-init"
#define LINE(...) { .helo = "", .peer_ip = "", .peer_name = "", .by = "mx.example.org", .tls = "", .id = "q1", \
	.recipient = "", .login = "", .protocol = "ESMTP", .when = WHEN, __VA_ARGS__ }

static const struct { struct trace t; const char *out; } lines[] = {
	{ LINE(.helo = "client.test", .peer_ip = "192.0.2.1"),
	  "Received: from client.test ([192.0.2.1])\n\tby mx.example.org with ESMTP id q1;\n\t" DATE "\n" },
	{ LINE(.helo = "client.test", .peer_ip = "2001:db8::1", .peer_name = "real.test", .protocol = "ESMTPS",
	    .tls = "TLSv1.3 TLS_AES_256_GCM_SHA384 256", .recipient = "ann@example.org"),
	  "Received: from client.test (real.test [IPv6:2001:db8::1])\n\tby mx.example.org with ESMTPS id q1\n"
	  "\t(TLSv1.3 TLS_AES_256_GCM_SHA384 256)\n\tfor <ann@example.org>;\n\t" DATE "\n" },
	{ LINE(.helo = "secret", .peer_ip = "192.0.2.1", .hide_client = true, .login = "ann"),
	  "Received: by mx.example.org with ESMTP id q1;\n\t" DATE "\n" },
	{ LINE(.login = "root"),
	  "Received: by mx.example.org (login root) with ESMTP id q1;\n\t" DATE "\n" },
	{ LINE(.helo = "a) b\n(c\\;\"", .peer_ip = "192.0.2.1"),
	  "Received: from a??b??c??? ([192.0.2.1])\n\tby mx.example.org with ESMTP id q1;\n\t" DATE "\n" },
	{ LINE(.peer_ip = "192.0.2.1", .helo = "a", .recipient = "ann@example.org", .priority = -4),
	  "Received: from a ([192.0.2.1])\n\tby mx.example.org with ESMTP id q1\n\tfor <ann@example.org>\n"
	  "\tPRIORITY -4;\n\t" DATE "\n" },
	{ LINE(.peer_ip = "192.0.2.1"),
	  "Received: from unknown ([192.0.2.1])\n\tby mx.example.org with ESMTP id q1;\n\t" DATE "\n" },
};

START_TEST(received_is_written)
{
	struct str s = STR(2000);

	trace_received(&lines[_i].t, &s);
	ck_assert_str_eq(s.p, lines[_i].out);
	ck_assert_uint_eq(trace_hops(str_span(&s)), 1);
	str_free(&s);
}
END_TEST

START_TEST(protocols_are_named)
{
	ck_assert_str_eq(trace_protocol(false, false, false, false, false), "SMTP");
	ck_assert_str_eq(trace_protocol(false, true, false, false, false), "ESMTP");
	ck_assert_str_eq(trace_protocol(false, true, true, true, false), "ESMTPSA");
	ck_assert_str_eq(trace_protocol(false, true, true, false, true), "UTF8SMTPS");
	ck_assert_str_eq(trace_protocol(true, false, false, false, false), "LMTP");
	ck_assert_str_eq(trace_protocol(true, false, false, true, false), "LMTPA");
}
END_TEST

START_TEST(loops_are_seen)
{
	struct str s = STR(2000);
	struct span text;

	trace_return_path(SPAN(""), &s);
	trace_delivered_to(SPAN("Ann@example.org"), &s);
	str_add_text(&s,
	    "Received: a\nX: b\nreceived: c\n\nReceived: body\nDelivered-To: bob@example.org\n");
	text = str_span(&s);
	ck_assert(span_starts(text, "Return-Path: <>\nDelivered-To: Ann@example.org\n"));
	ck_assert_uint_eq(trace_hops(text), 2);
	ck_assert(trace_was_delivered_to(text, SPAN("ann@EXAMPLE.org")));
	ck_assert(!trace_was_delivered_to(text, SPAN("bob@example.org")));
	str_free(&s);
}
END_TEST

START_TEST(ids_are_made)
{
	struct str s = STR(200);

	msgid_make(1, 35, SPAN("example.org"), &s);
	ck_assert_str_eq(s.p, "<1.z@example.org>");
	str_reset(&s);
	msgid_make(INT64_MAX, UINT64_MAX, SPAN("x"), &s);
	ck_assert_str_eq(s.p, "<7e8e23ji0p2y1.fsgs46211e5w3@x>");
	str_free(&s);
}
END_TEST

/* --- fix --- */

#define D	"Date: " DATE "\n"
#define M	"Message-ID: <m@x>\n"
#define F	"From: <ann@x>\n"
#define R	"Resent-Date: " DATE "\nResent-Message-ID: <r.m@x>\n"

static const struct { const char *in, *out; } fixed[] = {
	{ "From: a\n" D "Message-Id: <m.1@y>\n\nbody\n",	"From: a\n" D "Message-Id: <m.1@y>\n\nbody\n" },
	{ "From: a\nDate: d\nMessage-Id: m\n\nbody\n",	"From: a\n" D M "\nbody\n" },
	{ "Return-Path: <x@y>\nFrom: a\n" D M "\n",	"From: a\n" D M "\n" },
	{ "Resent-From: b\nResent-To: c\nFrom: a\n" D M "\n",
	  "Resent-From: b\nResent-To: c\n" R "From: a\n" D M "\n" },
	{ "Resent-From: b\nResent-From: c\nX: y\nResent-From: d\nFrom: a\n" D M "\n",
	  "Resent-From: b\n" R "Resent-From: c\nX: y\nResent-From: d\nFrom: a\n" D M "\n" },
	{ "Resent-Date: x\nResent-From: b\nResent-Message-ID: <r@y>\nFrom: a\n" D M "\n",
	  "Resent-Date: x\nResent-From: b\nResent-Message-ID: <r@y>\nFrom: a\n" D M "\n" },
	{ "Resent-To: b\nFrom: a\n" D M "\n",		"Resent-To: b\nFrom: a\n" D M "\n" },
	{ "From: a\n" D M "Resent-From: b\n\nx",	"From: a\n" D M "Resent-From: b\n" R "\nx" },
	{ "From: a\n\nbody",				"From: a\n" D M "\nbody" },
	{ "Subject: s\n\n",				"Subject: s\n" D M F "\n" },
	{ "From: a\nBcc: secret\n\tfolded\nTo: b\nBCC: c\n\nBcc: in the body\n",
							"From: a\nTo: b\n" D M "\nBcc: in the body\n" },
	{ "From: a\nResent-Bcc: secret\n\nx",		"From: a\n" D M "\nx" },
	{ "\nbody\n",					D M F "\nbody\n" },
	{ "no header at all\nDate: x\n",		D M F "\nno header at all\nDate: x\n" },
	{ "From: a\nno field\nDate: x\n",		"From: a\n" D M "\nno field\nDate: x\n" },
	{ "From: a\n",					"From: a\n" D M "\n" },
	{ "From: a",					"From: a" D M "\n" },
	{ "Bcc: a",					D M F "\n" },
	{ "",						D M F "\n" },
	{ " odd\n",					D M F "\n odd\n" },
	{ "From: a\n x\n\ty\n\nz",			"From: a\n x\n\ty\n" D M "\nz" },
};

static void gather(void *arg, struct span s)
{
	str_add(arg, s);
}

START_TEST(header_is_fixed)
{
	for (size_t step = 1; step < 40; step += 6) {
		struct str out = STR(2000);
		struct span in = span_of(fixed[_i].in);
		struct fix_with with = { FIX_ALL, WHEN, 0, "<m@x>", "ann@x" };
		struct fix f;

		fix_init(&f, (struct sink){ gather, &out }, &with);
		while (in.n)
			fix_feed(&f, span_take(&in, step));
		ck_assert(fix_end(&f));
		ck_assert_str_eq(out.p, fixed[_i].out);
		str_free(&out);
	}
}
END_TEST

/* What is not to be added is not, and a bad id is left alone then. */
START_TEST(nothing_is_added_unasked)
{
	static const char text[] = "Subject: s\nMessage-ID: m\nBcc: x\nResent-From: a\n\nx";
	struct fix_with with = { 0, WHEN, 0, "<m@x>", "ann@x" };
	struct str out = STR(2000);
	struct fix f;

	fix_init(&f, (struct sink){ gather, &out }, &with);
	fix_feed(&f, span_of(text));
	ck_assert(fix_end(&f));
	ck_assert_str_eq(out.p, "Subject: s\nMessage-ID: m\nResent-From: a\n\nx");
	str_free(&out);
}
END_TEST

START_TEST(message_ids_are_known)
{
	static const struct { const char *id; bool good; } rows[] = {
		{ "<a@b>", true }, { "<a.b+c@[192.0.2.1]>", true }, { "<a@b> ", false }, { "a@b", false }, { "<a>", false },
		{ "<@b>", false }, { "<a@>", false }, { "<a b@c>", false }, { "<a<@c>", false }, { "", false },
	};

	for (int i = 0; i < COUNT(rows); i++)
		ck_assert_msg(fix_is_message_id(span_of(rows[i].id)) == rows[i].good, "%s", rows[i].id);
}
END_TEST

START_TEST(too_long_a_header_is_told)
{
	struct fix_with with = { FIX_ALL, WHEN, 0, "<m@x>", "" };
	struct str out = STR(HEADER_BYTES_MAX * 2);
	struct fix f;

	fix_init(&f, (struct sink){ gather, &out }, &with);
	for (size_t n = 0; n <= HEADER_BYTES_MAX; n += 10)
		fix_feed(&f, SPAN("Header: x\n"));
	fix_feed(&f, SPAN("\nbody\n"));
	ck_assert(!fix_end(&f));
	str_free(&out);
}
END_TEST

/* --- the log --- */

static void ck_logged(int fd, const char *text)
{
	char buf[4096];
	ssize_t n = read(fd, buf, sizeof buf - 1);

	ck_assert_int_gt(n, 0);
	buf[n] = '\0';
	ck_assert_msg(strstr(buf, text) != NULL, "%s", buf);
}

START_TEST(events_are_one_line_each)
{
	struct err e;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	log_open("unit", fds[1], 0);
	maillog_received(&(struct maillog_received){ .id = "q1", .peer = "192.0.2.1", .protocol = "ESMTPSA",
	    .login = "ann", .from = SPAN("ann@example.org"), .rcpts = 2, .bytes = 4096, .message_id = SPAN("<m@x>") });
	ck_logged(fds[0], ": q1 received peer=192.0.2.1 login=ann protocol=ESMTPSA from=<ann@example.org> rcpts=2 bytes=4096 message-id=<m@x>\n");
	err_temp(&e, "4.2.2", "the \"mailbox\" is full");
	maillog_deferred("q1", SPAN("bob@example.net"), "mx.example.net", 300, &e);
	ck_logged(fds[0], ": q1 deferred to=<bob@example.net> host=mx.example.net next=300s status=4.2.2 why=\"the \\\"mailbox\\\" is full\"\n");
	maillog_login_failed("imaps", "192.0.2.1", SPAN("a b\n\"c"), "PLAIN", "wrong password");
	ck_logged(fds[0], ": - login-failed service=imaps peer=192.0.2.1 login=\"a b?\\\"c\" mechanism=PLAIN why=\"wrong password\"\n");
	maillog_bounced("q1", SPAN(""), "q2", "failed");
	ck_logged(fds[0], ": q1 bounced to=<> report=q2 kind=failed\n");
	maillog_bounced("q1", SPAN("ann@example.org"), "q3", "delayed");
	ck_logged(fds[0], ": q3 received parent=q1 protocol=report from=<> rcpts=1\n");
	close(fds[0]);
	close(fds[1]);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("mail-trace");

	tcase_add_loop_test(tc, received_is_written, 0, COUNT(lines));
	tcase_add_test(tc, protocols_are_named);
	tcase_add_test(tc, loops_are_seen);
	tcase_add_test(tc, ids_are_made);
	tcase_add_loop_test(tc, header_is_fixed, 0, COUNT(fixed));
	tcase_add_test(tc, nothing_is_added_unasked);
	tcase_add_test(tc, message_ids_are_known);
	tcase_add_test(tc, too_long_a_header_is_told);
	tcase_add_test(tc, events_are_one_line_each);
	return unit_end();
}

/* DKIM over whole messages, the examples of RFC 6376 A and RFC 8463 A among them. */
#include "common/trust/dkim.h"

#include <stdio.h>

#include "common/mail/encoding.h"
#include "common/trust/arc.h"
#include "tests/unit/unit.h"

struct entry { const char *name, *texts[3]; bool fails; };	/* a table of the DNS */

static struct span rdata_of(struct arena *a, struct span text)
{
	struct str out = STR(20000);
	struct span got;

	while (text.n) {
		struct span part = span_take(&text, 200);

		str_add_char(&out, (char)part.n);
		str_add(&out, part);
	}
	got = arena_copy(a, str_span(&out));
	str_free(&out);
	return got;
}

static void ask_table(void *arg, const char *name, enum dns_type type, struct arena *a, struct dns_answer *out)
{
	ck_assert(type == DNS_TXT);
	*out = (struct dns_answer){ .found = DNS_NO_NAME, .why = "" };
	for (const struct entry *e = arg; e->name; e++) {
		if (strcmp(e->name, name) != 0)
			continue;
		*out = (struct dns_answer){ .found = e->fails ? DNS_FAILED : DNS_YES, .why = "time-out" };
		out->records = arena_array(a, 3, sizeof *out->records);
		for (; out->count < 3 && e->texts[out->count]; out->count++)
			out->records[out->count] = rdata_of(a, span_of(e->texts[out->count]));
	}
}

#define KEY_6376 "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5i" \
	"jSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB"
#define KEY_8463 "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91" \
	"y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB"

static const char example_6376[] =
	"DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;\n"
	"      c=simple/simple; q=dns/txt; i=joe@football.example.com;\n"
	"      h=Received : From : To : Subject : Date : Message-ID;\n"
	"      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
	"      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB\n"
	"      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut\n"
	"      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV\n"
	"      4bmp/YzhwvcubU4=;\n"
	"Received: from client1.football.example.com  [192.0.2.1]\n"
	"      by submitserver.example.com with SUBMISSION;\n"
	"      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)\n"
	"From: Joe SixPack <joe@football.example.com>\n"
	"To: Suzie Q <suzie@shopping.example.net>\n"
	"Subject: Is dinner ready?\n"
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n"
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\n"
	"\n"
	"Hi.\n"
	"\n"
	"We lost the game. Are you hungry yet?\n"
	"\n"
	"Joe.\n";

#define MAIL_8463 \
	"From: Joe SixPack <joe@football.example.com>\n" \
	"To: Suzie Q <suzie@shopping.example.net>\n" \
	"Subject: Is dinner ready?\n" \
	"Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\n" \
	"Message-ID: <20030712040037.46341.5F8J@football.example.com>\n" \
	"\n" \
	"Hi.\n" \
	"\n" \
	"We lost the game.  Are you hungry yet?\n" \
	"\n" \
	"Joe.\n"

static const char example_8463[] =
	"DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\n"
	" d=football.example.com; i=@football.example.com;\n"
	" q=dns/txt; s=brisbane; t=1528637909; h=from : to :\n"
	" subject : date : message-id : from : subject : date;\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
	" b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus\n"
	" Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==\n"
	"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;\n"
	" d=football.example.com; i=@football.example.com;\n"
	" q=dns/txt; s=test; t=1528637909; h=from : to : subject :\n"
	" date : message-id : from : subject : date;\n"
	" bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\n"
	" b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3\n"
	" DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz\n"
	" dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=\n"
	MAIL_8463;

#define AT_6376	"brisbane._domainkey.example.com"
#define NOW	1700000000

static struct entry good[] = {
	{ AT_6376, { "v=DKIM1; p=" KEY_6376 }, false },
	{ "brisbane._domainkey.football.example.com",
	  { "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=" }, false },
	{ "test._domainkey.football.example.com", { "v=DKIM1; k=rsa; p=" KEY_8463 }, false },
	{ NULL, { NULL }, false },
};

/* Verify in pieces; what is said points into v. */
static struct dkim_verify *verify(struct span text, size_t piece, struct entry *dns, struct dkim_verdict *out)
{
	struct dkim_verify *v = dkim_verify_new(NOW);
	struct trust_dns by = { ask_table, dns };

	while (text.n)
		dkim_verify_feed(v, span_take(&text, piece));
	dkim_verify_end(v, &by, out);
	return v;
}

static void ck_pass(const struct dkim_verdict *got, size_t count)
{
	ck_assert_uint_eq(got->count, count);
	for (size_t i = 0; i < count; i++)
		ck_assert_msg(got->results[i].result == TRUST_PASS, "%s: %s",
		    trust_result_name(got->results[i].result), got->results[i].why.text);
}

START_TEST(examples_of_the_rfcs_pass_in_any_pieces)
{
	struct dkim_verdict got;

	for (size_t piece = 1; piece < 2000; piece += 1 + piece / 3) {
		struct dkim_verify *v = verify(span_of(example_6376), piece, good, &got);

		ck_pass(&got, 1);
		ck_assert_uint_eq(got.results[0].bits, 1024);
		dkim_verify_free(v);
		v = verify(span_of(example_8463), piece, good, &got);
		ck_pass(&got, 2);
		dkim_verify_free(v);
	}
}
END_TEST

START_TEST(result_is_printed)
{
	struct dkim_verdict got;
	struct dkim_verify *v = verify(span_of(example_8463), 9999, good, &got);
	struct str out = STR(1000);
	char name[300];

	memset(name, 'a', sizeof name);
	dkim_result_print(&got.results[0], &out);
	ck_assert_str_eq(out.p,
	    "pass header.d=football.example.com header.s=brisbane header.a=ed25519-sha256 "
	    "header.b=\"/gCrinpc\"");
	got.results[0].beyond = 7;
	str_reset(&out);
	dkim_result_print(&got.results[0], &out);
	ck_assert_msg(span_starts(str_span(&out), "pass (l= leaves 7 bytes unsigned) header.d="),
	    "%s", out.p);
	got.results[0].result = TRUST_FAIL;
	got.results[0].signature.algorithm =
	    (struct span){ name, sizeof name }; /* a line has an end */
	err_perm(&got.results[0].why, "5.7.7", "the \"body\"; changed");
	str_reset(&out);
	dkim_result_print(&got.results[0], &out);
	ck_assert_str_eq(out.p,
	    "fail reason=\"the ?body?? changed\" header.d=football.example.com header.s=brisbane "
	    "header.b=\"/gCrinpc\"");
	str_free(&out);
	dkim_verify_free(v);
}
END_TEST

/* What is wrong with a chain before any key is asked for. RFC 8617 4.1.2, 4.1.3, 5.2 */
static const struct { const char *message_h, *seal, *why; } chains[] = {
	{ "From", "i=1; cv=none; h=From;", "a seal names fields" },
	{ "From:ARC-Seal", "i=1; cv=none;", "the newest message signature of the chain covers a seal" },
	{ "From", "i=1; cv=pass;", "a seal says that the chain was broken before it" },
	{ "From", "i=1; cv=fail;", "a seal says that the chain was broken before it" },
	{ "From", "i=2; cv=pass;", "a set of the chain is not whole" },
	{ "From", "cv=none;", "a field of the chain has no number" },
	{ "To", "i=1; cv=none;", "the newest message signature of the chain is of no use" },
};

START_TEST(chain_is_looked_through)
{
	struct str text = STR(2000);
	struct dkim_verdict got;
	struct dkim_verify *v;
	const struct arc *arc;

	str_addf(&text, "ARC-Seal: %s a=rsa-sha256; d=a.test; s=s; b=AAAA\n"
	    "ARC-Message-Signature: i=1; a=rsa-sha256; d=a.test; s=s; h=%s; b=AAAA;\n"
	    " bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"
	    "ARC-Authentication-Results: i=1; a.test; dmarc=pass\nFrom: a@a.test\n\n", chains[_i].seal, chains[_i].message_h);
	v = verify(str_span(&text), 9999, good, &got);
	arc = dkim_verify_arc(v);
	ck_assert_int_eq(arc->result, TRUST_FAIL);
	ck_assert_str_eq(arc->why.text, chains[_i].why);
	ck_assert(!arc->saw_pass);
	dkim_verify_free(v);
	str_free(&text);
}
END_TEST

/* One change of the example in RFC 6376, and one record. */
static const struct { const char *from, *to; struct entry dns; enum trust_result result; } changes[] = {
	/* the record */
	{ "", "", { AT_6376, { "v=DKIM1; p=" KEY_6376 }, false },			TRUST_PASS },
	{ "", "", { AT_6376, { "p=" KEY_6376 "; t=y; n=x" }, false },			TRUST_PASS },
	{ "", "", { AT_6376, { "v=spf1 -all", "v=DKIM1; p=" KEY_6376 }, false },	TRUST_PASS },
	{ "", "", { AT_6376, { "p=" KEY_8463, "v=DKIM1; p=" KEY_6376 }, false },	TRUST_PASS },
	{ "", "", { AT_6376, { "v=DKIM1; p=" KEY_6376, "p=" KEY_8463 }, false },	TRUST_PASS },
	{ "", "", { AT_6376, { "v=DKIM1; p=" KEY_8463 }, false },			TRUST_FAIL },
	{ "", "", { AT_6376, { "v=DKIM1; p=" }, false },				TRUST_PERMERROR },
	{ "", "", { AT_6376, { "v=DKIM1; t=s; p=" KEY_6376 }, false },			TRUST_PERMERROR },
	{ "", "", { AT_6376, { "v=DKIM1; h=sha1; p=" KEY_6376 }, false },		TRUST_PERMERROR },
	{ "", "", { AT_6376, { "v=DKIM1; s=other; p=" KEY_6376 }, false },		TRUST_PERMERROR },
	{ "", "", { AT_6376, { "v=DKIM1; k=ed25519; p=" KEY_6376 }, false },		TRUST_PERMERROR },
	{ "", "", { AT_6376, { "v=DKIM1; p=AAAA" }, false },				TRUST_PERMERROR },
	{ "", "", { AT_6376, { "v=spf1 -all" }, false },				TRUST_PERMERROR },
	{ "", "", { "elsewhere", { "v=DKIM1; p=" KEY_6376 }, false },			TRUST_PERMERROR },
	{ "", "", { AT_6376, { NULL }, false },						TRUST_PERMERROR },
	{ "", "", { AT_6376, { NULL }, true },						TRUST_TEMPERROR },
	/* the message */
	{ "Joe.\n", "Joe.\n\n\n", { AT_6376, { "p=" KEY_6376 }, false },		TRUST_PASS },
	{ "Joe.\n", "Joe.", { AT_6376, { "p=" KEY_6376 }, false },			TRUST_PASS },
	{ "Joe.\n", "Joe. \n", { AT_6376, { "p=" KEY_6376 }, false },			TRUST_FAIL },
	{ "Is dinner", "Is lunch", { AT_6376, { "p=" KEY_6376 }, false },		TRUST_FAIL },
	{ "Subject: Is", "Subject:  Is", { AT_6376, { "p=" KEY_6376 }, false },		TRUST_FAIL },
	{ "Subject: Is", "X: y\nSubject: Is", { AT_6376, { "p=" KEY_6376 }, false },	TRUST_PASS },
	{ "Received:", "From: evil\nReceived:", { AT_6376, { "p=" KEY_6376 }, false },	TRUST_PASS },
	{ "Message-ID:", "From: evil\nMessage-ID:", { AT_6376, { "p=" KEY_6376 }, false }, TRUST_FAIL },
	{ "Message-ID: <20030712040037.46341.5F8J@football.example.com>\n", "",
	  { AT_6376, { "p=" KEY_6376 }, false },					TRUST_FAIL },
	{ "s=brisbane", "s=brisbanf", { AT_6376, { "p=" KEY_6376 }, false },		TRUST_PERMERROR },
	{ "b=AuUo", "b=BuUo", { AT_6376, { "p=" KEY_6376 }, false },			TRUST_FAIL },
	{ "b=AuUo", "b=AuUoAAAA", { AT_6376, { "p=" KEY_6376 }, false },		TRUST_FAIL },
	{ "q=dns/txt;", "q=dns/txt; l=9999;", { AT_6376, { "p=" KEY_6376 }, false },	TRUST_PERMERROR },
	{ "q=dns/txt;", "q=dns/txt; x=1000;", { AT_6376, { "p=" KEY_6376 }, false },	TRUST_FAIL },
	{ "rsa-sha256", "rsa-sha1", { AT_6376, { "p=" KEY_6376 }, false },		TRUST_PERMERROR },
};

START_TEST(change_is_noticed)
{
	struct span text = span_of(example_6376), from = span_of(changes[_i].from);
	size_t at = from.n ? (size_t)span_search(text, from) : 0;
	struct entry dns[] = { changes[_i].dns, { NULL, { NULL }, false } };
	struct str changed = STR(10000);
	struct dkim_verdict got;
	struct dkim_verify *v;

	str_add(&changed, span_to(text, at));
	str_add_text(&changed, changes[_i].to);
	str_add(&changed, span_from(text, at + from.n));
	v = verify(str_span(&changed), 50, dns, &got);
	ck_assert_uint_eq(got.count, 1);
	ck_assert_msg(got.results[0].result == changes[_i].result, "%d: %s: %s", _i,
	    trust_result_name(got.results[0].result), got.results[0].why.text);
	ck_assert(got.results[0].result == TRUST_PASS || got.results[0].why.text[0]);
	dkim_verify_free(v);
	str_free(&changed);
}
END_TEST

START_TEST(without_signature_there_is_no_verdict)
{
	static const char *const texts[] = { "", "\n", "From: a\n",
		"From: a\n\nDKIM-Signature: v=1\n", "\nbody" };
	struct dkim_verdict got;

	for (int i = 0; i < COUNT(texts); i++) {
		dkim_verify_free(verify(span_of(texts[i]), 3, good, &got));
		ck_assert(got.count == 0 && got.ignored == 0);
	}
}
END_TEST

/* --- signing --- */

static void publish(const struct key *k, const char *tags, struct str *record)
{
	struct str bytes = STR(KEY_DER_MAX);

	ck_assert(key_print_public(k, &bytes));
	str_addf(record, "%sk=%s; p=", tags, key_kind_name(key_kind(k)));
	base64_encode(str_span(&bytes), record);
	str_free(&bytes);
}

static void sign(struct span text, const struct dkim_signer *who, size_t count, struct str *out)
{
	struct dkim_sign *s = dkim_sign_new();
	struct span in = text;
	struct err e;

	while (in.n)
		dkim_sign_feed(s, span_take(&in, 7));
	ck_assert(dkim_sign_end(s, who, count, NOW, 3600, out, &e));
	dkim_sign_free(s);
	str_add(out, text);
}

static const char *const mails[] = {
	MAIL_8463,
	"From: a@example.com\n",
	"From: a@example.com\n\n",
	"From: a@example.com\n\n\n\n \n",
	"from:a@example.com\nSUBJECT :  folded\n\t\n text  \nTo: a\nTo: b\nContent-Type: text/plain;\n\tx=y\n\n a \t b \n\n",
	"Received: x\nFrom: a@example.com\nList-Id: <x>\nList-Id: <y>\n\n8bit \xc3\xa4 and no line end",
};

START_TEST(what_we_sign_we_verify)
{
	struct err e;
	struct key *rsa = key_make(KEY_RSA, 2048, &e), *ed = key_make(KEY_ED25519, 0, &e);
	struct str texts[2] = { STR(2000), STR(2000) }, mail = STR(100000);
	struct dkim_verify *v;
	struct dkim_signer who[] = { { "example.com", "r2026", rsa },
		{ "example.com", "e2026", ed } };
	struct span header, one;
	struct dkim_verdict got;

	publish(rsa, "v=DKIM1; ", &texts[0]);
	publish(ed, "v=DKIM1; ", &texts[1]);
	for (int i = 0; i < COUNT(mails); i++) {
		struct entry dns[] = { { "r2026._domainkey.example.com", { texts[0].p }, false },
			{ "e2026._domainkey.example.com", { texts[1].p }, false },
			{ NULL, { NULL }, false } };

		str_reset(&mail);
		sign(span_of(mails[i]), who, 2, &mail);
		v = verify(str_span(&mail), 13, dns, &got);
		ck_pass(&got, 2);
		ck_assert_uint_eq(got.results[0].bits, 2048);
		dkim_verify_free(v);
		header = span_to(str_span(&mail), mail.n - strlen(mails[i]));
		while (span_cut(&header, '\n', &one))
			ck_assert_uint_le(one.n, 78);
	}
	key_free(rsa);
	key_free(ed);
	for (int i = 0; i < 2; i++)
		str_free(&texts[i]);
	str_free(&mail);
}
END_TEST

START_TEST(added_fields_break_what_is_over_signed)
{
	static const struct { const char *add; enum trust_result result; } added[] = {
		{ "From: evil@example.net\n", TRUST_FAIL }, { "Subject: other\n", TRUST_FAIL },
		{ "Cc: c@example.net\n", TRUST_FAIL }, { "Content-Type: text/html\n", TRUST_FAIL },
		{ "Reply-To: evil@example.net\n", TRUST_FAIL }, { "List-Id: <list>\n", TRUST_PASS },
		{ "Received: by somebody\n", TRUST_PASS }, { "X-Spam: no\n", TRUST_PASS },
	};
	struct err e;
	struct key *ed = key_make(KEY_ED25519, 0, &e);
	struct dkim_signer who = { "example.com", "s", ed };
	struct str record = STR(2000), mail = STR(100000), all = STR(100000);
	struct dkim_verdict got;

	publish(ed, "", &record);
	sign(SPAN(MAIL_8463), &who, 1, &mail);
	for (int i = 0; i < COUNT(added); i++) {
		struct entry dns[] = { { "s._domainkey.example.com", { record.p }, false },
			{ NULL, { NULL }, false } };
		struct dkim_verify *v;

		str_reset(&all);
		str_add_text(&all, added[i].add);
		str_add(&all, str_span(&mail));
		v = verify(str_span(&all), 4000, dns, &got);
		ck_assert_msg(got.results[0].result == added[i].result, "%s", added[i].add);
		dkim_verify_free(v);
	}
	key_free(ed);
	str_free(&record);
	str_free(&mail);
	str_free(&all);
}
END_TEST

START_TEST(nothing_to_sign_is_refused)
{
	static const char *const texts[] = { "", "To: x\n\nbody\n", "\nFrom: body\n" };
	struct err e;

	for (int i = 0; i < COUNT(texts); i++) {
		struct dkim_sign *s = dkim_sign_new();
		struct str out = STR(1000);

		dkim_sign_feed(s, span_of(texts[i]));
		ck_assert(!dkim_sign_end(s, NULL, 0, NOW, 0, &out, &e) && e.kind == ERR_PERM);
		dkim_sign_free(s);
		str_free(&out);
	}
}
END_TEST

/* --- limits --- */

START_TEST(signatures_by_the_hundred_are_bounded)
{
	struct str mail = STR(1 << 20);
	struct span one = span_to(span_of(example_6376), (size_t)span_search(span_of(example_6376), SPAN("Received:")));
	struct dkim_verdict got;
	struct dkim_verify *v;

	for (int i = 0; i < 100; i++)
		str_add(&mail, one);
	str_add(&mail, span_from(span_of(example_6376), one.n));
	v = verify(str_span(&mail), 1000, good, &got);
	ck_pass(&got, DKIM_JUDGED);
	ck_assert_uint_eq(got.ignored, 100 - DKIM_JUDGED);
	dkim_verify_free(v);
	str_free(&mail);
}
END_TEST

START_TEST(header_bombs_are_no_verdict)
{
	struct str mail = STR(4 << 20);
	struct dkim_verdict got;
	struct dkim_verify *v;

	for (int fields = 1; fields >= 0; fields--) {
		str_reset(&mail);
		str_add(&mail, span_to(span_of(example_6376), (size_t)span_search(span_of(example_6376), SPAN("Received:"))));
		for (int i = 0; i < (fields ? 1500 : 30000); i++)
			str_add_text(&mail,
			    fields ? "X: y\n" : "X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\n");
		str_add_text(&mail, "From: x\n\nbody\n");
		v = verify(str_span(&mail), 4096, good, &got);
		ck_assert_uint_eq(got.count, 1);
		ck_assert_int_eq((int)got.results[0].result, TRUST_PERMERROR);
		dkim_verify_free(v);
	}
	str_free(&mail);
}
END_TEST

START_TEST(lengths_are_hashed_in_one_pass)
{
	struct span text = span_of(example_6376);
	size_t cut = (size_t)span_search(text, SPAN("q=dns/txt;"));
	struct str mail = STR(10000);
	struct dkim_verdict got;
	struct dkim_verify *v;

	/* l= of each length: only the whole one has the right hash of the body; then the header does not fit */
	for (unsigned l = 0; l < 60; l++) {
		str_reset(&mail);
		str_add(&mail, span_to(text, cut));
		str_addf(&mail, "l=%u; ", l);
		str_add(&mail, span_from(text, cut));
		v = verify(str_span(&mail), 5, good, &got);
		ck_assert_str_eq(got.results[0].why.text, l < 54 ? "the body was changed" : l == 54 ?
		    "the signature does not fit the header" : "the body is shorter than its signature says");
		ck_assert_uint_eq(got.results[0].beyond, l < 54 ? 54 - l : 0);
		dkim_verify_free(v);
	}
	str_free(&mail);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("dkim");

	tcase_add_test(tc, examples_of_the_rfcs_pass_in_any_pieces);
	tcase_add_test(tc, result_is_printed);
	tcase_add_loop_test(tc, chain_is_looked_through, 0, COUNT(chains));
	tcase_add_loop_test(tc, change_is_noticed, 0, COUNT(changes));
	tcase_add_test(tc, without_signature_there_is_no_verdict);
	tcase_add_test(tc, what_we_sign_we_verify);
	tcase_add_test(tc, added_fields_break_what_is_over_signed);
	tcase_add_test(tc, nothing_to_sign_is_refused);
	tcase_add_test(tc, signatures_by_the_hundred_are_bounded);
	tcase_add_test(tc, header_bombs_are_no_verdict);
	tcase_add_test(tc, lengths_are_hashed_in_one_pass);
	return unit_end();
}

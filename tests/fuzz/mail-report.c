/*
 * Whatever the original, the answers and the addresses hold, the report has the header fields we gave it, three
 * parts, and ASCII where RFC 3464 wants that. Input: a byte of choices, then texts that end in NUL: sender,
 * ORCPT, address, status, answer, ENVID, HELO; the rest is the original.
 */
#include <assert.h>

#include "common/mail/charset.h"
#include "common/mail/header.h"
#include "common/mail/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void gather(void *arg, struct span text)
{
	str_add(arg, text);
}

/* Envelopes have no control characters, and what is UTF-8 in them is well formed. */
static const char *next(struct span *in, struct arena *a)
{
	struct str tame = STR(4000);
	struct span text;
	const char *got;

	if (!span_cut(in, '\0', &text)) {
		text = *in;
		in->n = 0;
	}
	header_unfold(span_to(text, 900), &tame);
	got = utf8_ok(str_span(&tame)) ? arena_text(a, str_span(&tame)) : "";
	str_free(&tame);
	return got;
}

static void ck_header(struct span text)
{
	static const char *const known[] = {
		"Date", "From", "To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted", "MIME-Version",
		"Content-Type", "Content-Transfer-Encoding",
	};
	struct field f;

	while (header_next(&text, &f)) {
		size_t i = 0;

		while (i < sizeof known / sizeof *known && !span_is(f.name, known[i]))
			i++;
		assert(i < sizeof known / sizeof *known);
	}
	assert(header_eat_end(&text));
}

/* What is for programs, between its boundaries: fields and empty lines, in ASCII for a sender in ASCII. */
static void ck_status(struct span text, bool ascii)
{
	const struct span plain = SPAN("\nContent-Type: message/delivery-status\n");
	const struct span global = SPAN("\nContent-Type: message/global-delivery-status\n");
	ptrdiff_t at = span_search(text, ascii ? plain : global);
	struct span part, line;

	assert(at >= 0);
	part = span_from(text, (size_t)at + (ascii ? plain.n : global.n));
	part = span_to(part, (size_t)span_search(part, SPAN("\n--=_report_0000000000000005")));
	assert(!ascii || span_is_ascii(part));
	while (span_cut(&part, '\n', &line))
		assert(!line.n || span_has(line, ':'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data + (n > 0), n - (n > 0) };
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	unsigned how = n ? data[0] : 0;
	struct report r = { .kind = how % 5, .our_name = "mx.a.test", .id = "q1", .message_id = "<r@a.test>", .arrived = 880120506,
		.now = 880127706, .rcpt_count = 1, .full = how & 32, .smtputf8 = how & 64, .unsent = how & 128, .dice = 5 };
	struct report_rcpt one = { .kind = how % 5, .from_remote = how & 16, .remote = "mx.b.test" };
	struct str out = STR(1 << 24);

	r.to = next(&in, a);
	one.original = next(&in, a);
	one.address = next(&in, a);
	one.status = next(&in, a);
	one.diagnostic = next(&in, a);
	r.envid = next(&in, a);
	r.from_mta = next(&in, a);
	r.rcpts = &one;
	r.original = in;
	report_write(&r, (struct sink){ gather, &out });
	assert(!out.over && span_ends(str_span(&out), "\n--=_report_0000000000000005--\n"));
	ck_header(str_span(&out));
	ck_status(str_span(&out), span_is_ascii(span_of(r.to)));
	str_free(&out);
	arena_free(a);
	return 0;
}

/* The submission fixer and the report writer: pieces give the same as the whole; bodies stay as they are. */
#include <assert.h>

#include "common/mail/fix.h"
#include "common/mail/header.h"
#include "common/mail/report.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { ROOM = 1 << 23 };

static void gather(void *arg, struct span s)
{
	str_add(arg, s);
}

static void fix(struct span in, size_t step, struct str *out)
{
	struct fix_with with = { (unsigned)in.n & FIX_ALL, 880127706, 0, "<m@x>", "a@x" };
	struct fix f;

	fix_init(&f, (struct sink){ gather, out }, &with);
	while (in.n)
		fix_feed(&f, span_take(&in, step));
	fix_end(&f);
}

static bool has_bcc(struct span text)
{
	struct field f;

	while (header_next(&text, &f)) {
		if (span_is(f.name, "Bcc") || span_is(f.name, "Resent-Bcc") ||
		    span_is(f.name, "Return-Path"))
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct str a = STR(ROOM), b = STR(ROOM);
	struct report_rcpt rcpt = { .kind = REPORT_FAILED, .original = "rfc822;x", .address = "x@y", .status = "5.0.0",
		.diagnostic = "no", .remote = "" };
	struct report r = { .kind = REPORT_FAILED, .our_name = "x", .to = "a@x", .id = "q", .message_id = "<m@x>",
		.envid = "", .from_mta = "", .rcpts = &rcpt, .rcpt_count = 1, .original = in, .full = n % 2 };

	fix(in, n + 1, &a);
	fix(in, 3, &b);
	assert(span_same(str_span(&a), str_span(&b)));
	assert(!has_bcc(str_span(&a)) && header_length(str_span(&a)) <= a.n);
	str_reset(&a);
	report_write(&r, (struct sink){ gather, &a });
	assert(span_ends(str_span(&a), "--\n"));
	str_free(&a);
	str_free(&b);
	return 0;
}

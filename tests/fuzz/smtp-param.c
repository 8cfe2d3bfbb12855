/* Parameters: what was taken prints as parameters that are taken again; xtext goes there and back. */
#include <assert.h>

#include "common/smtp/extension.h"
#include "common/smtp/param.h"

enum { ALL = EXT_HELP - 1 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void mail(struct span in, struct arena *a)
{
	struct mail_params one, two;
	struct str out = STR(8192);

	if (param_mail(in, ALL, a, &one, NULL)) {
		param_print_mail(&one, ALL, &out);
		assert(!out.over && param_mail(str_span(&out), ALL, a, &two, NULL));
		assert(one.size == two.size && one.body8bit == two.body8bit &&
		    one.smtputf8 == two.smtputf8);
		assert(one.require_tls == two.require_tls && one.priority == two.priority);
		assert(one.by.mode == two.by.mode && one.by.trace == two.by.trace &&
		    one.by.seconds == two.by.seconds);
		assert(!one.hold_for || !one.hold_until);
		assert(strcmp(one.ret, two.ret) == 0 && strcmp(one.envid, two.envid) == 0);
	}
	str_free(&out);
}

static void rcpt(struct span in, bool utf8, struct arena *a)
{
	struct rcpt_params one, two;
	struct str out = STR(8192);

	if (param_rcpt(in, ALL, utf8, a, &one, NULL)) {
		param_print_rcpt(&one, ALL, &out);
		assert(!out.over && param_rcpt(str_span(&out), ALL, utf8, a, &two, NULL));
		assert(one.notify == two.notify && strcmp(one.original, two.original) == 0);
	}
	str_free(&out);
}

static void xtext(struct span in)
{
	struct str coded = STR(3 * in.n), plain = STR(in.n);
	bool clean = true;

	for (size_t i = 0; i < in.n; i++)
		clean = clean && ((unsigned char)in.p[i] >= 0x80 || is_print(in.p[i]));
	xtext_encode(in, &coded);
	assert(xtext_decode(str_span(&coded), &plain) == clean);
	assert(!clean || span_same(str_span(&plain), in));
	str_reset(&plain);
	xtext_decode(in, &plain);
	str_free(&coded);
	str_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct arena *a = arena_new(1 << 22, NULL, NULL);

	mail(in, a);
	rcpt(in, n % 2, a);
	xtext(in);
	arena_free(a);
	return 0;
}

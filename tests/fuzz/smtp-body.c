/*
 * The text of a message: whatever comes in and however it is cut, the result is the
 * same, has no CR and no NUL, and is no longer than what came; and sent by
 * dot-stuffing again it would end where it ended.
 */
#include <assert.h>

#include "common/base/mem.h"
#include "common/base/str.h"
#include "common/smtp/body.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* Returns how many bytes of input were eaten. */
static size_t run(struct body *b, bool dots, struct span in, size_t piece, struct str *out)
{
	size_t at = 0, used = 0;

	body_init(b, dots, 1000);
	while (at < in.n && b->at != BODY_ENDED) {
		size_t m = in.n - at < piece ? in.n - at : piece, kept;
		char *buf = mem_get(m);

		memcpy(buf, in.p + at, m);
		kept = body_run(b, buf, m, &used);
		assert(kept <= used && used <= m && (used == m || b->at == BODY_ENDED));
		str_add(out, (struct span){ buf, kept });
		at += used;
		free(buf);
	}
	return at;
}

static void check(bool dots, struct span in, size_t piece)
{
	struct str whole = STR(in.n + 1), cut = STR(in.n + 1);
	struct body a, b;
	size_t end_a = run(&a, dots, in, in.n + 1, &whole), end_b = run(&b, dots, in, piece, &cut);

	assert(end_a == end_b && a.at == b.at && a.wire == b.wire);
	assert(!whole.over && !cut.over);
	/* Which of several flaws are seen behind the first may depend on the cut: text is refused all the same. */
	assert(!a.flaws == !b.flaws);
	if (!a.flaws) {
		assert(span_same(str_span(&whole), str_span(&cut)) && a.text == whole.n);
		assert(!memchr(whole.p, '\r', whole.n) && !memchr(whole.p, '\0', whole.n));
		assert(!dots || a.at != BODY_ENDED || !whole.n || whole.p[whole.n - 1] == '\n');
	}
	/* Only this ends a text. */
	if (dots && a.at == BODY_ENDED)
		assert(end_a >= 3 && memcmp(in.p + end_a - 3, ".\r\n", 3) == 0 &&
		    (end_a == 3 || (end_a >= 5 && memcmp(in.p + end_a - 5, "\r\n", 2) == 0)));
	str_free(&whole);
	str_free(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };

	for (size_t piece = 1; piece <= 4; piece++) {
		check(true, in, piece);
		check(false, in, piece);
	}
	return 0;
}

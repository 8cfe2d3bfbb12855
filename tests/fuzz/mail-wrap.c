/* Whatever a header holds, the one around it is well formed, and has no more in it than we put there. */
#include <assert.h>

#include "common/mail/charset.h"
#include "common/mail/header.h"
#include "common/mail/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

/* However simply somebody reads it: one mailbox, and that is ours. */
static void check_author(struct span from)
{
	bool quoted = false;
	size_t ats = 0;

	for (size_t i = 0; i < from.n; i++) {
		if (quoted && from.p[i] == '\\')
			i++;
		else if (from.p[i] == '"')
			quoted = !quoted;
		else if (!quoted)
			assert(from.p[i] && !strchr(",;:()[]\\", from.p[i]));
		ats += !quoted && from.p[i] == '@';
	}
	assert(!quoted && ats == 1 && span_ends(span_trim(from), " <team@b.test>"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const char *const known[] = {
		"Received", "Delivered-To", "Date", "From", "Reply-To", "To", "Subject", "Message-ID", "References",
		"Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
	};
	struct span header = { (const char *)data, n }, in;
	struct arena *a = arena_new(64 << 20, NULL, NULL);
	const struct wrap w = { "team@b.test", "<w@b.test>", header, 880120506, 0, n & 1, n & 4,
		n & 2, n };
	struct str out = STR(1 << 22);
	struct field f;
	unsigned froms = 0;

	wrap_begin(&w, a, &out);
	assert(!out.over || n > 1 << 20);
	in = str_span(&out);
	while (header_next(&in, &f)) {
		size_t i = 0;

		while (i < sizeof known / sizeof *known && !span_is(f.name, known[i]))
			i++;
		assert(i < sizeof known / sizeof *known);
		froms += span_is(f.name, "From");
		if (span_is(f.name, "From"))
			check_author(f.value);
	}
	assert(froms == 1 && header_eat_end(&in));
	str_reset(&out);
	wrap_end(&w, &out);
	str_free(&out);
	arena_free(a);
	return 0;
}

/* MTA-STS as strangers write it: the first byte says whether the rest is a record, a policy or an entry. */
#include <assert.h>

#include "common/trust/sts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void policy(struct span in, struct arena *a)
{
	struct str text = STR(STS_ENTRY_MAX);
	struct sts_policy p, back;
	struct err e;

	if (!sts_policy_parse(in, a, &p, &e)) {
		assert(e.kind == ERR_PERM && e.text[0]);
		return;
	}
	assert(p.count <= STS_MX_MAX && p.max_age <= STS_AGE_MAX);
	sts_policy_print(&p, &text);
	assert(!text.over && sts_policy_parse(str_span(&text), a, &back, &e) && back.count == p.count);
	for (size_t i = 0; i < p.count; i++) {
		if (*p.mx[i] != '*')
			assert(sts_policy_has(&p, p.mx[i]));
	}
	str_free(&text);
}

static void entry(struct span in, struct arena *a)
{
	struct sts_entry s, back;
	struct str text = STR(STS_ENTRY_MAX);

	if (!sts_entry_parse(in, a, &s))
		return;
	sts_entry_print(&s, &text);
	assert(!text.over && sts_entry_parse(str_span(&text), a, &back) && back.fetched == s.fetched);
	assert(sts_next(&s, "x", 1000) == sts_next(&back, "x", 1000));
	str_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct arena *a;
	char id[STS_ID];

	if (!n)
		return 0;
	a = arena_new(4 << 20, NULL, NULL);
	in = span_from(in, 1);
	if (data[0] == 'r')
		assert(sts_record_parse(in, id) || n);
	else
		(data[0] == 'e' ? entry : policy)(in, a);
	arena_free(a);
	return 0;
}

/* TLS reports and records of strangers: the first byte says whether the rest is a record, a row or a document. */
#include <assert.h>

#include "common/trust/tlsrpt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void record(struct span in, struct arena *a)
{
	const char *host, *path;
	unsigned port = 443;
	struct span rua, uri;

	if (!tlsrpt_record_parse(in, &rua))
		return;
	while (tlsrpt_eat_uri(&rua, &uri)) {
		tlsrpt_mailto(uri, a);
		if (tlsrpt_https(uri, a, &host, &port, &path))
			assert(*host && *path == '/' && port && port < 65536 &&
			    !strpbrk(path, " \r\n"));
	}
}

static void row(struct span in, struct arena *a)
{
	struct str line = STR(TLSRPT_ROW_MAX);
	struct tlsrpt_row r, back;

	if (tlsrpt_row_parse(in, a, &r)) {
		tlsrpt_row_print(&r, &line);
		assert(!line.over && !span_has(str_span(&line), '\n'));
		assert(!*r.domain || tlsrpt_row_parse(str_span(&line), a, &back));
	}
	str_free(&line);
}

static void document(struct span in, struct arena *a)
{
	struct tlsrpt_report *r;
	struct str out = STR(64 << 20);
	struct err e;

	if (!tlsrpt_read(in, a, &r, &e)) {
		assert(e.kind == ERR_PERM && e.text[0]);
		return;
	}
	assert(r->count <= TLSRPT_SUMS_MAX && r->details <= TLSRPT_DETAILS_MAX);
	assert(tlsrpt_print(r, &out));
	str_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct span in = { (const char *)data, n };
	struct arena *a;

	if (!n)
		return 0;
	a = arena_new(256 << 20, NULL, NULL);
	in = span_from(in, 1);
	(data[0] == 'r' ? record : data[0] == 'l' ? row : document)(in, a);
	arena_free(a);
	return 0;
}

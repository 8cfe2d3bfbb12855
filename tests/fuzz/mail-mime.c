/* MIME structure: parts lie inside their parents, in order, with true counts of lines. */
#include <assert.h>

#include "common/mail/mime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static size_t count_lines(const uint8_t *p, size_t n)
{
	size_t lines = 0;

	for (size_t i = 0; i < n; i++)
		lines += p[i] == '\n';
	return lines;
}

static void ck_part(const struct mime *m, size_t i, const uint8_t *data, size_t n)
{
	const struct mime_part *p = &m->parts[i], *around = p->parent < 0 ? NULL : &m->parts[p->parent];

	assert(p->header.at + p->header.bytes == p->body.at && p->body.at + p->body.bytes <= n);
	assert(p->parent < (int)i && (p->child < 0 || p->child > (int)i) &&
	    (p->next < 0 || p->next > (int)i));
	assert(p->depth < MIME_DEPTH_MAX && p->type.n && p->subtype.n);
	assert(p->kind != MIME_MESSAGE || p->child >= 0);
	assert(p->kind != MIME_LEAF || p->child < 0);
	if (around) {
		assert(p->header.at >= around->body.at);
		assert(p->body.at + p->body.bytes <= around->body.at + around->body.bytes);
	}
	if (i < 50) {
		assert(p->header.lines == count_lines(data + p->header.at, p->header.bytes));
		assert(p->body.lines == count_lines(data + p->body.at, p->body.bytes));
	}
	for (size_t k = 0; k < p->params.count; k++)
		assert(p->params.list[k].value.n <= 3 * n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct arena *a = arena_new(256 << 20, NULL, NULL);
	unsigned numbers[3] = { 1, 2, 1 };
	struct mime m;

	mime_parse((struct span){ (const char *)data, n }, a, &m);
	assert(m.count >= 1 && m.count <= MIME_PARTS_MAX);
	assert(m.parts[0].body.at + m.parts[0].body.bytes == n);
	for (size_t i = 0; i < m.count; i++)
		ck_part(&m, i, data, n);
	for (size_t i = 0; i <= 3; i++)
		mime_find(&m, numbers, i);
	arena_free(a);
	return 0;
}

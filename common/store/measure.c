/* Sizes of messages whose names do not tell them. See inside.h. */
#include "common/store/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/file.h"

/* LFs without a CR before them; *last is the byte before text. */
static uint64_t count_bare(struct span text, char *last)
{
	uint64_t n = 0;
	ptrdiff_t at;

	for (struct span in = text; (at = span_find(in, '\n')) >= 0; in = span_from(in, (size_t)at + 1)) {
		const char *lf = in.p + at;
		char before = lf == text.p ? *last : lf[-1];

		n += before != '\r';
	}
	if (text.n)
		*last = text.p[text.n - 1];
	return n;
}

bool measure_file(int fd, uint64_t *size, uint64_t *wire_size, struct err *e)
{
	char buf[65536], last = '\0';
	uint64_t bytes = 0, bare = 0;
	ssize_t n;

	while ((n = pread(fd, buf, sizeof buf, (off_t)bytes)) > 0) {
		bare += count_bare((struct span){ buf, (size_t)n }, &last);
		bytes += (uint64_t)n;
	}
	if (n < 0)
		return err_sys(e, "cannot read a message");
	*size = bytes;
	*wire_size = bytes + bare;
	return true;
}

/* Take S and W from the fields of a uidlist line. */
static bool take_fields(struct entry *x)
{
	struct span in = x->fields ? span_of(x->fields) : SPAN("");
	bool s = false, w = false;

	for (struct span word = span_word(&in); word.n; word = span_word(&in)) {
		if (word.p[0] == 'S')
			s |= span_u64(span_from(word, 1), INT64_MAX, &x->pub.size);
		if (word.p[0] == 'W')
			w |= span_u64(span_from(word, 1), INT64_MAX, &x->pub.wire_size);
	}
	return s && w;
}

static void note_fields(struct entry *x)
{
	struct str fields = STR(1024);

	str_addf(&fields, "S%llu W%llu%s%s", (unsigned long long)x->pub.size,
	    (unsigned long long)x->pub.wire_size, x->fields ? " " : "", x->fields ? x->fields : "");
	if (!fields.over) {
		free(x->fields);
		x->fields = mem_text(fields.p);
	}
	str_free(&fields);
}

bool measure_entry(struct mailbox *m, struct entry *x, struct err *e)
{
	const struct part *p = x->in_new ? &m->fresh : &m->cur;
	bool ok;
	int fd;

	if (x->has_wire_size || take_fields(x)) {
		x->has_wire_size = true;
		return true;
	}
	fd = file_open_beneath(dirfd(p->dir), x->name, O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return errno == ENOENT || err_sys(e, "cannot open %s", x->name);
	ok = measure_file(fd, &x->pub.size, &x->pub.wire_size, e);
	close(fd);
	if (ok) {
		x->has_wire_size = true;
		note_fields(x);
		m->measured = true;
	}
	return ok;
}

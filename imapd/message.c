/* An open message. See message.h. */
#include "imapd/message.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"

void message_close(struct message *m)
{
	if (m->map)
		munmap(m->map, m->map_size);
	free(m->mended);
	if (m->arena)
		arena_reset(m->arena);
	*m = (struct message){ .arena = m->arena };
}

void message_free(struct message *m)
{
	message_close(m);
	arena_free(m->arena);
	m->arena = NULL;
}

/* A copy with each CRLF as LF. */
static void mend(struct message *m)
{
	char *p = mem_get(m->text.n + 1);
	size_t n = 0;

	for (size_t i = 0; i < m->text.n; i++) {
		if (m->text.p[i] == '\r' && i + 1 < m->text.n && m->text.p[i + 1] == '\n')
			continue;
		p[n++] = m->text.p[i];
	}
	m->mended = p;
	m->text = (struct span){ p, n };
}

static bool map_file(struct message *m, int fd, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at the message");
	m->text = (struct span){ "", 0 };
	if (st.st_size == 0)
		return true;
	m->map_size = (size_t)st.st_size;
	m->map = mmap(NULL, m->map_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (m->map == MAP_FAILED) {
		m->map = NULL;
		return err_sys(e, "cannot map the message");
	}
	m->text = (struct span){ m->map, m->map_size };
	if (span_search(m->text, SPAN("\r\n")) >= 0)
		mend(m);
	return true;
}

bool message_open(struct message *m, struct view *v, size_t index, struct err *e)
{
	uint32_t uid = mailbox_msg(v->box, index)->uid;
	bool ok;
	int fd;

	if (m->uid == uid)
		return true;
	message_close(m);
	fd = mailbox_open_msg(v->box, index, e);
	if (fd < 0)
		return false;
	ok = map_file(m, fd, e);
	close(fd);
	if (!ok) {
		message_close(m);
		return false;
	}
	m->uid = uid;
	return true;
}

const struct mime *message_mime(struct message *m)
{
	if (!m->arena)
		m->arena = arena_new(MESSAGE_MEMORY_MAX, NULL, NULL);
	if (!m->parsed)
		mime_parse(m->text, m->arena, &m->mime);
	m->parsed = true;
	return &m->mime;
}

struct span message_header(const struct message *m)
{
	return span_to(m->text, header_length(m->text));
}

size_t wire_length(struct span text)
{
	size_t n = text.n;
	struct span line;

	while (span_cut(&text, '\n', &line))
		n++;
	return n;
}

uint64_t print_text(struct out *o, struct span text)
{
	size_t n = wire_length(text);

	out_addf(o, "{%zu}\r\n", n);
	out_add_crlf(o, text);
	return n;
}

/* Go on from where the cursor stands, if it stands in this text and not behind. */
static void place_cursor(struct message *m, struct span text, uint64_t from)
{
	bool ours = m->text.n && text.p >= m->text.p && text.p < m->text.p + m->text.n;

	if (!ours || m->cursor_in.p != text.p || m->cursor_in.n != text.n) {
		m->cursor_in = text;
		m->cursor_all = wire_length(text);
		m->cursor_at = m->cursor_wire = 0;
	}
	if (m->cursor_wire > from)
		m->cursor_at = m->cursor_wire = 0;
}

/* Move the cursor to the start of the line that holds byte `from` of the wire. */
static void move_cursor(struct message *m, uint64_t from)
{
	struct span rest = span_from(m->cursor_in, m->cursor_at), line;

	while (span_cut(&rest, '\n', &line) && m->cursor_wire + line.n + 2 <= from) {
		m->cursor_wire += line.n + 2;
		m->cursor_at += line.n + 1;
	}
}

/* At most count bytes of one line on the wire, its CRLF included, from byte `from` of it. */
static uint64_t print_line_part(struct out *o, struct span line, bool ended, uint64_t from, uint64_t count)
{
	struct span head = span_to(span_from(line, (size_t)from), (size_t)count);
	struct span end = ended ? SPAN("\r\n") : SPAN("");

	end = span_from(end, from > line.n ? (size_t)from - line.n : 0);
	end = span_to(end, (size_t)(count - head.n));
	out_add(o, head);
	out_add(o, end);
	return head.n + end.n;
}

uint64_t print_text_part(struct message *m, struct out *o, struct span text, uint64_t from, uint64_t count)
{
	struct span rest, line;

	place_cursor(m, text, from);
	if (from >= m->cursor_all) {
		out_text(o, "\"\"");
		return 0;
	}
	if (count > m->cursor_all - from)
		count = m->cursor_all - from;
	move_cursor(m, from);
	out_addf(o, "{%llu}\r\n", (unsigned long long)count);
	rest = span_from(text, m->cursor_at);
	from -= m->cursor_wire;
	for (uint64_t left = count; left; from = 0) {
		bool ended = span_cut(&rest, '\n', &line);

		left -= print_line_part(o, ended ? line : rest, ended, from, left);
	}
	return count;
}

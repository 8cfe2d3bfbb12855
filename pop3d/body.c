/* A stored message as POP3 sends it: RFC 1939 3. See pop3.h. */
#include <unistd.h>

#include "pop3d/pop3.h"

struct body {
	struct out	*out;
	int64_t		 lines_left;	/* -1: all */
	uint64_t	 sent;
	bool in_body, fresh, blank, cr, over; /* fresh: a line begins; blank: it has had no byte */
};

static void send_bytes(struct body *b, struct span bytes)
{
	out_add(b->out, bytes);
	b->sent += bytes.n;
}

/* A CR at the end of a piece may belong to a CRLF: mail that other programs stored has both forms. */
static void send_part(struct body *b, struct span part)
{
	if (!part.n)
		return;
	if (b->cr)
		send_bytes(b, SPAN("\r"));
	b->cr = part.p[part.n - 1] == '\r';
	if (b->fresh && part.p[0] == '.')
		send_bytes(b, SPAN("."));
	b->blank = b->blank && b->cr && part.n == 1;
	b->fresh = false;
	send_bytes(b, b->cr ? span_to(part, part.n - 1) : part);
}

static void end_line(struct body *b)
{
	send_bytes(b, SPAN("\r\n"));
	if (b->in_body && b->lines_left > 0)
		b->lines_left--;
	b->in_body |= b->blank;
	b->over = b->in_body && b->lines_left == 0;
	b->fresh = b->blank = true;
	b->cr = false;
}

static void send_piece(struct body *b, struct span in)
{
	struct span line;

	while (!b->over && span_cut(&in, '\n', &line)) {
		send_part(b, line);
		end_line(b);
	}
	if (!b->over)
		send_part(b, in);
}

bool pop3_send_text(struct out *o, int fd, int64_t body_lines, uint64_t *sent, struct err *e)
{
	struct body b = { .out = o, .lines_left = body_lines, .fresh = true, .blank = true };
	char buf[65536];
	off_t at = 0;
	ssize_t n;

	while (!b.over && !out_failed(o) && (n = pread(fd, buf, sizeof buf, at)) != 0) {
		if (n < 0)
			return err_sys(e, "cannot read a message");
		at += n;
		send_piece(&b, (struct span){ buf, (size_t)n });
	}
	if (!b.over && !b.fresh) {
		if (b.cr)
			send_bytes(&b, SPAN("\r"));
		send_bytes(&b, SPAN("\r\n"));
	}
	*sent = b.sent;
	return true;
}

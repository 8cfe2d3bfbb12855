/* Reading commands. See read.h. */
#include "imapd/read.h"

#include "imapd/parse.h"

static enum read_kind trouble(enum line_kind kind, const char **why)
{
	switch (kind) {
	case LINE_LONG:	*why = "that line is too long"; return READ_FATAL;
	case LINE_BARE:	*why = "lines end in CRLF; a bare CR or LF is not ours"; return READ_FATAL;
	case LINE_NUL:	*why = "NUL is not allowed"; return READ_FATAL;
	case LINE_LATE:	return READ_LATE;
	default:	return READ_END;
	}
}

static ms_t soon(const struct reader *r)
{
	ms_t until = clock_in(r->patience_s);

	return r->over && r->over < until ? r->over : until;
}

bool command_skip(struct reader *r, uint64_t n)
{
	char waste[16384];

	while (n) {
		size_t want = n < sizeof waste ? (size_t)n : sizeof waste;
		ssize_t got = line_bytes(r->line, waste, want, soon(r));

		if (got <= 0)
			return false;
		n -= (uint64_t)got;
	}
	return true;
}

/* What comes after a literal that was refused but is sent all the same, to the command's end. */
static enum read_kind skip_rest(struct reader *r, uint64_t size, const char **why)
{
	uint64_t all = 0;
	struct span line, before;
	bool waits;

	do {
		enum line_kind kind;

		all += size;
		if (size > r->eat_max || all > r->eat_max) {
			*why = "that literal is out of all proportion";
			return READ_FATAL;
		}
		if (!command_skip(r, size))
			return READ_END;
		kind = line_read(r->line, soon(r), &line);
		if (kind != LINE_OK)
			return trouble(kind, why);
	} while (parse_literal_mark(line, &size, &waits, &before) && !waits);
	return READ_REFUSED;
}

static bool read_literal(struct reader *r, struct str *all, uint64_t size)
{
	char *at = str_room(all, (size_t)size);

	while (size) {
		ssize_t got = line_bytes(r->line, at, (size_t)size, soon(r));

		if (got <= 0)
			return false;
		str_grew(all, (size_t)got);
		at += got;
		size -= (uint64_t)got;
	}
	return true;
}

static void cut_command(struct span in, struct command *c)
{
	c->tag = SPAN("*");
	c->name = c->arg = (struct span){ "", 0 };
	if (!parse_tag(&in, &c->tag) || !parse_space(&in))
		return;
	if (!parse_atom(&in, &c->name))
		return;
	if (parse_space(&in) || !in.n)
		c->arg = in;
	else
		c->name.n = 0;		/* "NOOP(" is no command */
}

/* One argument literal into all, asking for it where the client waits. */
static enum read_kind take_literal(struct reader *r, struct str *all, const struct command *c,
    const char **why)
{
	str_add_text(all, "\r\n");
	if (c->size > r->literal_max || all->over ||
	    c->size + READ_LOGIN_LINE > all->max - all->n) {
		*why = "that literal is too long";
		return c->waits ? READ_REFUSED : skip_rest(r, c->size, why);
	}
	if (c->waits) {
		out_text(r->out, "+ go ahead\r\n");
		if (!out_flush(r->out, soon(r), NULL))
			return READ_END;
	}
	return read_literal(r, all, c->size) ? READ_COMMAND : READ_END;
}

/* Lines and literals into all, until the command ends or its message begins. */
static enum read_kind gather(struct reader *r, ms_t until, struct str *all, struct command *c,
    const char **why)
{
	for (;;) {
		struct span line, before;
		enum line_kind got = line_read(r->line, until, &line);
		enum read_kind kind;

		if (got != LINE_OK)
			return trouble(got, why);
		str_add(all, line);
		if (all->over) {
			*why = "that command is too long";
			return READ_FATAL;
		}
		if (!parse_literal_mark(line, &c->size, &c->waits, &before))
			return READ_COMMAND;
		before = span_to(str_span(all), all->n - (line.n - before.n));
		if (r->ends_in_message && r->ends_in_message(before, r->arena)) {
			str_cut(all, before.n);
			c->message = true;
			return READ_COMMAND;
		}
		kind = take_literal(r, all, c, why);
		if (kind != READ_COMMAND)
			return kind;
		until = soon(r);
	}
}

enum read_kind command_read(struct reader *r, ms_t until, struct command *c, const char **why)
{
	struct str all = STR(r->all_max);
	enum read_kind kind;

	*c = (struct command){ .tag = SPAN("*") };
	kind = gather(r, until, &all, c, why);
	if (kind != READ_END)
		cut_command(arena_copy(r->arena, str_span(&all)), c);
	if (all.cap)
		explicit_bzero(all.p, all.n);	/* LOGIN has a password in it */
	str_free(&all);
	return kind;
}

enum read_kind command_read_end(struct reader *r, const char **why)
{
	struct span line, before;
	uint64_t size;
	bool waits;
	enum line_kind kind = line_read(r->line, soon(r), &line);

	if (kind != LINE_OK)
		return trouble(kind, why);
	if (!line.n)
		return READ_COMMAND;
	*why = "nothing may come after the message";
	if (!parse_literal_mark(line, &size, &waits, &before))
		return READ_REFUSED;
	return waits ? READ_REFUSED : skip_rest(r, size, why);
}

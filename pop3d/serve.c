/* The verbs after login, and one client from the first to QUIT. See pop3.h. */
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/mail/maillog.h"
#include "common/os/log.h"
#include "pop3d/pop3.h"

/* --- numbers --- */

static bool is_there(const struct pop3 *s, size_t i)
{
	return !(s->marks[i] & MARK_DELETED);
}

static uint64_t size_of(const struct pop3 *s, size_t i)
{
	return mailbox_msg(s->box, i)->wire_size;
}

static void count_up(const struct pop3 *s, size_t *count, uint64_t *bytes)
{
	*count = 0;
	*bytes = 0;
	for (size_t i = 0; i < s->count; i++) {
		if (is_there(s, i)) {
			++*count;
			*bytes += size_of(s, i);
		}
	}
}

/* Eat the number of a message that is there; i counts from 0. */
static bool take_message(struct pop3 *s, struct span *arg, size_t *i)
{
	uint64_t n;

	if (!span_eat_u64(arg, UINT32_MAX, &n) || (arg->n && !span_eat_char(arg, ' ')))
		return pop3_no(s->out, "", "say the number of a message");
	if (n == 0 || n > s->count)
		return pop3_no(s->out, "", "there are only %zu messages", s->count);
	if (!is_there(s, n - 1))
		return pop3_no(s->out, "", "message %u is deleted", (unsigned)n);
	*i = (size_t)n - 1;
	return true;
}

static bool only_message(struct pop3 *s, struct span arg, size_t *i)
{
	if (!take_message(s, &arg, i))
		return false;
	return !arg.n || pop3_no(s->out, "", "there is more than the number of a message");
}

/* --- verbs --- */

static bool do_stat(struct pop3 *s, struct span arg)
{
	uint64_t bytes;
	size_t count;

	(void)arg;
	count_up(s, &count, &bytes);
	return pop3_ok(s->out, "%zu %llu", count, (unsigned long long)bytes);
}

static bool do_list(struct pop3 *s, struct span arg)
{
	uint64_t bytes;
	size_t i;

	if (arg.n) {
		if (!only_message(s, arg, &i))
			return false;
		return pop3_ok(s->out, "%zu %llu", i + 1, (unsigned long long)size_of(s, i));
	}
	count_up(s, &i, &bytes);
	pop3_ok(s->out, "%zu messages, %llu bytes", i, (unsigned long long)bytes);
	for (i = 0; i < s->count; i++) {
		if (is_there(s, i))
			out_addf(s->out, "%zu %llu\r\n", i + 1, (unsigned long long)size_of(s, i));
	}
	out_text(s->out, ".\r\n");
	return true;
}

/* As Dovecot's default, so that who comes from there need not fetch all again. */
static void print_uidl(const struct pop3 *s, size_t i, char text[80])
{
	const char *own = mailbox_uidl(s->box, i);
	struct span rest = own ? span_of(own) : SPAN(""), word = span_word(&rest);

	if (word.n && word.n <= 70)
		snprintf(text, 80, SPAN_FMT, SPAN_ARG(word));
	else
		snprintf(text, 80, "%08x%08x", mailbox_msg(s->box, i)->uid, mailbox_uidvalidity(s->box));
}

static bool do_uidl(struct pop3 *s, struct span arg)
{
	char text[80];
	size_t i;

	if (arg.n) {
		if (!only_message(s, arg, &i))
			return false;
		print_uidl(s, i, text);
		return pop3_ok(s->out, "%zu %s", i + 1, text);
	}
	pop3_ok(s->out, "names that stay");
	for (i = 0; i < s->count; i++) {
		if (!is_there(s, i))
			continue;
		print_uidl(s, i, text);
		out_addf(s->out, "%zu %s\r\n", i + 1, text);
	}
	out_text(s->out, ".\r\n");
	return true;
}

/* Owner of fd. body_lines -1: all, and it counts as fetched. */
static bool send_message(struct pop3 *s, size_t i, int64_t body_lines)
{
	uint64_t sent = 0;
	struct err e;
	int fd = mailbox_open_msg(s->box, i, &e);
	bool ok;

	if (fd < 0) {
		log_warn("%s: %s", s->login, e.text);
		return pop3_no(s->out, "[SYS/TEMP] ", "message %zu can not be read now", i + 1);
	}
	pop3_ok(s->out, body_lines < 0 ? "%llu bytes" : "here is its top",
	    (unsigned long long)size_of(s, i));
	ok = pop3_send_text(s->out, fd, body_lines, &sent, &e);
	close(fd);
	if (!ok) {
		/* the client must not take half a message for a whole one: no last dot, and goodbye */
		log_error("%s: %s", s->login, e.text);
		s->over = true;
		return true;
	}
	out_text(s->out, ".\r\n");
	s->bytes += sent;
	if (body_lines < 0) {
		s->marks[i] |= MARK_FETCHED;
		s->fetched++;
		maillog_fetched("pop3", span_of(s->login), mailbox_msg(s->box, i)->name, sent);
	}
	return true;
}

static bool do_retr(struct pop3 *s, struct span arg)
{
	size_t i;

	return only_message(s, arg, &i) && send_message(s, i, -1);
}

static bool do_top(struct pop3 *s, struct span arg)
{
	uint64_t lines;
	size_t i;

	if (!take_message(s, &arg, &i))
		return false;
	if (!span_u64(arg, UINT32_MAX, &lines))
		return pop3_no(s->out, "", "say how many lines of message %zu", i + 1);
	return send_message(s, i, (int64_t)lines);
}

static bool do_dele(struct pop3 *s, struct span arg)
{
	size_t i;

	if (!only_message(s, arg, &i))
		return false;
	s->marks[i] |= MARK_DELETED;
	return pop3_ok(s->out, "message %zu will go at QUIT", i + 1);
}

static bool do_noop(struct pop3 *s, struct span arg)
{
	(void)arg;
	return pop3_ok(s->out, "still here");
}

static bool do_rset(struct pop3 *s, struct span arg)
{
	(void)arg;
	for (size_t i = 0; i < s->count; i++)
		s->marks[i] &= (unsigned char)~MARK_DELETED;
	return pop3_ok(s->out, "nothing will be deleted");
}

static bool do_capa(struct pop3 *s, struct span arg)
{
	(void)arg;
	pop3_capa(s->out, false, NULL);
	return true;
}

/* The update state: all changes of the session, flushed once. */
static bool update(struct pop3 *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++) {
		const struct mailbox_msg *msg = mailbox_msg(s->box, i);

		if (s->marks[i] & MARK_DELETED) {
			if (!mailbox_expunge(s->box, i, e))
				return false;
			s->deleted++;
		} else if ((s->marks[i] & MARK_FETCHED) && !msg->gone &&
		    !(msg->flags & FLAG_SEEN)) {
			/* the message may have gone meanwhile, and then needs no mark */
			mailbox_set_flags(s->box, i, msg->flags | FLAG_SEEN, msg->keywords, NULL);
		}
	}
	return mailbox_sync(s->box, e);
}

static bool do_quit(struct pop3 *s, struct span arg)
{
	struct err e;

	(void)arg;
	s->over = true;
	if (update(s, &e))
		return pop3_ok(s->out, "%u messages deleted, goodbye", s->deleted);
	log_error("%s: %s", s->login, e.text);
	return pop3_no(s->out, "[SYS/TEMP] ", "some deleted messages are still there");
}

static const struct verb {
	const char	*name;
	bool		(*run)(struct pop3 *s, struct span arg);
} verbs[] = {
	{ "STAT", do_stat }, { "LIST", do_list }, { "RETR", do_retr }, { "DELE", do_dele },
	{ "NOOP", do_noop }, { "RSET", do_rset }, { "QUIT", do_quit }, { "TOP", do_top },
	{ "UIDL", do_uidl }, { "CAPA", do_capa },
};

/* --- the loop --- */

static bool command(struct pop3 *s, struct span line)
{
	struct span verb, arg;

	pop3_split(line, &verb, &arg);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (span_is(verb, verbs[i].name))
			return verbs[i].run(s, arg);
	}
	return pop3_no(s->out, "", "there is no such command after login");
}

static bool read_command(struct pop3 *s)
{
	struct span line;

	switch (line_read(s->line, clock_in(s->terms->idle_timeout_s), &line)) {
	case LINE_OK:	return command(s, line);
	case LINE_LONG:	return pop3_no(s->out, "", "that line is too long");
	case LINE_BARE:
	case LINE_NUL:
		return pop3_no(s->out, "", "a line ends in CRLF and has no CR, LF or NUL in it");
	case LINE_LATE: /* RFC 1939 3: closed without a word, and without an update */
	case LINE_END:	break;
	}
	s->over = true;
	return true;
}

/* Replies to commands that came in one piece go in one piece. */
static void serve(struct pop3 *s)
{
	while (!s->over) {
		if (!line_waiting(s->line) && !out_flush(s->out, clock_in(POP3_FLUSH_S), NULL))
			return;
		if (!read_command(s) && ++s->errors > s->terms->errors_max) {
			pop3_no(s->out, "", "too many mistakes");
			s->over = true;
		}
	}
	out_flush(s->out, clock_in(POP3_FLUSH_S), NULL);
}

void pop3_serve(struct pop3 *s)
{
	struct err e;

	s->box = mailbox_open(s->root, "", true, &e);
	if (!s->box) {
		log_error("%s cannot open the mailbox: %s", s->login, e.text);
		pop3_no(s->out, pop3_code(&e), "your mailbox can not be opened now");
		out_flush(s->out, clock_in(POP3_FLUSH_S), NULL);
		return;
	}
	s->count = mailbox_count(s->box);
	s->marks = mem_get(s->count + 1);
	pop3_ok(s->out, "%zu messages", s->count);
	serve(s);
	mailbox_close(s->box);
	free(s->marks);
}

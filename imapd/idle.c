/* IDLE. RFC 2177. */
#include <poll.h>

#include "common/os/log.h"
#include "imapd/imap.h"

enum stirred { STIRRED_CLIENT, STIRRED_FOLDER, STIRRED_NOTHING };

static bool input_waits(const struct imap *s)
{
	return line_waiting(s->reader.line) || (s->wire && s->wire->at < s->wire->n);
}

/* Sleep until the client speaks, the folder stirs, or it is time to look or to say something. */
static enum stirred wait_for(struct imap *s, int watch, ms_t until)
{
	struct pollfd fds[2] = { { .fd = s->poll_fd, .events = POLLIN },
		{ .fd = watch, .events = POLLIN } };
	int n;

	if (input_waits(s))
		return STIRRED_CLIENT;
	if (s->view.box && watch < 0 && clock_in(IMAP_IDLE_SCAN_S) < until)
		until = clock_in(IMAP_IDLE_SCAN_S);
	n = poll(fds, 2, clock_left(until));
	if (n <= 0)
		return STIRRED_NOTHING;
	if (fds[0].revents)
		return STIRRED_CLIENT;
	mailbox_watch_drain(s->view.box);
	return STIRRED_FOLDER;
}

static bool look(struct imap *s, struct err *e)
{
	return !s->view.box || view_tell(&s->view, s->out, true, e);
}

static struct reply end_of_idle(struct imap *s)
{
	struct span line;

	switch (line_read(s->reader.line, clock_in(s->terms->command_timeout_s), &line)) {
	case LINE_OK:
		if (span_is(line, "DONE"))
			return say(REPLY_OK, "IDLE done");
		return say(REPLY_BAD, "only DONE ends IDLE");
	case LINE_END:
		s->over = true;
		return say(REPLY_BAD, "gone");
	default:
		return say(REPLY_BYE, "only DONE ends IDLE");
	}
}

struct reply do_idle(struct imap *s, struct span arg)
{
	ms_t over = clock_in(s->terms->idle_timeout_s), nudge = clock_in(IMAP_IDLE_NUDGE_S);
	/* before we look the first time: what stirs in between is not missed */
	int watch = s->view.box ? mailbox_watch_fd(s->view.box) : -1;
	struct err e;

	(void)arg;
	out_text(s->out, "+ idling\r\n");
	for (;;) {
		if (!look(s, &e))
			return say_err(&e);
		if (!out_flush(s->out, clock_in(s->terms->command_timeout_s), NULL)) {
			s->over = true;
			return say(REPLY_BAD, "gone");
		}
		if (wait_for(s, watch, nudge < over ? nudge : over) == STIRRED_CLIENT)
			return end_of_idle(s);
		if (clock_left(over) == 0)
			return say(REPLY_BYE, "[UNAVAILABLE] idle for too long");
		if (clock_left(nudge) == 0) {
			out_text(s->out, "* OK still here\r\n");
			nudge = clock_in(IMAP_IDLE_NUDGE_S);
		}
	}
}

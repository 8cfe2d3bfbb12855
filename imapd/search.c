/* SEARCH. RFC 3501 6.4.4. */
#include "imapd/search.h"

/* Processor time this process has used, in seconds. */
static long cpu_s(void)
{
	struct timespec t;

	return clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0 ? (long)t.tv_sec : 0;
}

/* false: it took too long. */
static bool search(struct imap *s, const struct key *k)
{
	long until = cpu_s() + s->terms->search_cpu_s;

	out_text(s->out, "* SEARCH");
	for (size_t i = 0; i < s->view.told; i++) {
		const struct mailbox_msg *m = mailbox_msg(s->view.box, i);

		if (!m->gone && search_matches(s, k, i))
			out_addf(s->out, " %zu", s->command->uid ? (size_t)m->uid : i + 1);
		if (k->costly && cpu_s() > until) {
			out_text(s->out, "\r\n");
			return false;
		}
	}
	out_text(s->out, "\r\n");
	return true;
}

struct reply do_search(struct imap *s, struct span arg)
{
	const char *why;
	struct key *k;

	if (!search_parse(arg, s->arena, &k, &why)) {
		if (span_is(span_of(why), "BADCHARSET"))
			return say(REPLY_NO, "[BADCHARSET (US-ASCII UTF-8)] unknown character set");
		return say(REPLY_BAD, "%s", why);
	}
	search_resolve(k, &s->view);
	if (!search(s, k))
		return say(REPLY_NO, "[LIMIT] that search takes too long; narrow it by date or sender");
	return say_done(s);
}

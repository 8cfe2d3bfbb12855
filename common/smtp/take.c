/* Taking the text: DATA and BDAT. RFC 5321 4.1.1.4, RFC 3030. */
#include "common/smtp/verb.h"

static void sink(void *arg, struct span lf_text)
{
	struct smtp *s = arg;

	s->hooks->text(s, lf_text);
}

static void drop(void *arg, struct span lf_text)
{
	(void)arg;
	(void)lf_text;
}

static struct body_terms terms(struct smtp *s, bool wanted)
{
	return (struct body_terms){
		.read_timeout_s = s->terms->command_timeout_s, .rate_min = s->terms->rate_min,
		.sink = wanted ? sink : drop, .arg = s,
	};
}

/* The text did not come to its end, so neither does the conversation. */
static struct reply broken_off(struct smtp *s, enum body_end end)
{
	s->over = true;
	s->state = SMTP_DONE;
	if (end == BODY_LATE)
		return reply_say(421, "4.4.2", "the message comes too slowly");
	if (end == BODY_ENDLESS)
		return smtp_expel(s, reply_say(552, "5.3.4", "that is far more than the %llu bytes a message may have",
		    (unsigned long long)s->terms->size_max));
	return (struct reply){ .code = 0 };
}

/* All of it was read: keep the promise or say why not. */
static struct reply settle(struct smtp *s)
{
	struct str said = STR(200);
	struct reply r;
	struct err e;
	bool add_lf, ok = body_finish(&s->body, &add_lf, &e);

	if (ok && add_lf)
		s->hooks->text(s, SPAN("\n"));
	ok = ok && s->hooks->commit(s, &said, &e);
	r = ok ? reply_say(250, "2.0.0", "%s", said.p) : reply_refuse(&e);
	if (ok)
		s->junk = s->errors = 0;
	str_free(&said);
	s->over = true;
	return r;
}

static bool open_text(struct smtp *s, bool dots, struct err *e)
{
	body_init(&s->body, dots, s->terms->size_max);
	s->body_open = s->hooks->data(s, e);
	return s->body_open;
}

struct reply smtp_do_data(struct smtp *s, struct span arg)
{
	struct reply go = reply_say(354, "", "end it with a dot alone on a line");
	struct body_terms t = terms(s, true);
	enum body_end end;
	struct err e;

	if (arg.n)
		return reply_say(501, "5.5.4", "DATA stands alone");
	if (!open_text(s, true, &e)) {
		s->over = true;
		return reply_refuse(&e);
	}
	reply_send(&go, s->out);
	if (!out_flush(s->out, smtp_until(s), NULL))
		return broken_off(s, BODY_LOST);
	end = body_read_data(&s->body, s->in, &t);
	return end == BODY_OK ? settle(s) : broken_off(s, end);
}

/* --- BDAT --- */

static bool eat_size(struct span arg, uint64_t *size, bool *last)
{
	struct span word;

	if (!span_u64(span_word(&arg), UINT64_MAX / 8, size))
		return false;
	word = span_word(&arg);
	*last = span_is(word, "LAST");
	return (*last || !word.n) && !span_trim(arg).n;
}

/* Read a chunk that nobody wants, so that it is not taken for commands. */
static struct reply skip_chunk(struct smtp *s, uint64_t size, struct reply why)
{
	struct body_terms t = terms(s, false);
	struct body unwanted;
	enum body_end end;

	body_init(&unwanted, false, s->terms->size_max);
	end = body_read_chunk(&unwanted, s->in, size, &t);
	if (s->state & (SMTP_RCPTS | SMTP_CHUNKS))
		s->over = true;
	return end == BODY_OK ? why : broken_off(s, end);
}

static struct reply take_chunk(struct smtp *s, uint64_t size, bool last)
{
	struct body_terms t = terms(s, true);
	enum body_end end = body_read_chunk(&s->body, s->in, size, &t);

	if (end != BODY_OK)
		return broken_off(s, end);
	if (last || s->body.flaws)
		return settle(s);
	s->state = SMTP_CHUNKS;
	return reply_say(250, "2.0.0", "%llu bytes taken", (unsigned long long)size);
}

struct reply smtp_do_bdat(struct smtp *s, struct span arg)
{
	uint64_t size;
	bool last;
	struct err e;

	if (!eat_size(arg, &size, &last)) {
		/* what follows is a chunk of unknown length */
		return smtp_expel(s, reply_say(501, "5.5.4", "say BDAT size, or BDAT size LAST"));
	}
	if (!(s->terms->offer & EXT_CHUNKING) || !(s->state & (SMTP_RCPTS | SMTP_CHUNKS)))
		return skip_chunk(s, size, reply_say(503, "5.5.1", "BDAT makes no sense here"));
	if (!s->body_open && !open_text(s, false, &e))
		return skip_chunk(s, size, reply_refuse(&e));
	return take_chunk(s, size, last);
}

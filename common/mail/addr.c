/*
 * Address lists, RFC 5322 3.4 with 4.4 and RFC 6532. See addr.h.
 *
 * A list is read token by token, straight through and without looking back: words
 * gather until a special character says what they were ("<": a name, "@": a local part,
 * ":": a group's name). So time is linear whatever stands there.
 */
#include "common/mail/addr.h"

enum { WORDS_MAX = 1 << 20 };

struct reader {
	struct arena	 *arena;
	struct addrs *out;
	size_t		  room;
	struct str	  words;	/* what gathered, with one blank where there were some */
	struct str tight; /* the same without blanks: a local part, a domain, a route */
	size_t		  local_n;	/* after_at: that much of words is the local part */
	struct str	  comment;	/* the last one: the name where no other is given */
	struct addr	  now;		/* what is known of the mailbox being read */
	bool		  blank;	/* blanks or a comment stand before this token */
	bool		  in_angle, after_angle, after_at, in_route, in_group;
};

static bool is_gap(char c)
{
	return is_blank(c) || c == '\r' || c == '\n' || c == '\0';
}

static bool is_special(char c)
{
	return c && strchr("<>@,;:", c);
}

/* Words are atext, UTF-8, dots, and what should not be there but is. */
static bool is_word(char c)
{
	return !is_gap(c) && !is_special(c) && c != '"' && c != '(' && c != '[';
}

/* --- gathering --- */

static void forget(struct reader *r)
{
	str_reset(&r->words);
	str_reset(&r->tight);
}

/* "John ann@example.org": the name ends where a blank is not beside a dot. RFC 5322 4.4 allows the rest. */
static bool starts_anew(const struct reader *r, struct span word)
{
	return r->blank && r->tight.n && r->tight.p[r->tight.n - 1] != '.' &&
	    !(word.n && *word.p == '.');
}

static struct span keep(struct reader *r, const struct str *s)
{
	return s->n ? arena_copy(r->arena, str_span(s)) : (struct span){ 0 };
}

/* What gathered is an address now, with or without a domain. */
static void keep_address(struct reader *r)
{
	struct span words = str_span(&r->words);

	if (r->after_at)
		r->now.domain = keep(r, &r->tight);
	r->now.local = arena_copy(r->arena, r->after_at ? span_to(words, r->local_n) : words);
}

static void gather(struct reader *r, struct span word)
{
	if (r->after_angle)
		return;
	if (starts_anew(r, word)) {
		if (r->after_at) {
			r->after_angle = !r->in_angle;	/* junk behind an address */
			if (r->after_angle)
				keep_address(r);
			return;
		}
		str_reset(&r->tight);
	}
	if (r->blank && r->words.n && !r->after_at)
		str_add_char(&r->words, ' ');
	str_add(&r->words, word);
	str_add(&r->tight, word);
}

/* --- giving out --- */

static void give(struct reader *r, struct addr one)
{
	struct addrs *out = r->out;

	if (out->count == r->room) {
		struct addr *more;

		r->room = r->room ? r->room * 2 : 4;
		more = arena_array(r->arena, r->room, sizeof *more);
		if (out->count)
			memcpy(more, out->list, out->count * sizeof *more);
		out->list = more;
	}
	out->list[out->count++] = one;
}

/* A mailbox has ended: at a comma, at the end of a group or of the list. */
static void end_mailbox(struct reader *r)
{
	if (!r->after_angle)
		keep_address(r);
	if (!r->now.name.p && (r->now.local.n || r->now.domain.n))
		r->now.name = keep(r, &r->comment);
	if (r->now.local.n || r->now.domain.n || r->now.name.n)
		give(r, r->now);
	r->now = (struct addr){ .kind = ADDR_MAILBOX };
	r->in_angle = r->after_angle = r->after_at = r->in_route = false;
	str_reset(&r->comment);
	forget(r);
}

static void end_group(struct reader *r)
{
	end_mailbox(r);
	if (r->in_group)
		give(r, (struct addr){ .kind = ADDR_GROUP_END });
	r->in_group = false;
}

/* --- what each special character means --- */

static void on_open(struct reader *r)
{
	if (r->in_angle || r->after_angle)
		end_mailbox(r);			/* a comma was forgotten */
	r->now.name = keep(r, &r->words);	/* may hold an @ that should have been quoted */
	r->in_angle = true;
	r->after_at = false;
	forget(r);
}

static void on_close(struct reader *r)
{
	if (!r->in_angle)
		return;
	keep_address(r);
	r->in_angle = r->after_at = r->in_route = false;
	r->after_angle = true;
	forget(r);
}

static void on_at(struct reader *r)
{
	if (r->after_angle)
		return;
	if (r->in_route || (r->in_angle && !r->words.n && !r->after_at)) {
		r->in_route = true;
		str_add_char(&r->tight, '@');
		return;
	}
	if (!r->after_at) {
		str_reset(&r->words);
		str_add(&r->words, str_span(&r->tight));
	}
	r->local_n = r->words.n;		/* a@b@c: the last one counts */
	str_add_char(&r->words, '@');
	str_reset(&r->tight);
	r->after_at = true;
}

static void on_colon(struct reader *r)
{
	if (r->in_route) {
		r->now.route = keep(r, &r->tight);
		r->in_route = false;
		forget(r);
	} else if (r->in_group || r->in_angle || r->after_at || r->after_angle) {
		gather(r, SPAN(":"));
	} else {
		give(r, (struct addr){ .kind = ADDR_GROUP, .name = keep(r, &r->words) });
		r->in_group = true;
		str_reset(&r->comment);
		forget(r);
	}
}

static void on_comma(struct reader *r)
{
	if (r->in_route)
		str_add_char(&r->tight, ',');
	else
		end_mailbox(r);
}

static void on_special(struct reader *r, char c)
{
	switch (c) {
	case '<': on_open(r); break;
	case '>': on_close(r); break;
	case '@': on_at(r); break;
	case ':': on_colon(r); break;
	case ',': on_comma(r); break;
	case ';': end_group(r); break;
	}
}

/* --- tokens --- */

/* Eat from an opening character to its end, without both and without backslashes. Comments nest. */
static void eat_delimited(struct span *in, char open, char close, struct str *out)
{
	size_t depth = 1, i = 1;

	for (; i < in->n; i++) {
		char c = in->p[i];

		if (c == '\\' && i + 1 < in->n)
			c = in->p[++i];
		else if (c == close && --depth == 0)
			break;
		else if (c == open)
			depth++;
		if (c != '\r' && c != '\n' && c != '\0')
			str_add_char(out, c);
	}
	*in = span_from(*in, i + 1);
}

static void eat_literal(struct span *in, struct reader *r)
{
	struct str text = STR(WORDS_MAX);

	str_add_char(&text, '[');
	eat_delimited(in, '[', ']', &text);
	str_add_char(&text, ']');
	gather(r, str_span(&text));
	str_free(&text);
}

static void eat_quoted(struct span *in, struct reader *r)
{
	struct str text = STR(WORDS_MAX);

	eat_delimited(in, '"', '"', &text);
	gather(r, str_span(&text));
	str_free(&text);
}

/* Eat one token; blanks and comments are remembered for the next. */
static void eat_token(struct span *in, struct reader *r)
{
	char c = *in->p;

	if (c == '(') {
		str_reset(&r->comment);
		eat_delimited(in, '(', ')', &r->comment);
		r->blank = true;
		return;
	}
	if (c == '"') {
		eat_quoted(in, r);
	} else if (c == '[') {
		eat_literal(in, r);
	} else if (is_special(c)) {
		span_take(in, 1);
		on_special(r, c);
	} else {
		gather(r, span_while(in, is_word));
	}
	r->blank = false;
}

void addr_parse(struct span value, struct arena *a, struct addrs *out)
{
	struct reader r = {
		.arena = a, .out = out,
		.words = STR(WORDS_MAX), .tight = STR(WORDS_MAX), .comment = STR(WORDS_MAX),
	};

	*out = (struct addrs){ 0 };
	for (size_t tokens = 0; value.n; tokens++) {
		if (span_while(&value, is_gap).n)
			r.blank = true;
		if (tokens == ADDR_TOKENS_MAX)
			out->cut = true;
		if (out->cut || !value.n)
			break;
		eat_token(&value, &r);
	}
	end_group(&r);
	str_free(&r.words);
	str_free(&r.tight);
	str_free(&r.comment);
}

/* --- writing --- */

/* RFC 5322 3.2.3 dot-atom, RFC 6532 3.2. */
static bool is_dot_atom(struct span s)
{
	bool dot_before = true;

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (c == '.' ? dot_before : !(is_alnum(c) || (unsigned char)c >= 0x80 || (c && strchr("!#$%&'*+-/=?^_`{|}~", c))))
			return false;
		dot_before = c == '.';
	}
	return !dot_before;
}

void addr_print(struct span local, struct span domain, struct str *out)
{
	if (is_dot_atom(local)) {
		str_add(out, local);
	} else {
		str_add_char(out, '"');
		for (size_t i = 0; i < local.n; i++) {
			if (local.p[i] == '"' || local.p[i] == '\\')
				str_add_char(out, '\\');
			str_add_char(out, local.p[i]);
		}
		str_add_char(out, '"');
	}
	if (domain.n)
		str_add_char(out, '@');
	str_add(out, domain);
}

bool addr_split(struct span address, struct span *local, struct span *domain)
{
	ptrdiff_t at = span_rfind(address, '@');

	if (at < 1 || (size_t)at + 1 == address.n)
		return false;
	*local = span_to(address, (size_t)at);
	*domain = span_from(address, (size_t)at + 1);
	return true;
}

/* A milter's answers. See answer.h. */
#include "common/milter/answer.h"

enum form { NOTHING, REPLY, TEXT, ADDRESS, HEADER, NUMBERED_HEADER, BODY };

enum { TEXT_MAX = 500, LINES_MAX = 10 };	/* of a reply; struct reply holds 700 bytes */

static const struct code {
	char			letter;
	enum answer_kind_of	kind;
	enum form		form;
	unsigned		needs;		/* a bit of MAY_*; 0 for a verdict */
} codes[] = {
	{ 'c', ANSWER_CONTINUE,		NOTHING,	0 },
	{ 'a', ANSWER_ACCEPT,		NOTHING,	0 },
	{ 'd', ANSWER_DISCARD,		NOTHING,	0 },
	{ 's', ANSWER_SKIP,		NOTHING,	0 },
	{ 'p', ANSWER_PROGRESS,		NOTHING,	0 },
	{ 'r', ANSWER_REFUSE,		NOTHING,	0 },
	{ 't', ANSWER_REFUSE,		NOTHING,	0 },
	{ 'f', ANSWER_REFUSE,		NOTHING,	0 },	/* "connection failure" */
	{ '4', ANSWER_REFUSE,		NOTHING,	0 },	/* "shut down": 421 */
	{ 'y', ANSWER_REFUSE,		REPLY,		0 },
	{ '+', ANSWER_ADD_RCPT,		ADDRESS,	MAY_ADD_RCPTS },
	{ '2', ANSWER_ADD_RCPT,		ADDRESS,	MAY_ADD_RCPTS_WITH },
	{ '-', ANSWER_DELETE_RCPT,	ADDRESS,	MAY_DELETE_RCPTS },
	{ 'e', ANSWER_CHANGE_FROM,	ADDRESS,	MAY_CHANGE_FROM },
	{ 'h', ANSWER_ADD_HEADER,	HEADER,		MAY_ADD_HEADERS },
	{ 'i', ANSWER_INSERT_HEADER,	NUMBERED_HEADER, MAY_ADD_HEADERS },
	{ 'm', ANSWER_CHANGE_HEADER,	NUMBERED_HEADER, MAY_CHANGE_HEADERS },
	{ 'q', ANSWER_QUARANTINE,	TEXT,		MAY_QUARANTINE },
	{ 'b', ANSWER_CONTINUE,		BODY,		MAY_CHANGE_BODY },
};

/* --- replies --- */

static struct reply usual_reply(char letter, const char *milter)
{
	switch (letter) {
	case 'r': return reply_say(550, "5.7.1", "our filter %s does not take this", milter);
	case 't':
		return reply_say(451, "4.7.1", "our filter %s asks you to try again later", milter);
	default:  return reply_say(421, "4.7.0", "our filter %s ends this connection", milter);
	}
}

/* "5.7.1 " in front of a line, with the reply's own class. RFC 3463 2. */
static bool eat_status(struct span *line, unsigned code, struct span *status)
{
	struct span in = *line, word = span_word(&in), at = word;
	uint64_t part;

	if (!span_eat_u64(&at, 5, &part) || part != code / 100)
		return false;
	for (int i = 0; i < 2; i++) {
		if (!span_eat_char(&at, '.') || !span_eat_u64(&at, 999, &part))
			return false;
	}
	if (at.n)
		return false;
	*status = word;
	*line = span_trim(in);
	return true;
}

/* What can stand in a reply, RFC 5321 4.2. A doubled % is libmilter's way of writing one. */
static void add_tame(struct span line, struct str *out)
{
	for (size_t i = 0; i < line.n; i++) {
		if (line.p[i] == '%' && i + 1 < line.n && line.p[i + 1] == '%')
			i++;
		str_add_char(out, is_print(line.p[i]) ? line.p[i] : '?');
	}
}

/* One line, "550 5.7.1 text" or "550-5.7.1 text"; the first sets code and status. */
static bool take_line(struct span line, struct reply *r, struct str *text)
{
	struct span status;
	uint64_t code;

	line = span_trim(line);
	if (line.n < 3 || !span_u64(span_to(line, 3), 599, &code) || code < 400)
		return false;
	if (line.n > 3 && line.p[3] != ' ' && line.p[3] != '-')
		return false;
	if (r->code && r->code != code)
		return false;
	line = span_trim(span_from(line, line.n > 3 ? 4 : 3));
	if (!eat_status(&line, (unsigned)code, &status))
		status = code < 500 ? SPAN("4.7.1") : SPAN("5.7.1");
	if (r->code)
		str_add_char(text, '\n');
	else if (!span_copy(status, r->status, sizeof r->status))
		return false;
	r->code = (unsigned)code;
	add_tame(line, text);
	return true;
}

static bool take_reply(struct span in, struct reply *r)
{
	struct str text = STR(TEXT_MAX);
	struct span line;
	bool ok = true;

	*r = (struct reply){ .code = 0 };
	for (int i = 0; ok && i < LINES_MAX && span_piece(&in, '\n', &line); i++)
		ok = take_line(line, r, &text);
	snprintf(r->text, sizeof r->text, "%s", text.n ? text.p : "our filter does not take this");
	str_free(&text);
	return ok && r->code;
}

/* --- forms --- */

static bool take_address(struct span in, struct milter_answer *a)
{
	if (!frame_take_text(&in, &a->text))
		return false;
	a->more = in;
	return true;
}

static bool take_form(const struct code *c, struct span in, const char *milter, struct milter_answer *a)
{
	switch (c->form) {
	case NOTHING:
		if (a->kind == ANSWER_REFUSE)
			a->reply = usual_reply(c->letter, milter);
		return true;
	case REPLY:
		return frame_take_text(&in, &a->text) && take_reply(a->text, &a->reply);
	case TEXT:
		return frame_take_text(&in, &a->text);
	case ADDRESS:
		return take_address(in, a);
	case NUMBERED_HEADER:
		if (!frame_take_number(&in, &a->number))
			return false;
		/* fall through */
	case HEADER:
		return frame_take_text(&in, &a->name) && frame_take_text(&in, &a->value);
	default:
		return false;
	}
}

static const struct code *find(char letter)
{
	for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
		if (codes[i].letter == letter)
			return &codes[i];
	}
	return NULL;
}

bool answer_parse(struct span frame, unsigned may, const char *milter, struct milter_answer *a, struct err *e)
{
	char letter = frame.n ? *frame.p : '\0';
	const struct code *c = find(letter);

	if (!c)
		return err_perm(e, "5.5.0", "the answer 0x%02x is none that we know", (unsigned char)letter);
	if (c->needs && !(c->needs & may))
		return err_perm(e, "5.5.0", "it did \"%c\", which was not agreed%s", letter,
		    c->form == BODY ? ": we change no body" : "");
	*a = (struct milter_answer){ .kind = c->kind, .change = c->needs != 0 };
	return take_form(c, span_from(frame, 1), milter, a) ||
	    err_perm(e, "5.5.0", "its answer \"%c\" is not well formed", letter);
}

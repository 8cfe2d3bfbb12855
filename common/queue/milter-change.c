/* Doing what a milter wants. See milter-change.h. */
#include "common/queue/milter-change.h"

#include "common/mail/maillog.h"

/* --- header --- */

/* Without the agreement on leading blanks a value comes without the usual one. */
static void put_value(const struct milter *m, const struct milter_answer *a, struct str *value)
{
	if (!(m->terms.steps & LEADING_SPACE))
		str_add_char(value, ' ');
	str_add(value, a->value);
}

static bool add_header(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e)
{
	struct str value = STR(FRAME_MAX);
	struct edit *d = &c->in->edit;
	bool ok;

	put_value(m, a, &value);
	if (a->kind == ANSWER_ADD_HEADER)
		ok = edit_append(d, a->name, str_span(&value), e);
	else if (a->kind == ANSWER_INSERT_HEADER)
		ok = edit_insert(d, a->number, a->name, str_span(&value), e);
	else
		ok = edit_change(d, a->name, a->number, str_span(&value), e);
	str_free(&value);
	return ok;
}

static bool change_header(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e)
{
	if (a->value.n)
		return add_header(c, m, a, e);
	edit_delete(&c->in->edit, a->name, a->number);
	return true;
}

/* --- envelope --- */

static bool fits(const struct path *path, enum path_kind kind, struct span rest, struct err *e)
{
	if (rest.n)
		return err_perm(e, "5.1.3", "there is more behind the address");
	return kind == PATH_REVERSE || path->domain.n ||
	    err_perm(e, "5.1.3", "an address needs a domain");
}

/* The address with or without < >, canonical, into text; nothing for <>. */
static bool read_address(const struct changing *c, struct span said, enum path_kind kind,
    struct str *text, struct err *e)
{
	struct str wrapped = STR(2 * PATH_TEXT_MAX + 2);
	struct path path;
	struct span in;
	bool ok;

	str_addf(&wrapped, span_starts(said, "<") ? SPAN_FMT : "<" SPAN_FMT ">", SPAN_ARG(said));
	in = str_span(&wrapped);
	if (wrapped.over)
		ok = err_perm(e, "5.1.3", "an address is too long");
	else
		ok = path_parse(&in, kind, c->in->env.smtputf8, &path, e) &&
		    fits(&path, kind, in, e);
	if (ok)
		path_print(&path, text);
	str_free(&wrapped);
	return ok;
}

static bool read_params(const struct changing *c, struct span more, struct rcpt_params *params, struct err *e)
{
	struct str words = STR(2048);
	struct span word;
	bool ok;

	while (frame_take_text(&more, &word))
		str_addf(&words, " " SPAN_FMT, SPAN_ARG(word));
	ok = param_rcpt(str_span(&words), EXT_DSN, c->in->env.smtputf8, c->s->command, params, e);
	str_free(&words);
	return ok;
}

static bool add_rcpt(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e)
{
	struct str address = STR(PATH_TEXT_MAX);
	struct rcpt_params params = { .original = "" };
	bool ok = read_address(c, a->text, PATH_FORWARD, &address, e) &&
	    read_params(c, a->more, &params, e);

	(void)m;
	if (ok && c->in->env.rcpt_count >= c->s->terms->rcpts_max)
		ok = err_temp(e, "4.5.3", "the message has enough recipients");
	if (ok)
		intake_add_rcpt(c->in, c->s, address.p, &params);
	str_free(&address);
	return ok;
}

static bool delete_rcpt(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e)
{
	struct str address = STR(PATH_TEXT_MAX);
	bool ok = read_address(c, a->text, PATH_FORWARD, &address, e);

	(void)m;
	if (ok)
		intake_delete_rcpt(c->in, str_span(&address));
	str_free(&address);
	return ok;
}

static bool change_from(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e)
{
	struct str address = STR(PATH_TEXT_MAX);
	bool ok = read_address(c, a->text, PATH_REVERSE, &address, e);

	(void)m;
	if (ok)
		c->in->env.sender = arena_text(c->s->mail, str_span(&address));
	str_free(&address);
	return ok;
}

static bool quarantine(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e)
{
	struct str why = STR(300);

	(void)e;
	str_addf(&why, "milter %s: ", m->name);
	for (size_t i = 0; i < a->text.n; i++)
		str_add_char(&why, is_print(a->text.p[i]) ? a->text.p[i] : '?');
	c->in->env.hold = arena_text(c->s->mail, str_span(&why));
	str_free(&why);
	return true;
}

static const struct change {
	const char	*did;
	bool		(*run)(struct changing *c, struct milter *m, const struct milter_answer *a, struct err *e);
} changes[] = {
	[ANSWER_ADD_RCPT] = { "added-recipient", add_rcpt },
	[ANSWER_DELETE_RCPT] = { "deleted-recipient", delete_rcpt },
	[ANSWER_CHANGE_FROM] = { "changed-sender", change_from },
	[ANSWER_ADD_HEADER] = { "added-header", add_header },
	[ANSWER_INSERT_HEADER] = { "inserted-header", add_header },
	[ANSWER_CHANGE_HEADER] = { "changed-header", change_header },
	[ANSWER_QUARANTINE] = { "quarantined", quarantine },
};

void milter_change(void *arg, struct milter *m, const struct milter_answer *a)
{
	struct changing *c = arg;
	const struct change *row = &changes[a->kind];
	struct err e;

	if (row->run(c, m, a, &e)) {
		maillog_milter(c->in->env.id, m->name, row->did, a->name.n ? a->name : a->text);
	} else {
		err_while(&e, "milter %s, %s", m->name, row->did);
		maillog_trouble(c->in->env.id, "doing what a milter wants", &e);
	}
}

/* The loop of a session: read, run, tell, reply. See imap.h. */
#include <unistd.h>

#include "common/os/log.h"
#include "imapd/imap.h"
#include "imapd/transfer.h"

/* RFC 5530 for the codes. */
struct reply say_err(const struct err *e)
{
	if (span_starts(span_of(e->status), "4.2.2"))
		return say(REPLY_NO, "[OVERQUOTA] %s", e->text);
	return say(REPLY_NO, "[%s] %s", e->kind == ERR_PERM ? "CANNOT" : "UNAVAILABLE", e->text);
}

struct reply say_done(const struct imap *s)
{
	return say(REPLY_OK, "%s done", s->command->uid ? "UID command" : "command");
}

struct reply say_syntax(const struct imap *s, const char *usage)
{
	return say(REPLY_BAD, "say %s%s", s->command->uid ? "UID " : "", usage);
}

bool view_parse_set(struct imap *s, struct span *in, struct set *set, struct reply *r)
{
	bool uid = s->command->uid;

	if (!set_parse(in, s->arena, set)) {
		*r = say(REPLY_BAD, "a set looks like 1,3:5,7:*");
		return false;
	}
	if (!uid && set_exceeds(set, (uint32_t)s->view.told)) {
		*r = say(REPLY_BAD, "there are %zu messages, no more", s->view.told);
		return false;
	}
	set_resolve(set, view_star(&s->view, uid));
	return true;
}

static enum imap_state state(const struct imap *s)
{
	return s->view.box ? IMAP_SELECTED : IMAP_KNOWN;
}

/* "UID FETCH ..." is the command FETCH with a mark. */
static bool eat_uid(struct command *c)
{
	struct span rest = c->arg, name;

	if (!span_is(c->name, "UID"))
		return true;
	if (!parse_atom(&rest, &name) || !parse_space(&rest))
		return false;
	c->uid = true;
	c->name = name;
	c->arg = rest;
	return true;
}

struct reply imap_command(struct imap *s, struct command *c)
{
	const struct verb *v;

	s->command = c;
	if (span_same(c->tag, SPAN("*")) || !c->name.n)
		return say(REPLY_BAD, "a command is a tag, a blank and a name");
	if (!eat_uid(c))
		return say(REPLY_BAD, "UID needs a command and its arguments");
	v = verb_find(c->name, c->uid);
	if (!v)
		return say(REPLY_BAD, "no such command");
	if (!(v->when & state(s)))
		return say(REPLY_BAD, "%s needs a selected mailbox", v->name);
	if ((v->how & VERB_NO_ARG) && c->arg.n)
		return say(REPLY_BAD, "%s takes no argument", v->name);
	return v->run(s, c->arg);
}

/* What others did to the folder, where this command lets us say it. */
static void tell(struct imap *s)
{
	const struct verb *v = verb_find(s->command->name, s->command->uid);
	bool may_expunge = v && (s->command->uid || !(v->how & VERB_NUMBERS));
	struct err e;

	if (!s->view.box || !v || (v->how & VERB_QUIET))
		return;
	if (s->looked) {
		view_tell_known(&s->view, s->out, may_expunge);
		return;
	}
	if (view_tell(&s->view, s->out, may_expunge, &e))
		return;
	log_warn("%s cannot read folder \"%s\": %s", s->login, s->view.folder, e.text);
	if (!folder_exists(s->root, s->view.folder)) {
		out_text(s->out, "* BYE the mailbox was deleted by somebody else\r\n");
		s->over = true;
	}
}

static void say_goodbye(struct imap *s, const char *why)
{
	out_addf(s->out, "* BYE %s\r\n", why);
	s->over = true;
}

static void run(struct imap *s, struct command *c)
{
	struct reply r = imap_command(s, c);

	if (r.kind == REPLY_BYE)
		s->over = true;
	else if (r.kind != REPLY_BAD)
		tell(s);
	reply_print(s->out, c->tag, &r);
	if (r.kind == REPLY_BAD && ++s->errors > s->terms->errors_max)
		say_goodbye(s, "too many mistakes");
}

static void serve_one(struct imap *s)
{
	struct command c;
	const char *why = "";
	struct reply r;

	switch (command_read(&s->reader, clock_in(s->terms->idle_timeout_s), &c, &why)) {
	case READ_COMMAND:
		run(s, &c);
		break;
	case READ_REFUSED:
		r = say(REPLY_BAD, "%s", why);
		reply_print(s->out, c.tag, &r);
		if (++s->errors > s->terms->errors_max)
			say_goodbye(s, "too many mistakes");
		break;
	case READ_FATAL:
		say_goodbye(s, why);
		break;
	case READ_LATE:
		say_goodbye(s, "[UNAVAILABLE] idle for too long");
		break;
	case READ_END:
		s->over = true;
	}
}

/* The arena is full: a command asked for more than any client needs. */
static void too_much(void *arg)
{
	struct imap *s = arg;

	log_warn("%s asked for more than one command may hold", s->login);
	say_goodbye(s, "[LIMIT] that command needs too much memory");
	out_flush(s->out, clock_in(5), NULL);
	if (s->wire)
		wire_close(s->wire);
	_exit(0);
}

static void begin(struct imap *s)
{
	s->arena = arena_new(IMAP_ARENA_MAX, too_much, s);
	s->scratch = arena_new(IMAP_SCRATCH_MAX, too_much, s);
	s->message = (struct message){ .arena = arena_new(MESSAGE_MEMORY_MAX, too_much, s) };
	s->reader.arena = s->arena;
	s->reader.out = s->out;
	s->reader.patience_s = s->terms->command_timeout_s;
	s->reader.literal_max = READ_LITERAL;
	s->reader.all_max = READ_ALL;
	s->reader.eat_max = 2 * s->terms->message_max;
	s->reader.ends_in_message = append_ends_in_message;
}

static void end(struct imap *s)
{
	transfer_forget_target(s);
	view_close(&s->view);
	message_free(&s->message);
	arena_free(s->scratch);
	arena_free(s->arena);
}

/* The reply to LOGIN or AUTHENTICATE, which the login process left to us. */
static void greet(struct imap *s, const char *tag)
{
	if (!*tag)
		return;
	out_addf(s->out, "%s OK [CAPABILITY ", tag);
	print_capabilities(s);
	out_text(s->out, "] logged in\r\n");
}

void imap_serve(struct imap *s, const char *tag)
{
	bool sent = true;

	begin(s);
	greet(s, tag);
	while (sent && !s->over) {
		if (!span_has(line_rest(s->reader.line), '\n'))	/* else answer several at once */
			sent = out_flush(s->out, clock_in(s->terms->command_timeout_s), NULL);
		arena_reset(s->arena);
		arena_reset(s->scratch);
		s->command = NULL;
		s->looked = false;
		if (sent)
			serve_one(s);
	}
	out_flush(s->out, clock_in(s->terms->command_timeout_s), NULL);
	end(s);
}

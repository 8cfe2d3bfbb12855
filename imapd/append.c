/*
 * APPEND. RFC 3501 6.3.11, RFC 4315, RFC 7889. The message is stored with its lines in
 * LF. Whatever a client may have meant as a line's end is one: CRLF, a bare LF, a bare CR,
 * and CRs before a CRLF. A message with a NUL in it is refused.
 */
#include "common/os/log.h"
#include "common/store/quota.h"
#include "imapd/flags.h"
#include "imapd/name.h"
#include "imapd/transfer.h"

enum { PIECE = 65536 };

struct append_head {
	struct span		name;
	struct flag_names	flags;
	bool			has_date;
	struct date		date;
};

/* "mailbox [(flags)] [date-time] ", up to the message. */
static bool parse_head(struct span in, struct arena *a, struct append_head *out)
{
	*out = (struct append_head){ 0 };
	if (!parse_astring(&in, a, &out->name) || !parse_space(&in))
		return false;
	if (in.n && *in.p == '(' && (!flags_parse(&in, false, &out->flags) || !parse_space(&in)))
		return false;
	if (in.n && *in.p == '"') {
		out->has_date = true;
		if (!parse_date_time(&in, &out->date) || !parse_space(&in))
			return false;
	}
	return parse_end(in);
}

bool append_ends_in_message(struct span command, struct arena *a)
{
	struct append_head head;
	struct span tag;

	return parse_tag(&command, &tag) && parse_space(&command) &&
	    span_eat(&command, "APPEND ") && parse_head(command, a, &head);
}

/* --- the text --- */

struct ends { bool cr, nul; };		/* what the piece before ended in; whether a NUL was seen */

/* Line ends as we store them. out has room for one byte more than in. */
static size_t mend_ends(struct ends *state, struct span in, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < in.n; i++) {
		char c = in.p[i];

		if (c == '\r') {
			state->cr = true;
			continue;
		}
		if (state->cr && c != '\n')
			out[n++] = '\n';
		state->cr = false;
		state->nul |= c == '\0';
		out[n++] = c;
	}
	return n;
}

static bool read_text(struct imap *s, struct maildir_put *put, uint64_t left, struct ends *ends)
{
	char in[PIECE], out[PIECE + 1];

	while (left) {
		size_t want = left < sizeof in ? (size_t)left : sizeof in;
		ssize_t got = line_bytes(s->reader.line, in, want, clock_in(s->reader.patience_s));

		if (got <= 0)
			return false;
		left -= (uint64_t)got;
		maildir_put_bytes(put, (struct span){ out, mend_ends(ends,
		    (struct span){ in, (size_t)got }, out) });
	}
	if (ends->cr)
		maildir_put_bytes(put, SPAN("\n"));
	return true;
}

/* --- the command --- */

/* We do not want it. A client that does not wait for our "+" sends it all the same. */
static struct reply refuse(struct imap *s, struct reply r)
{
	const struct command *c = s->command;
	const char *why;

	if (c->waits)
		return r;
	if (c->size > s->reader.eat_max)
		return say(REPLY_BYE, "that literal is out of all proportion");
	if (!command_skip(&s->reader, c->size))
		s->over = true;
	else if (command_read_end(&s->reader, &why) == READ_FATAL)
		return say(REPLY_BYE, "%s", why);
	return r;
}

static bool allowed(struct imap *s, const char *folder, struct reply *no)
{
	struct err e;

	if (*folder && !folder_exists(s->root, folder))
		*no = say(REPLY_NO, "[TRYCREATE] no such mailbox");
	else if (s->command->size > s->terms->message_max)
		*no = say(REPLY_NO, "[TOOBIG] a message has at most %llu bytes here",
		    (unsigned long long)s->terms->message_max);
	else if (!s->command->size)
		*no = say(REPLY_NO, "[CANNOT] a message has at least one byte");
	else if (!transfer_room(s, s->command->size, &e))
		*no = say_err(&e);
	else
		return true;
	return false;
}

static bool keyword_bits(struct imap *s, const char *folder, const struct append_head *head,
    uint32_t *bits, struct err *e)
{
	struct mailbox *box;

	*bits = 0;
	if (!head->flags.count)
		return true;
	box = transfer_target(s, folder, e);
	return box && flags_keywords(box, &head->flags, bits, e);
}

/* A folder that was deleted and made again meanwhile is looked for once more. */
static bool learn_uid(struct imap *s, const char *folder, const char *base, uint32_t *uid,
    uint32_t *uidvalidity, struct err *e)
{
	for (int attempt = 0; attempt < 2; attempt++) {
		struct mailbox *box = transfer_target(s, folder, e);

		if (box && mailbox_uid_of(box, base, uid, e)) {
			*uidvalidity = mailbox_uidvalidity(box);
			s->looked = box == s->view.box;
			return true;
		}
		transfer_forget_target(s);
	}
	return false;
}

/* It is on disk. Its UID is a courtesy: without one the answer is OK all the same. */
static struct reply done(struct imap *s, const char *folder, const char *base)
{
	struct reply r = say_done(s);
	uint32_t uid, uidvalidity;
	struct err e;

	if (learn_uid(s, folder, base, &uid, &uidvalidity, &e))
		r.code = arena_printf(s->arena, "[APPENDUID %u %u]", uidvalidity, uid);
	else
		log_warn("%s appended to \"%s\" but has no UID for it yet: %s", s->login, folder,
		    e.text);
	return r;
}

/* Worker: from "+" to the end of the command. False: r says what happened, drop the message. */
static bool receive(struct imap *s, struct maildir_put *put, struct reply *r)
{
	struct ends ends = { 0 };
	const char *why = "";
	enum read_kind kind;

	if (s->command->waits) {
		out_text(s->out, "+ go ahead\r\n");
		out_flush(s->out, clock_in(s->reader.patience_s), NULL);
	}
	*r = say(REPLY_BYE, "the message did not come");
	if (!read_text(s, put, s->command->size, &ends))
		return false;
	kind = command_read_end(&s->reader, &why);
	if (kind == READ_COMMAND && !ends.nul)
		return true;
	if (kind == READ_COMMAND)
		*r = say(REPLY_NO, "[CANNOT] the message has a NUL in it");
	else if (kind == READ_REFUSED)
		*r = say(REPLY_BAD, "%s", why);
	return false;
}

static struct reply store(struct imap *s, const char *folder, const struct append_head *head)
{
	char stem[STEM_ROOM], base[BASE_ROOM], letters[64];
	struct maildir_put *put;
	uint32_t keywords;
	struct reply r;
	uint64_t size;
	struct err e;

	transfer_stem(stem);
	transfer_base(base, stem, 0, s->terms->host_name);
	if (!keyword_bits(s, folder, head, &keywords, &e))
		return refuse(s, say_err(&e));
	put = maildir_put_open(s->root, folder, base, false, &e);
	if (!put)
		return refuse(s, say_err(&e));
	if (!receive(s, put, &r)) {
		maildir_put_drop(put);
		return r;
	}
	size = maildir_put_size(put);
	if (!maildir_put_commit(put, transfer_letters(head->flags.flags, keywords, letters),
	    head->has_date ? head->date.when : 0, &e))
		return say_err(&e);
	quota_add(s->root, (int64_t)size, 1);
	return done(s, folder, base);
}

struct reply do_append(struct imap *s, struct span arg)
{
	struct append_head head;
	const char *folder;
	struct reply no;
	struct err e;

	if (!s->command->message || !parse_head(arg, s->arena, &head))
		return say_syntax(s, "APPEND mailbox [(flags)] [\"date\"] {size}");
	if (!name_to_folder(s, head.name, &folder, &e))
		return refuse(s, say_err(&e));
	if (!allowed(s, folder, &no))
		return refuse(s, no);
	return store(s, folder, &head);
}

/* A message from standard input, made whole and put into the queue. See sendmail.h. */
#include "msa/sendmail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/mail/addr.h"
#include "common/mail/date.h"
#include "common/mail/fix.h"
#include "common/mail/header.h"
#include "common/mail/maillog.h"
#include "common/mail/msgid.h"
#include "common/mail/trace.h"
#include "common/mail/word.h"
#include "common/os/clock.h"
#include "common/os/file.h"
#include "common/smtp/path.h"

enum { MEMORY = 64 << 20, NAME_MAX_BYTES = 256 };

struct letter {
	const struct mailer	*m;
	struct arena		*memory;
	struct envelope		 env;
	size_t			 room;		/* of env.rcpts */
	struct str		 text;		/* as read, in LF */
	struct queue_put	*put;
	char message_id[512]; /* one for all copies; "" where the message has its own */
};

/* --- the text --- */

/*
 * In place: lines end in LF, a CR alone ends one too (bare CR never gets into the queue),
 * no NUL; the mbox line that some programs put first goes. A line with one dot ends it.
 */
static void normalise(struct str *text, bool dots_are_text)
{
	size_t to = 0, line = 0;

	for (size_t i = 0; i < text->n; i++) {
		char c = text->p[i];

		if (c == '\0' || (c == '\r' && i + 1 < text->n && text->p[i + 1] == '\n'))
			continue;
		if (c == '\r')
			c = '\n';
		text->p[to++] = c;
		if (c != '\n')
			continue;
		if (!dots_are_text && to - line == 2 && text->p[line] == '.') {
			to = line;
			break;
		}
		line = to;
	}
	str_cut(text, to);
	if (text->n && text->p[text->n - 1] != '\n')
		str_add_char(text, '\n');
}

static int read_text(struct letter *l)
{
	struct err e;

	l->text = STR(l->m->conf.message_size_limit + 1);
	if (!file_read_all(STDIN_FILENO, &l->text, &e))
		return e.kind == ERR_PERM ? sendmail_fail(EX_DATAERR, "the message is larger than message-size-limit, %llu bytes",
		    (unsigned long long)l->m->conf.message_size_limit) : sendmail_fail_err(&e, EX_IOERR);
	normalise(&l->text, l->m->w.dots_are_text);
	return -1;
}

/* --- who --- */

/* A bare name is somebody of this host. */
static const char *qualify(struct letter *l, struct span address)
{
	if (span_has(address, '@'))
		return arena_text(l->memory, address);
	return arena_printf(l->memory, SPAN_FMT "@%s", SPAN_ARG(address), l->m->conf.host_name);
}

static int add_rcpt(struct letter *l, struct span address)
{
	struct envelope *env = &l->env;
	const char *full = qualify(l, address);

	if (!path_is_address(span_of(full), true))
		return sendmail_fail(EX_DATAERR, "\"" SPAN_FMT "\" is no address", SPAN_ARG(span_to(address, 200)));
	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (span_alike(span_of(env->rcpts[i].address), span_of(full)))
			return -1;
	}
	if (env->rcpt_count >= l->m->conf.recipients_max)
		return sendmail_fail(EX_DATAERR, "more than %llu recipients (recipients-max)",
		    (unsigned long long)l->m->conf.recipients_max);
	if (env->rcpt_count == l->room) {
		l->room = l->room ? l->room * 2 : 16;
		env->rcpts = mem_more(env->rcpts, l->room, sizeof *env->rcpts);
	}
	env->rcpts[env->rcpt_count] = (struct rcpt){ .number = (unsigned)env->rcpt_count, .address = full,
		.notify = l->m->w.notify };
	env->rcpt_count++;
	env->smtputf8 = env->smtputf8 || !span_is_ascii(span_of(full));
	return -1;
}

/* The address of a mailbox; what is none has none. */
static bool print_address(const struct addr *a, struct str *text)
{
	str_reset(text);
	if (a->kind != ADDR_MAILBOX || !a->local.n)
		return false;
	if (a->domain.n)
		addr_print(a->local, a->domain, text);
	else
		str_add(text, a->local);
	return true;
}

static int add_field(struct letter *l, struct span value)
{
	struct str text = STR(PATH_TEXT_MAX + 16);
	struct addrs found;
	int code = -1;

	addr_parse(value, l->memory, &found);
	for (size_t i = 0; i < found.count && code < 0; i++) {
		if (!print_address(&found.list[i], &text))
			continue;
		code = text.over ?
		    sendmail_fail(EX_DATAERR, "an address of the header is too long") :
		    add_rcpt(l, str_span(&text));
	}
	str_free(&text);
	return code;
}

/* A word of the command line. One address as it stands, unless it is written as in a header. */
static int add_name(struct letter *l, const char *word)
{
	return strpbrk(word, "<>(),:;\"") ? add_field(l, span_of(word)) : add_rcpt(l, span_trim(span_of(word)));
}

/* RFC 5322 3.6.6: a message sent on again goes to whom its Resent- fields name. */
static int add_header_rcpts(struct letter *l, const struct header *h)
{
	static const char *const names[2][3] = {
		{ "Resent-To", "Resent-Cc", "Resent-Bcc" }, { "To", "Cc", "Bcc" },
	};
	int code = -1;

	for (int set = 0; set < 2 && !l->env.rcpt_count; set++) {
		for (int i = 0; i < 3; i++) {
			const struct field *f = header_find(h, names[set][i]);

			for (; f && code < 0; f = header_find_after(h, names[set][i], f))
				code = add_field(l, f->value);
		}
	}
	return code;
}

static int find_rcpts(struct letter *l, char **names)
{
	struct header h;
	int code = -1;

	for (; *names && code < 0; names++)
		code = add_name(l, *names);
	if (code < 0 && l->m->w.from_header) {
		header_index(str_span(&l->text), l->memory, &h);
		code = add_header_rcpts(l, &h);
	}
	if (code < 0 && !l->env.rcpt_count)
		return sendmail_fail(EX_USAGE, "nobody to send it to");
	return code;
}

/* "ann", "ann@example.org", "<ann@example.org>", "Ann <ann@example.org>" */
static const char *sender_address(struct letter *l, struct span said)
{
	struct str text = STR(PATH_TEXT_MAX + 16);
	struct addrs found;
	const char *address = NULL;

	addr_parse(said, l->memory, &found);
	for (size_t i = 0; i < found.count && !address; i++) {
		if (print_address(&found.list[i], &text) && !text.over)
			address = qualify(l, str_span(&text));
	}
	str_free(&text);
	return address && path_is_address(span_of(address), true) ? address : NULL;
}

static int find_sender(struct letter *l)
{
	const struct wishes *w = &l->m->w;

	l->env.sender = w->sender && !*w->sender ?
	    "" :
	    sender_address(l, span_of(w->sender ? w->sender : l->m->login));
	if (!l->env.sender)
		return sendmail_fail(EX_DATAERR, "-f \"%s\" is no address", w->sender ? w->sender : l->m->login);
	l->env.login = l->m->login;
	l->env.peer = arena_printf(l->memory, "local %u", (unsigned)getuid());
	l->env.protocol = "local";
	l->env.envid = w->envid ? w->envid : "";
	l->env.ret = w->ret ? w->ret : "";
	l->env.body8bit = !span_is_ascii(str_span(&l->text));
	l->env.smtputf8 = l->env.smtputf8 || !span_is_ascii(span_of(l->env.sender));
	return -1;
}

/* --- into the queue --- */

static void put(void *arg, struct span lf_text)
{
	queue_put_bytes(arg, lf_text);
}

static const char *full_name(const struct letter *l)
{
	if (l->m->w.full_name)
		return l->m->w.full_name;
	if (!l->m->user || !l->m->user->pw_gecos || l->m->w.sender)
		return "";
	return arena_text(l->memory, span_to(span_of(l->m->user->pw_gecos), strcspn(l->m->user->pw_gecos, ",")));
}

static void put_from(struct letter *l)
{
	struct span name = span_to(span_of(full_name(l)), NAME_MAX_BYTES);
	struct str line = STR(4096);
	const char *from = *l->env.sender ? l->env.sender : qualify(l, span_of(l->env.login));

	str_add(&line, SPAN("From: "));
	if (name.n) {
		word_encode_phrase(name, line.n, &line);
		str_addf(&line, " <%s>\n", from);
	} else {
		str_addf(&line, "%s\n", from);
	}
	if (!line.over)
		queue_put_bytes(l->put, str_span(&line));
	str_free(&line);
}

static void put_received(struct letter *l, const char *id, time_t now, int zone)
{
	struct str line = STR(4096);

	trace_received(&(struct trace){ .helo = "", .peer_ip = "", .peer_name = "", .by = l->m->conf.host_name,
	    .protocol = "local", .tls = "", .id = id, .recipient = "", .login = l->env.login, .when = now,
	    .zone = zone }, &line);
	queue_put_bytes(l->put, str_span(&line));
	str_free(&line);
}

/* Its own, where that is one; else the one that is added. */
static void find_message_id(struct letter *l, const struct header *h)
{
	const struct field *f = header_find(h, "Message-ID");
	struct str id = STR(sizeof l->message_id - 1);

	if (f && fix_is_message_id(f->value))
		str_add(&id, span_trim(f->value));
	if (!id.n)
		msgid_new(span_of(l->m->conf.host_name), &id);
	snprintf(l->message_id, sizeof l->message_id, "%s", id.p);
	str_free(&id);
}

static bool put_text(struct letter *l, time_t now, int zone)
{
	struct span text = str_span(&l->text), line;
	struct header h;
	struct fix_with with = { FIX_DATE | FIX_MESSAGE_ID | FIX_RESENT, now, zone, l->message_id,
		"" };
	struct fix fix;

	if (span_starts(text, "From "))		/* mbox; it is no field */
		span_cut(&text, '\n', &line);
	header_index(text, l->memory, &h);
	if (!header_find(&h, "From"))
		put_from(l);
	if (!*l->message_id)
		find_message_id(l, &h);
	fix_init(&fix, (struct sink){ put, l->put }, &with);
	fix_feed(&fix, text);
	return fix_end(&fix);
}

static void tell(const struct letter *l)
{
	const struct envelope *env = &l->env;

	maillog_received(&(struct maillog_received){ .id = env->id, .peer = env->peer, .login = env->login,
	    .protocol = env->protocol, .from = span_of(env->sender), .rcpts = (unsigned)env->rcpt_count,
	    .bytes = env->wire_bytes, .message_id = span_of(l->message_id) });
	if (l->m->w.verbose)
		printf("taken as %s\n", env->id);
}

static int commit(struct letter *l)
{
	time_t now = clock_wall();
	int zone = date_local_zone(now);
	char id[ID_SIZE];
	struct err e;

	queue_new_id(id);
	l->put = queue_put_open(&l->m->station, id, &e);
	if (!l->put)
		return sendmail_fail_err(&e, errno == EACCES ? EX_NOPERM : EX_TEMPFAIL);
	put_received(l, id, now, zone);
	if (!put_text(l, now, zone)) {
		queue_put_drop(l->put);
		return sendmail_fail(EX_DATAERR, "the message's header is too large");
	}
	l->env.arrived = 0;
	if (!queue_put_commit(l->put, &l->env, &e))
		return sendmail_fail_err(&e, EX_TEMPFAIL);
	tell(l);
	return EX_OK;
}

/* list@example.org to bob@example.net is from list+bob=example.net@example.org: who reads a bounce knows whose it is. */
static int commit_each(struct letter *l)
{
	const struct wishes *w = &l->m->w;
	struct rcpt *all = l->env.rcpts;
	struct span domain = span_of(l->env.sender), local;
	size_t n = l->env.rcpt_count;
	int code = EX_OK;

	span_cut(&domain, '@', &local);
	l->env.rcpt_count = 1;
	for (size_t i = 0; i < n && code == EX_OK; i++) {
		struct span there = span_of(all[i].address), who;

		span_cut(&there, '@', &who);
		l->env.rcpts = &all[i];
		l->env.sender = arena_printf(l->memory,
		    SPAN_FMT "%c" SPAN_FMT "%c" SPAN_FMT "@" SPAN_FMT, SPAN_ARG(local), w->verp,
		    SPAN_ARG(who), w->verp_at, SPAN_ARG(there), SPAN_ARG(domain));
		code = path_is_address(span_of(l->env.sender), true) ? commit(l)
		    : sendmail_fail(EX_DATAERR, "-XV makes of %s what is no address: %s", all[i].address, l->env.sender);
	}
	l->env.rcpts = all;
	return code;
}

int letter_send(const struct mailer *m, char **names)
{
	struct letter l = { .m = m, .memory = arena_new(MEMORY, NULL, NULL) };
	int code = *names || m->w.from_header ? read_text(&l) : sendmail_fail(EX_USAGE, "nobody to send it to");

	if (code < 0)
		code = find_rcpts(&l, names);
	if (code < 0)
		code = find_sender(&l);
	if (code < 0)
		code = m->w.verp && *l.env.sender ? commit_each(&l) : commit(&l);
	str_free(&l.text);
	free(l.env.rcpts);
	arena_free(l.memory);
	return code;
}

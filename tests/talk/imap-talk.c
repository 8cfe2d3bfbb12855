/*
 * NAME
 *	imap-talk - play a transcript against IMAP, before and after login
 * SYNOPSIS
 *	imap-talk FILE.talk...
 *	imap-talk -d MAILDIR
 * DESCRIPTION
 *	See play.h for the lines of a transcript. ann is logged in already, by a command with the
 *	tag "in", unless one of these words of "set" says otherwise: plain (before login, no
 *	TLS yet), tls (before login, behind TLS), notls (before login, no TLS to be had), clear
 *	(before login, passwords without TLS). Others: all (every mechanism, see judge.h), size=N, idle=N, greet=N, errors=N. ann's
 *	password is "a secret"; bob's can not be checked now; cut's session can not be started.
 *	STARTTLS succeeds without any TLS, so that a transcript can go on.
 *
 *	With -d it serves one client on descriptors 0 and 1, as clients with a "tunnel" like it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/mail/charset.h"
#include "common/os/fd.h"
#include "imapd/imap.h"
#include "imapd/login.h"
#include "tests/talk/judge.h"
#include "tests/talk/play.h"

enum { ALARM_S = 60 };

struct scene {
	bool			before, tls, notls, clear, all;
	int			greet_s;
	struct imap_terms	terms;
	struct judge		judge;
	char			tag[64];
	struct str		input;		/* what the login had read already */
};

/* --- login --- */

static bool start_tls(void *arg, struct out *reply, struct err *e)
{
	(void)arg;
	return out_flush(reply, clock_in(10), e);
}

static bool hand_over(void *arg, struct span tag, struct span input, struct err *e)
{
	struct scene *s = arg;

	if (strcmp(s->judge.user, "cut") == 0)
		return err_temp(e, "4.3.2", "enough sessions at once");
	str_add(&s->input, input);
	return span_copy(tag, s->tag, sizeof s->tag);
}

static bool let_in(struct scene *s, struct stream *stream)
{
	struct login l = {
		.stream = stream, .host_name = s->terms.host_name, .until = clock_in(s->greet_s),
		.patience_s = s->greet_s, .errors_max = s->terms.errors_max, .tls = s->tls,
		.offer_tls = !s->notls, .clear_ok = s->clear,
		.self = s, .judge = judge_of(&s->judge), .offer = &s->judge.offer, .start_tls = start_tls, .hand_over = hand_over,
	};

	judge_init(&s->judge, "a secret", s->all);
	return login_serve(&l);
}

/* --- session --- */

static void serve_session(struct stream *stream, int poll_fd, int root, struct scene *s)
{
	struct imap session = { .terms = &s->terms, .poll_fd = poll_fd, .root = root, .login = "ann" };

	charset_preload();
	session.out = out_new(stream);
	session.reader.line = line_new(stream, READ_LINE);
	line_push(session.reader.line, str_span(&s->input));
	if (!*s->tag)
		out_text(session.out, "* PREAUTH ready\r\n");
	imap_serve(&session, s->tag);
	line_free(session.reader.line);
	out_free(session.out);
}

static void serve(struct play *p, struct stream *stream, int fd)
{
	struct scene *s = p->self;

	if (!s->before || let_in(s, stream))
		serve_session(stream, fd, p->root, s);
}

static bool set(struct play *p, struct span word, uint64_t n)
{
	struct scene *s = p->self;

	if (span_is(word, "all")) {
		s->all = true;
		return true;
	}
	if (span_is(word, "plain") || span_is(word, "tls") || span_is(word, "notls") ||
	    span_is(word, "clear")) {
		s->before = true;
		s->tls = span_is(word, "tls");
		s->notls = span_is(word, "notls");
		s->clear = span_is(word, "clear");
	} else if (span_is(word, "size")) {
		s->terms.message_max = n;
	} else if (span_is(word, "idle")) {
		s->terms.idle_timeout_s = (int)n;
	} else if (span_is(word, "greet")) {
		s->greet_s = (int)n;
	} else if (span_is(word, "errors")) {
		s->terms.errors_max = (unsigned)n;
	} else {
		return false;
	}
	return true;
}

static struct scene new_scene(void)
{
	return (struct scene){
		.greet_s = 20, .tag = "in", .input = STR(1 << 20),
		.terms = {
			.host_name = "mail.example.org", .message_max = 100000, .idle_timeout_s = 20,
			.command_timeout_s = 20, .errors_max = 50, .search_cpu_s = 10,
		},
	};
}

/* --- for clients that others wrote --- */

static ssize_t read_0(struct stream *s, void *buf, size_t n, ms_t until)
{
	(void)s;
	if (!fd_wait_read(0, until)) {
		errno = ETIMEDOUT;
		return -1;
	}
	return read(0, buf, n);
}

static bool write_1(struct stream *s, struct span bytes, ms_t until, struct err *e)
{
	(void)s;
	(void)until;
	while (bytes.n) {
		ssize_t n = write(1, bytes.p, bytes.n);

		if (n <= 0)
			return err_sys(e, "cannot write");
		bytes = span_from(bytes, (size_t)n);
	}
	return true;
}

static int serve_tunnel(const char *path)
{
	struct stream stream = { read_0, write_1 };
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct scene s = new_scene();
	struct err e;

	if (root < 0 || !maildir_make(root, "", &e)) {
		fprintf(stderr, "%s: no Maildir\n", path);
		return 1;
	}
	s.tag[0] = '\0';
	s.terms.message_max = 50 << 20;
	s.terms.idle_timeout_s = 1800;
	serve_session(&stream, 0, root, &s);
	close(root);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	umask(0077);
	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "-d") == 0)
		return serve_tunnel(argv[2]);
	for (int i = 1; i < argc; i++) {
		struct scene s = new_scene();
		struct play p = { .self = &s, .serve = serve, .set = set };

		alarm(ALARM_S);
		failed += !play_file(&p, argv[i]);
	}
	return failed ? 1 : 0;
}

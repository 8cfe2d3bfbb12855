/*
 * NAME
 *	imap-talk - play a transcript against an IMAP session
 * SYNOPSIS
 *	imap-talk FILE.talk...
 *	imap-talk -d MAILDIR
 * DESCRIPTION
 *	The session runs in a child on one end of a socketpair, logged in already, over a
 *	fresh Maildir. A line of a transcript is
 *
 *	> text		sent, with CRLF behind it
 *	! text		sent as it is; \r \n \0 \\ are bytes
 *	= N text	sent N times, without line ends
 *	< line		must be the next line that comes back; % stands for anything
 *	<+ line		must come back, after any number of other lines
 *	<EOF		the session must hang up now
 *	file PATH	written into the Maildir now, the text being the
 *	| text		lines that follow it
 *	link OLD NEW	another name for a file; % in names is as above
 *	remove PATH	any of these are what other programs do to a Maildir
 *	set WORD=N	before the first of the others: size, idle, errors
 *	# text		for the reader, as is an empty line
 *
 *	With -d it serves one client on descriptors 0 and 1, as clients with a "tunnel" like it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/mail/charset.h"
#include "common/os/fd.h"
#include "imapd/imap.h"

enum { LINE = 65536, TEXT_MAX = 4 << 20, ALARM_S = 60 };

struct scene {
	char			dir[64];	/* of the Maildir */
	int			root, client, file;
	pid_t			session;
	struct imap_terms	terms;
};

/* --- the session's side --- */

static void serve(struct stream *stream, int poll_fd, int root, const struct imap_terms *terms, const char *tag)
{
	struct imap s = { .terms = terms, .poll_fd = poll_fd, .root = root, .login = "ann@example.org" };

	charset_preload();
	s.out = out_new(stream);
	s.reader.line = line_new(stream, READ_LINE);
	if (!*tag)
		out_text(s.out, "* PREAUTH ready\r\n");
	imap_serve(&s, tag);
	line_free(s.reader.line);
	out_free(s.out);
}

static bool start(struct scene *s)
{
	struct fd_stream stream;
	int pair[2];

	if (s->session)
		return true;
	if (!fd_stream_pair(pair, NULL))
		return false;
	fflush(NULL);
	s->session = fork();
	if (s->session == 0) {
		close(pair[1]);
		fd_stream_init(&stream, pair[0]);
		serve(&stream.stream, pair[0], s->root, &s->terms, "in");
		_exit(0);		/* not exit(): that would move our place in the script */
	}
	close(pair[0]);
	s->client = pair[1];
	return s->session > 0;
}

/* --- the Maildir --- */

static bool make_maildir(struct scene *s)
{
	struct err e;

	snprintf(s->dir, sizeof s->dir, "/tmp/imap-talk.XXXXXX");
	if (!mkdtemp(s->dir))
		return false;
	s->root = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return s->root >= 0 && maildir_make(s->root, "", &e);
}

/* Only what mkdtemp() made. */
static void remove_tree(int dir, const char *name)
{
	int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *x;

	while (d && (x = readdir(d))) {
		if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, x->d_name, 0) < 0)
			remove_tree(fd, x->d_name);
	}
	if (d)
		closedir(d);
	unlinkat(dir, name, AT_REMOVEDIR);
}

/* "*" stands for itself, "%" for anything: so that IMAP's own lines can be written as they are. */
static bool fits(struct span want, struct span got)
{
	size_t w = 0, g = 0, star = SIZE_MAX, star_g = 0;

	while (g < got.n || w < want.n) {
		if (w < want.n && want.p[w] == '%') {
			star = ++w;
			star_g = g;
		} else if (w < want.n && g < got.n && want.p[w] == got.p[g]) {
			w++;
			g++;
		} else if (star != SIZE_MAX && star_g < got.n) {
			g = ++star_g;
			w = star;
		} else {
			return false;
		}
	}
	return true;
}

/* PATH whose last part may have "%": the first name that fits. */
static bool find_file(const struct scene *s, struct span path, char found[512])
{
	ptrdiff_t slash = span_rfind(path, '/');
	struct span head = span_to(path, (size_t)(slash + 1)), tail = span_from(path, head.n);
	char dir[512];
	struct dirent *x;
	DIR *d;

	snprintf(dir, sizeof dir, "%s/" SPAN_FMT, s->dir, SPAN_ARG(head));
	d = opendir(dir);
	while (d && (x = readdir(d))) {
		if (!fits(tail, span_of(x->d_name)))
			continue;
		snprintf(found, 512, SPAN_FMT "%s", SPAN_ARG(head), x->d_name);
		closedir(d);
		return true;
	}
	if (d)
		closedir(d);
	return false;
}

static bool do_file(struct scene *s, struct span path)
{
	char name[512];

	fd_close(&s->file);
	if (!span_copy(path, name, sizeof name))
		return false;
	s->file = openat(s->root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return s->file >= 0;
}

static bool do_text(struct scene *s, struct span text)
{
	return write(s->file, text.p, text.n) == (ssize_t)text.n && write(s->file, "\n", 1) == 1;
}

static bool do_link(struct scene *s, struct span names)
{
	char from[512], to[512];
	struct span old;

	return span_cut(&names, ' ', &old) && find_file(s, old, from) && span_copy(names, to, sizeof to) &&
	    linkat(s->root, from, s->root, to, 0) == 0;
}

static bool do_remove(struct scene *s, struct span path)
{
	char name[512];

	return find_file(s, path, name) && unlinkat(s->root, name, 0) == 0;
}

static bool do_set(struct scene *s, struct span word)
{
	struct span name;
	uint64_t n;

	if (s->session || !span_cut(&word, '=', &name) || !span_u64(word, UINT32_MAX, &n))
		return false;
	if (span_is(name, "size"))
		s->terms.message_max = n;
	else if (span_is(name, "idle"))
		s->terms.idle_timeout_s = (int)n;
	else if (span_is(name, "errors"))
		s->terms.errors_max = (unsigned)n;
	else
		return false;
	return true;
}

/* --- the client's side --- */

static void send_all(struct scene *s, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = send(s->client, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return;		/* it hung up: what comes next will tell */
		bytes = span_from(bytes, (size_t)n);
	}
}

static void send_escaped(struct scene *s, struct span text)
{
	struct str out = STR(LINE);

	while (text.n) {
		char c = *span_take(&text, 1).p;

		if (c == '\\' && text.n) {
			c = *span_take(&text, 1).p;
			c = c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c;
		}
		str_add_char(&out, c);
	}
	send_all(s, str_span(&out));
	str_free(&out);
}

static bool send_often(struct scene *s, struct span arg)
{
	struct str out = STR(TEXT_MAX);
	uint64_t n;

	if (!span_eat_u64(&arg, 1000000, &n) || !span_eat_char(&arg, ' '))
		return false;
	while (n--)
		str_add(&out, arg);
	send_all(s, str_span(&out));
	str_free(&out);
	return true;
}

/* One line that came back, without CRLF; a lonely LF would show as part of it. */
static bool receive(struct scene *s, char *line)
{
	size_t n = 0;

	while (n + 1 < LINE && read(s->client, line + n, 1) == 1) {
		n++;
		if (n >= 2 && line[n - 2] == '\r' && line[n - 1] == '\n') {
			line[n - 2] = '\0';
			return true;
		}
	}
	snprintf(line + n, LINE - n, "(end of connection)");
	return false;
}

static bool expect(struct scene *s, struct span want, char *got)
{
	bool skip = span_eat_char(&want, '+');

	if (span_is(want, "EOF"))
		return !receive(s, got) && strcmp(got, "(end of connection)") == 0;
	span_eat_char(&want, ' ');
	do {
		if (!receive(s, got))
			return false;
		if (fits(want, span_of(got)))
			return true;
	} while (skip);
	return false;
}

static bool talk(struct scene *s, struct span line, char *got)
{
	char first = *span_take(&line, 1).p;

	if (!start(s))
		return false;
	if (first == '<')
		return expect(s, line, got);
	span_eat_char(&line, ' ');
	if (first == '=')
		return send_often(s, line);
	if (first == '!') {
		send_escaped(s, line);
		return true;
	}
	send_all(s, line);
	send_all(s, SPAN("\r\n"));
	return first == '>';
}

static bool step(struct scene *s, struct span line, char *got)
{
	static const struct { const char *word; bool (*run)(struct scene *s, struct span arg); } words[] = {
		{ "set ", do_set }, { "file ", do_file }, { "| ", do_text }, { "|", do_text },
		{ "link ", do_link }, { "remove ", do_remove },
	};

	snprintf(got, LINE, "trouble: %s", strerror(errno));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (span_eat(&line, words[i].word))
			return words[i].run(s, line);
	}
	return talk(s, line, got);
}

static bool play(struct scene *s, FILE *script, const char *name)
{
	static char line[LINE], got[LINE];

	for (int n = 1; fgets(line, sizeof line, script); n++) {
		struct span text = { line, strcspn(line, "\n") };

		line[text.n] = '\0';
		if (!text.n || line[0] == '#')
			continue;
		if (!step(s, text, got)) {
			printf("%s:%d: wanted %s\n%s:%d: got      %s\n", name, n, line, name, n, got);
			return false;
		}
	}
	return true;
}

/* The session must have ended in peace. */
static bool end_session(struct scene *s, const char *name)
{
	int status = 0;

	fd_close(&s->client);
	if (s->session <= 0 || waitpid(s->session, &status, 0) < 0 || status == 0)
		return true;
	printf("%s: the session died with status %#x\n", name, (unsigned)status);
	return false;
}

static bool play_file(const char *path)
{
	struct scene s = {
		.root = -1, .client = -1, .file = -1,
		.terms = {
			.host_name = "mail.example.org", .message_max = 100000, .idle_timeout_s = 20,
			.command_timeout_s = 20, .errors_max = 50, .search_cpu_s = 10,
		},
	};
	FILE *script = fopen(path, "r");
	bool ok;

	if (!script || !make_maildir(&s)) {
		printf("%s: cannot begin: %s\n", path, strerror(errno));
		return false;
	}
	ok = play(&s, script, path);
	fclose(script);
	ok = end_session(&s, path) && ok;
	fd_close(&s.file);
	fd_close(&s.root);
	remove_tree(AT_FDCWD, s.dir);
	return ok;
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
	static const struct imap_terms terms = {
		.host_name = "mail.example.org", .message_max = 50 << 20, .idle_timeout_s = 1800,
		.command_timeout_s = 300, .errors_max = 50, .search_cpu_s = 60,
	};
	struct stream stream = { read_0, write_1 };
	int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err e;

	if (root < 0 || !maildir_make(root, "", &e)) {
		fprintf(stderr, "%s: no Maildir\n", path);
		return 1;
	}
	serve(&stream, 0, root, &terms, "");
	close(root);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = 0;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 3 && strcmp(argv[1], "-d") == 0)
		return serve_tunnel(argv[2]);
	for (int i = 1; i < argc; i++) {
		alarm(ALARM_S);
		failed += !play_file(argv[i]);
	}
	return failed ? 1 : 0;
}

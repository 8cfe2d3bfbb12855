/* Transcripts. See play.h. */
#include "tests/talk/play.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/str.h"
#include "common/os/fd.h"
#include "common/store/maildir.h"

enum { LINE = 65536, TEXT_MAX = 4 << 20 };

/* --- the session's side --- */

static bool start(struct play *p)
{
	struct fd_stream stream;
	int pair[2];

	if (p->session)
		return true;
	if (!fd_stream_pair(pair, NULL))
		return false;
	fflush(NULL);
	p->session = fork();
	if (p->session == 0) {
		close(pair[1]);
		fd_stream_init(&stream, pair[0]);
		p->serve(p, &stream.stream, pair[0]);
		_exit(0);		/* not exit(): that would move our place in the script */
	}
	close(pair[0]);
	p->client = pair[1];
	return p->session > 0;
}

/* The session must have ended in peace. */
static bool end_session(struct play *p)
{
	int status = 0;

	fd_close(&p->client);
	if (p->session > 0 && waitpid(p->session, &status, 0) >= 0 && status != 0) {
		printf("%s: the session died with status %#x\n", p->dir, (unsigned)status);
		return false;
	}
	p->session = 0;
	return true;
}

/* --- the Maildir --- */

static bool make_maildir(struct play *p)
{
	struct err e;

	snprintf(p->dir, sizeof p->dir, "/tmp/talk.XXXXXX");
	if (!mkdtemp(p->dir))
		return false;
	p->root = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return p->root >= 0 && maildir_make(p->root, "", &e);
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
static bool find_file(const struct play *p, struct span path, char found[512])
{
	ptrdiff_t slash = span_rfind(path, '/');
	struct span head = span_to(path, (size_t)(slash + 1)), tail = span_from(path, head.n);
	char dir[512];
	struct dirent *x;
	bool there = false;
	DIR *d;

	snprintf(dir, sizeof dir, "%s/" SPAN_FMT, p->dir, SPAN_ARG(head));
	d = opendir(dir);
	while (d && !there && (x = readdir(d))) {
		there = x->d_name[0] != '.' && fits(tail, span_of(x->d_name));
		if (there)
			snprintf(found, 512, SPAN_FMT "%s", SPAN_ARG(head), x->d_name);
	}
	if (d)
		closedir(d);
	return there;
}

static bool do_file(struct play *p, struct span path)
{
	char name[512];

	fd_close(&p->file);
	if (!span_copy(path, name, sizeof name))
		return false;
	p->file = openat(p->root, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	return p->file >= 0;
}

static bool do_text(struct play *p, struct span text)
{
	return write(p->file, text.p, text.n) == (ssize_t)text.n && write(p->file, "\n", 1) == 1;
}

static bool do_remove(struct play *p, struct span path)
{
	char name[512];

	return find_file(p, path, name) && unlinkat(p->root, name, 0) == 0;
}

static bool do_exists(struct play *p, struct span path)
{
	char name[512];

	return find_file(p, path, name);
}

static bool do_missing(struct play *p, struct span path)
{
	return !do_exists(p, path);
}

static bool do_again(struct play *p, struct span nothing)
{
	(void)nothing;
	return end_session(p);
}

static bool do_set(struct play *p, struct span arg)
{
	struct span word = arg;
	uint64_t n = 0;

	if (p->session || (span_cut(&arg, '=', &word) && !span_u64(arg, UINT32_MAX, &n)))
		return false;
	return p->set(p, word, n);
}

/* --- the client's side --- */

static void send_all(struct play *p, struct span bytes)
{
	while (bytes.n) {
		ssize_t n = send(p->client, bytes.p, bytes.n, MSG_NOSIGNAL);

		if (n <= 0)
			return;		/* it hung up: what comes next will tell */
		bytes = span_from(bytes, (size_t)n);
	}
}

static void send_escaped(struct play *p, struct span text)
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
	send_all(p, str_span(&out));
	str_free(&out);
}

static bool send_often(struct play *p, struct span arg)
{
	struct str out = STR(TEXT_MAX);
	uint64_t n;

	if (!span_eat_u64(&arg, 1000000, &n) || !span_eat_char(&arg, ' '))
		return false;
	while (n--)
		str_add(&out, arg);
	send_all(p, str_span(&out));
	str_free(&out);
	return true;
}

/* One line that came back, without CRLF; a lonely LF would show as part of it. */
static bool receive(struct play *p, char *line)
{
	size_t n = 0;

	while (n + 1 < LINE && read(p->client, line + n, 1) == 1) {
		n++;
		if (n >= 2 && line[n - 2] == '\r' && line[n - 1] == '\n') {
			line[n - 2] = '\0';
			return true;
		}
	}
	snprintf(line + n, LINE - n, "(end of connection)");
	return false;
}

static bool expect(struct play *p, struct span want, char *got)
{
	bool skip = span_eat_char(&want, '+');

	if (span_is(want, "EOF"))
		return !receive(p, got) && strcmp(got, "(end of connection)") == 0;
	span_eat_char(&want, ' ');
	do {
		if (!receive(p, got))
			return false;
		if (fits(want, span_of(got)))
			return true;
	} while (skip);
	return false;
}

static bool talk(struct play *p, struct span line, char *got)
{
	char first = *span_take(&line, 1).p;

	if (!start(p))
		return false;
	if (first == '<')
		return expect(p, line, got);
	span_eat_char(&line, ' ');
	if (first == '=')
		return send_often(p, line);
	if (first == '!') {
		send_escaped(p, line);
		return true;
	}
	send_all(p, line);
	send_all(p, SPAN("\r\n"));
	return first == '>';
}

static bool step(struct play *p, struct span line, char *got)
{
	static const struct { const char *word; bool (*run)(struct play *p, struct span arg); } words[] = {
		{ "set ", do_set }, { "file ", do_file }, { "| ", do_text }, { "|", do_text },
		{ "remove ", do_remove }, { "exists ", do_exists }, { "missing ", do_missing }, { "again", do_again },
	};

	snprintf(got, LINE, "otherwise (%s)", strerror(errno));
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (span_eat(&line, words[i].word))
			return words[i].run(p, line);
	}
	return talk(p, line, got);
}

static bool play(struct play *p, FILE *script, const char *name)
{
	static char line[LINE], got[LINE];

	for (int n = 1; fgets(line, sizeof line, script); n++) {
		struct span text = { line, strcspn(line, "\n") };

		line[text.n] = '\0';
		if (!text.n || line[0] == '#')
			continue;
		if (!step(p, text, got)) {
			printf("%s:%d: wanted %s\n%s:%d: got      %s\n", name, n, line, name, n, got);
			return false;
		}
	}
	return true;
}

bool play_file(struct play *p, const char *path)
{
	FILE *script = fopen(path, "r");
	bool ok;

	p->root = p->client = p->file = -1;
	p->session = 0;
	if (!script || !make_maildir(p)) {
		printf("%s: cannot begin: %s\n", path, strerror(errno));
		return false;
	}
	ok = play(p, script, path);
	fclose(script);
	ok = end_session(p) && ok;
	fd_close(&p->file);
	fd_close(&p->root);
	remove_tree(AT_FDCWD, p->dir);
	return ok;
}

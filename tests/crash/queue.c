/* Power cuts before every system call that puts, moves, shares and rewrites a message. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/crc.h"
#include "common/os/file.h"
#include "common/queue/bounce.h"
#include "common/queue/made.h"
#include "tests/crash/disk.h"

static char root[64], id[ID_SIZE];
static int queue;
static struct station in, local, out, hold, own;
static struct arena *memory;
static size_t lines;

static void die(const char *what)
{
	printf("%s\n", what);
	exit(2);
}

static struct rcpt rcpts[] = { { .number = 0, .address = "bob@b.test" },
	{ .number = 1, .address = "c@d.test" } };

static bool put(struct err *e)
{
	struct envelope env = { .sender = "ann@a.test", .rcpts = rcpts, .rcpt_count = 2 };
	struct queue_put *q = queue_put_open(&in, id, e);

	for (size_t i = 0; q && i < lines; i++)
		queue_put_bytes(q, SPAN("all work and no play makes a dull message, and a long one too\n"));
	return q && queue_put_commit(q, &env, e);
}

/* As put(), but another beginning is put before the commit. */
static bool put_anew(struct err *e)
{
	struct envelope env = { .sender = "ann@a.test", .rcpts = rcpts, .rcpt_count = 2 };
	struct queue_put *q = queue_put_open(&in, id, e);

	for (size_t i = 0; q && i < lines; i++)
		queue_put_bytes(q, SPAN("all work and no play makes a dull message, and a long one too\n"));
	return q && queue_put_replace(q, 100, SPAN("a signature that was made at the end\n"), e)
	    && queue_put_commit(q, &env, e);
}

/* --- looking at what is left --- */

struct seen { const struct station *st; int whole, half; unsigned rcpts; /* a bit for each number */ };

static bool text_is_whole(const struct station *st, const struct envelope *env)
{
	struct str text = STR(10 << 20);
	int fd = queue_open_text(st, env->id, NULL);
	bool ok = fd >= 0 && file_read_all(fd, &text, NULL) && text.n == env->text_bytes
	    && crc32c(0, str_span(&text)) == env->text_crc;

	if (fd >= 0)
		close(fd);
	str_free(&text);
	return ok;
}

static bool see_one(void *arg, const char *found)
{
	struct seen *s = arg;
	struct envelope env;

	if (queue_read_envelope(s->st, found, memory, &env, NULL) && text_is_whole(s->st, &env))
		s->whole++;
	else
		s->half++, env.rcpt_count = 0;
	for (size_t i = 0; i < env.rcpt_count; i++)
		s->rcpts |= 1u << env.rcpts[i].number;
	arena_reset(memory);
	return true;
}

static struct seen see(const char *after, const char *name)
{
	struct err e;
	int q = queue_open(after, &e);
	struct station st;
	struct seen s = { .st = &st };

	if (q < 0 || !station_open(q, name, &st, &e) || !queue_each(&st, see_one, &s, &e))
		die(e.text);
	station_close(&st);
	close(q);
	return s;
}

/* --- the promises --- */

static bool whole_or_nothing(void *arg, const char *after, bool over)
{
	struct seen s = see(after, "in/sub");

	(void)arg;
	return !s.half && (!over || s.whole == 1);
}

static bool in_one_at_least(void *arg, const char *after, bool over)
{
	struct seen from = see(after, "in/sub"), to = see(after, "local");

	(void)arg;
	return !from.half && !to.half && from.whole + to.whole >= 1 &&
	    (!over || from.whole + to.whole == 1 || from.whole == 1);
}

/* Nobody is lost, and nobody is in local/ who is in in/ too. */
static bool in_both_or_in_the_first(void *arg, const char *after, bool over)
{
	struct seen from = see(after, "in/sub"), one = see(after, "local"), two = see(after, "out");

	(void)arg;
	(void)over;
	return !from.half && !one.half && !two.half && (from.rcpts | one.rcpts | two.rcpts) == 3 &&
	    !(from.rcpts & one.rcpts);
}

static bool old_or_new(void *arg, const char *after, bool over)
{
	struct seen s = see(after, "in/sub");

	(void)arg;
	(void)over;
	return !s.half && s.whole == 1;
}

static bool nobody_is_lost(void *arg, const char *after, bool over)
{
	struct seen one = see(after, "local"), two = see(after, "out"), both = see(after, "hold");

	(void)arg;
	(void)over;
	return !one.half && !two.half && !both.half && (one.rcpts | two.rcpts | both.rcpts) == 3;
}

/*
 * What a new pick does after the cut: it looks at the mark, and makes the forward where it was not made. So in the end
 * there is one; and of a try that was not finished no mark is left.
 */
static bool one_forward(void *arg, const char *after, bool over)
{
	struct seen from = see(after, "local"), to = see(after, "in/own");
	int q = queue_open(after, NULL), made;
	struct station st, there;
	char name[MADE_NAME];
	bool is_made, ok;
	struct err e;

	(void)arg;
	if (q < 0 || !station_open(q, "local", &st, NULL) || !station_open(q, "in/own", &there, NULL))
		die(after);
	made = made_open(&st, NULL);
	made_name(id, 0, "forward", name);
	ok = !from.half && !to.half && made_look(made, name, &there, &is_made, &e) &&
	    (from.whole ? is_made == (to.whole == 1) : to.whole == 1) && (!over || to.whole == 1) &&
	    (is_made || faccessat(made, name, F_OK, 0) < 0);
	arena_reset(memory);
	close(made);
	station_close(&st);
	station_close(&there);
	close(q);
	return ok;
}

/* Tell the sender that all failed whom he has not heard of yet. */
static bool tell(const struct station *st, const struct bounce *b, struct envelope *env, struct err *e)
{
	int text = queue_open_text(st, id, e);
	bool nobody, ok;

	for (size_t i = 0; i < env->rcpt_count; i++) {
		if (env->rcpts[i].state == RCPT_WAITING)
			env->rcpts[i].state = RCPT_FAILED;
	}
	ok = text >= 0 && bounce_failed(b, env, text, 1800000000, &nobody, e);
	if (text >= 0)
		close(text);
	return ok;
}

/* A new pick finds the same failures again, and tells of them: in the end there is one report. */
static bool one_report(void *arg, const char *after, bool over)
{
	struct seen from = see(after, "local"), to;
	int q = queue_open(after, NULL);
	struct station st, there;
	struct bounce b = { .own = &there, .our_name = "mx.a.test", .postmaster = "root" };
	struct envelope env;
	bool ok;
	struct err e;

	(void)arg;
	(void)over;
	if (q < 0 || !station_open(q, "local", &st, NULL) || !station_open(q, "in/own", &there, NULL))
		die(after);
	b.made = made_open(&st, NULL);
	ok = !from.half;
	if (from.whole)
		ok = ok && queue_read_envelope(&st, id, memory, &env, &e) && tell(&st, &b, &env, &e);
	to = see(after, "in/own");
	close(b.made);
	station_close(&st);
	station_close(&there);
	close(q);
	return ok && !to.half && to.whole == 1;
}

/* --- what is done to the disk --- */

static bool do_put(struct err *e)
{
	return put(e);
}

static bool do_move(struct err *e)
{
	return queue_move(&in, &local, id, e);
}

static bool do_split(struct err *e)
{
	struct envelope env;

	if (!queue_read_envelope(&in, id, memory, &env, e))
		return false;
	env.rcpt_count = 1;
	if (!queue_link(&in, &out, id, &env, e))
		return false;
	env.rcpts++;
	return queue_write_envelope(&in, &env, e) && queue_move(&in, &local, id, e);
}

static bool do_gather(struct err *e)
{
	return queue_gather(&local, &hold, id, e) && queue_gather(&out, &hold, id, e);
}

static bool do_forward(struct err *e)
{
	struct envelope env = { .sender = "ann@a.test", .rcpts = rcpts, .rcpt_count = 1 };
	char name[MADE_NAME], new_id[ID_SIZE];
	int made = made_open(&local, e);
	struct queue_put *q;
	bool ok;

	queue_new_id(new_id);
	made_name(id, 0, "forward", name);
	q = queue_put_open(&own, new_id, e);
	queue_put_bytes(q, SPAN("all work and no play\n"));
	queue_put_mark(q, made, name);
	ok = queue_put_commit(q, &env, e);
	close(made);
	return ok;
}

static bool do_forward_to_the_end(struct err *e)
{
	bool ok = do_forward(e) && queue_remove(&local, id, e);
	int made = made_open(&local, e);
	char name[MADE_NAME];

	made_name(id, 0, "forward", name);
	made_noted(made, name);
	close(made);
	return ok;
}

/* To the end: with a last recipient, or one that waits still. */
static bool do_report(struct err *e)
{
	struct bounce b = { .own = &own, .our_name = "mx.a.test", .postmaster = "root", .made = made_open(&local, e) };
	struct envelope env;
	bool ok = queue_read_envelope(&local, id, memory, &env, e) && tell(&local, &b, &env, e) &&
	    queue_remove(&local, id, e);

	bounce_noted(&b, &env);
	close(b.made);
	return ok;
}

static bool do_rewrite(struct err *e)
{
	struct envelope env;

	if (!queue_read_envelope(&in, id, memory, &env, e))
		return false;
	env.rcpts[0].state = RCPT_DONE;
	env.rcpts[1].next = 1800000000;
	return queue_write_envelope(&in, &env, e);
}

static const struct test {
	const char	*name;
	int		 before;	/* 1: the message is there, 2: on two ways, 3: local */
	bool		(*run)(struct err *e);
	bool		(*check)(void *arg, const char *after, bool over);
	size_t		 lines;
	int		 spare;		/* a flush that could go; -1 */
} tests[] = {
	{ "put",	0,	do_put,		whole_or_nothing,	10, -1 },
	{ "put large",	0,	do_put,		whole_or_nothing,	5000, -1 },
	{ "put anew",	0,	put_anew,	whole_or_nothing,	10, -1 },
	{ "put large anew", 0, put_anew,	whole_or_nothing,	5000, -1 },
	{ "move",	1,	do_move,	in_one_at_least,	10, -1 },
	{ "split",	1,	do_split,	in_both_or_in_the_first, 10, -1 },
	{ "gather",	2,	do_gather,	nobody_is_lost,		10, -1 },
	{ "rewrite",	1,	do_rewrite,	old_or_new,		10, -1 },
	{ "forward",	3,	do_forward,	one_forward,		10, -1 },
	/* that of the directory: what it was made of does not go before it */
	{ "forward to the end", 3, do_forward_to_the_end, one_forward, 10, 2 },
	{ "report",	3,	do_report,	one_report,	10, 2 },
};

static void set_up(const struct test *t)
{
	struct err e;

	/* Memory will do, and is quick: the disk is one that we make up. */
	snprintf(root, sizeof root, "%s/crash-queue.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(root) || !queue_make(root, &e))
		die(root);
	queue = queue_open(root, &e);
	if (!station_open(queue, "in/sub", &in, &e) || !station_open(queue, "local", &local, &e)
	    || !station_open(queue, "out", &out, &e) || !station_open(queue, "hold", &hold, &e)
	    || !station_open(queue, "in/own", &own, &e))
		die(e.text);
	lines = t->lines;
	queue_new_id(id);
	if ((t->before > 0 && !put(&e)) || (t->before == 2 && !do_split(&e)) || (t->before == 3 && !do_move(&e)))
		die(e.text);
}

static void tear_down(void)
{
	station_close(&in);
	station_close(&local);
	station_close(&out);
	station_close(&hold);
	station_close(&own);
	close(queue);
	disk_remove(root);
	arena_reset(memory);
}

/* How many states are bad when the n-th flush is a lie? */
static int run(const struct test *t, int skip, int *flushes)
{
	struct err e;
	int bad;

	set_up(t);
	disk_skip_flush(skip);
	disk_begin(root);
	if (!t->run(&e))
		die(e.text);
	disk_end();
	*flushes = disk_flushes();
	bad = disk_cuts(t->check, NULL);
	tear_down();
	return bad;
}

static int try(const struct test *t)
{
	int flushes, ignored, bad = run(t, -1, &flushes), failed = bad > 0;
	size_t calls = disk_calls();

	printf("%s: %zu calls, %d flushes, %d bad states\n", t->name, calls, flushes, bad);
	for (int i = 0; i < flushes; i++) {
		if (run(t, i, &ignored) > 0 || i == t->spare)
			continue;
		printf("%s: flush %d could go, the promise holds without it\n", t->name, i);
		failed = 1;
	}
	return failed;
}

/* The last flush fails when it has its name already: whoever takes it must not be given it twice. */
static int try_late_trouble(void)
{
	char name[MADE_NAME];
	bool is_made = false;
	struct err e;
	int made;

	set_up(&(struct test){ .before = 3, .lines = 1 });
	made = made_open(&local, &e);
	made_name(id, 0, "forward", name);
	disk_fail_flush(2);
	disk_begin(root);
	if (do_forward(&e))
		die("a flush that fails was not met");
	disk_end();
	if (!made_look(made, name, &own, &is_made, &e) || !is_made)
		printf("it was made, and the mark does not say so\n");
	close(made);
	tear_down();
	return !is_made;
}

int main(void)
{
	int failed;

	memory = arena_new(1 << 24, NULL, NULL);
	if (!freopen("/dev/null", "w", stderr))		/* hundreds of reports */
		die("/dev/null");
	failed = try_late_trouble();
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		failed += try(&tests[i]);
	return failed != 0;
}

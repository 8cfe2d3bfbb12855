/* The queue on a real directory: what is put can be read, moved, shared and removed. */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/crc.h"
#include "common/os/file.h"
#include "common/queue/bounce.h"
#include "common/queue/made.h"

static char root[64];
static int queue;
static struct arena *a;

static void set_up(void)
{
	struct err e;

	snprintf(root, sizeof root, "/tmp/queue-disk.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_msg(queue_make(root, &e), "%s", e.text);
	ck_assert(queue_make(root, &e));	/* twice is fine */
	queue = queue_open(root, &e);
	ck_assert_int_ge(queue, 0);
	a = arena_new(1 << 20, NULL, NULL);
}

static void tear_down(void)
{
	char command[96];

	snprintf(command, sizeof command, "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
	close(queue);
	arena_free(a);
}

static struct station open_station(const char *name)
{
	struct station st;
	struct err e;

	ck_assert_msg(station_open(queue, name, &st, &e), "%s", e.text);
	return st;
}

static bool count_one(void *arg, const char *id)
{
	ck_assert(queue_is_id(span_of(id)));
	++*(int *)arg;
	return true;
}

static int count(const struct station *st)
{
	int n = 0;

	ck_assert(queue_each(st, count_one, &n, NULL));
	return n;
}

static void put(const struct station *st, size_t lines, char id[ID_SIZE])
{
	struct rcpt r[] = { { .number = 0, .address = "bob@beta.test" },
		{ .number = 1, .address = "c@d.test" } };
	struct envelope env = { .sender = "ann@alpha.test", .rcpts = r, .rcpt_count = 2 };
	struct queue_put *q;
	struct err e;

	queue_new_id(id);
	q = queue_put_open(st, id, &e);
	ck_assert_ptr_nonnull(q);
	for (size_t i = 0; i < lines; i++)
		queue_put_bytes(q, SPAN("0123456789012345678901234567890123456789012345678901234567890\n"));
	ck_assert_msg(queue_put_commit(q, &env, &e), "%s", e.text);
	ck_assert_str_eq(env.id, id);
	ck_assert_uint_eq(env.text_bytes, lines * 62);
	ck_assert_uint_eq(env.wire_bytes, lines * 63);
	ck_assert(env.arrived > 0);
}

static const size_t sizes[] = { 0, 1, 1057, 1058, 10000 };	/* around QUEUE_HELD */

START_TEST(what_is_put_is_there_whole)
{
	struct station st = open_station("in/sub");
	struct str text = STR(1 << 20);
	struct envelope env;
	char id[ID_SIZE];
	struct err e;
	int fd;

	put(&st, sizes[_i], id);
	ck_assert_int_eq(count(&st), 1);
	ck_assert_msg(queue_read_envelope(&st, id, a, &env, &e), "%s", e.text);
	fd = queue_open_text(&st, id, &e);
	ck_assert_int_ge(fd, 0);
	ck_assert(file_read_all(fd, &text, &e));
	ck_assert_uint_eq(text.n, env.text_bytes);
	ck_assert_uint_eq(crc32c(0, str_span(&text)), env.text_crc);
	close(fd);
	str_free(&text);
	ck_assert(queue_remove(&st, id, &e));
	ck_assert_int_eq(count(&st), 0);
	ck_assert_int_lt(queue_open_text(&st, id, &e), 0);
	station_close(&st);
}
END_TEST

START_TEST(dropped_leaves_nothing)
{
	struct station st = open_station("in/net");
	char id[ID_SIZE], big[QUEUE_HELD * 2], path[128];
	struct queue_put *q;

	queue_new_id(id);
	q = queue_put_open(&st, id, NULL);
	memset(big, 'x', sizeof big);
	queue_put_bytes(q, (struct span){ big, sizeof big });
	snprintf(path, sizeof path, "%s/in/net/new/%s.m", root, id);
	ck_assert_int_eq(access(path, F_OK), 0);
	queue_put_drop(q);
	ck_assert_int_lt(access(path, F_OK), 0);
	ck_assert_int_eq(count(&st), 0);
}
END_TEST

static void gather(void *arg, struct span text)
{
	str_add(arg, text);
}

static struct str read_back(struct queue_put *q, uint64_t from, uint64_t bytes)
{
	struct str got = STR(1 << 20);
	struct err e;

	ck_assert_msg(queue_put_read(q, from, bytes, (struct sink){ gather, &got }, &e), "%s", e.text);
	return got;
}

static void must_be(struct str *got, struct span want)
{
	ck_assert(span_same(str_span(got), want));
	str_free(got);
}

/* How much text, what goes from its front, what comes instead: held, written, and from one to the other. */
static const struct { size_t text, first, instead; } begins[] = {
	{ 0, 0, 0 }, { 0, 0, 10 }, { 100, 0, 10 }, { 100, 10, 0 }, { 100, 100, 5 }, { 100, 40, 40 },
	{ QUEUE_HELD, 10, 11 }, { QUEUE_HELD, 11, 10 }, { QUEUE_HELD + 1, 1, 1 }, { QUEUE_HELD + 1, 2000, 10 },
	{ 300000, 500, 900 }, { 300000, 900, 500 }, { 300000, 0, 100000 }, { 300000, 290000, 10 }, { 300000, 300000, 0 },
};

START_TEST(text_begins_anew)
{
	size_t n = begins[_i].text, first = begins[_i].first, more = begins[_i].instead;
	struct station st = open_station("in/net");
	struct rcpt r = { .address = "x@y" };
	struct envelope env = { .sender = "", .rcpts = &r, .rcpt_count = 1 };
	struct str text = STR(1 << 20), instead = STR(1 << 20), want = STR(1 << 20), got;
	struct queue_put *q;
	char id[ID_SIZE], name[40];
	struct err e;
	int fd;

	for (size_t i = 0; i < n; i++)
		str_add_char(&text, i % 61 == 60 ? '\n' : (char)('a' + i % 23));
	for (size_t i = 0; i < more; i++)
		str_add_char(&instead, i % 50 == 49 ? '\n' : 'Z');
	str_add(&want, str_span(&instead));
	str_add(&want, span_from(str_span(&text), first));
	queue_new_id(id);
	q = queue_put_open(&st, id, &e);
	for (struct span in = str_span(&text); in.n;)
		queue_put_bytes(q, span_take(&in, 7777));
	got = read_back(q, first, UINT64_MAX);
	must_be(&got, span_from(str_span(&text), first));
	got = read_back(q, 0, first);
	must_be(&got, span_to(str_span(&text), first));
	ck_assert_msg(queue_put_replace(q, first, str_span(&instead), &e), "%s", e.text);
	got = read_back(q, 0, UINT64_MAX);
	must_be(&got, str_span(&want));
	fd = queue_put_text_fd(q, &e);
	got = STR(1 << 20);
	ck_assert(fd >= 0 && file_read_all(fd, &got, &e));
	must_be(&got, str_span(&want));
	close(fd);
	queue_put_bytes(q, SPAN("tail\n"));
	str_add_text(&want, "tail\n");
	ck_assert_msg(queue_put_commit(q, &env, &e), "%s", e.text);
	ck_assert_uint_eq(env.text_bytes, want.n);
	ck_assert_uint_eq(env.text_crc, crc32c(0, str_span(&want)));
	snprintf(name, sizeof name, "%s.m", id);
	got = STR(1 << 20);
	ck_assert(file_read_at(st.fresh, name, &got, &e));
	must_be(&got, str_span(&want));
	for (size_t i = 0; i < want.n; i++)
		env.text_bytes += want.p[i] == '\n';
	ck_assert_uint_eq(env.wire_bytes, env.text_bytes);
	str_free(&text);
	str_free(&instead);
	str_free(&want);
	station_close(&st);
}
END_TEST

/* The new beginning can not be written: nothing stays, and nothing is promised. */
START_TEST(begun_anew_and_dropped)
{
	struct station st = open_station("in/net");
	struct rcpt r = { .address = "x@y" };
	struct envelope env = { .sender = "", .rcpts = &r, .rcpt_count = 1 };
	struct str big = STR(1 << 20);
	char id[ID_SIZE], path[128];
	struct queue_put *q;
	struct err e;

	while (big.n < 3 * QUEUE_HELD)
		str_add_text(&big, "0123456789\n");
	queue_new_id(id);
	q = queue_put_open(&st, id, &e);
	queue_put_bytes(q, str_span(&big));
	snprintf(path, sizeof path, "%s/in/net/new/%s.m", root, id);
	ck_assert_int_eq(truncate(path, 100), 0);	/* a disk that forgets */
	ck_assert(!queue_put_replace(q, 10, SPAN("x\n"), &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert(!queue_put_replace(q, 0, SPAN("x\n"), &e));
	ck_assert_int_lt(queue_put_text_fd(q, &e), 0);
	ck_assert(!queue_put_commit(q, &env, &e));
	ck_assert_int_lt(access(path, F_OK), 0);
	ck_assert_int_eq(count(&st), 0);
	str_free(&big);
	station_close(&st);
}
END_TEST

START_TEST(same_id_twice_keeps_the_first)
{
	struct station st = open_station("in/net");
	struct rcpt r = { .address = "x@y" };
	struct envelope env = { .sender = "", .rcpts = &r, .rcpt_count = 1 }, got;
	struct queue_put *q;
	char id[ID_SIZE];
	struct err e;

	put(&st, 3, id);
	q = queue_put_open(&st, id, &e);
	queue_put_bytes(q, SPAN("other\n"));
	ck_assert(!queue_put_commit(q, &env, &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert(queue_read_envelope(&st, id, a, &got, &e));
	ck_assert_uint_eq(got.text_bytes, 186);
}
END_TEST

START_TEST(moved_is_there_and_only_there)
{
	struct station in = open_station("in/sub"), local = open_station("local");
	struct envelope env;
	char id[ID_SIZE];
	struct err e;

	put(&in, 2, id);
	/* as after a crash between link and rename */
	ck_assert_int_eq(linkat(in.fresh, "x", local.fresh, "x", 0), -1);
	ck_assert_msg(queue_move(&in, &local, id, &e), "%s", e.text);
	ck_assert_int_eq(count(&in), 0);
	ck_assert_int_eq(count(&local), 1);
	ck_assert(queue_read_envelope(&local, id, a, &env, &e));
	ck_assert(!queue_move(&in, &local, id, &e));	/* it is gone from there */
	ck_assert_int_eq(e.kind, ERR_PERM);
	ck_assert_int_eq(count(&local), 1);
}
END_TEST

START_TEST(two_envelopes_share_a_text)
{
	struct station in = open_station("in/sub"), local = open_station("local"), out = open_station("out");
	struct envelope env;
	struct stat x, y;
	char id[ID_SIZE];
	struct err e;
	int m, n;

	put(&in, 2, id);
	ck_assert(queue_read_envelope(&in, id, a, &env, &e));
	env.rcpt_count = 1;
	for (int again = 0; again < 2; again++)		/* a repeat after a crash changes nothing */
		ck_assert_msg(queue_link(&in, &local, id, &env, &e), "%s", e.text);
	env.rcpts++;
	ck_assert(queue_link(&in, &out, id, &env, &e));
	ck_assert(queue_remove(&in, id, &e));
	m = queue_open_text(&local, id, &e);
	n = queue_open_text(&out, id, &e);
	ck_assert(fstat(m, &x) == 0 && fstat(n, &y) == 0 && x.st_ino == y.st_ino && x.st_nlink == 2);
	ck_assert(queue_read_envelope(&out, id, a, &env, &e));
	ck_assert_str_eq(env.rcpts[0].address, "c@d.test");
	ck_assert(queue_remove(&out, id, &e));
	ck_assert_int_eq(count(&local), 1);
}
END_TEST

START_TEST(rewritten_is_the_new_one)
{
	struct station out = open_station("out");
	struct envelope env, got;
	char id[ID_SIZE];
	struct err e;

	put(&out, 1, id);
	ck_assert(queue_read_envelope(&out, id, a, &env, &e));
	env.rcpts[1].state = RCPT_DONE;
	env.rcpts[0].answer = "451 4.2.0 later";
	ck_assert(queue_write_envelope(&out, &env, &e));
	ck_assert(queue_read_envelope(&out, id, a, &got, &e));
	ck_assert_int_eq(got.rcpts[1].state, RCPT_DONE);
	ck_assert_str_eq(got.rcpts[0].answer, "451 4.2.0 later");
	ck_assert_uint_eq(envelope_waiting(&got), 1);
}
END_TEST

START_TEST(swept_away_is_not_accepted)
{
	struct station st = open_station("in/net");
	struct rcpt r = { .address = "x@y" };
	struct envelope env = { .sender = "", .rcpts = &r, .rcpt_count = 1 };
	static char big[QUEUE_HELD + 10];
	struct queue_put *q;
	char id[ID_SIZE];
	struct err e;

	memset(big, 'x', sizeof big);
	queue_new_id(id);
	q = queue_put_open(&st, id, &e);
	queue_put_bytes(q, (struct span){ big, sizeof big });
	queue_sweep(&st, time(NULL) + 10 * 86400);
	ck_assert(!queue_put_commit(q, &env, &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_int_eq(count(&st), 0);
}
END_TEST

START_TEST(sweep_takes_old_strays_only)
{
	struct station st = open_station("in/sub");
	char id[ID_SIZE], path[128];
	time_t now = time(NULL);

	put(&st, 1, id);
	snprintf(path, sizeof path, "%s/in/sub/new/00000000000000.m", root);
	close(creat(path, 0600));
	queue_sweep(&st, now);
	ck_assert_int_eq(access(path, F_OK), 0);
	queue_sweep(&st, now + 2 * 3600);
	ck_assert_int_lt(access(path, F_OK), 0);
	ck_assert_int_eq(count(&st), 1);
	close(queue_open_text(&st, id, NULL));
}
END_TEST

/* Its envelope cannot get its place: the next look does not say that it was made. */
START_TEST(dropped_leaves_no_mark)
{
	struct station st = open_station("in/own"), local = open_station("local");
	struct rcpt r = { .address = "x@y" };
	struct envelope env = { .sender = "", .rcpts = &r, .rcpt_count = 1 };
	char id[ID_SIZE], name[MADE_NAME], path[128];
	struct err e;
	int dir = made_open(&local, &e);
	struct queue_put *q;
	bool is_made = true;

	queue_new_id(id);
	made_name(id, 0, "forward", name);
	snprintf(path, sizeof path, "%s/in/own/new/%s.e", root, id);
	close(creat(path, 0600));
	q = queue_put_open(&st, id, &e);
	queue_put_bytes(q, SPAN("hello\n"));
	queue_put_mark(q, dir, name);
	ck_assert(!queue_put_commit(q, &env, &e));
	ck_assert_int_lt(faccessat(dir, name, F_OK, 0), 0);
	ck_assert(made_look(dir, name, &st, &is_made, &e) && !is_made);
	close(dir);
}
END_TEST

/* What is in tmp/ says that it was not made, as long as the mark is there; that goes with the message. */
START_TEST(sweep_leaves_marked_ones)
{
	struct station st = open_station("in/own"), local = open_station("local");
	const struct station *way[] = { &st, &local };
	char id[ID_SIZE], other[ID_SIZE], name[MADE_NAME], file[ID_SIZE + 2];
	time_t later = time(NULL) + 10 * 86400;
	struct err e;
	int dir = made_open(&local, &e);

	put(&local, 1, id);
	put(&st, 1, other);
	made_name(id, 7, "forward", name);
	snprintf(file, sizeof file, "%s.e", other);
	ck_assert_int_eq(renameat(st.fresh, file, st.tmp, file), 0);
	ck_assert_int_eq(linkat(st.tmp, file, dir, name, 0), 0);
	queue_sweep(&st, later);
	ck_assert_int_eq(faccessat(st.tmp, file, F_OK, 0), 0);
	made_sweep(dir, way, COUNT(way), later);
	ck_assert_int_eq(faccessat(dir, name, F_OK, 0), 0);
	ck_assert(queue_remove(&local, id, &e));
	made_sweep(dir, way, COUNT(way), time(NULL));
	ck_assert_int_eq(faccessat(dir, name, F_OK, 0), 0);
	made_sweep(dir, way, COUNT(way), later);
	ck_assert_int_lt(faccessat(dir, name, F_OK, 0), 0);
	queue_sweep(&st, later);
	ck_assert_int_lt(faccessat(st.tmp, file, F_OK, 0), 0);
	close(dir);
}
END_TEST

static size_t files_in(int dir)
{
	DIR *d = fdopendir(openat(dir, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	size_t n = 0;

	while ((entry = readdir(d)))
		n += *entry->d_name != '.';
	closedir(d);
	return n;
}

static bool note_id(void *arg, const char *id)
{
	snprintf(arg, ID_SIZE, "%s", id);
	return true;
}

/* What was told and not noted is not told again; what is new is, and alone. Once noted, no mark is left. */
START_TEST(told_once)
{
	struct station own = open_station("in/own"), local = open_station("local");
	struct bounce b = { .own = &own, .our_name = "mx.a.test", .postmaster = "root", .made = made_open(&local, NULL) };
	struct rcpt r[] = { { .number = 3, .address = "x@y.test", .state = RCPT_FAILED, .original = "", .answer = "", .remote = "" },
		{ .number = 4, .address = "z@y.test", .original = "", .answer = "", .remote = "" } };
	struct envelope env = { .id = "0abcdefghijklm", .sender = "ann@a.test", .envid = "", .ret = "",
		.rcpts = r, .rcpt_count = 2 };
	struct str text = STR(1 << 20);
	char id[ID_SIZE];
	struct err e;
	bool hold;

	ck_assert(bounce_failed(&b, &env, -1, time(NULL), &hold, &e));
	ck_assert_int_eq(r[0].state, RCPT_TOLD);
	ck_assert_int_eq(count(&own), 1);
	ck_assert(queue_each(&own, note_id, id, &e) && queue_remove(&own, id, &e));	/* sched has it */
	r[0].state = r[1].state = RCPT_FAILED;
	r[0].marks = 0;
	ck_assert(bounce_failed(&b, &env, -1, time(NULL), &hold, &e));
	ck_assert_int_eq(r[0].state, RCPT_TOLD);
	ck_assert_int_eq(count(&own), 1);
	ck_assert(queue_each(&own, note_id, id, &e));
	ck_assert(file_read_at(own.fresh, strcat(id, ".m"), &text, &e));
	ck_assert(span_search(str_span(&text), SPAN("z@y.test")) >= 0 && span_search(str_span(&text), SPAN("x@y.test")) < 0);
	r[0].state = RCPT_FAILED;
	ck_assert(bounce_failed(&b, &env, -1, time(NULL), &hold, &e));
	ck_assert_int_eq(count(&own), 1);
	ck_assert_uint_eq(files_in(b.made), 2);
	bounce_noted(&b, &env);
	ck_assert_uint_eq(files_in(b.made), 0);
	str_free(&text);
	close(b.made);
}
END_TEST

START_TEST(full_disk_is_temporary)
{
	struct station st = open_station("in/sub");
	struct err e;

	st.reserve = UINT64_MAX;
	ck_assert_ptr_null(queue_put_open(&st, "0abcdefghijklm", &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_str_eq(e.status, "4.3.1");
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("queue-disk");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, what_is_put_is_there_whole, 0, COUNT(sizes));
	tcase_add_test(tc, dropped_leaves_nothing);
	tcase_add_loop_test(tc, text_begins_anew, 0, COUNT(begins));
	tcase_add_test(tc, begun_anew_and_dropped);
	tcase_add_test(tc, same_id_twice_keeps_the_first);
	tcase_add_test(tc, moved_is_there_and_only_there);
	tcase_add_test(tc, two_envelopes_share_a_text);
	tcase_add_test(tc, rewritten_is_the_new_one);
	tcase_add_test(tc, swept_away_is_not_accepted);
	tcase_add_test(tc, sweep_takes_old_strays_only);
	tcase_add_test(tc, dropped_leaves_no_mark);
	tcase_add_test(tc, sweep_leaves_marked_ones);
	tcase_add_test(tc, told_once);
	tcase_add_test(tc, full_disk_is_temporary);
	return unit_end();
}

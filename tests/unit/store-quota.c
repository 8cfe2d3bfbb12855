/* maildirsize: what it says, and that it keeps saying it. */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/file.h"
#include "common/store/maildir.h"
#include "common/store/quota.h"
#include "tests/unit/unit.h"

static const struct {
	const char *text;
	bool ok;
	uint64_t limit;
	int64_t bytes, count;
	unsigned lines;
} texts[] = {
	{ "20480S\n100 1\n", true, 20480, 100, 1, 1 },
	{ "20480S,10C\n100 1\n50 1\n-100 -1\n", true, 20480, 50, 1, 3 },
	{ "10C\n0 0\n", true, 0, 0, 0, 1 },
	{ "10C,5S\n         7            1\n", true, 5, 7, 1, 1 },	/* as Courier pads its lines */
	{ "5S,7X\n1 1\n", true, 5, 1, 1, 1 },
	{ "\n1 1\n", true, 0, 1, 1, 1 },			/* no limit is one */
	{ "5S\n-10 -1\n20 2\n", true, 5, 10, 1, 2 },	/* lines come in any order */
	{ "", false, 0, 0, 0, 0 },
	{ "5S", false, 0, 0, 0, 0 },
	{ "5S\n", false, 0, 0, 0, 0 },				/* nobody has counted */
	{ "5S\n1 1", false, 0, 0, 0, 0 },			/* torn */
	{ "5S\n1\n", false, 0, 0, 0, 0 },
	{ "5S\n1-1\n", false, 0, 0, 0, 0 },
	{ "5S\n1 1 1\n", false, 0, 0, 0, 0 },
	{ "5S\n1 1\n\n", false, 0, 0, 0, 0 },
	{ "5S\n1 1\n-2 0\n", false, 0, 0, 0, 0 },		/* less than nothing */
	{ "5S\n1 1\n0 -2\n", false, 0, 0, 0, 0 },
	{ "5\n1 1\n", false, 0, 0, 0, 0 },
	{ "5SS\n1 1\n", false, 0, 0, 0, 0 },
	{ "99999999999999999999S\n1 1\n", false, 0, 0, 0, 0 },
	{ "5S\n9223372036854775807 1\n1 1\n", false, 0, 0, 0, 0 },
	{ "1S,1S,1S,1S,1S,1S,1S,1S,1S\n1 1\n", false, 0, 0, 0, 0 },
};

START_TEST(text_says)
{
	struct quota q;
	bool ok = quota_parse(span_of(texts[_i].text), &q);

	ck_assert_int_eq(ok, texts[_i].ok);
	if (!ok)
		return;
	ck_assert_uint_eq(q.limit, texts[_i].limit);
	ck_assert_int_eq(q.bytes, texts[_i].bytes);
	ck_assert_int_eq(q.count, texts[_i].count);
	ck_assert_uint_eq(q.lines, texts[_i].lines);
}
END_TEST

START_TEST(room_and_freshness)
{
	static const struct { int64_t bytes; uint64_t limit, room; } rooms[] = {
		{ 0, 10, 10 }, { 9, 10, 1 }, { 10, 10, 0 }, { 11, 10, 0 }, { INT64_MAX, 1, 0 },
	};

	for (int i = 0; i < COUNT(rooms); i++)
		ck_assert_uint_eq(quota_room(&(struct quota){ .bytes = rooms[i].bytes }, rooms[i].limit), rooms[i].room);
	ck_assert(quota_is_fresh(&(struct quota){ .lines = 1 }, 0));
	ck_assert(quota_is_fresh(&(struct quota){ .lines = 1 }, QUOTA_FRESH_S - 1));
	ck_assert(!quota_is_fresh(&(struct quota){ .lines = 1 }, QUOTA_FRESH_S));
	ck_assert(!quota_is_fresh(&(struct quota){ .lines = 1 }, -1)); /* the clock went back */
	ck_assert(!quota_is_fresh(&(struct quota){ .lines = 2 }, 0));
}
END_TEST

/* --- on disk --- */

static int root;
static char root_path[] = "/tmp/store-quota.XXXXXX";

static void fresh(void)
{
	struct err e;

	ck_assert_ptr_nonnull(mkdtemp(root_path));
	root = open(root_path, O_RDONLY | O_DIRECTORY);
	ck_assert_msg(maildir_make(root, "", &e), "%s", e.text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st, (void)type, (void)where;
	return remove(path);
}

static void gone(void)
{
	close(root);
	nftw(root_path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make(const char *path, size_t bytes)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(ftruncate(fd, (off_t)bytes), 0);
	close(fd);
}

static const char *file_text(void)
{
	static struct str text = STR(QUOTA_FILE_MAX);

	str_reset(&text);
	return file_read_at(root, "maildirsize", &text, NULL) ? text.p : "none";
}

static uint64_t room_for(uint64_t limit, uint64_t wanted, time_t now)
{
	struct err e;
	uint64_t room;

	ck_assert_msg(quota_ask(root, limit, wanted, false, now, &room, &e), "%s", e.text);
	return room;
}

/* Names tell sizes, files tell those that names do not; all folders, and nothing in tmp/. */
START_TEST(counts_folders)
{
	struct err e;

	ck_assert(folder_create(root, ".Trash", &e) && folder_create(root, ".A.B", &e));
	make("new/1.a,S=100,W=110", 1);
	make("cur/2.a,S=20:2,ST", 1);
	make("cur/3.a:2,", 3);
	make(".Trash/cur/4.a,S=4:2,S", 1);
	make(".A.B/new/5.a,S=1000", 1);
	make("tmp/6.a,S=9999", 1);
	make("cur/.hidden,S=9999", 1);
	ck_assert_uint_eq(room_for(2000, 10, time(NULL)), 2000 - 1127);
	ck_assert_str_eq(file_text(), "2000S\n1127 5\n");
}
END_TEST

START_TEST(file_is_kept)
{
	time_t now = time(NULL);

	quota_add(root, 100, 1); /* without a file: nothing to keep */
	ck_assert_str_eq(file_text(), "none");
	make("new/1.a,S=100", 1);
	ck_assert_uint_eq(room_for(1000, 1, now), 900);
	quota_add(root, 50, 1);
	quota_add(root, -100, -1);
	ck_assert_str_eq(file_text(), "1000S\n100 1\n50 1\n-100 -1\n");
	ck_assert_uint_eq(room_for(1000, 950, now), 950); /* believed, though the folders say 900 */
	ck_assert_uint_eq(room_for(1000, 951, now), 900); /* "no room" is not, with several lines */
	ck_assert_str_eq(file_text(), "1000S\n100 1\n");
	ck_assert_uint_eq(room_for(1100, 1, now), 1000);	/* another limit */
	ck_assert_str_eq(file_text(), "1100S\n100 1\n");
}
END_TEST

/* Just counted and no room: not counted again for every message that comes, but after a while. */
START_TEST(full_is_believed_for_a_while)
{
	make("new/1.a,S=100", 1);
	ck_assert_uint_eq(room_for(100, 1, time(NULL)), 0);
	ck_assert_int_eq(unlinkat(root, "new/1.a,S=100", 0), 0);
	ck_assert_uint_eq(room_for(100, 1, time(NULL)), 0);
	ck_assert_uint_eq(room_for(100, 1, time(NULL) + QUOTA_FRESH_S + 2), 100);
}
END_TEST

START_TEST(full_is_counted_before_mail_is_returned)
{
	uint64_t room;

	make("new/1.a,S=100", 1);
	ck_assert_uint_eq(room_for(100, 1, time(NULL)), 0);
	ck_assert_int_eq(unlinkat(root, "new/1.a,S=100", 0), 0);	/* and whoever did that died before it told */
	ck_assert(quota_ask(root, 100, 1, true, time(NULL), &room, NULL));
	ck_assert_uint_eq(room, 100);
}
END_TEST

START_TEST(bad_file_is_made_anew)
{
	static const char *const bad[] = { "", "nonsense\n", "100S\n-5 0\n", "100S\n1 1\n1" };

	make("new/1.a,S=10", 1);
	for (int i = 0; i < COUNT(bad); i++) {
		ck_assert(file_replace(root, "maildirsize", span_of(bad[i]), 0600, NULL));
		ck_assert_uint_eq(room_for(100, 1, time(NULL)), 90);
		ck_assert_str_eq(file_text(), "100S\n10 1\n");
	}
}
END_TEST

START_TEST(file_never_grows_large)
{
	struct stat st;

	room_for(1000000, 1, time(NULL));
	for (int i = 0; i < 5000; i++) {
		quota_add(root, 1, 1);
		if (fstatat(root, "maildirsize", &st, 0) == 0)
			ck_assert_int_le(st.st_size, QUOTA_FILE_MAX);
	}
	ck_assert_str_eq(file_text(), "none");
	ck_assert_uint_eq(room_for(1000, 1, time(NULL)), 1000);
}
END_TEST

/* What expunge frees is known at once. */
START_TEST(expunge_is_told)
{
	struct mailbox *m;
	struct err e;

	make("cur/1.a,S=100:2,", 100);
	make("cur/2.a,S=30:2,", 30);
	room_for(200, 1, time(NULL));
	m = mailbox_open(root, "", false, &e);
	ck_assert_ptr_nonnull(m);
	ck_assert(mailbox_expunge(m, 0, &e) && mailbox_sync(m, &e) && mailbox_sync(m, &e));
	ck_assert_str_eq(file_text(), "200S\n130 2\n-100 -1\n");
	mailbox_close(m);
	ck_assert(folder_create(root, ".A", &e) && folder_delete(root, ".A", &e));
	ck_assert_str_eq(file_text(), "none");
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("store-quota");

	tcase_add_checked_fixture(tc, fresh, gone);
	tcase_add_loop_test(tc, text_says, 0, COUNT(texts));
	tcase_add_test(tc, room_and_freshness);
	tcase_add_test(tc, counts_folders);
	tcase_add_test(tc, file_is_kept);
	tcase_add_test(tc, full_is_believed_for_a_while);
	tcase_add_test(tc, full_is_counted_before_mail_is_returned);
	tcase_add_test(tc, bad_file_is_made_anew);
	tcase_add_test(tc, file_never_grows_large);
	tcase_add_test(tc, expunge_is_told);
	return unit_end();
}

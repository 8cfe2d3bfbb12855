/* Maildirs in a directory of the test's own: deliveries, UIDs, flags, other programs' hands. */
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/os/file.h"
#include "common/store/maildir.h"
#include "tests/unit/unit.h"

static int root;
static char root_path[] = "/tmp/store-mailbox.XXXXXX";

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

static bool put(const char *folder, const char *base, const char *text, const char *flags, bool again)
{
	struct err e;
	struct maildir_put *m = maildir_put_open(root, folder, base, again, &e);
	bool before;

	ck_assert_msg(m != NULL, "%s", e.text);
	maildir_put_bytes(m, span_of(text));
	before = maildir_put_done_before(m);
	ck_assert_msg(maildir_put_commit(m, flags, 0, &e), "%s", e.text);
	return before;
}

static struct mailbox *open_box(const char *folder, bool read_only)
{
	struct err e;
	struct mailbox *m = mailbox_open(root, folder, read_only, &e);

	ck_assert_msg(m != NULL, "%s", e.text);
	return m;
}

static size_t files_in(const char *part)
{
	int fd = openat(root, part, O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	size_t n = 0;

	for (struct dirent *x; (x = readdir(d)); )
		n += x->d_name[0] != '.';
	closedir(d);
	return n;
}

static void write_file(const char *name, const char *text)
{
	struct err e;

	ck_assert_msg(file_replace(root, name, span_of(text), 0600, &e), "%s", e.text);
}

/* Without waiting for the clock: the test changes things faster than dates do. */
static void refresh(struct mailbox *m, bool appeared, bool vanished, bool flags)
{
	bool a, v, f;
	struct err e;

	ck_assert_msg(mailbox_refresh(m, &a, &v, &f, &e), "%s", e.text);
	ck_assert_int_eq(a, appeared);
	ck_assert_int_eq(v, vanished);
	ck_assert_int_eq(f, flags);
}

START_TEST(delivered_once)
{
	struct mailbox *m;

	ck_assert(!put("", "1700000001.id.r0.host", "A: b\n\nx\n", NULL, false));
	ck_assert(!put("", "1700000001.id.r0.host", "A: b\n\nx\n", NULL, false));	/* recognised at commit */
	ck_assert(put("", "1700000001.id.r0.host", "A: b\n\nx\n", NULL, true));
	ck_assert_uint_eq(files_in("new"), 1);
	ck_assert_uint_eq(files_in("tmp"), 0);
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_count(m), 1);
	ck_assert_uint_eq(mailbox_msg(m, 0)->size, 8);
	ck_assert_uint_eq(mailbox_msg(m, 0)->wire_size, 11);
	ck_assert_uint_eq(mailbox_msg(m, 0)->flags, FLAG_RECENT);
	ck_assert_int_eq(mailbox_msg(m, 0)->date, 1700000001);
	ck_assert_uint_eq(files_in("cur"), 1);
	mailbox_close(m);
	ck_assert(put("", "1700000001.id.r0.host", "A: b\n\nx\n", NULL, true));	/* found in cur/ too */
	ck_assert_uint_eq(files_in("new"), 0);
}
END_TEST

START_TEST(uids_stay)
{
	struct mailbox *m;
	uint32_t validity, uid;
	struct err e;

	put("", "1700000002.b", "b\n", NULL, false);
	put("", "1700000001.a", "a\n", "FS", false);
	m = open_box("", false);
	validity = mailbox_uidvalidity(m);
	ck_assert_uint_eq(mailbox_msg(m, 0)->uid, 1);
	ck_assert_uint_eq(mailbox_msg(m, 0)->flags, FLAG_FLAGGED | FLAG_SEEN);
	ck_assert_uint_eq(mailbox_msg(m, 1)->uid, 2);
	put("", "1700000000.c", "c\n", NULL, false);		/* older date, later arrival */
	ck_assert(mailbox_uid_of(m, "1700000000.c", &uid, &e));
	ck_assert_uint_eq(uid, 3);
	refresh(m, true, false, false);
	ck_assert(mailbox_expunge(m, 2, &e));
	ck_assert(mailbox_msg(m, 2)->gone);
	mailbox_forget_gone(m);
	ck_assert_uint_eq(mailbox_count(m), 2);
	mailbox_close(m);
	m = open_box("", true);
	ck_assert_uint_eq(mailbox_uidvalidity(m), validity);
	ck_assert_uint_eq(mailbox_uidnext(m), 4);
	ck_assert_uint_eq(mailbox_count(m), 2);
	mailbox_close(m);
	unlinkat(root, "dovecot-uidlist", 0);
	m = open_box("", true);
	ck_assert_uint_gt(mailbox_uidvalidity(m), validity);
	mailbox_close(m);
}
END_TEST

START_TEST(others_rename_and_remove)
{
	struct mailbox *m;
	struct err e;
	int fd;

	put("", "1.a", "a\n", "", false);
	put("", "2.b", "b\n", "", false);
	m = open_box("", false);
	ck_assert_int_eq(renameat(root, "cur/1.a,S=2,W=3:2,", root, "cur/1.a,S=2,W=3:2,Sa"), 0);
	fd = mailbox_open_msg(m, 0, &e);
	ck_assert_int_ge(fd, 0);
	close(fd);
	refresh(m, false, false, true);
	ck_assert_uint_eq(mailbox_msg(m, 0)->flags, FLAG_SEEN);
	ck_assert_uint_eq(mailbox_msg(m, 0)->keywords, 1);
	ck_assert_int_eq(unlinkat(root, "cur/2.b,S=2,W=3:2,", 0), 0);
	refresh(m, false, true, false);
	ck_assert(mailbox_msg(m, 1)->gone);
	ck_assert_int_lt(mailbox_open_msg(m, 1, &e), 0);
	/* it comes back: under a UID that was never told */
	mailbox_forget_gone(m);
	put("", "2.b", "b\n", "", false);
	refresh(m, true, false, false);
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert_uint_eq(mailbox_msg(m, 1)->uid, 3);
	mailbox_close(m);
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_count(m), 2);
	ck_assert_uint_eq(mailbox_msg(m, 1)->uid, 3);
	mailbox_close(m);
}
END_TEST

START_TEST(flags_and_keywords)
{
	struct mailbox *m;
	unsigned bit;
	struct err e;

	put("", "1.a", "a\n", "Pz", false);
	m = open_box("", false);
	ck_assert(mailbox_add_keyword(m, SPAN("$Junk"), &bit, &e));
	ck_assert_uint_eq(bit, 0);
	ck_assert(mailbox_set_flags(m, 0, FLAG_SEEN | FLAG_DRAFT, 1u << bit, &e));
	ck_assert_str_eq(mailbox_msg(m, 0)->name, "1.a,S=2,W=3:2,DPSa");
	ck_assert(mailbox_sync(m, &e));
	ck_assert_str_eq(mailbox_keyword(m, 0), "$Junk");
	ck_assert_ptr_null(mailbox_keyword(m, 1));
	for (int i = 1; i < 26; i++) {
		char name[8];

		snprintf(name, sizeof name, "k%d", i);
		ck_assert(mailbox_add_keyword(m, span_of(name), &bit, &e));
	}
	ck_assert(!mailbox_add_keyword(m, SPAN("onemore"), &bit, &e));
	ck_assert_int_eq(e.kind, ERR_PERM);
	mailbox_close(m);
}
END_TEST

START_TEST(without_sizes)
{
	struct mailbox *m;
	struct err e;
	int fd;

	fd = openat(root, "cur/5.x:2,S", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "A: b\r\n\nc\n", 9), 9);
	close(fd);
	fd = openat(root, "cur/6.liar,S=1,W=1:2,S", O_WRONLY | O_CREAT, 0600);
	ck_assert_int_eq(write(fd, "A: b\n", 5), 5);
	close(fd);
	m = open_box("", true);
	ck_assert_uint_eq(mailbox_msg(m, 0)->size, 9);
	ck_assert_uint_eq(mailbox_msg(m, 0)->wire_size, 11);
	fd = mailbox_open_msg(m, 1, &e);
	close(fd);
	ck_assert_uint_eq(mailbox_msg(m, 1)->size, 5);
	ck_assert_uint_eq(mailbox_msg(m, 1)->wire_size, 6);
	mailbox_close(m);
	m = open_box("", true);			/* the list knows now */
	ck_assert_uint_eq(mailbox_msg(m, 0)->wire_size, 11);
	mailbox_close(m);
}
END_TEST

START_TEST(links_are_not_mail)
{
	struct mailbox *m;

	ck_assert_int_eq(symlinkat("/etc/passwd", root, "cur/1.evil:2,"), 0);
	ck_assert_int_eq(symlinkat("/etc", root, ".Evil"), 0);
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_count(m), 0);
	mailbox_close(m);
	ck_assert_ptr_null(mailbox_open(root, ".Evil", false, NULL));
	ck_assert_ptr_null(mailbox_open(root, "../x", false, NULL));
	ck_assert(!folder_exists(root, ".Evil"));
}
END_TEST

START_TEST(old_lists_are_taken_over)
{
	struct mailbox *m;

	put("", "1.a", "a\n", "", false);
	put("", "2.b", "b\n", "", false);
	write_file("courierimapuiddb", "1 77 40\n12 2.b,S=2,W=3\n");
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_uidvalidity(m), 77);
	ck_assert_uint_eq(mailbox_msg(m, 0)->uid, 12);
	ck_assert_uint_eq(mailbox_msg(m, 1)->uid, 40);
	mailbox_close(m);
	unlinkat(root, "courierimapuiddb", 0);
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_uidvalidity(m), 77);
	ck_assert_uint_eq(mailbox_msg(m, 1)->uid, 40);
	mailbox_close(m);
}
END_TEST

START_TEST(torn_list_is_mended)
{
	struct str text = STR(4096);
	struct mailbox *m;
	struct err e;

	put("", "1.a", "a\n", "", false);
	put("", "2.b", "b\n", "", false);
	put("", "3.c", "c\n", "", false);
	write_file("dovecot-uidlist",
	    "3 V9 N1 G13af4e243f10056b0136000083ecc375\n4 Pold :1.a,S=2,W=3\n5 :2.b,S=");
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_uidvalidity(m), 9);
	ck_assert_str_eq(mailbox_uidl(m, 0), "old");
	ck_assert_ptr_null(mailbox_uidl(m, 1));
	mailbox_close(m);
	ck_assert(file_read_at(root, "dovecot-uidlist", &text, &e));
	ck_assert_str_eq(text.p, "3 V9 N7 G13af4e243f10056b0136000083ecc375\n4 Pold :1.a,S=2,W=3\n"
	    "5 :2.b,S=2,W=3\n6 :3.c,S=2,W=3\n");
	str_free(&text);
}
END_TEST

START_TEST(dead_lines_go)
{
	struct str text = STR(65536);
	struct mailbox *m;
	struct err e;

	str_add_text(&text, "3 V9 N1 G13af4e243f10056b0136000083ecc375\n");
	for (int i = 1; i <= 500; i++)
		str_addf(&text, "%d :%d.gone\n", i, i);
	put("", "900.a", "a\n", "", false);
	write_file("dovecot-uidlist", text.p);
	usleep(30000);				/* until the directory's date is past */
	mailbox_close(open_box("", false));
	str_reset(&text);
	ck_assert(file_read_at(root, "dovecot-uidlist", &text, &e));
	ck_assert_str_eq(text.p, "3 V9 N502 G13af4e243f10056b0136000083ecc375\n501 :900.a,S=2,W=3\n");
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_uidnext(m), 502);
	mailbox_close(m);
	str_free(&text);
}
END_TEST

START_TEST(two_files_one_base)
{
	struct mailbox *m;

	put("", "1.a", "a\n", "", false);
	put("", "1.a", "a\n", NULL, false);
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_count(m), 2);
	mailbox_close(m);
	ck_assert_uint_eq(files_in("new"), 0);
	ck_assert_uint_eq(files_in("cur"), 2);
}
END_TEST

static bool join(void *arg, const char *folder)
{
	str_addf(arg, "%s ", folder);
	return true;
}

START_TEST(folders_live)
{
	struct str out = STR(1000);
	struct mailbox *m;
	uint32_t validity;
	struct err e;

	ck_assert(folder_create(root, ".B", &e));
	ck_assert(folder_create(root, "A.X", &e));
	ck_assert(folder_create(root, ".A.X.Y", &e));
	ck_assert(!folder_create(root, ".B", &e) && e.kind == ERR_PERM);
	ck_assert(!folder_create(root, "", &e));
	put(".A.X.Y", "1.a", "a\n", NULL, false);
	m = open_box(".A.X.Y", false);
	validity = mailbox_uidvalidity(m);
	mailbox_close(m);
	ck_assert(folder_rename(root, ".A", ".C", &e));	/* has only children */
	ck_assert(!folder_rename(root, ".C.X", ".C.X.Z", &e));
	ck_assert(!folder_rename(root, ".C.X", ".B", &e));
	ck_assert(!folder_rename(root, ".Nope", ".D", &e));
	ck_assert(folders_each(root, join, &out, &e));
	ck_assert_str_eq(out.p, "B C.X C.X.Y ");
	m = open_box(".C.X.Y", false);
	ck_assert_uint_eq(mailbox_count(m), 1);
	ck_assert_uint_eq(mailbox_uidvalidity(m), validity);
	mailbox_close(m);
	ck_assert(folder_delete(root, ".C.X", &e));
	ck_assert(folder_exists(root, ".C.X.Y"));
	ck_assert(!folder_delete(root, ".C.X", &e) && e.kind == ERR_PERM);
	ck_assert(folder_delete(root, ".C.X.Y", &e));
	ck_assert(folder_create(root, ".C.X.Y", &e));	/* the same name is another folder */
	m = open_box(".C.X.Y", false);
	ck_assert_uint_gt(mailbox_uidvalidity(m), validity);
	mailbox_close(m);
	str_free(&out);
}
END_TEST

START_TEST(subscriptions_live)
{
	struct str out = STR(1000);
	struct err e;

	write_file("subscriptions", "Old.One\nGone\n");
	ck_assert(folder_subscribe(root, ".A.B", true, &e));
	ck_assert(folder_subscribe(root, "", true, &e));
	ck_assert(folder_subscribe(root, "A.B", true, &e));
	ck_assert(folder_subscribe(root, ".Gone", false, &e));
	ck_assert(folder_subscribed(root, join, &out, &e));
	ck_assert_str_eq(out.p, "Old.One A.B INBOX ");
	str_reset(&out);
	ck_assert(file_read_at(root, "subscriptions", &out, &e));
	ck_assert_str_eq(out.p, "V\t2\n\nOld\tOne\nA\tB\nINBOX\n");
	str_free(&out);
}
END_TEST

START_TEST(many_messages_found_again)
{
	struct mailbox *m;
	struct err e;

	for (int i = 0; i < 300; i++) {
		char base[32];

		snprintf(base, sizeof base, "%d.m", 1000 + i);
		put("", base, "x\n", i % 2 ? "" : NULL, false);
	}
	m = open_box("", false);
	ck_assert_uint_eq(mailbox_count(m), 300);
	for (size_t i = 0; i < 300; i++) {
		ck_assert_uint_eq(mailbox_msg(m, i)->uid, i + 1);
		ck_assert_int_eq(mailbox_msg(m, i)->date, 1000 + (time_t)i);
	}
	for (size_t i = 0; i < 300; i += 3)
		ck_assert(mailbox_expunge(m, i, &e));
	mailbox_forget_gone(m);
	ck_assert_uint_eq(mailbox_count(m), 200);
	for (size_t i = 0; i < 200; i++)
		ck_assert(mailbox_set_flags(m, i, FLAG_SEEN, 0, &e));
	put("", "9.last", "x\n", NULL, false);
	refresh(m, true, false, false);
	ck_assert_uint_eq(mailbox_msg(m, 200)->uid, 301);
	mailbox_close(m);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("store-mailbox");

	tcase_add_checked_fixture(tc, fresh, gone);
	tcase_add_test(tc, delivered_once);
	tcase_add_test(tc, uids_stay);
	tcase_add_test(tc, others_rename_and_remove);
	tcase_add_test(tc, flags_and_keywords);
	tcase_add_test(tc, without_sizes);
	tcase_add_test(tc, links_are_not_mail);
	tcase_add_test(tc, old_lists_are_taken_over);
	tcase_add_test(tc, torn_list_is_mended);
	tcase_add_test(tc, dead_lines_go);
	tcase_add_test(tc, two_files_one_base);
	tcase_add_test(tc, folders_live);
	tcase_add_test(tc, subscriptions_live);
	tcase_add_test(tc, many_messages_found_again);
	return unit_end();
}

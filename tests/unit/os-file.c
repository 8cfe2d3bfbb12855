/* Opening below a directory: what is there opens, and no way leads out, with openat2 and without. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/os/file.h"

enum { WAYS = 2 };			/* with openat2, and by hand */

static char root[64];
static int home;

/* root/outside, and below home: in, sub/deep/file, and links to all of it. */
static void set_up(void)
{
	snprintf(root, sizeof root, "/tmp/os-file.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	ck_assert_int_eq(chdir(root), 0);
	ck_assert_int_eq(mkdir("home", 0700) | mkdir("home/sub", 0700) | mkdir("home/sub/deep", 0700), 0);
	ck_assert_int_eq(close(creat("outside", 0600)) | close(creat("home/in", 0600)), 0);
	ck_assert_int_eq(close(creat("home/sub/deep/file", 0600)), 0);
	ck_assert_int_eq(symlink("in", "home/link") | symlink("../outside", "home/out"), 0);
	ck_assert_int_eq(symlink("sub", "home/dirlink") | symlink("/", "home/sub/top"), 0);
	home = open("home", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(home, 0);
}

static void tear_down(void)
{
	char command[96];

	close(home);
	snprintf(command, sizeof command, "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
}

/* What an old kernel says: each test is a process of its own, so no other one is spoiled. */
static void take_openat2_away(void)
{
	struct open_how how = { .flags = O_RDONLY };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	ck_assert_int_eq(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(openat2), 0), 0);
	seccomp_load(filter);		/* valgrind can not, and has no openat2 either */
	seccomp_release(filter);
	ck_assert_int_eq((int)syscall(SYS_openat2, home, ".", &how, sizeof how), -1);
	ck_assert_int_eq(errno, ENOSYS);
}

static const struct {
	const char *path;
	int flags, wanted;		/* errno; 0: it opens */
} opens[] = {
	{ "in",			O_RDONLY,			0 },
	{ ".",			O_RDONLY | O_DIRECTORY,		0 },
	{ "./in",		O_RDONLY,			0 },
	{ "sub",		O_RDONLY | O_DIRECTORY,		0 },
	{ "sub/",		O_RDONLY | O_DIRECTORY,		0 },
	{ "sub//deep/file",	O_RDONLY,			0 },
	{ "sub/deep/file",	O_PATH,				0 },
	{ "sub/fresh",		O_WRONLY | O_CREAT | O_EXCL,	0 },
	{ "sub/..x",		O_WRONLY | O_CREAT,		0 },
	/* not there, or not so */
	{ "",			O_RDONLY,			ENOENT },
	{ "none",		O_RDONLY,			ENOENT },
	{ "none/file",		O_RDONLY,			ENOENT },
	{ "in/file",		O_RDONLY,			ENOTDIR },
	{ "in",			O_RDONLY | O_DIRECTORY,		ENOTDIR },
	{ "in",			O_WRONLY | O_CREAT | O_EXCL,	EEXIST },
	{ "sub",		O_WRONLY,			EISDIR },
	/* links, whatever they point at */
	{ "link",		O_RDONLY,			ELOOP },
	{ "link",		O_PATH,				ELOOP },
	{ "link",		O_WRONLY | O_CREAT,		ELOOP },
	{ "out",		O_RDONLY,			ELOOP },
	{ "dirlink",		O_RDONLY | O_DIRECTORY,		ELOOP },
	{ "dirlink/deep",	O_RDONLY | O_DIRECTORY,		ELOOP },
	{ "dirlink/deep/file",	O_RDONLY,			ELOOP },
	{ "sub/top/etc/passwd",	O_RDONLY,			ELOOP },
	/* ways out */
	{ "..",			O_RDONLY | O_DIRECTORY,		EXDEV },
	{ "../outside",		O_RDONLY,			EXDEV },
	{ "sub/../../outside",	O_RDONLY,			EXDEV },
	{ "sub/../in",		O_RDONLY,			EXDEV },
	{ "sub/..",		O_RDONLY | O_DIRECTORY,		EXDEV },
	{ "sub/../",		O_RDONLY | O_DIRECTORY,		EXDEV },
	{ "/etc/passwd",	O_RDONLY,			EXDEV },
	{ "/",			O_RDONLY | O_DIRECTORY,		EXDEV },
};

START_TEST(opens_beneath_only)
{
	if (_i)
		take_openat2_away();
	for (int i = 0; i < COUNT(opens); i++) {
		int fd = file_open_beneath(home, opens[i].path, opens[i].flags, 0600);

		ck_assert_msg((fd < 0 ? errno : 0) == opens[i].wanted, "\"%s\" flags %o: %s",
		    opens[i].path, (unsigned)opens[i].flags, fd < 0 ? strerror(errno) : "opened");
		if (fd < 0)
			continue;
		ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
		close(fd);
	}
}
END_TEST

START_TEST(many_by_hand_leave_nothing_open)
{
	int before = dup(home), after;

	close(before);
	take_openat2_away();
	for (int k = 0; k < 3; k++) {
		for (int i = 0; i < COUNT(opens); i++) {
			int fd = file_open_beneath(home, opens[i].path, opens[i].flags, 0600);

			if (fd >= 0)
				close(fd);
		}
	}
	after = dup(home);
	ck_assert_int_eq(after, before);
	close(after);
}
END_TEST

START_TEST(directories_are_made_without_links)
{
	struct err e;

	if (_i)
		take_openat2_away();
	ck_assert_msg(file_make_dirs(home, "sub/a/b/c", 0700, &e), "%s", e.text);
	ck_assert(file_make_dirs(home, "sub/a/b/c", 0700, &e));
	ck_assert(!file_make_dirs(home, "dirlink/d", 0700, &e));
	ck_assert(!file_make_dirs(home, "sub/../../d", 0700, &e));
	ck_assert_int_eq(access("d", F_OK), -1);
	ck_assert_int_eq(access("home/sub/d", F_OK), -1);
}
END_TEST

/* Many who make the same one: one is there, all succeed, and nothing else is left. */
START_TEST(owned_directory_is_made_once)
{
	struct stat st;

	for (int i = 0; i < 8; i++) {
		if (fork() == 0)
			_exit(!file_make_owned("made", 0700, (int)geteuid(), (int)getegid(), NULL));
	}
	for (int i = 0; i < 8; i++) {
		int status;

		ck_assert_int_gt(wait(&status), 0);
		ck_assert_int_eq(status, 0);
	}
	ck_assert_int_eq(stat("made", &st), 0);
	ck_assert(S_ISDIR(st.st_mode) && st.st_uid == geteuid());
	ck_assert_int_ne(system("ls -d made.* >/dev/null 2>&1"), 0);
	ck_assert(file_make_owned("made", 0700, -1, -1, NULL));
	ck_assert(!file_make_owned("not/there", 0700, -1, -1, NULL));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("os-file");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_add_loop_test(tc, opens_beneath_only, 0, WAYS);
	tcase_add_test(tc, many_by_hand_leave_nothing_open);
	tcase_add_loop_test(tc, directories_are_made_without_links, 0, WAYS);
	tcase_add_test(tc, owned_directory_is_made_once);
	return unit_end();
}

/* Giving up for good what we will not need. See jail.h. */
#include "common/os/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/filter.h"

#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || \
    __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
enum { SANITIZER = true };

/* The leak checker would trace us at the end, which a hidden process does not allow. */
static bool hidden;
int __lsan_is_turned_off(void);

int __lsan_is_turned_off(void)
{
	return hidden;
}

static void note_hidden(void)
{
	hidden = true;
}
#else
enum { SANITIZER = false };

static void note_hidden(void)
{
}
#endif

/* --- limits --- */

static bool limit(int what, rlim_t most, const char *name, struct err *e)
{
	struct rlimit now, want = { most, most };

	if (getrlimit(what, &now) < 0)
		return err_sys(e, "cannot read the limit of %s", name);
	if (want.rlim_max > now.rlim_max)
		want.rlim_cur = want.rlim_max = now.rlim_max;
	if (setrlimit(what, &want) < 0)
		return err_sys(e, "cannot limit %s", name);
	return true;
}

static bool set_limits(const struct jail *j, struct err *e)
{
	if (j->files && !limit(RLIMIT_NOFILE, j->files, "descriptors", e))
		return false;
	if (j->memory_mb && !SANITIZER &&
	    !limit(RLIMIT_DATA, (rlim_t)j->memory_mb << 20, "memory", e))
		return false;
	return true;
}

bool jail_hide(struct err *e)
{
	note_hidden();
	if (!limit(RLIMIT_CORE, 0, "core files", e))
		return false;
	return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 || err_sys(e, "cannot forbid core files");
}

/* --- who we are --- */

bool jail_become(int uid, int gid, struct err *e)
{
	uid_t r, ef, s;
	gid_t gr, ge, gs;

	if (uid <= 0 || gid <= 0)
		return err_perm(e, "5.3.5", "nobody becomes uid %d, gid %d here", uid, gid);
	if (setgroups(0, NULL) < 0 || setresgid((gid_t)gid, (gid_t)gid, (gid_t)gid) < 0 ||
	    setresuid((uid_t)uid, (uid_t)uid, (uid_t)uid) < 0)
		return err_sys(e, "cannot become uid %d, gid %d", uid, gid);
	if (getresuid(&r, &ef, &s) < 0 || getresgid(&gr, &ge, &gs) < 0 ||
	    r != (uid_t)uid || ef != r || s != r || gr != (gid_t)gid || ge != gr || gs != gr)
		return err_perm(e, "5.3.5", "uid %d, gid %d did not stick", uid, gid);
	if (setresuid(0, 0, 0) == 0 || setuid(0) == 0 || seteuid(0) == 0 || setgid(0) == 0)
		return err_perm(e, "5.3.5", "uid %d could become root again", uid);
	return true;
}

static bool drop_capabilities(struct err *e)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return err_sys(e, "cannot drop capability %d", cap);
	}
	return true;
}

static bool enter_empty(const char *dir, struct err *e)
{
	if (chroot(dir) < 0 || chdir("/") < 0)
		return err_sys(e, "cannot make %s the root directory", dir);
	return true;
}

/* A change of uid takes away the signal for the parent's death; we want to keep it. */
static bool become(const struct jail *j, struct err *e)
{
	int at_death = 0;

	if (prctl(PR_GET_PDEATHSIG, &at_death) < 0)
		return err_sys(e, "cannot ask for the parent's signal");
	if (j->uid < 0)
		return true;
	if (!drop_capabilities(e))
		return false;
	if (j->empty && !j->paths[0].path && !enter_empty(j->empty, e))
		return false;
	if (!jail_become(j->uid, j->gid, e))
		return false;
	if (prctl(PR_SET_PDEATHSIG, at_death) < 0)
		return err_sys(e, "cannot keep the parent's signal");
	return true;
}

/* --- files: Landlock --- */

enum {
	RIGHTS_READ_FILE = LANDLOCK_ACCESS_FS_READ_FILE,
	RIGHTS_READ = RIGHTS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR,
	RIGHTS_WRITE_FILE = LANDLOCK_ACCESS_FS_WRITE_FILE | 1 << 14,	/* truncate */
	RIGHTS_WRITE = RIGHTS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SYM | 1 << 13,	/* refer */
};

/* What each version of Landlock added, as the kernel's header counts; ours may be older. */
struct ruleset { uint64_t files, net, scoped; };

static struct ruleset all_rights(int version, unsigned may)
{
	struct ruleset r = { (1u << 13) - 1, 0, 0 };

	if (version >= 2)
		r.files |= 1 << 13;		/* refer: link and rename between directories */
	if (version >= 3)
		r.files |= 1 << 14;		/* truncate */
	if (version >= 5)
		r.files |= 1 << 15;		/* ioctl on devices */
	if (version >= 4 && !(may & (MAY_NET | MAY_NSS)))
		r.net = 1 << 0 | 1 << 1;	/* bind and connect TCP */
	if (version >= 6)
		r.scoped = 1 << 0 | 1 << 1;	/* abstract sockets and signals of others */
	return r;
}

static bool allow_path(int ruleset, const struct jail_path *p, uint64_t handled, struct err *e)
{
	struct landlock_path_beneath_attr rule = { 0 };
	struct stat st;
	int fd = open(p->path, O_PATH | O_CLOEXEC);
	int failed;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return true;
	if (fd < 0)
		return err_sys(e, "cannot open %s", p->path);
	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access = RIGHTS_READ | (p->write ? RIGHTS_WRITE : 0);
	else
		rule.allowed_access = RIGHTS_READ_FILE | (p->write ? RIGHTS_WRITE_FILE : 0);
	rule.allowed_access &= handled;
	rule.parent_fd = fd;
	failed = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	fd_close(&fd);
	return failed ? err_sys(e, "cannot keep %s in the jail", p->path) : true;
}

static bool restrict_to(int ruleset, const struct jail *j, uint64_t handled, struct err *e)
{
	for (size_t i = 0; i < JAIL_PATHS_MAX && j->paths[i].path; i++) {
		if (!allow_path(ruleset, &j->paths[i], handled, e))
			return false;
	}
	if (syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return err_sys(e, "cannot close the jail");
	return true;
}

static bool landlock(const struct jail *j, const char **without, struct err *e)
{
	int version =
	    (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset rights = all_rights(version, j->may);
	size_t size = version >= 6 ? 24 : version >= 4 ? 16 : 8; /* older kernels know less of it */
	int fd;
	bool ok;

	if (version < 1) {
		*without = "Landlock (kernel 5.13 and later, lsm=landlock): files are guarded by uid only";
		return true;
	}
	if (version < 2)
		*without = "Landlock 2 (kernel 5.19): moving files between directories may fail";
	fd = (int)syscall(SYS_landlock_create_ruleset, &rights, size, 0);
	if (fd < 0)
		return err_sys(e, "cannot make a jail for files");
	ok = restrict_to(fd, j, rights.files, e);
	fd_close(&fd);
	return ok;
}

/* --- all of it --- */

/* A user's first mail finds no home yet. Made with the user's own rights: root follows no path of theirs. */
static bool make_home(const char *path, struct err *e)
{
	struct stat st;
	int root;
	bool ok;

	if (!path || stat(path, &st) == 0)
		return true;
	root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return err_sys(e, "cannot open /");
	ok =
	    file_make_dirs(root, path + (*path == '/'), 0700, e) || err_while(e, "making %s", path);
	fd_close(&root);
	return ok;
}

static bool may_only_log(void)
{
	const char *wish = geteuid() ? getenv("POSTHORN_SECCOMP") : NULL;

	return SANITIZER || (wish && strcmp(wish, "log") == 0);
}

bool jail_enter(const struct jail *j, const char **without, struct err *e)
{
	const char *lacking = "";
	bool only_log = may_only_log();		/* asked as whom we were started */

	if (without)
		*without = "";
	if (!set_limits(j, e) || !become(j, e) || !make_home(j->make, e))
		return false;
	if (!jail_hide(e))
		return false;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return err_sys(e, "cannot give up new privileges");
	if (!(j->may & MAY_FORK) && !landlock(j, &lacking, e))
		return false;
	if (without)
		*without = lacking;
	return filter_load(j->may, only_log, e);
}

/* What a keeper sets up before its first child. See state.h. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/keeper/state.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "common/queue/queue.h"

/* --- the log --- */

static int connect_syslog(void)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX, .sun_path = "/dev/log" };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		fd_close(&fd);
	return fd;
}

bool prepare_log(struct keeper *k, struct err *e)
{
	const char *log = k->conf.log;
	enum log_form form = LOG_FORM_PLAIN;
	int fd;

	if (*log == '/')
		fd = open(log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	else if (strcmp(log, "syslog") == 0)
		fd = connect_syslog(), form = LOG_FORM_SYSLOG;
	else
		fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return err_sys(e, "cannot open the log \"%s\"", log);
	if (strcmp(log, "journal") == 0)
		form = LOG_FORM_JOURNAL;
	fd_close(&k->log_fd);
	k->log_fd = fd;
	log_open(k->daemon->name, fd, form);
	log_show_debug(k->conf.debug);
	return true;
}

/* --- users --- */

/* In the order of a daemon's life: always, then for clients. Ends with ROLE_KEEPER. */
static void roles_of(const struct daemon *d, enum role_id list[ROLE_COUNT + 1])
{
	size_t n = 0;

	for (const enum role_id *r = d->always; *r != ROLE_KEEPER; r++)
		list[n++] = *r;
	if (d->serve)
		list[n++] = d->serve;
	for (size_t i = 0; d->on_request[i] != ROLE_KEEPER; i++)
		list[n++] = d->on_request[i];
	list[n] = ROLE_KEEPER;
}

static bool find_ids(const struct role *role, struct ids *ids, struct err *e)
{
	const struct passwd *who = getpwnam(role->user);
	const struct group *group;

	if (!who)
		return err_perm(e, "5.3.5",
		    "there is no user %s to run %s as; systemd-sysusers(8) or "
		    "posthorn.sysusers makes them",
		    role->user, role->name);
	*ids = (struct ids){ (int)who->pw_uid, (int)who->pw_gid };
	if (!role->group)
		return true;
	group = getgrnam(role->group);
	if (!group)
		return err_perm(e, "5.3.5", "there is no group %s to run %s in", role->group, role->name);
	ids->gid = (int)group->gr_gid;
	return true;
}

bool prepare_users(struct keeper *k, struct err *e)
{
	enum role_id list[ROLE_COUNT + 1];
	const struct passwd *vmail;

	for (size_t i = 0; i < ROLE_COUNT; i++)
		k->ids[i] = (struct ids){ -1, -1 };
	k->vmail = (struct ids){ -1, -1 };
	if (!k->as_root)
		return true;
	roles_of(k->daemon, list);
	for (const enum role_id *r = list; *r != ROLE_KEEPER; r++) {
		if (*roles[*r].user && strcmp(roles[*r].user, "root") != 0 &&
		    !find_ids(&roles[*r], &k->ids[*r], e))
			return false;
	}
	vmail = getpwnam(k->conf.vmail_user);
	if (vmail)
		k->vmail = (struct ids){ (int)vmail->pw_uid, (int)vmail->pw_gid };
	return true;
}

/* --- the run directory --- */

static bool make_dirs(const char *path, mode_t mode, struct err *e)
{
	int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = root >= 0 && file_make_dirs(root, path + 1, mode, e);

	if (root < 0)
		err_sys(e, "cannot open /");
	fd_close(&root);
	return ok || err_while(e, "making %s", path);
}

/* Held as long as we live: two keepers of one daemon would share a queue without knowing. */
static bool lock(struct keeper *k, int run, int *code, struct err *e)
{
	char name[64], pid[32];
	int fd, n = snprintf(pid, sizeof pid, "%d\n", (int)getpid());

	snprintf(name, sizeof name, "%s.pid", k->daemon->name);
	fd = openat(run, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return err_sys(e, "cannot open %s in %s", name, k->conf.run_directory);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		*code = EX_UNAVAILABLE;
		return err_perm(e, "5.3.5",
		    "another %s with the run directory %s is at work already", k->daemon->name,
		    k->conf.run_directory);
	}
	k->lock_fd = fd;
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return err_sys(e, "cannot write %s", name);
	return true;
}

static bool open_peers(struct keeper *k, int run, struct err *e)
{
	k->peers_fd = openat(run, "peers", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (k->peers_fd < 0 || ftruncate(k->peers_fd, PEERS_BYTES) < 0)
		return err_sys(e, "cannot make the table of peers in %s", k->conf.run_directory);
	k->peers = peers_map(k->peers_fd, e);
	if (getrandom(k->mark_key, sizeof k->mark_key, 0) != sizeof k->mark_key ||
	    getrandom(k->seal_key, sizeof k->seal_key, 0) != sizeof k->seal_key)
		return err_sys(e, "cannot get random bytes");
	return k->peers != NULL;
}

/*
 * Marks of full mailboxes (common/directory/full.h): pick writes, clerks read, nobody else looks. Every
 * keeper makes the directory, so that its clerk's jail can have it; that of mda knows whose it is.
 */
static bool make_full(const struct keeper *k, int run, struct err *e)
{
	const struct ids *pick = &k->ids[ROLE_PICK], *clerk = &k->ids[ROLE_CLERK];

	if (mkdirat(run, "full", 0750) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make %s/full", k->conf.run_directory);
	if (pick->uid < 0)
		return true;
	if (fchownat(run, "full", (uid_t)pick->uid, (gid_t)clerk->gid, AT_SYMLINK_NOFOLLOW) < 0 ||
	    fchmodat(run, "full", 02750, 0) < 0)
		return err_sys(e, "cannot give %s/full to its owner", k->conf.run_directory);
	return true;
}

static bool fill_run(struct keeper *k, int run, int *code, struct err *e)
{
	if (mkdirat(run, "empty", 0555) < 0 && errno != EEXIST)
		return err_sys(e, "cannot make %s/empty", k->conf.run_directory);
	return make_full(k, run, e) && lock(k, run, code, e) && open_peers(k, run, e);
}

bool prepare_run(struct keeper *k, int *code, struct err *e)
{
	bool ok;
	int run;

	*code = EX_NOPERM;
	if (!make_dirs(k->conf.run_directory, 0755, e))
		return false;
	run = open(k->conf.run_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run < 0)
		return err_sys(e, "cannot open %s", k->conf.run_directory);
	ok = fill_run(k, run, code, e);
	fd_close(&run);
	return ok;
}

/* --- the key of salts --- */

static bool read_salt_key(struct keeper *k, int dir)
{
	int fd = openat(dir, "salt-key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = fd >= 0 && read(fd, k->salt_key, sizeof k->salt_key) == sizeof k->salt_key;

	fd_close(&fd);
	return ok;
}

/* Whole under its name or not at all: daemons that start together must agree on one. */
static bool make_salt_key(struct keeper *k, int dir)
{
	int fd = openat(dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	char self[40];
	bool ok;

	snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
	ok = fd >= 0 && write(fd, k->salt_key, sizeof k->salt_key) == sizeof k->salt_key &&
	    file_flush(fd, "salt-key", NULL) &&
	    (linkat(AT_FDCWD, self, dir, "salt-key", AT_SYMLINK_FOLLOW) == 0 || errno == EEXIST);
	fd_close(&fd);
	return ok;
}

static bool load_salt_key(struct keeper *k, struct err *e)
{
	int dir = -1;
	bool ok;

	if (!make_dirs(k->conf.auth_directory, 0700, e))
		return false;
	dir = open(k->conf.auth_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok =
	    dir >= 0 && (read_salt_key(k, dir) || (make_salt_key(k, dir) && read_salt_key(k, dir)));
	fd_close(&dir);
	return ok || err_sys(e, "cannot keep a key in %s", k->conf.auth_directory);
}

void prepare_salts(struct keeper *k)
{
	struct err e;

	if (getrandom(k->salt_key, sizeof k->salt_key, 0) != sizeof k->salt_key)
		abort();
	if (!load_salt_key(k, &e))
		log_warn("who tries SCRAM names before and after this start can tell which exist: %s", e.text);
}

/* --- queue, TLS, settings --- */

bool prepare_queue(struct keeper *k, struct err *e)
{
	enum role_id list[ROLE_COUNT + 1];

	roles_of(k->daemon, list);
	for (const enum role_id *r = list; *r != ROLE_KEEPER; r++) {
		if (strstr(roles[*r].root, "$queue"))
			return queue_make(k->conf.queue_directory, e);
	}
	return true;
}

static int open_pem(const char *path, const char *what, bool secret, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	struct stat st;

	if (fd < 0)
		err_sys(e, "cannot open the %s %s", what, path);
	else if (secret && fstat(fd, &st) == 0 && (st.st_mode & S_IROTH))
		log_warn("everybody on this machine may read the %s %s: chmod o= it", what, path);
	return fd;
}

/* False: some are open, the others -1. Key and certificate may be one file. */
static bool open_pems(const struct conf *c, int fds[3], struct err *e)
{
	fds[0] = open_pem(c->tls_certificate, "certificate", false, e);
	if (fds[0] >= 0)
		fds[1] = open_pem(*c->tls_key ? c->tls_key : c->tls_certificate, "key", true, e);
	if (fds[1] >= 0 && *c->tls_client_ca)
		fds[2] = open_pem(c->tls_client_ca, "file of clients' authorities", false, e);
	return fds[1] >= 0 && (fds[2] >= 0 || !*c->tls_client_ca);
}

bool prepare_tls(struct keeper *k, struct err *e)
{
	int *old[] = { &k->certificate, &k->key, &k->client_ca }, fds[3] = { -1, -1, -1 };
	bool ok;

	if (!*k->conf.tls_certificate || !k->daemon->serve)
		return true;
	ok = open_pems(&k->conf, fds, e);
	for (size_t i = 0; i < 3; i++) {
		if (ok)
			fd_close(old[i]);
		if (ok)
			*old[i] = fds[i];
		else
			fd_close(&fds[i]);
	}
	return ok;
}

bool prepare_settings(struct keeper *k, struct err *e)
{
	const char *offer[OFFER_MAX];
	struct conf told = k->conf;
	int fd;

	told.auth_mechanisms.words = offer;
	offer_mechanisms(k, offer, &told.auth_mechanisms.count);
	if (!conf_to_fd(&told, &fd, e))
		return false;
	fd_close(&k->conf_fd);
	k->conf_fd = fd;
	return true;
}

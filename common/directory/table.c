/* Texts by key, in a file that is replaced whole. See table.h. */
#include "common/directory/table.h"

#include <db.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/fd.h"

enum { CACHE_SIZE = 1 << 20, LOG_FILE_SIZE = 1 << 20, CHECKPOINT_KB = 512, CHECKPOINT_MIN = 1, VALUE_MAX = 128 << 10 };

struct table { DB_ENV *env; DB *db; int lock; bool logged; };	/* lock and log: of a ledger */

static bool failed(struct err *e, const char *what, const char *path, int rc)
{
	return err_temp(e, "4.3.0", "cannot %s the table %s: %s", what, path ? path : "in memory",
	    db_strerror(rc));
}

/* Libdb prints to standard error by itself unless told where else. */
static void be_quiet(const DB_ENV *env, const char *prefix, const char *text)
{
	(void)env;
	(void)prefix;
	(void)text;
}

static int open_environment(struct table *t, const char *path)
{
	char home[4096] = "/";
	const char *slash = path ? strrchr(path, '/') : NULL;
	int rc;

	if (slash && slash != path)
		snprintf(home, sizeof home, "%.*s", (int)(slash - path), path);
	rc = db_env_create(&t->env, 0);
	if (rc)
		return rc;
	t->env->set_errcall(t->env, be_quiet);
	rc = t->env->set_cachesize(t->env, 0, CACHE_SIZE, 1);
	if (rc)
		return rc;
	return t->env->open(t->env, home, DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL, 0);
}

static int open_both(struct table *t, const char *path, u_int32_t flags)
{
	int rc = open_environment(t, path);

	if (rc)
		return rc;
	rc = db_create(&t->db, t->env, 0);
	if (rc)
		return rc;
	return t->db->open(t->db, NULL, path, NULL, DB_BTREE, flags, 0640);
}

static struct table *table_any(const char *path, u_int32_t flags, const char *what, struct err *e)
{
	struct table *t;
	int rc;

	if (path && *path != '/') {
		err_perm(e, "5.3.5", "a table's path is absolute, not %s", path);
		return NULL;
	}
	t = mem_get(sizeof *t);
	t->lock = -1;
	rc = open_both(t, path, flags);
	if (!rc)
		return t;
	table_close(t, NULL);
	failed(e, what, path, rc);
	return NULL;
}

struct table *table_new(struct err *e)
{
	return table_any(NULL, DB_CREATE, "make", e);
}

struct table *table_create(const char *path, struct err *e)
{
	return table_any(path, DB_CREATE | DB_EXCL, "create", e);
}

struct table *table_open(const char *path, struct err *e)
{
	return table_any(path, DB_RDONLY, "open", e);
}

bool table_close(struct table *t, struct err *e)
{
	int rc = 0, rc_env = 0;

	if (!t)
		return true;
	if (t->db)
		rc = t->db->close(t->db, 0);
	if (t->env)
		rc_env = t->env->close(t->env, 0);
	fd_close(&t->lock);
	free(t);
	return rc || rc_env ? failed(e, "close", "", rc ? rc : rc_env) : true;
}

static DBT dbt_of(struct span s)
{
	return (DBT){ .data = (void *)(uintptr_t)s.p, .size = (u_int32_t)s.n };
}

bool table_put(struct table *t, struct span key, struct span value, struct err *e)
{
	DBT k = dbt_of(key), v = dbt_of(value);
	int rc;

	if (value.n > VALUE_MAX)
		return err_perm(e, "5.3.5", "longer than %d bytes", VALUE_MAX);
	rc = t->db->put(t->db, NULL, &k, &v, DB_NOOVERWRITE);
	if (rc == DB_KEYEXIST)
		return err_perm(e, "5.3.5", "the key is there already");
	return rc ? failed(e, "write", "", rc) : true;
}

bool table_get(struct table *t, struct span key, struct str *value, bool *found, struct err *e)
{
	DBT k = dbt_of(key), v = { 0 };
	int rc = t->db->get(t->db, NULL, &k, &v, 0);

	str_reset(value);
	*found = rc == 0;
	if (rc == DB_NOTFOUND)
		return true;
	if (rc)
		return failed(e, "read", "", rc);
	str_add(value, (struct span){ v.data, v.size });
	return value->over ? err_temp(e, "4.3.0", "a row of a table is too long") : true;
}

/* What a full or failing machine says does not tell that the bytes are damaged. */
static bool is_damage(int rc)
{
	static const int machine[] = { 0, ENOSPC, EDQUOT, EIO, ENOMEM, EMFILE, ENFILE, EACCES,
		EPERM, EROFS, EAGAIN, EINTR };

	for (size_t i = 0; i < sizeof machine / sizeof *machine; i++) {
		if (rc == machine[i])
			return false;
	}
	return true;
}

/* ---- hints ---- */

/* A handle that has verified is used up, whatever it found. */
static int verify(const char *path)
{
	struct table *t = mem_get(sizeof *t);
	int rc;

	t->lock = -1;
	rc = open_environment(t, path);

	if (!rc)
		rc = db_create(&t->db, t->env, 0);
	if (!rc) {
		rc = t->db->verify(t->db, path, NULL, NULL, 0);
		t->db = NULL;
	}
	table_close(t, NULL);
	return rc;
}

struct table *table_hints(const char *path, bool *anew, struct err *e)
{
	int rc;

	*anew = false;
	if (access(path, F_OK) < 0)
		return table_create(path, e);
	rc = verify(path);
	if (!is_damage(rc)) {
		if (rc == 0)
			return table_any(path, 0, "open", e);
		failed(e, "verify", path, rc);
		return NULL;
	}
	if (unlink(path) < 0) {
		err_sys(e, "cannot remove the damaged %s", path);
		return NULL;
	}
	*anew = true;
	return table_create(path, e);
}

bool table_sync(struct table *t, struct err *e)
{
	int rc = t->db->sync(t->db, 0);

	return rc ? failed(e, "write", "", rc) : true;
}

/* ---- ledgers ---- */

static int open_logged(struct table *t, const char *directory)
{
	int rc = db_env_create(&t->env, 0);

	if (rc)
		return rc;
	t->env->set_errcall(t->env, be_quiet);
	t->env->set_cachesize(t->env, 0, CACHE_SIZE, 1);
	t->env->set_lg_max(t->env, LOG_FILE_SIZE);
	t->env->log_set_config(t->env, DB_LOG_AUTO_REMOVE, 1);
	t->env->set_flags(t->env, DB_TXN_WRITE_NOSYNC, 1);
	rc = t->env->open(t->env, directory,
	    DB_CREATE | DB_PRIVATE | DB_INIT_MPOOL | DB_INIT_LOG | DB_INIT_TXN | DB_RECOVER, 0600);
	if (rc)
		return rc;
	rc = db_create(&t->db, t->env, 0);
	if (rc)
		return rc;
	t->logged = true;
	return t->db->open(t->db, NULL, "rows.db", NULL, DB_BTREE, DB_CREATE | DB_AUTO_COMMIT, 0600);
}

/* All but the lock, which is ours. */
static void empty_directory(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!d) {
		fd_close(&fd);
		return;
	}
	while ((entry = readdir(d))) {
		if (*entry->d_name != '.' && strcmp(entry->d_name, "lock") != 0)
			unlinkat(dir, entry->d_name, 0);
	}
	closedir(d);
}

static int lock_directory(int dir, struct err *e)
{
	int fd = openat(dir, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0) {
		err_sys(e, "cannot make a lock");
	} else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		err_sys(e, "another process has it");
		fd_close(&fd);
	}
	return fd;
}

static struct table *ledger_try(const char *directory, int lock, bool *damaged, struct err *e)
{
	struct table *t = mem_get(sizeof *t);
	int rc;

	t->lock = lock;
	rc = open_logged(t, directory);
	*damaged = is_damage(rc);
	if (!rc)
		return t;
	t->lock = -1;			/* stays the caller's */
	table_close(t, NULL);
	failed(e, "open", directory, rc);
	return NULL;
}

struct table *table_ledger(const char *directory, bool *anew, struct err *e)
{
	int dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), lock;
	struct table *t;

	*anew = false;
	if (dir < 0) {
		err_sys(e, "cannot open %s", directory);
		return NULL;
	}
	lock = lock_directory(dir, e);
	t = lock < 0 ? NULL : ledger_try(directory, lock, anew, e);
	if (*anew) {
		empty_directory(dir);
		t = ledger_try(directory, lock, &(bool){ false }, e);
	}
	close(dir);
	if (!t)
		fd_close(&lock);
	return t;
}

/* ---- rows of both ---- */

bool table_set(struct table *t, struct span key, struct span value, struct err *e)
{
	DBT k = dbt_of(key), v = dbt_of(value);
	int rc = t->db->put(t->db, NULL, &k, &v, t->logged ? DB_AUTO_COMMIT : 0);

	if (!rc && t->logged)
		rc = t->env->txn_checkpoint(t->env, CHECKPOINT_KB, CHECKPOINT_MIN, 0);
	return rc ? failed(e, "write", "", rc) : true;
}

static int sift(struct table *t, DB_TXN *txn, bool (*keep)(void *, struct span, struct span), void *arg)
{
	DBT k = { 0 }, v = { 0 };
	DBC *at;
	int rc = t->db->cursor(t->db, txn, &at, 0);

	if (rc)
		return rc;
	while (!rc && (rc = at->get(at, &k, &v, DB_NEXT)) == 0) {
		if (!keep(arg, (struct span){ k.data, k.size }, (struct span){ v.data, v.size }))
			rc = at->del(at, 0);
	}
	at->close(at);
	return rc == DB_NOTFOUND ? 0 : rc;
}

bool table_sift(struct table *t, bool (*keep)(void *arg, struct span key, struct span value),
    void *arg, struct err *e)
{
	DB_TXN *txn = NULL;
	int rc = t->logged ? t->env->txn_begin(t->env, NULL, &txn, 0) : 0;

	if (!rc)
		rc = sift(t, txn, keep, arg);
	if (txn && rc)
		txn->abort(txn);
	else if (txn)
		rc = txn->commit(txn, 0);
	return rc ? failed(e, "sift", "", rc) : true;
}

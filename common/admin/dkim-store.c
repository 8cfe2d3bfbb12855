/* DKIM keys on disk, as whoever may change them. See dkim.h. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/admin/dkim.h"
#include "common/os/fd.h"
#include "common/os/file.h"

enum { TRIES_FOR_A_NAME = 26 };

/* The sign process reads them, and nobody else. Without root everything is the caller's. */
static bool give_to_signer(int dir, const char *name, mode_t mode, struct err *e)
{
	const struct passwd *who = geteuid() == 0 ? getpwnam("posthorn-sign") : NULL;

	if (who && fchownat(dir, name, who->pw_uid, who->pw_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, "cannot give %s to posthorn-sign", name);
	return fchmodat(dir, name, mode, 0) == 0 || err_sys(e, "cannot set the mode of %s", name);
}

static bool make_dir(int parent, const char *name, struct err *e)
{
	bool there = mkdirat(parent, name, 0700) < 0;

	if (there && errno != EEXIST)
		return err_sys(e, "cannot make the directory %s", name);
	if (there && geteuid() != 0)
		return true;
	/* one that is there may be of a run that was killed before this */
	return give_to_signer(parent, name, 0700, e) && file_flush_dir(parent, name, e);
}

static int open_below(int parent, const char *name, bool make, struct err *e)
{
	int fd;

	if (make && !make_dir(parent, name, e))
		return -1;
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		err_perm(e, "5.7.5",
		    "there are no DKIM keys for %s; `posthorn dkim key new` makes some", name);
	else if (fd < 0)
		err_sys(e, "cannot open the directory %s", name);
	return fd;
}

int dkim_store_root(const struct conf *c, bool make, struct err *e)
{
	int config = open(c->config_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd;

	if (config < 0) {
		err_sys(e, "cannot open %s", c->config_directory);
		return -1;
	}
	fd = open_below(config, "dkim", make, e);
	fd_close(&config);
	return fd;
}

int dkim_store_domain(const struct conf *c, const char *domain, bool make, struct err *e)
{
	int root = dkim_store_root(c, make, e), fd;

	if (root < 0)
		return -1;
	fd = open_below(root, domain, make, e);
	fd_close(&root);
	return fd;
}

/* --- one key --- */

static bool selector_taken(const struct keyring_entry *all, size_t count, const char *selector)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(all[i].selector, selector) == 0)
			return true;
	}
	return false;
}

/* r20261125, then r20261125b and so on: what it is for, and when it was made. */
static bool choose_selector(int domain, enum key_kind kind, char selector[KEYRING_SELECTOR], struct err *e)
{
	struct keyring_entry all[KEYRING_DOMAIN_KEYS];
	time_t now = time(NULL);
	struct tm day;
	size_t count;

	if (!keyring_list(domain, all, &count, e))
		return false;
	if (count == KEYRING_DOMAIN_KEYS)
		return err_perm(e, "5.5.4",
		    "there are %d keys; `posthorn dkim rotate --retire` removes old ones",
		    KEYRING_DOMAIN_KEYS);
	if (*selector)
		return !selector_taken(all, count, selector) ||
		    err_perm(e, "5.5.4", "there is a key %s already; a selector is used once", selector);
	gmtime_r(&now, &day);
	for (int i = 0; i < TRIES_FOR_A_NAME; i++) {
		snprintf(selector, KEYRING_SELECTOR, "%c%04d%02d%02d%s", key_kind_name(kind)[0],
		    day.tm_year + 1900, day.tm_mon + 1, day.tm_mday,
		    i ? (char[]){ (char)('a' + i), '\0' } : "");
		if (!selector_taken(all, count, selector))
			return true;
	}
	return err_perm(e, "5.5.4", "that many keys in one day");
}

/* Under its name it is whole and the signer's, and replaces none that somebody made meanwhile. */
static bool write_pem(int domain, const char *name, struct span pem, struct err *e)
{
	char fresh[40];
	bool ok;
	int fd;

	snprintf(fresh, sizeof fresh, ".new.%d", (int)getpid());
	unlinkat(domain, fresh, 0);
	fd = file_open_beneath(domain, fresh, O_WRONLY | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		return err_sys(e, "cannot make %s", fresh);
	ok = file_write(fd, pem, e) && give_to_signer(domain, fresh, 0600, e) &&
	    file_commit(fd, domain, fresh, domain, name, false, e);
	fd_close(&fd);
	if (!ok)
		unlinkat(domain, fresh, 0);
	return ok;
}

static bool write_key(int domain, const struct key *k, const char *selector, struct err *e)
{
	struct str pem = STR(KEY_PEM_MAX);
	char name[KEYRING_FILE];
	bool ok;

	keyring_file_print(selector, KEYRING_NEW, name);
	ok = key_print_private(k, &pem) || err_temp(e, "4.7.0", "cannot print the key");
	ok = ok && write_pem(domain, name, str_span(&pem), e);
	explicit_bzero(pem.p, pem.n);
	str_free(&pem);
	return ok;
}

bool dkim_store_make(int domain, enum key_kind kind, unsigned bits, char selector[KEYRING_SELECTOR], struct err *e)
{
	struct key *k;
	bool ok;

	if (!choose_selector(domain, kind, selector, e))
		return false;
	k = key_make(kind, bits, e);
	ok = k && write_key(domain, k, selector, e);
	key_free(k);
	return ok;
}

bool dkim_store_change(int domain, const struct keyring_entry *entry, enum keyring_state to, struct err *e)
{
	char was[KEYRING_FILE], is[KEYRING_FILE];

	keyring_file_print(entry->selector, entry->state, was);
	keyring_file_print(entry->selector, to, is);
	if (renameat(domain, was, domain, is) < 0)
		return err_sys(e, "cannot make %s %s", was, keyring_state_name(to));
	return file_flush_dir(domain, is, e);
}

bool dkim_store_remove(int domain, const struct keyring_entry *entry, struct err *e)
{
	char name[KEYRING_FILE];

	keyring_file_print(entry->selector, entry->state, name);
	if (unlinkat(domain, name, 0) < 0)
		return err_sys(e, "cannot remove %s", name);
	return file_flush_dir(domain, name, e);
}

/* --- all domains --- */

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

bool dkim_store_each(const struct conf *c, bool (*each)(void *arg, const char *domain), void *arg, struct err *e)
{
	struct dirent **names = NULL;
	int root = dkim_store_root(c, false, NULL), n;
	bool go_on = true;

	if (root < 0)
		return true;
	n = scandirat(root, ".", &names, no_dots, alphasort);
	fd_close(&root);
	if (n < 0)
		return err_sys(e, "cannot read %s/dkim", c->config_directory);
	for (int i = 0; i < n; i++) {
		go_on = go_on && each(arg, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return true;
}

/* Make the directories that a virtual user's mail needs. See home.h. */
#include "common/admin/home.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/conf/who.h"
#include "common/directory/name.h"
#include "common/os/file.h"

/*
 * The directory may be another's to write in: so a new one is looked at again through its
 * descriptor before it is given away.
 */
static bool make_one(int parent, const char *name, uid_t uid, gid_t gid, mode_t mode, struct err *e)
{
	struct stat st;
	bool ok;
	int fd;

	if (mkdirat(parent, name, 0700) < 0)
		return errno == EEXIST || err_sys(e, "cannot make the directory %s", name);
	fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open the directory %s", name);
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid())
		ok = err_temp(e, "4.3.0", "somebody changes %s while we make it", name);
	else if (fchown(fd, uid, gid) < 0 || fchmod(fd, mode) < 0)
		ok = err_sys(e, "cannot give the directory %s to its owner", name);
	else
		ok = true;
	close(fd);
	return ok;
}

static int open_mail(const struct conf *c, struct err *e)
{
	int fd = open(c->mail_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		err_sys(e, "cannot open mail-directory %s", c->mail_directory);
	return fd;
}

bool home_make_domain(const struct conf *c, struct span domain, struct err *e)
{
	struct dir_rules rules;
	char name[256];
	int mail;
	bool ok;

	who_rules(c, geteuid() == 0, &rules);
	if (rules.as_caller)
		return true;
	if (!rules.has_vmail)
		return err_perm(e, "5.3.5",
		    "there is no account %s to own the mail; see vmail-user in "
		    "posthorn.conf(5)",
		    c->vmail_user);
	if (!span_copy(domain, name, sizeof name))
		return err_perm(e, "5.3.5", "the domain is too long");
	mail = open_mail(c, e);
	if (mail < 0)
		return false;
	ok = make_one(mail, "postmaster", rules.uid, rules.gid, 0700, e) &&
	    make_one(mail, name, rules.uid, rules.gid, 0711, e);
	close(mail);
	return ok;
}

static bool make_user(int mail, const struct name *who, const struct dir_target *place, struct err *e)
{
	char domain[256], local[80];
	bool ok;
	int fd;

	if (!span_copy(name_domain(who), domain, sizeof domain) ||
	    !span_copy(name_local(who), local, sizeof local))
		return err_perm(e, "5.3.5", "the name is too long");
	fd = openat(mail, domain, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, "cannot open the directory %s", domain);
	ok = make_one(fd, local, place->uid, place->gid, 0700, e);
	close(fd);
	return ok;
}

bool home_make(const struct conf *c, struct span users_line, struct err *e)
{
	struct arena *a = arena_new(1 << 20, NULL, NULL);
	struct dir_target place;
	struct dir_rules rules;
	struct users_row user;
	struct name who;
	int mail = -1;
	bool ok;

	who_rules(c, geteuid() == 0, &rules);
	ok = users_line_parse(users_line, &user, e) && name_read(user.address, &who, e);
	if (ok && !user.home.n && !rules.as_caller) {
		ok = home_make_domain(c, name_domain(&who), e) &&
		    place_of_user(&rules, &user, a, &place, e) && (mail = open_mail(c, e)) >= 0 &&
		    make_user(mail, &who, &place, e);
	}
	if (mail >= 0)
		close(mail);
	arena_free(a);
	return ok;
}

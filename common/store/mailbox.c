/* An open folder. See maildir.h for the promise, inside.h for the parts. */
#include "common/store/maildir.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/watch.h"
#include "common/store/folder.h"
#include "common/store/inside.h"
#include "common/store/quota.h"

static int part_fd(const struct part *p)
{
	return dirfd(p->dir);
}

/* --- looking at the disk --- */

/* new/ABC -> cur/ABC:2, as every reader of a Maildir does. What another session moved first is not recent here. */
static void move_in(struct mailbox *m, struct entry *x)
{
	struct str name = STR(NAME_ROOM - 1);
	struct maildir_name says;

	name_parse(span_of(x->name), &says);
	name_print(says.base, says.letters, says.flags, says.keywords, &name);
	if (!name.over && renameat(part_fd(&m->fresh), x->name, part_fd(&m->cur), name.p) == 0)
		entries_rename(m, x, name.p, false);
	else
		x->pub.flags &= ~(unsigned)FLAG_RECENT;
	str_free(&name);
}

static void move_all_in(struct mailbox *m)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->entry[i].in_new && !m->entry[i].pub.gone)
			move_in(m, &m->entry[i]);
	}
}

static bool look(struct mailbox *m, struct err *e)
{
	size_t told = m->told;

	if (!scan_read(m, e)) {
		entries_cut_tail(m);
		return false;
	}
	if (!keywords_read(m->folder, &m->keywords, e) || !uids_give(m, e))
		return false;
	uids_compact(m);
	if (!m->read_only)
		move_all_in(m);
	m->pending.appeared |= m->told > told;
	return true;
}

static bool look_again(struct mailbox *m, struct err *e)
{
	return !scan_stirred(m) || look(m, e) || err_while(e, "looking at the mailbox");
}

bool mailbox_refresh(struct mailbox *m, bool *appeared, bool *vanished, bool *flags_changed, struct err *e)
{
	bool ok = look_again(m, e);

	*appeared = m->pending.appeared;
	*vanished = m->pending.vanished;
	*flags_changed = m->pending.flags_changed;
	m->pending = (struct seen){ 0 };
	return ok;
}

/* --- opening --- */

static bool open_parts(struct mailbox *m, const char *path, struct err *e)
{
	m->folder = file_open_beneath(m->root, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	if (m->folder < 0 && errno == ENOENT)
		return err_perm(e, "5.2.0", "there is no folder %s", *path ? path + 1 : "INBOX");
	if (m->folder < 0)
		return err_sys(e, "cannot open the folder %s", *path ? path + 1 : "INBOX");
	return part_open(m, &m->cur, "cur", e) && part_open(m, &m->fresh, "new", e);
}

static bool open_all(struct mailbox *m, const char *folder, struct err *e)
{
	char path[FOLDER_ROOM];
	bool ok;

	if (!folder_path(folder, path, e) || !open_parts(m, path, e))
		return false;
	/* without room for new UIDs the messages that have some are shown: who is full must be able to delete */
	ok = look(m, e) || m->told > 0;
	m->pending = (struct seen){ 0 };
	return ok;
}

struct mailbox *mailbox_open(int root, const char *folder, bool read_only, struct err *e)
{
	struct mailbox *m = mem_get(sizeof *m);

	m->root = root;
	m->read_only = read_only;
	m->folder = m->watch = -1;
	if (open_all(m, folder, e))
		return m;
	mailbox_close(m);
	return NULL;
}

void mailbox_close(struct mailbox *m)
{
	if (!m)
		return;
	if (m->dirty)
		mailbox_sync(m, NULL);
	if (m->cur.dir)
		closedir(m->cur.dir);
	if (m->fresh.dir)
		closedir(m->fresh.dir);
	fd_close(&m->folder);
	fd_close(&m->watch);
	entries_free(m);
	free(m);
}

/* --- asking --- */

uint32_t mailbox_uidvalidity(const struct mailbox *m)
{
	return m->list.uidvalidity;
}

uint32_t mailbox_uidnext(const struct mailbox *m)
{
	return m->list.uidnext;
}

size_t mailbox_count(const struct mailbox *m)
{
	return m->told;
}

static struct entry *entry_at(const struct mailbox *m, size_t index)
{
	assert(index < m->told);
	return &m->entry[index];
}

const struct mailbox_msg *mailbox_msg(const struct mailbox *m, size_t index)
{
	return &entry_at(m, index)->pub;
}

const char *mailbox_keyword(const struct mailbox *m, unsigned bit)
{
	return bit < KEYWORDS_MAX && m->keywords.name[bit][0] ? m->keywords.name[bit] : NULL;
}

const char *mailbox_uidl(const struct mailbox *m, size_t index)
{
	const char *at = entry_at(m, index)->fields;

	while (at && *at != 'P') {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at && at[1] ? at + 1 : NULL;
}

bool mailbox_uid_of(struct mailbox *m, const char *base, uint32_t *uid, struct err *e)
{
	if (!look_again(m, e))
		return false;
	for (size_t i = m->told; i-- > 0; ) {
		struct maildir_name says;

		name_parse(entry_base(&m->entry[i]), &says);
		if (span_same(says.unique, span_of(base))) {
			*uid = m->entry[i].pub.uid;
			return true;
		}
	}
	return err_temp(e, "4.3.0", "the message is gone already");
}

void mailbox_forget_gone(struct mailbox *m)
{
	entries_forget_gone(m);
}

/* --- one message --- */

static const struct part *part_of(const struct mailbox *m, const struct entry *x)
{
	return x->in_new ? &m->fresh : &m->cur;
}

/*
 * Do one thing to a message under its name; when it is not there any more, look at the
 * disk again, and once more do it under the new name. False with ENOENT: it is gone.
 */
static bool by_name(struct mailbox *m, size_t index,
    bool (*act)(struct mailbox *m, struct entry *x, void *arg), void *arg)
{
	if (entry_at(m, index)->pub.gone) {
		errno = ENOENT;
		return false;
	}
	if (act(m, entry_at(m, index), arg))
		return true;
	if (errno != ENOENT || !scan_read(m, NULL))
		return false;
	/* fresh ones must wait for the next refresh, which tells of them */
	entries_cut_tail(m);
	m->cur.settled = m->fresh.settled = false;
	errno = ENOENT;
	return !entry_at(m, index)->pub.gone && act(m, entry_at(m, index), arg);
}

static bool open_it(struct mailbox *m, struct entry *x, void *arg)
{
	int *fd = arg;

	*fd = file_open_beneath(part_fd(part_of(m, x)), x->name, O_RDONLY | O_NONBLOCK, 0);
	return *fd >= 0;
}

/* Names may lie, and only a plain file is a message. */
static bool check_file(int fd, struct entry *x, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, "cannot look at a message");
	if (!S_ISREG(st.st_mode))
		return err_temp(e, "4.3.0", "%s is not a plain file", x->name);
	x->pub.date = st.st_mtime;
	x->date_known = true;
	if (x->has_wire_size && (uint64_t)st.st_size == x->pub.size)
		return true;
	x->has_wire_size = true;
	return measure_file(fd, &x->pub.size, &x->pub.wire_size, e);
}

int mailbox_open_msg(struct mailbox *m, size_t index, struct err *e)
{
	int fd = -1;

	if (!by_name(m, index, open_it, &fd)) {
		err_sys(e, "cannot open message %u", entry_at(m, index)->pub.uid);
		return -1;
	}
	if (!check_file(fd, entry_at(m, index), e))
		fd_close(&fd);
	return fd;
}

static bool stat_it(struct mailbox *m, struct entry *x, void *arg)
{
	return fstatat(part_fd(part_of(m, x)), x->name, arg, AT_SYMLINK_NOFOLLOW) == 0;
}

time_t mailbox_date(struct mailbox *m, size_t index)
{
	struct stat st;

	if (!entry_at(m, index)->date_known && by_name(m, index, stat_it, &st)) {
		struct entry *x = entry_at(m, index);

		x->pub.date = st.st_mtime;
		x->date_known = true;
	}
	return entry_at(m, index)->pub.date;
}

struct marks { unsigned flags; uint32_t keywords; };

static bool mark_it(struct mailbox *m, struct entry *x, void *arg)
{
	const struct marks *marks = arg;
	struct str name = STR(NAME_ROOM - 1);
	struct maildir_name says;
	bool ok;

	name_parse(span_of(x->name), &says);
	name_print(says.base, says.letters, marks->flags, marks->keywords, &name);
	errno = ENAMETOOLONG;
	ok = !name.over && ((!x->in_new && strcmp(name.p, x->name) == 0)
	    || renameat(part_fd(part_of(m, x)), x->name, part_fd(&m->cur), name.p) == 0);
	if (ok) {
		entries_rename(m, x, name.p, false);
		m->dirty = true;
	}
	str_free(&name);
	return ok;
}

bool mailbox_set_flags(struct mailbox *m, size_t index, unsigned flags, uint32_t keywords, struct err *e)
{
	struct marks marks = { flags, keywords };

	return by_name(m, index, mark_it, &marks)
	    || err_sys(e, "cannot change the flags of message %u", entry_at(m, index)->pub.uid);
}

bool mailbox_add_keyword(struct mailbox *m, struct span name, unsigned *bit, struct err *e)
{
	return keywords_add(m->folder, &m->keywords, name, bit, e);
}

static bool unlink_it(struct mailbox *m, struct entry *x, void *arg)
{
	(void)arg;
	if (unlinkat(part_fd(part_of(m, x)), x->name, 0) < 0)
		return false;
	m->freed += (int64_t)x->pub.size;
	m->freed_count++;
	return true;
}

bool mailbox_expunge(struct mailbox *m, size_t index, struct err *e)
{
	if (!by_name(m, index, unlink_it, NULL) && errno != ENOENT)
		return err_sys(e, "cannot remove message %u", entry_at(m, index)->pub.uid);
	entry_at(m, index)->pub.gone = true;
	m->dirty = true;
	return true;
}

bool mailbox_sync(struct mailbox *m, struct err *e)
{
	if (!m->dirty)
		return true;
	m->dirty = false;
	if (m->freed_count)
		quota_add(m->root, -m->freed, -m->freed_count);
	m->freed = m->freed_count = 0;
	return file_flush_dir(part_fd(&m->cur), "cur", e)
	    && file_flush_dir(part_fd(&m->fresh), "new", e);
}

/* --- waiting --- */

int mailbox_watch_fd(struct mailbox *m)
{
	char path[64];

	if (m->watch >= 0)
		return m->watch;
	m->watch = watch_open();
	if (m->watch < 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/fd/%d", part_fd(&m->cur));
	if (watch_add(m->watch, path, true) < 0)
		fd_close(&m->watch);
	snprintf(path, sizeof path, "/proc/self/fd/%d", part_fd(&m->fresh));
	if (m->watch >= 0 && watch_add(m->watch, path, true) < 0)
		fd_close(&m->watch);
	return m->watch;
}

static void ignore(void *arg, int which, const char *name)
{
	(void)arg, (void)which, (void)name;
}

void mailbox_watch_drain(struct mailbox *m)
{
	if (m->watch >= 0)
		watch_each(m->watch, ignore, NULL);
}

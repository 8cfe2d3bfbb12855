/*
 * NAME
 *	mda-deliver - put messages into the Maildirs of one user
 * DESCRIPTION
 *	Runs as that user, jailed to the user's directory ($self); all virtual users that
 *	share a uid share a process. Takes jobs from pick (job.h) one after the other and
 *	answers each when the message is durable in new/, with Return-Path and Delivered-To on
 *	top. Reads no envelope, knows no alias, has no network.
 * DIAGNOSTICS
 *	All trouble with disk and rights is temporary: a message waits for a full disk
 *	or for somebody who mends a mode; and so is a full mailbox (4.2.2), unless the setting over-quota
 *	says 5.2.2. Permanent is a loop (5.4.6), and what is larger than the whole quota (5.2.3).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/keeper/role.h"
#include "common/mail/trace.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "common/store/maildir.h"
#include "common/store/quota.h"
#include "mda/job.h"

enum {
	HEAD_MAX = 65536,		/* how much of a text is read to look for loops */
	LINES_MAX = 8192,		/* of Return-Path and Delivered-To */
};

struct deliver {
	struct role_self	self;
	int			home;		/* the one directory */
	uint64_t room; /* that the quota leaves, when the last job found it too small */
	char head[HEAD_MAX]; /* the text's beginning; all of it when it is small */
};

static bool read_head(struct deliver *d, const struct job *j, struct span *head, struct err *e)
{
	uint64_t want = j->bytes < HEAD_MAX ? j->bytes : HEAD_MAX;
	ssize_t n = pread(j->text, d->head, want, 0);

	if (n < 0)
		return err_sys(e, "cannot read the text of %s", j->id);
	if ((uint64_t)n != want)
		return err_temp(e, "4.3.0", "the text of %s is shorter than its envelope says", j->id);
	*head = (struct span){ d->head, (size_t)n };
	return true;
}

static bool check_loop(struct span head, const struct job *j, struct err *e)
{
	if (trace_was_delivered_to(head, span_of(j->delivered_to)))
		return err_perm(e, "5.4.6",
		    "mail for %s goes round in circles: it was delivered there before",
		    j->delivered_to);
	if (trace_hops(head) > j->hops_max)
		return err_perm(e, "5.4.6", "more than %u Received lines: it goes round in circles",
		    j->hops_max);
	return true;
}

static void print_top(const struct job *j, struct str *top)
{
	trace_return_path(span_of(j->sender), top);
	trace_delivered_to(span_of(j->delivered_to), top);
}

/* Worker: m is open. */
static void write_text(struct maildir_put *m, const struct job *j, struct span head)
{
	struct str top = STR(LINES_MAX);

	print_top(j, &top);
	maildir_put_bytes(m, str_span(&top));
	str_free(&top);
	if (j->bytes <= HEAD_MAX)
		maildir_put_bytes(m, head);
	else
		maildir_put_text(m, j->text, j->bytes, j->wire_bytes);
}

static bool is_there(struct deliver *d, const char *path)
{
	struct stat st;

	return !*path || fstatat(d->home, path, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct maildir_put *open_inbox(struct deliver *d, const struct job *j, struct err *e)
{
	struct maildir_put *m = maildir_put_open_at(d->home, j->path, j->base, j->again, e);

	if (m)
		return m;
	/* the first message of somebody new; or the second, while the first makes the Maildir */
	if (!is_there(d, j->path) && !maildir_make(d->home, j->path, e))
		return NULL;
	return maildir_put_open_at(d->home, j->path, j->base, j->again, e);
}

static int open_maildir(struct deliver *d, const char *path, struct err *e)
{
	int root;

	if (!is_there(d, path) && !maildir_make(d->home, path, e))
		return -1;
	root = file_open_beneath(d->home, *path ? path : ".", O_RDONLY | O_DIRECTORY, 0);
	if (root < 0)
		err_sys(e, "cannot open the Maildir");
	return root;
}

/* A folder that was not there yet is one that its owner will want to see. */
static bool need_folder(int root, const char *folder, struct err *e)
{
	return folder_exists(root, folder) ||
	    (folder_create(root, folder, e) && folder_subscribe(root, folder, true, e));
}

/* root is where a folder's message is written from, and where a quota is looked up; else -1. */
static struct maildir_put *open_put(struct deliver *d, const struct job *j, int *root, struct err *e)
{
	*root = -1;
	if (!*j->folder && !j->quota)
		return open_inbox(d, j, e);
	*root = open_maildir(d, j->path, e);
	if (*root < 0 || (*j->folder && !need_folder(*root, j->folder, e)))
		return NULL;
	return maildir_put_open(*root, j->folder, j->base, j->again, e);
}

/* As a file in the Maildir. */
static uint64_t size_of(const struct job *j)
{
	struct str top = STR(LINES_MAX);
	uint64_t size;

	print_top(j, &top);
	size = top.n + j->bytes;
	str_free(&top);
	return size;
}

static bool say_full(const struct deliver *d, bool bounce, uint64_t size, struct err *e)
{
	return (bounce ? err_perm : err_temp)(e, bounce ? "5.2.2" : "4.2.2",
	    "the mailbox is full: %llu bytes are left of its quota, and the message has %llu",
	    (unsigned long long)d->room, (unsigned long long)size);
}

static bool has_room(struct deliver *d, const struct job *j, int root, struct err *e)
{
	bool bounce = strcmp(d->self.conf.mda_over_quota, "bounce") == 0;
	uint64_t size = size_of(j);

	if (size > j->quota)
		return err_perm(e, "5.2.3",
		    "the message has %llu bytes, and the whole mailbox may have %llu",
		    (unsigned long long)size, (unsigned long long)j->quota);
	return quota_ask(root, j->quota, size, bounce, clock_wall(), &d->room, e) &&
	    (size <= d->room || say_full(d, bounce, size, e));
}

static bool fill(struct maildir_put *m, const struct job *j, struct span head, struct err *e)
{
	write_text(m, j, head);
	return maildir_put_commit(m, NULL, 0, e);
}

/* Worker: the lock is held; m is ours to end. */
static bool fill_within(struct deliver *d, struct maildir_put *m, const struct job *j,
    struct span head, int root, struct err *e)
{
	if (!has_room(d, j, root, e)) {
		maildir_put_drop(m);
		return false;
	}
	if (!fill(m, j, head, e))
		return false;
	quota_add(root, (int64_t)size_of(j), 1);
	return true;
}

/* m is ours to end. What was delivered before takes no room again. */
static bool put_text(struct deliver *d, struct maildir_put *m, const struct job *j,
    struct span head, int root, struct err *e)
{
	bool ok;
	int lock;

	if (maildir_put_done_before(m))
		return maildir_put_commit(m, NULL, 0, e);
	if (!j->quota)
		return fill(m, j, head, e);
	lock = quota_lock(root, e);
	if (lock < 0) {
		maildir_put_drop(m);
		return false;
	}
	ok = fill_within(d, m, j, head, root, e);
	close(lock);
	return ok;
}

/* X.2.X speaks of the mailbox as such: senders read it, and need not know where it is. */
static bool is_for_sender(const struct err *e)
{
	return span_starts(span_from(span_of(e->status), 1), ".2.");
}

static bool put_message(struct deliver *d, const struct job *j, struct span head, struct err *e)
{
	struct maildir_put *m;
	bool ok;
	int root;

	m = open_put(d, j, &root, e);
	ok = m && put_text(d, m, j, head, root, e);
	fd_close(&root);
	if (!ok && !is_for_sender(e))
		err_while(e, "%s/%s", d->self.root_arg, j->path);
	return ok;
}

static bool do_job(struct deliver *d, const struct job *j, struct err *e)
{
	struct span head;

	d->room = 0;
	return read_head(d, j, &head, e) && check_loop(head, j, e) && put_message(d, j, head, e);
}

static void answer(struct deliver *d, struct packet *p, uint64_t task, bool ok, const struct err *e)
{
	packet_begin(p, ok ? '+' : '-');
	packet_put_u64(p, task);
	if (!ok) {
		packet_put_err(p, e);
		packet_put_u64(p, d->room);
	}
	if (!packet_send(d->self.work, p, NULL))
		exit(0);		/* pick is gone; another one asks again */
}

static void take_jobs(struct deliver *d)
{
	struct packet *p = mem_get(sizeof *p);
	char *room = mem_get(PACKET_MAX);
	struct job j;
	struct err e;

	while (packet_recv(d->self.work, p, MS_NEVER) == PACKET_OK) {
		bool ok;

		if (!job_parse(p, room, PACKET_MAX, &j)) {
			packet_drop_fds(p);
			log_error("pick asked for what is no job");
			exit(1);
		}
		ok = do_job(d, &j, &e);
		close(j.text);
		answer(d, p, j.task, ok, &e);
	}
	free(room);
	free(p);
}

int main(int argc, char **argv)
{
	static struct deliver d;

	role_begin(&d.self, ROLE_DELIVER, argc, argv);
	role_jail(&d.self);
	d.home = d.self.root_arg ? open(d.self.root_arg, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (d.home < 0 || d.self.work < 0) {
		log_error("cannot open %s: %s",
		    d.self.root_arg ? d.self.root_arg : "the user's directory", strerror(errno));
		return 1;
	}
	take_jobs(&d);
	return 0;
}

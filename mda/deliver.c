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
 *	or for somebody who mends a mode. Permanent is only a loop (5.4.6).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/keeper/role.h"
#include "common/mail/trace.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "common/store/maildir.h"
#include "mda/job.h"

enum {
	HEAD_MAX = 65536,		/* how much of a text is read to look for loops */
	LINES_MAX = 8192,		/* of Return-Path and Delivered-To */
};

struct deliver {
	struct role_self	self;
	int			home;		/* the one directory */
	char			head[HEAD_MAX];	/* the text's beginning; all of it when it is small */
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
		return err_perm(e, "5.4.6", "mail for %s goes round in circles: it was delivered there before",
		    j->delivered_to);
	if (trace_hops(head) > j->hops_max)
		return err_perm(e, "5.4.6", "more than %u Received lines: it goes round in circles", j->hops_max);
	return true;
}

/* Worker: m is open. */
static void write_text(struct maildir_put *m, const struct job *j, struct span head)
{
	struct str top = STR(LINES_MAX);

	trace_return_path(span_of(j->sender), &top);
	trace_delivered_to(span_of(j->delivered_to), &top);
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

	if (m || is_there(d, j->path))
		return m;
	/* the first message of somebody new */
	return maildir_make(d->home, j->path, e) ? maildir_put_open_at(d->home, j->path, j->base, j->again, e) : NULL;
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
	return folder_exists(root, folder) || (folder_create(root, folder, e) && folder_subscribe(root, folder, true, e));
}

/* root is where a folder's message is written from; -1 for the inbox. */
static struct maildir_put *open_put(struct deliver *d, const struct job *j, int *root, struct err *e)
{
	*root = -1;
	if (!*j->folder)
		return open_inbox(d, j, e);
	*root = open_maildir(d, j->path, e);
	if (*root < 0 || !need_folder(*root, j->folder, e))
		return NULL;
	return maildir_put_open(*root, j->folder, j->base, j->again, e);
}

static bool put_message(struct deliver *d, const struct job *j, struct span head, struct err *e)
{
	struct maildir_put *m;
	bool ok;
	int root;

	m = open_put(d, j, &root, e);
	if (m && !maildir_put_done_before(m))
		write_text(m, j, head);
	ok = m && maildir_put_commit(m, NULL, 0, e);
	fd_close(&root);
	return ok || err_while(e, "%s/%s", d->self.root_arg, j->path);
}

static bool do_job(struct deliver *d, const struct job *j, struct err *e)
{
	struct span head;

	return read_head(d, j, &head, e) && check_loop(head, j, e) && put_message(d, j, head, e);
}

static void answer(struct deliver *d, struct packet *p, uint64_t task, bool ok, const struct err *e)
{
	packet_begin(p, ok ? '+' : '-');
	packet_put_u64(p, task);
	if (!ok)
		packet_put_err(p, e);
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
		log_error("cannot open %s: %s", d.self.root_arg ? d.self.root_arg : "the user's directory", strerror(errno));
		return 1;
	}
	take_jobs(&d);
	return 0;
}

/* Copying messages between folders. See transfer.h. */
#include "imapd/transfer.h"

#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/store/quota.h"

void transfer_stem(char stem[STEM_ROOM])
{
	uint64_t dice = 0;

	if (getrandom(&dice, sizeof dice, 0) != sizeof dice)
		dice = (uint64_t)clock_ms() << 20 ^ (uint64_t)getpid();
	snprintf(stem, STEM_ROOM, "%lld.R%016llx", (long long)clock_wall(), (unsigned long long)dice);
}

void transfer_base(char base[BASE_ROOM], const char *stem, size_t n, const char *host_name)
{
	snprintf(base, BASE_ROOM, "%s_%06zu.%.100s", stem, n, host_name);
	for (char *p = base; *p; p++) {
		if (*p == '/' || *p == ':' || *p == ',' || !is_print(*p))
			*p = '_';
	}
}

const char *transfer_letters(unsigned flags, uint32_t keywords, char letters[64])
{
	static const struct { char letter; unsigned flag; } known[] = {
		{ 'D', FLAG_DRAFT }, { 'F', FLAG_FLAGGED }, { 'R', FLAG_ANSWERED },
		{ 'S', FLAG_SEEN }, { 'T', FLAG_DELETED },
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (flags & known[i].flag)
			letters[n++] = known[i].letter;
	}
	for (unsigned bit = 0; bit < 26; bit++) {
		if (keywords >> bit & 1)
			letters[n++] = (char)('a' + bit);
	}
	letters[n] = '\0';
	return n ? letters : NULL;
}

bool transfer_room(struct imap *s, uint64_t size, struct err *e)
{
	struct statvfs v;

	if (fstatvfs(s->root, &v) < 0)
		return true;		/* the write itself will tell */
	if ((uint64_t)v.f_bavail * v.f_frsize >= s->terms->disk_reserve + size)
		return true;
	return err_temp(e, "4.3.1", "the disk is nearly full");
}

void transfer_forget_target(struct imap *s)
{
	if (s->target)
		mailbox_close(s->target);
	s->target = NULL;
}

struct mailbox *transfer_target(struct imap *s, const char *folder, struct err *e)
{
	if (s->view.box && strcmp(s->view.folder, folder) == 0)
		return s->view.box;
	if (s->target && strcmp(s->target_folder, folder) == 0)
		return s->target;
	transfer_forget_target(s);
	if (span_copy(span_of(folder), s->target_folder, sizeof s->target_folder))
		s->target = mailbox_open(s->root, folder, true, e);
	else
		err_perm(e, "5.1.1", "that name is too long");
	return s->target;
}

static bool open_dest(struct transfer *t, struct err *e)
{
	if (!t->dest)
		t->dest = transfer_target(t->s, t->to, e);
	return t->dest;
}

/* The same keywords, under the letters they have there. */
static bool map_keywords(struct transfer *t, uint32_t here, uint32_t *there, struct err *e)
{
	*there = 0;
	for (unsigned bit = 0; bit < 26; bit++) {
		const char *name = here >> bit & 1 ? mailbox_keyword(t->from, bit) : NULL;
		unsigned its;

		if (!name)
			continue;
		if (t->letters[bit] < 0) {
			if (!open_dest(t, e) ||
			    !mailbox_add_keyword(t->dest, span_of(name), &its, e))
				return false;
			t->letters[bit] = (signed char)its;
		}
		*there |= UINT32_C(1) << t->letters[bit];
	}
	return true;
}

static bool put(struct transfer *t, int fd, size_t index, struct err *e)
{
	const struct mailbox_msg *m = mailbox_msg(t->from, index);
	char base[BASE_ROOM], letters[64];
	struct maildir_put *put;
	uint32_t keywords;

	if (!map_keywords(t, m->keywords, &keywords, e))
		return false;
	transfer_base(base, t->stem, t->done, t->s->terms->host_name);
	put = maildir_put_open(t->s->root, t->to, base, false, e);
	if (!put)
		return false;
	maildir_put_text(put, fd, m->size, m->wire_size);
	return maildir_put_commit(put, transfer_letters(m->flags, keywords, letters),
	    mailbox_date(t->from, index), e);
}

/* A message that vanished meanwhile is left out. */
static bool copy_one(struct transfer *t, size_t index, struct err *e)
{
	int fd = mailbox_msg(t->from, index)->gone ? -1 : mailbox_open_msg(t->from, index, e);
	bool ok;

	if (fd < 0) {
		t->missed = true;
		return mailbox_msg(t->from, index)->gone;
	}
	ok = put(t, fd, index, e);
	close(fd);
	if (ok)
		t->indexes[t->done++] = index;
	return ok;
}

/* Which of our copies is this file? */
static bool number_of(const struct transfer *t, const char *name, uint64_t *n)
{
	struct span at = span_of(name);

	return span_eat(&at, t->stem) && span_eat_char(&at, '_') && span_eat_u64(&at, t->done, n) &&
	    *n < t->done && span_eat_char(&at, '.');
}

/* One of them failed: the others must not stay. */
static void take_back(struct transfer *t)
{
	bool a, b, c;
	uint64_t n;

	if (!t->done || !open_dest(t, NULL) || !mailbox_refresh(t->dest, &a, &b, &c, NULL))
		return;
	for (size_t i = 0; i < mailbox_count(t->dest); i++) {
		if (number_of(t, mailbox_msg(t->dest, i)->name, &n))
			mailbox_expunge(t->dest, i, NULL);
	}
	mailbox_sync(t->dest, NULL);
}

static bool learn_uids(struct transfer *t, struct err *e)
{
	bool a, b, c;
	uint64_t n;

	if (!t->done)
		return true;
	if (!open_dest(t, e) || !mailbox_refresh(t->dest, &a, &b, &c, e))
		return false;
	for (size_t i = 0; i < mailbox_count(t->dest); i++) {
		const struct mailbox_msg *m = mailbox_msg(t->dest, i);

		if (number_of(t, m->name, &n))
			t->uids[n] = m->uid;
	}
	return true;
}

/* Also of those that are taken back now: that subtracts them again. */
static void tell_quota(const struct transfer *t)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->done; i++)
		bytes += mailbox_msg(t->from, t->indexes[i])->size;
	if (t->done)
		quota_add(t->s->root, (int64_t)bytes, (int64_t)t->done);
}

bool transfer_run(struct transfer *t, struct err *e)
{
	size_t count = t->count;
	bool ok = true;

	transfer_stem(t->stem);
	memset(t->letters, -1, sizeof t->letters);
	t->uids = arena_array(t->s->arena, count + 1, sizeof *t->uids);
	for (size_t i = 0; i < count && ok; i++)
		ok = copy_one(t, t->indexes[i], e);
	tell_quota(t);
	if (ok && learn_uids(t, e))
		return true;
	take_back(t);
	return false;
}

static bool move_all(struct transfer *t, struct err *e)
{
	t->indexes = arena_array(t->s->arena, mailbox_count(t->from) + 1, sizeof *t->indexes);
	for (size_t i = 0; i < mailbox_count(t->from); i++)
		t->indexes[t->count++] = i;
	if (!transfer_run(t, e))
		return false;
	for (size_t i = 0; i < t->done; i++) {
		if (!mailbox_expunge(t->from, t->indexes[i], e))
			return false;
	}
	return mailbox_sync(t->from, e);
}

bool transfer_whole(struct imap *s, const char *from, const char *to, struct err *e)
{
	struct transfer t = { .s = s, .to = to, .from = mailbox_open(s->root, from, true, e) };
	bool ok;

	if (!t.from)
		return false;
	ok = move_all(&t, e);
	mailbox_close(t.from);
	return ok;
}

/*
 * NAME
 *	mta-hints - remember clients: known networks, the greylist, who waits
 * DESCRIPTION
 *	The one process that opens the hints of mta. Its keeper sends a channel for each
 *	session that has questions ('c'); what they may ask stands in hints.h. A channel that talks
 *	nonsense, or that does not take its answers, is closed.
 *	What is too old goes once an hour. When there are more than gate/hints-max, the oldest of
 *	the greylist go first, because strangers fill it, then the oldest networks.
 * FILES
 *	QUEUE/hints/gate.db	Berkeley DB; may be deleted while mta is stopped
 * DIAGNOSTICS
 *	A damaged file is thrown away with a line in the log. Where it cannot be written, all is kept
 *	in memory.
 */
#include "mta/hints.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/mem.h"
#include "common/directory/table.h"
#include "common/io/loop.h"
#include "common/keeper/role.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "mta/rows.h"

enum { CHANNELS_MAX = 8192, VALUE_ROOM = 100, SYNC_S = 60, SIFT_S = 3600, AGES = 64 };

struct hints {
	struct role_self	 self;
	struct hint_rules	 rules;
	struct table		*table;
	struct loop		*loop;
	struct packet		 packet;	/* the one at hand */
	size_t			 channels;
	uint64_t		 rows, held;
	bool			 changed;
	int			 directory;	/* QUEUE/hints, for rows.h; -1 */
};

struct channel { struct hints *hints; int fd; struct loop_io *io; bool holds; };

/* ---- the table ---- */

static void trouble(const char *doing, const struct err *e)
{
	static ms_t told;

	if (!told || clock_ms() - told > SIFT_S * 1000)
		log_error("%s: %s", doing, e->text);
	told = clock_ms();
}

static struct hint find(struct hints *h, struct span key)
{
	struct str value = STR(VALUE_ROOM);
	struct hint found = { 0 };
	struct err e;
	bool there;

	if (!table_get(h->table, key, &value, &there, &e))
		trouble("reading hints", &e);
	else if (there && hint_parse(str_span(&value), &found) && hint_is_over(key, &found, &h->rules, clock_wall()))
		found = (struct hint){ 0 };
	str_free(&value);
	return found;
}

struct sifting { struct hints *h; int64_t now; uint64_t grey[AGES + 1], known[AGES + 1]; int64_t grey_from, known_from; };

/* Which of AGES steps of the life it may have; the last is the oldest. */
static size_t age_of(int64_t age, int64_t most)
{
	if (age <= 0 || most <= 0)
		return 0;
	return age >= most ? AGES : (size_t)(age * AGES / most);
}

static bool count_or_drop(void *arg, struct span key, struct span value)
{
	struct sifting *s = arg;
	struct hint hint;

	if (!hint_parse(value, &hint) || hint_is_over(key, &hint, &s->h->rules, s->now)) {
		s->h->rows -= s->h->rows > 0;
		return false;
	}
	if (span_starts(key, "k "))
		s->known[age_of(s->now - hint.last, s->h->rules.known_s)]++;
	else
		s->grey[age_of(s->now - hint.last, s->h->rules.window_s)]++;
	return true;
}

static bool drop_oldest(void *arg, struct span key, struct span value)
{
	struct sifting *s = arg;
	bool known = span_starts(key, "k ");
	struct hint hint;
	size_t age;

	if (!hint_parse(value, &hint))
		return false;
	age = age_of(s->now - hint.last, known ? s->h->rules.known_s : s->h->rules.window_s);
	if ((int64_t)age < (known ? s->known_from : s->grey_from))
		return true;
	s->h->rows -= s->h->rows > 0;
	return false;
}

/* From which age on must they go, so that as many as needed do? */
static int64_t cut(const uint64_t ages[AGES + 1], uint64_t *needed)
{
	int64_t from = AGES + 1;

	while (from > 0 && *needed) {
		from--;
		*needed -= ages[from] < *needed ? ages[from] : *needed;
	}
	return from;
}

static void sift(struct hints *h)
{
	struct sifting s = { .h = h, .now = clock_wall() };
	uint64_t most = h->self.conf.gate_hints_max, needed;
	struct err e;

	if (!table_sift(h->table, count_or_drop, &s, &e)) {
		trouble("sifting hints", &e);
		return;
	}
	h->changed = true;
	if (h->rows <= most - most / 10)
		return;
	needed = h->rows - (most - most / 10);
	s.grey_from = cut(s.grey, &needed);
	s.known_from = cut(s.known, &needed);
	if (!table_sift(h->table, drop_oldest, &s, &e))
		trouble("sifting hints", &e);
}

static void remember(struct hints *h, struct span key, const struct hint *hint, bool fresh)
{
	struct str value = STR(VALUE_ROOM);
	struct err e;

	hint_print(hint, &value);
	h->changed = true;
	if (!table_set(h->table, key, str_span(&value), &e))
		trouble("remembering hints", &e);
	else if (fresh && ++h->rows > h->self.conf.gate_hints_max)
		sift(h);
	str_free(&value);
}

/* ---- questions ---- */

static bool say(struct packet *p, int numbers, uint64_t first, uint64_t second)
{
	packet_begin(p, '+');
	if (numbers > 0)
		packet_put_u64(p, first);
	if (numbers > 1)
		packet_put_u64(p, second);
	return true;
}

static bool answer_known(struct channel *ch, struct packet *p)
{
	struct str key = STR(HINT_KEY);
	bool ok = hint_key_known(packet_take(p), &key);

	if (ok)
		say(p, 1, find(ch->hints, str_span(&key)).count > 0, 0);
	str_free(&key);
	return ok;
}

static bool answer_took(struct channel *ch, struct packet *p)
{
	struct str key = STR(HINT_KEY);
	bool ok = hint_key_known(packet_take(p), &key);
	int64_t now = clock_wall();
	struct hint hint;

	if (ok) {
		hint = find(ch->hints, str_span(&key));
		hint = (struct hint){ hint.count ? hint.first : now, now, hint.count + 1 };
		if (ch->hints->rules.known_s)
			remember(ch->hints, str_span(&key), &hint, hint.count == 1);
		say(p, 0, 0, 0);
	}
	str_free(&key);
	return ok;
}

static bool answer_greylist(struct channel *ch, struct packet *p)
{
	struct span ip = packet_take(p), sender = packet_take(p), recipient = packet_take(p);
	struct str key = STR(HINT_KEY);
	bool ok = !p->bad && hint_key_grey(ip, sender, recipient, &key);
	enum gate_grey grey;
	struct hint hint;
	unsigned left_s;

	if (ok) {
		hint = find(ch->hints, str_span(&key));
		grey = hint_greylist(&hint, &ch->hints->rules, clock_wall(), &left_s);
		remember(ch->hints, str_span(&key), &hint, hint.count == 1);
		say(p, 2, grey, left_s);
	}
	str_free(&key);
	return ok;
}

static bool answer_row(struct channel *ch, struct packet *p)
{
	struct span row = packet_take(p);
	struct err e;

	if (p->bad || !row.n || span_has(row, '\n'))
		return false;
	if (ch->hints->directory >= 0 && !rows_add(ch->hints->directory, row, clock_wall(), &e))
		trouble("DMARC reports", &e);
	return say(p, 0, 0, 0);
}

static bool answer_hold(struct channel *ch, struct packet *p)
{
	if (!ch->holds && ch->hints->held < ch->hints->self.conf.gate_tarpit_sessions) {
		ch->holds = true;
		ch->hints->held++;
		return say(p, 1, 1, 0);
	}
	return say(p, 1, 0, 0);
}

static void let_go(struct channel *ch)
{
	ch->hints->held -= ch->holds;
	ch->holds = false;
}

static bool answer_let_go(struct channel *ch, struct packet *p)
{
	let_go(ch);
	return say(p, 0, 0, 0);
}

static bool answer(struct channel *ch, struct packet *p)
{
	static const struct { char verb; bool (*run)(struct channel *, struct packet *); } verbs[] = {
		{ 'K', answer_known }, { 'G', answer_greylist }, { 'T', answer_took },
		{ 'D', answer_row }, { 'H', answer_hold }, { 'L', answer_let_go },
	};

	packet_drop_fds(p);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (verbs[i].verb == p->verb)
			return verbs[i].run(ch, p);
	}
	return false;
}

/* ---- channels ---- */

static void hang_up(struct channel *ch)
{
	let_go(ch);
	loop_remove(ch->io);
	fd_close(&ch->fd);
	ch->hints->channels--;
	free(ch);
}

static void on_channel(void *arg, unsigned ready)
{
	struct channel *ch = arg;
	struct packet *p = &ch->hints->packet;

	(void)ready;
	switch (packet_recv(ch->fd, p, MS_NEVER)) {
	case PACKET_OK:
		if (answer(ch, p) && packet_send(ch->fd, p, NULL))
			return;
		log_warn("a channel asked something that is no question, closing it");
		hang_up(ch);
		return;
	case PACKET_LATE:
		return;
	default:
		hang_up(ch);
	}
}

static void add_channel(struct hints *h, int fd)
{
	struct channel *ch;

	if (h->channels >= CHANNELS_MAX) {
		log_warn("more than %d channels, refusing another", CHANNELS_MAX);
		fd_close(&fd);
		return;
	}
	ch = mem_get(sizeof *ch);
	fd_set_blocking(fd, false);	/* who does not read its answers must not hold up the others */
	*ch = (struct channel){ .hints = h, .fd = fd };
	ch->io = loop_add(h->loop, fd, LOOP_READ, on_channel, ch);
	h->channels++;
}

static void on_keeper(void *arg, unsigned ready)
{
	struct hints *h = arg;
	int fd;

	(void)ready;
	switch (packet_recv(h->self.keeper, &h->packet, clock_ms())) {
	case PACKET_OK:
		fd = h->packet.verb == 'c' ? packet_take_fd(&h->packet) : -1;
		packet_drop_fds(&h->packet);
		if (fd >= 0)
			add_channel(h, fd);
		break;
	case PACKET_LATE:
		break;
	default:
		loop_stop(h->loop);
	}
}

static void on_signal(void *arg, int signo)
{
	struct hints *h = arg;

	(void)signo;
	loop_stop(h->loop);
}

/* ---- now and then ---- */

static void sync_hints(void *arg)
{
	struct hints *h = arg;
	struct err e;

	if (h->changed && !table_sync(h->table, &e))
		trouble("writing hints", &e);
	h->changed = false;
	loop_at(h->loop, clock_in(SYNC_S), sync_hints, h);
}

static void sift_hourly(void *arg)
{
	struct hints *h = arg;

	sift(h);
	loop_at(h->loop, clock_in(SIFT_S), sift_hourly, h);
}

/* ---- the start ---- */

static bool count(void *arg, struct span key, struct span value)
{
	(void)key;
	(void)value;
	++*(uint64_t *)arg;
	return true;
}

/* While we are still root: a directory of our own below the queue. */
static void make_directory(const struct role_self *self)
{
	char path[4096];
	struct err e;

	snprintf(path, sizeof path, "%s/hints", self->conf.queue_directory);
	if (!file_make_owned(path, 0700, self->uid, self->gid, &e))
		log_warn("%s", e.text);
}

static bool open_table(struct hints *h)
{
	char path[4096];
	bool anew;
	struct err e;

	snprintf(path, sizeof path, "%s/hints/gate.db", h->self.conf.queue_directory);
	h->table = table_hints(path, &anew, &e);
	if (anew)
		log_warn("%s was damaged; all clients are unknown once more", path);
	if (h->table && table_sift(h->table, count, &h->rows, &e))
		return true;
	log_error("hints are kept in memory only: %s", e.text);
	table_close(h->table, NULL);
	h->table = table_new(&e);
	h->rows = 0;
	return h->table != NULL;
}

int main(int argc, char **argv)
{
	static struct hints h;
	const struct conf *c = &h.self.conf;
	char path[4096];

	role_begin(&h.self, ROLE_HINTS, argc, argv);
	make_directory(&h.self);
	role_jail(&h.self);
	h.rules = (struct hint_rules){ (int64_t)c->gate_greylist_delay, (int64_t)c->gate_greylist_window,
		(int64_t)c->gate_known_for };
	if (!open_table(&h))
		return EXIT_FAILURE;
	snprintf(path, sizeof path, "%s/hints", c->queue_directory);
	h.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	h.loop = loop_new();
	loop_on_signal(h.loop, SIGTERM, on_signal, &h);
	loop_add(h.loop, h.self.keeper, LOOP_READ, on_keeper, &h);
	sync_hints(&h);
	sift_hourly(&h);
	loop_run(h.loop);
	table_close(h.table, NULL);
	loop_free(h.loop);
	return EXIT_SUCCESS;
}

/*
 * NAME
 *	mta-hints - remember clients and policies: known networks, the greylist, who waits, MTA-STS
 * DESCRIPTION
 *	The one process that writes the hints of mta. Its keeper sends a channel for each
 *	process that has questions ('c'); what they may ask stands in hints.h. A channel that talks
 *	nonsense, or that does not take its answers, is closed.
 *	What is too old goes once an hour. When there are more than gate/hints-max, the oldest of
 *	the greylist go first, because strangers fill it, then the oldest networks.
 * FILES
 *	QUEUE/hints/gate.db	Berkeley DB; may be deleted while mta is stopped
 *	QUEUE/hints/sts/DOMAIN	see policies.h
 *	QUEUE/hints/KIND.DATE	see rows.h
 * DIAGNOSTICS
 *	A damaged file is thrown away with a line in the log. Where it cannot be written, all is kept
 *	in memory; one that fails later is opened again within a minute, and until then nobody is
 *	greylisted.
 */
#include "mta/hints.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>

#include "common/directory/table.h"
#include "common/io/loop.h"
#include "common/keeper/askers.h"
#include "common/keeper/role.h"
#include "common/os/file.h"
#include "common/os/log.h"
#include "mta/policies.h"
#include "mta/rows.h"
#include "mta/tally.h"

enum { VALUE_ROOM = 100, SYNC_S = 60, SIFT_S = 3600, AGES = 64 };

struct hints {
	struct role_self	 self;
	struct hint_rules	 rules;
	struct table		*table;
	struct loop		*loop;
	struct askers		 askers;
	uint64_t		 rows, held;
	bool			 changed;
	bool			 failing;	/* the table: it is to be opened again */
	int			 directory;	/* QUEUE/hints, for rows.h; -1 */
	struct policies		 policies;
	struct tally		 tally;		/* TLS rows of this minute */
};

struct client { struct asker asker; bool holds; };	/* a session of mta */

static struct hints *hints_of(const struct client *cl)
{
	return cl->asker.all->server;
}

/* ---- the table ---- */

static void trouble(const char *doing, const struct err *e)
{
	static ms_t told;

	if (!told || clock_ms() - told > SIFT_S * 1000)
		log_error("%s: %s", doing, e->text);
	told = clock_ms();
}

static void table_failed(struct hints *h, const char *doing, const struct err *e)
{
	trouble(doing, e);
	h->failing = true;
}

/* Without count: nothing is known. False: the table cannot say. */
static bool find(struct hints *h, struct span key, struct hint *found)
{
	struct str value = STR(VALUE_ROOM);
	struct err e;
	bool there, ok = table_get(h->table, key, &value, &there, &e);

	*found = (struct hint){ 0 };
	if (!ok)
		table_failed(h, "reading hints", &e);
	else if (there && hint_parse(str_span(&value), found) &&
	    hint_is_over(key, found, &h->rules, clock_wall()))
		*found = (struct hint){ 0 };
	str_free(&value);
	return ok;
}

struct sifting { struct hints *h; int64_t now; uint64_t kept, grey[AGES + 1], known[AGES + 1]; int64_t grey_from, known_from; };

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

	if (!hint_parse(value, &hint) || hint_is_over(key, &hint, &s->h->rules, s->now))
		return false;
	s->kept++;
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
		table_failed(h, "sifting hints", &e);
		return;
	}
	h->changed = true;
	h->rows = s.kept;		/* remember() takes a row that is over for none */
	if (h->rows <= most - most / 10)
		return;
	needed = h->rows - (most - most / 10);
	s.grey_from = cut(s.grey, &needed);
	s.known_from = cut(s.known, &needed);
	if (!table_sift(h->table, drop_oldest, &s, &e))
		table_failed(h, "sifting hints", &e);
}

static bool remember(struct hints *h, struct span key, const struct hint *hint, bool fresh)
{
	struct str value = STR(VALUE_ROOM);
	struct err e;
	bool ok;

	hint_print(hint, &value);
	h->changed = true;
	ok = table_set(h->table, key, str_span(&value), &e);
	if (!ok)
		table_failed(h, "remembering hints", &e);
	else if (fresh && ++h->rows > h->self.conf.gate_hints_max)
		sift(h);
	str_free(&value);
	return ok;
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

static bool answer_known(struct client *cl, struct packet *p)
{
	struct str key = STR(HINT_KEY);
	bool ok = hint_key_known(packet_take(p), &key);
	struct hint hint;

	if (ok)
		say(p, 1, find(hints_of(cl), str_span(&key), &hint) && hint.count > 0, 0);
	str_free(&key);
	return ok;
}

static bool answer_took(struct client *cl, struct packet *p)
{
	struct str key = STR(HINT_KEY);
	bool ok = hint_key_known(packet_take(p), &key);
	int64_t now = clock_wall();
	struct hint hint;

	if (ok) {
		find(hints_of(cl), str_span(&key), &hint);
		hint = (struct hint){ hint.count ? hint.first : now, now, hint.count + 1 };
		if (hints_of(cl)->rules.known_s)
			remember(hints_of(cl), str_span(&key), &hint, hint.count == 1);
		say(p, 0, 0, 0);
	}
	str_free(&key);
	return ok;
}

/* Who is not remembered would wait forever: then nobody waits. */
static bool answer_greylist(struct client *cl, struct packet *p)
{
	struct span ip = packet_take(p), sender = packet_take(p), recipient = packet_take(p);
	struct str key = STR(HINT_KEY);
	bool ok = !p->bad && hint_key_grey(ip, sender, recipient, &key);
	enum gate_grey grey;
	struct hint hint;
	unsigned left_s;
	bool passed;

	if (ok) {
		passed = !find(hints_of(cl), str_span(&key), &hint);
		grey = hint_greylist(&hint, &hints_of(cl)->rules, clock_wall(), &left_s);
		passed = passed || !remember(hints_of(cl), str_span(&key), &hint, hint.count == 1);
		say(p, 2, passed ? GATE_GREY_PASSED : grey, left_s);
	}
	str_free(&key);
	return ok;
}

static bool answer_row(struct client *cl, struct packet *p)
{
	struct span row = packet_take(p);
	struct err e;

	if (p->bad || !row.n || span_has(row, '\n'))
		return false;
	if (hints_of(cl)->directory >= 0 &&
	    !rows_add(hints_of(cl)->directory, "dmarc", row, clock_wall(), &e))
		trouble("DMARC reports", &e);
	return say(p, 0, 0, 0);
}

static bool answer_tls_row(struct client *cl, struct packet *p)
{
	struct hints *h = hints_of(cl);
	struct span row = packet_take(p);

	return !p->bad && tally_add(&h->tally, h->directory, row, clock_wall()) && say(p, 0, 0, 0);
}

static bool answer_policy(struct client *cl, struct packet *p)
{
	struct str text = STR(STS_ENTRY_MAX);
	char domain[DNS_NAME];
	struct err e;

	if (!sts_domain(packet_take(p), domain))
		return false;
	if (!policies_get(&hints_of(cl)->policies, domain, clock_wall(), &text, &e))
		trouble("reading a policy", &e);
	packet_begin(p, '+');
	packet_put(p, str_span(&text));
	str_free(&text);
	return true;
}

static bool answer_set_policy(struct client *cl, struct packet *p)
{
	char domain[DNS_NAME];
	struct err e;

	if (!sts_domain(packet_take(p), domain))
		return false;
	if (!policies_set(&hints_of(cl)->policies, domain, packet_take(p), clock_wall(), &e)) {
		if (e.kind == ERR_PERM)
			return false;
		trouble("keeping a policy", &e);
	}
	return say(p, 0, 0, 0);
}

static bool answer_hold(struct client *cl, struct packet *p)
{
	if (!cl->holds && hints_of(cl)->held < hints_of(cl)->self.conf.gate_tarpit_sessions) {
		cl->holds = true;
		hints_of(cl)->held++;
		return say(p, 1, 1, 0);
	}
	return say(p, 1, 0, 0);
}

static void let_go(struct client *cl)
{
	hints_of(cl)->held -= cl->holds;
	cl->holds = false;
}

static bool answer_let_go(struct client *cl, struct packet *p)
{
	let_go(cl);
	return say(p, 0, 0, 0);
}

static bool answer(struct client *cl, struct packet *p)
{
	static const struct { char verb; bool (*run)(struct client *, struct packet *); } verbs[] = {
		{ 'K', answer_known }, { 'G', answer_greylist }, { 'T', answer_took },
		{ 'D', answer_row }, { 'H', answer_hold }, { 'L', answer_let_go },
		{ 'R', answer_tls_row }, { 'P', answer_policy }, { 'U', answer_set_policy },
	};

	packet_drop_fds(p);
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (verbs[i].verb == p->verb)
			return verbs[i].run(cl, p);
	}
	return false;
}

static bool serve(struct asker *a)
{
	struct packet *p = &a->all->packet;

	return answer((struct client *)a, p) ? packet_send(a->fd, p, NULL) : asker_nonsense();
}

static void gone(struct asker *a)
{
	let_go((struct client *)a);
}

/* ---- now and then ---- */

static bool count(void *arg, struct span key, struct span value)
{
	(void)key;
	(void)value;
	++*(uint64_t *)arg;
	return true;
}

static bool open_table(struct hints *h)
{
	char path[4096];
	bool anew;
	struct err e;

	snprintf(path, sizeof path, "%s/hints/gate.db", h->self.conf.queue_directory);
	h->failing = false;
	h->rows = 0;
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

static void sync_hints(void *arg)
{
	struct hints *h = arg;
	struct err e;

	if (h->failing) {
		table_close(h->table, NULL);
		if (!open_table(h)) {
			loop_stop(h->loop);
			return;
		}
	} else if (h->changed && !table_sync(h->table, &e)) {
		trouble("writing hints", &e);
	}
	h->changed = false;
	tally_flush(&h->tally, h->directory);
	loop_at(h->loop, clock_in(SYNC_S), sync_hints, h);
}

static void sift_hourly(void *arg)
{
	struct hints *h = arg;

	sift(h);
	policies_sift(&h->policies, clock_wall());
	loop_at(h->loop, clock_in(SIFT_S), sift_hourly, h);
}

static void on_signal(void *arg, int signo)
{
	struct hints *h = arg;

	(void)signo;
	loop_stop(h->loop);
}

/* ---- the start ---- */

/* While we are still root: directories of our own below the queue. */
static void make_directory(const struct role_self *self, const char *name)
{
	char path[4096];
	struct err e;

	snprintf(path, sizeof path, "%s/%s", self->conf.queue_directory, name);
	if (!file_make_owned(path, 0700, self->uid, self->gid, &e))
		log_warn("%s", e.text);
}

int main(int argc, char **argv)
{
	static struct hints h;
	const struct conf *c = &h.self.conf;
	char path[4096];

	role_begin(&h.self, ROLE_HINTS, argc, argv);
	make_directory(&h.self, "hints");
	make_directory(&h.self, "hints/sts");
	role_jail(&h.self);
	h.rules = (struct hint_rules){ (int64_t)c->gate_greylist_delay,
		(int64_t)c->gate_greylist_window, (int64_t)c->gate_known_for };
	if (!open_table(&h))
		return EXIT_FAILURE;
	snprintf(path, sizeof path, "%s/hints", c->queue_directory);
	h.directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	policies_open(&h.policies, h.directory, POLICIES_MAX);
	h.loop = loop_new();
	loop_on_signal(h.loop, SIGTERM, on_signal, &h);
	h.askers = (struct askers){ .loop = h.loop, .keeper = h.self.keeper, .server = &h,
		.size = sizeof(struct client), .serve = serve, .gone = gone };
	askers_begin(&h.askers);
	sync_hints(&h);
	sift_hourly(&h);
	loop_run(h.loop);
	tally_flush(&h.tally, h.directory);
	table_close(h.table, NULL);
	loop_free(h.loop);
	return EXIT_SUCCESS;
}

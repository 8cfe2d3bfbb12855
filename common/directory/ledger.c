/* What each login has sent, on disk. See ledger.h. */
#include "common/directory/ledger.h"

#include <sys/random.h>

#include "common/base/siphash.h"
#include "common/directory/name.h"

enum { KEY_MAX = 400, VALUE_MAX = 4096, TRY_AGAIN_S = 10, SWEEP_S = 86400 };

static const char *const limit_names[TALLY_KINDS] = {
	[TALLY_MESSAGES] = "messages-per-day", [TALLY_RECIPIENTS] = "recipients-per-day",
	[TALLY_NEW] = "new-recipients-per-day",
};

void ledger_begin(struct ledger *l, const char *directory, const uint64_t limits[TALLY_KINDS])
{
	*l = (struct ledger){ .directory = directory };
	memcpy(l->limits, limits, sizeof l->limits);
}

void ledger_end(struct ledger *l)
{
	table_close(l->table, NULL);
	l->table = NULL;
}

/* ---- the table ---- */

/* Made once, so that nobody who does not see it can find two recipients with one hash. */
static bool find_key(struct ledger *l, struct err *e)
{
	struct str value = STR(VALUE_MAX);
	bool found, ok = table_get(l->table, SPAN("k"), &value, &found, e);

	if (ok && found && value.n == sizeof l->key) {
		memcpy(l->key, value.p, sizeof l->key);
	} else if (ok) {
		if (getrandom(l->key, sizeof l->key, 0) != (ssize_t)sizeof l->key)
			ok = err_sys(e, "no random bytes");
		ok = ok && table_set(l->table, SPAN("k"), (struct span){ (const char *)l->key, sizeof l->key }, e);
	}
	str_free(&value);
	return ok;
}

static bool keep(void *arg, struct span key, struct span value)
{
	time_t now = *(time_t *)arg;

	switch (key.n ? *key.p : 0) {
	case 'k':	return true;
	case 't':	return !tally_is_over(value, now);
	case 'm':	return !recipients_are_over(value, now);
	default:	return false;
	}
}

static void sweep(struct ledger *l, time_t now, struct str *news)
{
	struct err e;

	if (now >= l->swept && now - l->swept < SWEEP_S)
		return;
	l->swept = now;
	if (!table_sift(l->table, keep, &now, &e))
		str_addf(news, "sweeping the counts of msa: %s\n", e.text);
}

/* The clerk before us may still have it: try again after a while. In memory it would be lost each time. */
static bool open_ledger(struct ledger *l, time_t now, struct str *news)
{
	struct err e;
	bool anew;

	if (l->table || !*l->directory || (now >= l->tried && now - l->tried < TRY_AGAIN_S))
		return l->table != NULL;
	l->tried = now;
	l->table = table_ledger(l->directory, &anew, &e);
	if (l->table && !find_key(l, &e))
		ledger_end(l);
	if (!l->table)
		str_addf(news, "%s: what logins send is not counted: %s\n", l->directory, e.text);
	else if (anew)
		str_addf(news, "%s: the counts could not be read, and begin anew\n", l->directory);
	return l->table != NULL;
}

/* A table that fails is closed, and opened again at the next question. */
static void failed(struct ledger *l, const struct err *e, struct str *news)
{
	str_addf(news, "%s: %s\n", l->directory, e->text);
	ledger_end(l);
}

/* ---- one login ---- */

static bool read_tally(struct ledger *l, struct span key, time_t now, struct tally *t, struct err *e)
{
	struct str value = STR(VALUE_MAX);
	bool found, ok = table_get(l->table, key, &value, &found, e);

	if (ok)
		tally_read(str_span(&value), now, t);
	str_free(&value);
	return ok;
}

/* Where the memory of address is, and what is there. */
static bool read_shelf(struct ledger *l, struct span login, struct span address, time_t now,
    struct str *key, uint64_t *hash, struct recipients *r, struct err *e)
{
	struct str value = STR(VALUE_MAX), folded = STR(2 * NAME_SIZE);
	bool found, ok;

	str_add_lower(&folded, address);
	*hash = siphash(l->key, str_span(&folded));
	str_reset(key);
	str_addf(key, "m%04u", (unsigned)(*hash % SHELVES));
	str_add_lower(key, login);
	ok = table_get(l->table, str_span(key), &value, &found, e);
	if (ok)
		recipients_read(str_span(&value), now, r);
	str_free(&value);
	str_free(&folded);
	return ok;
}

/* ---- questions ---- */

static void begin_answer(struct packet *p)
{
	packet_begin(p, '+');
}

/* Recipients in our own domains are no strangers. */
static bool is_stranger(const struct lookup *who, struct span address, struct arena *a)
{
	struct lookup_answer found;

	return !lookup_resolve(who, address, a, &found, NULL) || found.is != DIR_LOCAL;
}

static bool ask_new(struct ledger *l, const struct lookup *who, struct arena *a, struct packet *p,
    time_t now, struct str *news)
{
	struct span login = arena_copy(a, packet_take(p));
	struct str key = STR(KEY_MAX);
	struct recipients r;
	uint64_t hash, fresh = 0;
	struct err e;

	while (!p->bad && p->at < p->n) {
		struct span address = packet_take(p);

		if (p->bad || !l->table || !is_stranger(who, address, a))
			continue;
		if (!read_shelf(l, login, address, now, &key, &hash, &r, &e))
			failed(l, &e, news);
		else
			fresh += !recipients_know(&r, hash);
	}
	str_free(&key);
	if (p->bad)
		return false;
	begin_answer(p);
	packet_put_u64(p, fresh);
	return true;
}

static bool note_one(struct ledger *l, struct span login, struct span address, time_t now, struct err *e)
{
	struct str key = STR(KEY_MAX);
	struct recipients r;
	uint64_t hash;
	bool ok = read_shelf(l, login, address, now, &key, &hash, &r, e);

	if (ok) {
		recipients_note(&r, hash, now);
		ok = table_set(l->table, str_span(&key), recipients_value(&r), e);
	}
	str_free(&key);
	return ok;
}

static bool ask_note(struct ledger *l, const struct lookup *who, struct arena *a, struct packet *p,
    time_t now, struct str *news)
{
	struct span login = arena_copy(a, packet_take(p));
	struct err e;

	while (!p->bad && p->at < p->n) {
		struct span address = packet_take(p);

		if (!p->bad && l->table && is_stranger(who, address, a) &&
		    !note_one(l, login, address, now, &e))
			failed(l, &e, news);
	}
	if (p->bad)
		return false;
	begin_answer(p);
	return true;
}

/* What is held is not counted: else nobody would come below a limit again. */
static bool judge(struct ledger *l, struct span login, const uint64_t more[TALLY_KINDS], time_t now,
    struct packet *p, struct err *e)
{
	struct str key = STR(KEY_MAX), why = STR(300);
	struct tally t;
	enum tally_kind over;
	bool ok;

	str_add_char(&key, 't');
	str_add_lower(&key, login);
	ok = read_tally(l, str_span(&key), now, &t, e);
	if (ok) {
		over = tally_judge(&t, l->limits, more);
		if (over == TALLY_KINDS)
			tally_add(&t, more);
		else
			str_addf(&why, "%llu and %llu more are over %s = %llu",
			    (unsigned long long)tally_sum(&t, over), (unsigned long long)more[over],
			    limit_names[over], (unsigned long long)l->limits[over]);
		begin_answer(p);
		packet_put(p, str_span(&why));
		packet_put_u64(p, over != TALLY_KINDS && tally_tell(&t, now));
		ok = table_set(l->table, str_span(&key), tally_value(&t), e);
	}
	str_free(&key);
	str_free(&why);
	return ok;
}

static bool ask_count(struct ledger *l, const struct lookup *who, struct arena *a, struct packet *p,
    time_t now, struct str *news)
{
	struct span login = arena_copy(a, packet_take(p));
	uint64_t more[TALLY_KINDS] = { 1, 0, 0 };
	struct err e;

	(void)who;
	more[TALLY_RECIPIENTS] = packet_take_u64(p);
	more[TALLY_NEW] = packet_take_u64(p);
	if (p->bad || more[TALLY_RECIPIENTS] > UINT32_MAX || more[TALLY_NEW] > UINT32_MAX)
		return false;
	if (l->table && judge(l, login, more, now, p, &e))
		return true;
	if (l->table)
		failed(l, &e, news);
	begin_answer(p);
	packet_put_text(p, "");
	packet_put_u64(p, 0);
	return true;
}

static const struct question {
	char	verb;
	bool (*run)(struct ledger *, const struct lookup *, struct arena *, struct packet *, time_t,
	    struct str *);
} questions[] = { { 'N', ask_new }, { 'Q', ask_count }, { 'K', ask_note } };

bool ledger_asked(const struct packet *p)
{
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		if (questions[i].verb == p->verb)
			return true;
	}
	return false;
}

bool ledger_answer(struct ledger *l, const struct lookup *who, struct arena *a, struct packet *p,
    time_t now, struct str *news)
{
	packet_drop_fds(p);
	if (!*l->directory)
		return false;
	if (open_ledger(l, now, news))
		sweep(l, now, news);
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) {
		if (questions[i].verb == p->verb)
			return questions[i].run(l, who, a, p, now, news);
	}
	return false;
}

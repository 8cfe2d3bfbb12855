/* Which messages a word speaks of, and what is known of them. See trace.h. */
#include "common/admin/trace.h"

#include <stdlib.h>
#include <sysexits.h>

#include "common/base/mem.h"

enum {
	ROUNDS		= 16,		/* of following parents and children */
	ID_DIGITS	= 10,		/* of an id that are its time: queue_new_id() */
	DAY_S		= 86400,
	VALUE_MAX	= 8192,
};

static const char *const spoken_of[] = { "from", "to", "target", "login", "peer", "message-id" };
enum { SPOKEN_OF = sizeof spoken_of / sizeof *spoken_of };

/* --- lives, in the order of their ids --- */

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct life *)a)->id, ((const struct life *)b)->id);
}

/* Among those that were sorted. */
static struct life *find_life(const struct trace *t, struct span id)
{
	struct life key;

	if (!t->sorted || !span_copy(id, key.id, sizeof key.id))
		return NULL;
	return bsearch(&key, t->lives, t->sorted, sizeof key, by_id);
}

/* May be there twice, until the next sort_lives(). */
static void add_life(struct trace *t, struct span id, unsigned round)
{
	struct life *l;

	/* Lines about one message often follow each other. */
	if (!queue_is_id(id) ||
	    (t->life_n > t->sorted && span_same(span_of(t->lives[t->life_n - 1].id), id)))
		return;
	if (t->life_n == t->life_room) {
		t->life_room = t->life_room ? t->life_room * 2 : 256;
		t->lives = mem_more(t->lives, t->life_room, sizeof *t->lives);
	}
	l = &t->lives[t->life_n++];
	*l = (struct life){ .round = round };
	span_copy(id, l->id, sizeof l->id);
}

/* Old before new, so that what was met first stays. */
static int by_id_and_round(const void *a, const void *b)
{
	const struct life *x = a, *y = b;
	int order = strcmp(x->id, y->id);

	return order ? order : (x->round > y->round) - (x->round < y->round);
}

static void sort_lives(struct trace *t)
{
	size_t n = 0;

	if (t->life_n)
		qsort(t->lives, t->life_n, sizeof *t->lives, by_id_and_round);
	for (size_t i = 0; i < t->life_n; i++) {
		if (!n || strcmp(t->lives[n - 1].id, t->lives[i].id) != 0)
			t->lives[n++] = t->lives[i];
	}
	t->life_n = t->sorted = n;
}

/* Ids sort by time. */
static void keep_newest(struct trace *t)
{
	if (t->life_n <= t->last)
		return;
	t->left_out = t->life_n - t->last;
	memmove(t->lives, t->lives + t->left_out, t->last * sizeof *t->lives);
	t->life_n = t->sorted = t->last;
}

/* When the id was given; 0: never. */
static time_t time_of(const char *id)
{
	int64_t us = 0;

	for (int i = 0; i < ID_DIGITS; i++)
		us = us * 36 + (is_digit(id[i]) ? id[i] - '0' : id[i] - 'a' + 10);
	return (time_t)(us / 1000000);
}

/* --- events --- */

static struct event *add_event(struct trace *t, const struct logline *line, size_t life)
{
	if (t->event_n == t->event_room) {
		t->event_room = t->event_room ? t->event_room * 2 : 256;
		t->events = mem_more(t->events, t->event_room, sizeof *t->events);
	}
	t->events[t->event_n] =
	    (struct event){ .line = *line, .us = line->us, .order = t->event_n, .life = life };
	return &t->events[t->event_n++];
}

/* --- the first: whom does the word speak of? --- */

static bool same_thing(struct span word, struct span value)
{
	value = logline_address(value);
	if (word.n && *word.p == '@')
		return value.n >= word.n && span_alike(span_from(value, value.n - word.n), word);
	return span_alike(value, word);
}

static bool speaks_of(const struct logline *line, struct span word)
{
	struct span fields = line->fields, key, raw;
	struct str plain = STR(VALUE_MAX);
	bool yes = false;

	while (!yes && logline_next(&fields, &key, &raw)) {
		for (int i = 0; i < SPOKEN_OF && !yes; i++) {
			if (!span_is(key, spoken_of[i]))
				continue;
			str_reset(&plain);
			logline_plain(raw, &plain);
			yes = same_thing(word, str_span(&plain));
		}
	}
	str_free(&plain);
	return yes;
}

/* Where word stands next, in any case of letters: by its rarest letter, or byte for byte without one. */
static ptrdiff_t search(struct span text, struct span word)
{
	ptrdiff_t pivot = span_find(word, '@');
	size_t at = 0;

	if (pivot < 0)
		return span_search(text, word);
	for (;; at++) {
		ptrdiff_t hit = span_find(span_from(text, at), '@');

		if (hit < 0)
			return -1;
		at += (size_t)hit;
		if (at >= (size_t)pivot && text.n - (at - (size_t)pivot) >= word.n
		    && span_alike(span_to(span_from(text, at - (size_t)pivot), word.n), word))
			return (ptrdiff_t)at - pivot;
	}
}

/* The line around a place; text becomes what follows it. */
static struct span line_around(struct span *text, size_t at)
{
	struct span before = span_to(*text, at), line = *text;
	ptrdiff_t start = span_rfind(before, '\n'), end = span_find(span_from(*text, at), '\n');

	*text = end < 0 ? span_from(*text, text->n) : span_from(*text, at + (size_t)end + 1);
	line = span_to(line, end < 0 ? line.n : at + (size_t)end);
	return span_from(line, (size_t)(start + 1));
}

/* What of it stands in a line as it is: an address in quotes has others before each of them there. */
static struct span as_written(struct span word)
{
	ptrdiff_t at = span_rfind(word, '@');
	bool quoted = span_has(word, '"') || span_has(word, '\\');

	return quoted && at >= 0 ? span_from(word, (size_t)at) : word;
}

static void look_through(struct trace *t, struct span text, struct span word)
{
	struct span part = as_written(word);
	struct logline line;
	ptrdiff_t at;

	while ((at = search(text, part)) >= 0) {
		struct span whole = line_around(&text, (size_t)at);

		if (!logline_parse(whole, &line) || (line.us && line.us / 1000000 < t->since) ||
		    !speaks_of(&line, word))
			continue;
		if (span_same(line.id, SPAN("-")))
			add_event(t, &line, NO_LIFE);
		else
			add_life(t, line.id, 0);
	}
}

/* Messages that lie in the queue, of which nothing may have been written yet. */
static void look_into_queue(struct trace *t, const char *word)
{
	struct choice by_sender = { .sender = word }, by_rcpt = { .recipient = word }, by_login = { .login = word };

	memset(by_sender.in, 1, sizeof by_sender.in);
	memset(by_rcpt.in, 1, sizeof by_rcpt.in);
	memset(by_login.in, 1, sizeof by_login.in);
	desk_choose(t->desk, &by_sender);
	desk_choose(t->desk, &by_rcpt);
	desk_choose(t->desk, &by_login);
	for (size_t i = 0; i < t->desk->count; i++) {
		if (time_of(t->desk->places[i].id) >= t->since)
			add_life(t, span_of(t->desk->places[i].id), 0);
	}
}

static void find_by_word(struct trace *t, const char *said)
{
	struct span word = logline_address(span_of(said));
	char plain[1000];

	if (t->desk)
		trace_load_history(t, t->since);
	for (size_t i = 0; i < t->source_n; i++)
		look_through(t, t->sources[i].text, word);
	if (t->desk && span_copy(word, plain, sizeof plain))
		look_into_queue(t, plain);
}

/* --- the rest of their lives --- */

static bool linked(const struct logline *line, const char *key, struct str *id)
{
	str_reset(id);
	return logline_get(line->fields, key, id) && queue_is_id(str_span(id));
}

static void follow(struct trace *t, const struct logline *line, unsigned round)
{
	static const char *const links[] = { "parent", "report", "as" };
	struct str id = STR(ID_SIZE);

	for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
		if (linked(line, links[i], &id))
			add_life(t, str_span(&id), round + 1);
	}
	str_free(&id);
}

/* Either of the two may have told that one was made of the other. */
static void note_parents(struct trace *t)
{
	struct str id = STR(ID_SIZE);

	for (size_t i = 0; i < t->event_n; i++) {
		const struct logline *line = &t->events[i].line;
		struct life *self = find_life(t, line->id), *child;

		if (self && linked(line, "parent", &id))
			span_copy(str_span(&id), self->parent, sizeof self->parent);
		if (!linked(line, "report", &id) && !linked(line, "as", &id))
			continue;
		child = find_life(t, str_span(&id));
		if (child && child != self)
			span_copy(line->id, child->parent, sizeof child->parent);
	}
	str_free(&id);
}

/* Lines of those that were met in this round. New lives are added behind the sorted ones. */
static void take_lines(struct trace *t, struct span text, unsigned round)
{
	struct span line, id;
	int64_t us = 0;

	while (span_piece(&text, '\n', &line)) {
		struct logline got;
		const struct life *l;

		if (!logline_id(line, &id) || !(l = find_life(t, id)) || l->round != round ||
		    !logline_parse(line, &got))
			continue;
		us = got.us ? got.us : us;
		add_event(t, &got, (size_t)(l - t->lives))->us = us;
		follow(t, &got, round);
	}
}

/* Not by place: that changes when lives are sorted. */
static void note_places(struct trace *t)
{
	for (size_t i = 0; i < t->event_n; i++) {
		const struct life *l = find_life(t, t->events[i].line.id);

		t->events[i].life = l ? (size_t)(l - t->lives) : NO_LIFE;
	}
}

/* What they were made of may be older than all we have read. */
static void reach_back(struct trace *t, unsigned round)
{
	time_t first = 0;

	for (size_t i = 0; i < t->life_n; i++) {
		time_t born = time_of(t->lives[i].id) - DAY_S;

		if (t->lives[i].round == round && (!first || born < first))
			first = born > 1 ? born : 1;
	}
	if (first && (!t->loaded || first < t->loaded))
		trace_load_history(t, first);
}

static int by_life_and_time(const void *a, const void *b)
{
	const struct event *x = a, *y = b;

	if (x->life != y->life)
		return x->life < y->life ? -1 : 1;
	if (x->us != y->us)
		return x->us < y->us ? -1 : 1;
	return (x->order > y->order) - (x->order < y->order);
}

/* What is done with a message once it lies in the queue. */
static bool is_later(struct span verb)
{
	static const char *const verbs[] = { "routed", "sending", "sent", "deferred", "failed", "expired",
		"bounced", "expanded", "unforwarded", "delivered", "removed" };

	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
		if (span_is(verb, verbs[i]))
			return true;
	}
	return false;
}

/* Who takes a message has it on disk before he says so, and the next one may have spoken by then. */
static void put_received_first(struct event *events, size_t n)
{
	size_t from = 0, to = 0;
	struct event received;

	while (from < n && !span_is(events[from].line.verb, "received"))
		from++;
	while (to < from && !is_later(events[to].line.verb))
		to++;
	if (from == n || to == from)
		return;
	received = events[from];
	memmove(&events[to + 1], &events[to], (from - to) * sizeof *events);
	events[to] = received;
}

static void sort_events(struct trace *t)
{
	note_places(t);
	if (t->event_n)
		qsort(t->events, t->event_n, sizeof *t->events, by_life_and_time);
	for (size_t i = 0; i < t->event_n && t->events[i].life != NO_LIFE; i++) {
		struct life *l = &t->lives[t->events[i].life];

		if (!l->count++)
			l->first = i;
	}
	for (size_t i = 0; i < t->life_n; i++)
		put_received_first(&t->events[t->lives[i].first], t->lives[i].count);
}

void trace_find(struct trace *t, const char *word)
{
	if (queue_is_id(span_of(word)))
		add_life(t, span_of(word), 0);
	else
		find_by_word(t, word);
	sort_lives(t);
	keep_newest(t);
	for (unsigned round = 0; round < ROUNDS; round++) {
		size_t before = t->life_n;

		if (t->desk)
			reach_back(t, round);
		for (size_t i = 0; i < t->source_n; i++)
			take_lines(t, t->sources[i].text, round);
		sort_lives(t);
		if (t->life_n == before)
			break;
	}
	note_parents(t);
	sort_events(t);
}

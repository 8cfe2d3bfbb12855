/* Lives, for people and for programs. See trace.h. */
#include "common/admin/trace.h"

#include <stdio.h>
#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/base/tame.h"
#include "common/os/clock.h"

enum { DEPTH_MAX = 8, INDENT = 4, LINE_MAX_BYTES = 16384 };

/* --- an event as a sentence --- */

/* {key} is its value, {*} all fields; what stands in [ ] goes when it has a key without a value. */
static const struct { const char *verb, *words; } sentences[] = {
	{ "received", "taken[ from {peer}][ ({helo})][, made of {parent}][, login {login}][, {protocol}][, {tls}]: sender {from}, "
	  "recipients: {rcpts}[, {bytes} bytes][, Message-ID {message-id}]" },
	{ "rejected", "refused at {at}[: from {from}][ to {to}][ by {peer}]: {code}[ {status}][ {why}]" },
	{ "gate", "the gate says {verdict}, score {score}[: {why}]" },
	{ "checked", "checked:{*}" },
	{ "milter", "the filter {name} {did}[ {what}]" },
	{ "routed", "{to} goes to {station}[ by {via}]" },
	{ "signed", "signed {signatures} times" },
	{ "sending", "to {host}[ at {ip}], {rcpts} recipients" },
	{ "sent", "{to} taken[ by {host}][ with {tls}][ after {delay}][: {answer}]" },
	{ "deferred", "{to} put off for {next}[, {host}][: {why}]" },
	{ "failed", "{to} failed[, {host}][: {why}]" },
	{ "expired", "{to} given up after {after}[: {why}]" },
	{ "bounced", "{to} is told, by {report}[: {kind}]" },
	{ "expanded", "{to} goes on to {target}[ as {as}]" },
	{ "unforwarded", "{to} does not go on to others[: {why}]" },
	{ "delivered", "{to} is in the mailbox of {login}[, {folder}][ after {delay}][: {file}]" },
	{ "held", "put on hold[: {why}]" },
	{ "released", "let go[ by way of {via}]" },
	{ "removed", "left the queue[: {why}]" },
	{ "reported", "a DMARC report to {domain} about {day}" },
	{ "trouble", "trouble while {doing}[: {why}]" },
};

/* "300s" reads better as 5m00s. */
static void add_value(const char *key, struct span value, struct str *out)
{
	struct span number = value;
	char text[24];
	uint64_t s;

	if ((strcmp(key, "next") == 0 || strcmp(key, "delay") == 0 || strcmp(key, "after") == 0)
	    && span_eat_u64(&number, INT32_MAX, &s) && span_same(number, SPAN("s")))
		str_add_text(out, queue_ago((time_t)s, text));
	else
		str_add(out, value);
}

/* Past "{key}". */
static bool add_field(const char **words, struct span fields, struct str *out)
{
	struct str value = STR(LINE_MAX_BYTES);
	const char *end = strchr(*words, '}');
	char key[32];
	bool got;

	span_copy((struct span){ *words + 1, (size_t)(end - *words) - 1 }, key, sizeof key);
	*words = end + 1;
	if (strcmp(key, "*") == 0) {
		str_add(out, fields);
		return true;
	}
	got = logline_get(fields, key, &value) && value.n;
	if (got)
		add_value(key, str_span(&value), out);
	str_free(&value);
	return got;
}

/* Up to the end, or to the ] of this part. False: a key has no value. */
static bool add_words(const char **words, struct span fields, struct str *out)
{
	bool all = true;

	while (**words && **words != ']') {
		size_t was = out->n;

		if (**words == '{') {
			all = add_field(words, fields, out) && all;
		} else if (**words == '[') {
			++*words;
			if (!add_words(words, fields, out))
				str_cut(out, was);
			*words += **words == ']';
		} else {
			str_add_char(out, *(*words)++);
		}
	}
	return all;
}

static void add_sentence(const struct logline *line, struct str *out)
{
	for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
		const char *words = sentences[i].words;

		if (!span_is(line->verb, sentences[i].verb))
			continue;
		add_words(&words, line->fields, out);
		return;
	}
	str_add(out, line->verb);
	str_add(out, line->fields);
}

/* --- for people --- */

/* "2026-11-24 04:12:07"; what is in another form stays as it is. */
static void add_when(const struct event *ev, struct str *out)
{
	struct tm tm;
	time_t when = (time_t)(ev->line.us / 1000000);
	char text[32];

	if (!ev->line.us || !gmtime_r(&when, &tm) ||
	    !strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm))
		str_addf(out, "%-19.*s", SPAN_ARG(ev->line.when));
	else
		str_add_text(out, text);
}

static void print_event(const struct event *ev, int indent)
{
	struct str out = STR(LINE_MAX_BYTES);

	str_addf(&out, "%*s", indent, "");
	add_when(ev, &out);
	str_add(&out, SPAN("  "));
	add_sentence(&ev->line, &out);
	str_cut(&out, tame(out.p, out.n));	/* other programs write into such logs too */
	str_add_char(&out, '\n');
	admin_print(&out);
}

static void print_rcpt(const struct rcpt *r, const char *station, time_t now, int indent)
{
	char when[24];

	printf("%*s%-19s  <%s> %s in %s", indent, "", "now", r->address, rcpt_state_name(r->state),
	    station);
	if (r->tries)
		printf(", tried %u time%s", r->tries, r->tries == 1 ? "" : "s");
	if (r->state == RCPT_WAITING && r->next > now)
		printf(", again in %s", queue_ago(r->next - now, when));
	if (*r->answer)
		printf(": %s%s%s", *r->remote ? r->remote : "", *r->remote ? ": " : "", r->answer);
	putchar('\n');
}

static void print_place(const char *station, const struct envelope *env, int indent)
{
	if (*env->hold)
		printf("%*s%-19s  on hold: %s\n", indent, "", "now", env->hold);
	for (size_t i = 0; i < env->rcpt_count; i++)
		print_rcpt(&env->rcpts[i], station, clock_wall(), indent);
}

/* --- for programs --- */

static void add_json_event(const struct event *ev, struct str *out)
{
	struct span fields = ev->line.fields, key, raw;
	struct str plain = STR(LINE_MAX_BYTES);

	str_add_text(out, "{\"time\":");
	admin_json_text(out, ev->line.when);
	admin_json_pair(out, "program", ev->line.program);
	admin_json_pair(out, "event", ev->line.verb);
	while (logline_next(&fields, &key, &raw)) {
		if (span_is(key, "time") || span_is(key, "program") || span_is(key, "event"))
			continue;
		str_reset(&plain);
		logline_plain(raw, &plain);
		str_addf(out, ",\"" SPAN_FMT "\":", SPAN_ARG(key));
		admin_json_text(out, str_span(&plain));
	}
	str_add_char(out, '}');
	str_free(&plain);
}

static void add_json_events(const struct event *ev, size_t n, struct str *out)
{
	str_add_text(out, "\"events\":[");
	for (size_t i = 0; i < n; i++) {
		if (i)
			str_add_text(out, ",\n  ");
		add_json_event(&ev[i], out);
	}
	str_add_char(out, ']');
}

/* --- where it lies now --- */

/* The next station that has it, from *station on; the envelope lives until the next call. */
static bool next_place(struct trace *t, const char *id, int *station, struct envelope *env)
{
	struct place p;

	span_copy(span_of(id), p.id, sizeof p.id);
	for (; t->desk && *station < STATIONS; ++*station) {
		p.station = *station;
		if (t->desk->open[p.station] && queue_next_try(&t->desk->st[p.station], id) &&
		    desk_read(t->desk, &p, env)) {
			++*station;
			return true;
		}
	}
	return false;
}

static bool is_known(struct trace *t, const struct life *l)
{
	struct envelope env;
	int station = 0;

	return l->count || next_place(t, l->id, &station, &env);
}

/* --- a life, and what was made of it --- */

static void print_life(struct trace *t, struct life *l, int depth)
{
	int indent = (depth + 1) * INDENT, station = 0;
	struct envelope env;

	if (l->shown)
		return;
	l->shown = true;
	printf("%*s%s\n", depth * INDENT, "", l->id);
	for (size_t i = 0; i < l->count; i++)
		print_event(&t->events[l->first + i], indent);
	while (next_place(t, l->id, &station, &env))
		print_place(queue_stations[station - 1], &env, indent);
	for (size_t i = 0; i < t->life_n; i++) {
		if (strcmp(t->lives[i].parent, l->id) == 0)
			print_life(t, &t->lives[i], depth < DEPTH_MAX ? depth + 1 : depth);
	}
}

static void json_life(struct trace *t, struct life *l)
{
	struct str out = STR(QUEUE_PRINT);
	struct envelope env;
	int station = 0;

	l->shown = true;
	str_addf(&out, "{\"id\":\"%s\",\"parent\":\"%s\",", l->id, l->parent);
	add_json_events(t->events + l->first, l->count, &out);
	str_add_text(&out, ",\"queue\":[");
	for (size_t n = 0; next_place(t, l->id, &station, &env); n++) {
		if (n)
			str_add_char(&out, ',');
		queue_json(queue_stations[station - 1], &env, &out);
	}
	str_add_text(&out, "]}");
	admin_print(&out);
}

/* --- all --- */

/* Events without an id stand behind all lives. */
static size_t first_loose(const struct trace *t)
{
	size_t n = t->event_n;

	while (n && t->events[n - 1].life == NO_LIFE)
		n--;
	return t->event_n - n > t->last ? t->event_n - t->last : n;
}

static bool has_parent(const struct trace *t, const struct life *l)
{
	for (size_t i = 0; *l->parent && i < t->life_n; i++) {
		if (strcmp(t->lives[i].id, l->parent) == 0)
			return t->lives[i].count > 0;
	}
	return false;
}

/* First those that were made of no other; then what is left, if a log is so strange. */
static size_t print_lives(struct trace *t)
{
	size_t n = 0;

	for (int strange = 0; strange < 2; strange++) {
		for (size_t i = 0; i < t->life_n; i++) {
			struct life *l = &t->lives[i];

			if (l->shown || (!strange && has_parent(t, l)) || !is_known(t, l))
				continue;
			print_life(t, l, 0);
			n++;
		}
	}
	return n;
}

static size_t json_lives(struct trace *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->life_n; i++) {
		if (!is_known(t, &t->lives[i]))
			continue;
		fputs(n++ ? ",\n " : "[", stdout);
		json_life(t, &t->lives[i]);
	}
	return n;
}

static void print_text(struct trace *t, size_t loose)
{
	size_t n = print_lives(t);

	for (size_t i = loose; i < t->event_n; i++)
		print_event(&t->events[i], 0);
	if (t->left_out)
		printf("%zu older messages are not shown; --last shows more\n", t->left_out);
	if (n || loose < t->event_n || t->code != EX_OK)
		return;
	fputs("posthorn: nothing is known of it\n", stderr);
	t->code = EX_NOINPUT;
}

static void print_json(struct trace *t, size_t loose)
{
	size_t n = json_lives(t);
	struct str out = STR(QUEUE_PRINT);

	if (loose < t->event_n) {
		str_addf(&out, "%s{\"id\":null,", n++ ? ",\n " : "[");
		add_json_events(t->events + loose, t->event_n - loose, &out);
		str_add_char(&out, '}');
	}
	str_add_text(&out, n ? "]\n" : "[]\n");
	admin_print(&out);
	if (!n && t->code == EX_OK)
		t->code = EX_NOINPUT;
}

void trace_print(struct trace *t)
{
	size_t loose = first_loose(t);

	if (admin_json())
		print_json(t, loose);
	else
		print_text(t, loose);
}

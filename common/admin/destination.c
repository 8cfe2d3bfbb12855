/*
 * posthorn destination: what mta remembers of the places where mail goes. The table belongs to
 * mta-sched: while it runs it is asked (queue/destination.h), else we open it ourselves.
 */
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/admin/destination.h"
#include "common/admin/queue.h"
#include "common/mail/date.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/os/file.h"
#include "common/queue/destination.h"
#include "common/queue/wish.h"
#include "common/smtp/extension.h"

enum { ANSWER_MS = 10000, LOOK_EACH_US = 10000, PRINT_MAX = 64 << 10 };

/* --- asking --- */

static bool ask_alone(const char *queue_directory, struct span words, struct str *list, struct err *e)
{
	struct destinations *all = destinations_open(queue_directory, e);
	bool ok = destinations_do(all, words, clock_wall(), e);

	if (ok)
		destinations_print(all, list);
	destinations_close(all);
	return ok;
}

static bool wait_for(int ask, const char *name, struct err *e)
{
	ms_t until = clock_ms() + ANSWER_MS;

	while (faccessat(ask, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
		if (clock_ms() > until)
			return err_temp(e, "4.3.0", "mta-sched has not answered; what was asked for is noted");
		usleep(LOOK_EACH_US);
	}
	return true;
}

static bool ask_sched(const struct station *out, struct span words, struct str *list, struct err *e)
{
	int ask = wish_open(out);
	char name[64];
	bool ok;

	if (ask < 0)
		return err_sys(e, "cannot open out/ask");
	snprintf(name, sizeof name, DESTINATIONS_WISH "%d", (int)getpid());
	ok = file_replace(ask, name, words, 0660, e) && wait_for(ask, name, e) &&
	    file_read_at(out->dir, DESTINATIONS_LIST, list, e);
	close(ask);
	return ok;
}

/* Have it done, and list what is known then. */
static int ask(struct span words, struct str *list)
{
	struct station out;
	struct conf conf;
	struct err e;
	int queue;
	bool ok;

	if (!admin_conf(&conf))
		return EX_CONFIG;
	queue = queue_open(conf.queue_directory, &e);
	ok = queue >= 0 && station_open(queue, "out", &out, &e);
	fd_close(&queue);
	if (!ok)
		return admin_fail(&e);
	ok = station_lock(&out) ? ask_alone(conf.queue_directory, words, list, &e) : ask_sched(&out, words, list, &e);
	station_close(&out);
	return ok ? EX_OK : admin_fail(&e);
}

/* --- one of them --- */

struct one { char name[ROUTE_NAME]; struct destination d; };

/* Eats the first of a list. */
static bool next_one(struct span *list, struct one *one)
{
	ptrdiff_t end = span_search(*list, SPAN("\n\n"));
	struct span text, line;

	if (end < 0)
		return false;
	text = span_take(list, (size_t)end + 2);
	destination_parse(text, &one->d);
	return span_cut(&text, '\n', &line) && span_eat(&line, "destination: ") &&
	    span_copy(line, one->name, ROUTE_NAME);
}

static void print_json(const struct one *one, bool first)
{
	const struct destination *d = &one->d;
	const struct { const char *key; long long value; } numbers[] = {
		{ "first", d->first }, { "used", d->used }, { "taken_at", d->taken_at }, { "failed_at", d->failed_at },
		{ "dead_until", d->dead_until }, { "taken", d->taken }, { "failed", d->failed }, { "fails", d->pace.fails },
		{ "at_once", d->pace.limit }, { "polite", d->pace.polite }, { "refused", d->pace.refused },
		{ "concurrency", d->pace.ceiling }, { "family", d->family },
	};
	const struct { const char *key, *value; } texts[] = {
		{ "host", d->host }, { "ip", d->ip }, { "tls", d->tls }, { "status", d->status }, { "why", d->why },
	};
	struct str out = STR(PRINT_MAX);

	str_add_text(&out, first ? "[{\"name\":" : ",\n {\"name\":");
	admin_json_text(&out, span_of(one->name));
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		str_addf(&out, ",\"%s\":%lld", numbers[i].key, numbers[i].value);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		admin_json_pair(&out, texts[i].key, span_of(texts[i].value));
	str_add_char(&out, '}');
	admin_print(&out);
}

static void print_line(const struct one *one, int64_t now)
{
	const struct destination *d = &one->d;
	char age[24];

	printf("%-28s", one->name);
	if (d->dead_until > now)
		printf(" left alone for %s: %s\n", queue_ago(d->dead_until - now, age), d->why);
	else if (d->pace.fails)
		printf(" not reached %u time%s: %s\n", d->pace.fails, d->pace.fails == 1 ? "" : "s",
		    d->why);
	else if (d->taken)
		printf(" %u at once, %s, %s %s ago\n", d->pace.limit,
		    *d->tls ? d->tls : "in the clear", d->host, queue_ago(now - d->taken_at, age));
	else
		puts(" nothing is known");
}

static void show_time(const char *what, int64_t when)
{
	struct str text = STR(64);

	if (!when)
		return;
	date_iso_print((time_t)when, &text);
	printf("%-13s %s\n", what, text.p);
	str_free(&text);
}

static void show_number(const char *what, int64_t number)
{
	if (number)
		printf("%-13s %lld\n", what, (long long)number);
}

static void show_text(const char *what, const char *text)
{
	if (*text)
		printf("%-13s %s\n", what, text);
}

static void show_extensions(unsigned extensions)
{
	if (!extensions)
		return;
	printf("%-13s", "extensions");
	for (unsigned bit = 1; bit; bit <<= 1) {
		const char *name = extensions & bit ? smtp_ext_word(bit) : NULL;

		if (name)
			printf(" %s", name);
	}
	putchar('\n');
}

static void show(const struct one *one)
{
	const struct destination *d = &one->d;

	show_text("destination", one->name);
	show_time("known since", d->first);
	show_time("used", d->used);
	show_number("taken", d->taken);
	show_time("last taken", d->taken_at);
	show_text("host", d->host);
	show_text("address", d->ip);
	show_text("tls", d->tls);
	show_extensions(d->extensions);
	show_number("at once", d->pace.limit);
	show_number("concurrency", d->pace.ceiling);
	show_number("polite", d->pace.polite);
	show_time("refused", d->pace.refused);
	show_number("failed", d->failed);
	show_time("last failed", d->failed_at);
	show_number("in a row", d->pace.fails);
	show_time("left alone", d->dead_until);
	show_text("status", d->status);
	show_text("why", d->why);
}

/* --- verbs --- */

/* Names are in lower case. */
static bool lower(const char *word, char name[ROUTE_NAME])
{
	return span_copy_lower(span_of(word), name, ROUTE_NAME);
}

static int verb_list(int argc, char **argv)
{
	struct str list = STR(DESTINATIONS_PRINT);
	int code = argc > 2 ? admin_usage("destination list [PATTERN]") : ask(SPAN("list"), &list);
	struct span rest = str_span(&list);
	int64_t now = clock_wall();
	size_t shown = 0;
	struct one one;

	while (code == EX_OK && next_one(&rest, &one)) {
		if (argc > 1 && fnmatch(argv[1], one.name, FNM_CASEFOLD) != 0)
			continue;
		if (admin_json())
			print_json(&one, !shown);
		else
			print_line(&one, now);
		shown++;
	}
	if (code == EX_OK && admin_json())
		puts(shown ? "]" : "[]");
	str_free(&list);
	return code;
}

/* In the list of what is known now? */
static bool find(const struct str *list, const char *name, struct one *one)
{
	struct span rest = str_span(list);

	while (next_one(&rest, one)) {
		if (strcmp(one->name, name) == 0)
			return true;
	}
	fprintf(stderr, "posthorn: nothing is known of %s\n", name);
	return false;
}

static int verb_show(int argc, char **argv)
{
	struct str list = STR(DESTINATIONS_PRINT);
	char name[ROUTE_NAME];
	struct one one;
	int code;

	if (argc != 2 || !lower(argv[1], name))
		return admin_usage("destination show DOMAIN");
	code = ask(SPAN("list"), &list);
	if (code == EX_OK && !find(&list, name, &one)) {
		code = EX_NOINPUT;
	} else if (code == EX_OK && admin_json()) {
		print_json(&one, true);
		puts("]");
	} else if (code == EX_OK) {
		show(&one);
	}
	str_free(&list);
	return code;
}

static int verb_forget(int argc, char **argv)
{
	struct str list = STR(DESTINATIONS_PRINT), words = STR(DESTINATIONS_WORDS);
	char name[ROUTE_NAME];
	struct one one;
	int code;

	if (argc != 2 || !lower(argv[1], name))
		return admin_usage("destination forget DOMAIN|all");
	if (strcmp(name, "all") == 0)
		return ask(SPAN("forget"), &list);
	code = ask(SPAN("list"), &list);
	if (code == EX_OK && !find(&list, name, &one))
		code = EX_NOINPUT;
	str_reset(&list);
	str_addf(&words, "forget %s", name);
	if (code == EX_OK)
		code = ask(str_span(&words), &list);
	str_free(&words);
	str_free(&list);
	return code;
}

/* What mta-sched would cut short is not taken: who says two days must not believe that they are. */
static int check_dead(const struct destination *d, time_t now)
{
	struct conf conf;
	char most[24];

	if (!admin_conf(&conf))
		return EX_CONFIG;
	if (d->dead_until - now <= (int64_t)conf.mta_unreachable_max)
		return EX_OK;
	return admin_usage("dead: nobody is left alone for longer than unreachable-max, %s",
	    queue_ago((time_t)conf.mta_unreachable_max, most));
}

static int verb_set(int argc, char **argv)
{
	time_t now = clock_wall();
	struct str list = STR(DESTINATIONS_PRINT), words = STR(DESTINATIONS_WORDS);
	struct destination test = { 0 };
	char name[ROUTE_NAME];
	struct err e;
	int code;

	if (argc < 3 || !lower(argv[1], name) || strchr(name, ' '))
		return admin_usage("destination set DOMAIN KEY=VALUE ...: concurrency=N, dead=TIME|no, family=4|6|any");
	str_addf(&words, "set %s", name);
	for (int i = 2; i < argc; i++) {
		if (!destination_edit(&test, span_of(argv[i]), now, &e))
			return admin_usage("%s", e.text);
		str_addf(&words, " %s", argv[i]);
	}
	code = check_dead(&test, now);
	if (code == EX_OK)
		code = ask(str_span(&words), &list);
	str_free(&words);
	str_free(&list);
	return code;
}

static const struct admin_verb verbs[] = {
	{ "list", verb_list, "[PATTERN]", "all of them, or those whose name fits" },
	{ "show", verb_show, "DOMAIN", "everything known about one" },
	{ "forget", verb_forget, "DOMAIN | all", "begin anew: what is known is thrown away" },
	{ "set", verb_set, "DOMAIN KEY=VALUE ...", "concurrency=N, dead=TIME|no, family=4|6|any" },
	{ "test", destination_test, "[--rcpt ADDRESS] DOMAIN", "what would happen to mail for it, step by step, without sending" },
	{ "way", destination_way, "ADDRESS [--from SENDER]", "which line of which file says how to go there" },
	{ .name = NULL }
};

int admin_destination(int argc, char **argv)
{
	static char *list[] = { (char *)"destination", (char *)"list", NULL };

	if (argc < 2)
		return admin_run("posthorn destination", verbs, 2, list);
	return admin_run("posthorn destination", verbs, argc, argv);
}

/*
 * posthorn queue: look at messages on their way, and decide about them. What changes a message
 * goes through the process that reads its station, where one runs (queue/wish.h).
 */
#include "common/admin/queue.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/directory/way.h"
#include "common/os/fd.h"

/* --- looking --- */

static void show(struct desk *d, const struct place *p, const struct envelope *env)
{
	queue_show(&d->st[p->station], env, !d->shown);
}

static int each_id(int argc, char **argv,
    void (*look)(struct desk *d, const struct place *p, const struct envelope *env))
{
	struct envelope env;
	struct desk d;
	int code;

	if (argc < 2)
		return admin_usage("queue %s needs the id of a message, as `posthorn queue list` shows it", argv[0]);
	code = desk_open(&d);
	if (code != EX_OK)
		return code;
	for (int i = 1; i < argc; i++)
		desk_find(&d, argv[i]);
	for (size_t i = 0; i < d.count; i++) {
		if (desk_read(&d, &d.places[i], &env)) {
			look(&d, &d.places[i], &env);
			d.shown++;
		}
	}
	if (look == show && admin_json() && d.shown)
		puts("]");
	code = d.code;
	desk_close(&d);
	return code;
}

static int verb_show(int argc, char **argv)
{
	return each_id(argc, argv, show);
}

static void cat(struct desk *d, const struct place *p, const struct envelope *env)
{
	struct err e;
	char buf[65536];
	ssize_t n;
	int fd = queue_open_text(&d->st[p->station], env->id, &e);

	if (fd < 0) {
		d->code = admin_fail(&e);
		return;
	}
	while ((n = read(fd, buf, sizeof buf)) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	close(fd);
	if (n < 0)
		d->code = EX_IOERR;
}

static int verb_cat(int argc, char **argv)
{
	return each_id(argc, argv, cat);
}

/* --- changing --- */

/* In which stations each makes sense, when no station is named. */
static void only_where_it_helps(struct choice *c, enum change change)
{
	if (c->any_station)
		return;
	for (int i = 0; i < STATIONS; i++) {
		if (change == CHANGE_RELEASE)
			c->in[i] = i == HOLD;
		else if (change == CHANGE_RETRY || change == CHANGE_HOLD)
			c->in[i] = i != HOLD;
	}
}

/* A message on two ways is one message. */
static size_t count_messages(const struct desk *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->count; i++)
		n += i == 0 || strcmp(d->places[i].id, d->places[i - 1].id) != 0;
	return n;
}

static void change_chosen(struct desk *d, const struct choice *c, enum change change, const char *via)
{
	size_t n;

	desk_choose(d, c);
	n = count_messages(d);
	queue_change(d, change, via);
	if (admin_json())
		printf("{\"messages\":%zu}\n", n);
	else
		printf("%zu message%s\n", n, n == 1 ? "" : "s");
}

static int change(int argc, char **argv, enum change what, const char *via)
{
	struct choice c;
	struct desk d;
	int code = choice_read(&argc, argv, &c);

	if (code >= 0)
		return code;
	if (argc > 1 && choice_is_made(&c))
		return admin_usage("queue %s takes ids, or options that choose messages, not both", argv[0]);
	if (argc < 2 && !choice_is_made(&c))
		return admin_usage("queue %s needs ids of messages, or an option that chooses some", argv[0]);
	code = desk_open(&d);
	if (code != EX_OK)
		return code;
	only_where_it_helps(&c, what);
	for (int i = 1; i < argc; i++)
		desk_find(&d, argv[i]);
	if (argc > 1)
		queue_change(&d, what, via);
	else
		change_chosen(&d, &c, what, via);
	code = d.code;
	desk_close(&d);
	return code;
}

static int verb_hold(int argc, char **argv)
{
	return change(argc, argv, CHANGE_HOLD, NULL);
}

static int verb_release(int argc, char **argv)
{
	return change(argc, argv, CHANGE_RELEASE, NULL);
}

static int verb_delete(int argc, char **argv)
{
	return change(argc, argv, CHANGE_DELETE, NULL);
}

static int verb_bounce(int argc, char **argv)
{
	return change(argc, argv, CHANGE_BOUNCE, NULL);
}

/* One that send can read. */
static bool is_place(const char *via)
{
	struct span rest = span_of(via);
	struct way_place place;

	return way_place(&rest, &place) && !rest.n;
}

static int verb_requeue(int argc, char **argv)
{
	const char *via = "";
	int kept = 1;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--via") != 0)
			argv[kept++] = argv[i];
		else if (++i == argc)
			return admin_usage("--via needs a value: HOST, HOST:PORT or [ADDRESS]:PORT");
		else
			via = argv[i];
	}
	argv[kept] = NULL;
	if (*via && !is_place(via))
		return admin_usage("--via wants HOST, HOST:PORT or [ADDRESS]:PORT, not \"%s\"", via);
	return change(kept, argv, CHANGE_REQUEUE, via);
}

/* --- retry, some or all --- */

/* One wish for all, where a process reads the station. */
static bool wish_for_all(struct desk *d, const char *name)
{
	const struct station *st = &d->st[choice_station(name)];
	struct err e;
	int ask;

	if (station_lock(st))
		return false;
	ask = wish_open(st);
	if (ask < 0)
		err_sys(&e, "cannot open %s/ask", name);
	if (ask < 0 || !wish_leave(ask, WISH_ALL, WISH_RETRY, &e))
		d->code = admin_fail(&e);
	fd_close(&ask);
	return true;
}

static int retry_all(void)
{
	static const char *const names[] = { "out", "local" };
	struct desk d;
	int code = desk_open(&d);

	if (code != EX_OK)
		return code;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		struct choice c = { .all = true };
		int station = choice_station(names[i]);

		c.in[station] = true;
		if (d.open[station] && !wish_for_all(&d, names[i]))
			desk_choose(&d, &c);
	}
	queue_change(&d, CHANGE_RETRY, NULL);
	code = d.code;
	desk_close(&d);
	return code;
}

static int verb_retry(int argc, char **argv)
{
	if (argc == 1 ||
	    (argc == 2 && (strcmp(argv[1], WISH_ALL) == 0 || strcmp(argv[1], "--all") == 0)))
		return retry_all();
	return change(argc, argv, CHANGE_RETRY, NULL);
}

#define SOME "[CHOICE ... | ID ...]"

static const struct admin_verb verbs[] = {
	{ "list", queue_list, "[CHOICE ...] [STATION ...]", "what is on its way: age, size, who waits, why, until when" },
	{ "count", queue_count, "[--by WHAT] [CHOICE ...]", "how many wait, by destination (or sender, login, station) and age" },
	{ "show", verb_show, "ID ...", "everything known about a message" },
	{ "cat", verb_cat, "ID ...", "the message itself" },
	{ "trace", admin_trace, "ID|MESSAGE-ID|ADDRESS", "what became of it, as posthorn trace" },
	{ "retry", verb_retry, "[all | CHOICE ... | ID ...]", "try again now" },
	{ "hold", verb_hold, SOME, "put aside until it is released" },
	{ "release", verb_release, SOME, "let go what is on hold" },
	{ "requeue", verb_requeue, "[--via HOST[:PORT]] " SOME, "route it anew, by the settings of now or to that server" },
	{ "bounce", verb_bounce, SOME, "give up and tell the sender" },
	{ "delete", verb_delete, SOME, "throw away and tell nobody" },
	{ .name = NULL }
};

int admin_queue(int argc, char **argv)
{
	static char *list[] = { (char *)"queue", (char *)"list", NULL };

	if (argc < 2)
		return admin_run("posthorn queue", verbs, 2, list);
	return admin_run("posthorn queue", verbs, argc, argv);
}

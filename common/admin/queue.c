/*
 * posthorn queue: look at messages on their way, and decide about them. What changes a message
 * goes through the process that reads its station, where one runs (queue/wish.h).
 */
#include "common/admin/queue.h"

#include <fcntl.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "common/admin/admin.h"
#include "common/os/clock.h"
#include "common/os/fd.h"
#include "common/queue/wish.h"

enum { ANSWER_MS = 5000 };

const char *const queue_stations[STATIONS] = { "in/sub", "in/net", "in/own", "out", "local", "hold" };

/* One message, wherever it is: in at most two stations (on two ways). */
struct found {
	struct station	 st;
	struct envelope	 env;
	struct arena	*memory;
};

static void let_go(struct found *f)
{
	station_close(&f->st);
	arena_free(f->memory);
}

static bool open_if_there(int queue, const char *name, const char *id, struct found *f, bool *there, struct err *e)
{
	*there = false;
	if (!station_open(queue, name, &f->st, e))
		return false;
	if (!queue_next_try(&f->st, id)) {
		station_close(&f->st);
		return true;
	}
	*there = true;
	f->memory = arena_new(QUEUE_MEMORY, NULL, NULL);
	if (queue_read_envelope(&f->st, id, f->memory, &f->env, e))
		return true;
	let_go(f);
	return false;
}

/* Do it wherever the message is. */
static int each_place(int queue, const char *id, int (*run)(struct found *f))
{
	int code = EX_OK, places = 0;
	struct found f;
	struct err e;
	bool there;

	for (int i = 0; i < STATIONS; i++) {
		if (!open_if_there(queue, queue_stations[i], id, &f, &there, &e)) {
			code = admin_fail(&e);
			continue;
		}
		if (!there)
			continue;
		places++;
		code = run(&f);
		let_go(&f);
	}
	if (!places && code == EX_OK) {
		fprintf(stderr, "posthorn: no message %s is in the queue\n", id);
		code = EX_NOINPUT;
	}
	return code;
}

static int open_queue(struct conf *conf, int *queue)
{
	struct err e;

	if (!admin_conf(conf))
		return EX_CONFIG;
	*queue = queue_open(conf->queue_directory, &e);
	return *queue < 0 ? admin_fail(&e) : EX_OK;
}

/* --- whose mail: all of a login's that is on hold --- */

struct choice { const struct station *st; const char *login; struct arena *memory; struct str ids; int code; };

static bool choose(void *arg, const char *id)
{
	struct choice *c = arg;
	struct envelope env;
	struct err e;

	if (!queue_read_envelope(c->st, id, c->memory, &env, &e))
		c->code = queue_next_try(c->st, id) ? admin_fail(&e) : c->code;
	else if (span_alike(span_of(env.login), span_of(c->login)))
		str_addf(&c->ids, "%s ", id);
	arena_reset(c->memory);
	return true;
}

static int run_all(int queue, struct span ids, int (*run)(struct found *f))
{
	int code = EX_OK, one;
	char id[ID_SIZE];
	struct span word;

	while ((word = span_word(&ids)).n) {
		one = span_copy(word, id, sizeof id) ? each_place(queue, id, run) : EX_OK;
		code = one != EX_OK ? one : code;
	}
	return code;
}

static int for_login(const char *login, int (*run)(struct found *f))
{
	struct choice c = { .login = login, .ids = STR(64 << 20), .code = EX_OK };
	struct station st;
	struct conf conf;
	int queue = -1, code = open_queue(&conf, &queue);
	struct err e;

	if (code != EX_OK)
		return code;
	c.st = &st;
	c.memory = arena_new(QUEUE_MEMORY, NULL, NULL);
	if (!station_open(queue, "hold", &st, &e)) {
		c.code = admin_fail(&e);
	} else {
		if (!queue_each(&st, choose, &c, &e))
			c.code = admin_fail(&e);
		station_close(&st);
	}
	code = run_all(queue, str_span(&c.ids), run);
	if (c.code == EX_OK && !c.ids.n)
		printf("no mail of %s is on hold\n", login);
	arena_free(c.memory);
	str_free(&c.ids);
	close(queue);
	return code != EX_OK ? code : c.code;
}

static int for_each_id(int argc, char **argv, int (*run)(struct found *f))
{
	int code = EX_OK, queue = -1, one;
	struct conf conf;

	if (argc < 2)
		return admin_usage("queue %s needs the id of a message, as `posthorn queue list` shows it", argv[0]);
	one = open_queue(&conf, &queue);
	if (one != EX_OK)
		return one;
	for (int i = 1; i < argc; i++) {
		if (queue_is_id(span_of(argv[i])))
			one = each_place(queue, argv[i], run);
		else
			one = admin_usage("\"%s\" is no id of a message", argv[i]);
		if (one != EX_OK)
			code = one;
	}
	close(queue);
	return code;
}

/* --- looking --- */

static int show(struct found *f)
{
	queue_show(&f->st, &f->env);
	return EX_OK;
}

static int verb_show(int argc, char **argv)
{
	return for_each_id(argc, argv, show);
}

static int cat(struct found *f)
{
	struct err e;
	char buf[65536];
	ssize_t n;
	int fd = queue_open_text(&f->st, f->env.id, &e);

	if (fd < 0)
		return admin_fail(&e);
	while ((n = read(fd, buf, sizeof buf)) > 0)
		fwrite(buf, 1, (size_t)n, stdout);
	close(fd);
	return n < 0 ? EX_IOERR : EX_OK;
}

static int verb_cat(int argc, char **argv)
{
	return for_each_id(argc, argv, cat);
}

/* --- changing --- */

/* Nobody reads the station: we do it ourselves. */
static bool fulfil(struct found *f, enum wish wish, struct err *e)
{
	struct station hold;
	int queue;
	bool ok;

	switch (wish) {
	case WISH_DELETE:
		return queue_remove(&f->st, f->env.id, e);
	case WISH_RETRY:
		wish_retry(&f->env);
		return queue_write_envelope(&f->st, &f->env, e);
	case WISH_BOUNCE:
		wish_bounce(&f->env);		/* who starts next tells the sender */
		return queue_write_envelope(&f->st, &f->env, e);
	default:
		break;
	}
	queue = openat(f->st.dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (queue < 0)
		return err_sys(e, "cannot open the queue");
	ok = station_open(queue, "hold", &hold, e);
	close(queue);
	if (!ok)
		return false;
	ok = queue_move(&f->st, &hold, f->env.id, e);
	station_close(&hold);
	return ok;
}

static int wait_for(int ask, struct found *f, enum wish wish)
{
	ms_t until = clock_ms() + ANSWER_MS;

	while (wish_waits(ask, f->env.id, wish) && clock_ms() < until)
		usleep(20000);
	if (!wish_waits(ask, f->env.id, wish))
		return EX_OK;
	fprintf(stderr, "posthorn: %s: %s is noted, and not yet done\n", f->env.id, wish_name(wish));
	return EX_TEMPFAIL;
}

static int change(struct found *f, enum wish wish)
{
	bool alone = strcmp(f->st.name, "hold") == 0 || station_lock(&f->st);
	struct err e;
	int ask, code;

	if (strncmp(f->st.name, "in/", 3) == 0) {
		fprintf(stderr, "posthorn: %s waits in %s for mta to look at it; when mta runs, ask again\n",
		    f->env.id, f->st.name);
		return EX_TEMPFAIL;
	}
	if (alone)
		return fulfil(f, wish, &e) ? EX_OK : admin_fail(&e);
	ask = wish_open(&f->st);
	if (ask < 0 || !wish_leave(ask, f->env.id, wish, &e)) {
		if (ask < 0)
			err_sys(&e, "cannot open %s/ask", f->st.name);
		fd_close(&ask);
		return admin_fail(&e);
	}
	code = wait_for(ask, f, wish);
	close(ask);
	return code;
}

static int hold(struct found *f)
{
	return strcmp(f->st.name, "hold") == 0 ? EX_OK : change(f, WISH_HOLD);
}

static int retry(struct found *f)
{
	if (strcmp(f->st.name, "hold") == 0) {
		fprintf(stderr, "posthorn: %s is on hold; `posthorn queue release %s` lets it go\n", f->env.id, f->env.id);
		return EX_UNAVAILABLE;
	}
	return change(f, WISH_RETRY);
}

static int delete(struct found *f)
{
	return change(f, WISH_DELETE);
}

static bool back_to_arrivals(struct found *f, struct err *e)
{
	int queue = openat(f->st.dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct station own;
	bool ok;

	if (queue < 0)
		return err_sys(e, "cannot open the queue");
	ok = station_open(queue, "in/own", &own, e);
	close(queue);
	if (!ok)
		return false;
	ok = queue_write_envelope(&f->st, &f->env, e) && queue_move(&f->st, &own, f->env.id, e);
	station_close(&own);
	return ok;
}

/* It goes through arrivals again, so that it is routed by the settings of today. */
static int release(struct found *f)
{
	struct err e;

	if (strcmp(f->st.name, "hold") != 0) {
		fprintf(stderr, "posthorn: %s is not on hold, it is in %s\n", f->env.id, f->st.name);
		return EX_UNAVAILABLE;
	}
	for (size_t i = 0; i < f->env.rcpt_count; i++) {
		if (f->env.rcpts[i].state == RCPT_FAILED)
			f->env.rcpts[i].state = RCPT_WAITING;
	}
	wish_retry(&f->env);
	f->env.hold = "";
	return back_to_arrivals(f, &e) ? EX_OK : admin_fail(&e);
}

static int bounce(struct found *f)
{
	struct err e;

	if (strcmp(f->st.name, "hold") != 0)
		return change(f, WISH_BOUNCE);
	wish_bounce(&f->env);
	f->env.hold = "";
	return back_to_arrivals(f, &e) ? EX_OK : admin_fail(&e);
}

static int verb_hold(int argc, char **argv)
{
	return for_each_id(argc, argv, hold);
}

/* ID ..., or --login LOGIN. */
static int for_each_or_login(int argc, char **argv, int (*run)(struct found *f))
{
	if (argc < 2 || strcmp(argv[1], "--login") != 0)
		return for_each_id(argc, argv, run);
	if (argc != 3)
		return admin_usage("queue %s --login LOGIN", argv[0]);
	return for_login(argv[2], run);
}

static int verb_release(int argc, char **argv)
{
	return for_each_or_login(argc, argv, release);
}

static int verb_delete(int argc, char **argv)
{
	return for_each_or_login(argc, argv, delete);
}

static int verb_bounce(int argc, char **argv)
{
	return for_each_or_login(argc, argv, bounce);
}

/* --- retry, one or all --- */

static bool collect(void *arg, const char *id)
{
	str_addf(arg, "%s ", id);
	return true;
}

/* One wish for all, where sched runs; else each envelope. */
static int retry_station(int queue, const char *name)
{
	struct str ids = STR(64 << 20);
	struct span rest, word;
	struct station st;
	int code = EX_OK;
	struct err e;

	if (!station_open(queue, name, &st, &e))
		return admin_fail(&e);
	if (!station_lock(&st)) {
		int ask = wish_open(&st);

		if (ask < 0 || !wish_leave(ask, WISH_ALL, WISH_RETRY, &e))
			code = admin_fail(&e);
		fd_close(&ask);
		station_close(&st);
		return code;
	}
	queue_each(&st, collect, &ids, &e);
	station_close(&st);
	for (rest = str_span(&ids); (word = span_word(&rest)).n; ) {
		char id[ID_SIZE];

		if (span_copy(word, id, sizeof id))
			code = each_place(queue, id, retry);
	}
	str_free(&ids);
	return code;
}

static int verb_retry(int argc, char **argv)
{
	struct conf conf;
	int queue = -1, code, second;

	if (argc > 1 && strcmp(argv[1], WISH_ALL) != 0)
		return for_each_id(argc, argv, retry);
	code = open_queue(&conf, &queue);
	if (code != EX_OK)
		return code;
	code = retry_station(queue, "out");
	second = retry_station(queue, "local");
	close(queue);
	return code != EX_OK ? code : second;
}

static const struct admin_verb verbs[] = {
	{ "list", queue_list, "[STATION ...]", "what is on its way: age, size, who waits, why, until when" },
	{ "show", verb_show, "ID ...", "everything known about a message" },
	{ "cat", verb_cat, "ID ...", "the message itself" },
	{ "retry", verb_retry, "[all | ID ...]", "try again now" },
	{ "hold", verb_hold, "ID ...", "put aside until it is released" },
	{ "release", verb_release, "[--login LOGIN | ID ...]", "let go what is on hold, or all of it that LOGIN sent" },
	{ "bounce", verb_bounce, "[--login LOGIN | ID ...]", "give up and tell the sender" },
	{ "delete", verb_delete, "[--login LOGIN | ID ...]", "throw away and tell nobody" },
	{ .name = NULL }
};

int admin_queue(int argc, char **argv)
{
	static char *list[] = { (char *)"queue", (char *)"list", NULL };

	if (argc < 2)
		return admin_run("posthorn queue", verbs, 2, list);
	return admin_run("posthorn queue", verbs, argc, argv);
}

/*
 * Power cuts before every system call of mta-sched:
 *
 *	sched MTA-SCHED RECORDING-MTA-SCHED
 *
 * The second is mta-sched on a disk that forgets (sched-disk.c). It lives through a message's whole
 * life; then, for each state in which a cut may leave the queue, the first is started on that
 * state, and every recipient that had not been served before the cut must be served after it.
 */
#include <string.h>
#include <sys/mman.h>

#include "common/base/crc.h"
#include "tests/sched/world.h"

enum { SERVED_MAX = 16, JUDGE_MS = 5000 };

struct served { char address[64]; size_t at; bool again; };

static struct served served[SERVED_MAX];
static size_t served_n, *calls;
static bool judging;
static unsigned states, twice;		/* states in which somebody got it twice */
static int bobs;				/* messages that mda-pick took before sched was started again */
static char id[ID_SIZE];

/* --- who was served, and when --- */

static struct served *find_served(const char *address)
{
	for (size_t i = 0; i < served_n; i++) {
		if (strcmp(served[i].address, address) == 0)
			return &served[i];
	}
	return NULL;
}

static void serve_one(const char *address)
{
	struct served *s = find_served(address);

	if (!s) {
		s = &served[served_n++];
		*s = (struct served){ .at = judging ? SIZE_MAX : *calls };
		snprintf(s->address, sizeof s->address, "%s", address);
	}
	s->again = judging;
}

/*
 * When the other side took it there had been s->at calls. At a cut there, sched may not have heard of it:
 * the message must be there still. After later ones it may be gone.
 */
static bool was_served(const char *address, size_t cut)
{
	struct served *s = find_served(address);

	if (s && s->again && s->at < cut)
		twice++;
	return s && (s->again || s->at < cut);
}

/* --- what is there --- */

static bool text_is_whole(const struct station *st, const struct envelope *env)
{
	struct str text = STR(10 << 20);
	int fd = queue_open_text(st, env->id, NULL);
	bool ok = fd >= 0 && file_read_all(fd, &text, NULL) && text.n == env->text_bytes
	    && crc32c(0, str_span(&text)) == env->text_crc;

	fd_close(&fd);
	str_free(&text);
	return ok;
}

struct wanted { const struct station *st; const char *address; int found, broken; };

static bool look_for_rcpt(void *arg, const char *found)
{
	struct wanted *w = arg;
	struct envelope env;

	if (!queue_read_envelope(w->st, found, arena, &env, NULL) || !text_is_whole(w->st, &env)) {
		w->broken++;
		return true;
	}
	for (size_t i = 0; i < env.rcpt_count; i++)
		w->found += strcmp(env.rcpts[i].address, w->address) == 0;
	arena_reset(arena);
	return true;
}

/* How many messages in that station are for address? -1: one of them is damaged. */
static int waiting_in(const char *name, const char *address)
{
	struct station st = station(name);
	struct wanted w = { .st = &st, .address = address };

	queue_each(&st, look_for_rcpt, &w, NULL);
	station_close(&st);
	return w.broken ? -1 : w.found;
}

static bool told(const char *sender)
{
	return waiting_in("local", sender) == 1;
}

static bool take_one(void *arg, const char *found)
{
	const struct station *st = arg;
	struct envelope env;

	if (queue_read_envelope(st, found, arena, &env, NULL) && strcmp(env.rcpts[0].address, "bob@here.test") == 0)
		bobs += queue_remove(st, found, NULL);
	arena_reset(arena);
	return true;
}

/* mda-pick is quicker than who starts sched again. */
static void take_bobs(void)
{
	struct station st = station("local");

	bobs = 0;
	queue_each(&st, take_one, &st, NULL);
	station_close(&st);
}

static bool bob_has_it(void)
{
	return bobs + waiting_in("local", "bob@here.test") == 1;
}

/* --- the lives --- */

static void put_mixed(void)
{
	put("in/sub", "ann@here.test", "bob@here.test ok@b.test never@c.test once@d.test", 0, id);
}

static void live_mixed(void)
{
	EXPECT(.out = 1, .local = 2);
	wish(id, WISH_RETRY);
	EXPECT(.local = 2);
}

static bool judge_mixed(size_t cut)
{
	return bob_has_it() && was_served("ok@b.test", cut) &&
	    was_served("once@d.test", cut) && told("ann@here.test") && local_has("Action: failed");
}

static void put_plain(void)
{
	put("in/sub", "ann@here.test", "bob@here.test", 0, id);
	put("in/net", "ann@here.test", "ok@b.test", 0, id);
}

static void live_plain(void)
{
	EXPECT(.local = 1);
}

static bool judge_plain(size_t cut)
{
	return bob_has_it() && was_served("ok@b.test", cut);
}

/* A late one: a warning, and in the end success. */
static void put_late(void)
{
	put("in/sub", "ann@here.test", "once@d.test", 60, id);
}

static void live_late(void)
{
	EXPECT(.out = 1, .local = 1);
	wish(id, WISH_RETRY);
	EXPECT(.local = 1);
}

static bool judge_late(size_t cut)
{
	/* the warning: not owed where it was delivered at the next try */
	return waiting_in("local", "ann@here.test") <= 1 && was_served("once@d.test", cut);
}

/* Failed, and nobody to tell: a person looks. */
static void put_bounce(void)
{
	put("in/own", "", "postmaster@b.test ok@c.test", 0, id);
}

static void live_nobody(void)
{
	EXPECT(.out = 0, .local = 1);
}

static void put_nobody(void)
{
	put("in/own", "", "never@b.test ok@c.test", 0, id);
}

static bool judge_nobody(size_t cut)
{
	return was_served("ok@c.test", cut) && told("root@here.test");
}

static void live_bounce(void)
{
	EXPECT(.out = 0);
}

static bool judge_bounce(size_t cut)
{
	return was_served("postmaster@b.test", cut) && was_served("ok@c.test", cut);
}

/* A person's wish, left while nobody was there. */
static void put_wish(enum wish what)
{
	struct station out = station("out");
	int ask = wish_open(&out);

	put("out", "ann@here.test", "ok@b.test", 0, id);
	wish_leave(ask, id, what, NULL);
	close(ask);
	station_close(&out);
}

static void put_to_hold(void)
{
	put_wish(WISH_HOLD);
}

static void live_held(void)
{
	EXPECT(.hold = 1);
}

static bool judge_held(size_t cut)
{
	(void)cut;
	return waiting_in("hold", "ok@b.test") == 1 && !served_n;
}

static void put_to_bounce(void)
{
	put_wish(WISH_BOUNCE);
}

static void live_bounced(void)
{
	EXPECT(.local = 1);
}

static bool judge_bounced(size_t cut)
{
	(void)cut;
	return told("ann@here.test") && !served_n;
}

/* Its receiver had doubts. */
static void put_marked(void)
{
	hold_mark = "looks odd";
	put("in/sub", "ann@here.test", "ok@b.test", 0, id);
	hold_mark = "";
}

static const struct life {
	const char	*name;
	void		(*put)(void), (*live)(void);
	bool		(*judge)(size_t cut);
} lives[] = {
	{ "here and elsewhere",	put_plain,	live_plain,	judge_plain },
	{ "all at once",	put_mixed,	live_mixed,	judge_mixed },
	{ "late",		put_late,	live_late,	judge_late },
	{ "a report",		put_bounce,	live_bounce,	judge_bounce },
	{ "a report that fails", put_nobody,	live_nobody,	judge_nobody },
	{ "hold",		put_to_hold,	live_held,	judge_held },
	{ "bounce",		put_to_bounce,	live_bounced,	judge_bounced },
	{ "marked",		put_marked,	live_held,	judge_held },
};

/* --- judging a state --- */

/* A wish for all to be tried at once, in the state's queue; its ask/, the caller's. */
static int retry_all(void)
{
	struct station out = station("out");
	int ask = wish_open(&out);

	wish_leave(ask, WISH_ALL, WISH_RETRY, NULL);
	station_close(&out);
	return ask;
}

static bool is_quiet(int ask)
{
	return !wish_waits(ask, WISH_ALL, WISH_RETRY) && !count("in/sub") && !count("in/net") &&
	    !count("in/own") && !count("out");
}

static void show(const struct life *l, size_t cut)
{
	printf("%s: bad after a cut before call %zu: in %d out %d local %d hold %d; served",
	    l->name, cut, count("in/sub") + count("in/net") + count("in/own"), count("out"),
	    count("local"), count("hold"));
	for (size_t i = 0; i < served_n; i++)
		printf(" %s%s", served[i].address, served[i].again ? " again" : "");
	printf("\n");
}

/* Worker: queue is the state's. */
static bool serve_state(const struct life *l, size_t cut)
{
	ms_t until = clock_ms() + JUDGE_MS;
	int ask = retry_all();
	bool ok;

	take_bobs();
	start();
	while (!is_quiet(ask) && clock_ms() < until)
		step(1);
	stop(SIGTERM);
	ok = is_quiet(ask) && l->judge(cut);
	close(ask);
	if (!ok)
		show(l, cut);
	return ok;
}

static bool judge_state(const struct life *l, size_t cut)
{
	struct served before[SERVED_MAX];
	size_t before_n = served_n;
	char after[80];
	int ours = queue;
	bool ok;

	memcpy(before, served, sizeof before);
	snprintf(after, sizeof after, "%s.after", root);
	queue = queue_open(after, NULL);
	configure(after, "1s");
	states++;
	ok = serve_state(l, cut);
	close(queue);
	queue = ours;
	memcpy(served, before, sizeof served);
	served_n = before_n;
	return ok;
}

/* --- recording --- */

/* The place where the calls are counted is given to the recorder. */
static void give_counter(int sock)
{
	int fd = memfd_create("calls", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, sizeof *calls) < 0)
		die("memfd");
	calls = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	packet_begin(&packet, 'N');
	packet_put_fd(&packet, fd);
	if (calls == MAP_FAILED || !packet_send(sock, &packet, NULL))
		die("the recorder");
	close(fd);
}

/* The recorder has ended its life as a sched, and shows state after state. */
static void judge_all(const struct life *l, int sock)
{
	while (packet_recv(sock, &packet, clock_in(60)) == PACKET_OK && packet.verb == 'S') {
		bool ok = judge_state(l, packet_take_u64(&packet));

		bad += !ok;
		packet_begin(&packet, ok ? '+' : '-');
		packet_send(sock, &packet, NULL);
	}
	CHECK(packet.verb == 'E', "%s: the recorder is gone", l->name);
}

static void hang_up(void)
{
	fd_close(&keeper);
	for (int i = 0; i < CLERKS; i++)
		fd_close(&clerks[i]);
	for (int i = 0; i < SENDERS; i++)
		fd_close(&senders[i]);
}

static void try(const struct life *l, int recorder)
{
	int plain = program, pair[2];
	pid_t recording;
	struct err e;

	served_n = states = twice = 0;
	once_seen = 0;
	judging = false;
	if (!fd_pair(pair, &e))
		die(e.text);
	l->put();
	configure(root, "1s");
	program = recorder;
	work = pair[1];
	start();
	recording = pid;
	program = plain;
	fd_close(&work);
	give_counter(pair[0]);
	l->live();
	kill(recording, SIGTERM);
	hang_up();
	judging = true;
	judge_all(l, pair[0]);
	waitpid(recording, NULL, 0);
	close(pair[0]);
	munmap(calls, sizeof *calls);
	printf("%s: %zu calls, %u states, %d bad, %u with something twice\n", l->name,
	    (size_t)(packet_take_u64(&packet), packet_take_u64(&packet)), states, bad, twice);
	clean();
}

int main(int argc, char **argv)
{
	int recorder =
	    argc == 3 ? fcntl(open(argv[2], O_PATH | O_CLOEXEC), F_DUPFD_CLOEXEC, 30) : -1;
	char after[80];

	if (recorder < 0)
		return 2;
	world_begin(argv[1], access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	accepted = serve_one;
	for (size_t i = 0; i < sizeof lives / sizeof *lives; i++)
		try(&lives[i], recorder);
	snprintf(after, sizeof after, "rm -rf %s.after", root);
	if (system(after) != 0)
		return 2;
	return world_end();
}

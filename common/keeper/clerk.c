/*
 * NAME
 *	posthorn-clerk - whose address is this
 * DESCRIPTION
 *	The only process that opens users, domains, aliases and the system's accounts. Its
 *	keeper sends a channel for each process that has questions ('c'); what they may ask
 *	stands in directory.h. A channel that talks nonsense, or that does not take its
 *	answers, is closed. The texts are looked at once a second at most, and only when somebody asks.
 *	The clerk of msa also counts what logins send (ledger.h).
 * FILES
 *	RUN/tables/KIND.db	compiled from the texts, replaced whole
 *	RUN/full/		marks of full mailboxes, pick's (full.h)
 *	QUEUE/hints/msa/	the counts, msa's clerk's alone
 *	QUEUE/srs/keys		for senders that lead back; only mda's clerk makes such (srs-keys.h)
 */
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/conf/who.h"
#include "common/directory/answer.h"
#include "common/directory/ledger.h"
#include "common/directory/shelf.h"
#include "common/directory/srs-keys.h"
#include "common/io/loop.h"
#include "common/keeper/askers.h"
#include "common/keeper/role.h"
#include "common/os/file.h"
#include "common/os/log.h"

enum { ANSWER_MEMORY = 512 << 20, LOOK_AGAIN_MS = 1000 };

struct clerk {
	struct role_self	 self;
	struct dir_rules	 rules;
	struct shelf		 shelf;
	char			 directory[4096];
	struct ledger		 ledger;
	struct lookup_returns	 returns;
	char			 returns_stamp[SRS_KEYS_STAMP];
	char			 srs[4096];	/* "": no business of ours */
	char			 full[4096];
	char			 hints[4096];	/* "": not ours to keep */
	struct loop		*loop;
	struct arena		*arena;		/* for one answer */
	struct askers		 askers;
	ms_t			 looked;
};

static void log_news(const struct str *news)
{
	struct span rest = str_span(news), line;

	while (span_cut(&rest, '\n', &line))
		log_warn(SPAN_FMT, SPAN_ARG(line));
}

/* Keys that cannot be read now are no reason to forget those we have. */
static void refresh_returns(struct clerk *c)
{
	char stamp[SRS_KEYS_STAMP];
	struct srs_keys keys;
	struct err e;

	if (!*c->srs)
		return;
	srs_keys_stamp(c->srs, stamp);
	if (strcmp(stamp, c->returns_stamp) == 0)
		return;
	memcpy(c->returns_stamp, stamp, sizeof stamp);
	if (srs_keys_read(c->srs, &keys, &e))
		c->returns.keys = keys;
	else
		log_warn("%s", e.text);
}

static void refresh(struct clerk *c)
{
	struct str news = STR(16384);

	if (c->looked && clock_ms() < c->looked + LOOK_AGAIN_MS)
		return;
	shelf_refresh(&c->shelf, &news);
	refresh_returns(c);
	c->looked = clock_ms();
	log_news(&news);
	str_free(&news);
}

/* ---- questions ---- */

static bool count(struct clerk *c)
{
	struct str news = STR(16384);
	bool ok = ledger_answer(&c->ledger, &c->shelf.lookup, c->arena, &c->askers.packet, clock_wall(), &news);

	log_news(&news);
	str_free(&news);
	return ok;
}

static bool serve(struct asker *a)
{
	struct clerk *c = a->all->server;
	struct packet *p = &a->all->packet;
	bool ok;

	refresh(c);
	c->returns.now = clock_wall();
	ok = ledger_asked(p) ? count(c) : answer(&c->shelf.lookup, c->arena, p);
	arena_reset(c->arena);
	return ok ? packet_send(a->fd, p, NULL) : asker_nonsense();
}

/* ---- the start ---- */

static void on_signal(void *arg, int signo)
{
	struct clerk *c = arg;

	(void)signo;
	loop_stop(c->loop);
}

/* While we are still root: a directory of our own. */
static void make_directory(const struct clerk *c, const char *path)
{
	struct err e;

	if (!file_make_owned(path, 0750, c->self.uid, c->self.gid, &e))
		log_warn("%s", e.text);
}

/* Where nobody takes or sends mail, nobody needs them. */
static void make_keys(struct clerk *c, const char *daemon)
{
	struct err e;

	if (!c->self.conf.mda_srs || span_starts(span_of(daemon), "pop3d/") ||
	    span_starts(span_of(daemon), "imapd/"))
		return;
	snprintf(c->srs, sizeof c->srs, "%s/srs", c->self.conf.queue_directory);
	if (!srs_keys_make(c->srs, c->self.uid, c->self.gid, &e))
		log_warn("%s", e.text);
	c->returns.valid = (time_t)c->self.conf.mda_srs_valid;
	c->returns.domain = c->self.conf.mda_srs_domain;
	c->returns.may_make = span_starts(span_of(daemon), "mda/");
}

/* daemon: argv[0], "msa/clerk". Of all clerks one may have the counts. */
static void make_directories(struct clerk *c, const char *daemon)
{
	snprintf(c->directory, sizeof c->directory, "%s/tables", c->self.conf.run_directory);
	make_directory(c, c->directory);
	snprintf(c->full, sizeof c->full, "%s/full", c->self.conf.run_directory);
	if (!span_starts(span_of(daemon), "msa/"))
		return;
	snprintf(c->hints, sizeof c->hints, "%s/hints", c->self.conf.queue_directory);
	make_directory(c, c->hints);
	snprintf(c->hints, sizeof c->hints, "%s/hints/msa", c->self.conf.queue_directory);
	make_directory(c, c->hints);
}

static void begin_ledger(struct clerk *c)
{
	const struct conf *conf = &c->self.conf;

	ledger_begin(&c->ledger, c->hints, (const uint64_t[TALLY_KINDS]){ [TALLY_MESSAGES] = conf->msa_messages,
	    [TALLY_RECIPIENTS] = conf->msa_recipients, [TALLY_NEW] = conf->msa_new_recipients });
}

/* libc loads its name services at the first question, which the jail would forbid. */
static void load_name_services(void)
{
	struct passwd row, *pw;
	char room[16384];

	getpwnam_r("nobody-of-this-name", &row, room, sizeof room, &pw);
}

int main(int argc, char **argv)
{
	static struct clerk c;
	const char *files[TABLE_COUNT];

	role_begin(&c.self, ROLE_CLERK, argc, argv);
	who_rules(&c.self.conf, geteuid() == 0, &c.rules);
	if (!c.rules.as_caller && !c.rules.has_vmail)
		log_warn("there is no account %s, so virtual users get no mail", c.self.conf.vmail_user);
	load_name_services();
	make_directories(&c, argv[0]);
	make_keys(&c, argv[0]);
	role_jail(&c.self);

	c.arena = arena_new(ANSWER_MEMORY, NULL, NULL);
	c.loop = loop_new();
	who_files(&c.self.conf, files);
	shelf_begin(&c.shelf, files, c.directory, &c.rules);
	c.shelf.lookup.full = c.full;
	c.shelf.lookup.returns = *c.srs ? &c.returns : NULL;
	begin_ledger(&c);
	refresh(&c);
	loop_on_signal(c.loop, SIGTERM, on_signal, &c);
	c.askers = (struct askers){ .loop = c.loop, .keeper = c.self.keeper, .server = &c,
		.size = sizeof(struct asker), .serve = serve };
	askers_begin(&c.askers);
	loop_run(c.loop);
	shelf_end(&c.shelf);
	ledger_end(&c.ledger);
	loop_free(c.loop);
	arena_free(c.arena);
	return EXIT_SUCCESS;
}

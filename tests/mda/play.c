/* Mail through a real mda-pick and its mda-deliver processes; prints what is not as it should be. */
#include "tests/mda/world.h"

static void wish(const char *id, enum wish what)
{
	struct station local = station("local");
	int ask = wish_open(&local);

	wish_leave(ask, id, what, NULL);
	for (int i = 0; i < 200 && wish_waits(ask, id, what); i++)
		step(20);
	CHECK(!wish_waits(ask, id, what), "a wish was not heard");
	close(ask);
	station_close(&local);
}

static void delivers(void)
{
	char id[ID_SIZE];

	start();
	put("ann@here.test", id);
	put("ann@here.test bob@here.test both@here.test", id);
	EXPECT(.ann = 3, .bob = 2);
	CHECK(has("^Return-Path: <sender@b.test>$", "mail/here.test/ann/Maildir/new/*"), "top");
	CHECK(has("^Delivered-To: both@here.test$", "mail/here.test/bob/Maildir/new/*"), "top");
	CHECK(spawned <= 3, "%u processes for one uid", spawned);
	put("eve@here.test!", id);
	EXPECT(.ann = 3, .bob = 2, .eve = 1, .own = 1);
	CHECK(has("Action: delivered", "in/own/new"), "report");
	stop(SIGTERM);
	clean();
}

static void bounces(void)
{
	char id[ID_SIZE];

	start();
	put("ann@here.test unknown@here.test", id);
	EXPECT(.ann = 1, .own = 1);
	CHECK(has("unknown@here.test", "in/own/new") && has("Action: failed", "in/own/new"),
	    "report");
	put_text("", "unknown@here.test", 0, "Subject: a bounce\n\n", id);
	EXPECT(.ann = 1, .own = 2);			/* to the postmaster */
	put_text("s@b.test", "bob@here.test", 0, "Delivered-To: BOB@here.test\nSubject: loop\n\n", id);
	EXPECT(.ann = 1, .own = 3);
	CHECK(has("5.4.6", "in/own/new"), "a loop");
	put_text("s@b.test", "back@here.test", 0, "Delivered-To: back@here.test\nSubject: loop\n\n", id);
	EXPECT(.ann = 1, .own = 4);
	put_text("s@b.test", "bob@here.test", 0, HOPS_5 HOPS_5 "Received: 11\n\n", id);
	EXPECT(.ann = 1, .own = 5);
	stop(SIGTERM);
	clean();
}

static void forwards(void)
{
	char id[ID_SIZE];

	start();
	put("away@here.test", id);
	EXPECT(.ann = 1, .own = 1);
	CHECK(has("x@b.test", "in/own/new") && has("y@c.test", "in/own/new"), "recipients");
	CHECK(has("^Delivered-To: away@here.test$", "in/own/new"), "top");
	CHECK(has("^sender: <SRS0=x@here.test>$", "in/own/new/*.e"), "sender");
	CHECK(has("^orcpt: rfc822;away@here.test$", "in/own/new/*.e"), "original recipient");
	stop(SIGTERM);
	clean();
}

/* RFC 3461 5.2.7: of one the sender's wishes go along, of several success is reported here. */
static void passes_wishes_on(void)
{
	char id[ID_SIZE];

	start();
	put("back@here.test!", id);
	EXPECT(.own = 1);
	CHECK(has("^notify: success$", "in/own/new/*.e"), "the wish of one");
	stop(SIGTERM);
	clean();
	start();
	put("away@here.test!", id);
	EXPECT(.ann = 1, .own = 2);
	CHECK(has("^Action: expanded$", "in/own/new/*.m"), "no report");
	CHECK(has("^notify: never$", "in/own/new/*.e"),
	    "who wanted to hear of success hears of failures");
	stop(SIGTERM);
	clean();
}

static void gives_reports_back(void)
{
	char id[ID_SIZE];

	next_is_unknown = true;
	start();
	put_text("", "SRS0=x@here.test", 0, "From: MAILER-DAEMON@b.test\n\nlost\n", id);
	EXPECT(.own = 1);
	CHECK(has("^sender: <>$", "in/own/new/*.e") && has("<far@c.test>", "in/own/new/*.e"),
	    "envelope");
	CHECK(has("^Delivered-To: SRS0=x@here.test$", "in/own/new/*.m") && !has("multipart", "in/own/new/*.m"), "text");
	put("SRS0=x@here.test", id);
	EXPECT(.own = 2);
	CHECK(has("status=5.7.1.*reports about mail only", "log"), "who writes to it");
	next_is_unknown = false;
	stop(SIGTERM);
	clean();
}

/* RFC 3461 5.2.7.1: a list with an owner has the message; what becomes of it on its way is his business. */
static void lists_have_owners(void)
{
	char id[ID_SIZE];

	start();
	put("list@here.test!", id);
	EXPECT(.own = 2);
	CHECK(has("^sender: <owner-list@here.test>$", "in/own/new/*.e"), "sender");
	CHECK(!has("^notify:", "in/own/new/*.e") && !has("^orcpt:", "in/own/new/*.e"),
	    "wishes of the sender");
	CHECK(has("^Action: delivered$", "in/own/new/*.m"), "no report");
	stop(SIGTERM);
	clean();
}

/* What nobody vouches for goes as an attachment, and comes back to nobody. */
static void attaches(void)
{
	char id[ID_SIZE];

	next_is_unknown = true;
	start();
	put("away@here.test", id);
	EXPECT(.ann = 1, .own = 1);
	CHECK(has("^sender: <>$", "in/own/new/*.e") && has("vouched", "in/own/new/*.e"), "envelope");
	CHECK(has("^Content-Type: message/rfc822$", "in/own/new/*.m") && has("^From: .*<away@here.test>$", "in/own/new/*.m"), "text");
	CHECK(has("^Delivered-To: away@here.test$", "in/own/new/*.m"), "top");
	put_text("s@b.test", "back@here.test", 0, "Delivered-To: back@here.test\nSubject: loop\n\n", id);
	EXPECT(.ann = 1, .own = 2);
	CHECK(has("5.4.6", "in/own/new"), "a loop");
	next_is_unknown = false;
	next_is_junk = true;
	put("back@here.test", id);
	EXPECT(.ann = 1, .own = 3);
	next_is_junk = false;
	CHECK(!has("^sender: <SRS0", "in/own/new/*.e"), "junk goes as it is");
	stop(SIGTERM);
	clean();
}

static void defers(void)
{
	char id[ID_SIZE];

	start();
	put("later@here.test ann@here.test", id);
	EXPECT(.local = 1, .ann = 1);
	shell("mkdir -p mail/here.test/closed/Maildir/tmp && chmod 0 mail/here.test/closed/Maildir");
	put("closed@here.test", id);
	wait_for_log("deferred to=<closed@here.test>.*mail/here.test/closed/Maildir.*Permission denied");
	EXPECT(.local = 2, .ann = 1);
	shell("chmod 700 mail/here.test/closed/Maildir");
	EXPECT(.local = 1, .ann = 1);			/* a second later */
	CHECK(in_box("closed") == 1, "%d", in_box("closed"));
	put_text("s@b.test", "later@here.test", 1000, "Subject: old\n\n", id);	/* older than give-up */
	EXPECT(.local = 1, .ann = 1, .own = 1);
	stop(SIGTERM);
	clean();
}

/* Killed at any moment: nothing is lost, and nothing comes twice. */
static void survives(void)
{
	char id[ID_SIZE];

	workers_die = true;
	start();
	put("ann@here.test", id);
	wait_for_log("the deliver process ended");
	workers_die = false;
	EXPECT(.ann = 1);
	stop(SIGKILL);
	for (int i = 1; i <= 30; i++) {
		put("bob@here.test", id);
		start();
		step(i % 10);
		for (int k = 0; k < i % 7; k++)
			step(i % 3);
		stop(SIGKILL);
	}
	start();
	EXPECT(.ann = 1, .bob = 30);
	stop(SIGTERM);
	CHECK(in_box("bob") == 30, "%d", in_box("bob"));
	clean();
}

/* The envelope says that it waits, the Maildir has it already; also when it has been read since. */
static void recognises(void)
{
	char id[ID_SIZE];

	start();
	put("ann@here.test bob@here.test", id);
	EXPECT(.ann = 1, .bob = 1);
	stop(SIGTERM);
	put("ann@here.test bob@here.test", id);
	shell("cp local/new/%s.m x.m && cp local/new/%s.e x.e", id, id);
	start();
	EXPECT(.ann = 2, .bob = 2);
	stop(SIGTERM);
	shell("mv mail/here.test/ann/Maildir/new/*%s* mail/here.test/ann/Maildir/cur/a && "
	    "mv mail/here.test/ann/Maildir/cur/a mail/here.test/ann/Maildir/cur/$(cd mail/here.test/bob/Maildir/new; "
	    "ls *%s* | sed 's/r1/r0/;s/,W.*//'):2,S", id, id);
	shell("mv x.m local/new/%s.m && mv x.e local/new/%s.e", id, id);
	start();
	EXPECT(.ann = 1, .bob = 2);
	stop(SIGTERM);
	clean();
}

static void waits_for_processes(void)
{
	char id[ID_SIZE];

	no_workers = true;
	start();
	put("ann@here.test", id);
	for (int i = 0; i < 20; i++)
		step(20);
	EXPECT(.local = 1);
	no_workers = false;
	EXPECT(.ann = 1);
	stop(SIGTERM);
	clean();
}

/* Told to end while one of two is not done yet: what went on to another server does not go there again. */
static void remembers_at_the_end(void)
{
	char id[ID_SIZE];

	no_workers = true;
	start();
	put("back@here.test ann@here.test", id);
	EXPECT(.local = 1, .own = 1);
	stop(SIGTERM);
	no_workers = false;
	start();
	EXPECT(.own = 1, .ann = 1);
	stop(SIGTERM);
	clean();
}

/*
 * Killed when one of two was forwarded and that is not noted: it does not go out once more, be it that sched has it
 * already. Killed just before the envelope got its place: it goes out, and nothing is left of the first try.
 */
static void forwards_once(void)
{
	static const struct { const char *meanwhile; int own; } cases[] = {
		{ "true", 1 },
		{ "mv in/own/new/*.e out/new && mv in/own/new/*.m out/new", 0 },
		{ "rm in/own/new/*.e in/own/new/*.m", 0 },
		{ "for f in in/own/new/*.e; do cp $f in/own/tmp; done", 1 },	/* sched was killed writing a state */
		{ "mv in/own/new/*.e in/own/tmp", 1 },
		{ "mv in/own/new/*.e in/own/tmp && for f in local/made/*; do : > $f; done", 1 },
	};
	char id[ID_SIZE];

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		no_workers = true;
		start();
		put("back@here.test ann@here.test", id);
		EXPECT(.local = 1, .own = 1);
		stop(SIGKILL);
		shell("%s", cases[i].meanwhile);
		no_workers = false;
		start();
		EXPECT(.own = cases[i].own, .ann = 1);
		stop(SIGTERM);
		CHECK(files_in("local/made") == 0, "marks are left, case %zu", i);
		CHECK(i == 3 || i == 5 || (files_in("in/own/tmp") == 0 && files_in("in/own/new") == 2 * cases[i].own),
		    "something is left of the first try, case %zu", i);
		shell("rm -f in/own/tmp/*");
		clean();
	}
}

static void fulfils_wishes(void)
{
	char id[ID_SIZE];

	start();
	put("later@here.test ann@here.test", id);
	EXPECT(.local = 1, .ann = 1);
	wish(id, WISH_HOLD);
	EXPECT(.hold = 1, .ann = 1);
	put("later@here.test", id);
	EXPECT(.local = 1, .hold = 1, .ann = 1);
	wish(WISH_ALL, WISH_RETRY);
	wish(id, WISH_BOUNCE);
	EXPECT(.own = 1, .hold = 1, .ann = 1);
	put("later@here.test", id);
	EXPECT(.local = 1, .own = 1, .hold = 1, .ann = 1);
	wish(id, WISH_DELETE);
	EXPECT(.own = 1, .hold = 1, .ann = 1);
	stop(SIGTERM);
	clean();
}

/* Also for somebody who has no Maildir yet, also after a crash; and the next message goes where it did before. */
static void junk_goes_to_its_folder(void)
{
	char id[ID_SIZE];

	start();
	next_is_junk = true;
	put("ann@here.test bob@here.test", id);
	wait_for_log("delivered to=<ann@here.test>.*folder=Junk");
	wait_for_log("delivered to=<bob@here.test>.*folder=Junk");
	put("ann@here.test", id);
	EXPECT(.local = 0);
	next_is_junk = false;
	put("ann@here.test", id);
	EXPECT(.ann = 1);
	CHECK(files_in("mail/here.test/ann/Maildir/.Junk/new") == 2, "junk");
	CHECK(has("^Junk$", "mail/here.test/ann/Maildir/subscriptions"), "subscribed");
	CHECK(access("mail/here.test/ann/Maildir/.Junk/maildirfolder", F_OK) == 0, "marked");
	stop(SIGTERM);
	clean();
}

/* Neither a report nor a state can be written for a while: nothing goes round, nothing goes out twice. */
static void waits_out_trouble(void)
{
	char id[ID_SIZE];

	start();
	shell("chmod 500 in/own/tmp");
	put("ann@here.test unknown@here.test", id);
	wait_for_log("telling the sender");
	for (int i = 0; i < 20; i++)
		step(50);
	shell("grep -c 'telling the sender' log | grep -qx '[12]' || touch goes-round");
	CHECK(access("goes-round", F_OK) < 0, "many tries in a second");
	stop(SIGTERM);
	put("back@here.test later@here.test", id);
	shell("chmod 700 in/own/tmp && chmod 500 local/tmp");
	start();
	wait_for_log("noting what became of it");
	for (int i = 0; i < 60; i++)
		step(50);
	shell("chmod 700 local/tmp");
	EXPECT(.local = 1, .ann = 1, .own = 2);
	stop(SIGTERM);
	shell("rm local/new/*.m");	/* an envelope alone */
	start();
	EXPECT(.ann = 1, .own = 2);
	stop(SIGTERM);
	clean();
}

static void many_pass(void)
{
	char id[ID_SIZE];

	start();
	for (int i = 0; i < 300; i++)
		put(i % 2 ? "ann@here.test" : "bob@here.test eve@here.test", id);
	EXPECT(.ann = 150, .bob = 150, .eve = 150);
	CHECK(spawned <= 8, "%u processes for one uid", spawned);
	stop(SIGTERM);
	clean();
}

int main(int argc, char **argv)
{
	world_begin(argc, argv);
	delivers();
	bounces();
	forwards();
	passes_wishes_on();
	gives_reports_back();
	lists_have_owners();
	attaches();
	defers();
	survives();
	recognises();
	waits_for_processes();
	remembers_at_the_end();
	forwards_once();
	fulfils_wishes();
	junk_goes_to_its_folder();
	waits_out_trouble();
	many_pass();
	return world_end();
}

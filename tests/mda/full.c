/* Mailboxes with a quota: what fits, what waits, what goes back; prints what is not as it should be. */
#include "tests/mda/world.h"

static void put_bytes(const char *words, size_t bytes)
{
	char text[4096], id[ID_SIZE];

	memset(text, 'x', sizeof text);
	memcpy(text, "Subject: big\n\n", 14);
	text[bytes - 1] = '\n';
	text[bytes] = '\0';
	put_text("s@b.test", words, 0, text, id);
}

/* It waits, the clerks are told how much room there is, and when there is more it comes. */
static void full_defers(void)
{
	quota = 2000;
	start();
	put_bytes("ann@here.test", 1000);
	EXPECT(.ann = 1);
	CHECK(has("^2000S$", "mail/here.test/ann/Maildir/maildirsize"), "counted");
	put_bytes("ann@here.test", 1000);
	wait_for_log("deferred to=<ann@here.test>.*status=4.2.2.*the mailbox is full");
	EXPECT(.local = 1, .ann = 1);
	CHECK(has("^9[0-9][0-9]$", "run/full/ann"), "marked");
	put_bytes("ann@here.test", 300);		/* what fits, comes */
	EXPECT(.local = 1, .ann = 2);
	CHECK(access("run/full/ann", F_OK) == 0, "still marked");
	put_bytes("ann@here.test", 2001);		/* never will */
	EXPECT(.local = 1, .ann = 2, .own = 1);
	CHECK(has("5.2.3", "in/own/new"), "report");
	shell("rm mail/here.test/ann/Maildir/new/*S=10* && echo '-1050 -1' >>mail/here.test/ann/Maildir/maildirsize");
	EXPECT(.ann = 2, .own = 1);
	CHECK(access("run/full/ann", F_OK) < 0, "unmarked");
	stop(SIGTERM);
	clean();
	quota = 0;
}

static void full_bounces(void)
{
	quota = 2000;
	configure("bounce");
	start();
	put_bytes("ann@here.test", 1000);
	EXPECT(.ann = 1);
	put_bytes("ann@here.test bob@here.test", 1000);
	EXPECT(.ann = 1, .bob = 1, .own = 1);
	CHECK(has("5.2.2", "in/own/new") && has("the mailbox is full", "in/own/new"), "report");
	CHECK(!has(root, "in/own/new"), "the report tells where the mailbox is");
	CHECK(access("run/full/ann", F_OK) == 0 && access("run/full/bob", F_OK) < 0, "marks");
	stop(SIGTERM);
	clean();
	configure("defer");
	quota = 0;
}

/* Killed at any moment while it fills up: nothing lost, nothing twice, and never above. */
static void full_survives(void)
{
	char id[ID_SIZE];

	quota = 3000;
	start();
	for (int i = 0; i < 10; i++)
		put_bytes("bob@here.test", 700);
	for (int i = 1; i <= 15; i++) {
		for (int k = 0; k < i % 7; k++)
			step(i % 5);
		stop(SIGKILL);
		start();
	}
	EXPECT(.local = 7, .bob = 3);
	quota = 0;
	put("bob@here.test", id);			/* without a quota: everything as ever */
	EXPECT(.bob = 11);
	stop(SIGTERM);
	clean();
}

int main(int argc, char **argv)
{
	world_begin(argc, argv);
	full_defers();
	full_bounces();
	full_survives();
	return world_end();
}

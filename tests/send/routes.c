/* A real mta-send goes the ways that an administrator told it. See world.h. */
#include "tests/send/world.h"

static struct job_result go(const char *words, const char *destination, const char *rcpts)
{
	struct job_result r;
	struct err e;

	way = way_plain;
	CHECK(way_read(span_of(words), records, &way, &e), "%s", e.text);
	r = carry(destination, rcpts);
	way = way_plain;
	return r;
}

#define TAKEN(r, n) CHECK((r).rcpts[n].kind == ERR_NONE, "%d: %s", n, (r).rcpts[n].answer)

/* "via=WORDS:PORT MORE" */
static const char *via(const char *words, const char *more)
{
	return arena_printf(records, "via=%s:%u %s", words, port, more);
}

static void addresses_of_two_families(void)
{
	struct job_result r;

	start("");
	r = go("", "both.test", "ok@x.test");		/* nobody is at ::1 */
	TAKEN(r, 0);
	CHECK(heard("7.1 MAIL"), "IPv4");
	r = go("families=4", "both.test", "ok@x.test");
	TAKEN(r, 0);
	r = go("families=6", "both.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.4.1") == 0, "%s",
	    r.rcpts[0].answer);
	r = go("families=6", "plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "no address of a family"),
	    "%s", r.rcpts[0].answer);
	stop();
}

static void our_own_address_and_name(void)
{
	struct job_result r;

	start("source-address = 127.0.7.60,::1\n");
	r = go("", "plain.test", "ok@x.test");
	TAKEN(r, 0);
	CHECK(heard("(connected) 127.0.7.60") && heard("EHLO me.here.test"), "by the settings");
	r = go("source=127.0.7.61 helo=other.here.test", "plain.test", "ok@x.test");
	TAKEN(r, 0);
	CHECK(heard("(connected) 127.0.7.61") && heard("EHLO other.here.test"), "by the way");
	r = go("source=192.0.2.1", "plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.3.5") == 0, "%s",
	    r.rcpts[0].answer);
	stop();
}

static void places_one_after_the_other(void)
{
	struct job_result r;

	start("");
	r = go(via("127.0.7.99,[127.0.7.2],127.0.7.4", ""), "plain.test", "ok@x.test");
	TAKEN(r, 0);
	CHECK(heard("7.2 (connected)") && heard("7.4 MAIL") && strcmp(r.remote, "127.0.7.4") == 0,
	    "%s", r.remote);
	r = go("port=1", "plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "port 1:"), "%s",
	    r.rcpts[0].answer);
	r = go("carried=2", "plain.test", "ok@x.test");
	r = go("carried=2", "plain.test", "ok@x.test");
	CHECK(!heard("(connected)"), "kept");
	r = go("carried=2", "plain.test", "ok@x.test");
	CHECK(heard("(connected)"), "used up");
	TAKEN(r, 0);
	stop();
}

/* RFC 2033: each recipient has an answer of its own behind the text. */
static void lmtp(void)
{
	struct job_result r;

	start("");
	for (int i = 0; i < 2; i++) {
		r = go(i ? arena_printf(records, "via=lmtp:%s/lists.sock", root) : via("lmtp:127.0.7.10", ""), "anywhere.test",
		    "a@x.test never@x.test b@x.test");
		CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "this one is full"),
		    "%s", r.rcpts[0].answer);
		CHECK(r.rcpts[1].kind == ERR_PERM, "%s", r.rcpts[1].answer);
		TAKEN(r, 2);
		CHECK(heard(" LHLO me.here.test") && !heard("EHLO"), "LHLO");
	}
	r = go("via=lmtp:/nowhere/at/all", "anywhere.test", "a@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.4.1") == 0, "%s",
	    r.rcpts[0].answer);
	stop();
}

/* RFC 3030; where it is a lie, the next time by DATA. */
static void chunks(void)
{
	struct job_result r;

	start("");
	r = go("", "chunk.test", "ok@x.test never@x.test");
	TAKEN(r, 0);
	CHECK(strcmp(r.rcpts[0].answer, "250 2.0.0 chunk taken") == 0 && r.rcpts[1].kind == ERR_PERM, "%s", r.rcpts[0].answer);
	r = go("", "chunk.test", "never@x.test");
	CHECK(r.rcpts[0].kind == ERR_PERM && heard("RSET"), "%s", r.rcpts[0].answer);
	r = go("", "liar.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && heard("BDAT"), "%s", r.rcpts[0].answer);
	r = go("", "liar.test", "ok@x.test");
	TAKEN(r, 0);
	CHECK(!heard("BDAT") && heard("DATA"), "once bitten");
	stop();
}

/* RFC 9422: two recipients a transaction, one transaction a connection. */
static void few_at_once(void)
{
	struct job_result r;

	start("");
	r = go("", "few.test", "a@x.test never@x.test b@x.test later@x.test c@x.test");
	TAKEN(r, 0);
	TAKEN(r, 2);
	TAKEN(r, 4);
	CHECK(r.rcpts[1].kind == ERR_PERM && r.rcpts[3].kind == ERR_TEMP, "in their order");
	CHECK(times_heard("(connected)") == 3 && times_heard("MAIL") == 3, "%d",
	    times_heard("(connected)"));
	stop();
}

static void write_secrets(const char *text, mode_t mode)
{
	int fd = open("secrets", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (write(fd, text, strlen(text)) < 0 || fchmod(fd, mode) < 0)
		die("secrets");
	close(fd);
}

static void started_with(const char *secrets, mode_t mode)
{
	write_secrets(secrets, mode);
	start("");
}

/*
 * Who says what the DNS says may be anybody, and an address of this machine in it proves nothing: another
 * user here may listen. Nobody hears a password but who showed a certificate, or whom the administrator's
 * own words put on this machine.
 */
static void no_password_for_strangers(void)
{
	/* the second one's handshake fails, and it is asked once more in the clear */
	static const char *const strangers[] = { "relay.test", "sham.test" };
	struct job_result r;

	started_with("isp isp-me words of mine\n", 0600);
	for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
		r = go(via(strangers[i], "login=isp"), "anywhere.test", "ok@x.test");
		CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.7.5") == 0
		    && strstr(r.rcpts[0].answer, strangers[i])
		    && strstr(r.rcpts[0].answer, "has not shown who it is: there is no TLS"), "%s", r.rcpts[0].answer);
		CHECK(heard("EHLO") && !heard("AUTH") && !heard("MAIL"), "%s", strangers[i]);
	}
	r = go(via("localhost", "login=isp"), "anywhere.test",
	    "ok@x.test"); /* never asked of strangers: RFC 6761 6.3 */
	TAKEN(r, 0);
	CHECK(heard("AUTH PLAIN"), "localhost");
	stop();
}

static void login(void)
{
	const char *words = via("127.0.7.12", "login=isp");
	struct job_result r;

	started_with("isp isp-me words of mine\n", 0600);
	r = go(words, "anywhere.test", "ok@x.test");
	TAKEN(r, 0);
	CHECK(heard("AUTH PLAIN"), "AUTH");
	r = go(words, "anywhere.test", "ok@x.test");
	CHECK(!heard("AUTH"), "once for each connection");
	r = go("login=isp", "relay.test", "ok@x.test");		/* the DNS says who that is */
	CHECK(r.rcpts[0].kind == ERR_TEMP && !heard("AUTH") && strstr(r.rcpts[0].answer, "via"),
	    "%s", r.rcpts[0].answer);
	r = go(via("127.0.7.12", "login=other"), "anywhere.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "no entry \"other\""), "%s",
	    r.rcpts[0].answer);
	r = go(via("127.0.7.1", "login=isp"), "anywhere.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "offers no AUTH"), "%s",
	    r.rcpts[0].answer);
	stop();
	started_with("isp isp-me words of mine\n", 0644);
	r = go(words, "anywhere.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "chmod 600"), "%s",
	    r.rcpts[0].answer);
	stop();
	/* It ends, so that the next one reads what has been mended. */
	started_with("isp isp-me other words\n", 0600);
	r = go(words, "anywhere.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strstr(r.rcpts[0].answer, "535 5.7.8 you are not") && !heard("MAIL"), "%s",
	    r.rcpts[0].answer);
	CHECK(packet_recv(work, &packet, clock_in(10)) == PACKET_END, "it is still there");
	stop();
}

int main(int argc, char **argv)
{
	begin_world(argc, argv);
	addresses_of_two_families();
	our_own_address_and_name();
	places_one_after_the_other();
	lmtp();
	chunks();
	few_at_once();
	no_password_for_strangers();
	login();
	return end_world();
}

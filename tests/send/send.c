/* A real mta-send finds its way to servers of all kinds, and does what is published and asked for. See world.h. */
#include "tests/send/world.h"

static const struct { const char *destination; enum err_kind kind; const char *status, *remote; bool unreachable; } ways[] = {
	{ "plain.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "second.test",	ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "implicit.test",	ERR_NONE,	"2.0.0",	"implicit.test",	false },
	{ "alias.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "[127.0.7.1]",	ERR_NONE,	"2.0.0",	"127.0.7.1",		false },
	{ "bare.test",		ERR_NONE,	"2.0.0",	"bare.test",		false },
	{ "loop.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "null.test",		ERR_PERM,	"5.1.10",	"",			false },
	{ "nothing.test",	ERR_PERM,	"5.1.2",	"",			false },
	{ "gone.test",		ERR_PERM,	"5.4.4",	"",			false },
	{ "dns.example",	ERR_TEMP,	"4.4.3",	"",			true },
	{ "self.test",		ERR_PERM,	"5.4.6",	"",			false },
	{ "only.test",		ERR_PERM,	"5.4.6",	"",			false },
	{ "back.test",		ERR_PERM,	"5.4.6",	"",			false },
	{ "near.test",		ERR_NONE,	"2.0.0",	"mx.plain.test",	false },
	{ "backup.test",	ERR_TEMP,	"4.4.3",	"",			true },
	{ "[127.0.7.98]",	ERR_TEMP,	"4.4.1",	"",			true },
	{ "never.test",		ERR_PERM,	"5.0.0",	"never.test",		false },
	{ "busy.test",		ERR_TEMP,	"4.0.0",	"mx.busy.test",		true },
	{ "hangup.test",	ERR_TEMP,	"4.4.2",	"hangup.test",		false },
	{ "tls.test",		ERR_NONE,	"2.0.0",	"tls.test",		false },
};

static void finds_its_way(void)
{
	start("");
	for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
		struct job_result r = carry(ways[i].destination, "bob@x.test");
		const struct job_result_rcpt *got = &r.rcpts[0];

		CHECK(r.count == 1 && got->kind == ways[i].kind && strcmp(got->status, ways[i].status) == 0
		    && strcmp(r.remote, ways[i].remote) == 0 && r.unreachable == ways[i].unreachable,
		    "%s: kind %d status %s remote %s: %s", ways[i].destination, got->kind, got->status, r.remote,
		    got->answer);
	}
	stop();
}

/* A domain with a hundred servers must not hold a process for hours. */
static void twelve_hosts_and_eight_addresses_are_enough(void)
{
	struct job_result r;

	start("");
	r = carry("dead.test", "bob@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.4.1") == 0, "%s",
	    r.rcpts[0].answer);
	CHECK(heard("/dns b.dead.test") && !heard("/dns mx.dns.example"), "the ninth");
	r = carry("void.test", "bob@x.test");
	CHECK(heard("/dns h12.void.test") && !heard("/dns h13.void.test"), "the thirteenth: %s",
	    r.rcpts[0].answer);
	stop();
}

/* Behind a code mta-sched looks for "too many", and a report for words of the other server. */
static void a_greeting_is_an_answer(void)
{
	struct job_result r;

	start("");
	r = carry("never.test", "bob@x.test");
	CHECK(strcmp(r.rcpts[0].answer, "554 5.0.0 no mail for anybody") == 0, "%s", r.rcpts[0].answer);
	r = carry("busy.test", "bob@x.test");
	CHECK(strcmp(r.rcpts[0].answer, "421 4.0.0 busy") == 0, "%s", r.rcpts[0].answer);
	stop();
}

static void every_recipient_has_its_result(void)
{
	struct job_result r;

	start("");
	r = carry("plain.test", "ok@x.test never@x.test later@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && r.rcpts[1].kind == ERR_PERM && r.rcpts[2].kind == ERR_TEMP, "kinds");
	CHECK(strcmp(r.rcpts[1].answer, "550 5.1.1 no such user") == 0, "%s", r.rcpts[1].answer);
	CHECK(strcmp(r.rcpts[2].answer, "450 4.2.0 come again") == 0, "%s", r.rcpts[2].answer);
	CHECK(heard("7.1 ..a dot\n") || heard(" ..a dot\n"), "the dots");
	CHECK(heard(" ..\n") && heard(" bye\n"), "the dots");
	r = carry("plain.test", "never@x.test");
	CHECK(r.rcpts[0].kind == ERR_PERM, "%s", r.rcpts[0].answer);
	r = carry("plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE, "%s", r.rcpts[0].answer);
	CHECK(times_heard("(connected)") == 0, "%d connections",
	    times_heard("(connected)")); /* it is kept */
	stop();
}

/* Domains of one server share its connection, where nothing else has to be proved for the second. */
static void shares_a_server(void)
{
	const struct way usual = way;
	struct job_result r;

	start("");
	r = carry("plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && times_heard("(connected)") == 1, "%s", r.rcpts[0].answer);
	r = carry("alias.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && !times_heard("(connected)"), "alias: %d connections",
	    times_heard("(connected)"));
	r = carry("plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && !times_heard("(connected)"), "and back");
	r = carry("implicit.test", "ok@x.test");		/* the same address, another name */
	CHECK(r.rcpts[0].kind == ERR_NONE && times_heard("(connected)") == 1, "implicit");
	way.helo = "other.here.test";
	r = carry("plain.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && times_heard("(connected)") == 1, "another way");
	way.tls = WAY_ENCRYPT;
	r = carry("alias.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.7.4") == 0, "%s", r.rcpts[0].answer);
	way = usual;
	stop();
}

static void passes_parameters_on(void)
{
	struct job j = job("plain.test", "ok@x.test");
	struct job_result r;

	start("");
	j.envid = "QQ1";
	j.ret = "hdrs";
	j.body8bit = true;
	j.rcpts[0].notify = 2 | 4;
	j.rcpts[0].original = "rfc822;o+2Bk@x.test";
	run(&j, &r);
	CHECK(r.dsn && heard("ENVID=QQ1") && heard("RET=HDRS") && heard("BODY=8BITMIME"), "MAIL");
	CHECK(heard("NOTIFY=SUCCESS,FAILURE") && heard("ORCPT=rfc822;o+2Bk@x.test"), "RCPT");
	j.by_mode = DELIVER_OR_NOTIFY;
	j.by = clock_wall() + 61;	/* of somebody who asked for 60 */
	run(&j, &r);
	CHECK(r.by && heard(" BY=") && !heard(" BY=61;N"), "BY");
	j.by_mode = DELIVER_ANY;
	j.destination = "bare.test";
	run(&j, &r);
	CHECK(!r.dsn && r.rcpts[0].kind == ERR_NONE && !heard("ENVID") && !heard("NOTIFY") && !heard("BODY"), "bare");
	j.smtputf8 = true;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strcmp(r.rcpts[0].status, "5.6.7") == 0, "%s",
	    r.rcpts[0].answer);
	j.smtputf8 = false;
	j.destination = "plain.test";
	j.wire_bytes = 100001;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strcmp(r.rcpts[0].status, "5.3.4") == 0, "%s",
	    r.rcpts[0].answer);
	stop();
}

static void goes_the_way_it_is_told(void)
{
	const struct way usual = way;
	struct job_result r;
	char hub[64];

	start("");
	way.tls = WAY_ENCRYPT;
	r = carry("bare.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.7.4") == 0, "%s",
	    r.rcpts[0].answer);
	r = carry("tls.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_TEMP && !heard("MAIL"), "%s", r.rcpts[0].answer);
	way.tls = WAY_NONE;
	r = carry("tls.test", "ok@x.test");
	CHECK(r.rcpts[0].kind == ERR_NONE && !heard("STARTTLS"), "%s", r.rcpts[0].answer);
	snprintf(hub, sizeof hub, "[127.0.7.4]:%u", port);
	way = way_plain;
	way.via = hub;
	r = carry("anywhere.example", "ok@anywhere.example");
	CHECK(r.rcpts[0].kind == ERR_NONE && strcmp(r.remote, "127.0.7.4") == 0, "%s",
	    r.rcpts[0].answer);
	way = usual;
	stop();
}

/* Whoever has no TLS is not what the DNS says about him. bare.test's server is all of them. */
static const struct { const char *destination; enum way_tls tls; enum err_kind kind; const char *status, *words; } policies[] = {
	{ "signed.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "signed.test",		WAY_DANE,	ERR_TEMP, "4.7.5", "no TLSA record that DNSSEC vouches for" },
	{ "pinned.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "pinned.signed.test",		WAY_NONE,	ERR_NONE, "2.0.0", "" },
	{ "pkix.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "pkix.signed.test",		WAY_DANE,	ERR_TEMP, "4.7.5", "no TLSA record can be used" },
	{ "bogus.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.5", "cannot look up the TLSA records" },
	{ "bogus.signed.test",		WAY_NONE,	ERR_NONE, "2.0.0", "" },
	{ "two.signed.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "pointer.signed.test",	WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "led.signed.test",		WAY_MAY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "unsigned.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "unsigned.test",		WAY_DANE,	ERR_TEMP, "4.7.5", "DNSSEC does not vouch for the MX records" },
	{ "secret.test",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "secret.test",		WAY_VERIFY,	ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "secret.test",		WAY_FINGERPRINT, ERR_TEMP, "4.7.4", "does not offer STARTTLS" },
	{ "[127.0.7.4]",		WAY_MAY,	ERR_NONE, "2.0.0", "" },
	{ "[127.0.7.4]",		WAY_DANE,	ERR_TEMP, "4.7.5", "no TLSA record" },
};

static void does_what_is_published(void)
{
	const struct way usual = way;

	start("");
	for (size_t i = 0; i < sizeof policies / sizeof *policies; i++) {
		struct job_result r;

		way.tls = policies[i].tls;
		r = carry(policies[i].destination, "bob@x.test");
		CHECK(r.rcpts[0].kind == policies[i].kind && strcmp(r.rcpts[0].status, policies[i].status) == 0
		    && strstr(r.rcpts[0].answer, policies[i].words), "%s, %s: %s %s", policies[i].destination,
		    way_tls_name(way.tls), r.rcpts[0].status, r.rcpts[0].answer);
		CHECK(r.rcpts[0].kind == ERR_NONE || !heard("MAIL"), "%s", policies[i].destination);
	}
	way = usual;
	stop();
}

/* The sender may ask for less than what is published (RFC 8689 5), and for more (4.2.1). */
static void does_what_the_message_says(void)
{
	struct job j = job("pinned.signed.test", "ok@x.test");
	struct job_result r;

	start("");
	j.rcpts[0].address = "ok@x.test";
	j.tls_optional = true;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_NONE, "%s", r.rcpts[0].answer);
	j.tls_optional = false;		/* not over the link that was good enough for the other */
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_TEMP && strcmp(r.rcpts[0].status, "4.7.4") == 0, "%s",
	    r.rcpts[0].answer);
	j.require_tls = true;
	run(&j, &r);
	CHECK(r.rcpts[0].kind == ERR_PERM && strcmp(r.rcpts[0].status, "5.7.10") == 0, "%s",
	    r.rcpts[0].answer);
	j.destination = "bare.test";
	run(&j, &r);
	CHECK(strcmp(r.rcpts[0].status, "5.7.30") == 0, "%s", r.rcpts[0].status);
	CHECK(r.rcpts[0].kind == ERR_PERM && strstr(r.rcpts[0].answer, "vouches"), "%s",
	    r.rcpts[0].answer);
	CHECK(!heard("connected"), "nobody was asked");
	stop();
}

/* Serve it until it has ended. */
static void await_end(void)
{
	ms_t until = clock_in(PATIENCE_MS / 1000);

	while (waitpid(pid, NULL, WNOHANG) == 0) {
		struct pollfd p = { keeper, POLLIN, 0 };

		if (clock_ms() > until)
			die("it does not end");
		if (poll(&p, 1, 20) > 0 && packet_recv(keeper, &packet, clock_ms()) == PACKET_OK)
			answer_keeper();
	}
	fd_close(&keeper);
	fd_close(&resolver);
}

/* sched was killed, and the next one sends it: the old job must not. */
static void ends_nothing_that_nobody_waits_for(void)
{
	static const struct { const char *destination, *end; } ends[] = {
		{ "[127.0.7.1]", " .\n" }, { "[127.0.7.4]", " .\n" }, { "[127.0.7.7]", " BDAT" },
	};
	struct err e = { 0 };

	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		struct job j = job(ends[i].destination, "ok@x.test");

		start("");
		unlink("heard");
		job_put(&j, &packet);
		if (!packet_send(work, &packet, &e))
			die(e.text);
		fd_close(&work);
		await_end();
		close(j.text);
		CHECK(heard(" EHLO") && !heard(ends[i].end), "%s", ends[i].destination);
	}
}

int main(int argc, char **argv)
{
	begin_world(argc, argv);
	finds_its_way();
	a_greeting_is_an_answer();
	twelve_hosts_and_eight_addresses_are_enough();
	every_recipient_has_its_result();
	shares_a_server();
	passes_parameters_on();
	goes_the_way_it_is_told();
	does_what_is_published();
	does_what_the_message_says();
	ends_nothing_that_nobody_waits_for();
	return end_world();
}

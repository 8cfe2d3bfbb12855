/* Who may ask a keeper for what, as whom processes may run, and how soon they start again. */
#include <unistd.h>

#include "common/io/packet.h"
#include "common/keeper/state.h"
#include "common/os/fd.h"
#include "tests/unit/unit.h"

static const struct {
	enum role_id	role;
	char		verb;
	unsigned	asked;
	bool		known, allowed;
} requests[] = {
	{ ROLE_SUBMISSION, 'C', 199, true, true },
	{ ROLE_SUBMISSION, 'C', 200, true, false },
	{ ROLE_PICK, 'C', 255, false, true },
	{ ROLE_SUBMISSION, 'A', 0, false, true },
	{ ROLE_SUBMISSION, 'A', 10, false, false },
	{ ROLE_SUBMISSION, 'S', 0, true, false },
	{ ROLE_SUBMISSION, 'D', 0, true, false },
	{ ROLE_INBOUND, 'C', 0, false, true },
	{ ROLE_INBOUND, 'M', 255, false, true },	/* a milter, for each of its clients */
	{ ROLE_SUBMISSION, 'M', 0, false, true },
	{ ROLE_SEND, 'M', 0, false, false },
	{ ROLE_FRONT, 'M', 0, false, false },
	{ ROLE_IMAP_SESSION, 'M', 0, true, false },
	{ ROLE_INBOUND, 'A', 0, false, false },
	{ ROLE_INBOUND, 'D', 0, false, false },
	{ ROLE_INBOUND, 'O', 0, false, false },
	{ ROLE_IMAP_LOGIN, 'A', 0, false, true },
	{ ROLE_IMAP_LOGIN, 'S', 0, false, false },
	{ ROLE_IMAP_LOGIN, 'S', 0, true, true },
	{ ROLE_IMAP_LOGIN, 'S', 1, true, false },
	{ ROLE_IMAP_LOGIN, 'C', 0, true, false },
	{ ROLE_POP3_LOGIN, 'S', 0, true, true },
	{ ROLE_IMAP_SESSION, 'A', 0, false, false },
	{ ROLE_IMAP_SESSION, 'S', 0, true, false },
	{ ROLE_IMAP_SESSION, 'C', 0, true, false },
	{ ROLE_PICK, 'D', 255, false, true },
	{ ROLE_PICK, 'O', 0, false, false },
	{ ROLE_SCHED, 'O', 255, false, true },
	{ ROLE_SCHED, 'D', 0, false, false },
	{ ROLE_DELIVER, 'C', 0, false, false },
	{ ROLE_DELIVER, 'D', 0, false, false },
	{ ROLE_SEND, 'C', 0, false, true },
	{ ROLE_SEND, 'O', 0, false, false },
	{ ROLE_INBOUND, 'K', 255, false, true },
	{ ROLE_SUBMISSION, 'K', 0, false, false },
	{ ROLE_SCHED, 'Y', 255, false, true },
	{ ROLE_SEND, 'Y', 0, false, false },
	{ ROLE_SEND, 'F', 255, false, true },
	{ ROLE_REPORT, 'F', 0, false, true },
	{ ROLE_INBOUND, 'F', 0, false, false },
	{ ROLE_FETCH, 'F', 0, false, false },
	{ ROLE_FETCH, 'C', 0, false, false },
	{ ROLE_SIGN, 'C', 0, false, false },
	{ ROLE_CHECK, 'C', 0, false, true },
	{ ROLE_CHECK, 'K', 0, false, false },
	{ ROLE_FRONT, 'W', 255, false, true },
	{ ROLE_FRONT, 'G', 0, false, true },
	{ ROLE_FRONT, 'G', 1, false, false },
	{ ROLE_FRONT, 'A', 0, false, false },
	{ ROLE_FRONT, 'C', 0, false, false },
	{ ROLE_FRONT, 'D', 0, false, false },
	{ ROLE_CLERK, 'C', 0, false, false },
	{ ROLE_HINTS, 'C', 0, false, false },
	{ ROLE_RESOLVER, 'A', 0, false, false },
	{ ROLE_AUTH, 'A', 0, false, false },
	{ ROLE_AUTH, 'S', 0, true, false },
	{ ROLE_SCHED, '\0', 0, false, false },
	{ ROLE_SCHED, '+', 0, false, false },
	{ ROLE_SCHED, (char)0xff, 0, false, false },
};

START_TEST(requests_are_a_table)
{
	struct err e = { 0 };

	ck_assert_int_eq(request_allowed(requests[_i].role, requests[_i].verb, requests[_i].asked, requests[_i].known, &e),
	    requests[_i].allowed);
	ck_assert(requests[_i].allowed || (e.kind == ERR_PERM && e.text[0]));
}
END_TEST

static const struct { enum role_id role; const char *service; bool allowed; } services[] = {
	{ ROLE_SUBMISSION, "clerk", true }, { ROLE_SUBMISSION, "resolver", false },
	{ ROLE_INBOUND, "clerk", true }, { ROLE_INBOUND, "resolver", true },
	{ ROLE_INBOUND, "hints", true }, { ROLE_SUBMISSION, "hints", false }, { ROLE_SEND, "hints", true }, { ROLE_FETCH, "hints", false },
	{ ROLE_PICK, "clerk", true }, { ROLE_PICK, "resolver", false },
	{ ROLE_SEND, "resolver", true }, { ROLE_SEND, "clerk", false },
	{ ROLE_CHECK, "resolver", true }, { ROLE_CHECK, "clerk", false },
	{ ROLE_SCHED, "sched", false }, { ROLE_SCHED, "", false }, { ROLE_SCHED, "CLERK", false },
	{ ROLE_FRONT, "clerk", false }, { ROLE_IMAP_LOGIN, "clerk", false },
};

START_TEST(services_are_a_table)
{
	enum role_id server;

	ck_assert_int_eq(service_allowed(services[_i].role, span_of(services[_i].service), &server),
	    services[_i].allowed);
}
END_TEST

static const struct { bool as_root; uint32_t uid, gid; bool allowed; } ids[] = {
	{ true, 1000, 1000, true }, { true, 50000, 50000, true }, { true, 900, 901, true },
	{ true, 0, 0, false }, { true, 0, 1000, false }, { true, 1000, 0, false },
	{ true, 999, 999, false }, { true, 1, 1, false }, { true, 900, 42, false },
	{ true, 1000, 42, false }, { true, 4294967295u, 1000, false }, { true, 1000, 4294967295u, false },
	{ true, 2147483648u, 1000, false },
};

START_TEST(nobody_becomes_root)
{
	struct keeper k = { .as_root = ids[_i].as_root, .vmail = { 900, 901 }, .conf = { .uid_min = 1000 } };
	struct err e;

	ck_assert_int_eq(ids_allowed(&k, ids[_i].uid, ids[_i].gid, &e), ids[_i].allowed);
}
END_TEST

START_TEST(the_caller_stays_the_caller)
{
	struct keeper k = { .as_root = false, .vmail = { -1, -1 }, .conf = { .uid_min = 1000 } };
	struct err e;

	ck_assert(ids_allowed(&k, geteuid(), getegid(), &e));
	ck_assert(!ids_allowed(&k, geteuid() + 1, getegid(), &e));
}
END_TEST

static const struct { const char *home; bool allowed; } homes[] = {
	{ "/home/ann", true }, { "/var/mail/x.test/ann", true }, { "/a..b", true },
	{ "", false }, { "/", false }, { "home", false }, { "/home/../etc", false }, { "/home/..", false },
	{ "/./home", false }, { "/..", false },
};

START_TEST(homes_do_not_climb)
{
	ck_assert_int_eq(home_allowed(homes[_i].home), homes[_i].allowed);
}
END_TEST

static const struct { const char *word, *name, *address; unsigned port; bool tls; } listeners[] = {
	{ "smtp=*:25", "smtp", "*", 25, false },
	{ "submissions=127.0.0.1:465:tls", "submissions", "127.0.0.1", 465, true },
	{ "imap=[::1]:0", "imap", "::1", 0, false },
	{ "imaps=[2001:db8::1]:993:tls", "imaps", "2001:db8::1", 993, true },
	{ "smtp", NULL, NULL, 0, false }, { "=*:25", NULL, NULL, 0, false }, { "smtp=25", NULL, NULL, 0, false },
	{ "smtp=*:", NULL, NULL, 0, false }, { "smtp=*:65536", NULL, NULL, 0, false }, { "smtp=*:x", NULL, NULL, 0, false },
	{ "a-name-that-is-much-too-long-for-us=*:25", NULL, NULL, 0, false },
};

START_TEST(listeners_parse)
{
	struct listener l;
	struct err e;
	bool ok = listen_parse(span_of(listeners[_i].word), &l, &e);

	ck_assert_int_eq(ok, listeners[_i].name != NULL);
	if (!ok)
		return;
	ck_assert_str_eq(l.name, listeners[_i].name);
	ck_assert_str_eq(l.address, listeners[_i].address);
	ck_assert_uint_eq(l.port, listeners[_i].port);
	ck_assert_int_eq(l.tls, listeners[_i].tls);
}
END_TEST

START_TEST(a_dead_child_is_back_soon_and_never_a_storm)
{
	ck_assert_int_eq(pace_wait(0), 0);
	ck_assert_int_eq(pace_wait(1), 100);
	ck_assert_int_eq(pace_wait(3), 400);
	for (unsigned n = 1; n < 100; n++) {
		ck_assert(pace_wait(n) <= 30000);
		ck_assert(pace_wait(n + 1) >= pace_wait(n));
	}
	ck_assert_int_eq(pace_wait(1000000), 30000);
}
END_TEST

/* No role but auth stays root, and who talks to strangers opens no file and no socket. */
START_TEST(rows_keep_their_promise)
{
	for (int i = ROLE_KEEPER + 1; i < ROLE_COUNT; i++) {
		ck_assert_msg(i == ROLE_AUTH || strcmp(roles[i].user, "root") != 0, "%s", roles[i].program);
		ck_assert(i == ROLE_AUTH || !(roles[i].may & MAY_FORK));
		ck_assert(roles[i].files > 0);
	}
	ck_assert_int_eq(roles[ROLE_FRONT].may, MAY_ACCEPT);
	ck_assert_int_eq(roles[ROLE_IMAP_LOGIN].may, 0);
	ck_assert_int_eq(roles[ROLE_POP3_LOGIN].may, 0);
	ck_assert_str_eq(roles[ROLE_FRONT].root, "");
	ck_assert_str_eq(roles[ROLE_IMAP_LOGIN].root, "");
	ck_assert(!(roles[ROLE_INBOUND].may & (MAY_NET | MAY_ACCEPT)));
}
END_TEST

START_TEST(words_become_paths)
{
	struct arena *a = arena_new(65536, NULL, NULL);
	struct conf c = { .queue_directory = "/q", .config_directory = "/c", .run_directory = "/r", .mail_directory = "/m",
		.users_file = "/c/users", .domains_file = "/d/domains", .aliases_file = "/aliases" };
	struct jail_path p[JAIL_PATHS_MAX];

	role_paths(&(struct role){ .root = "$queue/in/net $config:r $self /etc:r", .may = MAY_READ | MAY_WRITE }, &c, NULL, a, p);
	ck_assert_str_eq(p[0].path, "/q/in/net");
	ck_assert(p[0].write);
	ck_assert_str_eq(p[1].path, "/c");
	ck_assert(!p[1].write);
	ck_assert_str_eq(p[2].path, "/etc");
	ck_assert_ptr_null(p[3].path);
	role_paths(&(struct role){ .root = "$tables:r", .may = MAY_READ }, &c, NULL, a, p);
	ck_assert_str_eq(p[0].path, "/c");
	ck_assert_str_eq(p[1].path, "/d");
	ck_assert_str_eq(p[2].path, "/");
	role_paths(&(struct role){ .root = "$self", .may = MAY_READ | MAY_WRITE }, &c, "/m/x/ann", a, p);
	ck_assert_str_eq(p[0].path, "/m/x/ann");
	role_paths(&(struct role){ .root = "", .may = 0 }, &c, NULL, a, p);
	ck_assert_ptr_null(p[0].path);
	arena_free(a);
}
END_TEST

/* While the clerk starts anew a client may bring a thousand recipients: that is not the session's fault. */
START_TEST(who_gets_nothing_may_ask_again)
{
	struct keeper k = { .children = NULL };
	struct child c = { .keeper = &k, .role = ROLE_INBOUND, .pid = INT32_MAX };
	struct packet p;
	struct err e;
	int pair[2];

	ck_assert(fd_pair(pair, &e));
	c.channel = pair[0];
	for (int i = 0; i < 300; i++) {
		packet_begin(&p, 'C');
		packet_put_text(&p, "clerk");
		requests_answer(&c, &p);
		ck_assert_msg(c.channel >= 0, "killed at question %d", i);
		ck_assert(packet_recv(pair[1], &p, 0) == PACKET_OK && p.verb == '-');
	}
	close(pair[0]);
	close(pair[1]);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("keeper");

	tcase_add_loop_test(tc, requests_are_a_table, 0, COUNT(requests));
	tcase_add_loop_test(tc, services_are_a_table, 0, COUNT(services));
	tcase_add_loop_test(tc, nobody_becomes_root, 0, COUNT(ids));
	tcase_add_test(tc, the_caller_stays_the_caller);
	tcase_add_loop_test(tc, homes_do_not_climb, 0, COUNT(homes));
	tcase_add_loop_test(tc, listeners_parse, 0, COUNT(listeners));
	tcase_add_test(tc, a_dead_child_is_back_soon_and_never_a_storm);
	tcase_add_test(tc, rows_keep_their_promise);
	tcase_add_test(tc, words_become_paths);
	tcase_add_test(tc, who_gets_nothing_may_ask_again);
	return unit_end();
}

/* Who answers first: some addresses of 127/8, of which one refuses, one is mute and one answers. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/net/race.h"
#include "common/net/tcp.h"
#include "common/os/fd.h"
#include "tests/unit/unit.h"

static const struct { const char *in; unsigned first, without; const char *out; } orders[] = {
	{ "", 0, 0, "" },
	{ "::1 1.1.1.1 ::2 1.1.1.2", 0, 0, "::1 1.1.1.1 ::2 1.1.1.2" },
	{ "1.1.1.1 1.1.1.2 ::1 ::2 ::3", 0, 0, "1.1.1.1 ::1 1.1.1.2 ::2 ::3" },
	{ "1.1.1.1 1.1.1.2 ::1", 6, 0, "::1 1.1.1.1 1.1.1.2" },
	{ "::1 1.1.1.1 ::2", 4, 0, "1.1.1.1 ::1 ::2" },
	{ "::1 1.1.1.1 ::2", 6, 4, "::1 ::2" },
	{ "::1 1.1.1.1 ::2", 0, 6, "1.1.1.1" },
	{ "::1 ::2", 0, 6, "" },
	{ "::1 ::2", 4, 0, "::1 ::2" },
};

START_TEST(families_take_turns)
{
	const char *ips[8], *out[RACE_MAX];
	char text[200], got[200] = "";
	size_t n = 0, count;

	snprintf(text, sizeof text, "%s", orders[_i].in);
	for (char *rest = text, *word; (word = strsep(&rest, " ")) && *word;)
		ips[n++] = word;
	count = race_order(ips, n, orders[_i].first, orders[_i].without, out);
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%s", i ? " " : "", out[i]);
	ck_assert_str_eq(got, orders[_i].out);
}
END_TEST

START_TEST(more_addresses_than_racers)
{
	const char *ips[40], *out[RACE_MAX];

	for (int i = 0; i < 40; i++)
		ips[i] = i % 2 ? "1.1.1.1" : "::1";
	ck_assert_uint_eq(race_order(ips, 40, 0, 0, out), RACE_MAX);
}
END_TEST

static unsigned port;
static int answers, mute, fillers[8];

static int listen_at(const char *ip, int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	inet_pton(AF_INET, ip, &a.sin_addr);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	ck_assert_int_eq(listen(fd, backlog), 0);
	getsockname(fd, (struct sockaddr *)&a, &n);
	port = ntohs(a.sin_port);
	return fd;
}

/* 127.0.0.9 listens with a full backlog, so that the kernel does not answer; nobody is at 127.0.0.8. */
static void setup(void)
{
	port = 0;
	answers = listen_at("127.0.0.7", 8);
	mute = listen_at("127.0.0.9", 0);
	for (int i = 0; i < COUNT(fillers); i++)
		ck_assert(tcp_begin("127.0.0.9", port, "", &fillers[i], NULL));
}

static void teardown(void)
{
	close(answers);
	close(mute);
	for (int i = 0; i < COUNT(fillers); i++)
		fd_close(&fillers[i]);
}

static char lost[200];

static void note_lost(void *arg, const char *ip, const struct err *why)
{
	(void)arg;
	ck_assert_int_eq(why->kind, ERR_TEMP);
	snprintf(lost + strlen(lost), sizeof lost - strlen(lost), "%s ", ip);
}

static struct race race_of(const char *const *ips, size_t n)
{
	struct race r = { .count = n, .port = port, .lost = note_lost };

	lost[0] = '\0';
	for (size_t i = 0; i < n; i++)
		r.racers[i] = (struct racer){ ips[i], "" };
	return r;
}

START_TEST(a_mute_one_costs_a_moment)
{
	struct race r = race_of((const char *const[]){ "127.0.0.9", "127.0.0.8", "127.0.0.7" }, 3);
	ms_t began = clock_ms();
	const char *ip;
	struct err e;
	int fd;

	ck_assert_msg(race_run(&r, clock_in(20), &fd, &ip, &e), "%s", e.text);
	ck_assert_str_eq(ip, "127.0.0.7");
	ck_assert_str_eq(lost, "127.0.0.8 ");
	ck_assert(clock_ms() - began >= RACE_MS && clock_ms() - began < 10000);
	ck_assert_uint_eq(r.count, 1);			/* who is only slow may run again */
	ck_assert_str_eq(r.racers[0].ip, "127.0.0.9");
	close(fd);
}
END_TEST

START_TEST(the_first_in_order_wins_alone)
{
	struct race r = race_of((const char *const[]){ "127.0.0.7", "127.0.0.9" }, 2);
	const char *ip;
	struct err e;
	int fd;

	ck_assert(race_run(&r, clock_in(20), &fd, &ip, &e));
	ck_assert_str_eq(ip, "127.0.0.7");
	ck_assert_str_eq(lost, "");
	ck_assert_uint_eq(r.count, 1);
	close(fd);
}
END_TEST

START_TEST(nobody_arrives)
{
	struct race r = race_of((const char *const[]){ "127.0.0.8", "127.0.0.9", "nonsense" }, 3);
	const char *ip;
	struct err e;
	int fd;

	ck_assert(!race_run(&r, clock_in(1), &fd, &ip, &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	ck_assert_str_eq(e.status, "4.4.1");
	ck_assert_msg(strstr(e.text, "cannot connect to 127.0.0.8 port") == e.text, "%s", e.text);
	ck_assert_str_eq(lost, "127.0.0.8 nonsense ");
	ck_assert_uint_eq(r.count, 0);
	r = race_of((const char *const[]){ "127.0.0.9" }, 1);
	ck_assert(!race_run(&r, clock_in(0), &fd, &ip, &e));
	ck_assert_str_eq(e.status, "4.4.1");
	r = race_of(NULL, 0);
	ck_assert(!race_run(&r, clock_in(1), &fd, &ip, &e));
	ck_assert_str_eq(e.status, "4.4.1");
}
END_TEST

START_TEST(they_come_from_where_they_should)
{
	struct race r = race_of((const char *const[]){ "127.0.0.7" }, 1);
	struct sockaddr_in a;
	socklen_t n = sizeof a;
	const char *ip;
	struct err e;
	int fd;

	r.racers[0].source = "127.0.0.77";
	ck_assert(race_run(&r, clock_in(20), &fd, &ip, &e));
	getsockname(fd, (struct sockaddr *)&a, &n);
	ck_assert_uint_eq(ntohl(a.sin_addr.s_addr), 0x7f00004d);
	close(fd);
	r = race_of((const char *const[]){ "127.0.0.7" }, 1);
	r.racers[0].source = "192.0.2.1";
	ck_assert(!race_run(&r, clock_in(20), &fd, &ip, &e));
	ck_assert_msg(strstr(e.text, "cannot send from 192.0.2.1") != NULL, "%s", e.text);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-race");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, families_take_turns, 0, COUNT(orders));
	tcase_add_test(tc, more_addresses_than_racers);
	tcase_add_test(tc, a_mute_one_costs_a_moment);
	tcase_add_test(tc, the_first_in_order_wins_alone);
	tcase_add_test(tc, nobody_arrives);
	tcase_add_test(tc, they_come_from_where_they_should);
	return unit_end();
}

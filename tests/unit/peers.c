/* The table of addresses: limits per address, guesses, and what a dead front leaves. */
#include "common/keeper/peers.h"

#include <sys/mman.h>
#include <unistd.h>

#include "common/base/siphash.h"
#include "tests/unit/unit.h"

static const time_t noon = 1700000040;		/* the first second of a minute */

static int table(void)
{
	int fd = memfd_create("peers", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static struct peers *front_on(int fd, time_t now)
{
	struct peers *p = peers_map(fd, NULL);

	ck_assert_ptr_nonnull(p);
	peers_beat(p, now);
	return p;
}

static struct peers_seat enter(struct peers *p, const char *ip, struct peers_limits limits, time_t now)
{
	struct address a;

	ck_assert(address_parse(span_of(ip), &a));
	return peers_enter(p, &a, limits, now);
}

START_TEST(siphash_is_siphash)
{
	/* From the authors' reference: key 00..0f, input 00..0e and the empty one. */
	uint64_t key[2] = { 0x0706050403020100, 0x0f0e0d0c0b0a0908 };
	char in[15];

	for (int i = 0; i < 15; i++)
		in[i] = (char)i;
	ck_assert(siphash(key, (struct span){ in, 15 }) == 0xa129ca6149be45e5);
	ck_assert(siphash(key, (struct span){ in, 0 }) == 0x726fdb47dd0e0e31);
	ck_assert(siphash(key, (struct span){ in, 8 }) == 0x93f5f5799a932462);
}
END_TEST

static const struct { const char *first, *second; bool same; } pairs[] = {
	{ "192.0.2.1",		"192.0.2.1",		true },
	{ "192.0.2.1",		"::ffff:192.0.2.1",	true },
	{ "192.0.2.1",		"192.0.2.2",		false },
	{ "2001:db8::1",	"2001:db8::ffff:1",	true },
	{ "2001:db8::1",	"2001:db8:0:1::1",	false },
	{ "::1",		"0.0.0.0",		false },
};

START_TEST(limits_are_per_address)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct peers_seat seat = enter(p, pairs[_i].first, (struct peers_limits){ 1, 0 }, noon);

	ck_assert_int_eq(seat.verdict, PEERS_WELCOME);
	ck_assert_int_ge(seat.place, 0);
	ck_assert_int_eq(enter(p, pairs[_i].second, (struct peers_limits){ 1, 0 }, noon).verdict,
	    pairs[_i].same ? PEERS_TOO_MANY : PEERS_WELCOME);
	peers_leave(p, seat.place);
	ck_assert_int_eq(enter(p, pairs[_i].first, (struct peers_limits){ 1, 0 }, noon).verdict, PEERS_WELCOME);
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(two_fronts_share_one_count)
{
	int fd = table();
	struct peers *a = front_on(fd, noon), *b = front_on(fd, noon);
	struct peers_limits two = { 2, 0 };

	ck_assert_int_eq(enter(a, "192.0.2.1", two, noon).verdict, PEERS_WELCOME);
	ck_assert_int_eq(enter(b, "192.0.2.1", two, noon).verdict, PEERS_WELCOME);
	ck_assert_int_eq(enter(a, "192.0.2.1", two, noon).verdict, PEERS_TOO_MANY);
	ck_assert_int_eq(enter(b, "192.0.2.1", two, noon).refused, 2);
	peers_unmap(a);
	peers_unmap(b);
	close(fd);
}
END_TEST

START_TEST(dead_front_counts_no_more)
{
	int fd = table();
	struct peers *dead = front_on(fd, noon), *p = front_on(fd, noon), *heir;
	struct peers_limits one = { 1, 0 };

	ck_assert_int_eq(enter(dead, "192.0.2.1", one, noon).verdict, PEERS_WELCOME);
	ck_assert_int_eq(enter(p, "192.0.2.1", one, noon + 50).verdict, PEERS_TOO_MANY);
	peers_beat(p, noon + PEERS_SILENT + 1);
	heir = front_on(fd, noon + PEERS_SILENT + 1);	/* takes the dead one's column, emptied */
	ck_assert_int_eq(enter(heir, "192.0.2.1", one, noon + PEERS_SILENT + 1).verdict, PEERS_WELCOME);
	ck_assert_int_eq(enter(p, "192.0.2.1", one, noon + PEERS_SILENT + 1).verdict, PEERS_TOO_MANY);
	free(dead);		/* it had no time for more */
	peers_unmap(p);
	peers_unmap(heir);
	close(fd);
}
END_TEST

START_TEST(front_that_ends_takes_its_count_along)
{
	int fd = table();
	struct peers *a = front_on(fd, noon), *b = front_on(fd, noon);
	struct peers_limits one = { 1, 0 };

	ck_assert_int_eq(enter(a, "192.0.2.1", one, noon).verdict, PEERS_WELCOME);
	peers_unmap(a);
	ck_assert_int_eq(enter(b, "192.0.2.1", one, noon).verdict, PEERS_WELCOME);
	peers_unmap(b);
	close(fd);
}
END_TEST

START_TEST(rate_is_per_minute)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct peers_limits three = { 0, 3 };

	for (int i = 0; i < 3; i++)
		peers_leave(p, enter(p, "2001:db8::1", three, noon).place);
	ck_assert_int_eq(enter(p, "2001:db8::1", three, noon + 59).verdict, PEERS_TOO_FAST);
	ck_assert_int_eq(enter(p, "2001:db8:1::1", three, noon + 59).verdict, PEERS_WELCOME);
	ck_assert_int_eq(enter(p, "2001:db8::1", three, noon + 60).verdict, PEERS_WELCOME);
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(guessing_is_slowed_and_barred)
{
	static const unsigned waits[] = { 2, 4, 8, 16, 16 };
	int fd = table();
	struct peers *p = peers_map(fd, NULL);
	struct err e;

	for (int i = 0; i < PEERS_GUESSES; i++) {
		ck_assert(peers_may_login(p, "192.0.2.1", noon, &e));
		ck_assert_uint_eq(peers_login_failed(p, "192.0.2.1", 1000 + (uint64_t)i * 7, noon),
		    waits[i < 4 ? i : 4]);
	}
	ck_assert(!peers_may_login(p, "192.0.2.1", noon, &e));
	ck_assert_str_eq(e.status, "4.7.0");
	ck_assert(peers_may_login(p, "192.0.2.2", noon, &e));
	ck_assert(peers_may_login(p, "192.0.2.1", noon + 3600, &e));
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(same_wrong_password_counts_once)
{
	int fd = table();
	struct peers *p = peers_map(fd, NULL);

	for (int i = 0; i < 1000; i++)
		ck_assert_uint_eq(peers_login_failed(p, "192.0.2.1", 42, noon), 2);
	ck_assert(peers_may_login(p, "192.0.2.1", noon, NULL));
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(good_address_is_not_locked_out)
{
	int fd = table();
	struct peers *p = peers_map(fd, NULL);

	peers_login_ok(p, "192.0.2.1", noon);
	for (uint64_t i = 0; i < 2 * PEERS_GUESSES; i++)
		peers_login_failed(p, "192.0.2.1", i * 3, noon + 1);
	ck_assert(peers_may_login(p, "192.0.2.1", noon + 2, NULL));
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(many_addresses_do_not_push_out_the_connected)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct peers_limits one = { 1, 0 };

	ck_assert_int_eq(enter(p, "192.0.2.1", one, noon).verdict, PEERS_WELCOME);
	for (unsigned i = 0; i < 40000; i++) {
		struct address a = { 4, { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };

		peers_leave(p, peers_enter(p, &a, one, noon + 1).place);
	}
	ck_assert_int_eq(enter(p, "192.0.2.1", one, noon + 2).verdict, PEERS_TOO_MANY);
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(table_outlives_its_processes)
{
	int fd = table();
	struct peers *p = peers_map(fd, NULL), *again;

	for (uint64_t i = 0; i < PEERS_GUESSES; i++)
		peers_login_failed(p, "192.0.2.1", i * 5, noon);
	peers_unmap(p);
	again = peers_map(fd, NULL);
	ck_assert(!peers_may_login(again, "192.0.2.1", noon, NULL));
	peers_unmap(again);
	close(fd);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("peers");

	tcase_add_test(tc, siphash_is_siphash);
	tcase_add_loop_test(tc, limits_are_per_address, 0, COUNT(pairs));
	tcase_add_test(tc, two_fronts_share_one_count);
	tcase_add_test(tc, dead_front_counts_no_more);
	tcase_add_test(tc, front_that_ends_takes_its_count_along);
	tcase_add_test(tc, rate_is_per_minute);
	tcase_add_test(tc, guessing_is_slowed_and_barred);
	tcase_add_test(tc, same_wrong_password_counts_once);
	tcase_add_test(tc, good_address_is_not_locked_out);
	tcase_add_test(tc, many_addresses_do_not_push_out_the_connected);
	tcase_add_test(tc, table_outlives_its_processes);
	return unit_end();
}

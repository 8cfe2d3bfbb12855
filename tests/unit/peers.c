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
	ck_assert_int_eq(ftruncate(fd, PEERS_BYTES), 0);
	return fd;
}

static struct peers *front_on(int fd, time_t now)
{
	struct peers *p = peers_map(fd, NULL);

	ck_assert_ptr_nonnull(p);
	peers_beat(p, now);
	return p;
}

/* As a front does it: look, and enter when fewer than most are open there and in its network. */
static bool enter(struct peers *p, const char *ip, uint64_t most, uint64_t of_network,
    struct peers_seat *seat, time_t now)
{
	struct counts is;
	struct address a;

	ck_assert(address_parse(span_of(ip), &a));
	peers_look(p, &a, now, &is);
	if (is.of[OF_ADDRESS][TALLY_OPEN] >= most ||
	    is.of[OF_NETWORK][TALLY_STRANGERS] >= of_network)
		return false;
	*seat = peers_enter(p, &a, now);
	return true;
}

static bool one(struct peers *p, const char *ip, time_t now)
{
	struct peers_seat seat;

	return enter(p, ip, 1, 1000, &seat, now);
}

static uint64_t count_of(struct peers *p, const char *ip, enum tally what, time_t now)
{
	struct counts is;
	struct address a;

	ck_assert(address_parse(span_of(ip), &a));
	peers_look(p, &a, now, &is);
	return is.of[OF_ADDRESS][what];
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
	struct peers_seat seat;

	ck_assert(enter(p, pairs[_i].first, 1, 1000, &seat, noon));
	ck_assert_int_ge(seat.address, 0);
	ck_assert(one(p, pairs[_i].second, noon) == !pairs[_i].same);
	peers_leave(p, &seat);
	ck_assert_int_lt(seat.address, 0);
	ck_assert(one(p, pairs[_i].first, noon));
	peers_unmap(p);
	close(fd);
}
END_TEST

static const struct { const char *first, *second; bool same; } neighbours[] = {
	{ "192.0.2.1",		"192.0.2.254",		true },
	{ "192.0.2.1",		"192.0.3.1",		false },
	{ "2001:db8:1:1::1",	"2001:db8:1:ffff::1",	true },
	{ "2001:db8:1:1::1",	"2001:db8:2:1::1",	false },
	{ "0.0.1.0",		"::1",			false },
};

START_TEST(strangers_are_counted_per_network)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct peers_seat seat, other;

	ck_assert(enter(p, neighbours[_i].first, 10, 1, &seat, noon));
	ck_assert(enter(p, neighbours[_i].second, 10, 1, &other, noon) == !neighbours[_i].same);
	peers_known(p, &seat, noon);
	ck_assert(enter(p, neighbours[_i].first, 10, 1, &seat, noon));
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(two_fronts_share_one_count)
{
	int fd = table();
	struct peers *a = front_on(fd, noon), *b = front_on(fd, noon);
	struct peers_seat seat;

	ck_assert(enter(a, "192.0.2.1", 2, 1000, &seat, noon));
	ck_assert(enter(b, "192.0.2.1", 2, 1000, &seat, noon));
	ck_assert(!enter(a, "192.0.2.1", 2, 1000, &seat, noon));
	peers_unmap(a);
	peers_unmap(b);
	close(fd);
}
END_TEST

START_TEST(dead_front_counts_no_more)
{
	int fd = table();
	struct peers *dead = front_on(fd, noon), *p = front_on(fd, noon), *heir;

	ck_assert(one(dead, "192.0.2.1", noon));
	ck_assert(!one(p, "192.0.2.1", noon + 50));
	peers_beat(p, noon + PEERS_SILENT + 1);
	heir = front_on(fd, noon + PEERS_SILENT + 1);	/* takes the dead one's column, emptied */
	ck_assert(one(heir, "192.0.2.1", noon + PEERS_SILENT + 1));
	ck_assert(!one(p, "192.0.2.1", noon + PEERS_SILENT + 1));
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

	ck_assert(one(a, "192.0.2.1", noon));
	peers_unmap(a);
	ck_assert(one(b, "192.0.2.1", noon));
	peers_unmap(b);
	close(fd);
}
END_TEST

START_TEST(counts_are_by_the_minute)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct address a;

	ck_assert(address_parse(SPAN("2001:db8::1"), &a));
	for (enum tally what = TALLY_NOW; what < TALLY_COUNT; what++) {
		peers_count(p, &a, what, 200, noon);
		peers_count(p, &a, what, 55, noon + 59);
		ck_assert_uint_eq(count_of(p, "2001:db8::2", what, noon + 59), 255);
		ck_assert_uint_eq(count_of(p, "2001:db8:1::1", what, noon + 59), 0);
		ck_assert_uint_eq(count_of(p, "2001:db8::1", what, noon + 60), 0);
	}
	peers_unmap(p);
	close(fd);
}
END_TEST

/* Who logs in is no stranger, and its connection counts for nothing in its minute. */
START_TEST(login_gives_back_what_was_counted)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct peers_seat seat;

	for (int i = 0; i < 3; i++) {
		ck_assert(enter(p, "192.0.2.1", 10, 1000, &seat, noon));
		ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_STRANGERS, noon), 1);
		peers_known(p, &seat, noon + (i == 2 ? 60 : 0)); /* the last after its minute */
		peers_known(p, &seat, noon);				/* once is enough */
		ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_STRANGERS, noon), 0);
		ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_OPEN, noon), (unsigned)i + 1);
	}
	ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_CONNECTS, noon), 1);
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(data_ends_with_its_client)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct peers_seat seat;

	ck_assert(enter(p, "192.0.2.1", 10, 1000, &seat, noon));
	peers_data(p, &seat, true);
	peers_data(p, &seat, true);
	ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_DATA, noon), 1);
	peers_leave(p, &seat);
	peers_leave(p, &seat);
	ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_DATA, noon), 0);
	ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_OPEN, noon), 0);
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(turned_away_are_numbered)
{
	int fd = table();
	struct peers *p = front_on(fd, noon);
	struct address a;

	ck_assert(address_parse(SPAN("192.0.2.1"), &a));
	for (unsigned i = 1; i < 12; i++)
		ck_assert_uint_eq(peers_turned_away(p, &a, noon), i);
	ck_assert_uint_eq(peers_turned_away(p, &a, noon + 60), 1);
	ck_assert_uint_eq(count_of(p, "192.0.2.1", TALLY_CONNECTS, noon), 0);
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

	ck_assert(one(p, "192.0.2.1", noon));
	for (unsigned i = 0; i < 40000; i++) {
		struct address a = { 4, { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i } };
		struct peers_seat seat = peers_enter(p, &a, noon + 1);

		peers_leave(p, &seat);
	}
	ck_assert(!one(p, "192.0.2.1", noon + 2));
	peers_unmap(p);
	close(fd);
}
END_TEST

START_TEST(short_table_is_none)
{
	int fd = memfd_create("peers", MFD_CLOEXEC);
	struct err e;

	ck_assert_int_eq(ftruncate(fd, PEERS_BYTES - 1), 0);
	ck_assert_ptr_null(peers_map(fd, &e));
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
	tcase_add_loop_test(tc, strangers_are_counted_per_network, 0, COUNT(neighbours));
	tcase_add_test(tc, counts_are_by_the_minute);
	tcase_add_test(tc, login_gives_back_what_was_counted);
	tcase_add_test(tc, data_ends_with_its_client);
	tcase_add_test(tc, turned_away_are_numbered);
	tcase_add_test(tc, guessing_is_slowed_and_barred);
	tcase_add_test(tc, same_wrong_password_counts_once);
	tcase_add_test(tc, good_address_is_not_locked_out);
	tcase_add_test(tc, many_addresses_do_not_push_out_the_connected);
	tcase_add_test(tc, short_table_is_none);
	tcase_add_test(tc, table_outlives_its_processes);
	return unit_end();
}

/* Questions to the clerk: an answer that is no keeps the channel, silence does not. */
#include <unistd.h>

#include "common/directory/directory.h"
#include "common/io/packet.h"
#include "common/os/fd.h"
#include "tests/unit/unit.h"

static void open_pair(int pair[2])
{
	struct err e;

	ck_assert(fd_pair(pair, &e));
}

static void say(int clerk, char verb, uint64_t n, const struct err *why)
{
	struct packet p;

	packet_begin(&p, verb);
	if (why)
		packet_put_err(&p, why);
	else
		packet_put_u64(&p, n);
	ck_assert(packet_send(clerk, &p, NULL));
}

/* A session may ask its keeper for only so many channels: a stranger's odd address must not cost one. */
START_TEST(a_no_keeps_the_channel)
{
	struct err why, e = { .kind = ERR_NONE };
	enum dir_class is;
	int pair[2], was;

	open_pair(pair);
	was = pair[0];
	err_perm(&why, "5.1.3", "\"\"\"@example.org\" is no address");
	say(pair[1], '-', 0, &why);
	ck_assert(!directory_resolve(&pair[0], SPAN("\"\"@example.org"), &is, &e));
	ck_assert(e.kind == ERR_PERM && pair[0] == was);
	err_temp(&why, "4.3.0", "the table of aliases is not there");
	say(pair[1], '-', 0, &why);
	ck_assert(!directory_may_send(&pair[0], SPAN("ann"), SPAN("ann@example.org"), &e));
	ck_assert(e.kind == ERR_TEMP && pair[0] == was);
	say(pair[1], '+', DIR_LOCAL, NULL);
	ck_assert(directory_resolve(&pair[0], SPAN("ann@example.org"), &is, &e) &&
	    is == DIR_LOCAL && pair[0] == was);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(room_is_told)
{
	struct packet p;
	struct err e;
	enum dir_class is;
	uint64_t room = 0;
	int pair[2];

	open_pair(pair);
	packet_begin(&p, '+');
	packet_put_u64(&p, DIR_LOCAL);
	packet_put_text(&p, "ann@example.org");
	packet_put_text(&p, "");
	packet_put_u64(&p, 77);
	ck_assert(packet_send(pair[1], &p, NULL));
	ck_assert(directory_recipient(&pair[0], SPAN("ann@example.org"), &is, &room, &e) &&
	    is == DIR_LOCAL && room == 77);
	say(pair[1], '+', DIR_LOCAL, NULL);		/* half an answer is none */
	ck_assert(!directory_recipient(&pair[0], SPAN("ann@example.org"), &is, &room, &e));
	ck_assert_int_eq(e.kind, ERR_TEMP);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(a_clerk_that_is_gone_leaves_none)
{
	struct err e = { .kind = ERR_NONE };
	enum dir_class is;
	int pair[2];

	open_pair(pair);
	close(pair[1]);
	ck_assert(!directory_resolve(&pair[0], SPAN("ann@example.org"), &is, &e));
	ck_assert(e.kind == ERR_TEMP && pair[0] == -1);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("directory-ask");

	tcase_add_test(tc, a_no_keeps_the_channel);
	tcase_add_test(tc, room_is_told);
	tcase_add_test(tc, a_clerk_that_is_gone_leaves_none);
	return unit_end();
}

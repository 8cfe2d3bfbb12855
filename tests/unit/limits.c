/* Who is over which limit, and who goes when places get scarce. */
#include "common/keeper/limits.h"

#include "tests/unit/unit.h"

static const char settings_of_test[] =
	"[limits]\n"
	"connections-per-address = 9\nstrangers-per-address = 5\nstrangers-per-network = 7\n"
	"connections-per-minute = 20\nmessages-per-minute = 3\nrecipients-per-minute = 4\n"
	"refusals-per-minute = 2\nerrors-per-minute = 0\ndata-per-address = 2\ndata-max = 6\n";

static void read_settings(struct conf *c)
{
	struct err e;

	ck_assert_msg(conf_parse(span_of(settings_of_test), "test", c, NULL, &e), "%s", e.text);
}

static const struct {
	enum whose	 of;
	enum tally	 what;
	uint64_t	 n;
	const char	*door;		/* the key of the row that is against it */
	unsigned	 over;
} cases[] = {
	{ OF_ADDRESS,	TALLY_OPEN,	8,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_OPEN,	9,	"connections-per-address",	0 },
	{ OF_NETWORK,	TALLY_OPEN,	99,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_STRANGERS, 5,	"strangers-per-address",	0 },
	{ OF_NETWORK,	TALLY_STRANGERS, 6,	NULL,				0 },
	{ OF_NETWORK,	TALLY_STRANGERS, 7,	"strangers-per-network",	0 },
	{ OF_ALL,	TALLY_STRANGERS, 1000,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_CONNECTS,	19,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_CONNECTS,	20,	"connections-per-minute",	0 },
	{ OF_ADDRESS,	TALLY_MESSAGES,	2,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_MESSAGES,	3,	NULL,				1 << WIRE_MESSAGES },
	{ OF_NETWORK,	TALLY_MESSAGES,	3,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_RCPTS,	4,	NULL,				1 << WIRE_RCPTS },
	{ OF_ADDRESS,	TALLY_REFUSALS,	1,	NULL,				0 },
	{ OF_ADDRESS,	TALLY_REFUSALS,	2,	"refusals-per-minute",		1 << WIRE_REFUSALS },
	{ OF_ADDRESS,	TALLY_ERRORS,	1 << 20, NULL,				0 },
	{ OF_ADDRESS,	TALLY_DATA,	2,	NULL,				1 << WIRE_DATA },
	{ OF_ALL,	TALLY_DATA,	5,	NULL,				0 },
	{ OF_ALL,	TALLY_DATA,	6,	NULL,				1 << WIRE_DATA },
};

START_TEST(limits_are_reached)
{
	struct counts is = { 0 };
	const struct limit *l;
	struct conf c;

	read_settings(&c);
	is.of[cases[_i].of][cases[_i].what] = cases[_i].n;
	l = limits_door(&is, &c, CROWD_TIGHT);
	ck_assert_pstr_eq(l ? l->key : NULL, cases[_i].door);
	ck_assert_uint_eq(limits_talk(&is, &c), cases[_i].over);
	conf_free(&c);
}
END_TEST

/* While it is full, 20 a minute are 2; the other limits stay. */
START_TEST(who_comes_again_waits_in_a_crowd)
{
	struct counts is = { .of[OF_ADDRESS] = { [TALLY_CONNECTS] = 1, [TALLY_STRANGERS] = 4 } };
	struct conf c;

	read_settings(&c);
	ck_assert_ptr_null(limits_door(&is, &c, CROWD_FULL));
	is.of[OF_ADDRESS][TALLY_CONNECTS] = 2;
	ck_assert_ptr_null(limits_door(&is, &c, CROWD_CALM));
	ck_assert_str_eq(limits_door(&is, &c, CROWD_FULL)->key, "connections-per-minute");
	conf_free(&c);
}
END_TEST

/* Each row has a setting of its own that exists, words, and a reply that goes with its place. */
START_TEST(rows_are_whole)
{
	for (const struct limit *l = limits; l->key; l++) {
		const struct setting *row = conf_find("limits", l->key);

		ck_assert_msg(row != NULL, "%s", l->key);
		ck_assert_msg(row->at == l->at && row->kind == SET_COUNT, "%s", l->key);
		ck_assert(*l->words && *l->status == '4');
		ck_assert((l->place == AT_TALK) == (l->code != 421));
		for (const struct limit *other = limits; other < l; other++)
			ck_assert_msg(other->at != l->at, "%s", l->key);
	}
}
END_TEST

static const struct { uint64_t taken, most; enum crowd is; } crowds[] = {
	{ 0, 10, CROWD_CALM }, { 7, 10, CROWD_CALM }, { 8, 10, CROWD_TIGHT }, { 9, 10, CROWD_TIGHT },
	{ 10, 10, CROWD_FULL }, { 11, 10, CROWD_FULL }, { 0, 1, CROWD_CALM }, { 1, 1, CROWD_FULL },
	{ 1000000, 0, CROWD_CALM },
};

START_TEST(crowds_have_degrees)
{
	ck_assert_int_eq(crowd_of(crowds[_i].taken, crowds[_i].most), crowds[_i].is);
}
END_TEST

static const struct { enum crowd crowd; enum silence how; uint64_t timeout_s; ms_t patience; } silences[] = {
	{ CROWD_CALM,	SILENT_UNSERVED, 30,	MS_NEVER },
	{ CROWD_CALM,	SILENT_CLIENT,	30,	MS_NEVER },
	{ CROWD_TIGHT,	SILENT_UNSERVED, 30,	30000 },
	{ CROWD_TIGHT,	SILENT_CLIENT,	30,	30000 },
	{ CROWD_TIGHT,	SILENT_SESSION,	30,	30000 },
	{ CROWD_FULL,	SILENT_UNSERVED, 30,	0 },
	{ CROWD_FULL,	SILENT_CLIENT,	30,	1000 },
	{ CROWD_FULL,	SILENT_SESSION,	30,	30000 },
};

START_TEST(patience_shrinks)
{
	ck_assert_int_eq(crowd_patience(silences[_i].crowd, silences[_i].how, silences[_i].timeout_s),
	    silences[_i].patience);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("limits");

	tcase_add_loop_test(tc, limits_are_reached, 0, COUNT(cases));
	tcase_add_test(tc, who_comes_again_waits_in_a_crowd);
	tcase_add_test(tc, rows_are_whole);
	tcase_add_loop_test(tc, crowds_have_degrees, 0, COUNT(crowds));
	tcase_add_loop_test(tc, patience_shrinks, 0, COUNT(silences));
	return unit_end();
}

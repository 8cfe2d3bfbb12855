/* The table of limits. See limits.h; posthorn-front(8) shows it to the admin. */
#include "common/keeper/limits.h"

#define AT(field)	offsetof(struct conf, field)

/*
 * What is counted, of whom, where it is looked at, the setting (its default stands in conf/rows.c), the
 * reply; above each why the default is what it is. A network is what one customer of a
 * cheap host gets. What is over a limit of a minute is well again in the next.
 */
const struct limit limits[] = {
	/* 200: an office behind one address has a hundred mail programs open, some with several */
	{ TALLY_OPEN, OF_ADDRESS, AT_DOOR, "connections-per-address", AT(peer_connections),
	  "4.7.0", 421, "too many connections from there" },
	/* 20: but those log in within a second, and big senders open a handful from each address */
	{ TALLY_STRANGERS, OF_ADDRESS, AT_DOOR, "strangers-per-address", AT(peer_strangers),
	  "4.7.0", 421, "too many connections without a login from there" },
	/* 60: three such addresses; with sessions-max 500 it takes nine networks to fill us */
	{ TALLY_STRANGERS, OF_NETWORK, AT_DOOR, "strangers-per-network", AT(network_strangers),
	  "4.7.0", 421, "too many connections without a login from its network" },
	/* 60: a server that brings one message a connection brings one a second */
	{ TALLY_CONNECTS, OF_ADDRESS, AT_DOOR, "connections-per-minute", AT(connection_rate),
	  "4.7.0", 421, "too many connections a minute" },
	/* 60: a large list has some dead addresses; who tries one a second guesses names */
	{ TALLY_REFUSALS, OF_ADDRESS, AT_END, "refusals-per-minute", AT(refusal_rate),
	  "4.7.0", 421, "too many addresses tried that are not here" },
	/* 60: four sessions that each ran into errors-max */
	{ TALLY_ERRORS, OF_ADDRESS, AT_END, "errors-per-minute", AT(error_rate),
	  "4.7.0", 421, "too many mistakes a minute" },
	/* 300: five a second is more than any sender needs here, and waits for nobody's disk */
	{ TALLY_MESSAGES, OF_ADDRESS, AT_TALK, "messages-per-minute", AT(message_rate),
	  "4.7.1", 450, "too many messages a minute from there, try again later" },
	/* 1000: one message to as many as recipients-max allows */
	{ TALLY_RCPTS, OF_ADDRESS, AT_TALK, "recipients-per-minute", AT(rcpt_rate),
	  "4.7.1", 450, "too many recipients a minute from there, try again later" },
	/* 10: half of its connections, so that who sends slowly can not hold all of data-max alone */
	{ TALLY_DATA, OF_ADDRESS, AT_TALK, "data-per-address", AT(peer_data),
	  "4.3.2", 451, "too many messages at once from there, try again later" },
	/* 300: more writers than that only wait for each other; the other sessions can still talk */
	{ TALLY_DATA, OF_ALL, AT_TALK, "data-max", AT(data_max),
	  "4.3.2", 451, "too many messages are coming in just now, try again later" },
	/* 1000: 250 MB at most, should each have a session */
	{ TALLY_STRANGERS, OF_ALL, AT_CROWD, "strangers-max", AT(strangers_max),
	  "4.7.0", 421, "strangers-max reached" },
	/* 10000: below the descriptors a front may have, two for each */
	{ TALLY_OPEN, OF_ALL, AT_CROWD, "connections-max", AT(connections_max),
	  "4.7.0", 421, "connections-max reached" },
	{ .key = NULL }
};

enum { FULL_SHARE = 10 };

static bool is_over(const struct limit *l, const struct counts *is, const struct conf *c, enum crowd crowd)
{
	uint64_t most = *(const uint64_t *)(const void *)((const char *)c + l->at);

	if (crowd == CROWD_FULL && l->what == TALLY_CONNECTS)
		most = (most + FULL_SHARE - 1) / FULL_SHARE;
	return most && is->of[l->of][l->what] >= most;
}

const struct limit *limits_door(const struct counts *is, const struct conf *c, enum crowd crowd)
{
	for (const struct limit *l = limits; l->key; l++) {
		if ((l->place == AT_DOOR || l->place == AT_END) && is_over(l, is, c, crowd))
			return l;
	}
	return NULL;
}

_Static_assert(TALLY_ERRORS - TALLY_MESSAGES == WIRE_ERRORS - WIRE_MESSAGES, "one order for both");

/* Which of a session's bits a tally is; the session does not care of whom. */
static unsigned bit_of(enum tally what)
{
	if (what >= TALLY_MESSAGES)
		return 1u << (WIRE_MESSAGES + what - TALLY_MESSAGES);
	return what == TALLY_DATA ? 1u << WIRE_DATA : 0;
}

unsigned limits_talk(const struct counts *is, const struct conf *c)
{
	unsigned over = 0;

	for (const struct limit *l = limits; l->key; l++) {
		if ((l->place == AT_TALK || l->place == AT_END) && is_over(l, is, c, CROWD_CALM))
			over |= bit_of(l->what);
	}
	return over;
}

const struct limit *limits_row(enum tally what)
{
	const struct limit *l = limits;

	while (l->key && l->what != what)
		l++;
	return l;
}

/* --- when places are scarce --- */

enum { TIGHT_TENTHS = 8, GRACE_MS = 1000 };

enum crowd crowd_of(uint64_t taken, uint64_t most)
{
	if (!most || taken * 10 < most * TIGHT_TENTHS)
		return CROWD_CALM;
	return taken < most ? CROWD_TIGHT : CROWD_FULL;
}

/*
 * While there is no place left, a second without a word is long for who should be talking; a
 * session may be looking something up for the other, but a slow loris spoke last, too.
 */
ms_t crowd_patience(enum crowd crowd, enum silence how, uint64_t crowd_timeout_s)
{
	ms_t timeout = (ms_t)crowd_timeout_s * 1000;

	if (crowd == CROWD_CALM)
		return MS_NEVER;
	if (crowd == CROWD_TIGHT || how == SILENT_SESSION)
		return timeout;
	if (how == SILENT_UNSERVED)
		return 0;
	return timeout < GRACE_MS ? timeout : GRACE_MS;
}

/* Who answers first. See race.h. */
#include "common/net/race.h"

#include <poll.h>
#include <string.h>

#include "common/net/address.h"
#include "common/net/tcp.h"
#include "common/os/fd.h"

/* --- the order --- */

static unsigned family_of(const char *ip)
{
	struct address a;

	return address_parse(span_of(ip), &a) ? a.family : 0;
}

/* The next of that family from *at on, or NULL. */
static const char *next_of(const char *const *ips, size_t n, unsigned family, size_t *at)
{
	while (*at < n) {
		const char *ip = ips[(*at)++];

		if (family_of(ip) == family)
			return ip;
	}
	return NULL;
}

size_t race_order(const char *const *ips, size_t n, unsigned first, unsigned without, const char *out[RACE_MAX])
{
	unsigned family = first ? first : n ? family_of(ips[0]) : 0, other = family == 4 ? 6 : 4;
	size_t a = 0, b = 0, count = 0;
	const char *one, *two;

	do {
		one = family == without ? NULL : next_of(ips, n, family, &a);
		two = other == without ? NULL : next_of(ips, n, other, &b);
		if (one && count < RACE_MAX)
			out[count++] = one;
		if (two && count < RACE_MAX)
			out[count++] = two;
	} while (one || two);
	return count;
}

/* --- running --- */

struct run {
	struct race	*r;
	struct pollfd	 polled[RACE_MAX];	/* of those that have started; fd -1: failed */
	size_t		 started, open;
	ms_t		 next;			/* when another one starts */
	bool		 any_failed;
	struct err	 why;			/* of the first that failed */
};

static void lose(struct run *x, size_t i, struct err *e)
{
	err_while(e, "cannot connect to %s port %u", x->r->racers[i].ip, x->r->port);
	if (!x->any_failed)
		x->why = *e;
	x->any_failed = true;
	x->next = 0;			/* the next at once */
	if (x->r->lost)
		x->r->lost(x->r->arg, x->r->racers[i].ip, e);
}

static void start_one(struct run *x)
{
	size_t i = x->started++;
	const struct racer *who = &x->r->racers[i];
	struct err e;

	x->polled[i] = (struct pollfd){ .fd = -1, .events = POLLOUT };
	x->next = clock_ms() + RACE_MS;
	if (tcp_begin(who->ip, x->r->port, who->source, &x->polled[i].fd, &e))
		x->open++;
	else
		lose(x, i, &e);
}

/* Has one arrived? The number, or -1. */
static int look(struct run *x)
{
	struct err e;

	for (size_t i = 0; i < x->started; i++) {
		if (x->polled[i].fd < 0 || !x->polled[i].revents)
			continue;
		if (tcp_end(x->polled[i].fd, &e))
			return (int)i;
		fd_close(&x->polled[i].fd);
		x->open--;
		lose(x, i, &e);
	}
	return -1;
}

static ms_t soonest(ms_t a, ms_t b)
{
	return a < b ? a : b;
}

/* The number of the first that arrives; -1: none will. */
static int run(struct run *x, ms_t until)
{
	int winner = -1;

	while (winner < 0 && clock_ms() < until) {
		if (x->started < x->r->count && (clock_ms() >= x->next || !x->open)) {
			start_one(x);
			continue;
		}
		if (!x->open)
			return -1;
		if (poll(x->polled, x->started, clock_left(x->started < x->r->count ? soonest(x->next, until) : until)) > 0)
			winner = look(x);
	}
	return winner;
}

/* Closes all but the winner, and leaves in the race who was only slower. */
static void clear_up(struct run *x, int winner)
{
	struct race *r = x->r;
	size_t kept = 0;

	for (size_t i = 0; i < r->count; i++) {
		bool slow = i >= x->started || x->polled[i].fd >= 0;

		if ((int)i == winner)
			continue;
		if (i < x->started)
			fd_close(&x->polled[i].fd);
		if (slow)
			r->racers[kept++] = r->racers[i];
	}
	r->count = winner < 0 ? 0 : kept;
}

bool race_run(struct race *r, ms_t until, int *fd, const char **ip, struct err *e)
{
	struct run x = { .r = r };
	int winner = run(&x, until);

	if (winner >= 0) {
		*fd = x.polled[winner].fd;
		*ip = r->racers[winner].ip;
	} else if (x.any_failed) {
		*e = x.why;
	} else if (r->count) {
		err_temp(e, "4.4.1", "cannot connect to %s port %u: no answer in time",
		    r->racers[0].ip, r->port);
	} else {
		err_temp(e, "4.4.1", "there is no address to connect to");
	}
	clear_up(&x, winner);
	return winner >= 0;
}

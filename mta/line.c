/* Rounds. See line.h. */
#include "mta/line.h"

bool line_has_room(const struct line *l, const void *who, int priority)
{
	size_t own = 0;

	if (l->count < LINE_MAX)
		return true;
	for (const struct line_item *i = l->first; i; i = i->next)
		own += i->who == who;
	return l->count < 2 * LINE_MAX && (own < LINE_FEW || priority > 0);
}

unsigned line_later(size_t rcpts, unsigned tries)
{
	size_t later = (rcpts > 1 ? 1 + rcpts / 10 : 0) + (tries ? 1 : 0);

	return later < LINE_LATER_MAX ? (unsigned)later : LINE_LATER_MAX;
}

/* Rounds are counted around: which is the earlier of two is a matter of distance. */
static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static uint32_t *round_of(struct line *l, int priority)
{
	return &l->rounds[priority + PARAM_PRIORITY_MAX];
}

/* A sender's letter to one person need not stand behind his own list. */
static uint32_t round_for(struct line *l, const struct line_item *item, unsigned later)
{
	uint32_t round = *round_of(l, item->priority) + later;

	for (const struct line_item *i = l->first; i; i = i->next) {
		if (i->who == item->who && i->priority == item->priority && i->later <= later &&
		    !is_later(round, i->round))
			round = i->round + 1;
	}
	return round;
}

void line_add(struct line *l, struct line_item *item, const void *who, int priority, unsigned later)
{
	struct line_item **at = &l->first;

	item->who = who;
	item->priority = priority;
	item->later = later;
	item->round = round_for(l, item, later);
	while (*at && ((*at)->priority > priority ||
	    ((*at)->priority == priority && !is_later((*at)->round, item->round))))
		at = &(*at)->next;
	item->next = *at;
	*at = item;
	l->count++;
}

struct line_item *line_take(struct line *l)
{
	struct line_item *item = l->first;

	if (!item)
		return NULL;
	l->first = item->next;
	l->count--;
	*round_of(l, item->priority) = item->round;
	return item;
}

void line_put_back(struct line *l, struct line_item *item)
{
	item->next = l->first;
	l->first = item;
	l->count++;
}

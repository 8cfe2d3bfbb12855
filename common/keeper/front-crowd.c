/*
 * Who is counted, and who goes when places get scarce. See front-own.h; what is too much
 * and how long is too long says limits.h.
 */
#include "common/base/mem.h"
#include "common/keeper/front-own.h"
#include "common/os/log.h"

enum {
	TICK_MS		= 50,		/* between two looks while it is crowded */
	SHED_AT_ONCE	= 8,		/* in one look; each costs its session an end and a start */
};

/* --- how full is it? --- */

static enum crowd sessions_crowd(const struct front *f)
{
	return crowd_of(f->wires - f->idle_count, f->wires_max);
}

static enum crowd clients_crowd(const struct front *f)
{
	enum crowd a = crowd_of(f->clients, f->clients_max), b = crowd_of(f->strangers, f->strangers_max);

	return a > b ? a : b;
}

static enum crowd any_crowd(const struct front *f)
{
	enum crowd a = clients_crowd(f), b = sessions_crowd(f);

	return a > b ? a : b;
}

/* --- counting --- */

static bool is_among(const struct conf_list *networks, const struct address *who)
{
	return networks->count && networks_have(networks->words, networks->count, who);
}

/* What one client of an XCLIENT proxy does must not be counted against all that come through it. */
bool crowd_trusts(const struct front *f, const struct address *who)
{
	return is_among(&f->self.conf.mta_relay_networks, who) ||
	    is_among(&f->self.conf.proxy_xclient, who);
}

static void look(struct front *f, const struct address *who, struct counts *is)
{
	*is = (struct counts){ .of[OF_ALL] = { [TALLY_OPEN] = f->clients, [TALLY_STRANGERS] = f->strangers,
		[TALLY_DATA] = f->in_data * f->self.conf.fronts } };
	if (who && f->peers)
		peers_look(f->peers, who, clock_wall(), is);
}

const struct limit *crowd_door(struct front *f, const struct address *who)
{
	struct counts is;

	if (!f->peers || crowd_trusts(f, who))
		return NULL;
	look(f, who, &is);
	return limits_door(&is, &f->self.conf, any_crowd(f));
}

/* Who has logged in is limited as a user, elsewhere; only what is too much in all is told. */
unsigned crowd_over(struct client *c)
{
	struct counts is;

	look(c->front, c->stranger ? &c->who : NULL, &is);
	return limits_talk(&is, &c->front->self.conf);
}

static void now_known(struct client *c)
{
	struct front *f = c->front;

	crowd_leave(c);
	c->stranger = false;
	c->wire->counted = false;
	f->strangers--;
	if (f->peers)
		peers_known(f->peers, &c->seat, clock_wall());
}

void crowd_marks(struct client *c, unsigned marks)
{
	struct front *f = c->front;
	bool in_data = marks & WIRE_IN_DATA;

	if ((marks & WIRE_KNOWN) && c->stranger)
		now_known(c);
	if (in_data == c->in_data)
		return;
	c->in_data = in_data;
	f->in_data = in_data ? f->in_data + 1 : f->in_data - 1;
	if (f->peers)
		peers_data(f->peers, &c->seat, in_data);
}

/* --- the silent --- */

void crowd_leave(struct client *c)
{
	struct silent *list = c->silent;

	if (!list)
		return;
	if (c->older)
		c->older->younger = c->younger;
	else
		list->oldest = c->younger;
	if (c->younger)
		c->younger->older = c->older;
	else
		list->youngest = c->older;
	c->older = c->younger = NULL;
	c->silent = NULL;
}

void crowd_join(struct client *c, enum silence how)
{
	struct silent *list = &c->front->silent[how];

	crowd_leave(c);
	if (!c->stranger)
		return;
	c->silent_since = clock_ms();
	c->silent = list;
	c->older = list->youngest;
	if (list->youngest)
		list->youngest->younger = c;
	else
		list->oldest = c;
	list->youngest = c;
}

/* --- making room --- */

/* Who has been silent too long for this crowd: the easiest to let go first, and who is so for longest. */
static struct client *longest_silent(struct front *f, enum crowd crowd, enum silence from)
{
	ms_t now = clock_ms();

	for (enum silence how = from; how < SILENCES; how++) {
		struct client *c = f->silent[how].oldest;
		ms_t patience = crowd_patience(crowd, how, f->self.conf.crowd_timeout);

		if (c && patience != MS_NEVER && now - c->silent_since >= patience)
			return c;
	}
	return NULL;
}

static void shed(struct client *c, const char *what)
{
	static ms_t told;		/* a line a second is enough */
	static unsigned times;
	char ip[ADDRESS_TEXT];
	ms_t now = clock_ms();

	times++;
	if (now - told >= 1000) {
		address_print(&c->who, ip);
		log_info("shed peer=%s service=%s silent=%ds why=\"%s\" times=%u", ip,
		    c->from->name, (int)((now - c->silent_since) / 1000), what, times);
		told = now;
		times = 0;
	}
	client_refuse(c);
}

static void tick(void *arg)
{
	struct front *f = arg;

	f->crowd_timer = NULL;
	crowd_look(f);
}

static void look_again(struct front *f)
{
	if (!f->crowd_timer && !f->stopping)
		f->crowd_timer = loop_at(f->loop, clock_ms() + TICK_MS, tick, f);
}

bool crowd_make_room(struct front *f)
{
	enum crowd crowd = clients_crowd(f);
	struct client *c;

	if (crowd != CROWD_CALM)
		look_again(f);
	if (crowd != CROWD_FULL)
		return true;
	c = longest_silent(f, CROWD_FULL, SILENT_UNSERVED);
	if (!c)
		return false;
	shed(c, "all places are taken");
	return true;
}

/* Sessions end only so fast: not more than who waits, less those that will be free anyway. */
static bool session_is_missing(const struct front *f)
{
	return f->waiting > f->ending + f->idle_count && sessions_crowd(f) == CROWD_FULL;
}

/* Among those who wait is one for whom nobody can be started, or it is getting full: who is silent goes. */
void crowd_look(struct front *f)
{
	int budget = SHED_AT_ONCE;
	struct client *c = NULL;

	if (f->stopping)
		return;
	while (budget && session_is_missing(f) &&
	    (c = longest_silent(f, CROWD_FULL, SILENT_CLIENT)) != NULL) {
		shed(c, "a client waits for a session");
		budget--;
	}
	while (budget && any_crowd(f) != CROWD_CALM &&
	    (c = longest_silent(f, CROWD_TIGHT, SILENT_UNSERVED)) != NULL) {
		shed(c, "places are getting scarce");
		budget--;
	}
	if (any_crowd(f) != CROWD_CALM)
		look_again(f);
}

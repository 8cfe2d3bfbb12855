/* Which messages: the options that the verbs of `posthorn queue` share. See queue.h. */
#include "common/admin/queue.h"

#include <sysexits.h>

#include "common/admin/admin.h"
#include "common/conf/form.h"

int choice_station(const char *name)
{
	for (int i = 0; i < STATIONS; i++) {
		if (strcmp(name, queue_stations[i]) == 0)
			return i;
	}
	return -1;
}

static int take_station(struct choice *c, const char *name)
{
	int i = choice_station(name);

	if (i < 0)
		return admin_usage("%s is no station of the queue: in/sub in/net in/own out local hold", name);
	if (!c->any_station)
		memset(c->in, 0, sizeof c->in);
	c->any_station = c->in[i] = true;
	return -1;
}

static int take_older(struct choice *c, const char *time)
{
	return form_time(span_of(time), &c->older) ?
	    -1 :
	    admin_usage("--older wants a time like 30s, 5m, 4h, 5d");
}

/* "@example.org" is example.org here. */
static int take_destination(struct choice *c, const char *domain)
{
	c->destination = *domain == '@' ? domain + 1 : domain;
	return -1;
}

static int take_value(struct choice *c, const char *option, const char *value)
{
	if (strcmp(option, "--sender") == 0)
		c->sender = strcmp(value, "<>") == 0 ? "" : value;
	else if (strcmp(option, "--recipient") == 0)
		c->recipient = value;
	else if (strcmp(option, "--login") == 0)
		c->login = value;
	else if (strcmp(option, "--destination") == 0)
		return take_destination(c, value);
	else if (strcmp(option, "--older") == 0)
		return take_older(c, value);
	else
		return take_station(c, value);
	return -1;
}

static bool takes_value(const char *word)
{
	static const char *const known[] = { "--sender", "--recipient", "--login", "--destination",
		"--older", "--station" };

	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (strcmp(word, known[i]) == 0)
			return true;
	}
	return false;
}

int choice_read(int *argc, char **argv, struct choice *c)
{
	int kept = 1, code = -1;

	*c = (struct choice){ .sender = NULL };
	memset(c->in, 1, sizeof c->in);
	for (int i = 1; i < *argc && code < 0; i++) {
		if (strcmp(argv[i], "--all") == 0) {
			c->all = true;
		} else if (!takes_value(argv[i])) {
			argv[kept++] = argv[i];
		} else if (i + 1 == *argc) {
			code = admin_usage("%s needs a value", argv[i]);
		} else {
			code = take_value(c, argv[i], argv[i + 1]);
			i++;
		}
	}
	argv[kept] = NULL;
	*argc = kept;
	return code;
}

bool choice_asks(const struct choice *c)
{
	return c->sender || c->recipient || c->destination || c->login || c->older;
}

bool choice_is_made(const struct choice *c)
{
	return c->all || c->any_station || choice_asks(c);
}

/* An address; or "@example.org", any at that domain. */
static bool fits_address(const char *wanted, const char *address)
{
	struct span is = span_of(address);

	return *wanted == '@' ? span_ends(is, wanted) : span_is(is, wanted);
}

static bool fits_domain(const char *wanted, const char *address)
{
	ptrdiff_t at = span_rfind(span_of(address), '@');

	return at >= 0 && span_is(span_of(address + at + 1), wanted);
}

/* Of those that still wait for it; who has the message cannot be helped any more. */
static bool fits_rcpt(const struct choice *c, const struct envelope *env)
{
	for (size_t i = 0; i < env->rcpt_count; i++) {
		const struct rcpt *r = &env->rcpts[i];

		if ((r->state == RCPT_WAITING || r->state == RCPT_FAILED)
		    && (!c->recipient || fits_address(c->recipient, r->address))
		    && (!c->destination || fits_domain(c->destination, r->address)))
			return true;
	}
	return false;
}

bool choice_fits(const struct choice *c, const struct envelope *env, time_t now)
{
	return (!c->sender || (*c->sender ? fits_address(c->sender, env->sender) : !*env->sender))
	    && (!c->login || span_is(span_of(env->login), c->login))
	    && (!c->older || env->arrived <= now - (time_t)c->older)
	    && ((!c->recipient && !c->destination) || fits_rcpt(c, env));
}

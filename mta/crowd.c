/* As many as it takes, and one more now and then. See crowd.h. */
#include "mta/crowd.h"

#include <string.h>

#include "common/base/span.h"

static struct crowd_host *look(struct crowd *c, const char *host)
{
	for (size_t i = 0; i < c->count; i++) {
		if (strcmp(c->hosts[i].name, host) == 0)
			return &c->hosts[i];
	}
	return NULL;
}

static struct crowd_host *make(struct crowd *c, const char *host)
{
	struct crowd_host *h = &c->hosts[c->oldest];

	c->oldest = (c->oldest + 1) % CROWD_HOSTS;
	if (c->count < CROWD_HOSTS)
		c->count++;
	*h = (struct crowd_host){ .resting = 0 };
	span_copy(span_to(span_of(host), sizeof h->name - 1), h->name, sizeof h->name);
	return h;
}

void crowd_refused(struct crowd *c, const char *host, ms_t now)
{
	struct crowd_host *h = look(c, host);

	if (!h)
		h = make(c, host);
	h->until = now + CROWD_FOR_MS;
	h->next = now + CROWD_TRY_MS;
}

bool crowd_has_room(struct crowd *c, const char *host, ms_t now)
{
	const struct crowd_host *h = look(c, host);

	return !h || h->until <= now || h->resting || h->next <= now;
}

void crowd_tried(struct crowd *c, const char *host, ms_t now)
{
	struct crowd_host *h = look(c, host);

	if (h)
		h->next = now + CROWD_TRY_MS;
}

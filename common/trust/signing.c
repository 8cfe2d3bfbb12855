/* Questions to the sign process. See signing.h. */
#include "common/trust/signing.h"

#include <stdlib.h>

#include "common/base/mem.h"

static bool take_answer(struct packet *p, struct arena *a, struct signing *out)
{
	*out = (struct signing){ .last = packet_take_u64(p), .none = packet_take_u64(p) };
	out->count = (size_t)packet_take_u64(p);
	if (p->bad || out->count > SIGNING_FIELDS)
		return false;
	for (size_t i = 0; i < out->count; i++)
		out->fields[i] = arena_text(a, packet_take(p));
	return !p->bad;
}

static enum signing_got ask(struct packet *p, int channel, const char *sender, int text,
    struct arena *a, struct signing *out, struct err *e)
{
	packet_begin(p, 'S');
	packet_put_text(p, sender);
	packet_put_fd(p, text);
	if (!packet_ask(channel, p, clock_in(SIGNING_PATIENCE_S), e))
		return SIGNING_DIED;
	packet_drop_fds(p);
	if (p->verb == '-') {
		packet_take_err(p, e);
		return SIGNING_REFUSED;
	}
	if (p->verb == '+' && take_answer(p, a, out))
		return SIGNING_OK;
	err_temp(e, "4.7.0", "the sign process answers nonsense");
	return SIGNING_DIED;
}

enum signing_got signing_ask(int channel, const char *sender, int text, struct arena *a, struct signing *out, struct err *e)
{
	struct packet *p = mem_more(NULL, 1, sizeof *p);
	enum signing_got got = ask(p, channel, sender, text, a, out, e);

	free(p);
	return got;
}

bool signing_take(struct packet *p, struct arena *a, const char **sender, int *text)
{
	*sender = arena_text(a, packet_take(p));
	*text = packet_take_fd(p);
	packet_drop_fds(p);
	return p->verb == 'S' && !p->bad;
}

void signing_put(struct packet *p, const struct signing *s)
{
	packet_begin(p, '+');
	packet_put_u64(p, s->last);
	packet_put_u64(p, s->none);
	packet_put_u64(p, s->count);
	for (size_t i = 0; i < s->count; i++)
		packet_put_text(p, s->fields[i]);
}

/* Questions to a fetch process. See fetch.h. */
#include "common/net/fetch.h"

#include "common/io/packet.h"

enum { PATIENCE_S = FETCH_S + 15, WORDS_MAX = 400 };

static bool nonsense(struct err *e)
{
	return err_temp(e, "4.3.0", "posthorn-fetch answered nonsense");
}

bool fetch(int channel, const struct fetch_job *j, struct arena *a, struct fetch_result *out,
    struct err *e)
{
	size_t count = j->count < FETCH_IPS ? j->count : FETCH_IPS;
	struct packet p;
	uint64_t why;

	packet_begin(&p, 'F');
	packet_put_text(&p, j->host);
	packet_put_u64(&p, j->port);
	packet_put_text(&p, j->path);
	packet_put_text(&p, j->type);
	packet_put_u64(&p, count);
	for (size_t i = 0; i < count; i++)
		packet_put_text(&p, j->ips[i]);
	if (j->body >= 0)
		packet_put_fd(&p, j->body);
	if (!packet_ask(channel, &p, clock_in(PATIENCE_S), e))
		return false;
	packet_drop_fds(&p);
	why = packet_take_u64(&p);
	out->why = (enum fetch_why)why;
	out->trouble = arena_text(a, span_to(packet_take(&p), WORDS_MAX));
	out->status = (unsigned)packet_take_u64(&p);
	out->type = arena_text(a, span_to(packet_take(&p), WORDS_MAX));
	out->body = arena_copy(a, packet_take(&p));
	return (p.verb == 'F' && !p.bad && why <= FETCH_UNTRUSTED) || nonsense(e);
}

bool fetch_take(struct packet *p, struct arena *a, struct fetch_job *out)
{
	const char **ips = arena_array(a, FETCH_IPS, sizeof *ips);

	*out = (struct fetch_job){ .host = arena_text(a, packet_take(p)), .body = -1, .ips = ips };
	out->port = (unsigned)packet_take_u64(p);
	out->path = arena_text(a, packet_take(p));
	out->type = arena_text(a, packet_take(p));
	out->count = packet_take_u64(p);
	for (size_t i = 0; i < out->count && i < FETCH_IPS; i++)
		ips[i] = arena_text(a, packet_take(p));
	if (*out->type)
		out->body = packet_take_fd(p);
	return p->verb == 'F' && !p->bad && out->count && out->count <= FETCH_IPS && out->port &&
	    out->port <= 65535;
}

void fetch_answer(struct packet *p, const struct fetch_result *r)
{
	packet_begin(p, 'F');
	packet_put_u64(p, r->why);
	packet_put_text(p, r->trouble);
	packet_put_u64(p, r->status);
	packet_put_text(p, r->type);
	packet_put(p, r->body);
}

/* Many questions to the resolver process at once. See batch.h. */
#include "common/net/batch.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/packet.h"

enum { SCRATCH_MAX = 1 << 20 };

static const struct dns_answer no_answer = { .found = DNS_FAILED,
	.why = "the resolver is not there" };

void batch_init(struct batch *b,
    void (*answered)(void *arg, uint32_t tag, const struct dns_answer *answer), void *arg)
{
	*b = (struct batch){ .resolver = -1, .answered = answered, .arg = arg };
	b->scratch = arena_new(SCRATCH_MAX, NULL, NULL);
	b->packet = mem_more(NULL, 1,
	    sizeof *b->packet); /* not zeroed: 64 KiB that an idle session need not touch */
}

void batch_free(struct batch *b)
{
	arena_free(b->scratch);
	free(b->packet);
	*b = (struct batch){ .resolver = -1 };
}

void batch_forget(struct batch *b, bool (*is)(uint32_t tag))
{
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++) {
		if (is && !is(b->open[i].tag))
			b->open[kept++] = b->open[i];
	}
	b->stale += b->count - kept;
	b->count = kept;
}

void batch_ask(struct batch *b, const char *name, enum dns_type type, uint32_t tag)
{
	uint64_t serial = resolve_serial();

	if (b->resolver < 0 || b->count + b->stale >= RESOLVE_AT_ONCE) {
		b->answered(b->arg, tag, &no_answer);
		return;
	}
	dns_question_put(b->packet, serial, name, type);
	if (!packet_send(b->resolver, b->packet, NULL)) {
		b->resolver = -1;
		b->answered(b->arg, tag, &no_answer);
		return;
	}
	b->open[b->count].serial = serial;
	b->open[b->count++].tag = tag;
}

/* The resolver is gone: that answers everything. */
static bool lost(struct batch *b)
{
	b->resolver = -1;
	while (b->count)
		b->answered(b->arg, b->open[--b->count].tag, &no_answer);
	return false;
}

static bool hand_over(struct batch *b, uint64_t serial)
{
	struct dns_answer answer;
	size_t i = 0;
	uint32_t tag;

	while (i < b->count && b->open[i].serial != serial)
		i++;
	if (i == b->count) {
		b->stale -= b->stale > 0;
		return true;
	}
	tag = b->open[i].tag;
	b->open[i] = b->open[--b->count];
	if (!dns_answer_take(b->packet, b->scratch, &answer))
		answer = no_answer;
	b->answered(b->arg, tag, &answer);
	arena_reset(b->scratch);
	return true;
}

bool batch_read(struct batch *b, ms_t until)
{
	uint64_t serial;

	if (!b->count)
		return false;
	switch (packet_recv(b->resolver, b->packet, until)) {
	case PACKET_OK:
		packet_drop_fds(b->packet);
		serial = b->packet->verb == 'A' ? packet_take_u64(b->packet) : 0;
		return b->packet->verb == 'A' && !b->packet->bad ? hand_over(b, serial) : lost(b);
	case PACKET_LATE:
		return false;
	default:
		return lost(b);
	}
}

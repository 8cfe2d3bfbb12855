/* Jobs as packets. See job.h. */
#include "mda/job.h"

void job_print(const struct job *j, struct packet *p)
{
	packet_begin(p, 'J');
	packet_put_u64(p, j->task);
	packet_put_text(p, j->id);
	packet_put_text(p, j->sender);
	packet_put_text(p, j->delivered_to);
	packet_put_text(p, j->path);
	packet_put_text(p, j->folder);
	packet_put_text(p, j->base);
	packet_put_u64(p, j->again);
	packet_put_u64(p, j->bytes);
	packet_put_u64(p, j->wire_bytes);
	packet_put_u64(p, j->quota);
	packet_put_u64(p, j->hops_max);
	packet_put_fd(p, j->text);
}

/* The next field, with a NUL, from the front of room. */
static const char *take_text(struct packet *p, char **room, size_t *size)
{
	char *text = *room;
	size_t n;

	if (!packet_take_copy(p, text, *size)) {
		p->bad = true;
		return "";
	}
	n = strlen(text) + 1;
	*room += n;
	*size -= n;
	return text;
}

bool job_parse(struct packet *p, char *room, size_t size, struct job *j)
{
	j->task = packet_take_u64(p);
	j->id = take_text(p, &room, &size);
	j->sender = take_text(p, &room, &size);
	j->delivered_to = take_text(p, &room, &size);
	j->path = take_text(p, &room, &size);
	j->folder = take_text(p, &room, &size);
	j->base = take_text(p, &room, &size);
	j->again = packet_take_u64(p) != 0;
	j->bytes = packet_take_u64(p);
	j->wire_bytes = packet_take_u64(p);
	j->quota = packet_take_u64(p);
	j->hops_max = (unsigned)packet_take_u64(p);
	j->text = packet_take_fd(p);
	return p->verb == 'J' && !p->bad && j->text >= 0;
}

bool job_is_full(const struct err *e)
{
	return strcmp(e->status, "4.2.2") == 0 || strcmp(e->status, "5.2.2") == 0;
}

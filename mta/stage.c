/* A send process of our own. See stage.h. */
#include "mta/stage.h"

#include <poll.h>

#include "common/os/fd.h"

static unsigned how(const struct stage *s)
{
	return SERVANT_WORK | (s->verbose ? 0 : SERVANT_QUIET);
}

static bool start_fetch(struct stage *s, int *work, struct err *e)
{
	struct servant *f = &s->fetchers[s->count];

	if (s->count == STAGE_FETCHERS)
		return err_temp(e, "4.3.0", "enough was fetched");
	if (!servant_start(s->conf, ROLE_FETCH, how(s), f, e))
		return false;
	s->count++;
	*work = f->work;
	f->work = -1;
	return true;
}

/* What mta-send may ask its keeper for, see keeper/role.h. */
static bool give(struct stage *s, struct packet *asked, int *fd, struct err *e)
{
	if (asked->verb == 'F')
		return start_fetch(s, fd, e);
	if (asked->verb == 'C' && span_is(packet_take(asked), "resolver"))
		return admin_dns_channel(&s->dns, fd, e);
	return err_perm(e, "5.5.0", "a rehearsal has no memory");
}

static bool answer_request(struct stage *s, struct packet *asked, struct err *e)
{
	struct err why;
	int fd = -1;
	bool ok = give(s, asked, &fd, &why);

	packet_drop_fds(asked);
	packet_begin(asked, ok ? '+' : '-');
	if (ok)
		packet_put_fd(asked, fd);
	else
		packet_put_err(asked, &why);
	ok = packet_send(s->send.keeper, asked, e);
	fd_close(&fd);
	return ok;
}

bool stage_next(struct stage *s, struct packet *p, ms_t until, struct err *e)
{
	for (;;) {
		struct pollfd fds[] = { { s->send.work, POLLIN, 0 },
			{ s->send.keeper, POLLIN, 0 } };
		int left = (int)(until - clock_ms()), i;

		if (left <= 0 || poll(fds, 2, left) <= 0)
			return err_temp(e, "4.4.7", "no result in time");
		i = fds[0].revents ? 0 : 1;
		if (packet_recv(fds[i].fd, p, until) != PACKET_OK)
			return err_temp(e, "4.3.0",
			    "mta-send ended before it was done; --verbose shows its log");
		if (i == 0)
			return true;
		if (!answer_request(s, p, e))
			return false;
	}
}

bool stage_open(struct stage *s, struct err *e)
{
	if (!admin_dns_open(s->conf, NULL, &s->dns, e))
		return false;
	if (servant_start(s->conf, ROLE_SEND, how(s), &s->send, e))
		return true;
	admin_dns_close(&s->dns);
	return false;
}

void stage_close(struct stage *s)
{
	servant_stop(&s->send);
	for (size_t i = 0; i < s->count; i++)
		servant_stop(&s->fetchers[i]);
	admin_dns_close(&s->dns);
}

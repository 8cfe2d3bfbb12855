/*
 * Connections that a jailed session needs and may not make: to the milters of its daemon, and to
 * nobody else. A keeper never waits: it begins the connection and hands over the socket, and
 * the session waits for the other side. So the session has neither the right to the
 * network nor a way to choose an address.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/keeper/state.h"
#include "common/milter/where.h"

static bool find(const struct keeper *k, enum role_id role, struct span name, struct milter_where *w)
{
	const struct conf_list *list =
	    role == ROLE_SUBMISSION ? &k->conf.msa_milters : &k->conf.mta_milters;

	for (size_t i = 0; i < list->count; i++) {
		if (where_parse(span_of(list->words[i]), w) && span_same(name, span_of(w->name)))
			return true;
	}
	return false;
}

static socklen_t to_sockaddr(const struct milter_where *w, struct sockaddr_storage *to)
{
	struct sockaddr_un *un = (struct sockaddr_un *)to;

	if (!*w->path)
		return address_to_sockaddr(&w->address, w->port, to);
	*un = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(un->sun_path, sizeof un->sun_path, "%s", w->path);
	return sizeof *un;
}

/* EAGAIN: a socket of this machine whose queue is full. EINPROGRESS: on its way. */
static bool begin(const struct milter_where *w, int *fd, struct err *e)
{
	struct sockaddr_storage to;
	socklen_t n = to_sockaddr(w, &to);
	int one = 1;

	*fd = socket(to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return err_sys(e, "cannot make a socket");
	if (!*w->path)
		setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(*fd, (struct sockaddr *)&to, n) == 0 || errno == EINPROGRESS)
		return true;
	err_sys(e, "cannot connect");
	close(*fd);
	return false;
}

bool dial_milter(struct child *c, struct packet *p, struct err *e)
{
	struct span name = packet_take(p);
	struct milter_where w;
	int fd;

	if (!find(c->keeper, c->role, name, &w))
		return err_perm(e, "5.5.0", "no milter " SPAN_FMT " here",
		    SPAN_ARG(span_to(name, MILTER_NAME_MAX)));
	if (!begin(&w, &fd, e))
		return false;
	answer_fd(c, fd);
	close(fd);
	return true;
}

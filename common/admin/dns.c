/* A resolver of our own. See dns.h. */
#include "common/admin/dns.h"

#include "common/conf/form.h"
#include "common/io/packet.h"
#include "common/os/fd.h"

/* What a keeper does when somebody wants to ask: the resolver gets one end of a channel. */
bool admin_dns_channel(struct admin_dns *d, int *fd, struct err *e)
{
	struct packet p;
	int pair[2];
	bool ok;

	if (!fd_pair(pair, e))
		return false;
	packet_begin(&p, 'c');
	packet_put_fd(&p, pair[0]);
	ok = packet_send(d->process.keeper, &p, e);
	fd_close(&pair[0]);
	*fd = pair[1];
	return ok;
}

static struct conf our_settings(const struct conf *c, const char **server)
{
	struct conf ours = *c;

	if (*server)
		ours.dns_forward = (struct conf_list){ server, 1 };
	return ours;
}

bool admin_dns_open(const struct conf *c, const char *server, struct admin_dns *d, struct err *e)
{
	struct conf ours = our_settings(c, &server);

	if (server && !form_find("server")->fits(span_of(server)))
		return err_perm(e, "5.5.4", "--resolver: expected ADDRESS or ADDRESS@PORT, not \"%s\"", server);
	*d = (struct admin_dns){ .resolver = -1 };
	d->dns = trust_dns_channel(&d->resolver);
	if (!servant_start(&ours, ROLE_RESOLVER, SERVANT_PLAIN, &d->process, e))
		return false;
	if (admin_dns_channel(d, &d->resolver, e))
		return true;
	admin_dns_close(d);
	return false;
}

void admin_dns_close(struct admin_dns *d)
{
	fd_close(&d->resolver);
	servant_stop(&d->process);
}

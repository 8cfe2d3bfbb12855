/*
 * NAME
 *	dns - a command that asks the DNS
 * SYNOPSIS
 *	if (!admin_dns_open(&conf, server, &d, &e))
 *		return admin_fail(&e);
 *	... d.dns goes to trust/spf.h, trust/dkim.h ..., d.resolver to net/resolve.h
 *	admin_dns_close(&d);
 * DESCRIPTION
 *	A posthorn-resolver of our own answers, with the same settings as the daemons', so that what a
 *	command says is what mail will meet: local data, forwarding, validation. It is jailed as
 *	theirs is, and ends with us.
 */
#ifndef COMMON_ADMIN_DNS_H
#define COMMON_ADMIN_DNS_H

#include "common/admin/servant.h"
#include "common/conf/conf.h"
#include "common/trust/dns.h"

struct admin_dns {
	struct trust_dns dns;
	int		 resolver;	/* channel for questions */
	struct servant	 process;
};

/*
 * server: "ADDRESS" or "ADDRESS@PORT" of --resolver, to ask instead of those in the settings, or NULL. d
 * must stay where it is. PERM 5.5.4: server is neither.
 */
bool admin_dns_open(const struct conf *c, const char *server, struct admin_dns *d, struct err *e);
/* One more channel to it, the caller's. */
bool admin_dns_channel(struct admin_dns *d, int *fd, struct err *e);
void admin_dns_close(struct admin_dns *d);

#endif

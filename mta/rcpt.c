/* Which recipients we take: ours, those we relay for, and anybody's for who may relay. See inbound.h. */
#include "mta/inbound.h"

#include "common/directory/directory.h"
#include "common/net/address.h"
#include "common/os/fd.h"

/* Ask the clerk; once more over a new channel, as it may have been started anew. */
static bool resolve(struct inbound *in, const char *address, enum dir_class *is, struct err *e)
{
	for (int tries = 0; tries < 2; tries++) {
		if (in->clerk < 0 && !role_connect(&in->self, "clerk", &in->clerk, e))
			return false;
		if (directory_resolve(in->clerk, span_of(address), is, e))
			return true;
		fd_close(&in->clerk);
	}
	return false;
}

static bool may_relay(const struct inbound *in)
{
	const struct conf_list *networks = &in->self.conf.mta_relay_networks;
	struct address peer;

	return address_parse(span_of(in->wire.peer.ip), &peer) && networks_have(networks->words, networks->count, &peer);
}

/* Is the domain the address that the client connected to? RFC 5321 4.5.1 wants postmaster there. */
static bool is_our_literal(const struct inbound *in, const struct path *path)
{
	struct address said, ours;

	return path->literal && address_literal_parse(path->domain, &said) &&
	    address_parse(span_of(in->wire.peer.local_ip), &ours) && address_same(&said, &ours);
}

/* <postmaster> and <postmaster@[our.address]> are always there: RFC 5321 4.5.1. */
static bool is_postmaster(const struct inbound *in, const struct path *path)
{
	return span_is(path->local, "postmaster") && (!path->domain.n || is_our_literal(in, path));
}

/* <user@[our.address]> belongs to our own name. */
static const char *whole_address(const struct inbound *in, struct smtp *s, const struct smtp_rcpt *to)
{
	const char *at = strrchr(to->address, '@');

	if (!at || !is_our_literal(in, &to->path))
		return to->address;
	return arena_printf(s->command, "%.*s@%s", (int)(at - to->address), to->address, in->self.conf.host_name);
}

bool inbound_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	struct inbound *in = s->self;
	const char *address = whole_address(in, s, to);
	enum dir_class is;

	if (is_postmaster(in, &to->path)) {
		intake_rcpt(&in->intake, s, in->self.conf.postmaster, to);
		return true;
	}
	if (!resolve(in, address, &is, e))
		return false;
	if (is == DIR_UNKNOWN)
		return err_perm(e, "5.1.1", "nobody here has the address %s", address);
	if (is == DIR_ELSEWHERE && !may_relay(in))
		return err_perm(e, "5.7.1", "we do not carry strangers' mail to other domains; "
		    "if you have an account here, log in on the submission port (587 or 465)");
	intake_rcpt(&in->intake, s, address, to);
	return true;
}

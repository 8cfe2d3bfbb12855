/* Which recipients we take: ours, those we relay for, and anybody's for who may relay. See inbound.h. */
#include "mta/inbound.h"

#include "common/directory/full.h"
#include "common/keeper/receive.h"

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

/* Postmaster and abuse of a domain of ours have to be reachable: RFC 5321 4.5.1, RFC 2142 4. */
static bool is_contact(const struct path *path)
{
	return span_is(path->local, "postmaster") || span_is(path->local, "abuse");
}

/* Who does not say the size brings something small. */
static bool fits(uint64_t size, uint64_t room)
{
	return room >= (size > FULL_LEAST ? size : FULL_LEAST);
}

/* Postmaster hears of everything, as far as the disk goes: mda decides. */
static enum gate_rcpt who_is(enum dir_class is, const struct path *path, bool fits)
{
	switch (is) {
	case DIR_RETURN:
		return GATE_TO_LOCAL;
	case DIR_LOCAL:
		if (is_contact(path))
			return GATE_TO_POSTMASTER;
		return fits ? GATE_TO_LOCAL : GATE_TO_FULL;
	case DIR_RELAY:
		return GATE_TO_RELAY;
	case DIR_UNKNOWN:
		return GATE_TO_UNKNOWN;
	default:
		return GATE_TO_ELSEWHERE;
	}
}

bool inbound_is_our_domain(struct inbound *in, struct span domain)
{
	enum dir_class is = DIR_ELSEWHERE;

	if (!domain.n || (in->clerk < 0 && !role_connect(&in->self, "clerk", &in->clerk, NULL)))
		return false;
	return directory_domain(&in->clerk, domain, &is, NULL) && is == DIR_LOCAL;
}

static bool kind_of(struct inbound *in, const char *address, struct arena *a,
    enum inbound_kind *kind, struct err *e)
{
	struct dir_target *targets;
	size_t count;

	if (!directory_expand(&in->clerk, span_of(address), a, &targets, &count, e))
		return false;
	*kind = count ? INBOUND_FORWARDED : INBOUND_KEPT;
	for (size_t i = 0; i < count; i++) {
		if (targets[i].kind == DIR_MAILBOX)
			*kind = INBOUND_KEPT;
	}
	return true;
}

/* Nobody is told later, who may be anybody: SMTP is where such mail is refused. */
static bool same_kind(struct inbound *in, const char *address, struct arena *a, struct err *e)
{
	enum inbound_kind kind;

	if (in->gate.trusted || strcmp(in->self.conf.mda_forward_unverified, "refuse") != 0)
		return true;
	if (!kind_of(in, address, a, &kind, e))
		return false;
	if (in->kind != INBOUND_ANY && in->kind != kind)
		return err_temp(e, "4.5.3", "please send to this recipient in a message of its own");
	in->kind = kind;
	return true;
}

bool inbound_forward(struct inbound *in, struct err *e)
{
	if (in->kind != INBOUND_FORWARDED || (in->intake.env.vouched && !in->gate.junk))
		return true;
	return err_perm(e, "5.7.1", "the recipient's mail goes on to another server, and we send on only what DMARC, DKIM or "
	    "SPF of the author's domain proves");
}

bool inbound_rcpt(struct smtp *s, const struct smtp_rcpt *to, struct err *e)
{
	struct inbound *in = s->self;
	bool postmaster = is_postmaster(in, &to->path);
	const char *address = postmaster ? in->self.conf.postmaster : whole_address(in, s, to);
	enum dir_class is = DIR_LOCAL;
	enum gate_rcpt who = GATE_TO_POSTMASTER;
	uint64_t room;

	if (!postmaster && !receive_resolve(&in->self, &in->clerk, address, &is, &room, e))
		return false;
	if (is == DIR_RETURN &&
	    !receive_return(&in->clerk, in->intake.env.sender, address, s->command, e))
		return false;
	if (is == DIR_LOCAL || is == DIR_RELAY ||
	    is == DIR_RETURN) /* what is refused anyway need not wait for the DNS */
		check_sender(&in->check, &in->intake, s->mail);
	if (!postmaster)
		who = who_is(is, &to->path, fits(in->size, room));
	if (!gate_rcpt(&in->gate, &in->intake, who, address, e))
		return false;
	if (is == DIR_LOCAL && who != GATE_TO_POSTMASTER && !same_kind(in, address, s->command, e))
		return false;
	return intake_rcpt(&in->intake, s, address, to, e);
}

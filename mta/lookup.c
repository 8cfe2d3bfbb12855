/* What a send process asks the DNS. See lookup.h. */
#include "mta/lookup.h"

#include "common/os/dice.h"
#include "common/os/fd.h"

static bool resolver(struct carrier *c, struct err *e)
{
	return c->resolver >= 0 || role_connect(c->self, "resolver", &c->resolver, e);
}

/* It may have been started anew; not when we have only just met it. */
static bool anew(struct carrier *c, bool fresh)
{
	if (!fresh)
		fd_close(&c->resolver);
	return !fresh;
}

bool lookup_record(struct carrier *c, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, struct err *e)
{
	bool fresh = c->resolver < 0;

	if (!resolver(c, e))
		return false;
	return resolve(c->resolver, name, type, a, out, e) ||
	    (anew(c, fresh) && lookup_record(c, name, type, a, out, e));
}

bool lookup_addresses(struct carrier *c, const char *host, struct arena *a, struct host_addresses *out, struct err *e)
{
	bool fresh = c->resolver < 0;

	if (!resolver(c, e))
		return false;
	if (resolve_addresses(c->resolver, host, a, out, e))
		return true;
	return e->kind != ERR_PERM && anew(c, fresh) && lookup_addresses(c, host, a, out, e);
}

enum mx_found lookup_mx(struct carrier *c, const char *domain, struct arena *a,
    struct mx_host **hosts, size_t *count, struct err *e)
{
	bool fresh = c->resolver < 0;
	enum mx_found found;

	if (!resolver(c, e))
		return MX_FAILED;
	found = resolve_mx(c->resolver, domain, (uint32_t)dice_roll(), a, hosts, count, e);
	return found == MX_FAILED && anew(c, fresh) ? lookup_mx(c, domain, a, hosts, count, e) : found;
}

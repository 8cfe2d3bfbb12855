/* Questions to the clerk. See directory.h. */
#include "common/directory/directory.h"

#include "common/io/packet.h"
#include "common/os/fd.h"

enum { PATIENCE_S = 30, TARGETS_MAX = 1000 };

/* Sends p and takes the answer; '-' becomes e. A channel that gave none is of no use any more. */
static bool ask(int *clerk, struct packet *p, struct err *e)
{
	if (!packet_ask(*clerk, p, clock_in(PATIENCE_S), e)) {
		fd_close(clerk);
		return err_while(e, "asking the clerk");
	}
	packet_drop_fds(p);
	if (p->verb == '+')
		return true;
	packet_take_err(p, e);
	return false;
}

static bool nonsense(struct err *e)
{
	return err_temp(e, "4.3.0", "the clerk answered nonsense");
}

static bool take_class(struct packet *p, enum dir_class *is, struct err *e)
{
	uint64_t v = packet_take_u64(p);

	if (p->bad || v > DIR_RETURN)
		return nonsense(e);
	*is = (enum dir_class)v;
	return true;
}

static bool ask_class(int *clerk, char verb, struct span about, enum dir_class *is, struct err *e)
{
	struct packet p;

	packet_begin(&p, verb);
	packet_put(&p, about);
	return ask(clerk, &p, e) && take_class(&p, is, e);
}

bool directory_domain(int *clerk, struct span domain, enum dir_class *is, struct err *e)
{
	return ask_class(clerk, 'D', domain, is, e);
}

bool directory_resolve(int *clerk, struct span address, enum dir_class *is, struct err *e)
{
	return ask_class(clerk, 'R', address, is, e);
}

bool directory_recipient(int *clerk, struct span address, enum dir_class *is, uint64_t *room, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'R');
	packet_put(&p, address);
	if (!ask(clerk, &p, e) || !take_class(&p, is, e))
		return false;
	packet_take(&p);		/* user */
	packet_take(&p);		/* detail */
	*room = packet_take_u64(&p);
	return !p.bad || nonsense(e);
}

bool directory_may_send(int *clerk, struct span login, struct span address, struct err *e)
{
	enum dir_class is;
	struct packet p;

	packet_begin(&p, 'M');
	packet_put(&p, login);
	packet_put(&p, address);
	return ask(clerk, &p, e) && take_class(&p, &is, e);
}

/* One packet of ways, from number *have on. */
static bool ask_ways(int *clerk, struct span sender, const char *const *domains, size_t count,
    size_t *have, struct arena *a, struct dir_way *ways, struct err *e)
{
	size_t before = *have;
	struct packet p;

	packet_begin(&p, 'W');
	packet_put(&p, sender);
	for (size_t i = before; i < count && i < before + DIRECTORY_WAYS_MAX && p.n < PACKET_MAX / 2; i++)
		packet_put_text(&p, domains[i]);
	if (!ask(clerk, &p, e))
		return false;
	while (p.at < p.n && *have < count) {
		ways[*have].words = arena_text(a, packet_take(&p));
		ways[(*have)++].by_sender = arena_text(a, packet_take(&p));
	}
	return (!p.bad && *have > before) || nonsense(e);
}

bool directory_ways(int *clerk, struct span sender, const char *const *domains, size_t count,
    struct arena *a, struct dir_way *ways, struct err *e)
{
	size_t have = 0;

	while (have < count) {
		if (!ask_ways(clerk, sender, domains, count, &have, a, ways, e))
			return false;
	}
	return true;
}

bool directory_forward(int *clerk, struct span sender, struct span recipient, struct arena *a,
    const char **from, bool *owned, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'F');
	packet_put(&p, sender);
	packet_put(&p, recipient);
	if (!ask(clerk, &p, e))
		return false;
	*from = arena_text(a, packet_take(&p));
	*owned = packet_take_u64(&p) != 0;
	return !p.bad || nonsense(e);
}

static bool take_target(struct packet *p, struct arena *a, struct dir_target *t)
{
	uint64_t kind = packet_take_u64(p);

	t->kind = kind == DIR_MAILBOX ? DIR_MAILBOX : kind == DIR_SENDER ? DIR_SENDER : DIR_ADDRESS;
	t->address = arena_text(a, packet_take(p));
	t->login = arena_text(a, packet_take(p));
	t->home = arena_text(a, packet_take(p));
	t->mail = arena_text(a, packet_take(p));
	t->detail = arena_text(a, packet_take(p));
	t->uid = (uint32_t)packet_take_u64(p);
	t->gid = (uint32_t)packet_take_u64(p);
	t->quota = packet_take_u64(p);
	return !p->bad;
}

/* One packet of targets from number *have on. */
static bool ask_more(int *clerk, struct span address, struct arena *a, struct dir_target **targets,
    size_t *have, uint64_t *total, struct err *e)
{
	size_t before = *have;
	struct packet p;

	packet_begin(&p, 'X');
	packet_put(&p, address);
	packet_put_u64(&p, before);
	if (!ask(clerk, &p, e))
		return false;
	*total = packet_take_u64(&p);
	if (p.bad || *total > TARGETS_MAX)
		return nonsense(e);
	if (!*targets)
		*targets = arena_array(a, TARGETS_MAX, sizeof **targets);
	while (p.at < p.n && *have < *total) {
		if (!take_target(&p, a, &(*targets)[(*have)++]))
			return nonsense(e);
	}
	return *have > before || *have >= *total || nonsense(e);
}

bool directory_expand(int *clerk, struct span address, struct arena *a,
    struct dir_target **targets, size_t *count, struct err *e)
{
	uint64_t total;

	*targets = NULL;
	*count = 0;
	do {
		if (!ask_more(clerk, address, a, targets, count, &total, e))
			return false;
	} while (*count < total);
	return true;
}

/* ---- what a login sends ---- */

/* As many recipients from *at on as a packet takes, which is one at least. */
static bool ask_about(int *clerk, char verb, struct span login, const char *const *recipients,
    size_t count, size_t *at, struct packet *p, struct err *e)
{
	size_t from = *at;

	packet_begin(p, verb);
	packet_put(p, login);
	while (*at < count) {
		size_t was = p->n;

		packet_put_text(p, recipients[*at]);
		if (p->bad) {			/* full */
			p->bad = *at == from;
			p->n = was;
			break;
		}
		++*at;
	}
	return p->bad ? nonsense(e) : ask(clerk, p, e);
}

static bool count_new(int *clerk, struct span login, const char *const *recipients, size_t count,
    uint64_t *fresh, struct err *e)
{
	struct packet p;

	*fresh = 0;
	for (size_t at = 0; at < count;) {
		if (!ask_about(clerk, 'N', login, recipients, count, &at, &p, e))
			return false;
		*fresh += packet_take_u64(&p);
		if (p.bad)
			return nonsense(e);
	}
	return true;
}

bool directory_count(int *clerk, struct span login, const char *const *recipients, size_t count,
    struct dir_verdict *verdict, struct err *e)
{
	struct packet p;
	uint64_t fresh;

	if (!count_new(clerk, login, recipients, count, &fresh, e))
		return false;
	packet_begin(&p, 'Q');
	packet_put(&p, login);
	packet_put_u64(&p, count);
	packet_put_u64(&p, fresh);
	if (!ask(clerk, &p, e))
		return false;
	packet_take_copy(&p, verdict->over, sizeof verdict->over);
	verdict->tell = packet_take_u64(&p) != 0;
	return !p.bad || nonsense(e);
}

bool directory_note(int *clerk, struct span login, const char *const *recipients, size_t count, struct err *e)
{
	struct packet p;

	for (size_t at = 0; at < count;) {
		if (!ask_about(clerk, 'K', login, recipients, count, &at, &p, e))
			return false;
	}
	return true;
}

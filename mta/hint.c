/* Keys and records of what mta remembers, and the questions about them. See hints.h. */
#include "mta/hints.h"

#include <inttypes.h>

#include "common/base/arena.h"
#include "common/io/packet.h"

enum { PATIENCE_S = 5 };

/* --- pure --- */

static bool add_network(struct span ip, struct str *key)
{
	char text[ADDRESS_TEXT];
	struct address a;

	if (!address_parse(ip, &a))
		return false;
	a = address_prefix(&a, a.family == 4 ? 24 : 64);
	address_print(&a, text);
	str_add_text(key, text);
	return true;
}

bool hint_key_known(struct span ip, struct str *key)
{
	str_add_text(key, "k ");
	return add_network(ip, key) && !key->over;
}

bool hint_key_grey(struct span ip, struct span sender, struct span recipient, struct str *key)
{
	str_add_text(key, "g ");
	if (!add_network(ip, key))
		return false;
	str_add_char(key, ' ');
	str_add_lower(key, sender);
	str_add_char(key, ' ');
	str_add_lower(key, recipient);
	return !key->over;
}

bool hint_parse(struct span text, struct hint *h)
{
	uint64_t first, last, count;

	if (!span_eat_u64(&text, INT64_MAX, &first) || !span_eat_char(&text, ' ') ||
	    !span_eat_u64(&text, INT64_MAX, &last) || !span_eat_char(&text, ' ') ||
	    !span_u64(text, UINT64_MAX, &count))
		return false;
	*h = (struct hint){ (int64_t)first, (int64_t)last, count };
	return true;
}

void hint_print(const struct hint *h, struct str *out)
{
	str_addf(out, "%" PRId64 " %" PRId64 " %" PRIu64, h->first, h->last, h->count);
}

bool hint_is_over(struct span key, const struct hint *h, const struct hint_rules *rules, int64_t now)
{
	bool known = span_starts(key, "k ");

	/* A clock that went back makes nothing older than it is. */
	return now - h->last > (known ? rules->known_s : rules->window_s);
}

enum gate_grey hint_greylist(struct hint *h, const struct hint_rules *rules, int64_t now, unsigned *left_s)
{
	bool fresh = !h->count || now - h->last > rules->window_s || now < h->first;

	if (fresh)
		*h = (struct hint){ now, now, 0 };
	h->last = now;
	h->count++;
	*left_s = now - h->first < rules->delay_s ? (unsigned)(rules->delay_s - (now - h->first)) : 0;
	return *left_s ? GATE_GREY_WAIT : GATE_GREY_PASSED;
}

/* --- the session's side --- */

static bool ask(int hints, struct packet *p, struct err *e)
{
	if (!packet_ask(hints, p, clock_in(PATIENCE_S), e))
		return false;
	packet_drop_fds(p);
	return p->verb == '+' || err_temp(e, "4.3.0", "mta-hints answered nonsense");
}

static bool ask_about(int hints, char verb, const char *what, uint64_t *answer, struct err *e)
{
	struct packet p;

	packet_begin(&p, verb);
	if (what)
		packet_put_text(&p, what);
	if (!ask(hints, &p, e))
		return false;
	if (answer)
		*answer = packet_take_u64(&p);
	return !p.bad || err_temp(e, "4.3.0", "mta-hints answered nonsense");
}

bool hints_known(int hints, const char *ip, bool *known, struct err *e)
{
	uint64_t yes = 0;
	bool ok = ask_about(hints, 'K', ip, &yes, e);

	*known = ok && yes;
	return ok;
}

bool hints_greylist(int hints, const char *ip, const char *sender, const char *recipient,
    enum gate_grey *grey, unsigned *left_s, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'G');
	packet_put_text(&p, ip);
	packet_put_text(&p, sender);
	packet_put_text(&p, recipient);
	if (!ask(hints, &p, e))
		return false;
	*grey = packet_take_u64(&p) == GATE_GREY_WAIT ? GATE_GREY_WAIT : GATE_GREY_PASSED;
	*left_s = (unsigned)packet_take_u64(&p);
	return !p.bad || err_temp(e, "4.3.0", "mta-hints answered nonsense");
}

bool hints_took(int hints, const char *ip, struct err *e)
{
	return ask_about(hints, 'T', ip, NULL, e);
}

bool hints_row(int hints, const char *row, struct err *e)
{
	return ask_about(hints, 'D', row, NULL, e);
}

bool hints_hold(int hints, bool *may, struct err *e)
{
	uint64_t yes = 0;
	bool ok = ask_about(hints, 'H', NULL, &yes, e);

	*may = ok && yes;
	return ok;
}

bool hints_let_go(int hints, struct err *e)
{
	return ask_about(hints, 'L', NULL, NULL, e);
}

bool hints_tls_row(int hints, const char *row, struct err *e)
{
	return ask_about(hints, 'R', row, NULL, e);
}

bool hints_policy(int hints, const char *domain, struct arena *a, struct span *text, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'P');
	packet_put_text(&p, domain);
	if (!ask(hints, &p, e))
		return false;
	*text = arena_copy(a, packet_take(&p));
	return !p.bad || err_temp(e, "4.3.0", "mta-hints answered nonsense");
}

bool hints_set_policy(int hints, const char *domain, struct span text, struct err *e)
{
	struct packet p;

	packet_begin(&p, 'U');
	packet_put_text(&p, domain);
	packet_put(&p, text);
	return ask(hints, &p, e);
}

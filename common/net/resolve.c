/* Questions to the resolver process, and what mail makes of the answers. See resolve.h. */
#include "common/net/resolve.h"

#include <stdlib.h>

#include "common/base/mem.h"
#include "common/io/packet.h"
#include "common/net/address.h"
#include "common/net/dns-name.h"

enum { PATIENCE_S = 330 }; /* longer than dns timeout may be: the resolver is the one to give up */

/* --- one question --- */

bool dns_question_take(struct packet *p, struct dns_question *q)
{
	q->serial = packet_take_u64(p);
	packet_take_copy(p, q->name, sizeof q->name);
	q->type = (unsigned)packet_take_u64(p);
	return !p->bad && p->verb == 'Q' && q->type > 0 && q->type < 65536;
}

void dns_question_put(struct packet *p, uint64_t serial, const char *name, enum dns_type type)
{
	packet_begin(p, 'Q');
	packet_put_u64(p, serial);
	packet_put_text(p, name);
	packet_put_u64(p, type);
}

uint64_t resolve_serial(void)
{
	static uint64_t serial;

	return ++serial;
}

void dns_answer_put(struct packet *p, uint64_t serial, const struct dns_answer *answer)
{
	packet_begin(p, 'A');
	packet_put_u64(p, serial);
	packet_put_u64(p, answer->found);
	packet_put_u64(p, answer->secure);
	packet_put_u64(p, answer->ttl);
	packet_put_text(p, answer->why);
	packet_put_text(p, answer->alias_of ? answer->alias_of : "");
	packet_put_u64(p, answer->count);
	for (size_t i = 0; i < answer->count; i++)
		packet_put(p, answer->records[i]);
}

bool dns_answer_take(struct packet *p, struct arena *a, struct dns_answer *out)
{
	struct dns_answer got = { 0 };

	got.found = (enum dns_found)packet_take_u64(p);
	got.secure = packet_take_u64(p) != 0;
	got.ttl = (uint32_t)packet_take_u64(p);
	got.why = arena_text(a, packet_take(p));
	got.alias_of = arena_text(a, packet_take(p));
	got.count = packet_take_u64(p);
	if (p->bad || got.found > DNS_FAILED || got.count > PACKET_MAX / sizeof(uint32_t))
		return false;
	got.records = arena_array(a, got.count + 1, sizeof *got.records);
	for (size_t i = 0; i < got.count; i++)
		got.records[i] = arena_copy(a, packet_take(p));
	*out = got;
	return !p->bad;
}

/* Answers to questions that somebody has given up on may come first. */
static bool wait_for(int resolver, struct packet *p, uint64_t serial, struct err *e)
{
	ms_t until = clock_in(PATIENCE_S);

	for (;;) {
		if (packet_recv(resolver, p, until) != PACKET_OK)
			return err_temp(e, "4.4.3", "the resolver is not there");
		packet_drop_fds(p);
		if (p->verb == 'A' && packet_take_u64(p) == serial)
			return true;
		if (p->bad)
			return err_temp(e, "4.4.3", "the resolver answered nonsense");
	}
}

static bool ask(int resolver, struct packet *p, const char *name, enum dns_type type,
    struct arena *a, struct dns_answer *out, struct err *e)
{
	uint64_t serial = resolve_serial();

	dns_question_put(p, serial, name, type);
	if (!packet_send(resolver, p, NULL))
		return err_temp(e, "4.4.3", "the resolver is not there");
	if (!wait_for(resolver, p, serial, e))
		return false;
	return dns_answer_take(p, a, out) || err_temp(e, "4.4.3", "the resolver answered nonsense");
}

bool resolve(int resolver, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, struct err *e)
{
	struct packet *p = mem_more(NULL, 1, sizeof *p);
	bool ok = ask(resolver, p, name, type, a, out, e);

	free(p);
	return ok;
}

/* --- where a domain wants its mail --- */

static uint32_t next_roll(uint32_t *dice)
{
	*dice = *dice * 1664525u + 1013904223u;
	return *dice >> 8;
}

static int by_preference(const void *a, const void *b)
{
	const struct mx_host *x = a, *y = b;

	return (x->preference > y->preference) - (x->preference < y->preference);
}

void mx_sort(struct mx_host *hosts, size_t count, uint32_t dice)
{
	size_t from = 0;

	if (!count)
		return;
	qsort(hosts, count, sizeof *hosts, by_preference);
	for (size_t i = 1; i <= count; i++) {
		if (i < count && hosts[i].preference == hosts[from].preference)
			continue;
		for (size_t n = i - from; n > 1; n--) {		/* shuffle from to i */
			size_t other = from + next_roll(&dice) % n;
			struct mx_host was = hosts[from + n - 1];

			hosts[from + n - 1] = hosts[other];
			hosts[other] = was;
		}
		from = i;
	}
}

static enum mx_found one_host(const char *name, struct arena *a, struct mx_host **hosts, size_t *count)
{
	*hosts = arena_get(a, sizeof **hosts);
	(*hosts)->name = name;
	*count = 1;
	return MX_HOSTS;
}

static enum mx_found failed(const char *domain, const struct dns_answer *answer, struct err *e)
{
	err_temp(e, "4.4.3", "cannot look up %s: %s", domain, answer->why);
	return MX_FAILED;
}

/* RFC 5321 5.1: a domain without MX that has an address is its own mail host. */
static enum mx_found implicit(int resolver, const char *domain, struct arena *a,
    struct mx_host **hosts, size_t *count, struct err *e)
{
	static const enum dns_type kinds[] = { DNS_A, DNS_AAAA };
	struct dns_answer answer;

	for (int i = 0; i < 2; i++) {
		if (!resolve(resolver, domain, kinds[i], a, &answer, e))
			return MX_FAILED;
		if (answer.found == DNS_FAILED)
			return failed(domain, &answer, e);
		if (answer.found == DNS_YES)
			return one_host(arena_text(a, span_of(domain)), a, hosts, count);
	}
	err_perm(e, "5.1.2", "the domain %s takes no mail: it has neither MX nor address", domain);
	return MX_NO_DOMAIN;
}

static enum mx_found from_records(const char *domain, const struct dns_answer *answer,
    uint32_t dice, struct arena *a, struct mx_host **hosts, size_t *count, struct err *e)
{
	struct mx_host *list = arena_array(a, answer->count + 1, sizeof *list);
	bool null_mx = false;
	size_t n = 0;

	for (size_t i = 0; i < answer->count && n < RESOLVE_HOSTS_MAX; i++) {
		char name[DNS_NAME];

		if (!dns_mx_parse(answer->records[i], &list[n].preference, name))
			continue;
		if (*name)
			list[n++].name = arena_text(a, span_of(name));
		else
			null_mx = true;
	}
	*hosts = list;
	*count = n;
	mx_sort(list, n, dice);
	if (n)
		return MX_HOSTS;
	if (null_mx) {			/* RFC 7505 3: "." alone */
		err_perm(e, "5.1.10", "the domain %s says that it takes no mail (null MX)", domain);
		return MX_NULL;
	}
	err_temp(e, "4.4.3", "the MX records of %s name no host", domain);
	return MX_FAILED;
}

static enum mx_found vouch(bool secure, enum mx_found found, struct mx_host **hosts, const size_t *count)
{
	for (size_t i = 0; found == MX_HOSTS && i < *count; i++)
		(*hosts)[i].secure = secure;
	return found;
}

enum mx_found resolve_mx(int resolver, const char *domain, uint32_t dice, struct arena *a,
    struct mx_host **hosts, size_t *count, struct err *e)
{
	char ip[ADDRESS_TEXT];
	struct dns_answer answer;
	struct address literal;

	if (address_literal_parse(span_of(domain), &literal)) {
		address_print(&literal, ip);
		return vouch(true, one_host(arena_text(a, span_of(ip)), a, hosts, count), hosts, count);
	}
	if (!resolve(resolver, domain, DNS_MX, a, &answer, e))
		return MX_FAILED;
	switch (answer.found) {
	case DNS_YES:
		return vouch(answer.secure, from_records(domain, &answer, dice, a, hosts, count, e),
		    hosts, count);
	case DNS_NO_DATA:
		return vouch(answer.secure, implicit(resolver, domain, a, hosts, count, e), hosts, count);
	case DNS_NO_NAME:
		err_perm(e, "5.1.2", "there is no domain %s", domain);
		return MX_NO_DOMAIN;
	default:
		return failed(domain, &answer, e);
	}
}

/* --- addresses --- */

static const char *address_text(struct span rdata, unsigned family, struct arena *a)
{
	struct address ip = { .family = (uint8_t)family };
	char text[ADDRESS_TEXT];

	memcpy(ip.bytes, rdata.p, rdata.n);
	address_print(&ip, text);
	return arena_text(a, span_of(text));
}

/* The n-th usable address of an answer, or NULL. */
static const char *nth(const struct dns_answer *answer, size_t n, unsigned family, struct arena *a)
{
	if (answer->found != DNS_YES || n >= answer->count ||
	    answer->records[n].n != (family == 4 ? 4 : 16))
		return NULL;
	return address_text(answer->records[n], family, a);
}

static bool itself(const char *host, struct arena *a, struct host_addresses *out)
{
	struct address literal;
	char text[ADDRESS_TEXT];

	if (!address_parse(span_of(host), &literal) &&
	    !address_literal_parse(span_of(host), &literal))
		return false;
	address_print(&literal, text);
	out->ips = arena_get(a, sizeof *out->ips);
	out->ips[0] = arena_text(a, span_of(text));
	out->count = 1;
	return true;
}

/* IPv6 and IPv4 in turn. */
static void mix(const struct dns_answer *six, const struct dns_answer *four, struct arena *a,
    struct host_addresses *out)
{
	size_t most = six->count > four->count ? six->count : four->count;

	out->ips = arena_array(a, six->count + four->count + 1, sizeof *out->ips);
	for (size_t i = 0; i < most && out->count < RESOLVE_HOSTS_MAX; i++) {
		const char *ip;

		if ((ip = nth(six, i, 6, a)))
			out->ips[out->count++] = ip;
		if ((ip = nth(four, i, 4, a)))
			out->ips[out->count++] = ip;
	}
}

static void vouch_for(const struct dns_answer *six, const struct dns_answer *four, struct host_addresses *out)
{
	const struct dns_answer *both[] = { six, four };

	out->secure = true;
	for (int i = 0; i < 2; i++) {
		if (both[i]->found != DNS_YES)
			continue;
		out->secure = out->secure && both[i]->secure;
		out->alias_of = both[i]->alias_of;
	}
}

bool resolve_addresses(int resolver, const char *host, struct arena *a, struct host_addresses *out, struct err *e)
{
	struct dns_answer six, four;

	*out = (struct host_addresses){ .alias_of = "" };
	if (itself(host, a, out))
		return true;
	if (!resolve(resolver, host, DNS_AAAA, a, &six, e) ||
	    !resolve(resolver, host, DNS_A, a, &four, e))
		return false;
	mix(&six, &four, a, out);
	if (out->count) {
		vouch_for(&six, &four, out);
		return true;
	}
	if (six.found == DNS_FAILED || four.found == DNS_FAILED)
		return err_temp(e, "4.4.3", "cannot look up the address of %s: %s", host,
		    four.found == DNS_FAILED ? four.why : six.why);
	return err_perm(e, "5.4.4", "the host %s has no address", host);
}

bool resolve_host(int resolver, const char *host, struct arena *a, const char ***ips, size_t *count,
    struct err *e)
{
	struct host_addresses found;

	if (!resolve_addresses(resolver, host, a, &found, e))
		return false;
	*ips = found.ips;
	*count = found.count;
	return true;
}

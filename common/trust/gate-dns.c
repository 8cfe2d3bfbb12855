/* What the DNS says about a client and a sender. See gate-dns.h. */
#include "common/trust/gate-dns.h"

#include "common/trust/dns.h"

enum { NAMES_MAX = 3, TXT_MAX = 1024 };

/* A tag says what a question was for: kind and index. */
enum kind { PTR, FORWARD, HELLO, MX, HOST, LIST, LIST_TEXT, SENDER_LIST, SENDER_TEXT };

static uint32_t tag_of(enum kind kind, size_t index)
{
	return (uint32_t)kind << 16 | (uint32_t)index;
}

static enum kind kind_of(uint32_t tag)
{
	return (enum kind)(tag >> 16);
}

static bool is_of_hello(uint32_t tag)
{
	return kind_of(tag) == HELLO;
}

static bool is_of_sender(uint32_t tag)
{
	return kind_of(tag) == MX || kind_of(tag) == HOST || kind_of(tag) >= SENDER_LIST;
}

static bool weighs(const struct gate_dns *d, enum gate_fact fact)
{
	return d->policy->weights[fact] != 0;
}

/* --- asking --- */

static void ask(struct gate_dns *d, struct gate_inquiry *q, const char *name, enum dns_type type, uint32_t tag)
{
	q->asked = true;
	q->open++;
	batch_ask(&d->batch, name, type, tag);
}

static bool asked_before(struct gate_lists lists, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		if (strcmp(lists.rows[k].zone, lists.rows[i].zone) == 0)
			return true;
	}
	return false;
}

static bool list_name(const struct gate_dns *d, enum kind kind, const char *zone, char name[DNS_NAME])
{
	return kind == LIST || kind == LIST_TEXT ? gate_list_address(&d->peer, zone, name)
	    : gate_list_domain(span_of(d->sender), zone, name);
}

static void ask_lists(struct gate_dns *d, struct gate_lists lists, enum kind kind)
{
	char name[DNS_NAME];

	for (size_t i = 0; i < lists.count; i++) {
		if (!asked_before(lists, i) && list_name(d, kind, lists.rows[i].zone, name))
			batch_ask(&d->batch, name, DNS_A, tag_of(kind, i));
	}
}

void gate_dns_connect(struct gate_dns *d, int resolver, const char *ip)
{
	char reverse[80];

	d->batch.resolver = resolver;
	d->name = d->forward = d->hello = d->mx = d->host = (struct gate_inquiry){ 0 };
	d->listed.count = d->sender_listed.count = 0;
	d->peer = (struct address){ 0 };
	if (!address_parse(span_of(ip), &d->peer))
		return;
	address_reverse_name(&d->peer, reverse);
	if (weighs(d, GATE_REVERSE_NONE) || weighs(d, GATE_REVERSE_FALSE))
		ask(d, &d->name, reverse, DNS_PTR, tag_of(PTR, 0));
	ask_lists(d, d->lists, LIST);
}

void gate_dns_hello(struct gate_dns *d, const char *name)
{
	d->hello = (struct gate_inquiry){ 0 };
	batch_forget(&d->batch, is_of_hello);
	if (!*name || !weighs(d, GATE_HELO_UNKNOWN))
		return;
	ask(d, &d->hello, name, DNS_A, tag_of(HELLO, 0));
	ask(d, &d->hello, name, DNS_AAAA, tag_of(HELLO, 1));
}

void gate_dns_sender(struct gate_dns *d, struct span domain)
{
	struct address literal;

	d->mx = d->host = (struct gate_inquiry){ 0 };
	d->null_mx = false;
	d->sender_listed.count = 0;
	batch_forget(&d->batch, is_of_sender);
	if (!domain.n || address_literal_parse(domain, &literal) ||
	    !span_copy(domain, d->sender, sizeof d->sender))
		return;
	if (weighs(d, GATE_SENDER_MISSING) || weighs(d, GATE_SENDER_SILENT) ||
	    weighs(d, GATE_SENDER_NULL_MX)) {
		ask(d, &d->mx, d->sender, DNS_MX, tag_of(MX, 0));
		ask(d, &d->host, d->sender, DNS_A, tag_of(HOST, 0));
		ask(d, &d->host, d->sender, DNS_AAAA, tag_of(HOST, 1));
	}
	ask_lists(d, d->sender_lists, SENDER_LIST);
}

/* --- answers --- */

static void note(struct gate_inquiry *q, const struct dns_answer *a)
{
	q->open--;
	if (a->found == DNS_YES)
		q->yes = true;
	else if (a->found == DNS_FAILED)
		q->failed = true;
	else if (a->found == DNS_NO_NAME)
		q->no_name = true;
}

/* Each name's address of the client's own kind. */
static void follow_names(struct gate_dns *d, const struct dns_answer *a)
{
	char host[DNS_NAME];

	d->forward.failed = a->count > NAMES_MAX; /* one that we do not look at may lead back */
	for (size_t i = 0; a->found == DNS_YES && i < a->count && i < NAMES_MAX; i++) {
		struct span rdata = a->records[i];

		if (dns_name_eat(&rdata, host) && *host)
			ask(d, &d->forward, host, d->peer.family == 4 ? DNS_A : DNS_AAAA,
			    tag_of(FORWARD, i));
	}
}

static void check_forward(struct gate_dns *d, const struct dns_answer *a)
{
	size_t n = d->peer.family == 4 ? 4 : 16;
	bool leads_back = false;

	for (size_t i = 0; a->found == DNS_YES && i < a->count; i++)
		leads_back = leads_back ||
		    (a->records[i].n == n && memcmp(a->records[i].p, d->peer.bytes, n) == 0);
	d->forward.open--;
	d->forward.yes = d->forward.yes || leads_back;
	d->forward.failed = d->forward.failed || a->found == DNS_FAILED;
}

/* RFC 7505 3: "." alone. */
static void check_null_mx(struct gate_dns *d, const struct dns_answer *a)
{
	char host[DNS_NAME];
	unsigned preference;

	d->null_mx = a->found == DNS_YES && a->count == 1 &&
	    dns_mx_parse(a->records[0], &preference, host) && !*host;
}

static bool has_match(const struct gate_list *l, const struct dns_answer *a)
{
	for (size_t i = 0; a->found == DNS_YES && i < a->count; i++) {
		if (gate_list_has(l, a->records[i]))
			return true;
	}
	return false;
}

static void check_lists(struct gate_dns *d, enum kind kind, size_t first, const struct dns_answer *a)
{
	bool of_sender = kind == SENDER_LIST;
	struct gate_lists lists = of_sender ? d->sender_lists : d->lists;
	struct gate_hits *hits = of_sender ? &d->sender_listed : &d->listed;
	char name[DNS_NAME];

	for (size_t i = first; i < lists.count && hits->count < GATE_HITS_MAX; i++) {
		const struct gate_list *l = &lists.rows[i];

		if (strcmp(l->zone, lists.rows[first].zone) != 0 || !has_match(l, a))
			continue;
		hits->at[hits->count++] = (struct gate_listed){ .zone = l->zone, .weight = l->weight, .of_sender = of_sender };
		if (l->weight > 0 && list_name(d, kind, l->zone, name))
			batch_ask(&d->batch, name, DNS_TXT,
			    tag_of(of_sender ? SENDER_TEXT : LIST_TEXT, hits->count - 1));
	}
}

static void take_text(struct gate_listed *l, const struct dns_answer *a)
{
	struct str text = STR(TXT_MAX);

	if (a->found == DNS_YES && a->count && trust_dns_text(a->records[0], &text)) {
		for (size_t i = 0; i < text.n; i++)
			text.p[i] = is_print(text.p[i]) ? text.p[i] : '?';
		snprintf(l->why, sizeof l->why, "%s", text.p);
	}
	str_free(&text);
}

static void answered(void *arg, uint32_t tag, const struct dns_answer *a)
{
	struct gate_dns *d = arg;
	size_t index = tag & 0xffff;

	switch (kind_of(tag)) {
	case PTR:
		note(&d->name, a);
		follow_names(d, a);
		break;
	case FORWARD:
		check_forward(d, a);
		break;
	case HELLO:
		note(&d->hello, a);
		break;
	case MX:
		note(&d->mx, a);
		check_null_mx(d, a);
		break;
	case HOST:
		note(&d->host, a);
		break;
	case LIST: case SENDER_LIST:
		check_lists(d, kind_of(tag), index, a);
		break;
	case LIST_TEXT:
		take_text(&d->listed.at[index], a);
		break;
	case SENDER_TEXT:
		take_text(&d->sender_listed.at[index], a);
		break;
	}
}

void gate_dns_tend(struct gate_dns *d)
{
	gate_dns_wait(d, 0);
}

void gate_dns_wait(struct gate_dns *d, ms_t until)
{
	while (batch_read(&d->batch, until))
		;
}

/* --- facts --- */

/* Asked, and all of it answered with no. */
static bool is_no(const struct gate_inquiry *q)
{
	return q->asked && !q->open && !q->yes && !q->failed;
}

static enum gate_fact sender_fact(const struct gate_dns *d)
{
	if (d->mx.yes && d->null_mx)
		return GATE_SENDER_NULL_MX;
	if (!is_no(&d->mx) || !is_no(&d->host))
		return GATE_FACTS;
	return d->mx.no_name ? GATE_SENDER_MISSING : GATE_SENDER_SILENT;
}

static void add_hits(const struct gate_hits *hits, struct facts *f)
{
	for (size_t i = 0; i < hits->count && f->listed_count < GATE_LISTED_MAX; i++)
		f->listed[f->listed_count++] = hits->at[i];
}

void gate_dns_facts(const struct gate_dns *d, struct facts *f)
{
	enum gate_fact sender = sender_fact(d);

	if (is_no(&d->name))
		f->seen |= 1u << GATE_REVERSE_NONE;
	if (is_no(&d->forward))
		f->seen |= 1u << GATE_REVERSE_FALSE;
	if (is_no(&d->hello))
		f->seen |= 1u << GATE_HELO_UNKNOWN;
	if (sender != GATE_FACTS)
		f->seen |= 1u << sender;
	add_hits(&d->listed, f);
	add_hits(&d->sender_listed, f);
}

/* --- the life of it --- */

void gate_dns_init(struct gate_dns *d, const struct gate_policy *policy, struct gate_lists lists,
    struct gate_lists sender_lists)
{
	*d = (struct gate_dns){ .policy = policy, .lists = lists, .sender_lists = sender_lists };
	batch_init(&d->batch, answered, d);
}

void gate_dns_free(struct gate_dns *d)
{
	batch_free(&d->batch);
}

void gate_dns_end(struct gate_dns *d)
{
	batch_forget(&d->batch, NULL);
}

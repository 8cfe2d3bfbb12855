/* Records that we know ourselves. See zone.h. */
#include "common/net/zone.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/net/address.h"

struct zone { const struct zone_record **records; size_t count; };	/* sorted by name */

/* --- one line --- */

static bool put(struct zone_record *r, const void *bytes, size_t n)
{
	if (n > ZONE_RDATA - r->n)
		return false;
	memcpy(r->rdata + r->n, bytes, n);
	r->n += n;
	return true;
}

static bool read_address(struct span data, unsigned family, struct zone_record *r)
{
	struct address a;

	return address_parse(data, &a) && a.family == family &&
	    put(r, a.bytes, family == 4 ? 4 : 16);
}

static bool read_a(struct span data, struct zone_record *r)
{
	return read_address(data, 4, r);
}

static bool read_aaaa(struct span data, struct zone_record *r)
{
	return read_address(data, 6, r);
}

static bool read_name(struct span data, struct zone_record *r)
{
	char name[DNS_NAME], wire[DNS_WIRE];
	size_t n;

	return data.n && dns_name_clean(data, name) && dns_name_to_wire(name, wire, &n) &&
	    put(r, wire, n);
}

static bool read_mx(struct span data, struct zone_record *r)
{
	char preference[2];
	uint64_t v;

	if (!span_u64(span_word(&data), 65535, &v))
		return false;
	preference[0] = (char)(v >> 8);
	preference[1] = (char)v;
	return put(r, preference, 2) && read_name(span_trim(data), r);
}

static bool put_string(struct zone_record *r, const char *bytes, size_t n)
{
	char size = (char)n;

	return put(r, &size, 1) && put(r, bytes, n);
}

/* One character-string, quoted or a word; RFC 1035 5.1. Longer than 255 bytes become several. */
static bool eat_string(struct span *in, struct zone_record *r)
{
	bool quoted = span_eat_char(in, '"'), closed = false;
	char bytes[255];
	size_t n = 0;

	while (in->n && !closed) {
		char c = *in->p;

		if (quoted ? c == '"' : is_blank(c)) {
			closed = true;
		} else {
			if (c == '\\' && in->n > 1) {
				*in = span_from(*in, 1);
				c = *in->p;
			}
			if (n == sizeof bytes) {
				if (!put_string(r, bytes, n))
					return false;
				n = 0;
			}
			bytes[n++] = c;
		}
		*in = span_from(*in, 1);
	}
	return closed >= quoted && put_string(r, bytes, n);
}

static bool read_txt(struct span data, struct zone_record *r)
{
	if (!data.n)
		return false;
	while (data.n) {
		if (!eat_string(&data, r))
			return false;
		span_while(&data, is_blank);
	}
	return true;
}

/* "3 1 1 HEX", RFC 6698 2.2 */
static bool read_tlsa(struct span data, struct zone_record *r)
{
	for (int i = 0; i < 3; i++) {
		uint64_t v;
		char byte;

		if (!span_u64(span_word(&data), 255, &v))
			return false;
		byte = (char)v;
		put(r, &byte, 1);
	}
	data = span_trim(data);
	if (!data.n || data.n % 2)
		return false;
	for (; data.n; data = span_from(data, 2)) {
		int high = hex_value(data.p[0]), low = hex_value(data.p[1]);
		char byte;

		if (high < 0 || low < 0)
			return false;
		byte = (char)(high << 4 | low);
		if (!put(r, &byte, 1))
			return false;
	}
	return true;
}

static bool read_nothing(struct span data, struct zone_record *r)
{
	(void)data;
	(void)r;
	return true;
}

static const struct type {
	const char	*name;
	enum dns_type	 type;
	bool		 (*read)(struct span data, struct zone_record *r);
} types[] = {
	{ "A",		DNS_A,				read_a },
	{ "AAAA",	DNS_AAAA,			read_aaaa },
	{ "MX",		DNS_MX,				read_mx },
	{ "TXT",	DNS_TXT,			read_txt },
	{ "CNAME",	DNS_CNAME,			read_name },
	{ "PTR",	DNS_PTR,			read_name },
	{ "TLSA",	DNS_TLSA,			read_tlsa },
	{ "SOA",	(enum dns_type)DNS_SOA,		read_nothing },
};

static const struct type *find_type(struct span word)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		if (span_is(word, types[i].name))
			return &types[i];
	}
	return NULL;
}

bool zone_line_parse(struct span line, struct zone_record *out, struct err *e)
{
	struct span whole = span_trim(line), rest = whole, word;
	struct zone_record r = { .ttl = ZONE_TTL };
	const struct type *type;
	uint64_t ttl;

	word = span_word(&rest);
	if (!word.n || !dns_name_clean_ask(word, r.name))
		return err_perm(e, "5.3.5", "a record must start with a name: " SPAN_FMT,
		    SPAN_ARG(span_to(whole, 80)));
	word = span_word(&rest);
	if (span_u64(word, INT32_MAX, &ttl)) {
		r.ttl = (uint32_t)ttl;
		word = span_word(&rest);
	}
	if (span_is(word, "IN"))
		word = span_word(&rest);
	type = find_type(word);
	if (!type)
		return err_perm(e, "5.3.5",
		    "no such type of record, we know A AAAA MX TXT CNAME PTR TLSA SOA: " SPAN_FMT,
		    SPAN_ARG(span_to(whole, 80)));
	r.type = type->type;
	if (!type->read(span_trim(rest), &r))
		return err_perm(e, "5.3.5", "this is no %s record: " SPAN_FMT, type->name,
		    SPAN_ARG(span_to(whole, 80)));
	*out = r;
	return true;
}

/* --- the table --- */

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct zone_record *const *)a)->name,
	    (*(const struct zone_record *const *)b)->name);
}

static bool is_blank_line(struct span s)
{
	s = span_trim(s);
	return !s.n || *s.p == '#';
}

struct zone *zone_new(const char *const *lines, size_t count, struct arena *a, struct err *e)
{
	struct zone *z = arena_get(a, sizeof *z);

	z->records = arena_array(a, count + 1, sizeof *z->records);
	for (size_t i = 0; i < count; i++) {
		struct zone_record *r;

		if (is_blank_line(span_of(lines[i])))
			continue;
		r = arena_get(a, sizeof *r);
		if (!zone_line_parse(span_of(lines[i]), r, e))
			return NULL;
		z->records[z->count++] = r;
	}
	if (z->count)
		qsort(z->records, z->count, sizeof *z->records, by_name);
	return z;
}

/* The first record that is not before name. */
static size_t first_of(const struct zone *z, const char *name)
{
	size_t low = 0, high = z->count;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (strcmp(z->records[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool has_names_below(const struct zone *z, const char *name)
{
	char end[DNS_NAME + 1];

	snprintf(end, sizeof end, ".%s", name);
	for (size_t i = 0; i < z->count; i++) {
		if (*name && span_ends(span_of(z->records[i]->name), end))
			return true;
	}
	return false;
}

/* Is name in a zone that a SOA line calls ours? */
static bool in_our_zone(const struct zone *z, const char *name)
{
	for (;;) {
		const char *dot;

		for (size_t i = first_of(z, name); i < z->count && !strcmp(z->records[i]->name, name); i++) {
			if (z->records[i]->type == (enum dns_type)DNS_SOA)
				return true;
		}
		if (!*name)
			return false;
		dot = strchr(name, '.');
		name = dot ? dot + 1 : "";
	}
}

static void add_record(struct dns_answer *out, const struct zone_record *r, struct span *room)
{
	out->ttl = out->count && out->ttl < r->ttl ? out->ttl : r->ttl;
	room[out->count++] = (struct span){ r->rdata, r->n };
	out->found = DNS_YES;
}

/* All records of one name; *alias is set to where a CNAME points. False: no such name here. */
static bool look_at(const struct zone *z, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, const struct zone_record **alias)
{
	size_t from = first_of(z, name), to = from;
	struct span *room;

	*alias = NULL;
	while (to < z->count && strcmp(z->records[to]->name, name) == 0)
		to++;
	if (from == to)
		return false;
	room = arena_array(a, to - from, sizeof *room);
	*out = (struct dns_answer){ .found = DNS_NO_DATA, .why = "", .records = room, .ttl = ZONE_TTL };
	for (size_t i = from; i < to; i++) {
		if (z->records[i]->type == type)
			add_record(out, z->records[i], room);
		else if (z->records[i]->type == DNS_CNAME)
			*alias = z->records[i];
	}
	if (out->count)
		*alias = NULL;
	return true;
}

bool zone_find(const struct zone *z, const char *name, enum dns_type type, struct arena *a,
    struct dns_answer *out, char ask[DNS_NAME])
{
	const struct zone_record *alias = NULL;

	memmove(ask, name, strlen(name) + 1);
	for (int i = 0; i < ZONE_CHAIN; i++) {
		struct span rdata;

		if (!look_at(z, ask, type, a, out, &alias))
			break;
		if (!alias) {
			out->alias_of = i ? arena_text(a, span_of(ask)) : "";
			return true;
		}
		rdata = (struct span){ alias->rdata, alias->n };
		dns_name_eat(&rdata, ask);
	}
	*out = (struct dns_answer){ .found = DNS_NO_NAME, .why = "", .ttl = ZONE_TTL };
	if (alias && first_of(z, ask) < z->count &&
	    strcmp(z->records[first_of(z, ask)]->name, ask) == 0) {
		out->found = DNS_FAILED;
		out->why = "aliases go round in a circle";
		return true;
	}
	if (has_names_below(z, ask)) {
		out->found = DNS_NO_DATA;
		return true;
	}
	return in_our_zone(z, ask);
}

/* Names in DNS. See dns-name.h. */
#include "common/net/dns-name.h"

enum { LABEL_MAX = 63, TEXT_MAX = 253 };

static bool is_label_char(char c)
{
	return is_alnum(c) || c == '-' || c == '_';
}

static bool is_asked_char(char c)
{
	return c > ' ' && c < 0x7f && c != '\\';
}

/* Add one label and what separates it from the one before. */
static bool add_label(struct span label, bool (*ok)(char), char name[DNS_NAME], size_t *n)
{
	struct span left = label;

	span_while(&left, ok);
	if (!label.n || label.n > LABEL_MAX || left.n || *n + (*n > 0) + label.n > TEXT_MAX)
		return false;
	if (*n)
		name[(*n)++] = '.';
	for (size_t i = 0; i < label.n; i++)
		name[(*n)++] = to_lower(label.p[i]);
	return true;
}

static bool clean_name(struct span text, bool (*ok)(char), char name[DNS_NAME])
{
	char clean[DNS_NAME];
	struct span label;
	size_t n = 0;

	if (span_ends(text, "."))
		text = span_to(text, text.n - 1);
	while (text.n) {
		if (!span_cut(&text, '.', &label)) {
			label = text;
			text = span_from(text, text.n);
		} else if (!text.n) {
			return false;		/* a dot too many at the end */
		}
		if (!add_label(label, ok, clean, &n))
			return false;
	}
	memcpy(name, clean, n);
	name[n] = '\0';
	return true;
}

bool dns_name_clean(struct span text, char name[DNS_NAME])
{
	return clean_name(text, is_label_char, name);
}

bool dns_name_clean_ask(struct span text, char name[DNS_NAME])
{
	return clean_name(text, is_asked_char, name);
}

bool dns_name_to_wire(const char *name, char wire[DNS_WIRE], size_t *n)
{
	struct span rest = span_of(name), label;
	size_t at = 0;

	while (span_piece(&rest, '.', &label)) {
		if (!label.n || label.n > LABEL_MAX || at + label.n + 2 > DNS_WIRE)
			return false;
		wire[at++] = (char)label.n;
		memcpy(wire + at, label.p, label.n);
		at += label.n;
	}
	wire[at++] = 0;
	*n = at;
	return true;
}

bool dns_name_eat(struct span *rdata, char name[DNS_NAME])
{
	struct span at = *rdata;
	char clean[DNS_NAME];
	size_t n = 0;

	for (;;) {
		size_t size;

		if (!at.n)
			return false;
		size = (unsigned char)*at.p;
		at = span_from(at, 1);
		if (!size)
			break;
		if (size > at.n || !add_label(span_take(&at, size), is_label_char, clean, &n))
			return false;
	}
	memcpy(name, clean, n);
	name[n] = '\0';
	*rdata = at;
	return true;
}

bool dns_mx_parse(struct span rdata, unsigned *preference, char name[DNS_NAME])
{
	struct span rest = span_from(rdata, 2);
	char host[DNS_NAME];

	if (rdata.n < 3 || !dns_name_eat(&rest, host) || rest.n)
		return false;
	*preference = (unsigned)(unsigned char)rdata.p[0] << 8 | (unsigned char)rdata.p[1];
	memcpy(name, host, strlen(host) + 1);
	return true;
}

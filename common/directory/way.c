/* How to go there. See way.h. */
#include "common/directory/way.h"

#include "common/directory/name.h"
#include "common/net/address.h"

enum { LMTP_PORT = 24, COUNT_MAX = 1000000, SOCKET_MAX = 107 };	/* sun_path, with its NUL: 108 */

const struct way way_plain = { .tls = WAY_MAY, .names = "", .prints = "", .via = "", .login = "", .source = "", .helo = "",
	.retry = "" };

/* --- words that stand for a number --- */

static const char *const tls_words[] = { [WAY_NONE] = "none", [WAY_MAY] = "may", [WAY_ENCRYPT] = "encrypt",
	[WAY_DANE] = "dane", [WAY_VERIFY] = "verify", [WAY_FINGERPRINT] = "fingerprint", NULL };
static const char *const family_words[] = { [WAY_ANY] = "any", [WAY_IPV4] = "4", [WAY_IPV6] = "6",
	[WAY_IPV4_FIRST] = "46", [WAY_IPV6_FIRST] = "64", NULL };

static bool find_word(const char *const *words, struct span word, unsigned *out)
{
	for (unsigned i = 0; words[i]; i++) {
		if (!span_is(word, words[i]))
			continue;
		*out = i;
		return true;
	}
	return false;
}

const char *way_tls_name(enum way_tls tls)
{
	return tls_words[tls];
}

bool way_tls_parse(struct span word, enum way_tls *tls)
{
	unsigned n;

	if (!find_word(tls_words, word, &n))
		return false;
	*tls = (enum way_tls)n;
	return true;
}

void way_by(struct way *w, const char *via)
{
	w->via = via;
	w->login = "";
}

void way_at_try(struct way *w, unsigned tries)
{
	if (tries < w->after)
		way_by(w, "");
	w->after = 0;
}

/* --- places --- */

static bool is_host(struct span s)
{
	struct address a;

	return s.n < WAY_HOST && (name_is_domain(s) || address_parse(s, &a));
}

/* HOST, [HOST], HOST:PORT, [HOST]:PORT */
static bool read_host(struct span s, struct way_place *out)
{
	ptrdiff_t close = span_rfind(s, ']'), colon = span_rfind(s, ':');
	uint64_t port = 0;

	if (colon > close) {
		if (!span_u64(span_from(s, (size_t)colon + 1), 65535, &port) || !port)
			return false;
		s = span_to(s, (size_t)colon);
	}
	if (s.n > 2 && *s.p == '[' && s.p[s.n - 1] == ']')
		s = span_from(span_to(s, s.n - 1), 1);
	if (port)
		out->port = (unsigned)port;
	return is_host(s) && span_copy(s, out->host, sizeof out->host);
}

static bool read_socket(struct span s, struct way_place *out)
{
	out->port = 0;
	return s.n <= SOCKET_MAX && span_copy(s, out->host, sizeof out->host);
}

bool way_place(struct span *via, struct way_place *out)
{
	struct span rest = *via, s;
	struct way_place got = { .lmtp = false };

	if (!span_piece(&rest, ',', &s))
		return false;
	if (span_eat(&s, "lmtp:"))
		got = (struct way_place){ .lmtp = true, .port = LMTP_PORT };
	if (!(got.lmtp && span_starts(s, "/") ? read_socket(s, &got) : read_host(s, &got)))
		return false;
	*via = rest;
	*out = got;
	return true;
}

static bool fits_via(struct span s)
{
	struct way_place place;

	if (!s.n || s.p[s.n - 1] == ',')
		return false;
	while (s.n) {
		if (!way_place(&s, &place))
			return false;
	}
	return true;
}

/* --- prints --- */

static bool is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f');
}

bool way_print_eat(struct span *prints, char hex[WAY_PRINT_HEX + 1])
{
	struct span rest = *prints, s;
	size_t n = 0;

	if (!span_piece(&rest, ',', &s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		char c = to_lower(s.p[i]);

		if (c == ':' && n % 2 == 0 && i && s.p[i - 1] != ':')
			continue;	/* as openssl x509 -fingerprint prints it */
		if (!is_hex(c) || n == WAY_PRINT_HEX)
			return false;
		hex[n++] = c;
	}
	hex[n] = '\0';
	if (n != WAY_PRINT_HEX)
		return false;
	*prints = rest;
	return true;
}

/* --- what a value must look like --- */

static bool is_prints(struct span s)
{
	char hex[WAY_PRINT_HEX + 1];

	if (!s.n || s.p[s.n - 1] == ',')
		return false;
	while (s.n) {
		if (!way_print_eat(&s, hex))
			return false;
	}
	return true;
}

static bool is_names(struct span s)
{
	struct span name;

	if (!s.n || s.p[s.n - 1] == ',')
		return false;
	while (span_piece(&s, ',', &name)) {
		span_eat(&name, ".");
		if (!name_is_domain(name))
			return false;
	}
	return true;
}

bool way_fits_source(struct span s)
{
	struct address one, two;
	struct span first;

	if (!span_cut(&s, ',', &first))
		return address_parse(s, &one);
	return address_parse(first, &one) && address_parse(s, &two) && one.family != two.family;
}

static bool is_helo(struct span s)
{
	struct address a;

	return name_is_domain(s) || address_literal_parse(s, &a);
}

static bool is_entry(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (!is_alnum(s.p[i]) && !(s.p[i] && strchr("._@-", s.p[i])))
			return false;
	}
	return s.n > 0 && s.n <= 100;
}

static bool is_times(struct span s)
{
	uint64_t seconds;
	struct span one;

	if (!s.n || s.p[s.n - 1] == ',')
		return false;
	while (span_piece(&s, ',', &one)) {
		if (!span_time(one, &seconds))
			return false;
	}
	return true;
}

/* --- keys --- */

enum kind { TEXT, COUNT, WORD };

static const struct key {
	const char	*name, *group;
	enum kind	 kind;
	size_t		 at;			/* in struct way; an enum there is an unsigned */
	bool		 (*fits)(struct span);	/* of TEXT */
	const char	*const *words;		/* of WORD */
	unsigned	 most;			/* of COUNT */
	const char	*expected;
} keys[] = {
#define AT(field) offsetof(struct way, field)
	{ "tls", "tls", WORD, AT(tls), NULL, tls_words, 0, "none, may, encrypt, dane, verify or fingerprint" },
	{ "names", "tls", TEXT, AT(names), is_names, NULL, 0, "names of a certificate with commas between, .DOMAIN for any below it" },
	{ "prints", "tls", TEXT, AT(prints), is_prints, NULL, 0, "SHA-256 fingerprints with commas between" },
	{ "via", "via", TEXT, AT(via), fits_via, NULL, 0,
	  "HOST, HOST:PORT, lmtp:HOST:PORT or lmtp:/SOCKET, others to try next behind commas" },
	{ "login", "via", TEXT, AT(login), is_entry, NULL, 0, "the name of an entry in relay-secrets" },
	{ "after", "via", COUNT, AT(after), NULL, NULL, 1000, "a number of tries" },
	{ "families", "families", WORD, AT(families), NULL, family_words, 0,
	  "4, 6, 46 (IPv4 first), 64 (IPv6 first) or any" },
	{ "source", "source", TEXT, AT(source), way_fits_source, NULL, 0, "an IP address, or one of each family with a comma between" },
	{ "helo", "helo", TEXT, AT(helo), is_helo, NULL, 0, "a host's name" },
	{ "port", "port", COUNT, AT(port), NULL, NULL, 65535, "a number up to 65535" },
	{ "connections", "connections", COUNT, AT(connections), NULL, NULL, COUNT_MAX, "a number" },
	{ "carried", "carried", COUNT, AT(carried), NULL, NULL, COUNT_MAX, "a number" },
	{ "retry", "retry", TEXT, AT(retry), is_times, NULL, 0, "times like 5m or 4h with commas between" },
#undef AT
};
enum { KEYS = sizeof keys / sizeof *keys };
_Static_assert((int)KEYS <= (int)WAY_KEYS, "more keys than callers have room for");

static const struct key *find_key(struct span name)
{
	for (size_t i = 0; i < KEYS; i++) {
		if (span_is(name, keys[i].name))
			return &keys[i];
	}
	return NULL;
}

int way_group(struct span key)
{
	const struct key *k = find_key(key);

	return k ? (int)(find_key(span_of(k->group)) - keys) : -1;
}

static bool unknown_key(struct span name, struct err *e)
{
	const struct key *best = NULL;
	unsigned least = name.n > 2 ? 2 : 0;

	for (size_t i = 0; i < KEYS; i++) {
		unsigned d = span_distance(name, span_of(keys[i].name));

		if (d > least)
			continue;
		least = d;
		best = &keys[i];
	}
	if (best)
		return err_perm(e, "5.3.5",
		    "there is no key \"" SPAN_FMT "\"; did you mean \"%s\"?",
		    SPAN_ARG(span_to(name, 60)), best->name);
	return err_perm(e, "5.3.5",
	    "there is no key \"" SPAN_FMT "\"; posthorn-destinations(5) lists all",
	    SPAN_ARG(span_to(name, 60)));
}

static bool read_value(const struct key *k, struct span value, struct arena *a, struct way *w)
{
	void *at = (char *)w + k->at;
	uint64_t n;

	switch (k->kind) {
	case TEXT:
		if (!span_is(value, "none") && !k->fits(value))
			return false;
		*(const char **)at = arena_text(a, span_is(value, "none") ? SPAN("") : value);
		return true;
	case COUNT:
		if (!span_u64(value, k->most, &n))
			return false;
		*(unsigned *)at = (unsigned)n;
		return true;
	case WORD:
		return find_word(k->words, value, at);
	}
	return false;
}

bool way_read(struct span words, struct arena *a, struct way *w, struct err *e)
{
	struct span word, name;
	uint32_t seen = 0;

	while ((word = span_word(&words)).n) {
		const struct key *k;

		if (!span_cut(&word, '=', &name))
			return err_perm(e, "5.3.5", "expected key=value, not \"" SPAN_FMT "\"",
			    SPAN_ARG(span_to(word, 60)));
		k = find_key(name);
		if (!k)
			return unknown_key(name, e);
		if (!read_value(k, word, a, w))
			return err_perm(e, "5.3.5", "%s: expected %s, not \"" SPAN_FMT "\"",
			    k->name, k->expected, SPAN_ARG(span_to(word, 60)));
		if (seen & 1u << (k - keys))
			return err_perm(e, "5.3.5", "%s stands here twice", k->name);
		seen |= 1u << (k - keys);
	}
	return true;
}

static void print_key(const struct key *k, const void *at, const void *usual, struct str *out)
{
	const char *between = out->n ? " " : "";

	if (k->kind == TEXT) {
		const char *text = *(const char *const *)at;

		if (strcmp(text, *(const char *const *)usual) != 0)
			str_addf(out, "%s%s=%s", between, k->name, *text ? text : "none");
	} else {
		unsigned n = *(const unsigned *)at;

		if (n != *(const unsigned *)usual && k->kind == COUNT)
			str_addf(out, "%s%s=%u", between, k->name, n);
		else if (n != *(const unsigned *)usual)
			str_addf(out, "%s%s=%s", between, k->name, k->words[n]);
	}
}

void way_print(const struct way *w, const struct way *usual, struct str *out)
{
	for (size_t i = 0; i < KEYS; i++)
		print_key(&keys[i], (const char *)w + keys[i].at, (const char *)usual + keys[i].at, out);
}

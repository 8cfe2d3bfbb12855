/* Looking at and eating runs of bytes. See span.h. */
#include "common/base/span.h"

bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_alnum(char c)
{
	return is_alpha(c) || is_digit(c);
}

bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

bool is_space(char c)
{
	return is_blank(c) || c == '\r' || c == '\n';
}

bool is_print(char c)
{
	return c >= 0x20 && c <= 0x7e;
}

char to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = to_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool same_ignoring_case(const char *a, const char *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (to_lower(a[i]) != to_lower(b[i]))
			return false;
	}
	return true;
}

bool span_alike(struct span a, struct span b)
{
	return a.n == b.n && same_ignoring_case(a.p, b.p, a.n);
}

bool span_same(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool span_is(struct span s, const char *word)
{
	return span_alike(s, span_of(word));
}

bool span_starts(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && same_ignoring_case(s.p, word, n);
}

bool span_ends(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && same_ignoring_case(s.p + s.n - n, word, n);
}

/* Bernstein's */
size_t span_hash(struct span s)
{
	size_t h = 5381;

	for (size_t i = 0; i < s.n; i++)
		h = h * 33 ^ (unsigned char)s.p[i];
	return h;
}

int span_order(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int by_bytes = n ? memcmp(a.p, b.p, n) : 0;

	if (by_bytes)
		return by_bytes;
	return (a.n > b.n) - (a.n < b.n);
}

struct span span_from(struct span s, size_t at)
{
	if (at > s.n)
		at = s.n;
	return at ? (struct span){ s.p + at, s.n - at } : s;
}

struct span span_to(struct span s, size_t n)
{
	return (struct span){ s.p, n < s.n ? n : s.n };
}

bool span_eat(struct span *in, const char *word)
{
	if (!span_starts(*in, word))
		return false;
	*in = span_from(*in, strlen(word));
	return true;
}

bool span_eat_char(struct span *in, char c)
{
	if (!in->n || *in->p != c)
		return false;
	*in = span_from(*in, 1);
	return true;
}

/* Eight at a time: a byte that is c is 0 after the xor, and only that leaves its high bit clear. */
size_t span_count(struct span s, char c)
{
	const uint64_t low = 0x7f7f7f7f7f7f7f7fU, wanted = 0x0101010101010101U * (unsigned char)c;
	size_t count = 0, i = 0;
	uint64_t eight;

	for (; s.n - i >= sizeof eight; i += sizeof eight) {
		memcpy(&eight, s.p + i, sizeof eight);
		eight ^= wanted;
		eight = ((eight & low) + low) | eight;
		count += (size_t)__builtin_popcountll(~eight & ~low);
	}
	for (; i < s.n; i++)
		count += s.p[i] == c;
	return count;
}

ptrdiff_t span_find(struct span s, char c)
{
	const char *at = s.n ? memchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

ptrdiff_t span_rfind(struct span s, char c)
{
	const char *at = s.n ? memrchr(s.p, c, s.n) : NULL;

	return at ? at - s.p : -1;
}

ptrdiff_t span_search(struct span s, struct span what)
{
	const char *at = s.n ? memmem(s.p, s.n, what.p, what.n) : NULL;

	return at ? at - s.p : -1;
}

bool span_has(struct span s, char c)
{
	return span_find(s, c) >= 0;
}

bool span_is_ascii(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] >= 0x80)
			return false;
	}
	return true;
}

bool span_cut(struct span *in, char at, struct span *head)
{
	ptrdiff_t i = span_find(*in, at);

	if (i < 0)
		return false;
	*head = span_to(*in, (size_t)i);
	*in = span_from(*in, (size_t)i + 1);
	return true;
}

struct span span_take(struct span *in, size_t n)
{
	struct span head = span_to(*in, n);

	*in = span_from(*in, head.n);
	return head;
}

bool span_piece(struct span *in, char at, struct span *piece)
{
	if (!in->n)
		return false;
	if (!span_cut(in, at, piece))
		*piece = span_take(in, in->n);
	return true;
}

struct span span_while(struct span *in, bool (*ok)(char))
{
	size_t n = 0;

	while (n < in->n && ok(in->p[n]))
		n++;
	return span_take(in, n);
}

static bool not_blank(char c)
{
	return !is_blank(c);
}

struct span span_word(struct span *in)
{
	span_while(in, is_blank);
	return span_while(in, not_blank);
}

struct span span_trim(struct span s)
{
	while (s.n && is_space(*s.p))
		s = span_from(s, 1);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool span_eat_u64(struct span *in, uint64_t max, uint64_t *out)
{
	struct span at = *in, digits = span_while(&at, is_digit);
	uint64_t v = 0;

	if (!digits.n)
		return false;
	for (size_t i = 0; i < digits.n; i++) {
		uint64_t d = (uint64_t)(digits.p[i] - '0');

		if (v > (max - d) / 10 || d > max)
			return false;
		v = v * 10 + d;
	}
	*out = v;
	*in = at;
	return true;
}

static bool eat_unit(struct span *in, uint64_t *seconds)
{
	static const struct { char name; uint64_t seconds; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
	};

	*seconds = 1;
	for (size_t i = 0; in->n && i < sizeof units / sizeof *units; i++) {
		if (to_lower(*in->p) != units[i].name)
			continue;
		*seconds = units[i].seconds;
		*in = span_from(*in, 1);
		return true;
	}
	return !in->n;
}

bool span_eat_time(struct span *in, uint64_t max, uint64_t *seconds)
{
	struct span rest = *in;
	uint64_t n, unit;

	if (!span_eat_u64(&rest, max, &n) || !eat_unit(&rest, &unit))
		return false;
	*in = rest;
	*seconds = n * unit;
	return true;
}

bool span_time(struct span s, uint64_t *seconds)
{
	uint64_t sum = 0, n;

	do {
		if (!span_eat_time(&s, 366 * 86400, &n))
			return false;
		sum += n;
	} while (s.n);
	*seconds = sum;
	return sum > 0;
}

bool span_u64(struct span s, uint64_t max, uint64_t *out)
{
	uint64_t v;

	if (!span_eat_u64(&s, max, &v) || s.n)
		return false;
	*out = v;
	return true;
}

bool span_copy(struct span s, char *buf, size_t size)
{
	buf[0] = '\0';
	if (s.n >= size || span_has(s, '\0'))
		return false;
	if (s.n)
		memcpy(buf, s.p, s.n);
	buf[s.n] = '\0';
	return true;
}

bool span_copy_lower(struct span s, char *buf, size_t size)
{
	bool ok = span_copy(s, buf, size);

	for (char *c = buf; *c; c++)
		*c = to_lower(*c);
	return ok;
}

static unsigned least_of(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* Optimal string alignment: Levenshtein's distance with neighbours swapped counting one. */
unsigned span_distance(struct span a, struct span b)
{
	enum { LONG = 48 };
	unsigned d[LONG + 1][LONG + 1];

	if (a.n > LONG || b.n > LONG)
		return 99;
	for (size_t i = 0; i <= a.n; i++) {
		for (size_t j = 0; j <= b.n; j++) {
			if (!i || !j) {
				d[i][j] = (unsigned)(i + j);
				continue;
			}
			d[i][j] = least_of(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = least_of(d[i][j],
			    d[i - 1][j - 1] + (to_lower(a.p[i - 1]) != to_lower(b.p[j - 1])));
			if (i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1])
				d[i][j] = least_of(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a.n][b.n];
}

/* PROXY headers. See proxy.h; the spec is HAProxy's doc/proxy-protocol.txt. */
#include "common/net/proxy.h"

enum {
	FIXED		= 16,		/* version 2: signature, version and command, family, length */
	SIGNATURE	= 12,
	VERSION_2	= 2,
	COMMAND_LOCAL	= 0,
	COMMAND_PROXY	= 1,
	OVER_TCP4	= 0x11,
	OVER_TCP6	= 0x21,
	BYTES_TCP4	= 12,		/* two addresses and two ports */
	BYTES_TCP6	= 36,
};

static const char signature[SIGNATURE] = { '\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I',
	'T', '\n' };

/* --- version 1 --- */

/* One word, and the one blank behind it; the last has none. */
static bool take_word(struct span *in, struct span *word)
{
	if (span_cut(in, ' ', word))
		return word->n > 0 && in->n > 0;
	*word = *in;
	*in = span_from(*in, in->n);
	return word->n > 0;
}

static bool take_ip(struct span *in, unsigned family, struct address *out)
{
	struct span word;

	return take_word(in, &word) && address_parse(word, out) && out->family == family;
}

/* "0" alone may begin with 0. */
static bool take_port(struct span *in, unsigned *out)
{
	struct span word;
	uint64_t n;

	if (!take_word(in, &word) || (word.n > 1 && word.p[0] == '0') || !span_u64(word, 65535, &n))
		return false;
	*out = (unsigned)n;
	return true;
}

/* What stands between "PROXY " and CRLF. */
static enum proxy_step read_line(struct span line, struct proxy_client *out)
{
	struct proxy_client got = { .named = true };
	struct span word;
	unsigned family;

	if (!take_word(&line, &word))
		return PROXY_NONE;
	if (span_same(word, SPAN("UNKNOWN")))		/* the rest is to be ignored */
		return PROXY_DONE;
	family = span_same(word, SPAN("TCP4")) ? 4 : span_same(word, SPAN("TCP6")) ? 6 : 0;
	if (!family || !take_ip(&line, family, &got.who) || !take_ip(&line, family, &got.here) ||
	    !take_port(&line, &got.port) || !take_port(&line, &got.here_port) || line.n)
		return PROXY_NONE;
	*out = got;
	return PROXY_DONE;
}

static enum proxy_step parse_text(struct span in, struct proxy_client *out, size_t *used)
{
	struct span line = span_to(in, PROXY_TEXT_MAX);
	ptrdiff_t end = span_search(line, SPAN("\r\n"));

	if (end < 0)
		return in.n < PROXY_TEXT_MAX ? PROXY_MORE : PROXY_NONE;
	*used = (size_t)end + 2;
	return read_line(span_from(span_to(line, (size_t)end), sizeof "PROXY " - 1), out);
}

/* --- version 2 --- */

static unsigned number(const char *p)
{
	return (unsigned)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

static bool take_addresses(struct span in, unsigned family, struct proxy_client *out)
{
	size_t size = family == 4 ? 4 : 16;
	struct proxy_client got = { .named = true };

	if (in.n < 2 * size + 4)
		return false;
	got.who = address_from_bytes(family, (const uint8_t *)in.p);
	got.here = address_from_bytes(family, (const uint8_t *)in.p + size);
	got.port = number(in.p + 2 * size);
	got.here_port = number(in.p + 2 * size + 2);
	*out = got;
	return true;
}

static enum proxy_step read_binary(struct span in, struct proxy_client *out)
{
	unsigned command = (unsigned char)in.p[SIGNATURE] & 15, family = (unsigned char)in.p[SIGNATURE + 1];
	struct span rest = span_from(in, FIXED);

	if (command == COMMAND_LOCAL || (family != OVER_TCP4 && family != OVER_TCP6))
		return PROXY_DONE;
	return take_addresses(rest, family == OVER_TCP4 ? 4 : 6, out) ? PROXY_DONE : PROXY_NONE;
}

static enum proxy_step parse_binary(struct span in, struct proxy_client *out, size_t *used)
{
	size_t whole;

	if (in.n < FIXED)
		return PROXY_MORE;
	if ((unsigned char)in.p[SIGNATURE] >> 4 != VERSION_2 ||
	    ((unsigned char)in.p[SIGNATURE] & 15) > COMMAND_PROXY)
		return PROXY_NONE; /* whatever the length it gives: nobody waits for the rest */
	whole = FIXED + number(in.p + SIGNATURE + 2);
	if (whole > PROXY_MAX)
		return PROXY_NONE;
	if (in.n < whole)
		return PROXY_MORE;
	*used = whole;
	return read_binary(span_to(in, whole), out);
}

/* Is one the beginning of the other? */
static bool begins(struct span in, struct span with)
{
	size_t n = in.n < with.n ? in.n : with.n;

	return span_same(span_to(in, n), span_to(with, n));
}

enum proxy_step proxy_parse(struct span in, struct proxy_client *out, size_t *used)
{
	const struct span text = SPAN("PROXY "), binary = { signature, SIGNATURE };

	*out = (struct proxy_client){ .named = false };
	*used = 0;
	if (begins(in, text))
		return in.n < text.n ? PROXY_MORE : parse_text(in, out, used);
	if (begins(in, binary))
		return in.n < binary.n ? PROXY_MORE : parse_binary(in, out, used);
	return PROXY_NONE;
}

/* The two numbers of an RSA public key. See der.h. */
#include "common/trust/der.h"

enum { DER_INTEGER = 0x02, DER_BITS = 0x03, DER_SEQUENCE = 0x30 };

/* Eat the length: one byte, or 0x81 and one, or 0x82 and two; the shortest of these (X.690 10.1). */
static bool eat_length(struct span *in, size_t *n)
{
	size_t bytes, v = 0;

	if (!in->n)
		return false;
	bytes = (unsigned char)in->p[0];
	*in = span_from(*in, 1);
	if (bytes < 0x80) {
		*n = bytes;
		return true;
	}
	bytes -= 0x80;
	if (bytes < 1 || bytes > 2 || in->n < bytes)
		return false;
	for (size_t i = 0; i < bytes; i++)
		v = v << 8 | (unsigned char)in->p[i];
	*in = span_from(*in, bytes);
	*n = v;
	return v >= (bytes == 1 ? 0x80 : 0x100);
}

static bool eat(struct span *in, int type, struct span *content)
{
	struct span at = *in;
	size_t n;

	if (!span_eat_char(&at, (char)type) || !eat_length(&at, &n) || n > at.n)
		return false;
	*content = span_take(&at, n);
	*in = at;
	return true;
}

static bool eat_number(struct span *in, struct span *number)
{
	if (!eat(in, DER_INTEGER, number) || !number->n || (unsigned char)number->p[0] & 0x80)
		return false;
	while (number->n && !number->p[0])
		*number = span_from(*number, 1);
	return number->n > 0;
}

static bool parse_numbers(struct span der, struct der_rsa *out)
{
	struct span both;

	return eat(&der, DER_SEQUENCE, &both) && !der.n && eat_number(&both, &out->modulus) &&
	    eat_number(&both, &out->exponent) && !both.n;
}

bool der_rsa_parse(struct span der, struct der_rsa *out)
{
	/* rsaEncryption, 1.2.840.113549.1.1.1, with NULL as its parameters (RFC 3279 2.3.1) or without any */
	static const struct span names[] = {
		SPAN("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00"),
		SPAN("\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01"),
	};
	struct span in = der, info, algorithm, bits;

	if (parse_numbers(der, out))
		return true;
	if (!eat(&in, DER_SEQUENCE, &info) || in.n || !eat(&info, DER_SEQUENCE, &algorithm))
		return false;
	if (!span_same(algorithm, names[0]) && !span_same(algorithm, names[1]))
		return false;
	return eat(&info, DER_BITS, &bits) && !info.n && span_eat_char(&bits, '\0') &&
	    parse_numbers(bits, out);
}

/* What a front knows about a client's TLS. See channel.h. */
#include "common/net/channel.h"

#include "common/base/siphash.h"

static bool is_name_char(char c)
{
	return c > 0x20 && c < 0x7f && c != ',' && c != ':';
}

void channel_add_name(struct channel *c, struct span name)
{
	struct span rest = name;
	size_t have = strlen(c->names), comma = have > 0;

	span_while(&rest, is_name_char);
	if (!name.n || rest.n || have + comma + name.n >= sizeof c->names)
		return;
	if (comma)
		c->names[have++] = ',';
	span_copy(name, c->names + have, sizeof c->names - have);
}

static void add_hex(struct str *out, const unsigned char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		str_addf(out, "%02x", bytes[i]);
}

void channel_seal(const struct channel *c, const uint64_t key[2], struct str *out)
{
	struct str text = STR(CHANNEL_TEXT);

	str_add_char(&text, ':');
	add_hex(&text, c->exporter, c->exporter_n);
	str_add_char(&text, ':');
	add_hex(&text, c->end_point, c->end_point_n);
	str_addf(&text, ":%s", c->names);
	str_addf(out, "%016llx", (unsigned long long)siphash(key, str_span(&text)));
	str_add(out, str_span(&text));
	str_free(&text);
}

static bool read_hex(struct span text, unsigned char *bytes, size_t max, size_t *n)
{
	if (text.n % 2 || text.n / 2 > max)
		return false;
	*n = text.n / 2;
	for (size_t i = 0; i < *n; i++) {
		int high = hex_value(text.p[2 * i]), low = hex_value(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

bool channel_read(struct span word, struct channel *c)
{
	struct channel got = { .exporter_n = 0 };
	struct span seal, exporter, end_point;

	if (!span_cut(&word, ':', &seal) || !span_cut(&word, ':', &exporter) ||
	    !span_cut(&word, ':', &end_point) ||
	    !read_hex(exporter, got.exporter, sizeof got.exporter, &got.exporter_n) ||
	    !read_hex(end_point, got.end_point, sizeof got.end_point, &got.end_point_n) ||
	    !span_copy(word, got.names, sizeof got.names))
		return false;
	*c = got;
	return true;
}

bool channel_open(struct span word, const uint64_t key[2], struct channel *c)
{
	struct channel got;
	struct str right = STR(CHANNEL_TEXT);
	unsigned differ;

	if (!channel_read(word, &got))
		return false;
	channel_seal(&got, key, &right);
	differ = right.over || right.n != word.n;
	for (size_t i = 0; !differ && i < word.n; i++)
		differ |= (unsigned char)right.p[i] ^ (unsigned char)word.p[i];
	str_free(&right);
	if (differ)
		return false;
	*c = got;
	return true;
}

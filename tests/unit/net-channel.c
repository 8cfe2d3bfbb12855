/* What a front vouches for, and what it does not. */
#include "common/net/channel.h"
#include "tests/unit/unit.h"

static const uint64_t key[2] = { 1, 2 }, other_key[2] = { 1, 3 };

static struct channel some(void)
{
	struct channel c = { .exporter_n = CHANNEL_EXPORTER, .end_point_n = 32 };

	memset(c.exporter, 0xe1, sizeof c.exporter);
	memset(c.end_point, 0x0d, c.end_point_n);
	channel_add_name(&c, SPAN("ann@example.org"));
	channel_add_name(&c, SPAN("ann@example.net"));
	return c;
}

START_TEST(seal_opens_with_its_key_only)
{
	struct str word = STR(CHANNEL_TEXT);
	struct channel c = some(), got;

	channel_seal(&c, key, &word);
	ck_assert(!word.over && !span_has(str_span(&word), ' '));
	ck_assert(channel_open(str_span(&word), key, &got));
	ck_assert_mem_eq(got.exporter, c.exporter, CHANNEL_EXPORTER);
	ck_assert_uint_eq(got.end_point_n, 32);
	ck_assert_str_eq(got.names, "ann@example.org,ann@example.net");
	ck_assert(!channel_open(str_span(&word), other_key, &got));
	for (size_t i = 0; i < word.n; i++) {
		word.p[i] ^= 1;
		ck_assert_msg(!channel_open(str_span(&word), key, &got), "byte %zu", i);
		word.p[i] ^= 1;
	}
	str_free(&word);
}
END_TEST

START_TEST(nothing_known_is_sealed_too)
{
	struct str word = STR(CHANNEL_TEXT);
	struct channel none = { .exporter_n = 0 }, got;

	channel_seal(&none, key, &word);
	ck_assert(channel_open(str_span(&word), key, &got));
	ck_assert_uint_eq(got.exporter_n + got.end_point_n + strlen(got.names), 0);
	str_free(&word);
}
END_TEST

START_TEST(largest_fits)
{
	struct str word = STR(CHANNEL_TEXT), name = STR(400);
	struct channel c = { .exporter_n = CHANNEL_EXPORTER, .end_point_n = CHANNEL_DIGEST_MAX }, got;

	for (int i = 0; i < CHANNEL_NAMES - 1; i++)
		str_add_char(&name, 'a');
	channel_add_name(&c, str_span(&name));
	channel_add_name(&c, SPAN("b"));
	ck_assert_uint_eq(strlen(c.names), CHANNEL_NAMES - 1);
	channel_seal(&c, key, &word);
	ck_assert(!word.over && channel_open(str_span(&word), key, &got));
	str_free(&word);
	str_free(&name);
}
END_TEST

static const struct { struct span name; const char *then; } names[] = {
	{ SPAN(""), "x@y" }, { SPAN("a b@c"), "x@y" }, { SPAN("a,b@c"), "x@y" }, { SPAN("a:b@c"), "x@y" },
	{ SPAN("a@b\0c"), "x@y" }, { SPAN("\xc3\xa4@b"), "x@y" }, { SPAN("a@b"), "x@y,a@b" },
};

START_TEST(names_are_plain)
{
	struct channel c = { .names = "x@y" };

	channel_add_name(&c, names[_i].name);
	ck_assert_str_eq(c.names, names[_i].then);
}
END_TEST

static const char *const bad[] = {
	"", ":", "::", "0:abc::", "0:zz::", "0:AB::", "0123456789abcdef:::",
	"0:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20::",
};

START_TEST(nonsense_is_no_seal)
{
	struct channel got;

	ck_assert(!channel_open(span_of(bad[_i]), key, &got));
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("net-channel");

	tcase_add_test(tc, seal_opens_with_its_key_only);
	tcase_add_test(tc, nothing_known_is_sealed_too);
	tcase_add_test(tc, largest_fits);
	tcase_add_loop_test(tc, names_are_plain, 0, COUNT(names));
	tcase_add_loop_test(tc, nonsense_is_no_seal, 0, COUNT(bad));
	return unit_end();
}

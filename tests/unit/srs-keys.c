/* The keys of senders that lead back, on disk. */
#include "common/directory/srs-keys.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"

#define KEY	"00112233445566778899aabbccddeeff\n"

static const struct { const char *text; size_t count; } texts[] = {
	{ KEY, 1 }, { KEY KEY, 2 }, { KEY KEY KEY KEY, 4 }, { KEY KEY KEY KEY KEY, 0 }, { "", 0 }, { "\n", 0 }, { KEY "\n", 0 },
	{ "00112233445566778899aabbccddeeff", 0 }, { "0" KEY, 0 }, { "00112233445566778899aabbccddeef\n", 0 },
	{ "00112233445566778899AABBCCDDEEFF\n", 0 }, { KEY "x\n", 0 }, { KEY "00", 0 },
};

START_TEST(text_parses)
{
	struct str again = STR(SRS_KEYS_TEXT);
	struct srs_keys keys;

	ck_assert(srs_keys_parse(span_of(texts[_i].text), &keys, NULL) == (texts[_i].count > 0));
	ck_assert_uint_eq(keys.count, texts[_i].count);
	srs_keys_print(&keys, &again);
	ck_assert_str_eq(again.p, keys.count ? texts[_i].text : "");
	str_free(&again);
}
END_TEST

static char root[40], directory[60];

static void read_all(struct srs_keys *keys)
{
	struct err e;

	ck_assert_msg(srs_keys_read(directory, keys, &e), "%s", e.text);
}

START_TEST(made_once_and_rotated)
{
	char stamp[SRS_KEYS_STAMP], name[80];
	struct srs_keys first, keys;
	struct stat st;
	struct err e;

	snprintf(root, sizeof root, "/tmp/srs-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(root));
	snprintf(directory, sizeof directory, "%s/srs", root);
	srs_keys_stamp(directory, stamp);
	ck_assert_str_eq(stamp, "");
	ck_assert(!srs_keys_read(directory, &keys, &e) && keys.count == 0);
	ck_assert(!srs_keys_rotate(directory, &e));
	ck_assert_msg(srs_keys_make(directory, -1, -1, &e), "%s", e.text);
	read_all(&first);
	ck_assert(srs_keys_make(directory, -1, -1, &e));
	read_all(&keys);
	ck_assert(keys.count == 1 && memcmp(keys.keys[0], first.keys[0], sizeof first.keys[0]) == 0);
	for (int i = 0; i < SRS_KEYS + 1; i++) {
		ck_assert_msg(srs_keys_rotate(directory, &e), "%s", e.text);
		read_all(&keys);
		ck_assert(memcmp(keys.keys[0], first.keys[0], sizeof first.keys[0]) != 0);
		ck_assert_uint_eq(keys.count, i + 2 < SRS_KEYS ? (size_t)i + 2 : SRS_KEYS);
		if (i + 2 <= SRS_KEYS)
			ck_assert(memcmp(keys.keys[keys.count - 1], first.keys[0], sizeof first.keys[0]) == 0);
	}
	snprintf(name, sizeof name, "%s/keys", directory);
	ck_assert(stat(name, &st) == 0 && (st.st_mode & 0777) == 0600);
	srs_keys_stamp(directory, stamp);
	ck_assert_str_ne(stamp, "");
	unlink(name);
	ck_assert_int_eq(rmdir(directory), 0);		/* nothing temporary is left */
	rmdir(root);
}
END_TEST

int main(void)
{
	TCase *tc = unit_begin("srs-keys");

	tcase_add_loop_test(tc, text_parses, 0, COUNT(texts));
	tcase_add_test(tc, made_once_and_rotated);
	return unit_end();
}

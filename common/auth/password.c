/* Hashes of passwords. See password.h. */
#include "common/auth/password.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

/* Of a password that nobody has, made like ours. */
static const char nobody[] = "$y$j9T$BSpiqNh1wYXxrDEUGuRIh0$CKKyP2qtGKa8wNsSruBAH9lyu6k4fwjea.5bVvn01P1";

static struct span without_braces(struct span hash)
{
	struct span at = hash, scheme;

	return span_eat_char(&at, '{') && span_cut(&at, '}', &scheme) ? at : hash;
}

/* Takes the same time wherever they differ. */
static bool same(const char *a, const char *b)
{
	size_t n = strlen(a);
	unsigned differ = n != strlen(b);

	for (size_t i = 0; !differ && i < n; i++)
		differ |= (unsigned char)a[i] ^ (unsigned char)b[i];
	return !differ;
}

static bool crypts_to(const char *password, const char *hash)
{
	struct crypt_data *room = calloc(1, sizeof *room);
	const char *got;
	bool ok;

	if (!room)
		return false;
	got = crypt_r(password, hash, room);
	ok = got && *got == '$' && same(got, hash);
	explicit_bzero(room, sizeof *room);
	free(room);
	return ok;
}

bool password_matches(struct span hash, const char *password)
{
	char text[PASSWORD_HASH_MAX];

	hash = without_braces(hash);
	if (!span_copy(hash, text, sizeof text) || *text != '$') {
		crypts_to(password, nobody);
		return false;
	}
	return crypts_to(password, text);
}

bool password_hash(const char *password, char hash[PASSWORD_HASH_MAX], struct err *e)
{
	struct crypt_data *room = calloc(1, sizeof *room);
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	const char *got;

	if (!room || !crypt_gensalt_rn("$y$", 0, NULL, 0, setting, sizeof setting)) {
		free(room);
		return err_sys(e, "cannot make a salt");
	}
	got = crypt_r(password, setting, room);
	if (!got || *got != '$' || strlen(got) >= PASSWORD_HASH_MAX) {
		free(room);
		return err_perm(e, "5.3.5", "crypt(3) of this machine makes no yescrypt hash");
	}
	memcpy(hash, got, strlen(got) + 1);
	explicit_bzero(room, sizeof *room);
	free(room);
	return true;
}
